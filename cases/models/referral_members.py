"""Customers of a cohort that a referral names; the database refuses whoever may not be exported."""

from django.db import models

from cases.models.base import CaseScopedQuerySet
from cases.models.cohorts import CohortMember
from cases.models.referrals import Referral


class ReferralMemberQuerySet(CaseScopedQuerySet):
    case_path = "referral__case__"


class ReferralMember(models.Model):
    """One customer of a cohort in what one agency gets."""

    referral = models.ForeignKey(Referral, models.PROTECT, related_name="members")
    member = models.ForeignKey(CohortMember, models.PROTECT, related_name="referred")

    objects = ReferralMemberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="member_once_per_referral", fields=["referral", "member"])
        ]
