"""Writing a referral: draft, edit, redact for its recipient, take back to draft."""

from collections.abc import Mapping, Sequence

from django.apps import apps
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, Finding, FreezeRequest, InformationRequest, Referral
from cases.policy import Action, Actor
from cases.services.audit import record_event
from cases.services.dossiers import build_dossier, check_redactions, refuse_leaks
from cases.services.errors import CaseworkError, NotFound, VersionChanged
from cases.services.locks import enter_case
from cases.services.references import next_reference
from cases.services.referrals.steps import (
    advance_referral,
    check_content,
    check_words,
    content_hash_of,
    enter_referral,
)
from cases.states import InvalidTransition, ReferralAction, ReferralState

EDITABLE = (
    "kind", "subject", "summary", "purpose", "legal_gateway", "caveats", "tlp", "handling_code",
    "language",
)  # fmt: skip


@transaction.atomic
def draft_referral(
    case: Case,
    *,
    agency_id: int,
    kind: str,
    subject: str,
    summary: str,
    purpose: str,
    legal_gateway: str,
    caveats: str,
    tlp: str,
    handling_code: str,
    findings: Sequence[Finding],
    freezes: Sequence[FreezeRequest],
    language: str = "en",
    answers: InformationRequest | None = None,
    by: Actor,
) -> Referral:
    """Draft what one agency shall get: approved findings and standing freezes of this case.

    `answers` is the accepted request under which it gets them; it stays as it was drafted.
    Raises PermissionDenied, NotFound, CaseworkError.
    """
    case = enter_case(case.pk, Action.DRAFT_REFERRAL, by=by)
    if not apps.get_model("fiu", "Agency").objects.filter(pk=agency_id).exists():
        raise NotFound(_("This agency is not known."))
    words = {
        "kind": kind,
        "subject": subject,
        "summary": summary,
        "purpose": purpose,
        "legal_gateway": legal_gateway,
        "caveats": caveats,
        "tlp": tlp,
        "handling_code": handling_code,
        "language": language,
    }
    checked = check_words(words)
    check_content(case, findings, freezes)
    _check_request(case, agency_id, answers)
    referral = Referral.objects.create(
        reference=next_reference("REF"),
        case=case,
        agency_id=agency_id,
        answers=answers,
        drafted_by_id=by.person,
        drafted_at=timezone.now(),
        last_edited_by_id=by.person,
        **checked,
    )
    referral.findings.set(findings)
    referral.freezes.set(freezes)
    record_event(
        case, "draft_referral", referral.reference, by=by,
        data={"agency": agency_id, "findings": len(findings), "freezes": len(freezes)},
    )  # fmt: skip
    return referral


def _check_request(case: Case, agency_id: int, answers: InformationRequest | None) -> None:
    if answers is None:
        return
    if answers.agency_id != agency_id:
        raise CaseworkError(_("The request that this answers came from another agency."))
    if answers.case_id != case.pk or not answers.accepted_datasets:
        raise CaseworkError(_("Only a request that was accepted in this case can be answered."))


@transaction.atomic
def edit_referral(referral: Referral, *, version: int, by: Actor, **fields: str) -> Referral:
    """Change the words of a draft as of the version that was opened.

    Raises VersionChanged with the present values, InvalidTransition outside draft.
    """
    enter_case(referral.case_id, Action.DRAFT_REFERRAL, by=by)
    unknown = set(fields) - set(EDITABLE)
    if unknown:
        raise CaseworkError(_("This field cannot be edited: %s") % sorted(unknown)[0])
    checked = check_words(fields)
    changed = Referral.objects.filter(
        pk=referral.pk, version=version, state=ReferralState.DRAFT.value
    ).update(version=F("version") + 1, last_edited_by_id=by.person, **checked)
    referral.refresh_from_db()
    if not changed and referral.state != ReferralState.DRAFT.value:
        raise InvalidTransition(_("Only a draft can be edited: return it first."))
    if not changed:
        raise VersionChanged(
            _("Somebody saved this referral since you opened it."),
            {name: getattr(referral, name) for name in fields},
        )
    record_event(
        referral.case, "edit_referral", referral.reference, by=by,
        data={"fields": sorted(checked), "version": referral.version},
    )  # fmt: skip
    return referral


@transaction.atomic
def redact_referral(referral: Referral, *, redactions: Mapping[str, str], by: Actor) -> Referral:
    """Leave fields out for this recipient, each with its reason code, and hand it to review.

    Keys as `redactable_fields` names them; whoever redacts has edited. An empty mapping is a
    decision too. Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    enter_referral(referral, Action.REDACT_REFERRAL, by=by)
    asked = check_redactions(referral, redactions)
    referral.redactions = asked
    refuse_leaks(referral, build_dossier(referral))
    advance_referral(
        referral,
        ReferralAction.REDACT,
        by=by,
        data={"redactions": asked},
        redactions=asked,
        last_edited_by_id=by.person,
        version=referral.version + 1,
    )
    Referral.objects.filter(pk=referral.pk).update(content_hash=content_hash_of(referral))
    referral.refresh_from_db()
    return referral


@transaction.atomic
def return_referral(referral: Referral, *, reason: str, by: Actor) -> Referral:
    """Back to draft: every approval is void. Raises PermissionDenied, InvalidTransition."""
    enter_referral(referral, Action.APPROVE_REFERRAL, by=by)
    if not reason.strip():
        raise CaseworkError(_("Say what has to change."))
    advance_referral(
        referral,
        ReferralAction.RETURN,
        by=by,
        reason=reason.strip(),
        approved_by_id=None,
        approved_at=None,
        cleared_by_id=None,
        cleared_at=None,
        content_hash="",
        version=referral.version + 1,
    )
    referral.refresh_from_db()
    return referral
