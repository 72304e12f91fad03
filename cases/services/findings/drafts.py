"""Drafting: write a finding, change it, add what speaks against it, hand it to review."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import (
    Case,
    CounterEvidence,
    Evidence,
    Finding,
    FindingVersion,
    Suspect,
    Wallet,
)
from cases.policy import Action, Actor
from cases.services.audit import content_digest, record_event
from cases.services.errors import CaseworkError, VersionChanged
from cases.services.findings.content import (
    TEXTS,
    AmountSpec,
    advance_finding,
    back_to_draft,
    check_finding,
    content_of,
    enter_finding,
    rehash,
    save_counter_evidence,
    set_parts,
)
from cases.services.locks import enter_case
from cases.services.references import next_reference
from cases.services.validation import present_values, require_text
from cases.states import FINDING, FindingAction, FindingState, next_state

EDITABLE = frozenset({*TEXTS, "amounts", "wallets", "suspects", "exhibits"})


@transaction.atomic
def draft_finding(
    case: Case,
    *,
    kind: str,
    severity: str,
    statement: str,
    tier: int,
    confidence: int,
    confidence_reason: str,
    assumptions: str,
    alternatives: str,
    amounts: Iterable[AmountSpec],
    counter_evidence: Iterable[tuple[str, str]],
    wallets: Iterable[Wallet] = (),
    suspects: Iterable[Suspect] = (),
    exhibits: Iterable[Evidence] = (),
    by: Actor,
) -> Finding:
    """Draft a claim with its amounts, evidence and what speaks against it.

    Raises PermissionDenied, CaseworkError, NotFound for a wallet, suspect or exhibit of another
    case.
    """
    fresh = enter_case(case.pk, Action.DRAFT_FINDING, by=by)
    finding = Finding(
        case=fresh,
        kind=kind,
        severity=severity,
        statement=require_text(statement, _("Write the statement.")),
        tier=tier,
        confidence=confidence,
        confidence_reason=confidence_reason.strip(),
        assumptions=assumptions.strip(),
        alternatives=alternatives.strip(),
        drafted_by_id=by.user_id,
        drafted_at=timezone.now(),
        last_edited_by_id=by.user_id,
    )
    check_finding(finding)
    finding.reference = next_reference("FIND")
    finding.save(force_insert=True)
    parts = {"amounts": amounts, "wallets": wallets, "suspects": suspects, "exhibits": exhibits}
    set_parts(finding, parts)
    for evidence_kind, text in counter_evidence:
        save_counter_evidence(finding, evidence_kind, text)
    rehash(finding)
    record_event(
        fresh, "draft_finding", finding.reference, by=by,
        data={"kind": kind, "tier": tier, "content_hash": finding.content_hash},
    )  # fmt: skip
    return finding


@transaction.atomic
def edit_finding(finding: Finding, *, version: int, by: Actor, **fields: Any) -> Finding:
    """Change a draft, or take a submitted finding back to draft and change it.

    Besides its texts: `amounts`, `wallets`, `suspects` and `exhibits`, each as the whole new list.
    Raises VersionChanged, InvalidTransition once decided, PermissionDenied, CaseworkError.
    """
    fresh = enter_finding(finding, Action.DRAFT_FINDING, by=by)
    unknown = sorted(set(fields) - EDITABLE)
    if unknown:
        raise CaseworkError(f"A finding has no field {unknown[0]} that can be edited.")
    texts = {name: fields[name] for name in TEXTS if name in fields}
    if fresh.version != version:
        raise VersionChanged(
            _("Somebody else has saved this finding in the meantime."), present_values(fresh, texts)
        )
    back_to_draft(fresh)
    for name, value in texts.items():
        setattr(fresh, name, value.strip() if isinstance(value, str) else value)
    require_text(fresh.statement, _("Write the statement."))
    check_finding(fresh)
    saved = Finding.objects.filter(pk=fresh.pk, version=version).update(
        **{name: getattr(fresh, name) for name in texts},
        version=F("version") + 1,
        last_edited_by_id=by.user_id,
    )
    if not saved:
        raise VersionChanged(_("Somebody else has saved this finding in the meantime."))
    set_parts(fresh, {name: fields[name] for name in set(fields) - set(TEXTS)})
    fresh.refresh_from_db()
    rehash(fresh)
    record_event(
        fresh.case, "edit_finding", fresh.reference, by=by,
        data={"fields": sorted(fields), "content_hash": fresh.content_hash},
    )  # fmt: skip
    return fresh


@transaction.atomic
def add_counter_evidence(finding: Finding, kind: str, text: str, *, by: Actor) -> CounterEvidence:
    """Add what speaks against a finding: new content, so a submitted one returns to draft."""
    fresh = enter_finding(finding, Action.DRAFT_FINDING, by=by)
    back_to_draft(fresh)
    evidence = save_counter_evidence(fresh, kind, text)
    Finding.objects.filter(pk=fresh.pk).update(
        version=F("version") + 1, last_edited_by_id=by.user_id
    )
    fresh.refresh_from_db()
    rehash(fresh)
    record_event(
        fresh.case, "add_counter_evidence", fresh.reference, by=by,
        data={"kind": kind, "content_hash": fresh.content_hash},
    )  # fmt: skip
    return evidence


@transaction.atomic
def submit_finding(finding: Finding, *, by: Actor) -> Finding:
    """Hand a draft to review. It needs evidence, counter-evidence and a content not yet decided.

    Raises PermissionDenied, InvalidTransition, CaseworkError.
    """
    fresh = enter_finding(finding, Action.SUBMIT_FINDING, by=by)
    next_state(FINDING, FindingState(fresh.state), FindingAction.SUBMIT)
    parts = (fresh.amounts, fresh.wallets, fresh.suspects, fresh.exhibits)
    if not any(each.exists() for each in parts):
        raise CaseworkError(
            _("Name the amounts, wallets, suspects or exhibits the finding rests on.")
        )
    if not fresh.counter_evidence.exists():
        raise CaseworkError(_("Say what speaks against it: counter-evidence is missing."))
    content = content_of(fresh)
    digest = content_digest(content)
    if fresh.approvals.filter(content_hash=digest).exists():
        raise CaseworkError(_("This content was sent back already: change it first."))
    FindingVersion.objects.create(
        finding=fresh, number=fresh.versions.count() + 1, content=content, content_hash=digest,
        by_id=by.person, at=timezone.now(),
    )  # fmt: skip
    return advance_finding(
        fresh, FindingAction.SUBMIT, by=by,
        submitted_by_id=by.user_id, submitted_at=timezone.now(),
        reviewed_by_id=None, reviewed_at=None, content_hash=digest,
    )  # fmt: skip
