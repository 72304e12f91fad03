"""The inbox: what waits for whom, in which order, and who takes it."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.models import FreezeRequest, InboxClaim, Task
from cases.policy import Actor
from cases.queries import inbox as queries
from cases.queries.inbox import inbox_numbers
from cases.services.alerts import assign_alert, propose_dismissal
from cases.services.cases import block_user
from cases.services.findings import submit_finding
from cases.services.freezes import flag_decisions_due, request_extension
from cases.services.tasks import add_task, take_row
from fiu.models import User
from tests.casework import make_actor, make_case, make_finding, make_suspect, make_user, person
from tests.conftest import client_of
from tests.held import Held, make_held
from tests.inbox_rows import inbox
from tests.report_desk import make_alert

pytestmark = pytest.mark.django_db


@pytest.fixture
def held() -> Held:
    return make_held()


def kinds(actor: Actor) -> list[str]:
    return [row.kind for row in inbox(actor)]


def ends_in(held: Held, days: int) -> None:
    end = timezone.now() + timedelta(days=days)
    FreezeRequest.objects.filter(pk=held.freeze.pk).update(expires_at=end)


@pytest.mark.parametrize(
    ("days", "words"), [(13, "14 days"), (6, "7 days"), (0.9, "1 days"), (0.4, "12 h")]
)
def test_a_freeze_that_ends_rings_its_alarm(held: Held, days: int, words: str) -> None:
    assert "ending" not in kinds(held.compliance)
    ends_in(held, days)
    (row,) = [row for row in inbox(held.compliance) if row.kind == "ending"]
    assert words in row.words
    assert row.amount is not None
    assert row.amount > 0
    assert "ending" in kinds(held.analyst)  # who asked for it is told as well
    assert "ending" not in kinds(person("analyst"))


def test_a_freeze_past_its_end_stays_until_somebody_decides(held: Held) -> None:
    ends_in(held, -1)
    flag_decisions_due()
    (row,) = [row for row in inbox(held.compliance) if row.kind == "ending"]
    assert "everything stays held" in row.words
    held.freeze.refresh_from_db()
    assert held.line().held == 300_000_000


def test_releases_and_extensions_wait_for_the_other_person(held: Held) -> None:
    held.ask()
    request_extension(
        held.freeze, basis="internal_suspicion", until=timezone.now() + timedelta(days=200),
        reason="R.", by=held.compliance,
    )  # fmt: skip
    assert "release" in kinds(held.compliance)
    assert "extension" not in kinds(held.compliance)  # asked for it
    assert {"release", "extension"} <= set(kinds(person("compliance")))
    assert not {"release", "extension"} & set(kinds(person("supervisor")))


def test_rows_stand_by_deadline_and_the_counter_says_as_many(held: Held) -> None:
    ends_in(held, 10)
    case, me = held.case, held.compliance
    for days in (20, 1):
        due = timezone.now() + timedelta(days=days)
        add_task(case, title=f"T{days}", assignee_id=me.user_id, due_at=due, by=held.analyst)
    submit_finding(make_finding(case, held.analyst), by=held.analyst)
    rows = inbox(me)
    assert [row.words for row in rows[:1]] == ["T1"]
    deadlines = [row.deadline for row in rows if row.deadline]
    assert deadlines == sorted(deadlines)
    assert rows[-1].kind == "finding"  # without a deadline: last
    assert inbox_numbers(me)["inbox"] == len(rows)


def test_a_wall_hides_every_row_of_the_case(held: Held) -> None:
    held.ask()
    walled = person("compliance")
    assert walled.user_id is not None
    block_user(held.case, walled.user_id, "Related.", by=held.compliance)
    assert kinds(walled) == []
    assert inbox_numbers(walled) == {}


@pytest.mark.parametrize("role", ["auditor", "admin", "liaison"])
def test_who_does_not_work_on_cases_has_no_inbox(held: Held, role: str) -> None:
    assert client_of(make_user(role)).get(reverse("inbox")).status_code in (302, 404)


def test_the_list_needs_a_bounded_number_of_queries(
    held: Held, django_assert_max_num_queries: Any
) -> None:
    held.ask()
    ends_in(held, 5)
    for number in range(5):
        case = make_case(held.analyst)
        make_suspect(case, held.analyst)
        add_task(case, title=f"T{number}", by=held.analyst)
        submit_finding(make_finding(case, held.analyst), by=held.analyst)
    with django_assert_max_num_queries(21):
        assert len(queries.inbox(held.compliance)) == 12


def test_take_next_takes_the_most_urgent_that_nobody_has(held: Held) -> None:
    analyst = User.objects.get(pk=held.analyst.user_id)
    now = timezone.now()
    urgent, later = (
        add_task(held.case, title=title, due_at=now + timedelta(days=days), by=held.analyst)
        for title, days in (("Urgent", 1), ("Later", 3))
    )
    take_row(held.case.pk, "task", urgent.public_id, by=person("supervisor"))
    answer = client_of(analyst).post(reverse("inbox_next"))
    assert answer["Location"] == reverse("case_tasks", args=[held.case.public_id])
    assert Task.objects.get(pk=later.pk).assignee_id == analyst.pk
    assert Task.objects.get(pk=urgent.pk).assignee_id != analyst.pk
    assert InboxClaim.objects.count() == 2


def test_one_row_is_taken_from_its_button(held: Held) -> None:
    client = client_of(User.objects.get(pk=held.analyst.user_id))
    task = add_task(held.case, title="T", by=held.analyst)
    url = reverse("inbox_take", args=["task", task.public_id])
    assert client.post(url)["Location"] == reverse("inbox")
    assert client.post(url).status_code == 409
    assert client_of(make_user("auditor")).post(url).status_code == 404


def test_chips_filter_by_kind(held: Held) -> None:
    held.ask()
    add_task(held.case, title="Call the bank", by=held.analyst)
    client = client_of(User.objects.get(pk=held.compliance.user_id))
    every = client.get(reverse("inbox")).content.decode()
    assert "Call the bank" in every
    assert "Decide on this release" in every
    only = client.get(reverse("inbox"), {"type": "release"}).content.decode()
    assert "Call the bank" not in only
    assert "Nothing of this kind" in client.get(reverse("inbox"), {"type": "run"}).content.decode()


def test_a_long_inbox_shows_the_nearest_deadlines_and_counts_the_rest() -> None:
    user = make_user("analyst")
    now = timezone.now()
    case = make_case(make_actor(user))
    Task.objects.bulk_create(
        Task(case=case, title=f"Task {n:03d}", created_by=user, created_at=now, assignee=user,
             due_at=now + timedelta(hours=n))
        for n in range(53)
    )  # fmt: skip
    page = client_of(user).get(reverse("inbox")).content.decode()
    assert page.count("<tr>") == 51  # with the head
    assert "Task 049" in page
    assert "Task 050" not in page
    assert "3 more with later deadlines" in page


def test_a_new_alert_waits_for_all_until_one_takes_it() -> None:
    alert, first, second = make_alert(), make_user("analyst"), make_user("analyst")
    (row,) = inbox(make_actor(first), "alert")
    assert row.owner is None
    assert inbox_numbers(make_actor(second))["alert"] == 1
    taken = client_of(first).post(reverse("inbox_take", args=["alert", alert.public_id]))
    assert taken.status_code == 302
    alert.refresh_from_db()
    assert alert.assigned_to == first
    assert kinds(make_actor(first)) == ["alert"]
    assert kinds(make_actor(second)) == []


def test_a_proposed_dismissal_waits_for_the_second_person() -> None:
    alert, analyst, supervisor = make_alert(), person("analyst"), person("supervisor")
    assign_alert(alert, by=analyst)
    assert kinds(supervisor) == []
    propose_dismissal(alert, disposition="false_positive", reason="Own wallet.", by=analyst)
    (row,) = inbox(supervisor)
    assert "dismissal" in row.words
    assert kinds(person("analyst")) == []
