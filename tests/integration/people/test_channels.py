"""Eight channels towards an officer, and what the house wrote: none of it comes through (P1 to P7).

Pages, programs, files, mails, log lines, messages to workers, metadata of documents, error pages.
"""

import io
import logging
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.files import load_bytes, store_bytes
from cases.models import OfficerAlarm, ReleaseFile, ReportAcknowledgement, SuspicionReport
from cases.queries.shared import file_for, release_for, releases_for
from cases.queries.shared_lists import copies_for, messages_for
from cases.queries.shared_requests import requests_for
from cases.services.errors import CaseworkError, NotFound
from cases.services.findings import draft_finding
from cases.services.outbound import draft_outbound
from cases.services.questions import answer_question, ask_about_release
from cases.services.referrals import draft_referral, preview, redact_referral
from cases.services.requests import (
    RequestSpec,
    link_request,
    record_request,
    start_preservation,
    start_verification,
)
from cases.services.tasks import add_note
from cases.tasks import housekeeping_task
from fiu.celery import app
from tests.casework import (
    finding_fields,
    make_account,
    make_actor,
    make_agency,
    make_approved_finding,
    make_user,
)
from tests.conftest import client_of
from tests.integration.web.referral_desk import Desk, make_desk
from tests.report_desk import CANARY, make_report_desk

pytestmark = [pytest.mark.django_db, pytest.mark.once]
MARK = "Qvchannel"
LISTS = (
    "liaison_releases", "liaison_downloads", "liaison_messages", "liaison_requests",
    "liaison_request_new",
)  # fmt: skip


class Kept(logging.Handler):
    """Every log line with all that it carries."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.msg} {record.args} {record.getMessage()}")


@pytest.fixture
def lines() -> Iterator[list[str]]:
    kept, root = Kept(), logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    yield kept.lines
    root.removeHandler(kept)
    root.setLevel(level)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []

    def keep(name: str, *given: Any, **named: Any) -> None:
        found.append(f"{name} {given} {named}")

    monkeypatch.setattr(app, "send_task", keep)
    return found


def house_of(desk: Desk) -> list[str]:
    """What the house writes around the release, each text with the mark; what must not be told."""
    analyst, senior = make_actor(desk.analyst), make_actor(desk.supervisor)
    other = make_agency(name=f"{MARK} Bureau", short_name="QVB")
    colleague = make_user("liaison", agency=other, username=f"{MARK}-officer".lower())
    make_account(f"{MARK}77")
    now = timezone.now()
    asked = record_request(
        RequestSpec(
            agency_ref="F-1", instrument_type="court_order", instrument_number="1",
            issued_by="A court", issued_on=now.date(), legal_basis="A law.", offences="Fraud",
            identifiers=f"uid: {MARK}77", datasets=("balances",), due_at=now + timedelta(days=9),
        ),
        by=make_actor(desk.officer),
    )  # fmt: skip
    link_request(asked, desk.case, by=analyst)
    start_verification(asked, by=analyst)
    start_preservation(asked, reason=f"{MARK} preserved", by=analyst)
    outbound = draft_outbound(
        desk.case, kind="exchange", recipient=f"{MARK} exchange", way="email",
        legal_basis=f"{MARK} law", subject=f"{MARK} subject", text=f"{MARK} text",
        due_on=(now + timedelta(days=9)).date(), by=analyst,
    )  # fmt: skip
    add_note(desk.case, text=f"{MARK} note", by=senior)
    OfficerAlarm.objects.create(
        user=colleague, kind="requests", day=now.date(), num_seen=30, num_usual=10, raised_at=now
    )
    return [
        MARK, MARK.lower(), "QVB", desk.case.reference, str(desk.case.public_id), desk.case.title,
        outbound.reference, *desk.case.findings.values_list("reference", flat=True),
    ]  # fmt: skip


def test_nothing_of_the_house_comes_through_any_channel(lines: list[str], sent: list[str]) -> None:
    desk = make_desk(title=f"{MARK} title")
    release = desk.release()
    secrets = house_of(desk)
    by = make_actor(desk.officer)
    question = ask_about_release(release.public_id, about="", text="Why?", by=by)
    answer_question(question, text="So.", by=make_actor(desk.supervisor))
    lines.clear()
    told: dict[str, str] = {}
    browser = client_of(desk.officer)
    one = reverse("liaison_release", args=[release.public_id])
    request_page = browser.get(reverse("liaison_requests")).context["rows"][0].public_id
    pages = [reverse(name) for name in LISTS]
    pages += [one, reverse("liaison_request", args=[request_page])]
    for code in ("en", "zh-hant", "fr"):
        browser.post(reverse("liaison_preferences"), {"language": code})
        told |= {f"page {code} {each}": browser.get(each).content.decode() for each in pages}
    # A colleague's own text of the request is the agency's; the account number it gave is its own.
    given = f"{MARK}77"
    for address in ("/api/v1/cases", "/api/v1/outbound", "/api/v1/officers"):
        answer = browser.get(address)
        assert answer.status_code in (401, 403, 404)
        told[f"program {address}"] = answer.content.decode()
    for file in release.files.exclude(grant=None, name__in=("manifest.json", "release.html")):
        content = load_bytes(file.sha256)
        told[f"file {file.name}"] = content.decode(errors="replace")
        if file.name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as bag:
                told |= {
                    f"file {file.name}/{name}": bag.read(name).decode(errors="replace")
                    for name in bag.namelist()
                }
        if file.name.endswith(".pdf"):  # what a reader shows as its properties
            told[f"metadata {file.name}"] = content[-4000:].decode("latin-1")
    for status, address in ((404, f"{one}x/"), (404, reverse("case_list")), (405, one)):
        answer = browser.post(address) if status == 405 else browser.get(address)
        assert answer.status_code in (status, 302)
        told[f"error {address}"] = answer.content.decode()
    housekeeping_task()
    told |= {f"mail {n}": str(each.message()) for n, each in enumerate(mail.outbox)}
    told["log"] = "\n".join(lines)
    told["messages to workers"] = "\n".join(sent)
    found = [
        f"{channel}: {secret}"
        for channel, words in told.items()
        for secret in secrets
        if secret in words.replace(given, "")
    ]
    assert found == []
    assert lines
    assert len({channel.split()[0] for channel in told}) >= 6


# --- A suspicion report is never part of a release: the service, the query, the database ---

REPORTS = ("cases_suspicionreport", "cases_report")
OF_A_RELEASE = (
    "cases_referral", "cases_sharedrelease", "cases_releasefile", "cases_sharegrant",
    "cases_releasedownload", "cases_releasequestion", "cases_outcome", "cases_releasestamp",
    "cases_referral_findings", "cases_referral_freezes", "cases_referralmember",
    "cases_referralapproval", "cases_informationrequest", "cases_preservation",
)  # fmt: skip


def test_no_key_of_the_database_leads_from_a_release_to_a_report() -> None:
    """As the database has it: whatever a service forgot, there is no column to put one into."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        keys = {
            name: {parent for _column, parent in connection.introspection.get_relations(
                cursor, name
            ).values()}
            for name in names
        }  # fmt: skip
    assert set(OF_A_RELEASE) <= set(names)
    reached, new = set(OF_A_RELEASE), set(OF_A_RELEASE)
    while new:
        new = {parent for name in new for parent in keys.get(name, ())} - reached
        reached |= new
    assert [name for name in sorted(reached) if name.startswith(REPORTS)] == []
    reports = [name for name in names if name.startswith(REPORTS)]
    assert len(reports) >= 4
    assert [name for name in reports if keys[name] & set(OF_A_RELEASE)] == []


