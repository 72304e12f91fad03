"""Requests to others: words that compliance approves, a promise that is chased, an answer kept."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.models import Case, OutboundRequest
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.queries.inbox import inbox
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.outbound import (
    answer_outbound,
    approve_outbound,
    draft_outbound,
    end_outbound,
    send_outbound,
)
from cases.states import InvalidTransition
from tests.casework import make_agency, make_case, person, stale
from tests.officer_desk import make_officer

pytestmark = pytest.mark.django_db


@pytest.fixture
def analyst() -> Actor:
    return person("analyst")


@pytest.fixture
def compliance() -> Actor:
    return person("compliance")


@pytest.fixture
def case(analyst: Actor) -> Case:
    return make_case(analyst, started=True)


def draft(case: Case, by: Actor, **fields: Any) -> OutboundRequest:
    values: dict[str, Any] = {
        "kind": "exchange", "recipient": "Southquay", "way": "email", "legal_basis": "Art. 5",
        "subject": "A question", "text": "Is this address one of yours?",
        "due_on": timezone.now().date() + timedelta(days=10),
    }  # fmt: skip
    return draft_outbound(case, **(values | fields), by=by)


def test_compliance_approves_exactly_the_words_that_leave(
    case: Case, analyst: Actor, compliance: Actor
) -> None:
    row = draft(case, analyst)
    shown = {"content_hash": row.content_hash, "reason": "Needed."}
    with pytest.raises(InvalidTransition):
        send_outbound(row, reason="Sent.", by=analyst)
    for who in (analyst, person("supervisor")):
        with pytest.raises(PermissionDenied):
            approve_outbound(row, **shown, by=who)
    mine = draft(case, compliance)
    with pytest.raises(PermissionDenied):
        approve_outbound(mine, content_hash=mine.content_hash, reason="Y.", by=compliance)
    with pytest.raises(StepUpRequired):
        approve_outbound(row, **shown, by=stale(compliance))
    with pytest.raises(ContentChanged):
        approve_outbound(row, **(shown | {"content_hash": "0" * 64}), by=compliance)
    assert ("outbound", row.reference) in [(r.kind, r.reference) for r in inbox(compliance)]
    approve_outbound(row, **shown, by=compliance)
    send_outbound(row, reason="By e-mail.", by=analyst)
    answer_outbound(row, text="No, it is not.", by=analyst)
    with pytest.raises(InvalidTransition):
        answer_outbound(row, text="Yes.", by=analyst)
    end_outbound(row, reason="Done.", by=analyst)
    told = case.events.filter(object=row.reference).order_by("seq")
    assert [each.action for each in told] == [
        "draft_outbound", "approve_outbound", "send_outbound", "answer_outbound", "close_outbound",
    ]  # fmt: skip
    assert not any("Southquay" in each.data for each in told)


def test_an_agency_without_a_verified_officer_is_asked_nothing(
    case: Case, analyst: Actor, compliance: Actor
) -> None:
    agency = make_agency()
    row = draft(case, analyst, kind="agency", agency_id=agency.pk)
    with pytest.raises(InvalidTransition):  # not approved either, which is said first
        send_outbound(row, reason="By e-mail.", by=analyst)
    approve_outbound(row, content_hash=row.content_hash, reason="Y.", by=compliance)
    with pytest.raises(CaseworkError, match="No officer of this agency is verified"):
        send_outbound(row, reason="By e-mail.", by=analyst)
    make_officer(agency=agency)
    send_outbound(row, reason="By e-mail.", by=analyst)


def test_an_answer_that_does_not_come_is_chased(
    case: Case, analyst: Actor, compliance: Actor
) -> None:
    row = draft(case, analyst, due_on=timezone.now().date() + timedelta(days=1))
    approve_outbound(row, content_hash=row.content_hash, reason="Y.", by=compliance)
    assert [r.words for r in inbox(analyst) if r.kind == "outbound"] == ["Send what was approved"]
    send_outbound(row, reason="Sent.", by=analyst)
    assert [r for r in inbox(analyst) if r.kind == "outbound"] == []
    late = OutboundRequest(
        reference="OUT-2026-999999", case=case, kind="exchange", recipient="S", way="email",
        legal_basis="A", subject="B", text="C", due_on=timezone.now().date() - timedelta(days=1),
        drafted_by_id=analyst.user_id, drafted_at=timezone.now(), content_hash="0" * 64,
    )  # fmt: skip
    late.save(force_insert=True)
    for state in ("approved", "sent"):
        OutboundRequest.objects.filter(pk=late.pk).update(
            state=state, approved_by=compliance.user_id
        )
    assert [r.words for r in inbox(analyst) if r.kind == "outbound"] == ["No answer came: chase it"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": "See CASE-2026-000001."}, "internal reference"),
        ({"text": "The HDIB asked too."}, "another agency"),
        ({"recipient": " "}, "whom you ask"), ({"legal_basis": ""}, "legal basis"),
        ({"due_on": timezone.now().date()}, "coming year"), ({"kind": "friend"}, "Kind"),
        ({"agency_id": 99}, "not known"),
    ],
)  # fmt: skip
def test_words_that_would_betray_us_are_refused(
    case: Case, analyst: Actor, fields: dict[str, Any], words: str
) -> None:
    make_agency(name="Harbour Bureau", short_name="HDIB")
    with pytest.raises(CaseworkError, match=words):
        draft(case, analyst, **fields)


def test_the_case_hides_its_questions_and_a_draft_is_withdrawn(case: Case, analyst: Actor) -> None:
    sealed = make_case(analyst, started=True, visibility="sealed")
    row = draft(sealed, analyst)
    assert not OutboundRequest.objects.visible_to(person("analyst")).exists()
    end_outbound(row, reason="Not needed.", by=analyst)
    assert row.state == "withdrawn"


@pytest.mark.owner
def test_the_database_keeps_the_words(case: Case, analyst: Actor) -> None:
    row = draft(case, analyst)
    for change in (
        {"text": "Another."}, {"recipient": "Else"}, {"state": "sent"},
        {"state": "approved", "approved_by": analyst.user_id},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            OutboundRequest.objects.filter(pk=row.pk).update(**change)
