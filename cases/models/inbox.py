"""What one person keeps of the own inbox: rows put off until a time, and views with a name."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.models.base import PublicModel
from cases.policy import Actor


class InboxSnoozeQuerySet(models.QuerySet["InboxSnooze"]):
    def visible_to(self, actor: Actor) -> Self:
        return self.filter(user=actor.user_id)


class InboxSnooze(models.Model):
    """One row that one person does not want to see until a time; for all others it stays."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12)
    subject = models.UUIDField()
    until = models.DateTimeField()
    at = models.DateTimeField()

    objects = InboxSnoozeQuerySet.as_manager()

    class Meta:
        constraints = [
            # Also the index by which each inbox asks for its own.
            models.UniqueConstraint(
                name="inbox_row_snoozed_once", fields=["user", "kind", "subject"]
            )
        ]


class InboxViewQuerySet(models.QuerySet["InboxView"]):
    def visible_to(self, actor: Actor) -> Self:
        return self.filter(Q(user=actor.user_id) | Q(is_shared=True))


class InboxView(PublicModel):
    """Filters of a list with a name: coded ones only, no word of a case. One's own or the team's.

    `place` is the list: the inbox or the cases.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    place = models.CharField(
        max_length=5, default="inbox", choices=[("inbox", "inbox"), ("cases", "cases")]
    )
    name = models.CharField(max_length=40)
    filters = models.CharField(max_length=120)
    is_shared = models.BooleanField(default=False)

    objects = InboxViewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="inbox_view_once_per_person", fields=["user", "place", "name"]
            )
        ]
