"""Tasks and internal notes of a case."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.http import AuthedRequest, casework
from cases.models import Note, Task
from cases.policy import Action, may
from cases.queries.tasks import case_work
from cases.services.errors import CaseworkError
from cases.services.tasks import (
    add_checklist,
    add_note,
    add_task,
    drop_task,
    finish_task,
    revise_note,
)
from cases.states import InvalidTransition
from cases.web.forms_cases import ReasonForm
from cases.web.forms_tasks import NoteForm, TaskForm
from cases.web.shell import get_case, render_case

TAB = "case_tasks"


@require_safe
@casework
def case_tasks(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    context = {"work": case_work(case), "may_add": may(request.actor, Action.ADD_TASK)}
    return render_case(request, "cases/task_tab.html", case, TAB, context)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def task_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = TaskForm(case, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            add_task(case, **form.task(), by=request.actor)
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            return redirect("case_tasks", case.public_id)
    context = {"form": form, "heading": _("New task"), "verb": _("Add task")}
    status = 422 if form.errors else 200
    return render_case(request, "cases/task_form.html", case, TAB, context, status)


@require_POST
@casework
def task_checklist(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    """Add the tasks that a case of this kind usually has."""
    case = get_case(request, case_id)
    try:
        add_checklist(case, by=request.actor)
    except CaseworkError as error:
        messages.info(request, str(error))
    else:
        messages.success(request, _("Checklist added."))
    return redirect("case_tasks", case.public_id)


def _task(request: AuthedRequest, task_id: UUID) -> Task:
    tasks = Task.objects.visible_to(request.actor).select_related("case__owner_by")
    task: Task = get_object_or_404(tasks, public_id=task_id)
    return task


@require_POST
@casework
def task_finish(request: AuthedRequest, task_id: UUID) -> HttpResponse:
    task = _task(request, task_id)
    try:
        finish_task(task, by=request.actor)
    except InvalidTransition as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done."))
    return redirect("case_tasks", task.case.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def task_drop(request: AuthedRequest, task_id: UUID) -> HttpResponse:
    task = _task(request, task_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            drop_task(task, **form.cleaned_data, by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            return redirect("case_tasks", task.case.public_id)
    context = {"form": form, "heading": _("Drop this task"), "verb": _("Drop task")}
    status = 422 if form.errors else 200
    return render_case(request, "cases/task_form.html", task.case, TAB, context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def note_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = NoteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        add_note(case, text=form.cleaned_data["text"], by=request.actor)
        return redirect("case_tasks", case.public_id)
    context = {"form": form, "heading": _("New note"), "verb": _("Keep note")}
    status = 422 if form.errors else 200
    return render_case(request, "cases/task_form.html", case, TAB, context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def note_edit(request: AuthedRequest, note_id: UUID) -> HttpResponse:
    notes = Note.objects.visible_to(request.actor).select_related("case__owner_by")
    note: Note = get_object_or_404(notes, public_id=note_id)
    last = note.revisions.order_by("-number")[0]
    initial = {"text": last.text, "number": last.number}
    form = NoteForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        number = form.cleaned_data["number"] or 0
        try:
            revise_note(note, text=form.cleaned_data["text"], number=number, by=request.actor)
        except (CaseworkError, InvalidTransition) as error:
            form.add_error(None, str(error))
        else:
            return redirect("case_tasks", note.case.public_id)
    context = {"form": form, "heading": _("Rewrite this note"), "verb": _("Keep note")}
    status = 422 if form.errors else 200
    return render_case(request, "cases/task_form.html", note.case, TAB, context, status)


urlpatterns = [
    path("cases/<uuid:case_id>/tasks/", case_tasks, name="case_tasks"),
    path("cases/<uuid:case_id>/tasks/new/", task_new, name="task_new"),
    path("cases/<uuid:case_id>/notes/new/", note_new, name="note_new"),
    path("cases/<uuid:case_id>/tasks/checklist/", task_checklist, name="task_checklist"),
    path("tasks/<uuid:task_id>/finish/", task_finish, name="task_finish"),
    path("tasks/<uuid:task_id>/drop/", task_drop, name="task_drop"),
    path("notes/<uuid:note_id>/edit/", note_edit, name="note_edit"),
]
