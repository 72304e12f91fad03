"""Warnings before a hold or freeze ends: which were given, and which went out by mail (E7)."""

from django.db import models

from cases.models.base import CaseScopedQuerySet
from cases.models.freezes import FreezeRequest


class FreezeWarningQuerySet(CaseScopedQuerySet):
    case_path = "freeze__case__"


class FreezeWarning(models.Model):
    """One warning: so many hours, or fewer, were left until `ends_at`. Each is given once."""

    freeze = models.ForeignKey(FreezeRequest, models.PROTECT, related_name="warnings")
    ends_at = models.DateTimeField()
    hours = models.PositiveSmallIntegerField()  # by the clock; 0: a provisional hold lapsed
    at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True)

    objects = FreezeWarningQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="warning_given_once", fields=["freeze", "ends_at", "hours"]
            )
        ]
        indexes = [
            # The sweep: what still has to go out by mail.
            models.Index(
                fields=["at"], name="freeze_warning_unmailed", condition=models.Q(mailed_at=None)
            )
        ]
