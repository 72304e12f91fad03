"""Looks of people at themselves that wait for compliance."""

from dataclasses import replace

from django.utils.translation import gettext as _

from cases.models import SelfLookup
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NO_REFERENCE, NOT_TO_TAKE, InboxRow, Queue, row_of


def self_lookups_waiting(actor: Actor) -> Queue | None:
    """People who looked up their own name, for compliance, until one of them has looked."""
    if not may(actor, Action.SEE_SELF_LOOKUP):
        return None
    rows = SelfLookup.objects.visible_to(actor).filter(seen_at=None).select_related("case", "user")

    def tell(row: SelfLookup) -> InboxRow:
        name = row.user.get_full_name() or row.user.username
        told = row_of(
            "self_lookup", "eye", _("%(name)s looked up the own name") % {"name": name},
            "", "self_lookup_detail", row, since=row.at, tone="bad",
        )  # fmt: skip
        return replace(told, can_take=False)

    return Queue(
        "self_lookup", rows.order_by("at", "pk"), tell, since="at",
        reference=NO_REFERENCE, can_take=NOT_TO_TAKE,
    )  # fmt: skip
