"""Questions of officers that wait for an answer."""

from dataclasses import replace

from django.utils.translation import gettext as _

from cases.models import ReleaseQuestion
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NO_REFERENCE, NOT_TO_TAKE, InboxRow, Queue, row_of


def questions_waiting(actor: Actor) -> Queue | None:
    """For whoever may answer, the oldest first."""
    if not may(actor, Action.ANSWER_QUESTION):
        return None
    rows = ReleaseQuestion.objects.visible_to(actor).filter(answered_at=None)
    rows = rows.select_related("release__referral__case", "release__agency")

    def tell(row: ReleaseQuestion) -> InboxRow:
        row.case = row.release.referral.case  # type: ignore[attr-defined]  # as other rows have it
        told = row_of(
            "question", "circle-question-mark",
            _("%(agency)s asks about %(release)s")
            % {"agency": row.release.agency.short_name, "release": row.release.number},
            "", "question_detail", row, since=row.asked_at,
        )  # fmt: skip
        return replace(told, can_take=False)

    return Queue(
        "question", rows.order_by("asked_at", "pk"), tell, since="asked_at",
        reference=NO_REFERENCE, can_take=NOT_TO_TAKE,
    )  # fmt: skip
