"""Clocks in force: two people, what they set, and what they refuse."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.models import AuditEvent, ClockRule, FreezeRequest, FreezeWarning, SuspicionReport
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.queries.clocks import clock_for, clock_page
from cases.queries.inbox import inbox
from cases.queries.shared_requests import answer_due_on
from cases.services.clocks import approve_clock, propose_clock, reject_clock
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.freezes import (
    LineSpec,
    approve_freeze,
    cite_evidence,
    place_hold,
    ratify_freeze,
    request_freeze,
    submit_freeze,
    triage_freeze,
)
from cases.services.freezes.extensions import request_extension
from cases.services.freezes.warnings import warn_of_ends
from cases.services.instruments import record_instrument, verify_instrument
from cases.services.reports import follow_report
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import (
    BTC,
    make_account,
    make_agency,
    make_approved_finding,
    make_asset,
    make_case,
    person,
    stale,
)
from tests.conftest import client_of
from tests.held import make_held
from tests.report_desk import filed, make_report_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[Actor]:
    return [person("supervisor"), person("compliance"), person("compliance")]


def propose(by: Actor, **fields: Any) -> ClockRule:
    values: dict[str, Any] = {
        "act": "freeze", "length": 10, "unit": "days", "source": "Some Act s. 3.",
        "reason": "The law changed.",
    }  # fmt: skip
    return propose_clock(**(values | fields), by=by)


def in_force(people: list[Actor], **fields: Any) -> ClockRule:
    rule = propose(people[0], **fields)
    return approve_clock(rule, content_hash=rule.content_hash, reason="Read it.", by=people[1])


def test_one_proposes_and_another_puts_in_force(people: list[Actor]) -> None:
    rule = propose(people[1], country="tw")
    assert clock_for("freeze", "TW").rule is None  # type: ignore[union-attr]  # has a default
    asked = {"content_hash": rule.content_hash, "reason": "Y."}
    with pytest.raises(PermissionDenied):
        approve_clock(rule, **asked, by=people[0])  # a supervisor
    with pytest.raises(PermissionDenied):
        approve_clock(rule, **asked, by=people[1])  # who proposed it
    with pytest.raises(StepUpRequired):
        approve_clock(rule, **asked, by=stale(people[2]))
    with pytest.raises(ContentChanged):
        approve_clock(rule, **(asked | {"content_hash": "0" * 64}), by=people[2])
    assert [row.kind for row in inbox(people[2])] == ["clock"]
    approve_clock(rule, **asked, by=people[2])
    with pytest.raises(InvalidTransition):
        reject_clock(rule, reason="N.", by=people[2])
    assert clock_for("freeze", "TW").rule == rule.public_id  # type: ignore[union-attr]
    events = AuditEvent.objects.filter(case=None, action__endswith="_clock").order_by("seq")
    assert [each.action for each in events] == ["propose_clock", "approve_clock"]
    assert "Some Act s. 3." in events[1].data
    with pytest.raises(PermissionDenied):
        propose(person("analyst"))


def test_a_later_clock_takes_the_place_of_the_one_before_when_it_begins(
    people: list[Actor],
) -> None:
    first = in_force(people)
    later = in_force(people, length=5, valid_from=timezone.now().date() + timedelta(days=9))
    assert clock_for("freeze").rule == first.public_id  # type: ignore[union-attr]
    second = in_force(people, length=20)
    first.refresh_from_db()
    later.refresh_from_db()
    assert (first.state, later.state) == ("superseded", "in_force"), "that day comes all the same"
    assert clock_for("freeze").length == second.length  # type: ignore[union-attr]
    assert [each.pk for each in clock_page().in_force] == [later.pk, second.pk]
    event = AuditEvent.objects.filter(action="approve_clock").order_by("seq").last()
    assert event is not None
    assert json.loads(event.data)["supersedes"] == [str(first.public_id)]
    again = in_force(people, length=6, valid_from=later.valid_from)
    later.refresh_from_db()
    assert (later.state, again.state) == ("superseded", "in_force")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"source": " "}, "Name the source"),
        ({"country": "TWN"}, "two letters"),
        ({"length": 0}, "1 to 3660"),
        ({"unit": "moons"}, "Unit"),
        ({"act": "provisional_hold", "unit": "hours", "length": 73}, "1 to 72 hours"),
        ({"act": "provisional_hold", "unit": "days", "length": 2}, "1 to 72 hours"),
        ({"warn_hours": [0]}, "warnings"),
        ({"reason": ""}, "reason"),
    ],
)
def test_a_clock_that_makes_no_sense_is_refused(
    people: list[Actor], fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(CaseworkError, match=words):
        propose(people[0], **fields)


@pytest.mark.owner
def test_the_database_keeps_a_clock_as_it_was_proposed(people: list[Actor]) -> None:
    rule = propose(people[0])
    for change in ({"length": 99}, {"source": "Mine."}, {"state": "superseded"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ClockRule.objects.filter(pk=rule.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        ClockRule.objects.filter(pk=rule.pk).update(
            state="in_force", decided_by=people[0].user_id, decided_at=timezone.now()
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        rule.delete()


def test_a_provisional_hold_runs_and_warns_by_the_clock_of_its_authority(
    people: list[Actor],
) -> None:
    agency = apps.get_model("fiu", "Agency").objects.create(
        name="Harbour Police", short_name="HP", kind="police", country="TW", domain="hp.example"
    )
    in_force(people, act="provisional_hold", length=48, unit="hours", country="TW",
             warn_hours=[30])  # fmt: skip
    make_asset()
    case = make_case(people[0])

    def hold(agency_id: int | None) -> Any:
        return place_hold(
            case, lines=[LineSpec(make_account().pk, BTC, 5)], urgency="urgent", reason="R.",
            agency_id=agency_id, by=people[0],
        )  # fmt: skip

    ours, theirs = hold(None), hold(agency.pk)
    assert theirs.provisional_until - ours.provisional_until > timedelta(hours=23)
    placed = case.events.filter(action="place_provisional_freeze").order_by("seq").last()
    assert placed is not None
    assert "Some Act s. 3." in placed.data
    type(theirs).objects.filter(pk=theirs.pk).update(
        provisional_until=timezone.now() + timedelta(hours=29)
    )
    type(ours).objects.filter(pk=ours.pk).update(
        provisional_until=timezone.now() + timedelta(hours=29)
    )
    assert warn_of_ends() == 1
    assert list(FreezeWarning.objects.values_list("freeze", "hours")) == [(theirs.pk, 30)]


def test_where_a_law_sets_an_end_no_extension_goes_beyond_it(people: list[Actor]) -> None:
    held = make_held()
    now = timezone.now()
    type(held.freeze).objects.filter(pk=held.freeze.pk).update(expires_at=now + timedelta(days=1))
    in_force(people)

    def ask(days: int) -> object:
        return request_extension(
            held.freeze, basis="internal_suspicion", until=now + timedelta(days=days),
            reason="R.", by=people[1],
        )  # fmt: skip

    with pytest.raises(CaseworkError, match=r"at the latest: Some Act s\. 3\."):
        ask(12)
    assert ask(9)


def test_a_freeze_that_comes_under_a_clock_later_ends_by_it(people: list[Actor]) -> None:
    in_force(people, country="DE")
    make_asset()
    case, now = make_case(people[0]), timezone.now()
    paper = record_instrument(
        case, type="court_order", number="12 Gs 34", agency_id=make_agency().pk,
        issued_by="District Court", issued_on=now.date(), valid_until=None, jurisdiction="DE",
        document=None, by=people[0],
    )  # fmt: skip
    verify_instrument(paper, by=people[1])

    def cited(days: int | None) -> FreezeRequest:
        freeze = request_freeze(
            case, legal_basis="internal_suspicion", restriction="withdrawals", urgency="urgent",
            agency_id=None, reason="R.", lines=[LineSpec(make_account().pk, BTC, 5)],
            expires_at=now + timedelta(days=days) if days else None, by=people[0],
        )  # fmt: skip
        triage_freeze(submit_freeze(freeze, by=people[0]), by=people[0])
        return cite_evidence(freeze, instrument_id=paper.pk, by=people[0])

    with pytest.raises(CaseworkError, match=r"at the latest: Some Act s\. 3\."):
        cited(30)
    assert approved(cited(5), people[1]).expires_at == now + timedelta(days=5)
    end = approved(cited(None), people[1]).expires_at
    assert end is not None
    assert end.date() == (now + timedelta(days=10)).date()


def test_a_hold_that_cannot_wait_gets_its_end_when_it_is_ratified(people: list[Actor]) -> None:
    in_force(people)
    make_asset()
    case = make_case(people[0])
    fields: dict[str, Any] = {
        "lines": [LineSpec(make_account().pk, BTC, 5)], "reason": "R.", "by": people[0],
    }  # fmt: skip
    with pytest.raises(CaseworkError, match="at the latest"):
        request_freeze(
            case, legal_basis="internal_suspicion", restriction="withdrawals", urgency="routine",
            agency_id=None, **fields,
        )  # fmt: skip
    hold = place_hold(case, urgency="urgent", **fields)
    assert (hold.state, hold.expires_at) == ("provisional", None)
    cite_evidence(hold, finding_id=make_approved_finding(case, people[0]).pk, by=people[0])
    shown = hold.content_hash
    hold = ratify_freeze(hold, content_hash=shown, reason="Y.", by=people[1])
    assert hold.expires_at is not None
    assert hold.expires_at.date() == (timezone.now() + timedelta(days=10)).date()


def approved(freeze: FreezeRequest, by: Actor) -> FreezeRequest:
    return approve_freeze(freeze, content_hash=freeze.content_hash, reason="Y.", by=by)


def test_an_officers_answer_is_due_by_the_clock(people: list[Actor]) -> None:
    officer = person("liaison")
    assert answer_due_on(officer) == (timezone.now() + timedelta(days=30)).date()
    in_force(people, act="answer", length=2)
    assert answer_due_on(officer) == (timezone.now() + timedelta(days=2)).date()


def test_a_report_on_what_goes_on_is_due_by_the_clock_of_its_receiver(
    people: list[Actor],
) -> None:
    desk = make_report_desk()
    report = filed(desk, at=timezone.now() - timedelta(days=100))
    page = f"/reports/{report.public_id}/"
    office = client_of(User.objects.get(pk=desk.compliance.pk))
    assert "If it goes on" not in office.get(page).text
    in_force(people, act="continuing", length=120, country="AE")
    shown = office.get(page).text
    assert "If it goes on, again by" in shown
    assert "Some Act s. 3." in shown
    corrected = follow_report(report, kind="amendment", by=desk.author)
    assert corrected.due_at is None
    made = {"state": "validated", "file": "<x/>", "content_hash": "b" * 64}
    SuspicionReport.objects.filter(pk=corrected.pk).update(**made)
    next_one = follow_report(report, kind="continuing", by=desk.author)
    assert report.filed_at is not None
    assert next_one.due_at == report.filed_at + timedelta(days=120)
    assert next_one.due_source == "Some Act s. 3."


def test_a_report_keeps_the_clock_that_it_was_drafted_under(people: list[Actor]) -> None:
    in_force(people, act="report", length=30, country="AE")
    desk = make_report_desk()
    before = desk.alert.raised_at + timedelta(days=30)
    report = desk.draft()
    assert (report.due_at, report.due_source) == (before, "Some Act s. 3.")
    assert clock_for("report", "US") is None
