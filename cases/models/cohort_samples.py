"""Samples of a cohort: members drawn at random in each tier, and what people said of them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import CaseScopedQuerySet, PublicModel
from cases.models.cohorts import TIERS, Cohort, CohortMember

VERDICTS = [("yes", _("Paid the platform")), ("no", _("Did not")), ("unsure", _("Cannot tell"))]


class CohortSampleQuerySet(CaseScopedQuerySet):
    case_path = "cohort__case__"


class CohortSample(PublicModel):
    """The sample of one tier, drawn once: nobody draws again until it looks better.

    Who is in it follows from `seed` and the members' ids alone, so that anybody can draw it again.
    """

    cohort = models.ForeignKey(Cohort, models.PROTECT, related_name="samples")
    tier = models.PositiveSmallIntegerField(choices=TIERS)
    seed = models.CharField(max_length=64)
    num_members = models.PositiveIntegerField()  # it was drawn from
    drawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    drawn_at = models.DateTimeField()

    objects = CohortSampleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_sample_per_tier", fields=["cohort", "tier"])
        ]


class SampledMemberQuerySet(CaseScopedQuerySet):
    case_path = "sample__cohort__case__"


class SampledMember(PublicModel):
    """A member of a sample; judged once, by somebody who did not build the cohort."""

    sample = models.ForeignKey(CohortSample, models.PROTECT, related_name="members")
    member = models.ForeignKey(CohortMember, models.PROTECT, related_name="sampled")
    place = models.PositiveSmallIntegerField()
    verdict = models.CharField(max_length=6, blank=True, choices=VERDICTS)
    note = models.CharField(max_length=300, blank=True)
    built_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    judged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    judged_at = models.DateTimeField(null=True)

    objects = SampledMemberQuerySet.as_manager()

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(name="member_once_per_sample", fields=["sample", "member"]),
            models.CheckConstraint(
                name="sampled_member_judged_by_a_second_person",
                condition=Q(verdict="", judged_by=None)
                | (
                    Q(verdict__in=[verdict for verdict, _word in VERDICTS])
                    & Q(judged_by__isnull=False)
                    & ~Q(judged_by=F("built_by"))
                ),
            ),
        ]
