"""Legal instruments that wait for a second person to verify them."""

from dataclasses import replace

from django.utils.translation import gettext as _

from cases.models import LegalInstrument
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import InboxRow, Queue, row_of


def instruments_waiting(actor: Actor) -> Queue | None:
    """Those that somebody else recorded."""
    if not may(actor, Action.VERIFY_INSTRUMENT):
        return None
    rows = LegalInstrument.objects.changeable_by(actor).filter(verified_by=None)
    rows = rows.exclude(recorded_by=actor.user_id).select_related("case")

    def tell(row: LegalInstrument) -> InboxRow:
        told = row_of(
            "instrument", "gavel", _("Verify this legal instrument"), row.number, "case_freezes",
            row, since=row.recorded_at, about=f"{row.get_type_display()}, {row.issued_by}",
        )  # fmt: skip
        return replace(told, path=(row.case.public_id,))

    rows = rows.order_by("recorded_at", "pk")
    return Queue("instrument", rows, tell, "recorded_at", reference="number")
