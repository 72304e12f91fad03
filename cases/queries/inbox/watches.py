"""What changed of what a person watches, until it was read."""

from cases.models import WatchNotice
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NOT_TO_TAKE, InboxRow, Queue


def notices_waiting(actor: Actor) -> Queue | None:
    """One's own notices alone, of cases that one sees."""
    if not may(actor, Action.VIEW_CASE):
        return None
    rows = WatchNotice.objects.visible_to(actor).filter(read_at=None)

    def tell(row: WatchNotice) -> InboxRow:
        return InboxRow(
            "notice", "eye", "", str(row.get_kind_display()), row.watch.name, "watch_list", (),
            row.public_id, row.watch.case, row.at, can_take=False,
        )  # fmt: skip

    rows = rows.select_related("watch__case").order_by("at", "pk")
    return Queue("notice", rows, tell, since="at", reference="watch__name", can_take=NOT_TO_TAKE)
