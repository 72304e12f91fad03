"""What a case taken over from elsewhere said of itself there: its number, its days, its end."""

from django.db import models

from cases.models.base import CaseScopedQuerySet
from cases.models.cases import Case


class LegacyCase(models.Model):
    """One case of another system as recorded there; nothing of it was done or checked here."""

    case = models.OneToOneField(Case, models.PROTECT, related_name="legacy")
    system = models.CharField(max_length=60)
    number = models.CharField(max_length=60)
    opened_on = models.DateField()
    closed_on = models.DateField(null=True)
    owner = models.CharField(max_length=120, blank=True)  # a name there, no account here
    outcome = models.CharField(max_length=200, blank=True)
    imported_at = models.DateTimeField()

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="legacy_case_taken_once", fields=["system", "number"]),
            models.CheckConstraint(
                name="legacy_case_ends_after_it_began",
                condition=models.Q(closed_on=None) | models.Q(closed_on__gte=models.F("opened_on")),
            ),
        ]
