"""Orders to the exchange, written with the decision, and what its answers do to the lines.

An order carries account, asset, amount, an opaque reference and a neutral code: no word of case,
suspicion or agency leaves the house (P2). The outbox sends it (services/outbox.py).
"""

import uuid

from django.utils import timezone
from django.utils.translation import gettext as _

from cases.gateways.exchange import Receipt
from cases.hints import SEND_OUTBOX, hint_on_commit
from cases.models import (
    FreezeLine,
    FreezeReceipt,
    FreezeRelease,
    FreezeRequest,
    OutboxMessage,
    Seizure,
    SeizureLine,
)
from cases.policy import SYSTEM, Actor
from cases.queries.money import CURRENCY, fiat_of, price_at
from cases.services.audit import record_event
from cases.services.freezes.steps import advance_freeze, advance_line
from cases.states import FreezeAction, FreezeState, LineAction, LineState, OutboxState
from tracing.jobs import failpoint

HOLD_CODE = "R1"
RELEASE_CODE = "R0"
SEIZURE_CODE = "R2"
TRANSFER_CODE = "R3"
UNSETTLED = (LineState.PLANNED.value, LineState.SENT.value, LineState.UNKNOWN.value)
ENDED = (FreezeState.REJECTED.value, FreezeState.LAPSED.value)


def send_lines(freeze: FreezeRequest) -> list[str]:
    """Write a hold order for each line not yet sent or refused before; returns the order ids.

    A line asked again after a refusal gets a new key: the old one stays answered.
    """
    keys = []
    lines = freeze.lines.select_related("account", "asset", "freeze").order_by("pk")
    for line in lines.filter(state__in=[LineState.PLANNED.value, LineState.REFUSED.value]):
        is_first = line.state == LineState.PLANNED.value
        advance_line(line, LineAction.SEND)
        key = line.idempotency_key if is_first else uuid.uuid4()
        keys.append(_write_order(freeze, line, "hold", key, line.requested, HOLD_CODE))
    return keys


def release_lines(freeze: FreezeRequest) -> list[str]:
    """Write a release order for whatever is held and not yet being released."""
    keys = []
    for line in freeze.lines.select_related("account", "asset").filter(state=LineState.HELD.value):
        open_orders = line.outbox.filter(kind="release").exclude(
            state__in=[OutboxState.CONFIRMED.value, OutboxState.REFUSED.value]
        )
        if line.held and not open_orders.exists():
            keys.append(
                _write_order(freeze, line, "release", uuid.uuid4(), line.held, RELEASE_CODE)
            )
    return keys


def order_release(
    freeze: FreezeRequest, line: FreezeLine, amount: int, decision: FreezeRelease
) -> str:
    """Write the order for one line of an approved release; returns the order's id."""
    return _write_order(freeze, line, "release", uuid.uuid4(), amount, RELEASE_CODE, decision)


def order_seizure(seizure: Seizure, line: FreezeLine, amount: int) -> str:
    """Write the order for one line of a seizure with both keys; returns the order's id."""
    return _write_order(
        seizure.freeze, line, "seizure", uuid.uuid4(), amount, SEIZURE_CODE, seizure=seizure
    )


def order_transfer(seizure: Seizure, line: FreezeLine, amount: int) -> str:
    """Write the order to send what was seized of one line to the seizure's address."""
    return _write_order(
        seizure.freeze, line, "transfer", uuid.uuid4(), amount, TRANSFER_CODE, seizure=seizure
    )


def _write_order(
    freeze: FreezeRequest,
    line: FreezeLine,
    kind: str,
    key: uuid.UUID,
    amount: int,
    code: str,
    decision: FreezeRelease | None = None,
    seizure: Seizure | None = None,
) -> str:
    destination = {"destination": seizure.destination} if seizure and kind == "transfer" else {}
    OutboxMessage.objects.create(
        id=key,
        case_id=freeze.case_id,
        line=line,
        kind=kind,
        decision=decision,
        seizure=seizure,
        payload={
            "account": line.account.uid,
            "asset": line.asset_id,
            "amount": str(amount),
            "reference": f"H-{line.public_id.hex[:12].upper()}",
            "reason_code": code,
            **destination,
        },
        created_at=timezone.now(),
    )
    failpoint("order.write")
    hint_on_commit(SEND_OUTBOX, str(key))
    return str(key)


def confirm_hold(line: FreezeLine, receipt: Receipt, *, by: Actor = SYSTEM) -> None:
    """Book the receipts of a hold: what is really held, its value then, and why it is less.

    A receipt that arrives twice adds nothing. Value: the latest price at or before the receipt.
    """
    _book(line, "hold", receipt)
    executed = _booked(line, "hold")
    if not executed:
        refuse_hold(line, _("The account held nothing of this asset."), by=by)
        return
    price = price_at(line.asset_id, receipt.at)
    shortfall = ""
    if executed < line.requested:
        shortfall = _("The account held less than was asked for.")
    advance_line(
        line,
        LineAction.CONFIRM,
        executed=executed,
        executed_at=receipt.at,
        price=price,
        fiat_value=fiat_of(executed, line.asset.decimals, price),
        fiat_currency=CURRENCY if price else "",
        shortfall_reason=shortfall,
    )
    _record(
        line,
        LineAction.CONFIRM,
        by,
        executed=str(executed),
        receipts=[part.external_ref for part in receipt.booked],
    )
    _settle(line, by=by)


