"""What we ask others: words that wait for compliance, and answers that are overdue."""

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import OutboundRequest
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import InboxRow, Queue, row_of
from cases.states import OutboundState


def outbound_waiting(actor: Actor) -> Queue | None:
    """To approve, to send, and to chase, as far as the person may."""
    if not may(actor, Action.DRAFT_OUTBOUND):
        return None
    mine = Q(state=OutboundState.APPROVED.value)
    mine |= Q(state=OutboundState.SENT.value, due_on__lt=timezone.now().date())
    if may(actor, Action.DECIDE_OUTBOUND):
        mine |= Q(state=OutboundState.DRAFT.value) & ~Q(drafted_by=actor.user_id)
    rows = OutboundRequest.objects.changeable_by(actor).filter(mine)
    words = {
        OutboundState.DRAFT.value: _("Approve what we ask"),
        OutboundState.APPROVED.value: _("Send what was approved"),
        OutboundState.SENT.value: _("No answer came: chase it"),
    }

    def tell(row: OutboundRequest) -> InboxRow:
        return row_of(
            "outbound", "send", words[row.state], row.reference, "outbound_detail", row,
            since=row.drafted_at, about=f"{row.recipient} · {row.subject}",
        )  # fmt: skip

    return Queue(
        "outbound", rows.select_related("case").order_by("due_on"), tell, since="drafted_at"
    )
