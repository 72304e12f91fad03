"""Sources of labels: fetched when due, by one worker, and a failure leaves what was loaded."""

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from cases.gateways.labels import LabelsUnreachable, fetch_labels
from cases.models import AuditEvent, LabelSource
from cases.services.errors import CaseworkError
from cases.services.label_sources import (
    SourceSpec,
    add_label_source,
    refresh_due_labels,
    refresh_label_source,
    switch_label_source,
)
from tests.casework import make_user
from tests.conftest import client_of
from tracing import reads
from tracing.models import AttributionTag, SanctionsList, TagPack

pytestmark = pytest.mark.django_db
GOOD = [
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "12c6DSiU4Rq3P4ZxziKxzrL5LmMBrzjrJX",
    "1HLoD9E4SDFFPDiYfNYnkBLQ85Y51J3Zb1",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "FIU_HOME", tmp_path)
    monkeypatch.setattr(settings, "LABEL_FOLDER", tmp_path)
    return tmp_path


def listed(folder: Path, addresses: list[str]) -> None:
    (folder / "list_XBT.txt").write_text("\n".join(addresses) + "\n")


def source(**fields: Any) -> LabelSource:
    values = {"name": "OFAC", "kind": "sanctions", "location": "list_XBT.txt", "every_hours": 24}
    return add_label_source(SourceSpec(**(values | fields)))


def due(row: LabelSource) -> None:
    LabelSource.objects.filter(pk=row.pk).update(due_at=timezone.now() - timedelta(seconds=1))


def test_a_source_is_fetched_when_due_and_a_new_version_gets_a_number(folder: Path) -> None:
    listed(folder, GOOD[:2])
    row = source()
    assert refresh_due_labels() == 1
    assert refresh_due_labels() == 0  # not due any more
    row.refresh_from_db()
    assert (row.last_outcome, row.num_rows, row.lease_until) == ("changed", 2, None)
    assert row.due_at > timezone.now() + timedelta(hours=23)
    first = reads.newest_tag_sets()[0]
    due(row)
    refresh_due_labels()
    row.refresh_from_db()
    assert (row.last_outcome, reads.newest_tag_sets()[0]) == ("same", first)
    listed(folder, GOOD)
    due(row)
    refresh_due_labels()
    newest = reads.newest_tag_sets()[0]
    assert newest.number > first.number
    assert (dict(newest.lists).keys(), newest.packs) == ({"OFAC"}, ())
    assert SanctionsList.objects.get(state="active").num_entries == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "it cannot be read: No such file or directory"),
        ("no address\n", "no line holds an address"),
        (GOOD[0] + "\n", "It went from 3 rows to 1: look, and load it by hand."),
    ],
    ids=["gone", "garbage", "shrunk"],
)
def test_a_failed_refresh_keeps_the_old_set_and_says_why(
    folder: Path, text: str | None, sentence: str
) -> None:
    listed(folder, GOOD)
    row = source()
    refresh_due_labels()
    before = reads.newest_tag_sets()
    file = folder / "list_XBT.txt"
    file.unlink() if text is None else file.write_text(text)
    for failures, hours in ((1, 1), (2, 2)):
        due(row)
        assert refresh_due_labels() == 1
        row.refresh_from_db()
        assert (row.last_outcome, row.num_failures) == ("failed", failures)
        assert timedelta(0) < row.due_at - timezone.now() <= timedelta(hours=hours)
    assert sentence in row.last_error
    assert reads.newest_tag_sets() == before
    assert SanctionsList.objects.get().entries.count() == 3
    assert AuditEvent.objects.filter(action="fail_label_source").count() == 1
    listed(folder, GOOD)
    due(row)
    refresh_due_labels()
    row.refresh_from_db()
    assert (row.last_outcome, row.num_failures, row.last_error) == ("same", 0, "")


