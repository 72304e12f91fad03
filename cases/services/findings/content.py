"""What a finding says, its hash, and the two moves of its state that all its services share.

Content changes only in draft: an edit of a submitted finding takes it back there, and every
change of content gives a new hash, which voids what was decided on the old one (E4).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from cases.models import CounterEvidence, Finding, FindingAmount
from cases.policy import Action, Actor
from cases.services.audit import content_digest, record_event
from cases.services.errors import CaseworkError, NotFound
from cases.services.locks import enter_case
from cases.services.steps import swap_state
from cases.services.validation import check_fields, require_text
from cases.services.webhooks import announce
from cases.states import FINDING, FindingAction, FindingState, InvalidTransition

TEXTS = (
    "kind", "severity", "statement", "tier", "confidence", "confidence_reason", "assumptions",
    "alternatives",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AmountSpec:
    """An amount a finding speaks of, in base units: value of the coin, policy amount, bounds."""

    asset: str
    value: int
    base: int
    low: int
    high: int
    run: UUID | None = None
    result_sha256: str = ""
    policy: str = ""
    outpoint: str = ""
    address: str = ""
    label: str = ""


def content_hash_of(finding: Finding) -> str:
    """SHA-256 of all that a reviewer approves: 6 queries."""
    return content_digest(content_of(finding))


def content_of(finding: Finding) -> dict[str, Any]:
    """All that a reviewer approves, as it is hashed and kept for the difference: 6 queries."""
    amounts = sorted(
        (
            {
                "asset": each.asset,
                "value": str(each.value),
                "base": str(each.base),
                "low": str(each.low),
                "high": str(each.high),
                "run": str(each.run) if each.run else None,
                "result_sha256": each.result_sha256,
                "policy": each.policy,
                "outpoint": each.outpoint,
                "address": each.address,
                "label": each.label,
            }
            for each in finding.amounts.all()
        ),
        key=lambda each: (each["outpoint"], each["label"], each["base"], each["value"]),
    )
    against = sorted([each.kind, each.text] for each in finding.counter_evidence.all())
    exhibits = sorted([each.exhibit_no, each.sha256] for each in finding.exhibits.all())
    return {
        "type": "finding",
        "case": str(finding.case.public_id),
        "finding": str(finding.public_id),
        **{name: getattr(finding, name) for name in TEXTS},
        "amounts": amounts,
        "counter_evidence": against,
        "wallets": sorted(str(each.public_id) for each in finding.wallets.all()),
        "suspects": sorted(str(each.public_id) for each in finding.suspects.all()),
        **({"exhibits": exhibits} if exhibits else {}),  # as before there were any
    }


def enter_finding(finding: Finding, action: Action, *, by: Actor) -> Finding:
    """Lock the finding's case, require the right, and read the finding as it is now."""
    case = enter_case(finding.case_id, action, by=by)
    fresh = Finding.objects.get(pk=finding.pk)
    fresh.case = case
    return fresh


def check_finding(finding: Finding) -> None:
    """Raise CaseworkError unless the fields hold values of their columns."""
    check_fields(finding, "kind", "severity", "tier")
    if not 0 <= finding.confidence <= 100:
        raise CaseworkError(_("Confidence goes from 0 to 100."))


def set_parts(finding: Finding, parts: Mapping[str, Iterable[Any]]) -> None:
    """Replace amounts, wallets, suspects or exhibits by whole new lists."""
    if "amounts" in parts:
        finding.amounts.all().delete()
        for spec in parts["amounts"]:
            if not (spec.base <= spec.value and spec.low <= spec.high <= spec.value):
                raise CaseworkError(_("An amount lies outside its coin or its bounds."))
            FindingAmount.objects.create(
                finding=finding,
                **{name: getattr(spec, name) for name in AmountSpec.__dataclass_fields__},
            )
    lists: dict[str, Any] = {  # managers, of which no base has `set`
        "wallets": finding.wallets, "suspects": finding.suspects, "exhibits": finding.exhibits
    }  # fmt: skip
    for name in lists.keys() & parts.keys():
        rows = list(parts[name])
        if any(row.case_id != finding.case_id for row in rows):
            raise NotFound(_("A wallet, suspect or exhibit is not in this case."))
        lists[name].set(rows)


def save_counter_evidence(finding: Finding, kind: str, text: str) -> CounterEvidence:
    """Write one piece of counter-evidence of a draft."""
    evidence = CounterEvidence(
        finding=finding,
        kind=kind,
        text=require_text(text, _("Write what speaks against it.")),
    )
    check_fields(evidence, "kind")
    evidence.save(force_insert=True)
    return evidence


def rehash(finding: Finding) -> None:
    """Store the hash of the present content of a draft."""
    finding.content_hash = content_hash_of(finding)
    Finding.objects.filter(pk=finding.pk).update(content_hash=finding.content_hash)


def back_to_draft(finding: Finding) -> None:
    """A submitted finding becomes a draft again; a decided one is never edited."""
    if finding.state == FindingState.DRAFT.value:
        return
    if finding.state != FindingState.SUBMITTED.value:
        raise InvalidTransition(
            _("%(name)s is decided: draft a finding that replaces it.")
            % {"name": finding.reference}
        )
    moved = Finding.objects.filter(pk=finding.pk, state=FindingState.SUBMITTED.value).update(
        state=FindingState.DRAFT.value, submitted_by_id=None, submitted_at=None
    )
    if not moved:
        raise InvalidTransition(
            _("Somebody decided on %(name)s in the meantime: look at it again.")
            % {"name": finding.reference}
        )
    finding.state = FindingState.DRAFT.value
    CounterEvidence.objects.filter(finding=finding).update(seen_by=None)


def advance_finding(
    finding: Finding, action: FindingAction, *, by: Actor, reason: str = "", **fields: Any
) -> Finding:
    """Compare and swap the state: of two callers at once exactly one wins."""
    swap_state(finding, FINDING, action, finding.reference, version=F("version") + 1, **fields)
    finding.refresh_from_db()
    record_event(
        finding.case, action.value, finding.reference, by=by, reason=reason,
        data={"content_hash": finding.content_hash},
    )  # fmt: skip
    announce("finding", finding.public_id)
    return finding
