"""Rows of the inbox: who takes one, gives it back or gets it, and who puts one off.

The door has found the row in the inbox of who asks; here it is said whose it is. Alerts and
requests carry their owner themselves, for the rest a claim does. Only the own inbox forgets a
snoozed row, and never beyond its deadline.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Alert, InboxClaim, InboxSnooze, InboxView, InformationRequest, Task
from cases.policy import Action, Actor, PermissionDenied, Role, require
from cases.queries.inbox import NEVER_SNOOZED, InboxRow, waiting
from cases.services.alerts import assign_alert
from cases.services.audit import record_event
from cases.services.cases import CASE_ROLES, require_person
from cases.services.errors import CaseworkError, NotFound
from cases.services.locks import enter_case
from cases.services.requests import start_verification
from cases.services.tasks import take_row
from cases.services.validation import check_fields
from cases.states import TaskState

Row = TypeVar("Row", Alert, InformationRequest)
LONGEST_SNOOZE = timedelta(days=30)
MOST_VIEWS = 20


def take_waiting(row: InboxRow, *, by: Actor) -> None:
    """Take one row oneself.

    Raises CaseworkError where somebody was faster, PermissionDenied, NotFound where one does not
    see it any more.
    """
    if row.kind == "alert":
        assign_alert(_there(Alert.objects.visible_to(by), row), by=by)
    elif row.kind == "request":
        start_verification(_there(InformationRequest.objects.visible_to(by), row), by=by)
    elif row.case is not None and row.can_take:
        take_row(row.case.pk, row.kind, row.subject, by=by)
    else:
        raise CaseworkError(_("This is for each of you to look at: nobody takes it alone."))


def _there(rows: QuerySet[Row], row: InboxRow) -> Row:
    """What the list told of, read anew: since then it may have gone into a case one cannot see."""
    found = rows.filter(public_id=row.subject).first()
    if found is None:
        raise NotFound(_("This is no longer in your inbox."))
    return found


@transaction.atomic
def give_back_row(row: InboxRow, *, by: Actor) -> None:
    """Give up a row that one has taken. Raises CaseworkError where it is not one's own."""
    mine = InboxClaim.objects.filter(kind=row.kind, subject=row.subject, user_id=by.person)
    if row.case is None or not mine.exists():
        raise CaseworkError(_("You have not taken this: there is nothing to give back."))
    case = enter_case(row.case.pk, Action.VIEW_CASE, by=by)
    if row.kind == "task":
        own = Task.objects.filter(case=case, public_id=row.subject, assignee_id=by.person)
        own.filter(state=TaskState.OPEN.value).update(assignee_id=None)
    mine.delete()
    record_event(case, "give_back_row", str(row.subject), by=by, data={"kind": row.kind})


@transaction.atomic
def assign_row(row: InboxRow, user_id: int, *, by: Actor) -> None:
    """Give a row to a person for whom it waits as well, whoever had it before.

    Raises PermissionDenied, NotFound where this person does not work on the case, CaseworkError
    where the person could not act on it.
    """
    require(by, Action.ASSIGN_WORK)
    if row.kind == "request":
        raise CaseworkError(_("A request is taken by who checks it; it cannot be given away."))
    if row.kind == "alert":
        assign_alert(_there(Alert.objects.visible_to(by), row), to_id=user_id, by=by)
        return
    if row.case is None or not row.can_take:
        raise CaseworkError(_("This is for each of you to look at: nobody takes it alone."))
    case = enter_case(row.case.pk, Action.VIEW_CASE, by=by)
    require_person(user_id, case)
    if row.kind == "task":
        tasks = Task.objects.filter(case=case, public_id=row.subject, state=TaskState.OPEN.value)
        if not tasks.update(assignee_id=user_id):
            raise CaseworkError(_("This task has ended in the meantime."))
    elif not waits_for(user_id, row.kind, row.subject):
        raise CaseworkError(_("This does not wait for that person: the role or a signature."))
    InboxClaim.objects.update_or_create(
        kind=row.kind,
        subject=row.subject,
        defaults={"case": case, "user_id": user_id, "taken_at": timezone.now()},
    )
    record_event(
        case, "assign_row", str(row.subject), by=by, data={"kind": row.kind, "to": user_id}
    )


@dataclass(frozen=True, slots=True)
class Given:
    """A row that was given away: to whom, and who had it before."""

    kind: str
    subject: UUID
    case_id: int | None
    to: int
    before: int | None


