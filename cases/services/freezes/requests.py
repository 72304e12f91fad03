"""Asking for a freeze: draft, submit, triage, cite evidence, take back."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, FreezeLine, FreezeRequest
from cases.policy import Action, Actor, PermissionDenied, Role
from cases.services.audit import record_event
from cases.services.errors import CaseworkError, NotFound
from cases.services.freezes.content import (
    URGENT,
    LineSpec,
    check_request,
    content_hash_of,
    end_by_clock,
    require_balances,
    require_end_in_time,
    require_evidence,
    require_sound_evidence,
)
from cases.services.freezes.steps import advance_freeze, enter_freeze
from cases.services.locks import enter_case
from cases.services.references import next_reference
from cases.states import OVER_CASES, FreezeAction, FreezeState

OPEN_TO_EVIDENCE = (
    FreezeState.SUBMITTED.value,
    FreezeState.IN_REVIEW.value,
    FreezeState.PROVISIONAL.value,
)


@transaction.atomic
def request_freeze(
    case: Case,
    *,
    legal_basis: str,
    restriction: str,
    urgency: str,
    agency_id: int | None,
    reason: str,
    lines: Sequence[LineSpec],
    expires_at: datetime | None = None,
    by: Actor,
) -> FreezeRequest:
    """Draft a request with its lines; amounts in base units.

    Raises PermissionDenied, NotFound, CaseworkError.
    """
    case = enter_case(case.pk, Action.REQUEST_FREEZE, by=by)
    if case.state in OVER_CASES:
        raise CaseworkError(_("This case is closed: reopen it before you ask for a freeze."))
    if not reason.strip():
        raise CaseworkError(_("Say why this value should be held."))
    check_request(case, lines, legal_basis=legal_basis, agency_id=agency_id, expires_at=expires_at)
    require_balances(lines)
    freeze = FreezeRequest.objects.create(
        reference=next_reference("FRZ"),
        case=case,
        legal_basis=legal_basis,
        restriction=restriction,
        urgency=urgency,
        agency_id=agency_id,
        reason=reason.strip(),
        requested_by_id=by.person,
        requested_at=timezone.now(),
        last_edited_by_id=by.person,
        asked_until=expires_at,
        expires_at=expires_at,
    )
    for line in lines:
        FreezeLine.objects.create(
            freeze=freeze,
            account_id=line.account_id,
            asset_id=line.asset,
            requested=line.requested,
            finding_id=line.finding_id,
            instrument_id=line.instrument_id,
            beyond_balance=line.beyond_balance.strip()[:200],
        )
    if expires_at is not None or urgency not in URGENT:  # else it gets its end when decided
        require_end_in_time(freeze, expires_at)
    record_event(
        case, "request_freeze", freeze.reference, by=by, reason=freeze.reason,
        data={"lines": len(lines), "basis": legal_basis, "urgency": urgency},
    )  # fmt: skip
    return freeze


@transaction.atomic
def submit_freeze(freeze: FreezeRequest, *, by: Actor) -> FreezeRequest:
    """Hand the request in; from here its lines and amounts stay.

    Evidence may follow only where the request is urgent, because a provisional hold needs none.
    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    enter_freeze(freeze, Action.REQUEST_FREEZE, by=by)
    if by.user_id != freeze.requested_by_id:
        raise PermissionDenied(_("Only the person who drafted this request submits it."))
    if freeze.urgency in URGENT:
        require_sound_evidence(freeze)
    else:
        require_evidence(freeze)
    shown = content_hash_of(freeze)
    advance_freeze(
        freeze,
        FreezeAction.SUBMIT,
        by=by,
        data={"content_hash": shown},
        submitted_at=timezone.now(),
        content_hash=shown,
    )
    return freeze


@transaction.atomic
def cancel_freeze(freeze: FreezeRequest, *, reason: str, by: Actor) -> FreezeRequest:
    """Take a draft or submitted request back: its author, or a supervisor.

    One that failed, so that nothing is held, only a supervisor: who approved it stands in it.
    Raises PermissionDenied, InvalidTransition.
    """
    enter_freeze(freeze, Action.CANCEL_FREEZE, by=by)
    is_senior = by.role in (Role.SUPERVISOR, Role.COMPLIANCE)
    if not is_senior and by.user_id != freeze.requested_by_id:
        raise PermissionDenied(_("Only its author or a supervisor takes a request back."))
    if not is_senior and freeze.state == FreezeState.FAILED:
        raise PermissionDenied(_("Only a supervisor cancels a freeze that was approved."))
    advance_freeze(freeze, FreezeAction.CANCEL, by=by, reason=reason)
    return freeze


@transaction.atomic
def triage_freeze(freeze: FreezeRequest, *, by: Actor) -> FreezeRequest:
    """Take a submitted request into review. Raises PermissionDenied, InvalidTransition."""
    enter_freeze(freeze, Action.TRIAGE_FREEZE, by=by)
    advance_freeze(freeze, FreezeAction.TRIAGE, by=by)
    return freeze


@transaction.atomic
def cite_evidence(
    freeze: FreezeRequest,
    *,
    finding_id: int | None = None,
    instrument_id: int | None = None,
    by: Actor,
) -> FreezeRequest:
    """Give the lines that cite nothing yet a finding or an instrument of this case.

    How a hold placed before any finding becomes one that can be ratified. The content changes, so
    the hash does; whoever cites can no longer approve. Raises PermissionDenied, CaseworkError.
    """
    enter_freeze(freeze, Action.REQUEST_FREEZE, by=by)
    if (finding_id is None) == (instrument_id is None):
        raise CaseworkError(_("Cite a finding or an instrument."))
    if freeze.state not in OPEN_TO_EVIDENCE:
        raise CaseworkError(_("The evidence of this request can no longer be changed."))
    if finding_id is not None and not freeze.case.findings.filter(pk=finding_id).exists():
        raise NotFound(_("This finding is not in this case."))
    if instrument_id is not None and not freeze.case.instruments.filter(pk=instrument_id).exists():
        raise NotFound(_("This instrument is not in this case."))
    lines = freeze.lines.filter(finding=None, instrument=None)
    if not lines.update(finding_id=finding_id, instrument_id=instrument_id):
        raise CaseworkError(_("Every line cites its evidence already."))
    FreezeRequest.objects.filter(pk=freeze.pk).update(
        version=F("version") + 1, last_edited_by_id=by.user_id
    )
    freeze.refresh_from_db()
    require_sound_evidence(freeze)
    end_by_clock(freeze)  # an instrument may bring the clock of its country with it
    freeze.content_hash = content_hash_of(freeze)
    FreezeRequest.objects.filter(pk=freeze.pk).update(content_hash=freeze.content_hash)
    cited = {"finding": finding_id, "instrument": instrument_id}
    record_event(
        freeze.case,
        "cite_evidence",
        freeze.reference,
        by=by,
        data={**cited, "content_hash": freeze.content_hash},
    )
    return freeze
