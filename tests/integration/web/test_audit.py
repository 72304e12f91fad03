"""The audit trail: who sees which events, what of them, and whether the chain holds."""

from typing import Any

import pytest
from django.urls import reverse

from cases.checkpoints import Series
from cases.models import AuditEvent
from cases.queries.audit import AuditFilter, audit_trail
from cases.services.audit import VerifyReport, record_event
from cases.services.cases import edit_case
from cases.web import audit
from tests.casework import make_actor, make_case, make_user, person
from tests.conftest import SignIn

pytestmark = pytest.mark.django_db
LIST, VERIFY = reverse("audit_list"), reverse("audit_verify")


def test_analysts_see_the_events_of_their_cases_only(sign_in: SignIn) -> None:
    ana, bob = make_user("analyst"), make_user("analyst")
    mine = make_case(make_actor(ana), visibility="sealed", title="Mine")
    theirs = make_case(make_actor(bob), visibility="sealed", title="Theirs")
    page = sign_in(ana).get(LIST).content.decode()
    assert mine.reference in page
    assert theirs.reference not in page
    filtered = sign_in(ana).get(LIST, {"case": theirs.reference}).content.decode()
    assert "No event matches" in filtered


def test_the_system_chain_is_for_compliance_and_auditors(sign_in: SignIn) -> None:
    compliance = make_user("compliance")
    record_event(None, "import_exchange", "exchange-marker", by=make_actor(compliance))
    for role, sees in (
        ("analyst", False), ("supervisor", False), ("compliance", True), ("auditor", True),
    ):  # fmt: skip
        page = sign_in(make_user(role)).get(LIST).content.decode()
        assert ("exchange-marker" in page) is sees, role


def test_auditors_see_every_event_without_reason_values_and_links(sign_in: SignIn) -> None:
    ana = make_user("analyst")
    case = make_case(make_actor(ana), visibility="sealed", title="Secret title")
    record_event_in(case, ana, reason="Holder is Kai-Wen", data={"account": "8812345678"})
    page = sign_in(make_user("auditor")).get(LIST).content.decode()
    assert case.reference in page
    for secret in ("Kai-Wen", "8812345678", "Secret title", str(case.public_id)):
        assert secret not in page
    assert "reason and values not shown to your role" in page
    whole = sign_in(ana).get(LIST).content.decode()
    assert "Holder is Kai-Wen" in whole
    assert "8812345678" in whole


def record_event_in(case: Any, user: Any, **fields: Any) -> None:
    record_event(case, "edit_case", case.reference, by=make_actor(user), **fields)


def test_filters_narrow_by_case_person_action_and_day(sign_in: SignIn) -> None:
    ana, bob = make_user("analyst"), make_user("analyst")
    one = make_case(make_actor(ana), started=True)
    two = make_case(make_actor(bob))
    client = sign_in(ana)

    def shown(**query: str) -> set[tuple[str, str]]:
        rows = client.get(LIST, query).context["rows"]
        return {(row.case_reference, row.event.action) for row, _told in rows}

    assert shown(case=one.reference) == {
        (one.reference, "open_case"), (one.reference, "start_case"),
    }  # fmt: skip
    assert shown(actor=str(bob.public_id)) == {(two.reference, "open_case")}
    assert shown(action="start_case") == {(one.reference, "start_case")}
    assert shown(until="2000-01-01") == set()
    assert len(shown(since="2000-01-01")) == 3


def test_a_filter_that_cannot_be_read_is_said_and_filters_nothing(sign_in: SignIn) -> None:
    ana = make_user("analyst")
    case = make_case(make_actor(ana))
    answer = sign_in(ana).get(LIST, {"case": "x'--", "actor": "nobody", "after": "???"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert case.reference in page
    assert "Write a reference such as" in page


def test_pages_follow_each_other_without_gap_or_double() -> None:
    by = person("analyst")
    case = make_case(by)
    for number in range(60):
        edit_case(case, version=case.version, title=f"Title {number}", by=by)
        case.refresh_from_db()
    first = audit_trail(by, AuditFilter())
    second = audit_trail(by, AuditFilter(), first.page.after)
    seen = [row.event.seq for page in (first.page, second.page) for row in page.rows]
    assert seen == list(range(61, 0, -1))
    assert second.page.after == ""


@pytest.mark.parametrize("role", ["supervisor", "compliance", "auditor", "admin"])
def test_verify_says_that_the_chain_is_whole(sign_in: SignIn, role: str) -> None:
    make_case()
    client = sign_in(make_user(role))
    assert "Whole" in client.post(VERIFY).content.decode()
    part = client.post(VERIFY, headers={"HX-Request": "true"}).content.decode()
    assert "Whole" in part
    assert "<html" not in part


def test_analysts_cannot_verify_and_liaisons_have_no_trail(sign_in: SignIn) -> None:
    assert sign_in(make_user("analyst")).post(VERIFY).status_code == 404
    liaison = sign_in(make_user("liaison"))
    assert liaison.get(LIST).status_code in (302, 404)
    assert liaison.post(VERIFY).status_code in (302, 404)
    assert sign_in(make_user("supervisor")).get(VERIFY).status_code == 405


def test_admins_verify_but_read_no_event(sign_in: SignIn) -> None:
    case = make_case()
    page = sign_in(make_user("admin")).get(LIST).content.decode()
    assert case.reference not in page
    assert "does not read the events" in page


def test_a_break_is_named_to_those_who_may_see_its_case(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(visibility="sealed", title="Sealed one")

    def broken() -> tuple[VerifyReport, Series]:
        report = VerifyReport(1, 1, [audit.Break(case.reference, 1, "it was changed")])
        return report, Series(None)

    monkeypatch.setattr(audit, "verify_against_checkpoints", broken)
    named = sign_in(make_user("auditor")).post(VERIFY).content.decode()
    assert f"{case.reference}, event 1: it was changed" in named
    hidden = sign_in(make_user("supervisor")).post(VERIFY).content.decode()
    assert case.reference not in hidden
    assert "In a case that you may not see." in hidden


def test_the_trail_costs_two_queries(django_assert_num_queries: Any) -> None:
    by = person("analyst")
    make_case(by, started=True)
    make_case(by)
    with django_assert_num_queries(2):
        audit_trail(by, AuditFilter())


def test_who_reads_no_audit_gets_no_event() -> None:
    make_case()
    liaison = person("liaison")
    assert audit_trail(liaison, AuditFilter()).page.rows == []
    assert AuditEvent.objects.visible_to(liaison).count() == 0
