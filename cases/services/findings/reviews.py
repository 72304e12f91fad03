"""Review: a second person opens the counter-evidence, then approves, returns or rejects."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import CounterEvidence, Finding, FindingApproval
from cases.policy import Action, Actor, require_second_person, require_step_up
from cases.services.audit import record_event
from cases.services.errors import CaseworkError, ContentChanged, NotFound
from cases.services.findings.content import advance_finding, content_hash_of, enter_finding
from cases.services.findings.notices import tell_users
from cases.services.validation import require_reason
from cases.states import FINDING, FindingAction, FindingState, InvalidTransition, next_state
from tracing import reads

NEEDS_ALTERNATIVES = 3  # tiers from here on rest on heuristics or outside claims


@transaction.atomic
def mark_seen(counter_evidence_id: int, *, finding: Finding, by: Actor) -> None:
    """The reviewer opened one piece of counter-evidence of a submitted finding.

    Raises PermissionDenied, also for who drafted or submitted it; NotFound; InvalidTransition.
    """
    fresh = enter_finding(finding, Action.APPROVE_FINDING, by=by)
    _require_reviewer(fresh, by)
    if fresh.state != FindingState.SUBMITTED.value:
        raise InvalidTransition(
            _("%(name)s waits for no review: look at it again.") % {"name": fresh.reference}
        )
    seen = CounterEvidence.objects.filter(pk=counter_evidence_id, finding=fresh)
    if not seen.exists():
        raise NotFound(_("This finding has no such counter-evidence."))
    if seen.exclude(seen_by_id=by.user_id).exists() or seen.filter(seen_by=None).exists():
        seen.update(seen_by_id=by.user_id)
        record_event(
            fresh.case, "see_counter_evidence", fresh.reference, by=by,
            data={"counter_evidence": counter_evidence_id},
        )  # fmt: skip


@transaction.atomic
def return_finding(finding: Finding, *, reason: str, by: Actor) -> Finding:
    """Send a submitted finding back to be changed, as a second person."""
    fresh = enter_finding(finding, Action.APPROVE_FINDING, by=by)
    _require_reviewer(fresh, by)
    text = require_reason(reason)
    next_state(FINDING, FindingState(fresh.state), FindingAction.RETURN)
    _decide(fresh, "return", text, by)
    CounterEvidence.objects.filter(finding=fresh).update(seen_by=None)
    return advance_finding(fresh, FindingAction.RETURN, by=by, reason=text)


@transaction.atomic
def reject_finding(finding: Finding, *, reason: str, by: Actor) -> Finding:
    """Reject a submitted finding for good, as a second person."""
    fresh = enter_finding(finding, Action.APPROVE_FINDING, by=by)
    _require_reviewer(fresh, by)
    text = require_reason(reason)
    next_state(FINDING, FindingState(fresh.state), FindingAction.REJECT)
    _decide(fresh, "reject", text, by)
    return advance_finding(
        fresh, FindingAction.REJECT, by=by, reason=text,
        reviewed_by_id=by.user_id, reviewed_at=timezone.now(),
    )  # fmt: skip


@transaction.atomic
def approve_finding(finding: Finding, *, content_hash: str, reason: str, by: Actor) -> Finding:
    """Approve exactly the content of `content_hash`, as a second person with a fresh factor.

    Raises PermissionDenied, StepUpRequired, ContentChanged when the content is another,
    CaseworkError while counter-evidence is missing or unseen by this reviewer, or when its coins
    lie in blocks that left the chain.
    """
    fresh = enter_finding(finding, Action.APPROVE_FINDING, by=by)
    _require_reviewer(fresh, by)
    require_step_up(by)
    text = require_reason(reason)
    next_state(FINDING, FindingState(fresh.state), FindingAction.APPROVE)
    if not content_hash == fresh.content_hash == content_hash_of(fresh):
        raise ContentChanged(_("The finding has changed since you opened it."))
    against = list(fresh.counter_evidence.all())
    if not against:
        raise CaseworkError(_("There is no counter-evidence: it cannot be approved."))
    if any(each.seen_by_id != by.user_id for each in against):
        raise CaseworkError(_("Open each piece of counter-evidence first."))
    if fresh.tier >= NEEDS_ALTERNATIVES and not fresh.alternatives:
        raise CaseworkError(_("A finding on heuristics needs its alternative explanations."))
    _require_coins_on_chain(fresh)
    _decide(fresh, "approve", text, by)
    return advance_finding(
        fresh, FindingAction.APPROVE, by=by, reason=text,
        reviewed_by_id=by.user_id, reviewed_at=timezone.now(),
    )  # fmt: skip


@transaction.atomic
def withdraw_finding(finding: Finding, *, reason: str, by: Actor) -> Finding:
    """Withdraw an approved finding; what cites it stays as it was, and its people get a task."""
    fresh = enter_finding(finding, Action.WITHDRAW_FINDING, by=by)
    _require_reviewer(fresh, by)
    done = advance_finding(fresh, FindingAction.WITHDRAW, by=by, reason=require_reason(reason))
    tell_users(done, by=by)
    return done


@transaction.atomic
def supersede_finding(
    finding: Finding, *, successor_id: int | None, reason: str, by: Actor
) -> Finding:
    """Put another approved finding of the case in the place of this one; tasks as at withdrawal.

    Raises PermissionDenied, InvalidTransition, CaseworkError.
    """
    fresh = enter_finding(finding, Action.WITHDRAW_FINDING, by=by)
    _require_reviewer(fresh, by)
    text = require_reason(reason)
    others = fresh.case.findings.filter(state=FindingState.APPROVED.value).exclude(pk=fresh.pk)
    successor = others.filter(pk=successor_id).first()
    if successor is None:
        raise CaseworkError(_("Choose an approved finding of this case that takes its place."))
    done = advance_finding(
        fresh, FindingAction.SUPERSEDE, by=by, reason=f"{text} ({successor.reference})",
        superseded_by_id=successor.pk,
    )  # fmt: skip
    tell_users(done, by=by)
    return done


def _require_reviewer(finding: Finding, by: Actor) -> None:
    require_second_person(
        by, finding.drafted_by_id, finding.last_edited_by_id, finding.submitted_by_id
    )


def _require_coins_on_chain(finding: Finding) -> None:
    """An approved finding may leave the house: it must not speak of coins that are not there."""
    outpoints: dict[UUID, set[str]] = {}
    for run, outpoint in finding.amounts.exclude(run=None).values_list("run", "outpoint"):
        assert run is not None  # excluded above
        outpoints.setdefault(run, set()).add(outpoint.partition(":")[0])
    for run, stale in reads.stale_runs(outpoints).items():
        if outpoints[run] & set(stale.txids):
            raise CaseworkError(
                _("The chain reorganised: coins of this finding lie in blocks that left it. Trace"
                  " again and reject this finding.")
            )  # fmt: skip


def _decide(finding: Finding, decision: str, reason: str, by: Actor) -> None:
    if FindingApproval.objects.filter(
        finding=finding, user_id=by.person, content_hash=finding.content_hash
    ).exists():
        raise ContentChanged(_("You decided on this content already."))
    FindingApproval.objects.create(
        finding=finding,
        user_id=by.person,
        decision=decision,
        reason=reason,
        content_hash=finding.content_hash,
        auth_at=by.mfa_at,
        at=timezone.now(),
    )
