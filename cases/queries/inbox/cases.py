"""Cases that wait for a decision."""

from django.utils.translation import gettext as _

from cases.models import Case
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import InboxRow, Queue, changeable
from cases.states import CaseState


def cases_waiting(actor: Actor) -> Queue | None:
    """Cases that somebody else submitted."""
    if not may(actor, Action.DECIDE_CASE):
        return None
    rows = changeable(Case.objects.visible_to(actor), actor, "").filter(
        state=CaseState.IN_REVIEW.value
    )
    rows = rows.exclude(submitted_by=actor.user_id)

    def tell(row: Case) -> InboxRow:
        return InboxRow(
            "case", "briefcase", "", _("Decide this case"), row.reference, "case_detail",
            (row.public_id,), row.public_id, row, row.updated_at, about=row.summary,
        )  # fmt: skip

    return Queue("case", rows.order_by("updated_at", "pk"), tell, "updated_at")
