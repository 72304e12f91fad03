"""The alerts' door, and the wall around reports: 404, no counts, no tab, no log."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cases.models import Alert, AuditEvent, RiskScore, SuspicionReport
from cases.queries.alerts import alert_queue
from cases.services import outbox
from cases.services.alerts import assign_alert
from cases.services.freezes import LineSpec, place_hold
from cases.services.risk_models import approve_model
from cases.services.suspects import link_account
from fiu.models import User
from tests.casework import BTC, make_asset, make_case, make_suspect, make_user, person
from tests.conftest import client_of
from tests.fakes import FakeExchange
from tests.integration.web.conftest import number
from tests.report_desk import CANARY, ReportDesk, make_alert, make_report_desk, set_up_receiver
from tests.scored import make_model

# The schema of the receiver is compiled once a process.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("receiver")]


@pytest.fixture
def alert() -> Alert:
    return make_alert()


@pytest.fixture
def analyst() -> Client:
    return client_of(make_user("analyst"))


def url(name: str, alert: Alert) -> str:
    return reverse(f"alert_{name}", args=[alert.public_id])


def test_the_queue_says_why_and_masks_the_account(
    alert: Alert, analyst: Client, django_assert_max_num_queries: Any
) -> None:
    page = analyst.get(reverse("alert_list")).content.decode()
    assert "Swapped at once into a privacy coin" in page
    assert "••4417" in page
    assert alert.account.uid not in page
    assert alert.account.holder_name not in page


def test_an_alert_names_the_cases_that_know_its_account(alert: Alert, analyst: Client) -> None:
    by, wall = person("analyst"), person("supervisor")
    case, elsewhere = make_case(by, visibility="unit"), make_case(by, visibility="team")
    for known in (case, elsewhere):
        link_account(make_suspect(known, by), alert.account.uid, "Own name.", by=by)
    place_hold(
        case, lines=[LineSpec(alert.account.pk, make_asset().pk, 50_000_000)], urgency="urgent",
        reason="R.", by=wall,
    )  # fmt: skip
    outbox.send_due_messages(FakeExchange(free={(alert.account.uid, BTC): 50_000_000}))
    page = analyst.get(url("detail", alert)).content.decode()
    note = page[page.index("known already") :].partition("</div>")[0]
    assert case.reference in note
    assert "0.50 BTC" in note
    assert elsewhere.reference not in page


def test_the_higher_score_stands_first_among_equally_grave_alerts() -> None:
    low, high = make_alert("NQ-900100"), make_alert("NQ-900200", shift=1)
    Alert.objects.filter(pk=low.pk).update(score=high.score - 5)
    queue = alert_queue(person("analyst"))
    assert [row.pk for row in queue.rows] == [high.pk, low.pk]


def test_new_and_taken_alerts_stand_in_one_order_over_the_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by = person("analyst")
    made = [make_alert(f"NQ-90{n}100", shift=n) for n in range(4)]
    for alert, score in zip(made, (40, 70, 60, 50), strict=True):
        Alert.objects.filter(pk=alert.pk).update(score=score)
    assign_alert(made[1], by=by)
    assign_alert(made[3], by=by)
    monkeypatch.setattr("cases.queries.alerts.PAGE_ROWS", 3)
    first, second = alert_queue(by), alert_queue(by, "", 2)
    assert [row.score for row in first.rows] == [70, 60, 50]
    assert [row.score for row in second.rows] == [40]
    assert (first.has_more, second.has_more) == (True, False)
    assert [row.score for row in alert_queue(by, "assigned").rows] == [70, 50]


def test_the_queue_takes_the_same_queries_for_one_and_for_many(
    alert: Alert, analyst: Client, django_assert_num_queries: Any
) -> None:
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    def asked() -> int:
        with CaptureQueriesContext(connection) as sql:
            analyst.get(reverse("alert_list"))
        return number(sql)

    asked()  # what is kept for a minute is kept now
    make_alert("NQ-910000")
    one = asked()
    for shift in range(5):
        make_alert(f"NQ-90{shift}000", shift=shift)
    assert asked() == one


def test_a_page_of_the_queue_reads_no_model_no_case_and_no_figures_of_rules(
    alert: Alert,
) -> None:
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    senior, office, by = person("supervisor"), person("compliance"), person("analyst")
    model = make_model(by=senior)
    approve_model(model, content_hash=model.content_hash, reason="Good.", by=office)
    RiskScore.objects.create(
        account=alert.account, model=model, points=47, reasons=[], at=alert.raised_at
    )
    with CaptureQueriesContext(connection) as sql:
        [row] = alert_queue(by).rows
    assert row.account.champion_scores[0].percent == "4.7 %"
    asked = [each["sql"] for each in sql.captured_queries]
    assert len(asked) == 4
    for heavy in ('"content"', '"drift"', '"parameters"', 'JOIN "cases_case"'):
        assert [each for each in asked if heavy in each] == []


def test_an_alert_shows_its_transactions_and_leads_to_a_case(alert: Alert, analyst: Client) -> None:
    page = analyst.get(url("detail", alert)).content.decode()
    for record in alert.records.all():
        assert record.ref in page
    assert "share swapped" in page.lower()
    assert analyst.post(url("assign", alert)).status_code == 302
    answer = analyst.post(url("link", alert))
    alert.refresh_from_db()
    assert alert.case is not None
    assert answer["Location"] == reverse("case_detail", args=[alert.case.public_id])
    assert analyst.get(answer["Location"]).status_code == 200


def test_a_grave_alert_is_proposed_then_dismissed_by_another(alert: Alert, analyst: Client) -> None:
    fields = {"reason": "Own wallet.", "disposition": "false_positive"}
    assert analyst.post(url("dismiss", alert), fields).status_code == 422
    assert analyst.post(url("propose", alert), {"reason": ""}).status_code == 422
    assert analyst.post(url("propose", alert), fields).status_code == 302
    assert analyst.post(url("dismiss", alert), fields).status_code == 422
    supervisor = client_of(make_user("supervisor"))
    assert supervisor.post(url("dismiss", alert), fields).status_code == 302
    alert.refresh_from_db()
    assert alert.state == "dismissed"
    assert supervisor.post(url("reopen", alert), {"reason": "New."}).status_code == 302


def test_the_queue_does_not_exist_for_others_nor_for_strangers(alert: Alert) -> None:
    for role in ("auditor", "admin"):
        assert client_of(make_user(role)).get(reverse("alert_list")).status_code == 404
        assert client_of(make_user(role)).get(url("detail", alert)).status_code == 404
    assert Client().get(reverse("alert_list")).status_code == 302


# --- Reports ---


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("receiver")


@pytest.fixture
def desk(receiver: Path, settings: object) -> ReportDesk:
    set_up_receiver(receiver)
    return make_report_desk()


def routes(report: SuspicionReport, desk: ReportDesk) -> list[str]:
    names = (
        "detail", "edit", "validate", "review", "return", "approve", "file", "download",
        "acknowledge", "follow",
    )  # fmt: skip
    subject = report.subjects.get().public_id
    return [
        *(reverse(f"report_{name}", args=[report.public_id]) for name in names),
        reverse("report_subject", args=[report.public_id, subject]),
        reverse("report_list"),
        reverse("case_reports", args=[desk.case.public_id]),
        reverse("report_new", args=[desk.case.public_id]),
    ]


@pytest.mark.parametrize("role", ["analyst", "supervisor", "auditor", "admin"])
def test_without_the_right_every_address_is_the_same_404(desk: ReportDesk, role: str) -> None:
    report = desk.complete()
    client = client_of(make_user(role))
    nothing = client.get("/nothing/")
    before = AuditEvent.objects.count()
    for address in routes(report, desk):
        for answer in (client.get(address), client.post(address, {"reason": "x"})):
            assert answer.status_code in (404, 405), address
            if answer.status_code == 404:
                assert len(answer.content) == len(nothing.content)
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("role", ["analyst", "supervisor"])
def test_no_page_hints_at_a_report(desk: ReportDesk, role: str) -> None:
    report = desk.complete()
    client = client_of(make_user(role))
    pages = [
        "/", reverse("case_list"), reverse("alert_list"), url("detail", desk.alert),
        reverse("audit_list"), reverse("case_detail", args=[desk.case.public_id]),
        reverse("case_timeline", args=[desk.case.public_id]),
    ]  # fmt: skip
    for page in pages:
        text = client.get(page).content.decode()
        for hint in (report.reference, CANARY, "/reports/", ">Reports<", str(report.public_id)):
            assert hint not in text, (page, hint)
    found = client.post(reverse("search"), {"q": report.reference}).content.decode()
    assert "/reports/" not in found


def test_from_alert_to_filed_by_two_people(desk: ReportDesk) -> None:
    author = client_of(User.objects.get(pk=desk.author.pk))
    assert ">Reports<" in author.get("/").content.decode()
    new = reverse("report_new", args=[desk.case.public_id])
    assert author.get(new).status_code == 200
    assert author.post(new, {}).status_code == 422
    assert author.post(new, {"alerts": [desk.alert.pk]}).status_code == 302
    report = SuspicionReport.objects.get()

    def at(name: str, *more: object) -> str:
        return reverse(f"report_{name}", args=[report.public_id, *more])

    assert "still missing" in author.get(at("detail")).content.decode()
    assert author.get(at("edit")).status_code == 200
    words = {
        "reason": "Swapped at once.", "action": "Watched.", "indicators": "crymx, CRYMX",
        "local_rate": "3.6725", "local_rate_source": "Central bank", "version": 1,
    }  # fmt: skip
    assert author.post(at("edit"), words).status_code == 302
    subject = report.subjects.get()
    person = {
        "first_name": "Kai-Wen", "last_name": "Demoson", "gender": "M", "birth_on": "1980-04-03",
        "nationality": "tw", "residence": "TW", "id_type": "PASSP", "id_number": "X1",
        "id_issued_on": "2020-01-01", "id_expires_on": "2030-01-01", "id_country": "TW",
        "phone": "+886 1", "version": 2,
    }  # fmt: skip
    assert author.get(at("subject", subject.public_id)).status_code == 200
    assert author.post(at("subject", subject.public_id), person | {"version": 1}).status_code == 422
    assert author.post(at("subject", subject.public_id), person).status_code == 302
    assert author.post(at("validate")).status_code == 302
    report.refresh_from_db()
    assert (report.state, report.indicators) == ("validated", ["CRYMX"])
    assert author.post(at("approve"), {"reason": "x"}).status_code == 422
    assert author.get(at("download")).status_code == 404
    nora = client_of(make_user("compliance"))
    assert nora.post(at("review")).status_code == 302
    decision = {"reason": "Checked.", "content_hash": report.content_hash}
    assert nora.post(at("approve"), decision).status_code == 302
    assert nora.get(at("download")).content.startswith(b"<?xml")
    assert nora.post(at("file"), {"reason": "goAML Web"}).status_code == 302
    assert "Filed" in nora.get(at("detail")).content.decode()
    assert nora.get(reverse("report_list")).status_code == 200
    assert not AuditEvent.objects.filter(action__contains="report").exists()
    assert not AuditEvent.objects.filter(action="permission_refused").exists()


def test_no_log_line_names_a_report(desk: ReportDesk) -> None:
    from django.test import RequestFactory  # noqa: PLC0415
    from django.urls import resolve  # noqa: PLC0415

    from fiu.middleware import RequestLog  # noqa: PLC0415

    for address in (*routes(desk.draft(), desk),):
        request = RequestFactory().get(address)
        request.resolver_match = resolve(address)
        assert RequestLog.format_request(request) == "GET -"
