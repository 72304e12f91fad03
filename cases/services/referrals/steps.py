"""What every step of a referral shares: entry, content, its hash, and the compare and swap."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from cases.dossier import Dossier
from cases.models import Case, Finding, FreezeRequest, Referral
from cases.models.referrals import HANDLING_CODES, TLPS
from cases.policy import Action, Actor, Role
from cases.report_words import LANGUAGES
from cases.services.audit import content_digest, record_event
from cases.services.dossiers import build_dossier
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from cases.services.steps import swap_state
from cases.services.webhooks import announce
from cases.states import (
    REFERRAL,
    FindingState,
    FreezeState,
    ReferralAction,
)

KINDS = ("spontaneous", "reply", "joint_operation")
STANDING = (FreezeState.ACTIVE.value, FreezeState.DECISION_DUE.value)


def enter_referral(referral: Referral, action: Action, *, by: Actor) -> None:
    """Lock its case, check the right, and read the referral fresh: 3 queries."""
    case = enter_case(referral.case_id, action, by=by)
    referral.refresh_from_db()
    referral.case = case


def advance_referral(
    referral: Referral,
    action: ReferralAction,
    *,
    by: Actor,
    reason: str = "",
    data: dict[str, Any] | None = None,
    **fields: object,
) -> None:
    """Take one step of the state table and write its event: of two callers exactly one wins."""
    old, new = swap_state(referral, REFERRAL, action, referral.reference, **fields)
    record_event(
        referral.case, action.value, referral.reference, by=by, reason=reason,
        data={"from": old.value, "to": new.value, **(data or {})},
    )  # fmt: skip
    if by.role != Role.LIAISON:  # the officers' door knows no webhook
        announce("referral", referral.public_id)


def preview(referral: Referral) -> Dossier:
    """What the recipient would read now: equal to the sealed one but for number and time."""
    return build_dossier(referral)


def content_hash_of(referral: Referral) -> str:
    """SHA-256 of what is approved: the whole dossier as the recipient would read it."""
    return content_digest({"version": referral.version, "dossier": preview(referral).content()})


def check_words(words: Mapping[str, str]) -> dict[str, str]:
    """The words without outer spaces. Raises CaseworkError for an empty or unknown one."""
    checked = {name: value.strip() for name, value in words.items()}
    if not checked.get("subject", "x") or not checked.get("purpose", "x"):
        raise CaseworkError(_("Give the subject and the purpose of the referral."))
    choices = {
        "kind": KINDS,
        "tlp": [value for value, _label in TLPS],
        "handling_code": [value for value, _label in HANDLING_CODES],
        "language": list(LANGUAGES),
    }
    for name, known in choices.items():
        if name in checked and checked[name] not in known:
            raise CaseworkError(_("Choose kind, marking and handling code from their lists."))
    return checked


def check_content(
    case: Case, findings: Sequence[Finding], freezes: Sequence[FreezeRequest]
) -> None:
    """Only approved findings and standing freezes of this case leave the house."""
    if not findings:
        raise CaseworkError(_("Choose at least one approved finding."))
    approved = case.findings.filter(
        pk__in=[each.pk for each in findings], state=FindingState.APPROVED.value
    )
    if approved.count() != len({each.pk for each in findings}):
        raise CaseworkError(_("Only approved findings of this case can be referred."))
    standing = case.freezes.filter(pk__in=[each.pk for each in freezes], state__in=STANDING)
    if standing.count() != len({each.pk for each in freezes}):
        raise CaseworkError(_("Only freezes of this case that stand can be referred."))
