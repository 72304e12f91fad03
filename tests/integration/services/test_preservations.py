"""Preserved data: begun by the desk, renewed by its clock, and never ended but by a person."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.models import InformationRequest, Preservation
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.queries.inbox import inbox
from cases.queries.shared_requests import request_for
from cases.services.errors import CaseworkError
from cases.services.requests import (
    RequestSpec,
    end_preservation,
    record_request,
    renew_preservation,
    start_preservation,
    start_verification,
)
from cases.states import InvalidTransition
from cases.times import iso
from fiu.models import User
from tests.casework import make_account, make_actor, make_agency, make_user, person, stale
from tests.conftest import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer() -> Actor:
    return make_actor(make_user("liaison", agency=make_agency()))


@pytest.fixture
def asked(officer: Actor) -> InformationRequest:
    make_account("NQ-0004417")
    now = timezone.now()
    return record_request(
        RequestSpec(
            agency_ref="F-1", instrument_type="court_order", instrument_number="1",
            issued_by="A court", issued_on=now.date(), legal_basis="A law.", offences="Fraud",
            identifiers="NQ-0004417", datasets=("balances",), due_at=now + timedelta(days=9),
        ),
        by=officer,
    )  # fmt: skip


def kept_for(asked: InformationRequest, by: Actor) -> Preservation:
    start_verification(asked, by=by)
    return start_preservation(asked, reason="They ask for time.", by=by)


def test_data_is_preserved_for_ninety_days_and_the_officer_sees_until_when(
    asked: InformationRequest, officer: Actor
) -> None:
    analyst = person("analyst")
    with pytest.raises(CaseworkError, match="Take the request up first"):
        start_preservation(asked, reason="R.", by=analyst)
    with pytest.raises(PermissionDenied):
        start_preservation(asked, reason="R.", by=officer)
    kept = kept_for(asked, analyst)
    assert kept.until - kept.starts_at == timedelta(days=90)
    assert kept.accounts == ["NQ-0004417"]
    with pytest.raises(InvalidTransition):
        start_preservation(asked, reason="Again.", by=analyst)
    status = request_for(officer, asked.public_id)
    assert status is not None
    assert status.preserved_until == kept.until
    assert list(Preservation.objects.visible_to(person("auditor"))) == []


def test_its_end_asks_a_person_and_ends_nothing(asked: InformationRequest) -> None:
    analyst, now = person("analyst"), timezone.now()
    kept = Preservation.objects.create(
        request=asked, accounts=[], starts_at=now - timedelta(days=95),
        until=now - timedelta(days=5), source="A law.", started_by_id=analyst.user_id,
    )  # fmt: skip
    rows = [row for row in inbox(analyst) if row.kind == "preservation"]
    assert [(row.words, row.tone) for row in rows] == [
        ("Preservation is over: renew or end it", "bad")
    ]
    assert Preservation.objects.get().state == "active"
    renew_preservation(kept, until=kept.until, reason="They go on.", by=analyst)
    assert (kept.until - now).days in (89, 90)
    assert kept.num_renewals == 1
    assert "preservation" not in [row.kind for row in inbox(analyst)]
    for _time in range(3):
        renew_preservation(kept, until=kept.until, reason="They go on.", by=analyst)
    with pytest.raises(CaseworkError, match="for a year already"):
        renew_preservation(kept, until=kept.until, reason="For ever.", by=analyst)


def test_a_decider_ends_it_with_a_fresh_factor(asked: InformationRequest, officer: Actor) -> None:
    analyst, senior = person("analyst"), person("supervisor")
    kept = kept_for(asked, analyst)
    with pytest.raises(PermissionDenied):
        end_preservation(kept, reason="Done.", by=analyst)
    with pytest.raises(StepUpRequired):
        end_preservation(kept, reason="Done.", by=stale(senior))
    end_preservation(kept, reason="Done.", by=senior)
    with pytest.raises(InvalidTransition):
        renew_preservation(kept, until=kept.until, reason="No.", by=analyst)
    status = request_for(officer, asked.public_id)
    assert status is not None
    assert status.preserved_until is None
    assert start_preservation(asked, reason="Anew.", by=analyst).state == "active"


def test_of_two_people_who_renew_what_they_saw_the_second_is_told(
    asked: InformationRequest,
) -> None:
    one, two = person("analyst"), person("analyst")
    kept = kept_for(asked, one)
    seen = kept.until
    renew_preservation(kept, until=seen, reason="They go on.", by=one)
    again = Preservation.objects.get()
    with pytest.raises(InvalidTransition, match=f"renewed meanwhile.*{kept.until:%Y-%m-%d}"):
        renew_preservation(again, until=seen, reason="They go on.", by=two)
    assert (again.num_renewals, again.until) == (1, kept.until)
    page = f"/requests/{asked.public_id}/preserve/renew/"
    client = client_of(User.objects.get(pk=two.pk))
    for shown in (iso(seen), "", "yesterday", "2026-99-99T00:00:00Z", "2026-01-01T00:00:00"):
        answer = client.post(page, {"reason": "They go on.", "content_hash": shown})
        assert answer.status_code == 422
        assert iso(kept.until) in answer.text  # the form is of what holds now
    fields = {"reason": "They go on.", "content_hash": iso(kept.until)}
    assert client.post(page, fields).status_code == 302
    assert Preservation.objects.get().num_renewals == 2


@pytest.mark.owner
def test_the_database_lets_the_end_only_move_on(asked: InformationRequest) -> None:
    kept = kept_for(asked, person("analyst"))
    for change in (
        {"until": kept.until - timedelta(days=1)}, {"accounts": []}, {"state": "ended"},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            Preservation.objects.filter(pk=kept.pk).update(**change)
