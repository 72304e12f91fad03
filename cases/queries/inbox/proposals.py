"""What others proposed for the house and a second person decides: policies, clocks, law, rules."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from cases.models import ApprovalPolicy, ClockRule, LegalRow, RuleChange
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NO_REFERENCE, NOT_TO_TAKE, InboxRow, Queue
from cases.states import PolicyState


def proposals_of_others(
    actor: Actor,
    kind: str,
    right: Action,
    rows: QuerySet[Any],
    icon: str,
    route: str,
    tell: Callable[[Any], tuple[str, str, tuple[Any, ...]]],
) -> Queue | None:
    """Of `rows` (of any model with `proposed_by`) those that this person decides.

    `tell` gives the words of a row, what it is about, and the arguments of `route`.
    """
    if not may(actor, right):
        return None

    def told(row: Any) -> InboxRow:
        words, about, path = tell(row)
        return InboxRow(
            kind, icon, "", words, "", route, path, row.public_id, None, row.proposed_at,
            can_take=False, about=about,
        )  # fmt: skip

    waiting = rows.filter(state=PolicyState.PROPOSED.value).exclude(proposed_by=actor.user_id)
    return Queue(
        kind, waiting.order_by("pk"), told, since="proposed_at", reference=NO_REFERENCE,
        can_take=NOT_TO_TAKE,
    )  # fmt: skip


def policies_waiting(actor: Actor) -> Queue | None:
    """Proposals of others on how many people approve what."""

    def tell(row: ApprovalPolicy) -> tuple[str, str, tuple[Any, ...]]:
        return _("Decide on this approval policy"), row.reason, ()

    rows = ApprovalPolicy.objects.all()
    return proposals_of_others(
        actor, "policy", Action.DECIDE_POLICY, rows, "users", "approval_policy_list", tell
    )


def clocks_waiting(actor: Actor) -> Queue | None:
    """Proposals of others on how long something may take."""

    def tell(row: ClockRule) -> tuple[str, str, tuple[Any, ...]]:
        return _("Decide on this clock"), f"{row.source} · {row.reason}", ()

    rows = ClockRule.objects.all()
    return proposals_of_others(
        actor, "clock", Action.DECIDE_POLICY, rows, "clock", "clock_list", tell
    )


def legal_rows_waiting(actor: Actor) -> Queue | None:
    """Proposals of others on what an instrument may obtain."""

    def tell(row: LegalRow) -> tuple[str, str, tuple[Any, ...]]:
        about = f"{row.get_instrument_display()} · {row.country} · {row.source}"
        return _("Decide what this instrument obtains"), about, ()

    rows = LegalRow.objects.all()
    return proposals_of_others(
        actor, "law", Action.DECIDE_POLICY, rows, "scale", "legal_list", tell
    )


def rule_changes_waiting(actor: Actor) -> Queue | None:
    """Proposals of others on how a detection rule fires."""

    def tell(row: RuleChange) -> tuple[str, str, tuple[Any, ...]]:
        words = _("Decide on a changed rule: %(rule)s") % {"rule": row.rule.title}
        return words, row.reason, (row.rule.code,)

    rows = RuleChange.objects.select_related("rule")
    return proposals_of_others(actor, "rule", Action.DECIDE_RULE, rows, "flag", "rule_detail", tell)
