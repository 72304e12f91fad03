"""What must not be missed, on the first page: by harm within seven days, and nobody else's."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.models import (
    FreezeRequest,
    SharedRelease,
    ShareGrant,
    SuspicionReport,
)
from cases.policy import Actor
from cases.queries.referrals import unread_releases
from cases.queries.release_drift import changed_releases
from cases.queries.shared import release_for
from cases.services.cases import grant_access
from cases.services.findings import approve_finding, edit_finding, submit_finding
from cases.services.referrals import recall_referral
from cases.services.requests import record_request
from cases.services.traces import watch_drift
from fiu.dashboard import pressing
from tests.casework import make_actor, make_agency, make_user, person, see_all
from tests.conftest import client_of
from tests.held import make_held
from tests.integration.services.test_requests import spec
from tests.integration.web.conftest import Room
from tests.integration.web.referral_desk import Desk, make_desk
from tests.integration.web.test_drift import name_a_service
from tests.officer_desk import make_officer
from tests.report_desk import make_report_desk

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pdf")]
DAY = timedelta(days=1)


def sent(release: SharedRelease, days: float) -> SharedRelease:
    """As if it had been sent so many days ago."""
    ShareGrant.objects.filter(release=release).update(granted_at=timezone.now() - days * DAY)
    return release


def released_trace(room: Room) -> SharedRelease:
    """A release of the room's case whose finding cites a sealed run."""
    run = room.run_trace()
    finding = room.case.findings.get(amounts__run=run.run)
    second, third = make_user("supervisor"), make_user("compliance")
    grant_access(room.case, second.pk, "write", by=make_actor(third))
    edited = edit_finding(
        finding, version=finding.version, alternatives="None is known.", confidence=80,
        confidence_reason="Sealed run.", exhibits=[], by=room.by,
    )  # fmt: skip
    submit_finding(edited, by=room.by)
    edited.refresh_from_db()
    see_all(edited, make_actor(second))
    approve_finding(
        edited, content_hash=edited.content_hash, reason="Repeated.", by=make_actor(second)
    )
    unit = make_agency(short_name="FNTF")
    liaison = make_officer(agency=unit)
    desk = Desk(room.analyst, second, third, liaison, unit, room.case, edited)
    return desk.release()


def kinds(actor: Actor) -> list[str]:
    return [each.kind for each in pressing(actor)]


def test_harm_goes_before_time_within_seven_days_and_time_after_them(room: Room) -> None:
    now, seer = timezone.now(), make_user("compliance")
    late = make_held().freeze
    soon = make_held(uid="77005678").freeze
    FreezeRequest.objects.filter(pk=late.pk).update(expires_at=now + 13 * DAY)
    FreezeRequest.objects.filter(pk=soon.pk).update(expires_at=now + timedelta(hours=40))
    asked = record_request(spec(due_at=now + timedelta(hours=20)), by=person("liaison"))
    make_report_desk().draft()
    SuspicionReport.objects.update(due_at=now + 5 * DAY)
    release = sent(released_trace(room), 5.8)
    name_a_service()
    watch_drift()
    found = pressing(make_actor(seer))
    assert [each.kind for each in found] == [
        "freeze", "request", "changed", "report", "unread", "freeze",
    ]  # fmt: skip
    assert (found[0].what, found[2].what, found[-1].what) == (soon, [release], late)
    page = client_of(seer).get(reverse("dashboard")).content.decode()
    told = (
        soon.reference, asked.reference, "A released conclusion changed",
        SuspicionReport.objects.get().reference, "unread for 6 days", late.reference,
    )  # fmt: skip
    card = page[page.index("Not to be missed") :]
    places = [card.index(each) for each in told]
    assert places == sorted(places)


def test_a_release_is_unread_until_one_of_its_officers_opens_it() -> None:
    desk = make_desk(visibility="team")
    analyst = make_actor(desk.analyst)
    release = sent(desk.release(), 2.9)
    assert unread_releases(analyst) == []  # not yet
    sent(release, 3.1)
    [(found, since)] = unread_releases(analyst)
    assert found == release
    assert timezone.now() - since > 3 * DAY
    assert "unread for 3 days" in client_of(desk.analyst).get("/").content.decode()
    for blind in (person("analyst"), make_actor(desk.officer)):
        assert unread_releases(blind) == []
    assert release_for(make_actor(desk.officer), release.public_id) is not None
    assert unread_releases(analyst) == []


@pytest.mark.parametrize("end", ["recalled", "over"])
def test_what_nobody_may_open_any_more_is_not_waited_for(end: str) -> None:
    desk = make_desk()
    release = sent(desk.release(), 9)
    assert "unread" in kinds(make_actor(desk.analyst))
    if end == "recalled":
        recall_referral(release.referral, reason="By mistake.", by=make_actor(desk.compliance))
    else:
        ShareGrant.objects.update(expires_at=timezone.now() - DAY)
    assert "unread" not in kinds(make_actor(desk.analyst))


def test_a_changed_release_is_told_to_whoever_sees_the_case_until_the_trace_says_it_again(
    room: Room,
) -> None:
    release = released_trace(room)
    assert changed_releases(room.by) == []
    name_a_service()
    watch_drift()
    [changed] = changed_releases(room.by)
    assert changed.releases == [release]
    assert changed.since <= timezone.now()
    assert changed_releases(person("analyst")) == []
    SharedRelease.objects.filter(pk=release.pk).update(state="superseded")
    assert changed_releases(room.by) == []


def test_reports_stand_there_for_those_alone_to_whom_reports_exist() -> None:
    desk = make_report_desk()
    desk.draft()
    SuspicionReport.objects.update(due_at=timezone.now() + DAY)
    flagged = make_actor(make_user("supervisor", may_view_reports=True))
    assert kinds(desk.compliance) == kinds(flagged) == ["report"]
    assert kinds(person("supervisor")) == []
