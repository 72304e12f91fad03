"""Suspicion reports with a time to file, for those to whom reports exist."""

from dataclasses import replace

from django.db.models import Case, F, Q, When
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import SuspicionReport
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NO_TIME, NOT_TO_TAKE, InboxRow, Queue, changeable, row_of
from cases.states import SENT_REPORT_STATES, ReportState

# What was filed runs towards no day any more.
TO_FILE = Case(When(state__in=SENT_REPORT_STATES, then=NO_TIME), default=F("due_at"))


def reports_waiting(actor: Actor) -> Queue | None:
    """Those in review for a second person of compliance, all that run towards their day.

    An approved one waits for whoever files it, one to be disposed of for a second person. Without
    the right no report exists, and no row.
    Nobody takes, gives away or puts off such a row: the case's own chain would tell of it (P1).
    """
    if not may(actor, Action.VIEW_REPORT):
        return None
    wanted = Q(due_at__isnull=False) & ~Q(state__in=SENT_REPORT_STATES)
    if may(actor, Action.APPROVE_REPORT):
        wanted |= Q(state=ReportState.IN_REVIEW.value) & ~Q(last_edited_by=actor.user_id)
    if may(actor, Action.FILE_REPORT):
        wanted |= Q(state=ReportState.APPROVED.value)
    if may(actor, Action.DISPOSE_REPORT):
        asked = Q(state=ReportState.DISPOSAL_REQUESTED.value)
        wanted |= asked & ~Q(disposal_asked_by=actor.user_id)
    rows = changeable(SuspicionReport.objects.visible_to(actor), actor).filter(wanted)

    def tell(row: SuspicionReport) -> InboxRow:
        words = {
            ReportState.IN_REVIEW.value: _("Approve this report"),
            ReportState.APPROVED.value: _("File this report"),
            ReportState.DISPOSAL_REQUESTED.value: _("Decide on the disposal of this report"),
        }.get(row.state, _("Finish this report"))
        due_at = None if row.state in SENT_REPORT_STATES else row.due_at
        is_late = due_at is not None and due_at <= timezone.now()
        told = row_of(
            "report", "file-text", words, row.reference, "report_detail", row,
            since=row.drafted_at, deadline=due_at, tone="bad" if is_late else "",
        )  # fmt: skip
        return replace(told, can_take=False)

    rows = rows.select_related("case").order_by("due_at", "pk")
    return Queue("report", rows, tell, since="drafted_at", deadline=TO_FILE, can_take=NOT_TO_TAKE)
