"""Deciding a referral: approval by a second person, clearance by compliance."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Referral, ReferralApproval
from cases.policy import Action, Actor, require_second_person, require_step_up
from cases.services.dossiers import build_dossier, refuse_leaks
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.referrals.steps import (
    advance_referral,
    check_content,
    content_hash_of,
    enter_referral,
)
from cases.states import REFERRAL, ReferralAction, ReferralState, next_state


def _decide(
    referral: Referral, action: ReferralAction, content_hash: str, reason: str, *, by: Actor
) -> None:
    require_second_person(by, referral.drafted_by_id, referral.last_edited_by_id)
    require_step_up(by)
    next_state(REFERRAL, ReferralState(referral.state), action)
    check_content(referral.case, list(referral.findings.all()), list(referral.freezes.all()))
    dossier = build_dossier(referral)
    refuse_leaks(referral, dossier)
    present = content_hash_of(referral)
    if present != content_hash or present != referral.content_hash:
        raise ContentChanged(
            _("This referral changed since you opened it: look at it again before you decide.")
        )
    is_approval = action == ReferralAction.APPROVE
    who, when = (
        ("approved_by_id", "approved_at") if is_approval else ("cleared_by_id", "cleared_at")
    )
    advance_referral(
        referral,
        action,
        by=by,
        reason=reason.strip(),
        data={"content_hash": present},
        **{who: by.person, when: timezone.now()},
    )
    ReferralApproval.objects.create(
        referral=referral,
        step="approve" if is_approval else "clear",
        user_id=by.person,
        decision="approve",
        reason=reason.strip(),
        content_hash=present,
        auth_at=by.mfa_at,
        at=timezone.now(),
    )


@transaction.atomic
def approve_referral(referral: Referral, *, content_hash: str, reason: str, by: Actor) -> Referral:
    """Approve as a second person the content that was shown.

    Raises PermissionDenied, StepUpRequired, ContentChanged, CaseworkError, InvalidTransition.
    """
    enter_referral(referral, Action.APPROVE_REFERRAL, by=by)
    _decide(referral, ReferralAction.APPROVE, content_hash, reason, by=by)
    return referral


@transaction.atomic
def clear_referral(referral: Referral, *, content_hash: str, reason: str, by: Actor) -> Referral:
    """Clear by law what was approved: compliance, with the legal gateway named.

    Raises as `approve_referral`.
    """
    enter_referral(referral, Action.CLEAR_REFERRAL, by=by)
    if not referral.legal_gateway:
        raise CaseworkError(_("Name the legal gateway first: return the referral to its author."))
    _decide(referral, ReferralAction.CLEAR, content_hash, reason, by=by)
    return referral
