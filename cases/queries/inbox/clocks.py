"""Clocks that wait for a decision."""

from django.utils.translation import gettext as _

from cases.models import ClockRule
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NO_REFERENCE, NOT_TO_TAKE, InboxRow, Queue
from cases.states import PolicyState


def clocks_waiting(actor: Actor) -> Queue | None:
    """Proposals of others on how long something may take."""
    if not may(actor, Action.DECIDE_POLICY):
        return None
    rows = ClockRule.objects.filter(state=PolicyState.PROPOSED.value)

    def tell(row: ClockRule) -> InboxRow:
        return InboxRow(
            "clock", "clock", "", _("Decide on this clock"), "", "clock_list", (), row.public_id,
            None, row.proposed_at, can_take=False, about=f"{row.source} · {row.reason}",
        )  # fmt: skip

    rows = rows.exclude(proposed_by=actor.user_id).order_by("pk")
    return Queue(
        "clock", rows, tell, since="proposed_at", reference=NO_REFERENCE, can_take=NOT_TO_TAKE
    )
