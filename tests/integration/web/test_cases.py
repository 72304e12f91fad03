"""Cases: list, new, shell, overview, timeline, the acts, and what the sums are made of."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cases.models import Case
from cases.queries.cases import case_list, case_overview, case_shell
from cases.services.cases import submit_case
from cases.services.findings import submit_finding
from tests.casework import make_case, make_finding, make_user, person
from tests.conftest import client_of
from tests.integration.web.conftest import Room

pytestmark = pytest.mark.django_db
TABS = ["case_detail", "case_flow", "case_wallets", "case_traces", "case_suspects",
        "case_timeline", "case_money", "case_edit", "trace_new", "suspect_new"]  # fmt: skip


@pytest.mark.parametrize("route", TABS)
def test_a_member_sees_each_tab_and_an_outsider_none(room: Room, route: str) -> None:
    url = reverse(route, args=[room.case.public_id])
    page = room.client.get(url)
    assert page.status_code == 200
    assert f"<title>{room.case.reference}" in page.content.decode()
    assert room.outsider.get(url).status_code == 404
    assert Client().get(url).url.startswith("/accounts/login/")


@pytest.mark.parametrize("role", ["liaison", "auditor", "admin"])
def test_other_roles_find_no_case_pages(room: Room, role: str) -> None:
    client = client_of(make_user(role))
    for name in ("case_list", "wallet_list", "suspect_list", "trace_list", "search"):
        assert client.get(reverse(name)).status_code in (302, 404)


def test_titles_name_the_reference_and_never_the_case(room: Room) -> None:
    page = room.client.get(reverse("case_detail", args=[room.case.public_id])).content.decode()
    assert room.case.title not in page.split("</title>")[0]


def test_a_case_is_opened_by_its_form() -> None:
    client = client_of(make_user("analyst"))
    fields = {"title": "Copperdice", "case_type": "fraud", "priority": "P1", "visibility": "unit"}
    page = client.post(reverse("case_new"), fields)
    case = Case.objects.get(title="Copperdice")
    assert page.url == reverse("case_detail", args=[case.public_id])


def test_a_form_with_errors_comes_back_with_what_was_typed() -> None:
    client = client_of(make_user("analyst"))
    page = client.post(reverse("case_new"), {"title": "", "summary": "Typed before"})
    assert page.status_code == 422
    assert "Typed before" in page.content.decode()
    assert not Case.objects.exists()


def test_the_list_is_filtered_by_state_and_pages_by_key(room: Room) -> None:
    page = room.client.get(reverse("case_list"))
    assert room.case.title in page.content.decode()
    assert room.case.title not in room.outsider.get(reverse("case_list")).content.decode()
    closed = room.client.get(reverse("case_list"), {"state": "closed"})
    assert room.case.title not in closed.content.decode()
    for wrong in ("???", "bm9wZQ", "é"):
        assert room.client.get(reverse("case_list"), {"after": wrong}).status_code == 200


def test_pages_of_the_list_follow_each_other_without_a_gap() -> None:
    by = person("analyst")
    for number in range(5):
        make_case(by, title=f"Case {number}")
    seen: list[str] = []
    after = ""
    while True:
        page = case_list(by, ["intake"], after, size=2)
        seen += [row.case.title for row in page.rows]
        after = page.after
        if not after:
            break
    assert seen == [f"Case {number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("cases", [1, 4])
def test_the_list_asks_ten_times_at_most(cases: int, django_assert_max_num_queries: Any) -> None:
    by = person("analyst")
    for _ in range(cases):
        make_case(by)
    with django_assert_max_num_queries(10):
        assert len(case_list(by, ["intake"]).rows) == cases


def test_the_shell_asks_fifteen_times_at_most(
    room: Room, django_assert_max_num_queries: Any
) -> None:
    room.run_trace()
    with django_assert_max_num_queries(15):
        shell = case_shell(room.case, room.by)
    assert shell.counts["wallets"] == 1
    assert shell.policy == "fifo"
    with django_assert_max_num_queries(5):
        case_overview(shell)


def test_next_steps_follow_the_state_of_the_case(room: Room) -> None:
    def steps() -> list[str]:
        return [step.key for step in case_overview(case_shell(room.case, room.by)).steps]

    assert steps() == ["trace"]
    finding = make_finding(room.case, room.by)
    assert "drafts" in steps()
    submit_finding(finding, by=room.by)
    assert "review" in steps()
    assert "drafts" not in steps()


def test_sums_agree_between_the_strip_and_what_opens_under_it(room: Room) -> None:
    room.run_trace()
    money = case_shell(room.case, room.by).money
    [row] = money.reached.rows
    assert row.base == 2_000_000_000
    url = reverse("case_money", args=[room.case.public_id])
    assert "20.00 BTC" in room.client.get(url, {"part": "reached"}).content.decode()
    parts = room.client.get(
        reverse("case_account", args=[room.case.public_id, room.account.public_id]),
        {"asset": row.asset},
    )
    assert sum(each.base for each in parts.context["parts"].reached) == row.base
    unknown = reverse("case_account", args=[room.case.public_id, room.case.public_id])
    assert room.client.get(unknown, {"asset": row.asset}).status_code == 404


def test_the_case_moves_on_by_its_acts_with_two_people(room: Room) -> None:
    url = reverse("case_submit", args=[room.case.public_id])
    assert room.client.post(url, {"reason": ""}).status_code == 422
    assert room.client.post(url, {"reason": "Complete."}).status_code == 302
    room.case.refresh_from_db()
    assert room.case.state == "in_review"
    page = room.client.get(reverse("case_detail", args=[room.case.public_id])).content.decode()
    assert reverse("case_decide", args=[room.case.public_id]) not in page
    assert room.client.post(
        reverse("case_decide", args=[room.case.public_id]),
        {"decisions": "refer", "reason": "Mine."},
    ).status_code == 403  # fmt: skip


def test_an_act_from_the_wrong_state_is_a_conflict(room: Room) -> None:
    submit_case(room.case, reason="Complete.", by=room.by)
    url = reverse("case_start", args=[room.case.public_id])
    assert room.client.post(url).status_code == 409
    assert room.client.get(url).status_code == 405


def test_an_edit_of_a_changed_case_is_refused(room: Room) -> None:
    url = reverse("case_edit", args=[room.case.public_id])
    fields = {"title": "New", "case_type": "fraud", "priority": "P1"}
    room.case.refresh_from_db()
    assert room.client.post(url, fields | {"version": room.case.version - 1}).status_code == 409
    assert room.client.post(url, fields | {"version": room.case.version}).status_code == 302
    room.case.refresh_from_db()
    assert room.case.title == "New"
