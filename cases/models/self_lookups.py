"""People who looked up what seems to be themselves: compliance has to look at it (A7)."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import PublicModel
from cases.models.cases import Case
from cases.policy import Actor, visible_self_lookups


class SelfLookupQuerySet(models.QuerySet["SelfLookup"]):
    def visible_to(self, actor: Actor) -> Self:
        return self.filter(visible_self_lookups(actor))


class SelfLookup(PublicModel):
    """One person, one kind of look, one case or none; further looks join it until it was seen.

    It rests on the name alone: a namesake is possible, and what follows is for a person to decide.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    what = models.CharField(
        max_length=8,
        choices=[
            ("search", _("searched for the own name or address")),
            ("customer", _("had a customer of the own name shown")),
            ("suspect", _("opened suspects of whom one has the own name")),
        ],
    )
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="self_lookups")
    at = models.DateTimeField()
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    seen_at = models.DateTimeField(null=True)

    objects = SelfLookupQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="self_lookup_seen_by_somebody_at_a_time",
                condition=Q(seen_by=None, seen_at=None)
                | Q(seen_by__isnull=False, seen_at__isnull=False),
            ),
            models.CheckConstraint(
                name="self_lookup_seen_by_another",
                condition=Q(seen_by=None) | ~Q(seen_by=F("user")),
            ),
        ]
        indexes = [
            # The inbox of compliance, oldest first.
            models.Index(fields=["at"], name="self_lookup_open", condition=Q(seen_at=None))
        ]
