"""Broken glass that waits for a look."""

from dataclasses import replace

from django.utils.translation import gettext as _

from cases.models import EmergencyAccess
from cases.policy import Action, Actor, emergencies_to_look_at, may
from cases.queries.inbox.rows import NO_REFERENCE, NOT_TO_TAKE, InboxRow, Queue, row_of


def emergencies_waiting(actor: Actor) -> Queue | None:
    """Broken glass, for each of compliance and for the owner until that person has looked."""
    if not may(actor, Action.VIEW_CASE):
        return None
    rows = EmergencyAccess.objects.visible_to(actor).filter(emergencies_to_look_at(actor))
    rows = rows.exclude(looks__user=actor.user_id).select_related("case", "user")

    def tell(row: EmergencyAccess) -> InboxRow:
        name = row.user.get_full_name() or row.user.username
        told = row_of(
            "emergency", "triangle-alert", _("Opened in an emergency by %(name)s") % {"name": name},
            "", "emergency_detail", row, since=row.opened_at, tone="bad",
        )  # fmt: skip
        return replace(told, can_take=False)  # each of them looks for themselves

    return Queue(
        "emergency", rows.order_by("opened_at", "pk"), tell, since="opened_at",
        reference=NO_REFERENCE, can_take=NOT_TO_TAKE,
    )  # fmt: skip
