"""Findings that wait: for review, or for their author to submit them."""

from django.db.models import Q
from django.utils.translation import gettext as _

from cases.models import Finding
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import InboxRow, Queue, row_of
from cases.states import FindingState


def findings_waiting(actor: Actor) -> Queue | None:
    """Seniors review what others drafted; everybody else submits the own drafts."""
    me = actor.user_id
    findings = Finding.objects.changeable_by(actor)
    if may(actor, Action.APPROVE_FINDING):
        since = "submitted_at"
        rows = findings.filter(state=FindingState.SUBMITTED.value).exclude(
            Q(drafted_by=me) | Q(last_edited_by=me) | Q(submitted_by=me)
        )
    elif may(actor, Action.SUBMIT_FINDING):
        since = "drafted_at"
        rows = findings.filter(
            Q(drafted_by=me) | Q(drafted_by=None, case__owner_by=me),
            state=FindingState.DRAFT.value,
        )
    else:
        return None

    def tell(row: Finding) -> InboxRow:
        review = row.state == FindingState.SUBMITTED
        words = _("Review this finding") if review else _("Check this draft and submit it")
        return row_of(
            "finding", "eye" if review else "pencil", words, row.reference, "finding_detail", row,
            since=row.submitted_at if review else row.drafted_at, about=row.claim,
        )  # fmt: skip

    rows = rows.select_related("case")
    return Queue("finding", rows.order_by("submitted_at", "pk"), tell, since)
