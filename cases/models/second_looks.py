"""Second looks: a sample of dismissed alerts, judged by another who is not told how it ended."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models.alerts import Alert
from cases.models.base import PublicModel
from cases.policy import Actor

JUDGEMENTS = [
    ("dismiss", _("I would dismiss it as well")),
    ("pursue", _("I would lead it to a case")),
]


class SecondLookQuerySet(models.QuerySet["SecondLook"]):
    def visible_to(self, actor: Actor) -> Self:
        """Those of alerts that the person may see."""
        return self.filter(alert__in=Alert.objects.visible_to(actor))


class SecondLook(PublicModel):
    """One dismissed alert of the sample; `first_by` dismissed or proposed it and may not judge."""

    alert = models.OneToOneField(Alert, models.PROTECT, related_name="second_look")
    drawn_at = models.DateTimeField()
    first_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    judgement = models.CharField(max_length=8, blank=True, choices=JUDGEMENTS)
    reason = models.TextField(blank=True)
    judged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    judged_at = models.DateTimeField(null=True)

    objects = SecondLookQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="second_look_is_by_another",
                condition=Q(judged_by=None, judgement="")
                | (
                    Q(judged_by__isnull=False, judgement__in=["dismiss", "pursue"])
                    & ~Q(judged_by=models.F("first_by"))
                    & (Q(proposed_by=None) | ~Q(judged_by=models.F("proposed_by")))
                ),
            )
        ]
        indexes = [
            # The list of those that wait, oldest first.
            models.Index(
                fields=["drawn_at"], name="second_look_waiting", condition=Q(judged_by=None)
            )
        ]