@transaction.atomic
def undo_assign(given: Given, *, by: Actor) -> None:
    """Take back what one gave away: who had it before has it again, or nobody.

    Raises PermissionDenied, CaseworkError where it has gone further meanwhile.
    """
    require(by, Action.ASSIGN_WORK)
    if given.case_id is None or given.kind == "alert":
        raise CaseworkError(_("An alert stays with somebody: give it to another person."))
    case = enter_case(given.case_id, Action.VIEW_CASE, by=by)
    if given.before is not None:
        require_person(given.before, case)
    if given.kind == "task":
        tasks = Task.objects.filter(case=case, public_id=given.subject, assignee_id=given.to)
        is_still = tasks.filter(state=TaskState.OPEN.value).update(assignee_id=given.before)
        InboxClaim.objects.filter(kind="task", subject=given.subject, user_id=given.to).delete()
    else:
        claims = InboxClaim.objects.filter(
            case=case, kind=given.kind, subject=given.subject, user_id=given.to
        )
        is_still = (
            claims.delete()[0] if given.before is None else claims.update(user_id=given.before)
        )
    if not is_still:
        raise CaseworkError(_("It has gone further in the meantime: there is nothing to undo."))
    record_event(
        case, "undo_assign", str(given.subject), by=by,
        data={"kind": given.kind, "from": given.to, "to": given.before},
    )  # fmt: skip


def waits_for(user_id: int, kind: str, subject: UUID) -> bool:
    """Whether this row stands in that person's inbox, too, put off or not: at most 4 queries."""
    people = get_user_model().objects.filter(is_active=True, role__in=CASE_ROLES)
    person = people.filter(pk=user_id).first()
    if person is None:
        raise NotFound(_("There is no such person for this case."))
    actor = Actor(user_id=person.pk, role=Role(person.role))
    return any(each.subject == subject for each in waiting(actor, kind, is_whole=True))


@transaction.atomic
def snooze_row(row: InboxRow, until: datetime, *, by: Actor) -> InboxSnooze:
    """Put a row off until a time; again, and the later word counts.

    Raises CaseworkError where its deadline comes first, or where it must not wait.
    """
    now = timezone.now()
    if row.kind in NEVER_SNOOZED:
        raise CaseworkError(_("This cannot be put off: look at it."))
    if not now < until <= now + LONGEST_SNOOZE:
        raise CaseworkError(_("Put it off until a time within the next 30 days."))
    if row.deadline is not None and until >= row.deadline:
        raise CaseworkError(_("Its deadline comes first: it cannot be put off beyond that."))
    case = enter_case(row.case.pk, Action.VIEW_CASE, by=by) if row.case is not None else None
    snooze, _created = InboxSnooze.objects.update_or_create(
        user_id=by.person,
        kind=row.kind,
        subject=row.subject,
        defaults={"until": until, "at": now},
    )
    record_event(
        case, "snooze_row", str(row.subject), by=by,
        data={"kind": row.kind, "until": until.isoformat()},
    )  # fmt: skip
    return snooze


@transaction.atomic
def wake_row(row: InboxRow, *, by: Actor) -> None:
    """Show a row again that one had put off; nothing where it shows already."""
    case = enter_case(row.case.pk, Action.VIEW_CASE, by=by) if row.case is not None else None
    mine = InboxSnooze.objects.filter(user_id=by.person, kind=row.kind, subject=row.subject)
    if mine.delete()[0]:
        record_event(case, "wake_row", str(row.subject), by=by, data={"kind": row.kind})


@transaction.atomic
def keep_view(
    name: str, filters: str, *, is_shared: bool, by: Actor, place: str = "inbox"
) -> InboxView:
    """Keep coded filters of a list under a name; the own view of that name is replaced.

    Raises PermissionDenied, CaseworkError.
    """
    require(by, Action.VIEW_CASE)
    mine = InboxView.objects.filter(user_id=by.person, place=place)
    if not filters:
        raise CaseworkError(_("Choose a filter first: a view keeps it."))
    if mine.exclude(name=name.strip()).count() >= MOST_VIEWS:
        raise CaseworkError(_("You have 20 views already: drop one first."))
    view = InboxView(
        user_id=by.person, place=place, name=name.strip(), filters=filters, is_shared=is_shared
    )
    check_fields(view, "place", "name", "filters")
    view, _created = InboxView.objects.update_or_create(
        user_id=by.person,
        place=place,
        name=view.name,
        defaults={"filters": filters, "is_shared": is_shared},
    )
    record_event(
        None, "keep_inbox_view", str(view.public_id), by=by,
        data={"place": place, "filters": filters, "is_shared": is_shared},
    )  # fmt: skip
    return view


@transaction.atomic
def drop_view(view: InboxView, *, by: Actor) -> None:
    """Forget one's own view. Raises PermissionDenied for that of somebody else."""
    if view.user_id != by.user_id:
        raise PermissionDenied(_("Only its author drops a view of the team."))
    record_event(None, "drop_inbox_view", str(view.public_id), by=by)
    view.delete()
