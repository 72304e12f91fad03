"""Emergency access: a case opened by somebody who may not see it, and who has looked at that."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.models.base import CaseScopedQuerySet, PublicModel
from cases.models.cases import Case


class EmergencyAccess(PublicModel):
    """One breaking of the glass: who, why, until when. Append-only, held by triggers.

    The access itself is the person's CaseAccess, to read, with the same end.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="emergencies")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField()
    opened_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="emergency_ends_after_it_began", condition=Q(ends_at__gt=F("opened_at"))
            ),
            models.CheckConstraint(name="emergency_has_a_reason", condition=~Q(reason="")),
        ]
        indexes = [
            # The inbox of compliance and of owners, oldest first.
            models.Index(fields=["opened_at"], name="emergency_oldest")
        ]


class EmergencyLook(models.Model):
    """This person has looked at an emergency access: it leaves the own inbox. Append-only."""

    emergency = models.ForeignKey(EmergencyAccess, models.PROTECT, related_name="looks")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_look_per_emergency_user", fields=["emergency", "user"]
            )
        ]
