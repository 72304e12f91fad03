"""Cases that wait for a decision, for a senior, or for their owner because of their time."""

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case
from cases.policy import Action, Actor, may
from cases.queries.cases import NEAR
from cases.queries.inbox.rows import InboxRow, Queue, when
from cases.states import OVER_CASES, CaseState


def cases_waiting(actor: Actor) -> Queue | None:
    """Those that somebody else submitted or took to the seniors; of the own ones what is due.

    A hold that is over waits for the owner, who takes the case up again; nothing does it alone.
    """
    if not may(actor, Action.EDIT_CASE):
        return None
    now, me = timezone.now(), actor.user_id
    resting = Q(state=CaseState.ON_HOLD.value)
    wanted = Q(owner_by=me, due_at__lte=now + NEAR) & ~resting & ~Q(state__in=OVER_CASES)
    wanted |= resting & Q(owner_by=me, resume_on__lte=now.date())
    if may(actor, Action.DECIDE_CASE):
        wanted |= Q(state=CaseState.IN_REVIEW.value) & ~Q(submitted_by=me)
    if may(actor, Action.ASSIGN_WORK):
        # Without an `is not` for those whom the clock took there: nobody did.
        mine = Q(escalated_by__isnull=False, escalated_by=me)
        wanted |= Q(escalated_at__isnull=False) & ~mine
    rows = Case.objects.changeable_by(actor).filter(wanted)

    def tell(row: Case) -> InboxRow:
        words, about, tone = _("Decide this case"), row.summary, ""
        if row.escalated_at is not None and may(actor, Action.ASSIGN_WORK):
            words, about, tone = _("Answer as a senior"), row.escalation_reason, "bad"
        elif row.state == CaseState.ON_HOLD:
            words = _("Its hold is over: take this case up again")
        elif row.state != CaseState.IN_REVIEW or row.submitted_by_id == me:
            words = _("The work on this case is due")
            tone = "bad" if row.due_at is not None and row.due_at <= now else ""
        return InboxRow(
            "case", "briefcase", tone, words, row.reference, "case_detail",
            (row.public_id,), row.public_id, row, row.updated_at,
            None if row.state == CaseState.ON_HOLD else row.due_at, about=about,
        )  # fmt: skip

    return Queue(
        "case", rows.order_by("updated_at", "pk"), tell, "updated_at",
        deadline=when(~resting, "due_at"),
    )  # fmt: skip
