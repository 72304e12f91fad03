"""Separations that wait for a decision."""

from django.utils.translation import gettext as _

from cases.models import Separation
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import InboxRow, Queue, row_of
from cases.states import TagState


def separations_waiting(actor: Actor) -> Queue | None:
    """Proposed and disputed ones of others."""
    if not may(actor, Action.DECIDE_SEPARATION):
        return None
    rows = Separation.objects.changeable_by(actor).filter(decided_by=None)
    rows = rows.exclude(asked_by=actor.user_id).select_related("case")

    def tell(row: Separation) -> InboxRow:
        is_new = row.state == TagState.PROPOSED
        words = _("Decide whether these are two owners") if is_new else _("Decide on this dispute")
        return row_of(
            "separation", "users", words, f"{row.first[:12]}… / {row.second[:12]}…",
            "separation_detail", row, since=row.asked_at, about=row.reason,
        )  # fmt: skip

    rows = rows.order_by("asked_at", "pk")
    return Queue("separation", rows, tell, "asked_at", reference="first")
