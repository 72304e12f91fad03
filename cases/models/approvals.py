"""Approvals: abstract here, one table per approved object, so the database holds the rule."""

from django.conf import settings
from django.db import models


class Approval(models.Model):
    """One person's decision on exactly one content: never changed, never deleted."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    decision = models.CharField(
        max_length=8, choices=[("approve", "approve"), ("return", "return"), ("reject", "reject")]
    )
    reason = models.TextField()
    content_hash = models.CharField(max_length=64)
    auth_at = models.DateTimeField(null=True)
    at = models.DateTimeField()

    class Meta:
        abstract = True
