"""How many people an act needs: policies proposed by one person and put in force by another (E1).

Where no policy is in force for an act, one approval beside the requester is enough and lasts
72 hours. Of several that hold for an act the strictest counts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import ApprovalPolicy, Case
from cases.models.approval_policies import (
    LONGEST_HOURS,
    MOST_APPROVALS,
    POLICY_ACTIONS,
    POLICY_ROLES,
)
from cases.policy import Action, Actor, Role, require
from cases.services.audit import content_digest, record_event
from cases.services.errors import CaseworkError
from cases.services.proposals import decide_proposal, enter_proposal, require_as_shown, supersede
from cases.services.validation import require_reason
from cases.states import POLICY, PolicyAction, PolicyState

OFFICE = Role.COMPLIANCE


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """What an act needs: so many approvals by people of `roles`, each not older than `lasts`."""

    min_approvals: int = 1
    lasts: timedelta = timedelta(hours=72)
    roles: frozenset[Role] = frozenset({OFFICE})


DEFAULT = ApprovalRule()


def rule_for(action: Action, worth: Callable[[], Decimal | None]) -> ApprovalRule:
    """The rule for an act: 1 query, and those of `worth` where a policy asks for an amount.

    `worth` is in USD; None, where no price is known, counts as more than any amount.
    """
    rows = list(ApprovalPolicy.objects.filter(action=action.value, state=PolicyState.IN_FORCE))
    if any(row.amount_over for row in rows):
        value = worth()
        rows = [
            row for row in rows if not row.amount_over or value is None or value > row.amount_over
        ]
    if not rows:
        return DEFAULT
    return ApprovalRule(
        max(row.min_approvals for row in rows),
        timedelta(hours=min(row.expires_after for row in rows)),
        frozenset.intersection(*(_roles_of(row) for row in rows)),
    )


def _roles_of(policy: ApprovalPolicy) -> frozenset[Role]:
    return frozenset(Role(name) for name in policy.roles.split())


def num_missing(approvals: QuerySet[Any], case: Case, content_hash: str, rule: ApprovalRule) -> int:
    """How many approvals of this content are missing yet: 1 query.

    Counted are people who are in office still, on no wall of the case, and lately enough (E5).
    """
    good = approvals.filter(
        decision="approve", content_hash=content_hash, at__gt=timezone.now() - rule.lasts,
        user__is_active=True, user__role__in=[role.value for role in rule.roles],
    ).exclude(user__in=case.blocks.values("user"))  # fmt: skip
    return max(0, rule.min_approvals - good.values("user").distinct().count())


def is_signed_enough(
    approvals: QuerySet[Any],
    case: Case,
    content_hash: str,
    rule: ApprovalRule,
    *,
    event: str,
    reference: str,
    reason: str,
    by: Actor,
) -> bool:
    """Whether the policy asks for nobody else; a signature that is not the last is an event (E1).

    `event` is its action, `reference` what was signed. 1 query, and the event's.
    """
    missing = num_missing(approvals, case, content_hash, rule)
    if missing:
        record_event(
            case, event, reference, by=by, reason=reason,
            data={"content_hash": content_hash, "missing": missing},
        )  # fmt: skip
    return not missing


def require_unsigned(approvals: QuerySet[Any], content_hash: str, *, by: Actor) -> None:
    """Raise CaseworkError where this person decided on this content already: 1 query."""
    if approvals.filter(content_hash=content_hash, user_id=by.person).exists():
        raise CaseworkError(_("You signed this content already: it needs another person."))


def policy_hash_of(policy: ApprovalPolicy) -> str:
    """SHA-256 of what is put in force."""
    return content_digest(
        {
            "action": policy.action,
            "amount_over": f"{policy.amount_over:.2f}",
            "min_approvals": policy.min_approvals,
            "expires_after": policy.expires_after,
            "reason": policy.reason,
            "proposed_by": policy.proposed_by_id,
            # The default is left out: proposals from before there were roles keep their hash.
            **({"roles": policy.roles} if policy.roles != OFFICE.value else {}),
        }
    )


@transaction.atomic
def propose_policy(
    *,
    action: str,
    amount_over: Decimal,
    min_approvals: int,
    expires_after: int,
    reason: str,
    roles: str = OFFICE.value,
    by: Actor,
) -> ApprovalPolicy:
    """Propose a rule; nothing changes before a second person puts it in force.

    `amount_over` in USD, `expires_after` in hours, `roles` one of POLICY_ROLES.
    Raises PermissionDenied, CaseworkError.
    """
    require(by, Action.PROPOSE_POLICY)
    if action not in dict(POLICY_ACTIONS):
        raise CaseworkError(_("Choose the act from the list."))
    if roles not in dict(POLICY_ROLES):
        raise CaseworkError(_("Choose from the list who may decide."))
    if not 1 <= min_approvals <= MOST_APPROVALS:
        raise CaseworkError(_("An act takes 1 to %(n)d approvals.") % {"n": MOST_APPROVALS})
    if not 1 <= expires_after <= LONGEST_HOURS:
        raise CaseworkError(_("An approval lasts 1 to %(n)d hours.") % {"n": LONGEST_HOURS})
    if not 0 <= amount_over < Decimal(10**15):
        raise CaseworkError(_("The amount is 0 or more."))
    policy = ApprovalPolicy(
        action=action,
        amount_over=amount_over.quantize(Decimal("0.01")),
        min_approvals=min_approvals,
        roles=roles,
        expires_after=expires_after,
        reason=require_reason(reason),
        proposed_by_id=by.person,
        proposed_at=timezone.now(),
    )
    policy.content_hash = policy_hash_of(policy)
    try:
        with transaction.atomic():
            policy.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("A proposal for this act and amount already waits.")) from error
    _note("propose_policy", policy, by=by)
    return policy


@transaction.atomic
def approve_policy(
    policy: ApprovalPolicy, *, content_hash: str, reason: str, by: Actor
) -> ApprovalPolicy:
    """Put a proposal in force as a second person; the one before it is superseded.

    Raises PermissionDenied, StepUpRequired, ContentChanged, InvalidTransition.
    """
    enter_proposal(policy, Action.DECIDE_POLICY, POLICY, PolicyAction.APPROVE, by=by)
    require_as_shown(policy, content_hash, policy_hash_of(policy))
    before = ApprovalPolicy.objects.filter(
        action=policy.action, amount_over=policy.amount_over, state=PolicyState.IN_FORCE
    ).exclude(pk=policy.pk)
    ended = supersede(before, "this policy")
    words = decide_proposal(policy, PolicyAction.APPROVE, reason, by=by)
    _note("approve_policy", policy, by=by, reason=words, data=ended)
    return policy


@transaction.atomic
def reject_policy(policy: ApprovalPolicy, *, reason: str, by: Actor) -> ApprovalPolicy:
    """Refuse a proposal as a second person: what was in force stays."""
    enter_proposal(policy, Action.DECIDE_POLICY, POLICY, PolicyAction.REJECT, by=by)
    words = decide_proposal(policy, PolicyAction.REJECT, reason, by=by)
    _note("reject_policy", policy, by=by, reason=words)
    return policy


def _note(
    action: str,
    policy: ApprovalPolicy,
    *,
    by: Actor,
    reason: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:
    record_event(
        None, action, f"policy:{policy.public_id}", by=by, reason=reason or policy.reason,
        data={
            "act": policy.action,
            "amount_over": f"{policy.amount_over:.2f}",
            "min_approvals": policy.min_approvals,
            "roles": policy.roles,
            "expires_after": policy.expires_after,
            "content_hash": policy.content_hash,
            **(data or {}),
        },
    )  # fmt: skip
