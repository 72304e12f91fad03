"""Open tasks."""

from dataclasses import replace

from django.db.models import Q
from django.utils import timezone

from cases.models import Task
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NO_REFERENCE, InboxRow, Queue, row_of
from cases.states import TaskState


def tasks_waiting(actor: Actor) -> Queue | None:
    """My tasks, and those of my cases that nobody has."""
    if not may(actor, Action.ADD_TASK):
        return None
    me = actor.user_id
    rows = Task.objects.changeable_by(actor).filter(
        Q(assignee=me) | Q(assignee=None), state=TaskState.OPEN.value
    )

    def tell(row: Task) -> InboxRow:
        is_late = row.due_at is not None and row.due_at <= timezone.now()
        told = row_of(
            "task", "circle-check", row.title, "", "case_tasks", row,
            since=row.created_at, deadline=row.due_at, tone="bad" if is_late else "",
        )  # fmt: skip
        return replace(told, path=(row.case.public_id,), owner=row.assignee)

    rows = rows.select_related("case", "assignee")
    return Queue(
        "task", rows.order_by("due_at", "pk"), tell, since="created_at", deadline="due_at",
        reference=NO_REFERENCE, owner="assignee",
    )  # fmt: skip
