"""The people of a case on screen: access, walls, and a broken glass from both sides."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, CaseAccess, CaseBlock, EmergencyAccess
from cases.policy import Actor
from cases.queries.access import people_of_case
from cases.services.cases import block_user
from cases.services.findings import submit_finding
from cases.services.freezes import LineSpec, request_freeze, submit_freeze
from fiu.models import User
from fiu.people import give_second_factor
from tests.casework import (
    BTC,
    make_account,
    make_actor,
    make_approved_finding,
    make_case,
    make_finding,
    make_user,
)
from tests.conftest import client_of
from tests.inbox_rows import inbox
from tests.integration.web.conftest import Room

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user("analyst")


@pytest.fixture
def boss() -> User:
    return make_user("compliance")


@pytest.fixture
def case(owner: User) -> Case:
    return make_case(make_actor(owner), visibility="sealed")


def address(route: str, case: Case, *more: object) -> str:
    return reverse(route, args=[case.public_id, *more])


def test_a_person_is_named_until_a_time_and_taken_off_again(case: Case, boss: User) -> None:
    reader, client = make_user("analyst"), client_of(boss)
    until = (timezone.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    asked = {"person": str(reader.public_id), "level": "read", "expires_at": until}
    assert client.post(address("access_grant", case), asked).status_code == 302
    access = CaseAccess.objects.get(case=case, user=reader)
    assert (access.level, access.expires_at is None) == ("read", False)
    page = client.get(address("case_people", case)).content.decode()
    assert address("access_revoke", case, reader.public_id) in page
    taken = client.post(address("access_revoke", case, reader.public_id), {"reason": "Done."})
    assert taken.status_code == 302
    assert client_of(reader).get(address("case_detail", case)).status_code == 404


def test_a_grant_that_ended_already_is_refused_in_the_form(case: Case, boss: User) -> None:
    asked = {"person": str(make_user("analyst").public_id), "level": "read",
             "expires_at": "2020-01-01T00:00"}  # fmt: skip
    answer = client_of(boss).post(address("access_grant", case), asked)
    assert answer.status_code == 422
    assert "would have ended already" in answer.content.decode()


def test_an_analyst_sees_who_is_named_but_no_act_and_no_wall(
    case: Case, owner: User, boss: User
) -> None:
    walled = make_user("analyst", first_name="Walled", last_name="Off")
    block_user(case, walled.pk, "Qx conflict", by=make_actor(boss))
    page = client_of(owner).get(address("case_people", case)).content.decode()
    assert "Walled" not in page
    assert "Qx conflict" not in page
    assert address("access_grant", case) not in page
    timeline = client_of(owner).get(address("case_timeline", case)).content.decode()
    trail = client_of(owner).get(reverse("audit_list")).content.decode()
    assert "Qx conflict" not in timeline + trail
    assert "Qx conflict" in client_of(boss).get(reverse("audit_list")).content.decode()
    asked = {"person": str(walled.public_id), "level": "read"}
    assert client_of(owner).post(address("access_grant", case), asked).status_code == 422
    asked["person"] = str(make_user("analyst").public_id)
    assert client_of(owner).post(address("access_grant", case), asked).status_code == 403


def test_a_wall_is_raised_and_lifted_on_screen(case: Case, boss: User) -> None:
    walled, other = make_user("analyst"), make_user("compliance")
    asked = {"person": str(walled.public_id), "reason": "A relative."}
    assert client_of(boss).post(address("access_wall", case), asked).status_code == 302
    lift = address("access_lift", case, walled.public_id)
    assert client_of(boss).post(lift, {"reason": "No."}).status_code == 403
    assert client_of(other).post(lift, {"reason": "Another of that name."}).status_code == 302
    assert not CaseBlock.objects.exists()


def test_owner_and_visibility_change_together(case: Case, boss: User) -> None:
    heir = make_user("analyst")
    asked = {"owner": str(heir.public_id), "visibility": "team", "version": case.version}
    assert client_of(boss).post(address("access_scope", case), asked).status_code == 302
    case.refresh_from_db()
    assert (case.owner_by_id, case.visibility) == (heir.pk, "team")
    assert client_of(boss).post(address("access_scope", case), asked).status_code == 409


def test_an_emergency_from_the_reference_to_the_inbox(case: Case, boss: User) -> None:
    hurried = make_user("supervisor")
    give_second_factor(hurried)
    asked = {"reference": case.reference, "reason": "Money moves now."}
    old = client_of(hurried, second_factor_age=400)
    answer = old.post(reverse("case_emergency"), asked)
    assert answer.headers["Location"].startswith(reverse("mfa_reauthenticate"))
    assert not EmergencyAccess.objects.exists()
    client = client_of(hurried)
    answer = client.post(reverse("case_emergency"), asked)
    assert answer.headers["Location"] == address("case_detail", case)
    assert client.get(address("case_detail", case)).status_code == 200
    emergency = EmergencyAccess.objects.get()
    row = reverse("emergency_detail", args=[emergency.public_id])
    compliance = client_of(boss)
    assert row in compliance.get(reverse("inbox")).content.decode()
    page = compliance.get(row).content.decode()
    assert "Money moves now." in page
    assert "Opened in an emergency" in page
    look = reverse("emergency_look", args=[emergency.public_id])
    assert look in page
    assert compliance.post(look).status_code == 302
    assert row not in compliance.get(reverse("inbox")).content.decode()


def test_a_reference_that_opens_nothing_reads_the_same_at_a_wall(case: Case, boss: User) -> None:
    walled = make_user("supervisor")
    block_user(case, walled.pk, "A relative.", by=make_actor(boss))
    client = client_of(walled)

    def answer(reference: str) -> str:
        asked = {"reference": reference, "reason": "Now."}
        told = client.post(reverse("case_emergency"), asked)
        assert told.status_code == 422
        text = told.content.decode().replace(reference, "REFERENCE")
        return re.sub(r'(csrfmiddlewaretoken" value="|X-CSRFToken": ")\w+', "", text)

    assert answer(case.reference) == answer("CASE-1999-000001")


def test_the_screen_asks_five_times_at_most(
    case: Case, boss: User, django_assert_max_num_queries: object
) -> None:
    actor: Actor = make_actor(boss)
    for _ in range(5):
        make_user("analyst")
    with django_assert_max_num_queries(5):  # type: ignore[operator]
        people_of_case(case, actor)


WRITES = re.compile(r'(?:href|action)="([^"]*/(?:new|edit|start|submit|triage|add|drop|finish)/)"')
# What keeps a look, or is one's own.
READERS_MAY = ("verify", "accounts", "theme", "search", "watch")


def test_a_person_named_to_read_is_offered_nothing_that_would_be_refused(room: Room) -> None:
    """As after a broken glass: acts are off with the reason, forms cannot be typed into in vain."""
    reader = make_user("supervisor")
    CaseAccess.objects.create(case=room.case, user=reader, level="read")
    Case.objects.filter(pk=room.case.pk).update(visibility="unit")  # for the reviewers
    case_run = room.run_trace()
    review = submit_finding(make_finding(room.case, room.by), by=room.by)
    line = LineSpec(make_account().pk, BTC, 5, make_approved_finding(room.case, room.by).pk)
    freeze = request_freeze(
        room.case, legal_basis="internal_suspicion", restriction="all", urgency="routine",
        agency_id=None, reason="R.", lines=[line], by=room.by,
    )  # fmt: skip
    submit_freeze(freeze, by=room.by)
    Case.objects.filter(pk=room.case.pk).update(visibility="team")
    tabs = ("detail", "flow", "wallets", "traces", "cohorts", "suspects", "findings", "freezes",
            "referrals", "files", "tasks", "people", "timeline")  # fmt: skip
    urls = [address(f"case_{tab}", room.case) for tab in tabs]
    urls += [
        address("trace_detail", room.case, case_run.run),
        reverse("finding_detail", args=[review.public_id]),
        reverse("freeze_detail", args=[freeze.public_id]),
    ]
    seen, owners = client_of(reader), client_of(room.analyst)
    assert any(WRITES.search(owners.get(url).content.decode()) for url in urls)
    for url in urls:
        page = seen.get(url).content.decode()
        offered = WRITES.findall(page)
        posts = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page)
        offered += [post for post in posts if not any(word in post for word in READERS_MAY)]
        assert not offered, url
        assert "You may read this case, not change it." in page
    blocked = seen.get(urls[-2]).content.decode()
    assert re.search(r'<button[^>]*aria-disabled="true"[^>]*>.*Approve finding', blocked)
    form = seen.get(address("finding_new", room.case)).content.decode()
    assert "<fieldset disabled>" in form
    assert (
        "<fieldset disabled>" not in owners.get(address("finding_new", room.case)).content.decode()
    )
    assert not inbox(make_actor(reader))
