"""Approval policies and changes of detection rules that wait for a decision."""

from django.utils.translation import gettext as _

from cases.models import ApprovalPolicy, RuleChange
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NO_REFERENCE, NOT_TO_TAKE, InboxRow, Queue
from cases.states import PolicyState


def policies_waiting(actor: Actor) -> Queue | None:
    """Proposals of others on how many people approve what."""
    if not may(actor, Action.DECIDE_POLICY):
        return None
    rows = ApprovalPolicy.objects.filter(state=PolicyState.PROPOSED.value)

    def tell(row: ApprovalPolicy) -> InboxRow:
        return InboxRow(
            "policy", "users", "", _("Decide on this approval policy"), "",
            "approval_policy_list", (), row.public_id, None, row.proposed_at,
            can_take=False, about=row.reason,
        )  # fmt: skip

    rows = rows.exclude(proposed_by=actor.user_id).order_by("pk")
    return Queue(
        "policy", rows, tell, since="proposed_at", reference=NO_REFERENCE, can_take=NOT_TO_TAKE
    )


def rule_changes_waiting(actor: Actor) -> Queue | None:
    """Proposals of others on how a detection rule fires."""
    if not may(actor, Action.DECIDE_RULE):
        return None
    rows = RuleChange.objects.filter(state=PolicyState.PROPOSED.value).select_related("rule")

    def tell(row: RuleChange) -> InboxRow:
        words = _("Decide on a changed rule: %(rule)s") % {"rule": row.rule.title}
        return InboxRow(
            "rule", "flag", "", words, "", "rule_detail", (row.rule.code,), row.public_id, None,
            row.proposed_at, can_take=False, about=row.reason,
        )  # fmt: skip

    rows = rows.exclude(proposed_by=actor.user_id).order_by("pk")
    return Queue(
        "rule", rows, tell, since="proposed_at", reference=NO_REFERENCE, can_take=NOT_TO_TAKE
    )
