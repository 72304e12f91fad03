"""Seizing what is frozen, by two keys, and sending it to the authority's address.

One person asks under a verified instrument. Somebody else calls the authority back on the number
known beforehand about the address. Then a supervisor and a person of compliance sign the same
content; neither of them asked. Only what the exchange confirms counts as seized; it stays in its
custody until compliance orders the transfer, whose receipt names the transaction.
"""

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import FreezeLine, FreezeRequest, Seizure, SeizureApproval, SeizureLine
from cases.policy import (
    Action,
    Actor,
    PermissionDenied,
    Role,
    require_second_person,
    require_step_up,
)
from cases.services.approval_policies import DEFAULT, require_unsigned
from cases.services.audit import content_digest, record_event
from cases.services.errors import CaseworkError, ContentChanged, NotFound
from cases.services.freezes.content import amounts_content, stands_in_date
from cases.services.freezes.orders import order_seizure, order_transfer
from cases.services.freezes.releases import STANDING
from cases.services.freezes.steps import enter_freeze
from cases.services.steps import swap_state
from cases.services.validation import check_fields, require_reason, require_text
from cases.states import (
    SEIZURE,
    FreezeReleaseState,
    InvalidTransition,
    LineState,
    OutboxState,
    SeizureAction,
    SeizureState,
    next_state,
)

KEYS = (Role.SUPERVISOR.value, Role.COMPLIANCE.value)  # one of each
OPEN_RELEASES = (
    FreezeReleaseState.REQUESTED.value,
    FreezeReleaseState.APPROVED.value,
    FreezeReleaseState.UNKNOWN.value,
)


def seizure_hash_of(seizure: Seizure) -> str:
    """SHA-256 of what both keys are turned for: order, authority, address, amount of each line."""
    lines = seizure.lines.select_related("line__account").order_by("line_id")
    return content_digest(
        {
            "reference": seizure.reference,
            "reason": seizure.reason,
            "instrument": str(seizure.instrument.public_id) if seizure.instrument else None,
            "agency": str(seizure.agency.public_id),
            "destination": seizure.destination,
            "requested_by": seizure.requested_by_id,
            "lines": amounts_content(lines),
        }
    )


@transaction.atomic
def request_seizure(
    freeze: FreezeRequest,
    *,
    amounts: Mapping[int, int],
    agency_id: int,
    destination: str,
    instrument_id: int | None,
    reason: str,
    by: Actor,
) -> Seizure:
    """Ask that amounts of lines are seized; `amounts` maps line ids to base units, at least 1.

    Raises PermissionDenied, NotFound, CaseworkError, InvalidTransition where the freeze does not
    stand.
    """
    enter_freeze(freeze, Action.REQUEST_FREEZE, by=by)
    if freeze.state not in STANDING:
        raise InvalidTransition(
            _("%(name)s holds nothing now: nothing can be seized.") % {"name": freeze.reference}
        )
    if not apps.get_model("fiu", "Agency").objects.filter(pk=agency_id).exists():
        raise NotFound(_("This agency is not known."))
    seizure = Seizure(
        freeze=freeze,
        number=freeze.seizures.count() + 1,
        reason=require_reason(reason),
        instrument_id=instrument_id,
        agency_id=agency_id,
        destination=require_text(destination, _("Name the address it is to go to.")),
        requested_by_id=by.person,
        requested_at=timezone.now(),
        content_hash="",
    )
    check_fields(seizure, "destination")
    _require_order(seizure)
    if freeze.releases.filter(state__in=OPEN_RELEASES).exists():
        raise CaseworkError(_("A release of this freeze is still open."))
    if not amounts:
        raise CaseworkError(_("Name the amount of at least one line."))
    lines = {line.pk: line for line in freeze.lines.select_related("account", "asset")}
    for line_id, amount in amounts.items():
        _check_amount(lines.get(line_id), amount)
    try:
        with transaction.atomic():
            seizure.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("A seizure of this freeze is still open.")) from error
    for line_id, amount in sorted(amounts.items()):
        SeizureLine.objects.create(seizure=seizure, line_id=line_id, amount=amount)
    seizure.content_hash = seizure_hash_of(seizure)
    Seizure.objects.filter(pk=seizure.pk).update(content_hash=seizure.content_hash)
    _record(
        seizure, "request_seizure", by, seizure.reason,
        lines=len(amounts), content_hash=seizure.content_hash,
    )  # fmt: skip
    return seizure


