"""Approval policies as their page shows them: in force, proposed, and what was before."""

from dataclasses import dataclass

from cases.models import ApprovalPolicy
from cases.models.approval_policies import POLICY_ACTIONS
from cases.states import PolicyState

MOST = 100


@dataclass(frozen=True)
class PolicyPage:
    """`defaults` are the acts for which no policy holds: one approval, 72 hours."""

    in_force: list[ApprovalPolicy]
    proposed: list[ApprovalPolicy]
    history: list[ApprovalPolicy]
    defaults: list[str]


def policy_page() -> PolicyPage:
    """Every policy, the newest 100 of those that are over: 2 queries."""
    people = ApprovalPolicy.objects.select_related("proposed_by", "decided_by")
    open_states = (PolicyState.IN_FORCE.value, PolicyState.PROPOSED.value)
    living = list(people.filter(state__in=open_states).order_by("action", "amount_over", "pk"))
    in_force = [each for each in living if each.state == PolicyState.IN_FORCE]
    ruled = {each.action for each in in_force if not each.amount_over}
    return PolicyPage(
        in_force=in_force,
        proposed=[each for each in living if each.state == PolicyState.PROPOSED],
        history=list(people.exclude(state__in=open_states).order_by("-pk")[:MOST]),
        defaults=[str(words) for action, words in POLICY_ACTIONS if action not in ruled],
    )
