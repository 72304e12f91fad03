"""The end of a report: two people, after its time, never under a hold, and nobody else is told."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from cases.models import AuditEvent, Case, ReadEvent, ReportSubject, SuspicionReport
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.queries.inbox import inbox, inbox_numbers
from cases.services.errors import CaseworkError
from cases.services.holds import clear_legal_hold, set_legal_hold
from cases.services.reports import (
    acknowledge_report,
    dispose_report,
    follow_report,
    keep_report,
    request_report_disposal,
    verify_report_chain,
)
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import make_user, person, stale
from tests.conftest import client_of
from tests.report_desk import CANARY, ReportDesk, filed, make_report_desk

pytestmark = pytest.mark.django_db
SIX_YEARS = timedelta(days=6 * 366)


@pytest.fixture
def desk() -> ReportDesk:
    return make_report_desk()


def old(desk: ReportDesk) -> SuspicionReport:
    """Filed six years ago, of a case whose time is over."""
    report = filed(desk, file=f"<x>{CANARY}</x>", at=timezone.now() - SIX_YEARS)
    number = f"{CANARY}-1"
    acknowledge_report(report, answer="accepted", number=number, by=desk.compliance)
    close(report.case)
    return report


def close(case: Case) -> None:
    rows = Case.objects.filter(pk=case.pk)
    for state in ("investigating", "in_review", "decided", "closed"):
        rows.update(state=state)
    rows.update(retention_until=timezone.now().date() - timedelta(days=1))


def words_of(report: SuspicionReport) -> str:
    rows = [
        *SuspicionReport.objects.filter(pk=report.pk).values_list(),
        *ReportSubject.objects.filter(report=report).values_list(),
        *report.acknowledgements.values_list("file", "errors"),
        *report.records.values_list("ref"),
    ]
    return str(rows)


def test_a_report_ends_by_two_people_after_its_time(desk: ReportDesk) -> None:
    report, one, two = old(desk), desk.compliance, person("compliance")
    assert "Demoson" in words_of(report)
    asked = request_report_disposal(report, reason="Five years.", by=one)
    assert (asked.state, asked.disposal_reason) == ("disposal_requested", "Five years.")
    with pytest.raises(PermissionDenied, match="second person"):
        dispose_report(report, reason="Mine.", by=one)
    with pytest.raises(StepUpRequired):
        dispose_report(report, reason="Yes.", by=stale(two))
    with pytest.raises(PermissionDenied, match="second person"):
        keep_report(report, reason="Mine.", by=one)
    keep_report(report, reason="An appeal is open.", by=two)
    with pytest.raises(InvalidTransition):
        dispose_report(report, reason="Yes.", by=two)
    request_report_disposal(report, reason="Over.", by=one)
    done = dispose_report(report, reason="Yes.", by=two)
    done.refresh_from_db()
    assert (done.state, done.file, done.reason, done.facts) == ("disposed", "", "", {})
    assert (done.content_hash, done.disposed_by_id) == ("a" * 64, two.pk)
    for word in ("Demoson", CANARY, "swapped", desk.account.uid):
        assert word not in words_of(report), word
    told = [event.action for event in report.events.order_by("-seq")[:3]]
    assert told == ["dispose_report", "request_report_disposal", "keep_report"]
    assert verify_report_chain() is None
    with pytest.raises(InvalidTransition):
        keep_report(report, reason="Back.", by=two)


def test_before_its_time_nothing_ends(desk: ReportDesk) -> None:
    report, by = filed(desk), desk.compliance
    with pytest.raises(CaseworkError, match="is kept until"):
        request_report_disposal(report, reason="Over.", by=by)
    SuspicionReport.objects.update(filed_at=timezone.now() - SIX_YEARS)
    with pytest.raises(CaseworkError, match="closed case"):
        request_report_disposal(report, reason="Over.", by=by)
    later = follow_report(report, kind="continuing", by=desk.author)
    close(report.case)
    with pytest.raises(CaseworkError, match="follows this one"):
        request_report_disposal(report, reason="Over.", by=by)
    with pytest.raises(InvalidTransition):
        request_report_disposal(later, reason="Over.", by=by)


def test_a_hold_beats_the_disposal_of_a_report_in_the_database_too(desk: ReportDesk) -> None:
    report, one, two = old(desk), desk.compliance, person("compliance")
    request_report_disposal(report, reason="Over.", by=one)
    set_legal_hold(report.case, reason="Suit.", by=one)
    for do in (dispose_report, request_report_disposal):
        with pytest.raises((CaseworkError, InvalidTransition)):
            do(report, reason="Yes.", by=two)
    rows = SuspicionReport.objects.filter(pk=report.pk)
    gone = {"state": "disposed", "file": "", "reason": "", "action": "", "indicators": []}
    signed = {"disposed_by_id": two.person, "disposed_at": timezone.now()}
    with pytest.raises(IntegrityError, match="legal hold"), transaction.atomic():
        rows.update(**gone, **signed)
    clear_legal_hold(report.case, reason="Over.", by=two)
    for change in (
        gone | signed | {"disposed_by_id": one.person},  # who asked is not the second person
        gone,  # nobody
        gone | signed | {"content_hash": "b" * 64},
        gone | signed | {"profile": "us-sarx-1.2"},
        {"file": "", "reason": ""},  # gone, and not said to be
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)
    for part in (report.subjects, report.acknowledgements):
        with pytest.raises(DatabaseError), transaction.atomic():
            part.all().delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        report.acknowledgements.update(errors=[{"text": "No."}])
    assert dispose_report(report, reason="Yes.", by=two).state == "disposed"


@pytest.mark.parametrize("role", ["analyst", "supervisor", "auditor", "admin", "liaison"])
def test_nobody_but_compliance_ends_a_report(desk: ReportDesk, role: str) -> None:
    report = old(desk)
    fields = {"may_view_reports": True} if role in ("analyst", "supervisor") else {}
    for do in (request_report_disposal, dispose_report, keep_report):
        with pytest.raises(PermissionDenied):
            do(report, reason="Over.", by=person(role, **fields))


def waits(actor: Actor) -> list[str]:
    return [row.words for row in inbox(actor) if row.kind == "report"]


def test_nothing_else_tells_of_the_end_of_a_report(
    desk: ReportDesk, caplog: pytest.LogCaptureFixture
) -> None:
    report, one, two = old(desk), desk.compliance, person("compliance")
    blind = person("supervisor")
    chains = list(AuditEvent.objects.values_list("pk", flat=True))
    looks, touched = ReadEvent.objects.count(), Case.objects.get(pk=report.case_id).updated_at
    before = inbox_numbers(blind)
    with caplog.at_level("DEBUG"):
        request_report_disposal(report, reason="Over.", by=one)
        assert waits(two) == ["Decide on the disposal of this report"]
        assert waits(one) == waits(blind) == waits(desk.author) == []
        assert inbox_numbers(blind) == before
        dispose_report(report, reason="Yes.", by=two)
    assert waits(two) == []
    assert list(AuditEvent.objects.values_list("pk", flat=True)) == chains
    assert ReadEvent.objects.count() == looks
    assert Case.objects.get(pk=report.case_id).updated_at == touched
    assert report.reference not in caplog.text
    assert not mail.outbox


def test_the_page_asks_when_the_time_is_over_and_shows_what_stays(desk: ReportDesk) -> None:
    report = filed(desk)
    page = f"/reports/{report.public_id}/"
    office: Client = client_of(User.objects.get(pk=desk.compliance.pk))
    assert "Ask for disposal" not in office.get(page).text
    SuspicionReport.objects.update(filed_at=timezone.now() - SIX_YEARS)
    close(report.case)
    assert "Ask for disposal" in office.get(page).text
    assert office.post(f"{page}ask/", {"reason": ""}).status_code == 422
    assert office.post(f"{page}ask/", {"reason": "Five years."}).status_code == 302
    for step in ("dispose", "keep"):
        blocked = office.post(f"{page}{step}/", {"reason": "Yes."})
        assert (blocked.status_code, "second person" in blocked.text) == (422, True)
    second = client_of(make_user("compliance"))
    assert second.post(f"{page}dispose/", {"reason": "Yes."}).status_code == 302
    shown = second.get(page).text
    assert "What the report said was destroyed" in shown
    assert "Report disposed of" in shown
    for gone in ("Demoson", "Reason for the suspicion", desk.account.uid):
        assert gone not in shown
    assert second.get(f"{page}file.xml").status_code == 404
    assert second.get(f"{page}edit/").status_code == 200  # and saves nothing
    colleague = client_of(make_user("supervisor"))
    for step in ("ask", "dispose", "keep"):
        assert colleague.post(f"{page}{step}/", {"reason": "x"}).status_code == 404
