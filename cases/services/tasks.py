"""Work of a case: tasks, internal notes, and taking rows of the inbox."""

import re
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.checklists import checklist_of
from cases.models import Case, InboxClaim, Note, NoteRevision, Task
from cases.policy import Action, Actor, PermissionDenied
from cases.queries.tasks import case_workers
from cases.services.audit import record_event
from cases.services.cases import require_person
from cases.services.errors import CaseworkError, VersionChanged
from cases.services.locks import enter_case
from cases.services.steps import swap_state
from cases.services.validation import check_fields, require_text
from cases.states import TASK, TaskAction, TaskState

MENTION = re.compile(r"(?<![\w.])@([\w.+-]*\w)")


@transaction.atomic
def add_task(
    case: Case,
    *,
    title: str,
    assignee_id: int | None = None,
    due_at: datetime | None = None,
    by: Actor,
) -> Task:
    """Add something to do; without an assignee anybody of the case may take it.

    Raises PermissionDenied, NotFound where the assignee does not work on this case, CaseworkError.
    """
    case = enter_case(case.pk, Action.ADD_TASK, by=by)
    if assignee_id is not None:
        require_person(assignee_id, case)
    now = timezone.now()
    if due_at is not None and due_at <= now:
        raise CaseworkError(_("This time is over: give a later one, or none."))
    task = Task(
        case=case,
        title=title.strip(),
        assignee_id=assignee_id,
        due_at=due_at,
        created_by_id=by.person,
        created_at=now,
    )
    check_fields(task, "title")
    task.save(force_insert=True)
    record_event(case, "add_task", str(task.public_id), by=by, data={"assignee": assignee_id})
    return task


@transaction.atomic
def add_checklist(case: Case, *, by: Actor) -> list[Task]:
    """Add what is usually done in a case of this kind, without what stands there already.

    Raises PermissionDenied, CaseworkError where nothing is left to add.
    """
    case = enter_case(case.pk, Action.ADD_TASK, by=by)
    known = set(case.tasks.values_list("title", flat=True))
    now = timezone.now()
    tasks = [
        Task(
            case=case, title=str(item.title)[:160], created_by_id=by.person, created_at=now,
            due_at=None if item.days is None else now + timedelta(days=item.days),
        )
        for item in checklist_of(case.case_type)
        if str(item.title)[:160] not in known
    ]  # fmt: skip
    if not tasks:
        raise CaseworkError(_("Everything of this list stands here already."))
    for task in tasks:
        task.save(force_insert=True)
    record_event(
        case, "add_checklist", case.reference, by=by,
        data={"tasks": [str(task.public_id) for task in tasks]},
    )  # fmt: skip
    return tasks


@transaction.atomic
def finish_task(task: Task, *, by: Actor) -> Task:
    """It is done. Raises PermissionDenied, InvalidTransition if somebody ended it before."""
    return _end(task, TaskAction.FINISH, "", by=by)


@transaction.atomic
def drop_task(task: Task, *, reason: str, by: Actor) -> Task:
    """It is not needed any more, and why. Raises as `finish_task`."""
    text = require_text(reason, _("Say why this task is dropped."))
    return _end(task, TaskAction.DROP, text, by=by)


def _end(task: Task, action: TaskAction, reason: str, *, by: Actor) -> Task:
    case = enter_case(task.case_id, Action.ADD_TASK, by=by)
    task.refresh_from_db()
    swap_state(task, TASK, action, "this task", ended_by_id=by.person, ended_at=timezone.now())
    record_event(case, action.value, str(task.public_id), by=by, reason=reason)
    return task


@transaction.atomic
def add_note(case: Case, *, text: str, by: Actor) -> Note:
    """Write an internal note; it leaves the house with nothing. Who is mentioned gets a task."""
    case = enter_case(case.pk, Action.ADD_NOTE, by=by)
    words = require_text(text, _("The note is empty."))
    note = Note.objects.create(case=case, created_by_id=by.person, created_at=timezone.now())
    _write(note, 1, words, by=by)
    record_event(case, "add_note", str(note.public_id), by=by)
    _tell_mentioned(case, words, "", by=by)
    return note


@transaction.atomic
def revise_note(note: Note, *, text: str, number: int, by: Actor) -> Note:
    """Write a new wording of one's own note; `number` is the revision the person saw.

    Raises PermissionDenied, VersionChanged, CaseworkError.
    """
    case = enter_case(note.case_id, Action.ADD_NOTE, by=by)
    if note.created_by_id != by.user_id:
        raise PermissionDenied(_("Only its author rewrites a note: write one of your own."))
    last, before = note.revisions.order_by("-number").values_list("number", "text")[0]
    if last != number:
        raise VersionChanged(_("This note has been rewritten in the meantime."))
    words = require_text(text, _("The note is empty."))
    _write(note, number + 1, words, by=by)
    record_event(case, "revise_note", str(note.public_id), by=by, data={"number": number + 1})
    _tell_mentioned(case, words, before, by=by)
    return note


def _tell_mentioned(case: Case, text: str, before: str, *, by: Actor) -> None:
    """A task for each person named by @name who works on this case and was not named before.

    Any other @name is only text: nobody learns of a case by being named in it.
    """
    names = set(MENTION.findall(text)) - set(MENTION.findall(before))
    people = case_workers(case).filter(username__in=names).exclude(pk=by.user_id)
    if not people:
        return
    author = get_user_model().objects.get(pk=by.person)
    for person in people:
        title = _("%(name)s mentions you in a note") % {
            "name": author.get_full_name() or author.username
        }
        add_task(case, title=title[:160], assignee_id=person.pk, by=by)


def _write(note: Note, number: int, text: str, *, by: Actor) -> None:
    NoteRevision.objects.create(
        note=note, number=number, text=text, by_id=by.person, at=timezone.now()
    )


@transaction.atomic
def take_row(case_id: int, kind: str, subject: UUID, *, by: Actor) -> InboxClaim:
    """Take a row of the inbox: of two people at once one gets it; a task gets its assignee.

    Raises PermissionDenied, CaseworkError where somebody has it already.
    """
    case = enter_case(case_id, Action.VIEW_CASE, by=by)
    taken = CaseworkError(_("Somebody else has taken this in the meantime."))
    if kind == "task":
        open_tasks = Task.objects.filter(case=case, public_id=subject, state=TaskState.OPEN.value)
        if not open_tasks.filter(assignee=None).update(assignee_id=by.person):
            raise taken
    try:
        with transaction.atomic():
            claim = InboxClaim.objects.create(
                case=case, kind=kind, subject=subject, user_id=by.person, taken_at=timezone.now()
            )
    except IntegrityError as error:
        raise taken from error
    record_event(case, "take_row", str(subject), by=by, data={"kind": kind})
    return claim
