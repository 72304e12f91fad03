"""Rows of the legal matrix that wait for a decision."""

from django.utils.translation import gettext as _

from cases.models import LegalRow
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NO_REFERENCE, NOT_TO_TAKE, InboxRow, Queue
from cases.states import PolicyState


def legal_rows_waiting(actor: Actor) -> Queue | None:
    """Proposals of others on what an instrument may obtain."""
    if not may(actor, Action.DECIDE_POLICY):
        return None
    rows = LegalRow.objects.filter(state=PolicyState.PROPOSED.value)

    def tell(row: LegalRow) -> InboxRow:
        return InboxRow(
            "law", "scale", "", _("Decide what this instrument obtains"), "", "legal_list", (),
            row.public_id, None, row.proposed_at, can_take=False,
            about=f"{row.get_instrument_display()} · {row.country} · {row.source}",
        )  # fmt: skip

    rows = rows.exclude(proposed_by=actor.user_id).order_by("pk")
    return Queue(
        "law", rows, tell, since="proposed_at", reference=NO_REFERENCE, can_take=NOT_TO_TAKE
    )