def _require_order(seizure: Seizure) -> None:
    paper = seizure.instrument
    if paper is None or paper.case_id != seizure.freeze.case_id or not stands_in_date(paper):
        raise CaseworkError(_("A seizure needs an instrument of this case, verified and in date."))


def _check_amount(line: FreezeLine | None, amount: int) -> None:
    if line is None:
        raise CaseworkError(_("A line named here is not part of this freeze."))
    if line.state != LineState.HELD.value or not 1 <= amount <= line.held:
        raise CaseworkError(
            _("Account %(account)s does not hold that much %(asset)s under this freeze.")
            % {"account": line.account.masked, "asset": line.asset.symbol}
        )


def _enter(seizure: Seizure, action: Action, *, by: Actor) -> None:
    enter_freeze(seizure.freeze, action, by=by)
    freeze = seizure.freeze
    seizure.refresh_from_db()
    seizure.freeze = freeze
    require_second_person(by, seizure.requested_by_id)
    require_step_up(by)


@transaction.atomic
def confirm_destination(seizure: Seizure, *, reason: str, by: Actor) -> Seizure:
    """Keep who called the authority back about the address, whom they reached and how.

    Not by who asked for the seizure. Raises PermissionDenied, StepUpRequired, CaseworkError.
    """
    _enter(seizure, Action.APPROVE_SEIZURE, by=by)
    how = require_text(reason, _("Say whom you reached, on which number, and when."))
    waiting = Seizure.objects.filter(
        pk=seizure.pk, state=SeizureState.REQUESTED.value, confirmed_by=None
    )
    seizure.confirmed_how = how
    check_fields(seizure, "confirmed_how")
    at = timezone.now()
    if not waiting.update(confirmed_by_id=by.person, confirmed_at=at, confirmed_how=how):
        raise InvalidTransition(_("The address was confirmed or decided on already."))
    seizure.confirmed_by_id, seizure.confirmed_at = by.person, at
    _record(seizure, "confirm_destination", by, how)
    return seizure


@transaction.atomic
def approve_seizure(seizure: Seizure, *, content_hash: str, reason: str, by: Actor) -> Seizure:
    """Turn one key; with the second one the orders are written and go out after the commit.

    Raises PermissionDenied, StepUpRequired, ContentChanged, CaseworkError, InvalidTransition.
    """
    _enter(seizure, Action.APPROVE_SEIZURE, by=by)
    next_state(SEIZURE, SeizureState(seizure.state), SeizureAction.APPROVE)
    if seizure.freeze.state not in STANDING:
        raise InvalidTransition(
            _("%(name)s holds nothing any more.") % {"name": seizure.freeze.reference}
        )
    present = seizure_hash_of(seizure)
    if present != content_hash or present != seizure.content_hash:
        raise ContentChanged(_("This seizure changed since you opened it."))
    _require_order(seizure)
    if seizure.confirmed_by_id is None:
        raise CaseworkError(_("First somebody calls the authority back about the address."))
    lines = list(seizure.lines.select_related("line__account", "line__asset").order_by("line_id"))
    for each in lines:
        _check_amount(each.line, each.amount)
    require_unsigned(seizure.approvals.all(), present, by=by)
    turned = _turned(seizure)
    if by.role.value in turned:
        raise PermissionDenied(_("The other key is with somebody of the other office."))
    _sign(seizure, "approve", reason, by=by)
    if set(KEYS) - {*turned, by.role.value}:
        _record(seizure, "sign_seizure", by, reason, content_hash=present)
        return seizure
    _advance(
        seizure, SeizureAction.APPROVE, by=by, reason=reason,
        decided_by_id=by.user_id, decided_at=timezone.now(),
    )  # fmt: skip
    for each in lines:
        order_seizure(seizure, each.line, each.amount)
    return seizure


@transaction.atomic
def reject_seizure(seizure: Seizure, *, reason: str, by: Actor) -> Seizure:
    """Refuse it: everything stays held."""
    _enter(seizure, Action.APPROVE_SEIZURE, by=by)
    require_reason(reason)
    next_state(SEIZURE, SeizureState(seizure.state), SeizureAction.REJECT)
    require_unsigned(seizure.approvals.all(), seizure.content_hash, by=by)
    _advance(
        seizure, SeizureAction.REJECT, by=by, reason=reason,
        decided_by_id=by.user_id, decided_at=timezone.now(),
    )  # fmt: skip
    _sign(seizure, "reject", reason, by=by)
    return seizure


