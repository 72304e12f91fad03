"""The outbox: what the house asks of the exchange, once per key, whatever happens on the way.

    pending -> sending        committed before the call, with a lease
    sending -> confirmed      a receipt came
            -> refused        a refusal came
            -> unknown        no answer, or the lease ran out: never straight back to pending
    unknown -> confirmed, refused, or pending with the same key: only by asking for the key

No call is made inside a transaction. Repeating anything here changes nothing twice (J15).
"""

from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from cases.gateways.exchange import (
    ExchangeGateway,
    GatewayError,
    GatewayRefused,
    Receipt,
    Refusal,
)
from cases.models import FreezeLine, FreezeRelease, OutboxMessage, Seizure
from cases.policy import SYSTEM, PermissionDenied
from cases.services.case_clocks import escalate_late_cases
from cases.services.errors import CaseworkError
from cases.services.freezes import flag_decisions_due, lapse_provisional_freezes, release_leftovers
from cases.services.freezes.content import require_standing_approval, require_standing_hold
from cases.services.freezes.orders import (
    confirm_hold,
    confirm_release,
    confirm_seizure,
    confirm_transfer,
    lose_sight_of_hold,
    refuse_hold,
    resend_hold,
)
from cases.services.freezes.releases import follow_orders, require_standing_release
from cases.services.freezes.seizures import follow_seizure, require_standing_seizure
from cases.services.freezes.warnings import warn_of_ends
from cases.services.idempotency import forget_answers
from cases.services.limits import forget_pace
from cases.services.locks import lock_case
from cases.states import (
    OUTBOX,
    FreezeState,
    InvalidTransition,
    OutboxAction,
    OutboxState,
    next_state,
)
from tracing.jobs import failpoint

logger = structlog.get_logger(__name__)

LONGEST_PAUSE_SECONDS = 300


def due_messages(limit: int = 100) -> list[UUID]:
    """Ids of what has to go out or be asked about now, oldest first: 1 query."""
    return list(_due().order_by("created_at").values_list("pk", flat=True)[:limit])


def _due() -> QuerySet[OutboxMessage]:
    waited = Q(not_before=None) | Q(not_before__lte=Now())
    return OutboxMessage.objects.filter(
        (Q(state__in=[OutboxState.PENDING.value, OutboxState.UNKNOWN.value]) & waited)
        | Q(state=OutboxState.SENDING.value, lease_until__lt=Now())
    )


def send_due_messages(gateway: ExchangeGateway, limit: int = 100) -> int:
    """Send or ask about all that is due; returns how many were looked at."""
    due = due_messages(limit)
    for message_id in due:
        send_outbox_message(message_id, gateway=gateway)
    return len(due)


def send_outbox_message(message_id: UUID, *, gateway: ExchangeGateway) -> OutboxState:
    """Bring one message a step further: send it, or ask what became of it.

    Returns the state it is in afterwards. May be called twice, or by two workers at once.
    """
    message = OutboxMessage.objects.get(pk=message_id)
    if message.state == OutboxState.SENDING.value:
        _lose_expired(message)
    if message.state == OutboxState.UNKNOWN.value and _due().filter(pk=message_id).exists():
        _ask(message, gateway)
    if message.state == OutboxState.PENDING.value and _claim(message):
        _send(message, gateway)
    message.refresh_from_db(fields=["state"])
    return OutboxState(message.state)


def _claim(message: OutboxMessage) -> bool:
    """Take a pending message for this call: of two workers one gets it.

    An order that no longer stands is refused here, before anything leaves the house.
    """
    with transaction.atomic():
        lock_case(message.case_id)
        taken = (
            _due()
            .filter(pk=message.pk, state=OutboxState.PENDING.value)
            .update(
                state=OutboxState.SENDING.value,
                lease_until=Now() + timedelta(seconds=settings.LEASE_SECONDS),
                not_before=None,
                num_tries=F("num_tries") + 1,
            )
        )
        if not taken:
            return False
        failpoint("order.claim")
        message.refresh_from_db()
        refusal = _why_not(message)
        if refusal:
            _advance(message, OutboxAction.REFUSE, error=refusal[:200])
            if message.kind == "hold":
                refuse_hold(_line(message), refusal)
            _follow(message)
            return False
    return True


def _why_not(message: OutboxMessage) -> str:
    """Why an order may not go out any more; empty if it may.

    The release of what lapsed or was refused always may; an approved one counts its approval again.
    """
    if message.kind != "hold":
        return _why_not_release(message)
    freeze = _line(message).freeze
    try:
        if freeze.state == FreezeState.PROVISIONAL.value:
            require_standing_hold(freeze)
        elif freeze.approved_by_id is not None:
            require_standing_approval(freeze)
        else:
            return "The request ended before the order was sent."
    except (CaseworkError, InvalidTransition, PermissionDenied) as error:
        return str(error)
    return ""


def _why_not_release(message: OutboxMessage) -> str:
    decision, seizure = _decision(message), _seizure(message)
    try:
        if decision is not None:
            require_standing_release(decision)
        if seizure is not None:
            require_standing_seizure(seizure)
    except (CaseworkError, InvalidTransition) as error:
        return str(error)
    return ""


def _decision(message: OutboxMessage) -> FreezeRelease | None:
    """The approved release behind an order, with all that checking it takes; None without one."""
    if message.decision_id is None:
        return None
    found: FreezeRelease = FreezeRelease.objects.select_related(
        "freeze__case", "decided_by", "instrument"
    ).get(pk=message.decision_id)
    return found


