"""Legal holds: while one stands, nothing of the case is deleted or disposed of."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.models.base import CaseScopedQuerySet, PublicModel
from cases.models.cases import Case


class LegalHold(PublicModel):
    """Set by one person of compliance, lifted by another; `Case.legal_hold` says if one stands."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="holds")
    reason = models.TextField()
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    cleared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    cleared_at = models.DateTimeField(null=True)
    cleared_reason = models.TextField(blank=True)

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_legal_hold_per_case", fields=["case"], condition=Q(cleared_at=None)
            ),
            models.CheckConstraint(
                name="legal_hold_cleared_by_a_second_person",
                condition=Q(cleared_by=None, cleared_at=None)
                | (Q(cleared_at__isnull=False) & ~Q(cleared_by=F("set_by"))),
            ),
        ]
