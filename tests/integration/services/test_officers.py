"""Officers: a call to a number known before, two people, an end, and an alarm."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.models import AuditEvent, OfficerAlarm, OfficerEntry
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.queries.inbox import inbox
from cases.queries.officers import officer_page
from cases.services.agencies import approve_agency, reject_agency
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.officer_alarms import LEAST, look_at_officers, see_officer_alarm
from cases.services.officers import (
    expire_officers,
    reject_officer,
    suspend_officer,
    verify_officer,
)
from cases.services.requests import RequestSpec, record_request
from cases.states import InvalidTransition
from fiu.models import Agency, User
from tests.casework import make_actor, make_agency, make_user, person, stale
from tests.conftest import client_of
from tests.officer_desk import SAID, OfficerDesk, make_officer_desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> OfficerDesk:
    return make_officer_desk()


def test_an_agency_holds_once_a_second_person_says_so(desk: OfficerDesk) -> None:
    entry = desk.agency()
    shown = {"content_hash": entry.content_hash, **SAID}
    assert not Agency.objects.exists()
    for who in (desk.senior, person("analyst")):
        with pytest.raises(PermissionDenied):
            approve_agency(entry, **shown, by=who)
    with pytest.raises(StepUpRequired):
        approve_agency(entry, **shown, by=stale(desk.compliance))
    with pytest.raises(ContentChanged):
        approve_agency(entry, **(shown | {"content_hash": "0" * 64}), by=desk.compliance)
    assert [row.kind for row in inbox(desk.compliance)] == ["agency"]
    approve_agency(entry, **shown, by=desk.compliance)
    agency = Agency.objects.get()
    assert (agency.short_name, agency.domain, entry.agency_id) == ("HP", "hp.example", agency.pk)
    with pytest.raises(InvalidTransition):
        reject_agency(entry, **SAID, by=desk.other)
    later = desk.known(agency_id=agency.pk, domains=["hp.example"])
    entry.refresh_from_db()
    assert (entry.state, later.state, Agency.objects.count()) == ("superseded", "in_force", 1)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"domains": ["not a domain"]}, "no domain"), ({"domains": []}, "1 to 10"),
        ({"call_back_number": "call me"}, "telephone"), ({"number_source": " "}, "comes from"),
        ({"country": "TWN"}, "two letters"), ({"kind": "club"}, "kind of agency"),
        ({"short_name": "TAKEN"}, "this name"), ({"agency_id": 99}, "not known"),
    ],
)  # fmt: skip
def test_an_agency_that_makes_no_sense_is_refused(
    desk: OfficerDesk, fields: dict[str, Any], words: str
) -> None:
    make_agency(short_name="TAKEN")
    with pytest.raises(CaseworkError, match=words):
        desk.agency(**fields)


def test_an_account_opens_by_two_people_and_never_by_one(desk: OfficerDesk) -> None:
    known = desk.known()
    entry = desk.propose(known)
    shown = {"content_hash": entry.content_hash, **SAID}
    assert not User.objects.filter(username="lin").exists()
    for who in (desk.senior, person("supervisor"), person("analyst")):
        with pytest.raises(PermissionDenied):
            verify_officer(entry, **shown, by=who)
    with pytest.raises(StepUpRequired):
        verify_officer(entry, **shown, by=stale(desk.compliance))
    assert [row.kind for row in inbox(desk.compliance)] == ["officer"]
    verify_officer(entry, **shown, by=desk.compliance)
    user = User.objects.get(username="lin")
    assert (user.role, user.agency_id, user.title) == ("liaison", known.agency_id, "Inspector")
    assert not user.has_usable_password()
    assert user.access_until is not None
    assert user.access_until.date() == entry.valid_until
    with pytest.raises(InvalidTransition):
        reject_officer(entry, **SAID, by=desk.other)
    trail = AuditEvent.objects.filter(case=None, object=f"officer:{entry.public_id}")
    assert [each.action for each in trail.order_by("seq")] == ["propose_officer", "verify_officer"]
    assert not any("lin@" in each.data or '"lin"' in each.data for each in trail)


def test_the_call_goes_to_the_number_that_was_known_before(desk: OfficerDesk) -> None:
    unknown = make_agency()
    with pytest.raises(CaseworkError, match="Verify the agency first"):
        desk.propose(desk.agency(agency_id=unknown.pk))
    known = desk.known()
    for at in (timezone.now() - timedelta(days=1), timezone.now() + timedelta(hours=1)):
        with pytest.raises(CaseworkError, match="call must lie between"):
            desk.propose(known, called_at=at)
    entry = desk.propose(known)
    assert (entry.called_number, entry.number_source) == (
        "+886 2 5550 0100", "Directory of the ministry, page 12.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("email", "verdict"), [("lin@hp-example.org", "look_alike"), ("lin@mail.example", "other")]
)
def test_a_domain_that_only_looks_like_the_agencys_is_never_verified(
    desk: OfficerDesk, email: str, verdict: str
) -> None:
    entry = desk.propose(desk.known(), email=email)
    assert entry.domain_verdict == verdict
    with pytest.raises(CaseworkError, match="not under a domain"):
        verify_officer(entry, content_hash=entry.content_hash, **SAID, by=desk.compliance)
    reject_officer(entry, reason="Not theirs.", by=desk.compliance)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"valid_until": timezone.now().date() + timedelta(days=400)}, "at most 365"),
        ({"valid_until": timezone.now().date()}, "at least a day"),
        ({"username": "some body"}, "user name"), ({"username": "insider"}, "Somebody else"),
        ({"spoke_with": " "}, "With whom|with whom"), ({"email": "nobody"}, "Email"),
    ],
)  # fmt: skip
def test_an_officer_that_makes_no_sense_is_refused(
    desk: OfficerDesk, fields: dict[str, Any], words: str
) -> None:
    make_user("analyst", username="insider")
    with pytest.raises(CaseworkError, match=words):
        desk.propose(desk.known(), **fields)


def test_a_second_domain_of_the_agency_is_the_agencys(desk: OfficerDesk) -> None:
    assert desk.verified(desk.known(), email="lin@desk.harbour.example").state == "verified"


def test_suspending_counts_at_the_next_request_and_takes_two_to_undo(desk: OfficerDesk) -> None:
    known = desk.known()
    entry = desk.verified(known)
    user = User.objects.get(username="lin")
    browser = client_of(user)
    assert browser.get("/liaison/").status_code == 200
    with pytest.raises(PermissionDenied):
        suspend_officer(entry, reason="Left.", by=person("analyst"))
    suspend_officer(entry, reason="Left.", by=desk.senior)
    assert browser.get("/liaison/").status_code == 302
    with pytest.raises(InvalidTransition):
        suspend_officer(entry, reason="Left.", by=desk.other)
    assert desk.propose(known).user == user  # the same account, and still closed
    assert not User.objects.get(pk=user.pk).is_active
    desk.verified(known)
    entry.refresh_from_db()
    assert (entry.state, User.objects.get(pk=user.pk).is_active) == ("replaced", True)


def test_an_account_ends_on_its_last_day_with_and_without_housekeeping(desk: OfficerDesk) -> None:
    entry = desk.verified(desk.known(), valid_until=timezone.now().date() + timedelta(days=2))
    user = User.objects.get(username="lin")
    browser = client_of(user)
    assert expire_officers() == 0
    User.objects.filter(pk=user.pk).update(access_until=timezone.now() - timedelta(seconds=1))
    assert browser.get("/liaison/").status_code == 302
    assert User.objects.get(pk=user.pk).is_active
    assert expire_officers(entry.valid_until) == 0
    assert expire_officers(entry.valid_until + timedelta(days=1)) == 1
    assert not User.objects.get(pk=user.pk).is_active
    assert OfficerEntry.objects.get(pk=entry.pk).state == "expired"


@pytest.mark.owner
def test_the_database_keeps_what_two_people_agreed_on(desk: OfficerDesk) -> None:
    known = desk.known()
    entry = desk.propose(known)
    for change in (
        {"email": "x@hp.example"}, {"called_number": "1"}, {"state": "suspended"},
        {"state": "verified", "decided_by": desk.senior.user_id, "decided_at": timezone.now()},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            OfficerEntry.objects.filter(pk=entry.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        type(known).objects.filter(pk=known.pk).update(call_back_number="+1 555 0199")
    copy = OfficerEntry.objects.get(pk=entry.pk)
    copy.pk, copy.public_id, copy.called_number = None, None, "+1 555 0199"
    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save(force_insert=True)


def test_an_unusual_day_rings_once_and_somebody_says_what_it_was(desk: OfficerDesk) -> None:
    officer = make_user("liaison", agency=make_agency())
    for number in range(LEAST["requests"]):
        _ask(make_actor(officer), number)
    assert look_at_officers() == 0
    _ask(make_actor(officer), LEAST["requests"])
    assert (look_at_officers(), look_at_officers()) == (1, 0)
    alarm = OfficerAlarm.objects.get()
    assert (alarm.kind, alarm.num_seen, alarm.num_usual) == ("requests", 11, 10)
    assert [row.kind for row in inbox(desk.senior) if row.kind == "alarm"] == ["alarm"]
    assert [each.pk for each in officer_page().alarms] == [alarm.pk]
    with pytest.raises(PermissionDenied):
        see_officer_alarm(alarm, words="A raid.", by=person("analyst"))
    see_officer_alarm(alarm, words="A raid; confirmed by their desk.", by=desk.senior)
    with pytest.raises(InvalidTransition):
        see_officer_alarm(alarm, words="Again.", by=desk.other)
    assert officer_page().alarms == []


def _ask(officer: Actor, number: int) -> None:
    now = timezone.now()
    record_request(
        RequestSpec(
            agency_ref=f"F-{number}", instrument_type="court_order", instrument_number="1",
            issued_by="A court", issued_on=now.date(), legal_basis="A law.", offences="Fraud",
            identifiers="a@b.example", datasets=("balances",), due_at=now + timedelta(days=9),
        ),
        by=officer,
    )  # fmt: skip
