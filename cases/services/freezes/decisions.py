"""Deciding a freeze: provisional hold, approval, ratification, refusal, execution, the clocks."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, FreezeApproval, FreezeRequest, OutboxMessage
from cases.policy import (
    SYSTEM,
    Action,
    Actor,
    PermissionDenied,
    Role,
    require_office,
    require_second_person,
    require_step_up,
)
from cases.queries.clocks import clock_book
from cases.services.approval_policies import ApprovalRule, is_signed_enough, require_unsigned
from cases.services.errors import CaseworkError
from cases.services.freezes.content import (
    URGENT,
    LineSpec,
    approval_rule,
    content_hash_of,
    end_by_clock,
    is_in_window,
    require_evidence,
    require_shown,
    require_standing_approval,
)
from cases.services.freezes.orders import UNSETTLED, release_lines, send_lines
from cases.services.freezes.requests import request_freeze, submit_freeze
from cases.services.freezes.steps import advance_freeze, enter_freeze
from cases.services.freezes.warnings import note_warning
from cases.states import FREEZE, FreezeAction, FreezeState, InvalidTransition, LineState, next_state
from cases.times import iso

AGAIN_AFTER = timedelta(hours=1)


@transaction.atomic
def place_provisional_freeze(freeze: FreezeRequest, *, reason: str, by: Actor) -> FreezeRequest:
    """Hold at once, as one person, what an urgent request names; lapses unless ratified (E7).

    Raises PermissionDenied, CaseworkError where it is not urgent, InvalidTransition.
    """
    enter_freeze(freeze, Action.PLACE_PROVISIONAL_FREEZE, by=by)
    operation = freeze.case.operation
    is_embargoed = operation is not None and operation.is_embargoed
    if is_embargoed and by.role != Role.COMPLIANCE:
        raise PermissionDenied(_("Until the operation's embargo ends only compliance holds."))
    _require_urgent(freeze.urgency)
    if not reason.strip():
        raise CaseworkError(_("Say why this cannot wait for a second person."))
    clock = clock_book("provisional_hold").of_freeze(freeze, "provisional_hold")
    until = clock.ends(timezone.now())
    advance_freeze(
        freeze,
        FreezeAction.PLACE_PROVISIONAL,
        by=by,
        reason=reason.strip(),
        data={"clock": clock.fact},
        provisional_by_id=by.user_id,
        provisional_until=until,
    )
    send_lines(freeze)
    return freeze


@transaction.atomic
def place_hold(
    case: Case,
    *,
    lines: Sequence[LineSpec],
    urgency: str,
    reason: str,
    legal_basis: str = "internal_suspicion",
    restriction: str = "withdrawals",
    agency_id: int | None = None,
    by: Actor,
) -> FreezeRequest:
    """Draft, submit and hold in one step and one transaction, before any finding if need be.

    Raises PermissionDenied, NotFound, CaseworkError.
    """
    _require_urgent(urgency)  # first of all: what is not urgent would be asked for its evidence
    freeze = request_freeze(
        case,
        legal_basis=legal_basis,
        restriction=restriction,
        urgency=urgency,
        agency_id=agency_id,
        reason=reason,
        lines=lines,
        by=by,
    )
    submit_freeze(freeze, by=by)
    place_provisional_freeze(freeze, reason=reason, by=by)
    return freeze


def _require_urgent(urgency: str) -> None:
    if urgency not in URGENT:
        raise CaseworkError(_("A provisional hold needs the urgency “urgent” or “life at risk”."))


def _require_decider(freeze: FreezeRequest, *, by: Actor) -> ApprovalRule:
    rule = approval_rule(freeze, signers=_signers(freeze, by))
    require_office(by, Action.APPROVE_FREEZE, rule.roles)
    require_second_person(
        by, freeze.requested_by_id, freeze.last_edited_by_id, freeze.provisional_by_id
    )
    require_step_up(by)
    return rule


def _signers(freeze: FreezeRequest, by: Actor) -> list[int | None]:
    return [by.user_id, *freeze.approvals.values_list("user_id", flat=True)]


def _sign(
    freeze: FreezeRequest, decision: str, content_hash: str, reason: str, *, by: Actor
) -> None:
    FreezeApproval.objects.create(
        freeze=freeze,
        user_id=by.person,
        decision=decision,
        reason=reason.strip(),
        content_hash=content_hash,
        auth_at=by.mfa_at,
        at=timezone.now(),
    )


def _sign_enough(
    freeze: FreezeRequest, rule: ApprovalRule, shown: str, reason: str, *, by: Actor
) -> bool:
    """Sign as one more person; whether the policy asks for nobody else (E1)."""
    require_unsigned(freeze.approvals.all(), shown, by=by)
    _sign(freeze, "approve", shown, reason, by=by)
    return is_signed_enough(
        freeze.approvals.all(), freeze.case, shown, rule,
        event="sign_freeze", reference=freeze.reference, reason=reason, by=by,
    )  # fmt: skip


@transaction.atomic
def approve_freeze(
    freeze: FreezeRequest, *, content_hash: str, reason: str, by: Actor
) -> FreezeRequest:
    """Approve as a second person and send the orders: APPROVED, then EXECUTING.

    Where no end was asked for and a clock is in force, it ends by the clock.
    Where the policy asks for more people it stays in review until the last of them signed.
    `content_hash` is the one the person was shown. Raises PermissionDenied, StepUpRequired,
    ContentChanged, CaseworkError, InvalidTransition if the request moved on meanwhile.
    """
    enter_freeze(freeze, Action.SIGN_FREEZE, by=by)
    rule = _require_decider(freeze, by=by)
    next_state(FREEZE, FreezeState(freeze.state), FreezeAction.APPROVE)
    shown = require_shown(freeze, content_hash)
    require_evidence(freeze)
    end = end_by_clock(freeze)
    if not _sign_enough(freeze, rule, shown, reason, by=by):
        return freeze
    advance_freeze(
        freeze,
        FreezeAction.APPROVE,
        by=by,
        reason=reason,
        data={"content_hash": shown, "until": iso(end)},
        approved_by_id=by.user_id,
        approved_at=timezone.now(),
        expires_at=end,
    )
    _execute(freeze, by=by)
    return freeze


def _execute(freeze: FreezeRequest, *, by: Actor) -> None:
    require_standing_approval(freeze)
    advance_freeze(freeze, FreezeAction.EXECUTE, by=by)
    send_lines(freeze)


@transaction.atomic
def execute_freeze(freeze: FreezeRequest, *, by: Actor) -> FreezeRequest:
    """Send the orders of a failed freeze again, under the approval that still stands.

    Raises PermissionDenied, CaseworkError where it no longer does, InvalidTransition.
    """
    enter_freeze(freeze, Action.EXECUTE_FREEZE, by=by)
    next_state(FREEZE, FreezeState(freeze.state), FreezeAction.EXECUTE)
    _execute(freeze, by=by)
    return freeze


@transaction.atomic
def ratify_freeze(
    freeze: FreezeRequest, *, content_hash: str, reason: str, by: Actor
) -> FreezeRequest:
    """Make a provisional hold a standing one, as a second person and inside its window.

    Raises as `approve_freeze`; InvalidTransition when the window is over.
    """
    enter_freeze(freeze, Action.SIGN_FREEZE, by=by)
    rule = _require_decider(freeze, by=by)
    next_state(FREEZE, FreezeState(freeze.state), FreezeAction.RATIFY)
    if not is_in_window(freeze):
        raise InvalidTransition(_("The window of this provisional hold is over."))
    shown = require_shown(freeze, content_hash)
    require_evidence(freeze)
    if not freeze.lines.filter(state__in=[LineState.HELD.value, *UNSETTLED]).exists():
        raise CaseworkError(_("The exchange holds nothing under this request."))
    end = end_by_clock(freeze)
    if not _sign_enough(freeze, rule, shown, reason, by=by):
        return freeze
    advance_freeze(
        freeze,
        FreezeAction.RATIFY,
        by=by,
        reason=reason,
        data={"content_hash": shown, "until": iso(end)},
        approved_by_id=by.user_id,
        approved_at=timezone.now(),
        expires_at=end,
    )
    return freeze


@transaction.atomic
def reject_freeze(freeze: FreezeRequest, *, reason: str, by: Actor) -> FreezeRequest:
    """Refuse a request, or end a provisional hold: whatever it holds is released.

    Raises PermissionDenied, StepUpRequired, InvalidTransition.
    """
    enter_freeze(freeze, Action.SIGN_FREEZE, by=by)
    _require_decider(freeze, by=by)
    if not reason.strip():
        raise CaseworkError(_("Say why this request is refused."))
    present = content_hash_of(freeze)
    require_unsigned(freeze.approvals.all(), present, by=by)
    advance_freeze(freeze, FreezeAction.REJECT, by=by, reason=reason)
    _sign(freeze, "reject", present, reason, by=by)
    release_lines(freeze)
    return freeze


def lapse_provisional_freezes() -> int:
    """End every provisional hold whose window is over and order the release of its lines.

    By the database's clock, as the leases are: a worker whose own clock is wrong releases nothing.
    Only a hold that nobody ratified ends by itself. Each in its own transaction; runs twice
    without harm. Returns how many lapsed.
    """
    overdue = FreezeRequest.objects.filter(
        state=FreezeState.PROVISIONAL.value, provisional_until__lte=Now()
    )
    return sum(_lapse(freeze) for freeze in overdue.order_by("case_id", "pk"))


def _lapse(freeze: FreezeRequest) -> bool:
    try:
        with transaction.atomic():
            enter_freeze(freeze, Action.EXECUTE_FREEZE, by=SYSTEM)
            advance_freeze(freeze, FreezeAction.LAPSE, by=SYSTEM)
            note_warning(freeze, 0)
            release_lines(freeze)
    except InvalidTransition:
        return False  # ratified or refused in the last moment
    return True


def flag_decisions_due() -> int:
    """Mark every freeze whose end is reached: it stays held, compliance decides.

    Nothing is released. Returns how many were marked.
    """
    due = FreezeRequest.objects.filter(state=FreezeState.ACTIVE.value, expires_at__lte=Now())
    return sum(_flag(freeze) for freeze in due.order_by("case_id", "pk"))


def _flag(freeze: FreezeRequest) -> bool:
    try:
        with transaction.atomic():
            enter_freeze(freeze, Action.EXECUTE_FREEZE, by=SYSTEM)
            advance_freeze(freeze, FreezeAction.FLAG_DECISION_DUE, by=SYSTEM)
    except InvalidTransition:
        return False
    return True


def release_leftovers() -> int:
    """Order again, an hour after a refused order, the release of what an ended freeze still holds.

    Returns how many orders were written.
    """
    lately = OutboxMessage.objects.filter(
        kind="release", created_at__gt=timezone.now() - AGAIN_AFTER
    )
    ended = (
        FreezeRequest.objects.filter(
            state__in=[FreezeState.REJECTED.value, FreezeState.LAPSED.value],
            lines__state=LineState.HELD.value,
        )
        .exclude(lines__outbox__in=lately)
        .distinct()
    )
    written = 0
    for freeze in ended.order_by("case_id", "pk"):
        with transaction.atomic():
            enter_freeze(freeze, Action.EXECUTE_FREEZE, by=SYSTEM)
            written += len(release_lines(freeze))
    return written
