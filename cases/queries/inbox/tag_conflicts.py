"""Resolutions between tags that disagree, which wait for a decision."""

from django.utils.translation import gettext as _

from cases.models import TagConflict
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import InboxRow, Queue, row_of
from cases.states import TagState


def tag_conflicts_waiting(actor: Actor) -> Queue | None:
    """Proposed and disputed ones of others."""
    if not may(actor, Action.DECIDE_TAG):
        return None
    rows = TagConflict.objects.changeable_by(actor).filter(decided_by=None)
    rows = rows.exclude(asked_by=actor.user_id).select_related("case")

    def tell(row: TagConflict) -> InboxRow:
        is_new = row.state == TagState.PROPOSED
        words = _("Decide which tag holds") if is_new else _("Decide on this disputed resolution")
        return row_of(
            "conflict", "triangle-alert", words, row.keep or _("None of them"),
            "tag_conflict_detail", row, since=row.asked_at, about=row.reason,
        )  # fmt: skip

    rows = rows.order_by("asked_at", "pk")
    return Queue("conflict", rows, tell, "asked_at", reference="keep")