def test_a_dossier_is_the_same_with_and_without_a_report() -> None:
    desk = make_report_desk()
    finding = make_approved_finding(desk.case, desk.author)
    referral = draft_referral(
        desk.case, agency_id=make_agency().pk, kind="spontaneous", subject="Proceeds",
        summary="S.", purpose="P.", legal_gateway="Art. 1", caveats="", tlp="AMBER",
        handling_code="H1", findings=[finding], freezes=[], by=desk.author,
    )  # fmt: skip
    before = str(preview(referral).content())
    desk.complete()
    after = str(preview(referral).content())
    assert before == after
    assert CANARY not in after


def test_the_service_puts_no_report_into_a_release_not_even_as_an_exhibit() -> None:
    desk = make_report_desk()
    report = desk.complete()
    values: dict[str, Any] = {
        "agency_id": make_agency().pk, "kind": "spontaneous", "subject": "Proceeds",
        "summary": "S.", "purpose": "P.", "legal_gateway": "Art. 1", "caveats": "",
        "tlp": "AMBER", "handling_code": "H1", "freezes": [], "by": desk.author,
    }  # fmt: skip
    with pytest.raises(CaseworkError, match="approved findings"):
        draft_referral(desk.case, findings=[report], **values)  # type: ignore[list-item]
    with pytest.raises((NotFound, ValueError, TypeError)):
        draft_finding(
            desk.case,
            **finding_fields(),
            exhibits=[report],
            by=desk.author,  # type: ignore[list-item]
        )
    finding = make_approved_finding(desk.case, desk.author)
    referral = draft_referral(
        desk.case, findings=[finding], **(values | {"summary": report.reference})
    )
    with pytest.raises(CaseworkError, match="internal reference"):
        redact_referral(referral, redactions={}, by=desk.author)


def test_the_query_of_the_portal_reads_no_table_of_reports() -> None:
    """Whatever an officer opens, the SQL of it names no report."""
    desk = make_desk(title=f"{MARK} title")
    release = desk.release()
    by = make_actor(desk.officer)
    with CaptureQueriesContext(connection) as ran:
        releases_for(by)
        view = release_for(by, release.public_id)
        assert view is not None
        for file in view.files:
            file_for(by, release.public_id, file.name)
        copies_for(by)
        messages_for(by)
        requests_for(by)
    asked = " ".join(each["sql"] for each in ran.captured_queries)
    assert "cases_sharedrelease" in asked
    assert [table for table in REPORTS if table in asked] == []


def test_the_database_takes_no_file_of_a_report_into_a_release() -> None:
    desk = make_desk(title=f"{MARK} title")
    release = desk.release()
    report = make_report_desk().complete()
    content = b"<report>the file that went to the authority</report>"
    digest = store_bytes(content)
    SuspicionReport.objects.filter(pk=report.pk).update(
        file=content.decode(), content_hash=digest, state="validated"
    )
    row = {"release": release, "grant": None, "mime": "text/xml", "size": len(content)}
    with pytest.raises(DatabaseError, match="cannot be part of a release"), transaction.atomic():
        ReleaseFile.objects.create(name="extra.xml", sha256=digest, **row)
    answer = store_bytes(b"<ack/>")
    ReportAcknowledgement.objects.create(
        report=report, answer="accepted", file="<ack/>", sha256=answer,
        recorded_by_id=desk.compliance.pk, recorded_at=timezone.now(),
    )  # fmt: skip
    with pytest.raises(DatabaseError, match="cannot be part of a release"), transaction.atomic():
        ReleaseFile.objects.create(name="answer.xml", sha256=answer, **row)
    ReleaseFile.objects.create(name="other.txt", sha256=store_bytes(b"other"), **row)
