"""Work in the inbox: put off, given, given back, many at once, and views with a name."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.models import Alert, AuditEvent, InboxClaim, InboxSnooze, InboxView, Task
from cases.policy import Actor, PermissionDenied
from cases.queries import inbox as queries
from cases.services.alerts import assign_alert, link_alert
from cases.services.cases import block_user
from cases.services.errors import CaseworkError, NotFound
from cases.services.findings import submit_finding
from cases.services.inbox import (
    Given,
    assign_row,
    drop_view,
    give_back_row,
    keep_view,
    snooze_row,
    take_waiting,
    undo_assign,
    wake_row,
)
from cases.services.tasks import add_task
from tests.casework import make_actor, make_case, make_finding, make_user, person
from tests.conftest import client_of
from tests.report_desk import make_alert

pytestmark = pytest.mark.django_db
NOW = timezone.now


def rows(actor: Actor, **asked: Any) -> list[queries.InboxRow]:
    return queries.rows_of(queries.waiting(actor, **asked), actor)


def a_task(by: Actor, *, days: float | None = 3, title: str = "Call the bank") -> Task:
    due = None if days is None else NOW() + timedelta(days=days)
    return add_task(make_case(by), title=title, assignee_id=by.user_id, due_at=due, by=by)


def test_a_row_put_off_comes_back_at_its_time() -> None:
    me = person("analyst")
    a_task(me)
    (row,) = rows(me)
    snooze_row(row, NOW() + timedelta(hours=4), by=me)
    assert rows(me) == []
    assert queries.inbox_numbers(me) == {}
    (off,) = rows(me, is_snoozed=True)
    assert off.snoozed_until is not None
    InboxSnooze.objects.update(until=NOW() - timedelta(seconds=1))
    assert [each.subject for each in rows(me)] == [row.subject]
    assert rows(me, is_snoozed=True) == []
    assert queries.inbox_numbers(me) == {"inbox": 1}


def test_nothing_is_put_off_beyond_its_deadline() -> None:
    me = person("analyst")
    task = a_task(me, days=1)
    (row,) = rows(me)
    with pytest.raises(CaseworkError, match="deadline comes first"):
        snooze_row(row, NOW() + timedelta(days=2), by=me)
    snooze_row(row, NOW() + timedelta(hours=20), by=me)
    assert rows(me) == []
    # Somebody brings the deadline forward: what was put off shows again by itself.
    Task.objects.filter(pk=task.pk).update(due_at=NOW() + timedelta(hours=2))
    assert len(rows(me)) == 1


@pytest.mark.parametrize("days", [-1, 31])
def test_it_is_put_off_into_the_next_thirty_days(days: int) -> None:
    me = person("analyst")
    a_task(me, days=None)
    with pytest.raises(CaseworkError, match="30 days"):
        snooze_row(rows(me)[0], NOW() + timedelta(days=days), by=me)


def test_what_one_person_puts_off_others_still_see() -> None:
    first, second = person("supervisor"), person("supervisor")
    analyst = person("analyst")
    submit_finding(make_finding(make_case(analyst), analyst), by=analyst)
    snooze_row(rows(first)[0], NOW() + timedelta(hours=4), by=first)
    assert rows(first) == []
    assert len(rows(second)) == 1
    row = rows(first, is_snoozed=True)[0]
    wake_row(row, by=first)
    assert len(rows(first)) == 1
    actions = AuditEvent.objects.filter(case=row.case).values_list("action", flat=True)
    assert {"snooze_row", "wake_row"} <= set(actions)


def test_work_is_given_by_a_senior_to_who_can_do_it() -> None:
    boss, analyst, reviewer = person("compliance"), person("analyst"), person("supervisor")
    assert reviewer.user_id is not None
    assert analyst.user_id is not None
    submit_finding(make_finding(make_case(analyst), analyst), by=analyst)
    (row,) = rows(boss)
    assign_row(row, reviewer.user_id, by=boss)
    assert rows(reviewer)[0].owner.pk == reviewer.user_id
    with pytest.raises(CaseworkError, match="does not wait for that person"):
        assign_row(row, analyst.user_id, by=boss)  # drafted it
    with pytest.raises(PermissionDenied):
        assign_row(row, reviewer.user_id, by=analyst)
    walled = person("compliance")
    assert walled.user_id is not None
    assert row.case is not None
    block_user(row.case, walled.user_id, "Related.", by=boss)
    with pytest.raises(NotFound):
        assign_row(row, walled.user_id, by=boss)
    assert InboxClaim.objects.get().user_id == reviewer.user_id


def test_a_task_changes_hands_and_is_given_back() -> None:
    boss, analyst = person("supervisor"), person("analyst")
    assert analyst.user_id is not None
    task = a_task(boss)
    assign_row(rows(boss)[0], analyst.user_id, by=boss)
    assert rows(boss) == []
    (row,) = rows(analyst)
    assert row.owner.pk == analyst.user_id
    give_back_row(row, by=analyst)
    task.refresh_from_db()
    assert task.assignee_id is None
    assert not InboxClaim.objects.exists()
    with pytest.raises(CaseworkError, match="nothing to give back"):
        give_back_row(row, by=analyst)


def test_an_alert_goes_from_hand_to_hand() -> None:
    alert, boss, first, second = (
        make_alert(), person("supervisor"), person("analyst"), person("analyst"),
    )  # fmt: skip
    assert second.user_id is not None
    assign_alert(alert, by=first)
    with pytest.raises(PermissionDenied):
        assign_alert(alert, to_id=second.user_id, by=first)
    assign_alert(alert, to_id=second.user_id, by=boss)
    assert Alert.objects.get().assigned_to_id == second.user_id
    assert [row.kind for row in rows(second)] == ["alert"]
    with pytest.raises(NotFound):
        assign_alert(alert, to_id=make_user("auditor").pk, by=boss)


def test_many_rows_at_once_and_what_is_refused_is_said() -> None:
    user = make_user("analyst")
    me, client = make_actor(user), client_of(user)
    soon, later = a_task(me, days=0.5, title="Soon"), a_task(me, days=9, title="Later")
    answer = client.post(
        reverse("inbox_bulk"),
        {"act": "snooze", "hours": "24", "back": "type=task&x=<b>",
         "row": [f"task:{each.public_id}" for each in (soon, later)]},
        follow=True,
    )  # fmt: skip
    assert answer.redirect_chain == [("/inbox/?type=task", 302)]
    page = answer.content.decode()
    assert "1 row." in page
    assert "Soon: Its deadline comes first" in page
    assert "Later</a>" not in page
    off = client.get(reverse("inbox"), {"snoozed": "1"}).content.decode()
    assert "Later</a>" in off
    assert "Show again" in off
    for act in ("approve", "assign", ""):  # nothing else, and no decision
        client.post(reverse("inbox_bulk"), {"act": act, "row": [f"task:{soon.public_id}"]})
    assert InboxSnooze.objects.count() == 1
    soon.refresh_from_db()
    assert soon.assignee_id == user.pk


def test_what_left_the_own_sight_since_the_list_was_made_is_not_found() -> None:
    boss, author = person("supervisor"), person("analyst")
    alert = make_alert()
    row = next(each for each in rows(boss) if each.subject == alert.public_id)
    link_alert(alert, make_case(author, visibility="sealed"), by=author)
    with pytest.raises(NotFound, match="no longer in your inbox"):
        take_waiting(row, by=boss)
    with pytest.raises(NotFound, match="no longer in your inbox"):
        assign_row(row, author.person, by=boss)


def test_filters_show_what_is_mine_free_and_due() -> None:
    user, other = make_user("supervisor"), person("analyst")
    me, client = make_actor(user), client_of(user)
    a_task(me, days=0.5, title="Mine and soon")
    for _n in range(2):
        submit_finding(make_finding(make_case(other), other), by=other)
    taken = next(row for row in rows(me) if row.kind == "finding")
    take_waiting(taken, by=person("supervisor"))

    def shown(**asked: str) -> list[str]:
        return [row.kind for row in client.get(reverse("inbox"), asked).context["rows"]]

    assert shown() == ["task", "finding", "finding"]
    assert shown(whose="mine") == ["task"]
    assert shown(whose="free") == ["finding"]
    assert shown(due="1") == ["task"]
    assert shown(due="1", whose="free") == []
    assert shown(whose="nonsense", due="-4") == ["task", "finding", "finding"]


def test_a_view_keeps_filters_for_oneself_or_the_team() -> None:
    user, colleague = make_user("analyst"), make_user("supervisor")
    client = client_of(user)
    client.post(
        reverse("inbox_view_keep"), {"name": "Today", "back": "due=1&whose=mine", "shared": "1"}
    )
    keep_view("Own", "type=task", is_shared=False, by=make_actor(user))
    view = InboxView.objects.get(name="Today")
    assert (view.filters, view.is_shared) == ("whose=mine&due=1", True)
    page = client_of(colleague).get(reverse("inbox")).content.decode()
    assert "Today · team" in page
    assert "Own" not in page
    with pytest.raises(PermissionDenied):
        drop_view(view, by=make_actor(colleague))
    assert client.post(reverse("inbox_view_keep"), {"name": "N"}, follow=True).status_code == 200
    client.post(reverse("inbox_view_drop", args=[view.public_id]))
    assert [each.name for each in InboxView.objects.all()] == ["Own"]


def test_programs_put_off_and_give_rows_too() -> None:
    user, analyst = make_user("supervisor"), make_user("analyst")
    me, client = make_actor(user), client_of(user)
    task = a_task(me)
    where = ["task", task.public_id]
    until = (NOW() + timedelta(hours=3)).isoformat()

    def post(name: str, body: dict[str, str]) -> Any:
        return client.post(
            reverse(f"api_inbox_{name}", args=where), body, content_type="application/json",
            headers={"Idempotency-Key": name},
        )  # fmt: skip

    assert post("snooze", {"until": until}).status_code == 200
    assert rows(me) == []
    assert post("assign", {"user": str(task.public_id)}).status_code == 400
    assert post("assign", {"user": str(analyst.public_id)}).status_code == 200
    task.refresh_from_db()
    assert task.assignee == analyst


def test_putting_off_and_giving_can_be_undone_once() -> None:
    boss, helper = make_user("supervisor"), make_user("analyst")
    by = make_actor(boss)
    task = a_task(by)
    client, row = client_of(boss), f"task:{task.public_id}"
    client.post(reverse("inbox_bulk"), {"row": row, "act": "snooze", "hours": "4"})
    assert rows(by) == []
    assert b"Undo putting off" in client.get(reverse("inbox")).content
    client.post(reverse("inbox_undo"))
    assert len(rows(by)) == 1
    client.post(reverse("inbox_bulk"), {"row": row, "act": "assign", "user": helper.pk})
    task.refresh_from_db()
    assert task.assignee_id == helper.pk
    client.post(reverse("inbox_undo"))
    task.refresh_from_db()
    assert task.assignee_id == boss.pk
    assert "nothing to undo" in client.post(reverse("inbox_undo"), follow=True).content.decode()


def test_what_went_further_is_not_undone() -> None:
    boss, helper = person("supervisor"), person("analyst")
    assert helper.user_id is not None
    assert boss.user_id is not None
    analyst = person("analyst")
    submit_finding(make_finding(make_case(analyst), analyst), by=analyst)
    (row,) = rows(boss)
    assign_row(row, boss.user_id, by=boss)
    assert row.case is not None
    given = Given(row.kind, row.subject, row.case.pk, helper.user_id, None)
    with pytest.raises(CaseworkError, match="gone further"):
        undo_assign(given, by=boss)
    undo_assign(replace(given, to=boss.user_id), by=boss)
    assert rows(boss)[0].owner is None
    with pytest.raises(PermissionDenied):
        undo_assign(given, by=analyst)