def test_a_version_that_was_superseded_is_not_taken_for_the_newest(folder: Path) -> None:
    listed(folder, GOOD[:2])
    row = source()
    refresh_due_labels()
    listed(folder, GOOD)
    refresh_label_source(row.pk, now=True)
    listed(folder, GOOD[:2])
    found = refresh_label_source(row.pk, now=True)
    assert found is not None
    assert "a later one took the place" in found.last_error
    assert SanctionsList.objects.get(state="active").num_entries == 3


def test_who_holds_the_row_alone_fetches_and_a_dead_worker_is_followed(folder: Path) -> None:
    listed(folder, GOOD)
    row = source()
    held = LabelSource.objects.filter(pk=row.pk)
    held.update(lease_until=timezone.now() + timedelta(minutes=5), attempt=1)
    assert refresh_label_source(row.pk, now=True) is None
    held.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert refresh_due_labels() == 1
    row.refresh_from_db()
    assert (row.attempt, row.last_outcome) == (2, "changed")


def test_a_pack_keeps_what_its_source_says_where_it_is_silent(folder: Path) -> None:
    (folder / "exchanges.csv").write_text(f"address,entity,source\n{GOOD[0]},Eastmere,page\n")
    source(name="Own list", kind="tags", location="exchanges.csv", confidence="forensic")
    refresh_due_labels()
    tag = AttributionTag.objects.get()
    assert (tag.label, tag.category, tag.level) == ("Eastmere", "exchange", 50)
    assert TagPack.objects.active().count() == 1


def test_what_may_not_be_asked_is_refused_when_it_is_named(folder: Path) -> None:
    for location, sentence in (
        ("https://lists.sample.example/sdn.xml", "not among FIU_LABEL_HOSTS"),
        ("http://lists.sample.example/sdn.xml", "begins with https"),
        ("https://me:pw@lists.sample.example/x", "no user, password"),
        ("../secrets/key", "FIU_LABEL_FOLDER"),
        ("/etc/passwd", "FIU_LABEL_FOLDER"),
        ("https://h:port/x", "cannot be read"),
    ):
        with pytest.raises(CaseworkError, match=sentence):
            source(location=location)
    with pytest.raises(CaseworkError, match="31 days"):
        source(every_hours=0)
    source()
    with pytest.raises(CaseworkError, match="there already"):
        source()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server on loopback: one list, one redirect, one answer that is cut off."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = ("\n".join(GOOD) + "\n").encode()
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("Location", "/list_XBT.txt")
            self.send_header("Content-Length", str(len(body) + (9 if self.path == "/cut" else 0)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing on the console."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setattr(settings, "LABEL_HOSTS", ["127.0.0.1"])
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_host_is_asked_without_following_it_elsewhere(folder: Path, host: str) -> None:
    source(location=f"{host}/list_XBT.txt?day=today")
    refresh_due_labels()
    assert SanctionsList.objects.get().file_name == "list_XBT.txt"
    with pytest.raises(LabelsUnreachable, match=r"302; redirects are never followed"):
        fetch_labels(f"{host}/moved", folder)
    with pytest.raises(LabelsUnreachable, match=r"cut off|IncompleteRead"):
        fetch_labels(f"{host}/cut", folder)


def test_the_command_and_the_page_tell_the_last_result(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("label_source", "add", "OFAC", "sanctions", "list_XBT.txt", "--every", "12")
    with pytest.raises(CommandError, match=r"^OFAC: it cannot be read"):
        call_command("label_source", "refresh", "OFAC")
    listed(folder, GOOD)
    call_command("label_source", "refresh", "OFAC")
    capsys.readouterr()
    call_command("label_source", "list", "--json")
    [told] = json.loads(capsys.readouterr().out)["sources"]
    assert (told["last_outcome"], told["rows"], told["every_hours"]) == ("changed", 3, 12)
    page = client_of(make_user("analyst")).get("/labels/").content.decode()
    assert "list_XBT.txt" in page
    assert reads.newest_tag_sets()[0].sha256 in page
    assert switch_label_source("OFAC", is_on=False).is_on is False
    assert refresh_due_labels() == 0
    with pytest.raises(CommandError, match="No source is called"):
        call_command("label_source", "refresh", "Nobody")
