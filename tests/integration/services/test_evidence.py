"""The evidence store: what comes in, who looked, and what nobody can change."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from cases.files import FileDamaged
from cases.models import Case, CustodyEvent, Evidence
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.services.errors import CaseworkError
from cases.services.evidence import (
    Origin,
    acquire_evidence,
    export_evidence,
    hand_over_evidence,
    open_evidence,
    seal_evidence,
    verify_evidence,
    verify_store,
)
from cases.services.instruments import UploadedBytes
from cases.states import InvalidTransition
from tests.casework import make_case, person, stale

pytestmark = pytest.mark.django_db
LETTER = b"%PDF-1.7\nFNTF letter 2025-0417, annex 2\n"


@pytest.fixture
def analyst() -> Actor:
    return person("analyst")


@pytest.fixture
def case(analyst: Actor) -> Case:
    return make_case(analyst)


def acquire(case: Case, by: Actor, name: str = "letter.pdf", content: bytes = LETTER) -> Evidence:
    return acquire_evidence(
        case, document=UploadedBytes(name, content), kind="document", title="Letter of the FNTF",
        source="Liaison, by portal", source_grade="A", information_grade="1", by=by,
    )  # fmt: skip


def path_of(evidence: Evidence) -> Path:
    return Path(django_settings.FIU_HOME) / "files" / evidence.sha256[:2] / evidence.sha256


@pytest.fixture
def evidence(case: Case, analyst: Actor) -> Evidence:
    return acquire(case, analyst)


def log_of(evidence: Evidence) -> list[str]:
    return list(evidence.custody.order_by("seq").values_list("action", flat=True))


def test_a_file_is_hashed_stored_and_sealed_at_once(evidence: Evidence, analyst: Actor) -> None:
    assert evidence.sha256 == hashlib.sha256(LETTER).hexdigest()
    assert evidence.sha512 == hashlib.sha512(LETTER).hexdigest()
    assert (evidence.state, evidence.exhibit_no) == ("sealed", "E-001")
    assert log_of(evidence) == ["acquire", "seal"]
    assert open_evidence(evidence, by=analyst) == LETTER
    assert log_of(evidence) == ["acquire", "seal", "view"]
    assert path_of(evidence).stat().st_mode & 0o777 == 0o600
    with pytest.raises(InvalidTransition):
        seal_evidence(evidence)


@pytest.mark.parametrize(
    ("name", "content", "is_taken"),
    [
        ("a.pdf", b"%PDF-1.4 x", True),
        ("a.csv", "Käse,1\n".encode(), True),
        ("a.json", b'{"a": 1}', True),
        ("a.pdf", b"GIF89a", False),
        ("a.exe", b"MZ", False),
        ("a.html", b"<html>", False),
        ("a.svg", b"<svg onload=alert(1)>", False),
        ("a.txt", b"\xef\xbb\xbf <!DOCTYPE html><script>", False),
        ("a.txt", b"MZ\x00\x01", False),
        ("a.json", b"{", False),
        ("a.json", b"[" * 100_000, False),
        ("a.txt", b"\xff\xfe", False),
        ("a.pdf", b"", False),
        ("pdf", LETTER, True),
        ("a.zip", b"PK\x03\x04", False),
    ],
)
def test_a_file_is_taken_by_its_name_and_its_bytes(
    case: Case, analyst: Actor, name: str, content: bytes, is_taken: bool
) -> None:
    if is_taken:
        assert acquire(case, analyst, name, content).size == len(content)
        return
    with pytest.raises(CaseworkError):
        acquire(case, analyst, name, content)
    assert not Evidence.objects.exists()


def test_a_file_over_25_mb_is_refused(case: Case, analyst: Actor) -> None:
    with pytest.raises(CaseworkError, match="25 MB"):
        acquire(case, analyst, "a.pdf", b"%PDF-" + b"0" * (25 * 1024 * 1024))


def test_the_exhibits_of_a_case_have_a_quota(case: Case, analyst: Actor, settings: Any) -> None:
    settings.CASE_MEGABYTES = 1
    acquire(case, analyst, "a.txt", b"a" * 700_000)
    with pytest.raises(CaseworkError, match="would take more than 1 MB"):
        acquire(case, analyst, "b.txt", b"b" * 700_000)
    acquire(make_case(analyst), analyst, "b.txt", b"b" * 700_000)
    assert case.evidence.count() == 1


def test_names_lose_their_folders(case: Case, analyst: Actor) -> None:
    assert acquire(case, analyst, "../../etc/pass<wd.pdf").original_name == "etcpasswd.pdf"


def test_the_same_file_is_one_exhibit(case: Case, analyst: Actor, evidence: Evidence) -> None:
    with pytest.raises(CaseworkError, match="already"):
        acquire(case, analyst)
    assert acquire(make_case(analyst), analyst).sha256 == evidence.sha256


@pytest.mark.parametrize("role", ["auditor", "admin", "liaison"])
def test_who_does_not_work_on_cases_adds_and_sees_nothing(
    case: Case, evidence: Evidence, role: str
) -> None:
    outsider = person(role)
    with pytest.raises(PermissionDenied):
        acquire(case, outsider, content=LETTER + b"2")
    with pytest.raises(PermissionDenied):
        open_evidence(evidence, by=outsider)
    assert not Evidence.objects.visible_to(outsider).exists()


def test_an_export_needs_a_second_person_and_a_fresh_code(
    case: Case, evidence: Evidence, analyst: Actor
) -> None:
    supervisor = person("supervisor")
    with pytest.raises(PermissionDenied):
        export_evidence(evidence, reason="R.", by=analyst)
    with pytest.raises(StepUpRequired):
        export_evidence(evidence, reason="R.", by=stale(supervisor))
    own = acquire(case, supervisor, content=LETTER + b"2")
    with pytest.raises(PermissionDenied):
        export_evidence(own, reason="R.", by=supervisor)
    archive = zipfile.ZipFile(io.BytesIO(export_evidence(evidence, reason="R.", by=supervisor)))
    assert archive.read("data/letter.pdf") == LETTER
    assert b'"action":"export"' in archive.read("custody.json")
    for line in archive.read("manifest-sha256.txt").decode().splitlines():
        digest, name = line.split(maxsplit=1)
        assert hashlib.sha256(archive.read(name)).hexdigest() == digest


@pytest.mark.owner
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE cases_evidence SET title = 'x'",
        "UPDATE cases_evidence SET sha256 = 'x'",
        "UPDATE cases_evidence SET state = 'acquired'",
        "DELETE FROM cases_custodyevent",
        "UPDATE cases_custodyevent SET reason = 'x'",
        "DELETE FROM cases_evidence",
    ],
)
def test_exhibits_and_their_custody_cannot_be_rewritten(evidence: Evidence, change: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_a_custody_line_out_of_turn_is_refused(evidence: Evidence, analyst: Actor) -> None:
    last = evidence.custody.order_by("seq").last()
    assert last is not None
    for seq, prev in ((last.seq + 2, last.hash), (last.seq + 1, "0" * 64)):
        with pytest.raises(IntegrityError), transaction.atomic():
            CustodyEvent.objects.create(
                evidence=evidence, seq=seq, at=last.at, action="view", file_sha256="",
                prev_hash=prev, hash="a" * 64,
            )  # fmt: skip


def test_the_command_finds_a_changed_file(evidence: Evidence, analyst: Actor, capsys: Any) -> None:
    call_command("evidence_verify")
    assert "1 exhibits, 2 custody lines: all whole." in capsys.readouterr().out
    assert verify_evidence(evidence, by=analyst)
    path, kept = path_of(evidence), LETTER
    path.write_bytes(b"%PDF-1.7\nsomething else\n")
    try:
        assert not verify_evidence(evidence, by=analyst)
        with pytest.raises(FileDamaged):
            open_evidence(evidence, by=analyst)
        with pytest.raises(SystemExit):
            call_command("evidence_verify")
        assert "missing or changed" in capsys.readouterr().out
    finally:
        path.write_bytes(kept)
    assert log_of(evidence)[-2:] == ["verify", "verify"]
    assert verify_store().breaks == []


def test_a_redacted_copy_names_its_original_and_both_logs_say_so(
    case: Case, analyst: Actor, evidence: Evidence
) -> None:
    words: dict[str, Any] = {
        "kind": "document", "title": "Letter, redacted", "source": "Own work",
        "source_grade": "A", "information_grade": "1", "by": analyst,
    }  # fmt: skip
    copy = acquire_evidence(
        case, document=UploadedBytes("r.pdf", LETTER + b"-"), tlp="GREEN", handling_code="H2",
        origin=Origin(evidence, is_redacted=True), **words,
    )  # fmt: skip
    assert (copy.redaction_of, copy.derived_from) == (evidence, None)
    assert log_of(evidence) == ["acquire", "seal", "redact"]
    assert evidence.custody.latest("seq").reason == copy.exhibit_no
    elsewhere = make_case(analyst)
    with pytest.raises(CaseworkError, match="another case"):
        acquire_evidence(
            elsewhere, document=UploadedBytes("r.pdf", LETTER), origin=Origin(evidence), **words
        )
    with pytest.raises(CaseworkError, match="H3"):
        acquire_evidence(
            case, document=UploadedBytes("h.pdf", LETTER + b"h"), handling_code="H3", **words
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        Evidence.objects.filter(pk=copy.pk).update(redaction_of=None)
    assert verify_store().breaks == []


def test_who_got_a_copy_or_the_original_stands_in_the_chain(evidence: Evidence) -> None:
    sue = person("supervisor")
    for act in ("copy", "transfer", "receive"):
        hand_over_evidence(evidence, act=act, party="Harbour Court, Ng", reason="Order 7", by=sue)
    assert log_of(evidence) == ["acquire", "seal", "copy", "transfer", "receive"]
    assert verify_store().breaks == []
    with pytest.raises(StepUpRequired):
        hand_over_evidence(evidence, act="copy", party="X", reason="Y", by=stale(sue))
    with pytest.raises(PermissionDenied):
        hand_over_evidence(evidence, act="copy", party="X", reason="Y", by=person("analyst"))
    with pytest.raises(CaseworkError, match="original went"):
        hand_over_evidence(evidence, act="eat", party="X", reason="Y", by=sue)
