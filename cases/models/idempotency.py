"""Answers of the door for programs by idempotency key, kept with the write they tell of."""

from django.conf import settings
from django.db import models


class IdempotencyKey(models.Model):
    """What one person's key was used for and what was answered; forgotten after 30 days."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_sha256 = models.CharField(max_length=64)  # over method, path and body
    status = models.PositiveSmallIntegerField(default=0)  # 0 while the write is under way
    body = models.TextField(default="")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="idempotency_key_once", fields=["user", "key"])]
        indexes = [
            # Forgetting what is older than 30 days.
            models.Index(fields=["at"], name="idempotency_age")
        ]
