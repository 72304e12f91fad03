"""The one way in which freezes and their lines change state: compare and swap, then the event."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from cases.models import FreezeLine, FreezeRequest
from cases.policy import Action, Actor
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from cases.states import (
    FREEZE,
    LINE,
    FreezeAction,
    FreezeState,
    InvalidTransition,
    LineAction,
    LineState,
    next_state,
)


def enter_freeze(freeze: FreezeRequest, action: Action, *, by: Actor) -> None:
    """Lock its case, check the right, and read the request fresh: 3 queries."""
    case = enter_case(freeze.case_id, action, by=by)
    freeze.refresh_from_db()
    freeze.case = case


def advance_freeze(
    freeze: FreezeRequest,
    action: FreezeAction,
    *,
    by: Actor,
    reason: str = "",
    data: dict[str, Any] | None = None,
    **fields: object,
) -> None:
    """Take one step of the state table and write its event: of two callers exactly one wins."""
    old = FreezeState(freeze.state)
    new = next_state(FREEZE, old, action)
    changed = FreezeRequest.objects.filter(pk=freeze.pk, state=old.value).update(
        state=new.value, **fields
    )
    if not changed:
        raise InvalidTransition(f"{freeze.reference} is no longer {old}")
    freeze.state = new.value
    for name, value in fields.items():
        setattr(freeze, name, value)
    record_event(
        freeze.case, action.value, freeze.reference, by=by, reason=reason,
        data={"from": old.value, "to": new.value, **(data or {})},
    )  # fmt: skip


def advance_line(line: FreezeLine, action: LineAction, **fields: object) -> None:
    """Take one step of a line; the caller writes the event of the whole.

    Raises InvalidTransition, or CaseworkError where another freeze already holds this asset.
    """
    old = LineState(line.state)
    new = next_state(LINE, old, action)
    try:
        with transaction.atomic():
            changed = FreezeLine.objects.filter(pk=line.pk, state=old.value).update(
                state=new.value, **fields
            )
    except IntegrityError as error:
        raise CaseworkError(
            _("Account %(account)s already has a live hold on %(asset)s.")
            % {"account": line.account.masked, "asset": line.asset.symbol}
        ) from error
    if not changed:
        raise InvalidTransition(f"a line of {line.freeze.reference} is no longer {old}")
    line.state = new.value
    for name, value in fields.items():
        setattr(line, name, value)
