"""The custody of a release: who did what to its content, as lines of one chain, without a name.

Offices instead of people, numbers of the dossier instead of references of the house: an agency
learns that two people decided and when, and nothing else of the case.
"""

from cases.exports.custody import CustodyLine
from cases.models import AuditEvent, Referral
from cases.services.freezes.content import iso
from cases.states import FindingAction, FreezeAction, ReferralAction

# What may be told of each kind of object. What is not listed here stays in the house.
OF_FINDINGS = ("draft_finding", FindingAction.SUBMIT.value, FindingAction.APPROVE.value)
OF_FREEZES = (
    FreezeAction.APPROVE.value, FreezeAction.RATIFY.value, FreezeAction.SETTLE.value,
    FreezeAction.EXTEND.value,
)  # fmt: skip
OF_REFERRAL = (
    "draft_referral", "edit_referral", ReferralAction.REDACT.value, ReferralAction.RETURN.value,
    ReferralAction.APPROVE.value, ReferralAction.CLEAR.value,
)  # fmt: skip


def custody_of(referral: Referral) -> list[CustodyLine]:
    """The steps of a referral and of what it holds, in the order of the case's chain: 3 queries."""
    told: dict[str, tuple[str, tuple[str, ...]]] = {referral.reference: ("release", OF_REFERRAL)}
    findings = referral.findings.order_by("reference").values_list("reference", flat=True)
    told |= {each: (f"F{n}", OF_FINDINGS) for n, each in enumerate(findings, 1)}
    freezes = referral.freezes.order_by("reference").values_list("reference", flat=True)
    told |= {each: (f"Z{n}", OF_FREEZES) for n, each in enumerate(freezes, 1)}
    events = AuditEvent.objects.filter(case_id=referral.case_id, object__in=list(told))
    return [
        CustodyLine(
            at=iso(event.at) or "",
            step=event.action,
            about=told[event.object][0],
            office=event.actor.role if event.actor else "system",
            audit_seq=event.seq,
            audit_hash=event.hash,
        )
        for event in events.select_related("actor").order_by("seq")
        if event.action in told[event.object][1]
    ]