def _seizure(message: OutboxMessage) -> Seizure | None:
    """The seizure behind an order, with all that checking it takes; None without one."""
    if message.seizure_id is None:
        return None
    found: Seizure = Seizure.objects.select_related(
        "freeze__case", "instrument", "agency", "transferred_by"
    ).get(pk=message.seizure_id)
    return found


def _follow(message: OutboxMessage) -> None:
    """Let the release or seizure behind an order know what became of it; under the case lock."""
    decision, seizure = _decision(message), _seizure(message)
    if decision is not None:
        follow_orders(decision, by=SYSTEM)
    if seizure is not None:
        follow_seizure(seizure, by=SYSTEM)


def _line(message: OutboxMessage) -> FreezeLine:
    line: FreezeLine = FreezeLine.objects.select_related(
        "freeze__case", "freeze__agency", "freeze__provisional_by", "account", "asset"
    ).get(pk=message.line_id)
    return line


def _send(message: OutboxMessage, gateway: ExchangeGateway) -> None:
    failpoint("order.sending")
    try:
        receipt = _call(message, gateway)
    except GatewayRefused as error:
        _refuse(message, error.reason)
    except GatewayError as error:
        _lose(message, type(error).__name__)
    else:
        failpoint("order.answered")
        _confirm(message, receipt)


def _call(message: OutboxMessage, gateway: ExchangeGateway) -> Receipt:
    payload = message.payload
    what = (
        message.pk,
        payload["account"],
        payload["asset"],
        int(payload["amount"]),
        payload["reference"],
    )
    match message.kind:
        case "hold":
            return gateway.freeze(*what)
        case "release":
            return gateway.release(*what)
        case "seizure":
            return gateway.seize(*what)
    return gateway.transfer(*what, payload["destination"])


def _book(message: OutboxMessage, receipt: Receipt) -> None:
    line, seizure = _line(message), _seizure(message)
    if seizure is not None:
        book = confirm_seizure if message.kind == "seizure" else confirm_transfer
        book(line, receipt, seizure)
    elif message.kind == "hold":
        confirm_hold(line, receipt)
    else:
        confirm_release(line, receipt)


def _ask(message: OutboxMessage, gateway: ExchangeGateway) -> None:
    """From unknown only the answer to the key leads on."""
    try:
        answer = gateway.find(message.pk)
    except GatewayError as error:
        OutboxMessage.objects.filter(pk=message.pk, state=OutboxState.UNKNOWN.value).update(
            num_tries=F("num_tries") + 1,
            not_before=Now() + _pause(message),
            error=type(error).__name__,
        )
        return
    failpoint("order.asked")
    if isinstance(answer, Receipt):
        _confirm(message, answer)
    elif isinstance(answer, Refusal):
        _refuse(message, answer.reason)
    else:
        _resend(message)


def _pause(message: OutboxMessage) -> timedelta:
    return timedelta(seconds=min(2 ** min(message.num_tries + 1, 10), LONGEST_PAUSE_SECONDS))


def _advance(message: OutboxMessage, action: OutboxAction, **fields: object) -> bool:
    """Compare and swap under the case lock; False if an answer was booked already."""
    message.refresh_from_db(fields=["state"])
    old = OutboxState(message.state)
    try:
        new = next_state(OUTBOX, old, action)
    except InvalidTransition:
        return False
    changed = OutboxMessage.objects.filter(pk=message.pk, state=old.value).update(
        state=new.value, lease_until=None, **fields
    )
    message.state = new.value
    return bool(changed)


def _confirm(message: OutboxMessage, receipt: Receipt) -> None:
    with transaction.atomic():
        lock_case(message.case_id)
        if _advance(message, OutboxAction.CONFIRM, not_before=None, error=""):
            failpoint("order.receipt")
            _book(message, receipt)
            _follow(message)
            failpoint("order.booked")
    failpoint("order.confirmed")


def _refuse(message: OutboxMessage, reason: str) -> None:
    with transaction.atomic():
        lock_case(message.case_id)
        if _advance(message, OutboxAction.REFUSE, not_before=None, error=reason[:200]):
            if message.kind == "hold":
                refuse_hold(_line(message), reason)
            _follow(message)
            logger.warning("order_refused", message=str(message.pk))


def _lose(message: OutboxMessage, error: str) -> None:
    with transaction.atomic():
        lock_case(message.case_id)
        pause = _pause(message)
        if _advance(message, OutboxAction.TIME_OUT, not_before=Now() + pause, error=error):
            _lose_sight(message)


def _lose_sight(message: OutboxMessage) -> None:
    if message.kind == "hold":
        lose_sight_of_hold(_line(message))
    _follow(message)


def _lose_expired(message: OutboxMessage) -> None:
    """A sender that died left its lease behind: what it did is unknown."""
    with transaction.atomic():
        lock_case(message.case_id)
        expired = OutboxMessage.objects.filter(
            pk=message.pk, state=OutboxState.SENDING.value, lease_until__lt=Now()
        )
        if expired.exists() and _advance(
            message, OutboxAction.TIME_OUT, not_before=None, error="LeaseExpired"
        ):
            _lose_sight(message)
    message.refresh_from_db()


def _resend(message: OutboxMessage) -> None:
    with transaction.atomic():
        lock_case(message.case_id)
        if _advance(message, OutboxAction.RESEND, not_before=None):
            if message.kind == "hold":
                resend_hold(_line(message))
            _follow(message)


def housekeeping() -> dict[str, int]:
    """The clocks of the casework: holds lapse, freezes fall due, releases go on, answers age."""
    return {
        "lapsed": lapse_provisional_freezes(),
        "warnings": warn_of_ends(),
        "decisions_due": flag_decisions_due(),
        "late_cases": escalate_late_cases(),
        "releases": release_leftovers(),
        "answers": forget_answers(),
        "paces": forget_pace(),
    }
