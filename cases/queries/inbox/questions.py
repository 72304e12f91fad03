"""Questions of officers that wait for an answer."""

from dataclasses import replace

from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from cases.models import AnswerProposal, ReleaseQuestion
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import NO_REFERENCE, NOT_TO_TAKE, InboxRow, Queue, row_of


def questions_waiting(actor: Actor) -> Queue | None:
    """For whoever may answer, the oldest first; not what waits for another than who proposed."""
    if not may(actor, Action.ANSWER_QUESTION):
        return None
    rows = ReleaseQuestion.objects.visible_to(actor).filter(answered_at=None)
    rows = rows.select_related("release__referral__case", "release__agency")
    newest = AnswerProposal.objects.filter(question=OuterRef("pk")).order_by("-pk")
    rows = rows.annotate(proposed_by=Subquery(newest.values("by_id")[:1]))
    rows = rows.filter(~Q(proposed_by=actor.user_id) | Q(proposed_by=None))

    def tell(row: ReleaseQuestion) -> InboxRow:
        row.case = row.release.referral.case  # type: ignore[attr-defined]  # as other rows have it
        told = row_of(
            "question", "circle-question-mark",
            (
                _("Send the answer to %(agency)s about %(release)s")
                if row.proposed_by  # type: ignore[attr-defined]  # annotated above
                else _("%(agency)s asks about %(release)s")
            )
            % {"agency": row.release.agency.short_name, "release": row.release.number},
            "", "question_detail", row, since=row.asked_at,
        )  # fmt: skip
        return replace(told, can_take=False)

    return Queue(
        "question", rows.order_by("asked_at", "pk"), tell, since="asked_at",
        reference=NO_REFERENCE, can_take=NOT_TO_TAKE,
    )  # fmt: skip
