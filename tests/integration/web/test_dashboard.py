"""The dashboard: totals, what waits, deadlines, the guide; theme; other roles' first pages."""

from typing import Any

import pytest
from django.urls import reverse

from cases.queries import inbox as queues
from cases.queries.dashboard import guide_steps
from cases.queries.inbox import inbox, inbox_numbers
from cases.services.findings import submit_finding
from fiu.models import User
from tests.casework import make_actor, make_case, make_finding, make_user, person
from tests.conftest import client_of
from tests.integration.web.conftest import Room

pytestmark = pytest.mark.django_db


def test_the_totals_open_what_they_are_made_of(room: Room) -> None:
    room.run_trace()
    page = room.client.get(reverse("dashboard"))
    assert page.status_code == 200
    assert "$2.00M" in page.content.decode()
    parts = room.client.get(reverse("dashboard_money"), {"part": "reached"}).content.decode()
    assert "20.00 BTC" in parts
    assert room.case.title in parts
    assert room.case.title not in room.outsider.get(reverse("dashboard_money")).content.decode()
    rows = reverse("dashboard_account", args=[room.case.runs.get().reached.get().account.public_id])
    asset = {"asset": room.case.runs.get().reached.get().asset}
    assert room.case.reference in room.client.get(rows, asset).content.decode()
    assert room.client.get(rows, {"asset": "none"}).status_code == 404
    assert room.outsider.get(rows, asset).status_code == 404


def test_a_finding_waits_for_the_second_person_and_not_for_its_author() -> None:
    by, second = person("supervisor"), person("supervisor")
    case = make_case(by, visibility="unit")
    finding = submit_finding(make_finding(case, by), by=by)
    assert "finding" not in inbox_numbers(by)
    assert inbox_numbers(second)["finding"] == 1
    [waiting] = inbox(second)
    assert (waiting.reference, waiting.route) == (finding.reference, "finding_detail")
    assert waiting.about == finding.claim


def test_the_rail_counts_what_waits(room: Room) -> None:
    by = person("supervisor")
    case = make_case(by, visibility="unit")
    submit_finding(make_finding(case, by), by=by)
    page = client_of(make_user("supervisor")).get(reverse("case_list")).content.decode()
    assert 'class="count"' in page


def test_the_guide_is_computed_from_the_case_and_closes_for_good(room: Room) -> None:
    assert [step.is_done for step in guide_steps(room.by)] == [True, True, False, False, False]
    room.run_trace()
    assert [step.is_done for step in guide_steps(room.by)][2]
    page = room.client.get(reverse("dashboard")).content.decode()
    assert "Five steps" in page
    assert room.client.post(reverse("guide_close")).url == reverse("dashboard")
    assert "Five steps" not in room.client.get(reverse("dashboard")).content.decode()
    assert "Five steps" in client_of(room.supervisor).get(
        reverse("dashboard")
    ).content.decode() or not guide_steps(make_actor(room.supervisor))  # fmt: skip


def test_an_empty_installation_has_a_dashboard_too() -> None:
    page = client_of(make_user("compliance")).get(reverse("dashboard"))
    assert page.status_code == 200
    assert "Nothing waits for you" in page.content.decode()


def test_people_without_cases_are_led_elsewhere() -> None:
    page = client_of(make_user("auditor")).get(reverse("dashboard"))
    assert page.status_code in (302, 404)


def test_the_theme_is_kept_with_the_person_and_leads_back_only_here() -> None:
    user = make_user("analyst")
    client = client_of(user)
    url = reverse("set_theme")
    assert client.post(url, {"theme": "dark", "next": "/cases/"}).url == "/cases/"
    assert User.objects.get(pk=user.pk).theme == "dark"
    assert client.post(url, {"theme": "light", "next": "https://elsewhere.example/"}).url == "/"
    assert client.post(url, {"theme": "light", "next": "cases"}).url == "cases"
    assert client.post(url, {"theme": "light", "next": "%2f%2felsewhere"}).url == "%2f%2felsewhere"
    assert client.post(url, {"theme": "pink"}).status_code == 404
    assert client.get(url).status_code == 405


def test_the_queues_ask_thirty_three_times_at_most(
    django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [person(role) for role in ("analyst", "supervisor", "compliance")]
    for actor in people:
        with django_assert_max_num_queries(10):  # nothing waits: one asks which to leave out
            inbox_numbers(actor)
    monkeypatch.setattr(queues, "kinds_without_rows", set)
    for actor in people:
        with django_assert_max_num_queries(32):  # and that one
            inbox_numbers(actor)
