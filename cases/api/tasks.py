"""Tasks and internal notes of cases."""

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import one_case
from cases.api.door import Call, Door, One, Step, making, one, route, writing
from cases.api.fields import Body, CaseName, Moment, Nothing, PersonAnswer, Reason, Row, Text
from cases.api.filters import Truth
from cases.api.named import Person
from cases.models import Note, Task
from cases.policy import Actor
from cases.services import tasks as services
from cases.states import TaskState

STATES = [(state.value, state.value) for state in TaskState]


def one_task(actor: Actor, task_id: UUID) -> Task:
    """The task if the person may see its case. Raises Http404."""
    rows = Task.objects.visible_to(actor).select_related("case", "assignee", "created_by")
    found: Task = one(rows, public_id=task_id)
    return found


def one_note(actor: Actor, note_id: UUID) -> Note:
    """The note if the person may see its case. Raises Http404."""
    rows = Note.objects.visible_to(actor).select_related("case", "created_by")
    found: Note = one(rows.prefetch_related("revisions"), public_id=note_id)
    return found


class TaskAnswer(Row):
    """Something to do in a case."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    assignee = PersonAnswer(allow_null=True)
    state = serializers.ChoiceField(choices=STATES)
    created_by = PersonAnswer()

    class Meta:
        model = Task
        fields = [
            "id", "case", "title", "assignee", "due_at", "state", "created_by", "created_at",
            "ended_at",
        ]  # fmt: skip


class NoteAnswer(serializers.Serializer):
    """An internal text as it reads now; `number` is for the next wording."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    text = serializers.CharField()
    number = serializers.IntegerField()
    created_by = PersonAnswer()
    created_at = serializers.DateTimeField()

    def to_representation(self, instance: Note) -> Any:
        last = max(instance.revisions.all(), key=lambda each: each.number)
        told = {"text": last.text, "number": last.number}  # no columns of the note itself
        names = ("public_id", "case", "created_by", "created_at")
        return super().to_representation(told | {name: getattr(instance, name) for name in names})


class NewTaskBody(Body):
    """Something to do; without an assignee anybody of the case may take it."""

    title = Text(max_length=160)
    assignee = Person(required=False, allow_null=True, default=None)
    due_at = Moment(required=False, allow_null=True, default=None)


class NewNoteBody(Body):
    """An internal text."""

    text = Text()


class NoteEditBody(Body):
    """A new wording; `number` is the wording that was read."""

    text = Text()
    number = serializers.IntegerField(min_value=1, max_value=32_000)


class TaskFilter(FilterSet):
    """The list of tasks."""

    case = UUIDFilter(field_name="case__public_id")
    state = ChoiceFilter(choices=STATES, field_name="state")
    mine = Truth(method="only_mine", help_text=_("those assigned to you, or to others"))

    def only_mine(self, rows: Any, name: str, value: bool) -> Any:
        """Those assigned to whoever asks; with `false` all others."""
        mine = Q(assignee=self.request.user)
        return rows.filter(mine if value else Q(assignee=None) | ~mine)


class NoteFilter(FilterSet):
    """The list of notes."""

    case = UUIDFilter(field_name="case__public_id")


class Tasks(Door):
    calls = {
        "GET": Call(
            _("Tasks of the cases you may see, newest first"), TaskAnswer, filters=TaskFilter,
            is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = Task.objects.visible_to(self.actor)
        return self.page(rows.select_related("case", "assignee", "created_by"), "created_at")


class CaseTasks(Door):
    calls = {"POST": making(_("Add a task"), TaskAnswer, NewTaskBody)}

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)

        def do(*, assignee: int | None, **values: Any) -> Task:
            return services.add_task(case, assignee_id=assignee, **values, by=self.actor)

        return self.once(do)


class Checklist(Door):
    calls = {
        "POST": Call(
            _("Add what is usually done in a case of this kind"), TaskAnswer, Nothing,
            many=True, writes=True,
        )
    }  # fmt: skip

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)
        return self.once(lambda: services.add_checklist(case, by=self.actor))


class Notes(Door):
    calls = {
        "GET": Call(
            _("Notes of the cases you may see, newest first"), NoteAnswer, filters=NoteFilter,
            is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = Note.objects.visible_to(self.actor).select_related("case", "created_by")
        return self.page(rows.prefetch_related("revisions"), "created_at")


class CaseNotes(Door):
    calls = {"POST": making(_("Write an internal note"), NoteAnswer, NewNoteBody)}

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)
        return self.once(lambda text: services.add_note(case, text=text, by=self.actor))


class OneNote(One):
    calls = {
        "GET": Call(_("One note"), NoteAnswer),
        "PATCH": Call(_("Rewrite one's own note"), NoteAnswer, NoteEditBody, errors=(409, 422)),
    }

    def patch(self, request: Request, note_id: UUID) -> Response:
        note = one_note(self.actor, note_id)
        services.revise_note(note, **self.read(), by=self.actor)
        return self.tell(one_note(self.actor, note_id))


ONE = "tasks/<uuid:task_id>"
urlpatterns = [
    route("tasks", Tasks, "task_list"),
    route("cases/<uuid:case_id>/tasks", CaseTasks, "task_add"),
    route("cases/<uuid:case_id>/tasks/checklist", Checklist, "task_checklist"),
    route(
        ONE, One, "task_detail", find=one_task,
        calls={"GET": Call(_("One task"), TaskAnswer)},
    ),
    route(
        f"{ONE}/finish", Step, "task_finish", find=one_task, service=services.finish_task,
        calls={"POST": writing(_("It is done"), TaskAnswer, Nothing)},
    ),
    route(
        f"{ONE}/drop", Step, "task_drop", find=one_task, service=services.drop_task,
        calls={"POST": writing(_("It is not needed any more"), TaskAnswer, Reason)},
    ),
    route("notes", Notes, "note_list"),
    route("cases/<uuid:case_id>/notes", CaseNotes, "note_add"),
    route("notes/<uuid:note_id>", OneNote, "note_detail", find=one_note),
]  # fmt: skip
