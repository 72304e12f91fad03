"""The one way in which freezes and their lines change state: compare and swap, then the event."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from cases.models import FreezeLine, FreezeRelease, FreezeRequest
from cases.policy import Action, Actor
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from cases.services.steps import swap_state
from cases.services.webhooks import announce
from cases.states import (
    FREEZE,
    FREEZE_RELEASE,
    LINE,
    FreezeAction,
    FreezeReleaseAction,
    LineAction,
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
    old, new = swap_state(freeze, FREEZE, action, freeze.reference, **fields)
    record_event(
        freeze.case, action.value, freeze.reference, by=by, reason=reason,
        data={"from": old.value, "to": new.value, **(data or {})},
    )  # fmt: skip
    announce("freeze", freeze.public_id)


def advance_release(
    release: FreezeRelease,
    action: FreezeReleaseAction,
    *,
    by: Actor,
    reason: str = "",
    data: dict[str, Any] | None = None,
    **fields: object,
) -> None:
    """Take one step of a release and write its event; its freeze and case are fetched."""
    old, new = swap_state(release, FREEZE_RELEASE, action, release.reference, **fields)
    record_event(
        release.freeze.case, action.value, release.reference, by=by, reason=reason,
        data={"from": old.value, "to": new.value, **(data or {})},
    )  # fmt: skip


def advance_line(line: FreezeLine, action: LineAction, **fields: object) -> None:
    """Take one step of a line; the caller writes the event of the whole.

    Raises InvalidTransition, or CaseworkError where another freeze already holds this asset.
    """
    try:
        with transaction.atomic():
            swap_state(line, LINE, action, f"a line of {line.freeze.reference}", **fields)
    except IntegrityError as error:
        raise CaseworkError(
            _("Account %(account)s already has a live hold on %(asset)s.")
            % {"account": line.account.masked, "asset": line.asset.symbol}
        ) from error
