"""The time of a case: when its work is due, how it rests, and how it goes to a senior.

A due date may come nearer by whoever works on the case; only a senior moves it away. What is past
its time goes to the seniors by itself, leaves an event, and stays with them until one answers.
Nothing else of a case happens by its clock: a hold that is over asks to be taken up again.
"""

from datetime import date, datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case
from cases.policy import SYSTEM, Action, Actor, require, require_second_person
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case, lock_case
from cases.services.steps import swap_state
from cases.services.validation import require_reason
from cases.states import CASE, OVER_CASES, CaseAction, CaseState, InvalidTransition

AT_ONCE = 200  # cases that one round of the clock takes to the seniors
RESTING = (*OVER_CASES, CaseState.ON_HOLD)


@transaction.atomic
def set_due(case: Case, *, due_at: datetime | None, reason: str, by: Actor) -> Case:
    """Say when the work on this case is due; None takes the time away.

    Raises PermissionDenied where somebody who is no senior moves it away, CaseworkError,
    InvalidTransition where the case is over.
    """
    fresh = enter_case(case.pk, Action.EDIT_CASE, by=by)
    text = require_reason(reason)
    _require_open(fresh)
    if due_at is not None and due_at <= timezone.now():
        raise CaseworkError(_("A due date lies ahead."))
    if fresh.due_at is not None and (due_at is None or due_at > fresh.due_at):
        require(by, Action.ASSIGN_WORK)
    if due_at == fresh.due_at:
        raise CaseworkError(_("This is the due date already."))
    return _keep(
        fresh, "set_due", by=by, reason=text, due_at=due_at,
        data={"due_at": due_at.isoformat() if due_at else None},
    )  # fmt: skip


@transaction.atomic
def hold_case(case: Case, *, resume_on: date, reason: str, by: Actor) -> Case:
    """Let a case rest until a day, as when an answer is waited for; its time stands still.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    fresh = enter_case(case.pk, Action.EDIT_CASE, by=by)
    text = require_reason(reason)
    now = timezone.now()
    if resume_on <= now.date():
        raise CaseworkError(_("Say a day ahead on which somebody takes it up again."))
    swap_state(
        fresh, CASE, CaseAction.HOLD, fresh.reference,
        version=F("version") + 1, held_at=now, resume_on=resume_on,
    )  # fmt: skip
    fresh.refresh_from_db()
    record_event(
        fresh, CaseAction.HOLD.value, fresh.reference, by=by, reason=text,
        data={"resume_on": resume_on.isoformat()},
    )  # fmt: skip
    return fresh


@transaction.atomic
def resume_case(case: Case, *, reason: str, by: Actor) -> Case:
    """Take a case up again; what was due moves by the time that it rested.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    fresh = enter_case(case.pk, Action.EDIT_CASE, by=by)
    text = require_reason(reason)
    due_at = fresh.due_at
    if due_at is not None and fresh.held_at is not None:
        due_at += timezone.now() - fresh.held_at
    swap_state(
        fresh, CASE, CaseAction.RESUME, fresh.reference,
        version=F("version") + 1, held_at=None, resume_on=None, due_at=due_at,
    )  # fmt: skip
    fresh.refresh_from_db()
    record_event(
        fresh, CaseAction.RESUME.value, fresh.reference, by=by, reason=text,
        data={"due_at": due_at.isoformat() if due_at else None},
    )  # fmt: skip
    return fresh


@transaction.atomic
def escalate_case(case: Case, *, reason: str, by: Actor) -> Case:
    """Take a case to the seniors: it stands in their inbox until one of them answers.

    Raises PermissionDenied, CaseworkError, InvalidTransition where it is over or with them already.
    """
    fresh = enter_case(case.pk, Action.EDIT_CASE, by=by)
    text = require_reason(reason)
    _require_open(fresh)
    if fresh.escalated_at is not None:
        raise InvalidTransition(_("This case is with the seniors already."))
    return _keep(
        fresh, "escalate_case", by=by, reason=text, escalated_at=timezone.now(),
        escalated_by_id=by.user_id, escalation_reason=text,
    )  # fmt: skip


@transaction.atomic
def answer_escalation(
    case: Case, *, reason: str, due_at: datetime | None = None, by: Actor
) -> Case:
    """Say as a senior what follows, with a new due date where it needs one.

    A case past its time gets a new one with the answer. Raises PermissionDenied, also for who took
    it there, CaseworkError, InvalidTransition where nobody asked.
    """
    fresh = enter_case(case.pk, Action.ASSIGN_WORK, by=by)
    text = require_reason(reason)
    if fresh.escalated_at is None:
        raise InvalidTransition(_("Nobody took this case to the seniors."))
    require_second_person(by, fresh.escalated_by_id)
    now = timezone.now()
    if due_at is not None and due_at <= now:
        raise CaseworkError(_("A due date lies ahead."))
    is_late = fresh.due_at is not None and fresh.due_at <= now and fresh.state not in RESTING
    if is_late and due_at is None:
        raise CaseworkError(_("This case is past its time: say until when now."))
    return _keep(
        fresh, "answer_escalation", by=by, reason=text, due_at=due_at or fresh.due_at,
        escalated_at=None, escalated_by_id=None, escalation_reason="",
        data={"due_at": due_at.isoformat() if due_at else None},
    )  # fmt: skip


def escalate_late_cases() -> int:
    """Take what is past its time to the seniors; returns how many. Runs twice without harm."""
    late = Case.objects.filter(due_at__lte=timezone.now(), escalated_at=None)
    late = late.exclude(state__in=RESTING).order_by("due_at")
    return sum(_escalate_late(pk) for pk in list(late.values_list("pk", flat=True)[:AT_ONCE]))


@transaction.atomic
def _escalate_late(pk: int) -> bool:
    case, now = lock_case(pk), timezone.now()
    if case.due_at is None or case.due_at > now or case.escalated_at or case.state in RESTING:
        return False  # somebody was faster
    reason = _("The case is past its time.")
    _keep(
        case, "escalate_case", by=SYSTEM, reason=reason, escalated_at=now, escalation_reason=reason
    )
    return True


def _require_open(case: Case) -> None:
    if case.state in OVER_CASES:
        raise InvalidTransition(_("This case is over: reopen it first."))


def _keep(
    case: Case, act: str, *, by: Actor, reason: str, data: dict[str, str | None] | None = None,
    **fields: object,
) -> Case:  # fmt: skip
    Case.objects.filter(pk=case.pk).update(**fields, version=F("version") + 1)
    case.refresh_from_db()
    record_event(case, act, case.reference, by=by, reason=reason, data=data)
    return case
