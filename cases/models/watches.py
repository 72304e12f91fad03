"""What one person keeps an eye on, and what was noticed of it."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import PublicModel
from cases.models.cases import Case
from cases.policy import Actor, visible_cases

WATCH_KINDS = [("wallet", _("Wallet")), ("freeze", _("Freeze")), ("run", _("Trace"))]
NOTICE_KINDS = [
    ("moved", _("The balance of a wallet moved")),
    ("state", _("A freeze changed its state")),
    ("ending", _("A freeze or hold is about to end")),
    ("finished", _("A trace is over")),
    ("drift", _("A trace would conclude something else today")),
]


class WatchQuerySet(models.QuerySet["Watch"]):
    def visible_to(self, actor: Actor) -> Self:
        """One's own, of cases that one still sees."""
        return self.filter(visible_cases(actor, "case__"), user=actor.user_id)


class Watch(PublicModel):
    """One row of a case that one person watches; `seen` is how it was when last looked at."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=6, choices=WATCH_KINDS)
    subject = models.UUIDField()
    name = models.CharField(max_length=120)  # what the page calls it: a reference, a short address
    seen = models.CharField(max_length=200, blank=True)
    added_at = models.DateTimeField()
    looked_at = models.DateTimeField()

    objects = WatchQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="watched_once", fields=["user", "kind", "subject"])
        ]
        indexes = [
            # The sweep: what was looked at longest ago.
            models.Index(fields=["looked_at"], name="watch_looked_at")
        ]


class WatchNoticeQuerySet(models.QuerySet["WatchNotice"]):
    def visible_to(self, actor: Actor) -> Self:
        return self.filter(visible_cases(actor, "watch__case__"), watch__user=actor.user_id)


class WatchNotice(PublicModel):
    """Something that changed, for the person who watches; it goes once it was read."""

    watch = models.ForeignKey(Watch, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=8, choices=NOTICE_KINDS)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    objects = WatchNoticeQuerySet.as_manager()

    class Meta:
        indexes = [
            # The inbox and the mails: what nobody read yet.
            models.Index(fields=["at"], name="notice_unread", condition=Q(read_at=None))
        ]
