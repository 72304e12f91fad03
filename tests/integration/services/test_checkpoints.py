"""Checkpoints of the audit chains: what no chain can tell of itself, a file elsewhere tells."""

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from cases.checkpoints import last_checkpoint, merkle_root, public_key, read_series
from cases.guards import install_guards, remove_guards
from cases.models import AuditEvent, Case
from cases.policy import SYSTEM
from cases.services.audit import FIRST_PREVIOUS, event_hash, record_event, verify_chains
from cases.services.checkpoints import (
    verify_against_checkpoints,
    write_checkpoint,
    write_checkpoint_if_due,
)
from cases.services.reports.chain import record_report_event
from cases.tasks import audit_checkpoint_task, verify_audit_task
from tests.casework import make_case, make_user, person
from tests.conftest import SignIn
from tests.report_desk import make_report_desk

pytestmark = [pytest.mark.django_db, pytest.mark.owner]


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.AUDIT_CHECKPOINT_DIR = tmp_path / "elsewhere"
    return settings.AUDIT_CHECKPOINT_DIR


@pytest.fixture
def unguarded() -> Iterator[None]:
    """The database as somebody with full rights would use it."""
    remove_guards()
    yield
    install_guards()


def add(case: Case | None, number: int = 1) -> None:
    for _ in range(number):
        record_event(case, "edit_case", "x", by=SYSTEM)


def cut(case: Case | None, number: int = 1) -> None:
    """Take the last events away: what is left is a whole chain."""
    last = AuditEvent.objects.filter(case=case).order_by("-seq").values_list("pk", flat=True)
    AuditEvent.objects.filter(pk__in=list(last[:number])).delete()


def rewrite(case: Case | None) -> None:
    """Say something else in the first event and make every hash fit again."""
    prev = FIRST_PREVIOUS
    for event in AuditEvent.objects.filter(case=case).order_by("seq"):
        reason = "Never said." if event.seq == 1 else event.reason
        digest = event_hash(
            prev, case=str(case.public_id) if case else None, seq=event.seq, at=event.at,
            actor=event.actor_id, actor_ip=event.actor_ip, action=event.action,
            object=event.object, reason=reason, data=event.data,
        )  # fmt: skip
        AuditEvent.objects.filter(pk=event.pk).update(reason=reason, prev_hash=prev, hash=digest)
        prev = digest


def reasons() -> list[tuple[str, str]]:
    report, _series = verify_against_checkpoints()
    return [(each.case, each.reason) for each in report.breaks]


def test_a_checkpoint_holds_the_head_of_each_chain(folder: Path) -> None:
    case, other = make_case(), make_case()
    add(case, 3)
    add(None)
    first = write_checkpoint()
    assert first.heads[str(case.public_id)][0] == 4
    assert first.heads[""][0] == 1
    assert len(first.heads) == 3
    add(other)
    second = write_checkpoint()
    assert (second.n, second.prev) == (2, first.hash)
    text = next(folder.glob("*.jsonl")).read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [len(line["heads"]) for line in lines] == [3, 1], "only changed heads are written again"
    assert read_series(folder).newest == second
    assert reasons() == []


@pytest.mark.parametrize("is_system", [False, True])
@pytest.mark.parametrize("harm", ["cut", "rewrite"])
def test_a_chain_cut_or_rewritten_behind_a_checkpoint_is_found(
    folder: Path, unguarded: None, harm: str, is_system: bool
) -> None:
    case = None if is_system else make_case()
    add(case, 4)
    write_checkpoint()
    add(case)
    assert reasons() == []
    {"cut": lambda: cut(case, 2), "rewrite": lambda: rewrite(case)}[harm]()
    assert verify_chains().is_whole, "the chain alone does not tell"
    [(where, reason)] = reasons()
    assert where == (case.reference if case else "")
    assert "checkpoint 1 of 20" in reason
    assert ("is missing" if harm == "cut" else "differs") in reason


