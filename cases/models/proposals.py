"""What every rule of the house shares: proposed by one person, decided by another, never edited."""

from django.conf import settings
from django.db import models

from cases.models.base import PublicModel
from cases.states import PolicyState


class Proposal(PublicModel):
    """Who proposed it and why, who decided it, and the hash of what was decided on."""

    reason = models.TextField()
    state = models.CharField(max_length=12, default=PolicyState.PROPOSED.value)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    content_hash = models.CharField(max_length=64)

    class Meta:
        abstract = True


def decided_by_a_second_person(name: str) -> models.CheckConstraint:
    """The database refuses a decision by who proposed it, and a decided state without anybody."""
    return models.CheckConstraint(
        name=name,
        condition=models.Q(state="proposed", decided_by=None)
        | (~models.Q(state="proposed") & ~models.Q(decided_by=models.F("proposed_by"))),
    )
