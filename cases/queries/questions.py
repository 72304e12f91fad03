"""Questions of officers about releases, as the house sees them."""

from django.db.models import QuerySet

from cases.models import AnswerProposal, Referral, ReleaseDownload, ReleaseQuestion
from cases.policy import Actor

MOST_DOWNLOADS = 200


def questions_of(referral: Referral, actor: Actor) -> QuerySet[ReleaseQuestion]:
    """Of every release of a referral, the newest first: 1 query."""
    rows: QuerySet[ReleaseQuestion] = ReleaseQuestion.objects.visible_to(actor).filter(
        release__referral=referral
    )
    return rows.select_related("release", "grant__liaison", "answered_by").order_by("-asked_at")


def question_for_page(actor: Actor) -> QuerySet[ReleaseQuestion]:
    """Those the actor may see, with what their page shows."""
    rows: QuerySet[ReleaseQuestion] = ReleaseQuestion.objects.visible_to(actor)
    return rows.select_related(
        "release__referral__case__owner_by", "release__agency", "grant__liaison", "answered_by"
    )


def proposal_of(question: ReleaseQuestion, actor: Actor) -> AnswerProposal | None:
    """The newest words that somebody would answer: 1 query."""
    rows = AnswerProposal.objects.visible_to(actor).filter(question=question)
    found: AnswerProposal | None = rows.select_related("by").order_by("-pk").first()
    return found


def downloads_of(referral: Referral, actor: Actor) -> list[ReleaseDownload]:
    """Who took which file of a referral's releases, the newest first: 1 query, at most 200 rows."""
    rows = ReleaseDownload.objects.visible_to(actor).filter(release__referral=referral)
    return list(rows.select_related("grant__liaison").order_by("-at", "-pk")[:MOST_DOWNLOADS])
