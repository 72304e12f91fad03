"""Tags of the house that wait for a decision."""

from django.utils.translation import gettext as _

from cases.models import HouseTag
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import InboxRow, Queue, row_of
from cases.states import TagState


def tags_waiting(actor: Actor) -> Queue | None:
    """Proposed and disputed ones of others."""
    if not may(actor, Action.DECIDE_TAG):
        return None
    rows = HouseTag.objects.changeable_by(actor).filter(decided_by=None)
    rows = rows.exclude(asked_by=actor.user_id).select_related("case")

    def tell(row: HouseTag) -> InboxRow:
        is_new = row.state == TagState.PROPOSED
        words = _("Decide on this tag") if is_new else _("Decide on this disputed tag")
        return row_of(
            "tag", "flag", words, row.label, "tag_detail", row, since=row.asked_at,
            about=row.reason,
        )  # fmt: skip

    rows = rows.order_by("asked_at", "pk")
    return Queue("tag", rows, tell, "asked_at", reference="label")
