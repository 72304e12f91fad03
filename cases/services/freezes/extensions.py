"""A longer hold: one person asks for it, compliance decides as a second person."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import ExtensionApproval, FreezeExtension, FreezeRequest
from cases.models.freezes import LEGAL_BASES
from cases.policy import Action, Actor, require_office, require_second_person, require_step_up
from cases.services.approval_policies import ApprovalRule, is_signed_enough, require_unsigned
from cases.services.audit import content_digest, record_event
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.freezes.content import (
    ORDERED,
    approval_rule,
    require_end_in_time,
    stands_in_date,
)
from cases.services.freezes.steps import advance_freeze, enter_freeze
from cases.services.steps import swap_state
from cases.services.validation import require_reason
from cases.states import (
    EXTENSION,
    FREEZE,
    ExtensionAction,
    ExtensionState,
    FreezeAction,
    FreezeState,
    next_state,
)
from cases.times import iso


def extension_hash_of(extension: FreezeExtension) -> str:
    """SHA-256 of what is approved with an extension: 1 query."""
    instrument = extension.instrument
    return content_digest(
        {
            "reference": extension.reference,
            "basis": extension.basis,
            "until": iso(extension.until),
            "reason": extension.reason,
            "instrument": str(instrument.public_id) if instrument else None,
            "requested_by": extension.requested_by_id,
        }
    )


@transaction.atomic
def request_extension(
    freeze: FreezeRequest,
    *,
    basis: str,
    until: datetime,
    reason: str,
    instrument_id: int | None = None,
    by: Actor,
) -> FreezeExtension:
    """Ask that a standing freeze goes on until a later time.

    Raises PermissionDenied, CaseworkError, InvalidTransition where the freeze does not stand.
    """
    enter_freeze(freeze, Action.REQUEST_FREEZE, by=by)
    next_state(FREEZE, FreezeState(freeze.state), FreezeAction.EXTEND)
    if basis not in dict(LEGAL_BASES):
        raise CaseworkError(_("Choose the legal basis from the list."))
    _check_end(freeze, until)
    extension = FreezeExtension(
        freeze=freeze,
        number=freeze.extensions.count() + 1,
        basis=basis,
        until=until,
        reason=require_reason(reason),
        instrument_id=instrument_id,
        requested_by_id=by.person,
        requested_at=timezone.now(),
    )
    _check_instrument(extension)
    extension.content_hash = extension_hash_of(extension)
    try:
        with transaction.atomic():
            extension.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("An extension of this freeze already waits.")) from error
    record_event(
        freeze.case, "request_extension", extension.reference, by=by, reason=extension.reason,
        data={"basis": basis, "until": iso(until), "content_hash": extension.content_hash},
    )  # fmt: skip
    return extension


def _check_end(freeze: FreezeRequest, until: datetime) -> None:
    if until <= timezone.now():
        raise CaseworkError(_("The end of a freeze lies in the future."))
    if freeze.expires_at is None:
        raise CaseworkError(_("This freeze has no end that could be extended."))
    if until <= freeze.expires_at:
        raise CaseworkError(_("An extension ends later than the freeze does now."))
    require_end_in_time(freeze, until)


def _check_instrument(extension: FreezeExtension) -> None:
    """An order of somebody else needs its paper: verified, in date, of this case."""
    instrument = extension.instrument
    if instrument is None and extension.basis in ORDERED:
        raise CaseworkError(_("This legal basis needs a verified instrument in date."))
    if instrument is not None and (
        instrument.case_id != extension.freeze.case_id or not stands_in_date(instrument)
    ):
        raise CaseworkError(_("This instrument is not verified, out of date or of another case."))


def _enter(extension: FreezeExtension, *, by: Actor) -> ApprovalRule:
    enter_freeze(extension.freeze, Action.SIGN_FREEZE, by=by)
    freeze = extension.freeze
    extension.refresh_from_db()
    extension.freeze = freeze
    rule = approval_rule(
        freeze, Action.EXTEND_FREEZE,
        signers=[by.user_id, *extension.approvals.values_list("user_id", flat=True)],
    )  # fmt: skip
    require_office(by, Action.EXTEND_FREEZE, rule.roles)
    require_second_person(by, extension.requested_by_id)
    require_step_up(by)
    return rule


def _sign(extension: FreezeExtension, decision: str, reason: str, *, by: Actor) -> None:
    require_unsigned(extension.approvals.all(), extension.content_hash, by=by)
    ExtensionApproval.objects.create(
        extension=extension,
        user_id=by.person,
        decision=decision,
        reason=reason.strip(),
        content_hash=extension.content_hash,
        auth_at=by.mfa_at,
        at=timezone.now(),
    )


def _is_signed_enough(
    extension: FreezeExtension, rule: ApprovalRule, reason: str, *, by: Actor
) -> bool:
    return is_signed_enough(
        extension.approvals.all(), extension.freeze.case, extension.content_hash, rule,
        event="sign_extension", reference=extension.reference, reason=reason, by=by,
    )  # fmt: skip


def _decide(extension: FreezeExtension, action: ExtensionAction, reason: str, *, by: Actor) -> None:
    swap_state(
        extension, EXTENSION, action, extension.reference,
        decided_by_id=by.user_id, decided_at=timezone.now(),
    )  # fmt: skip
    record_event(
        extension.freeze.case, action.value, extension.reference, by=by, reason=reason,
        data={"content_hash": extension.content_hash},
    )  # fmt: skip


@transaction.atomic
def approve_extension(
    extension: FreezeExtension, *, content_hash: str, reason: str, by: Actor
) -> FreezeExtension:
    """Extend the freeze as a second person: it stands, and ends later.

    Raises PermissionDenied, StepUpRequired, ContentChanged, CaseworkError, InvalidTransition.
    """
    rule = _enter(extension, by=by)
    next_state(EXTENSION, ExtensionState(extension.state), ExtensionAction.APPROVE)
    present = extension_hash_of(extension)
    if present != content_hash or present != extension.content_hash:
        raise ContentChanged(_("This extension changed since you opened it."))
    freeze = extension.freeze
    next_state(FREEZE, FreezeState(freeze.state), FreezeAction.EXTEND)
    _check_end(freeze, extension.until)
    _check_instrument(extension)
    _sign(extension, "approve", reason, by=by)
    if not _is_signed_enough(extension, rule, reason, by=by):
        return extension
    _decide(extension, ExtensionAction.APPROVE, reason, by=by)
    advance_freeze(
        freeze,
        FreezeAction.EXTEND,
        by=by,
        reason=reason,
        data={"extension": extension.reference, "until": iso(extension.until)},
        expires_at=extension.until,
    )
    return extension


@transaction.atomic
def reject_extension(extension: FreezeExtension, *, reason: str, by: Actor) -> FreezeExtension:
    """Refuse it: the freeze stands as before and ends as before."""
    _enter(extension, by=by)
    require_reason(reason)
    next_state(EXTENSION, ExtensionState(extension.state), ExtensionAction.REJECT)
    _sign(extension, "reject", reason, by=by)
    _decide(extension, ExtensionAction.REJECT, reason, by=by)
    return extension