def refuse_hold(line: FreezeLine, reason: str, *, by: Actor = SYSTEM) -> None:
    """The exchange holds nothing under this line, and says why."""
    advance_line(line, LineAction.REFUSE, shortfall_reason=reason[:200])
    _record(line, LineAction.REFUSE, by, reason=reason[:200])
    _settle(line, by=by)


def lose_sight_of_hold(line: FreezeLine, *, by: Actor = SYSTEM) -> None:
    """No answer: the line is unknown until the exchange is asked by key."""
    advance_line(line, LineAction.TIME_OUT)
    _record(line, LineAction.TIME_OUT, by)


def resend_hold(line: FreezeLine, *, by: Actor = SYSTEM) -> None:
    """The exchange knows nothing of the key: the same order goes out again."""
    advance_line(line, LineAction.RESEND)
    _record(line, LineAction.RESEND, by)


def confirm_release(line: FreezeLine, receipt: Receipt, *, by: Actor = SYSTEM) -> None:
    """Book the receipts of a release; the line is over when nothing is held any more."""
    _book(line, "release", receipt)
    released = min(_booked(line, "release"), line.executed - line.seized)
    FreezeLine.objects.filter(pk=line.pk).update(released=released)
    line.released = released
    _end_if_empty(line)
    _record(line, LineAction.RELEASE, by, released=str(released))
    _close_if_empty(line.freeze, by=by)


def confirm_seizure(
    line: FreezeLine, receipt: Receipt, seizure: Seizure, *, by: Actor = SYSTEM
) -> None:
    """Book what the exchange set apart: it is held no longer, and has not left its custody."""
    _book(line, "seizure", receipt)
    seized = min(_booked(line, "seizure"), line.executed - line.released)
    part = SeizureLine.objects.get(seizure=seizure, line=line)
    SeizureLine.objects.filter(pk=part.pk).update(seized=part.seized + seized - line.seized)
    FreezeLine.objects.filter(pk=line.pk).update(seized=seized)
    line.seized = seized
    _end_if_empty(line)
    _record(line, LineAction.SEIZE, by, seized=str(seized))
    _close_if_empty(line.freeze, by=by)


def confirm_transfer(
    line: FreezeLine, receipt: Receipt, seizure: Seizure, *, by: Actor = SYSTEM
) -> None:
    """Book what left for the authority's address, with the transaction that the receipt names."""
    _book(line, "transfer", receipt)
    gone = min(_booked(line, "transfer"), line.seized)
    part = SeizureLine.objects.get(seizure=seizure, line=line)
    transferred = part.transferred + gone - line.transferred
    SeizureLine.objects.filter(pk=part.pk).update(transferred=transferred)
    FreezeLine.objects.filter(pk=line.pk).update(transferred=gone)
    line.transferred = gone
    record_event(
        line.freeze.case, "transfer_line", line.freeze.reference, by=by,
        data={"line": str(line.public_id), "transferred": str(gone), "txid": receipt.txid},
    )  # fmt: skip


def _end_if_empty(line: FreezeLine) -> None:
    """A line of which nothing is held any more is over, by what became of it."""
    if line.held == 0:
        advance_line(line, LineAction.SEIZE if line.seized else LineAction.RELEASE)


def _close_if_empty(freeze: FreezeRequest, *, by: Actor) -> None:
    """A standing freeze of which nothing is held any more, and nothing open, is over."""
    if freeze.state not in (FreezeState.ACTIVE.value, FreezeState.DECISION_DUE.value):
        return
    open_states = [LineState.HELD.value, *UNSETTLED]
    if not freeze.lines.filter(state__in=open_states).exists():
        advance_freeze(freeze, FreezeAction.CLOSE, by=by)


def _book(line: FreezeLine, kind: str, receipt: Receipt) -> None:
    for part in receipt.booked:
        known = FreezeReceipt.objects.filter(kind=kind, external_ref=part.external_ref)
        if not known.exists():
            FreezeReceipt.objects.create(
                line=line, kind=kind, external_ref=part.external_ref, source=part.source,
                base=part.base, at=receipt.at, txid=receipt.txid,
            )  # fmt: skip


def _booked(line: FreezeLine, kind: str) -> int:
    return sum(line.receipts.filter(kind=kind).values_list("base", flat=True))


def _record(line: FreezeLine, action: LineAction, by: Actor, **data: object) -> None:
    record_event(
        line.freeze.case, action.value, line.freeze.reference, by=by,
        data={"line": str(line.public_id), "state": line.state, **data},
    )  # fmt: skip


def _settle(line: FreezeLine, *, by: Actor) -> None:
    """Close the execution when no line is open: active if anything is held, else failed."""
    freeze = line.freeze
    if freeze.state in ENDED:
        release_lines(freeze)  # the answer came after the end
        return
    if freeze.lines.filter(state__in=UNSETTLED).exists():
        return
    is_held = freeze.lines.filter(state=LineState.HELD.value).exists()
    if freeze.state == FreezeState.EXECUTING.value:
        if is_held:
            advance_freeze(freeze, FreezeAction.SETTLE, by=by, executed_at=timezone.now())
        else:
            advance_freeze(freeze, FreezeAction.FAIL, by=by)
    elif is_held and freeze.executed_at is None:
        FreezeRequest.objects.filter(pk=freeze.pk).update(executed_at=timezone.now())
    else:
        _close_if_empty(freeze, by=by)  # ratified while the answer was out, and nothing held
