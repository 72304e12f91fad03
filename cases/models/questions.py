"""Questions of officers about one thing in a release, and the answers of the house."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.models.base import PublicModel
from cases.models.referrals import SharedRelease, SharedReleaseQuerySet, ShareGrant


class ReleaseQuestionQuerySet(SharedReleaseQuerySet):
    case_path = "release__referral__case__"


class ReleaseQuestion(PublicModel):
    """`about` is a number of the dossier, such as F1 or Z2; empty for the whole release.

    Neither question nor answer changes once it stands; both are read by officer and house. An
    answer that a second person has to agree to waits as an AnswerProposal.
    """

    release = models.ForeignKey(SharedRelease, models.PROTECT, related_name="questions")
    grant = models.ForeignKey(ShareGrant, models.PROTECT, related_name="questions")
    about = models.CharField(max_length=8, blank=True)
    text = models.TextField()
    asked_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True)

    objects = ReleaseQuestionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="answer_has_person_and_time",
                condition=Q(answer="", answered_by=None, answered_at=None)
                | (~Q(answer="") & Q(answered_by__isnull=False, answered_at__isnull=False)),
            )
        ]
        indexes = [
            # The inbox: what still waits for an answer, oldest first.
            models.Index(
                fields=["asked_at"], name="release_question_open", condition=Q(answered_at=None)
            )
        ]


class AnswerProposalQuerySet(SharedReleaseQuerySet):
    case_path = "question__release__referral__case__"


class AnswerProposal(models.Model):
    """Words that one person would answer; they are sent once another one answers the same."""

    question = models.ForeignKey(ReleaseQuestion, models.PROTECT, related_name="proposals")
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    objects = AnswerProposalQuerySet.as_manager()
