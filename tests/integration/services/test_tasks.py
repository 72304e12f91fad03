"""Tasks and notes of a case, and taking rows of the inbox."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cases.checklists import checklist_of
from cases.models import Case, Task
from cases.policy import Actor, PermissionDenied
from cases.services.errors import CaseworkError, NotFound, VersionChanged
from cases.services.tasks import (
    add_checklist,
    add_note,
    add_task,
    drop_task,
    finish_task,
    revise_note,
    take_row,
)
from cases.states import InvalidTransition
from tests.casework import make_case, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def analyst() -> Actor:
    return person("analyst")


@pytest.fixture
def case(analyst: Actor) -> Case:
    return make_case(analyst)


def test_a_task_is_done_once(case: Case, analyst: Actor) -> None:
    due = timezone.now() + timedelta(days=2)
    owner = analyst.user_id
    task = add_task(case, title="Call the bank", assignee_id=owner, due_at=due, by=analyst)
    assert finish_task(task, by=analyst).state == "done"
    assert task.ended_at is not None
    with pytest.raises(InvalidTransition):
        finish_task(task, by=analyst)
    with pytest.raises(InvalidTransition):
        drop_task(Task.objects.get(pk=task.pk), reason="R.", by=analyst)


def test_at_every_door_a_task_is_due_after_it_is_given(case: Case, analyst: Actor) -> None:
    with pytest.raises(CaseworkError, match="This time is over"):
        add_task(case, title="T", due_at=timezone.now() - timedelta(seconds=1), by=analyst)
    assert not Task.objects.exists()


def test_a_dropped_task_says_why(case: Case, analyst: Actor) -> None:
    task = add_task(case, title="Call the bank", by=analyst)
    with pytest.raises(CaseworkError):
        drop_task(task, reason=" ", by=analyst)
    assert drop_task(task, reason="Answered.", by=analyst).state == "dropped"


def test_a_task_goes_to_somebody_of_the_case(case: Case, analyst: Actor) -> None:
    with pytest.raises(NotFound):
        add_task(case, title="T", assignee_id=person("auditor").user_id, by=analyst)
    with pytest.raises(CaseworkError):
        add_task(case, title="", by=analyst)


@pytest.mark.parametrize("role", ["auditor", "liaison", "admin"])
def test_outsiders_add_nothing(case: Case, role: str) -> None:
    with pytest.raises(PermissionDenied):
        add_task(case, title="T", by=person(role))
    with pytest.raises(PermissionDenied):
        add_note(case, text="T", by=person(role))
    with pytest.raises(PermissionDenied):
        take_row(case.pk, "finding", uuid.uuid4(), by=person(role))


@pytest.mark.owner
def test_a_note_keeps_every_wording(case: Case, analyst: Actor) -> None:
    note = add_note(case, text="First.", by=analyst)
    revise_note(note, text="Second.", number=1, by=analyst)
    with pytest.raises(VersionChanged):
        revise_note(note, text="Third.", number=1, by=analyst)
    with pytest.raises(PermissionDenied):
        revise_note(note, text="Third.", number=2, by=person("supervisor"))
    assert [each.text for each in note.revisions.order_by("number")] == ["First.", "Second."]
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE cases_noterevision SET text = 'x'")


def test_of_two_who_take_a_row_one_gets_it(case: Case, analyst: Actor) -> None:
    row = uuid.uuid4()
    take_row(case.pk, "finding", row, by=analyst)
    with pytest.raises(CaseworkError, match="in the meantime"):
        take_row(case.pk, "finding", row, by=person("supervisor"))
    task = add_task(case, title="T", by=analyst)
    take_row(case.pk, "task", task.public_id, by=analyst)
    task.refresh_from_db()
    assert task.assignee_id == analyst.user_id


def test_a_checklist_adds_what_is_not_there_yet() -> None:
    by, reader = person("analyst"), person("auditor")
    case = make_case(by)  # of a darknet market
    tasks = add_checklist(case, by=by)
    assert len(tasks) == len(checklist_of("darknet")) > len(checklist_of("other"))
    assert tasks[0].title.startswith("Import the agency's list")
    assert tasks[0].due_at is not None
    assert tasks[-1].due_at is None
    with pytest.raises(CaseworkError, match="stands here already"):
        add_checklist(case, by=by)
    with pytest.raises(PermissionDenied):
        add_checklist(case, by=reader)


def test_who_is_mentioned_gets_it_into_the_inbox() -> None:
    by, colleague = person("analyst"), person("supervisor", username="ida.n")
    person("auditor", username="aud")
    case = make_case(by)
    note = add_note(case, text="@ida.n look, and @aud, a@ida.n, @nobody, @ida.n.", by=by)
    task = Task.objects.get()
    assert task.assignee_id == colleague.user_id
    assert "mentions you" in task.title
    revise_note(note, text="@ida.n looked.", number=1, by=by)
    assert Task.objects.count() == 1  # named before
    assert not Task.objects.filter(assignee=by.user_id).exists()
    sealed = make_case(by, visibility="sealed")
    add_note(sealed, text="@ida.n", by=by)
    assert Task.objects.count() == 1  # who does not see the case learns nothing of it