def test_what_was_cut_behind_the_newest_checkpoint_only_is_still_found(
    folder: Path, unguarded: None
) -> None:
    """T3 of the plan: a cut tail is found at the next checkpoint, wherever it was cut."""
    dice = random.Random(7)
    cases = [make_case() for _ in range(5)]
    for _ in range(20):
        add(dice.choice(cases), dice.randint(1, 3))
        write_checkpoint()
    victim = dice.choice(cases)
    cut(victim)
    assert [where for where, _ in reasons()] == [victim.reference]


def test_a_case_that_is_gone_is_found(folder: Path, unguarded: None) -> None:
    case = make_case()
    write_checkpoint()
    AuditEvent.objects.filter(case=case).delete()
    Case.objects.filter(pk=case.pk).delete()
    assert verify_chains().is_whole
    [(where, reason)] = reasons()
    assert where == str(case.public_id)
    assert "is gone" in reason


def test_a_report_that_is_gone_is_found_and_none_is_betrayed(folder: Path, unguarded: None) -> None:
    desk = make_report_desk()
    without = write_checkpoint()
    report = desk.draft()
    record_report_event(report, "edit_report", by=SYSTEM)
    sealed = write_checkpoint()
    assert "report" not in next(folder.glob("*.jsonl")).read_text()
    again = write_checkpoint()
    assert len({without.other, sealed.other, again.other}) == 3, "it tells when a report changed"
    assert reasons() == []
    report.events.order_by("-seq").first().delete()
    assert [reason for _, reason in reasons() if "another kind" in reason]


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("forge", "wrong signature"),
        ("remove", "does not continue"),
        ("key", "another key"),
        ("tear", ""),
    ],
)
def test_lines_that_were_touched_are_found(folder: Path, harm: str, found: str) -> None:
    case = make_case()
    for _ in range(3):
        add(case)
        write_checkpoint()
    file = next(folder.glob("*.jsonl"))
    lines = file.read_text().splitlines(keepends=True)
    if harm == "forge":
        line = json.loads(lines[2])
        line["signature"] = "0" * 128
        lines[2] = json.dumps(line) + "\n"
    elif harm == "remove":
        del lines[1]
    elif harm == "tear":  # a power cut: the line is lost, the next one is written whole
        lines[2] = lines[2][:50]
    file.write_text("".join(lines))
    faults = read_series(folder, ["0" * 64] if harm == "key" else []).faults
    assert found in " ".join(faults)
    assert bool(faults) == bool(found)
    if harm == "tear":
        assert write_checkpoint().n == 3
        assert read_series(folder).num_unreadable == 1
        assert read_series(folder).faults == ()


def test_a_new_month_begins_with_every_head(folder: Path) -> None:
    cases = [make_case() for _ in range(3)]
    write_checkpoint()
    file = next(folder.glob("*.jsonl"))
    file.rename(folder / "audit-2001-01.jsonl")
    add(cases[0])
    write_checkpoint()
    newest = sorted(folder.glob("*.jsonl"))[-1]
    assert newest.name != "audit-2001-01.jsonl"
    assert len(json.loads(newest.read_text())["heads"]) == 3
    assert read_series(newest).faults == (), "one file is enough"
    assert reasons() == []


def test_after_a_restore_the_series_begins_again_and_says_so(folder: Path, unguarded: None) -> None:
    case = make_case()
    add(case, 3)
    write_checkpoint()
    cut(case, 2)
    assert reasons() != []
    call_command("audit_checkpoint", "--begin-again", "Restored from Friday.", stdout=StringIO())
    assert reasons() == []
    out = StringIO()
    call_command("audit_verify", stdout=out)
    assert "began again there: Restored from Friday." in out.getvalue()
    assert AuditEvent.objects.get(case=None).reason == "Restored from Friday."


def test_the_task_writes_when_it_is_time_and_at_each_release(folder: Path, settings: Any) -> None:
    make_case()
    assert audit_checkpoint_task()
    assert not audit_checkpoint_task(), "a hint that came twice"
    assert audit_checkpoint_task("release")
    settings.AUDIT_CHECKPOINT_SECONDS = 0.0001
    assert write_checkpoint_if_due()
    found = last_checkpoint(folder)
    assert found is not None
    assert found[0] == 3


