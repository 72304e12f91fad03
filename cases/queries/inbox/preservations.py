"""Preserved data whose time is over or nearly so: somebody renews it or ends it."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Preservation
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NO_REFERENCE, NOT_TO_TAKE, InboxRow, Queue
from cases.states import PreservationState

BEFORE = timedelta(days=14)


def preservations_waiting(actor: Actor) -> Queue | None:
    """From two weeks before the end until somebody says what becomes of it."""
    if not may(actor, Action.VERIFY_REQUESTER):
        return None
    now = timezone.now()
    rows = Preservation.objects.visible_to(actor).filter(
        state=PreservationState.ACTIVE.value, until__lte=now + BEFORE
    )

    def tell(row: Preservation) -> InboxRow:
        is_over = row.until <= now
        words = _("Preservation is over: renew or end it") if is_over else _("Preservation ends")
        return InboxRow(
            "preservation", "hourglass", "bad" if is_over else "warn", words,
            row.request.reference, "request_detail", (row.request.public_id,), row.public_id,
            row.request.case, row.starts_at, row.until, can_take=False,
            about=row.request.agency.short_name,
        )  # fmt: skip

    people = ("request__agency", "request__case")
    return Queue(
        "preservation", rows.select_related(*people).order_by("until"), tell, since="starts_at",
        deadline="until", reference=NO_REFERENCE, can_take=NOT_TO_TAKE,
    )  # fmt: skip
