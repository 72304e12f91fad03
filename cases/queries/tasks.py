"""Tasks and notes of a case as their tab shows them."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F, QuerySet

from cases.models import Case, Note, NoteRevision, Task
from cases.states import TaskState

WORKERS = ("analyst", "supervisor", "compliance")


@dataclass(frozen=True)
class NoteView:
    """A note with its last wording, and how often it was rewritten."""

    note: Note
    last: NoteRevision


@dataclass(frozen=True)
class Work:
    """What is to be done and what was, and what people wrote down."""

    tasks: list[Task]
    ended: list[Task]
    notes: list[NoteView]


def case_work(case: Case) -> Work:
    """Open tasks by their time, the last ended ones, the notes: 4 queries."""
    tasks = case.tasks.select_related("assignee", "created_by", "ended_by")
    todo = tasks.filter(state=TaskState.OPEN.value)
    notes = case.notes.select_related("created_by").prefetch_related("revisions__by")
    return Work(
        tasks=list(todo.order_by(F("due_at").asc(nulls_last=True), "pk")),
        ended=list(tasks.exclude(state=TaskState.OPEN.value).order_by("-ended_at")[:20]),
        notes=[
            NoteView(note, max(note.revisions.all(), key=lambda each: each.number))
            for note in notes.order_by("-created_at")
        ],
    )


def case_workers(case: Case) -> QuerySet[Any]:
    """People who could be given a task: active, of a role that works on cases, not walled off."""
    people = get_user_model().objects.filter(is_active=True, role__in=WORKERS)
    if case.visibility != "unit":
        named = case.accesses.values("user")
        people = people.filter(pk__in=named) | people.filter(role="compliance")
    return people.exclude(pk__in=case.blocks.values("user")).order_by("username")