def test_everything_is_verified_once_a_day_and_a_break_is_an_error(
    folder: Path, unguarded: None, caplog: pytest.LogCaptureFixture
) -> None:
    yesterday = timezone.now() - timedelta(hours=25)
    assert not verify_audit_task(), "there is nothing yet"
    case = make_case(person("analyst"))
    add(None)
    assert not verify_audit_task(), "it began today"
    AuditEvent.objects.filter(case=None).update(at=yesterday)
    AuditEvent.objects.filter(case=case).update(reason="another")
    assert verify_audit_task()
    assert not verify_audit_task()
    event = AuditEvent.objects.get(action="verify_audit")
    assert json.loads(event.data)["num_breaks"] == 2
    assert "audit_broken" in caplog.text


def test_the_command_compares_with_a_copy_kept_elsewhere(
    folder: Path, unguarded: None, tmp_path: Path, settings: Any
) -> None:
    case = make_case()
    add(case, 2)
    out = StringIO()
    call_command("audit_checkpoint", "--json", stdout=out)
    assert json.loads(out.getvalue())["events"] == 3
    copy = tmp_path / "auditor.jsonl"
    copy.write_bytes(next(folder.glob("*.jsonl")).read_bytes())
    cut(case)
    settings.AUDIT_CHECKPOINT_DIR = tmp_path / "nothing"
    key = public_key()
    settings.SECRET_KEY = "of the auditor's own machine, with another secret key"
    told = StringIO()
    call_command("audit_verify", stdout=(blind := StringIO()))
    assert "No checkpoint was found" in blind.getvalue()
    with pytest.raises(SystemExit):
        call_command(
            "audit_verify", "--json", "--checkpoints", str(copy), "--public-key", key, stdout=told
        )
    report = json.loads(told.getvalue())
    assert report["breaks"][0]["case"] == case.reference
    assert report["checkpoint"]["n"] == 1
    with pytest.raises(CommandError, match="There is nothing at"):
        call_command("audit_verify", "--checkpoints", str(tmp_path / "absent"))


def test_a_folder_that_cannot_be_written_gives_one_sentence(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "file").write_text("")
    settings.AUDIT_CHECKPOINT_DIR = tmp_path / "file"
    with pytest.raises(CommandError, match="no checkpoint was written"):
        call_command("audit_checkpoint")


def test_the_audit_page_tells_of_the_last_checkpoint(folder: Path, sign_in: SignIn) -> None:
    person("analyst")
    client = sign_in(make_user("auditor"))
    assert "No checkpoint was taken yet" in client.get(reverse("audit_list")).content.decode()
    make_case()
    write_checkpoint()
    assert "Last checkpoint" in client.get(reverse("audit_list")).content.decode()
    assert "Whole" in client.post(reverse("audit_verify")).content.decode()


def test_a_checkpoint_file_that_cannot_be_read_is_told_not_passed_over(
    folder: Path, sign_in: SignIn
) -> None:
    (folder / "audit-2026-01.jsonl").mkdir(parents=True)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("audit_verify")
    page = sign_in(make_user("auditor")).post(reverse("audit_verify")).content.decode()
    assert "cannot be read" in page
    assert "Whole" not in page


def test_the_root_is_that_of_the_standard() -> None:
    """RFC 6962, 2.1: of nothing, of one leaf, and of three, where the split is at two."""

    def leaf(chain: str) -> bytes:
        return hashlib.sha256(b"\0" + f'["{chain}",1,"ab"]'.encode()).digest()

    def node(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(b"\1" + left + right).digest()

    assert merkle_root({}) == hashlib.sha256(b"").hexdigest()
    assert merkle_root({"a": (1, "ab")}) == leaf("a").hex()
    three = merkle_root(dict.fromkeys("abc", (1, "ab")))
    assert three == node(node(leaf("a"), leaf("b")), leaf("c")).hex()