@transaction.atomic
def transfer_seizure(seizure: Seizure, *, content_hash: str, reason: str, by: Actor) -> Seizure:
    """Send what was seized to the address that both keys were turned for.

    Not by who asked for the seizure. Raises PermissionDenied, StepUpRequired, ContentChanged,
    InvalidTransition.
    """
    _enter(seizure, Action.TRANSFER_SEIZURE, by=by)
    text = require_reason(reason)
    if seizure_hash_of(seizure) != content_hash or content_hash != seizure.content_hash:
        raise ContentChanged(_("This seizure changed since you opened it."))
    _advance(
        seizure, SeizureAction.TRANSFER, by=by, reason=text,
        transferred_by_id=by.user_id, transfer_asked_at=timezone.now(),
    )  # fmt: skip
    for each in seizure.lines.select_related("line__account", "line__asset").order_by("line_id"):
        if each.seized > each.transferred:
            order_transfer(seizure, each.line, each.seized - each.transferred)
    return seizure


def _turned(seizure: Seizure) -> set[str]:
    """The offices whose key is turned for the present content, by people still in office."""
    signed = seizure.approvals.filter(decision="approve", content_hash=seizure.content_hash)
    signed = signed.filter(at__gt=timezone.now() - DEFAULT.lasts)
    return _offices(seizure, [each.user for each in signed.select_related("user")])


def _offices(seizure: Seizure, people: list[Any]) -> set[str]:
    blocked = set(seizure.freeze.case.blocks.values_list("user_id", flat=True))
    return {
        person.role for person in people
        if person.is_active and person.role in KEYS and person.pk not in blocked
    }  # fmt: skip


def require_standing_seizure(seizure: Seizure) -> None:
    """Count both keys again when an order goes out: content, people, age; so for a transfer.

    Raises ContentChanged, CaseworkError.
    """
    if seizure_hash_of(seizure) != seizure.content_hash:
        raise ContentChanged(_("This seizure changed after its approval."))
    if seizure.state in (SeizureState.TRANSFERRING, SeizureState.TRANSFER_UNKNOWN):
        if not _offices(seizure, [seizure.transferred_by]):
            raise CaseworkError(_("Who ordered the transfer is no longer in office."))
    elif set(KEYS) - _turned(seizure):
        raise CaseworkError(_("One of the two keys no longer stands: ask for the seizure again."))


def follow_seizure(seizure: Seizure, *, by: Actor) -> None:
    """Bring the seizure to where its orders are; nothing where it is there already."""
    seizure.refresh_from_db(fields=["state"])
    state = SeizureState(seizure.state)
    goes_out = state in (SeizureState.TRANSFERRING, SeizureState.TRANSFER_UNKNOWN)
    kind = "transfer" if goes_out else "seizure"
    orders = set(seizure.orders.filter(kind=kind).values_list("state", flat=True))
    lines = list(seizure.lines.all())
    if OutboxState.UNKNOWN.value in orders:
        step = SeizureAction.TIME_OUT_TRANSFER if goes_out else SeizureAction.TIME_OUT
    elif orders & {OutboxState.PENDING.value, OutboxState.SENDING.value}:
        step = SeizureAction.RESEND_TRANSFER if goes_out else SeizureAction.RESEND
    elif goes_out:
        is_whole = all(each.transferred == each.seized for each in lines)
        step = SeizureAction.CONFIRM_TRANSFER if is_whole else SeizureAction.REFUSE_TRANSFER
    else:
        step = SeizureAction.EXECUTE if any(each.seized for each in lines) else SeizureAction.FAIL
    if (state, step) in SEIZURE:  # else it is there already
        _advance(seizure, step, by=by)


def _sign(seizure: Seizure, decision: str, reason: str, *, by: Actor) -> None:
    SeizureApproval.objects.create(
        seizure=seizure,
        user_id=by.person,
        decision=decision,
        reason=reason.strip(),
        content_hash=seizure.content_hash,
        auth_at=by.mfa_at,
        at=timezone.now(),
    )


def _advance(
    seizure: Seizure, action: SeizureAction, *, by: Actor, reason: str = "", **fields: object
) -> None:
    old, new = swap_state(seizure, SEIZURE, action, seizure.reference, **fields)
    _record(seizure, action.value, by, reason, **{"from": old.value, "to": new.value})


def _record(seizure: Seizure, action: str, by: Actor, reason: str, **data: object) -> None:
    record_event(
        seizure.freeze.case, action, seizure.reference, by=by, reason=reason, data=data
    )  # fmt: skip
