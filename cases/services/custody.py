"""The custody of a release: who did what to its content, as lines of one chain, without a name.

Offices instead of people, numbers of the dossier instead of references of the house: an agency
learns that two people decided and when, and nothing else of the case. The office is the one that a
person held at that moment. Two agencies that lay their releases side by side find no mark in both.
"""

import json

from cases.exports.custody import CustodyLine
from cases.models import AuditEvent, Referral
from cases.services.audit import OF_FINDINGS, OF_FREEZES, OF_REFERRAL, keyed
from cases.times import iso


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
            at=iso(event.at),
            step=event.action,
            about=told[event.object][0],
            office=office_of(event),
            audit_mark=keyed(f"custody:{referral.public_id}:{event.hash}"),
        )
        for event in events.select_related("actor").order_by("seq")
        if event.action in told[event.object][1]
    ]


def office_of(event: AuditEvent) -> str:
    """The office as the event kept it; of events from before that was kept, the one of today."""
    kept = json.loads(event.data).get("office")
    return str(kept or (event.actor.role if event.actor else "system"))
