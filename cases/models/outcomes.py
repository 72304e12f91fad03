"""What an agency reports back of a release: arrests, seizures, charges, or that nothing follows."""

from django.db import models
from django.db.models import Q

from cases.models.base import PublicModel
from cases.models.fields import BaseUnitsField
from cases.models.referrals import SharedRelease, SharedReleaseQuerySet, ShareGrant
from cases.release_words import OUTCOMES


class OutcomeQuerySet(SharedReleaseQuerySet):
    case_path = "release__referral__case__"


class Outcome(PublicModel):
    """One typed message of an officer; it never changes, a later one says otherwise.

    `number` counts people, or seizures; `base` is what was seized of `asset`, in base units.
    """

    release = models.ForeignKey(SharedRelease, models.PROTECT, related_name="outcomes")
    grant = models.ForeignKey(ShareGrant, models.PROTECT, related_name="outcomes")
    kind = models.CharField(max_length=10, choices=OUTCOMES)
    number = models.PositiveSmallIntegerField(default=0)
    asset = models.CharField(max_length=120, blank=True)
    base = BaseUnitsField(default=0)
    happened_on = models.DateField()
    text = models.TextField(blank=True)
    at = models.DateTimeField()

    objects = OutcomeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="outcome_counts_something_or_nothing",
                condition=Q(kind="no_action", number=0) | (~Q(kind="no_action") & Q(number__gt=0)),
            ),
            models.CheckConstraint(
                name="only_a_seizure_names_an_asset", condition=Q(asset="") | Q(kind="seizure")
            ),
        ]
