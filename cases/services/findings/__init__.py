"""Findings: drafted by people or from a trace, reviewed by a second person."""

from cases.services.findings.collect import collect_findings
from cases.services.findings.content import AmountSpec, content_hash_of
from cases.services.findings.drafts import (
    add_counter_evidence,
    draft_finding,
    edit_finding,
    submit_finding,
)
from cases.services.findings.reviews import (
    approve_finding,
    mark_seen,
    reject_finding,
    return_finding,
    supersede_finding,
    withdraw_finding,
)

__all__ = [
    "AmountSpec",
    "add_counter_evidence",
    "approve_finding",
    "collect_findings",
    "content_hash_of",
    "draft_finding",
    "edit_finding",
    "mark_seen",
    "reject_finding",
    "return_finding",
    "submit_finding",
    "supersede_finding",
    "withdraw_finding",
]
