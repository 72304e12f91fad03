"""Preservation: data of accounts is kept for an agency until somebody decides; no hold of value."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.models.base import PublicModel, state_is_known
from cases.models.requests import InformationRequest
from cases.policy import Actor, visible_requests
from cases.states import PreservationState


class PreservationQuerySet(models.QuerySet["Preservation"]):
    def visible_to(self, actor: Actor) -> "PreservationQuerySet":
        """Those of requests that the actor may see: each goes where its request goes."""
        mine = InformationRequest.objects.filter(visible_requests(actor))
        return self.filter(request__in=mine.values("pk"))


class Preservation(PublicModel):
    """One request's data, from a time until another; its end asks a person and ends nothing.

    `accounts` are the account numbers that matched when it began.
    """

    request = models.ForeignKey(InformationRequest, models.PROTECT, related_name="preservations")
    accounts = models.JSONField(default=list)
    state = models.CharField(max_length=8, default=PreservationState.ACTIVE.value)
    starts_at = models.DateTimeField()
    until = models.DateTimeField()
    source = models.CharField(max_length=300)  # of the clock that it runs by
    num_renewals = models.PositiveSmallIntegerField(default=0)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)
    end_reason = models.TextField(blank=True)

    objects = PreservationQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("preservation_state_is_known", PreservationState),
            models.UniqueConstraint(
                name="one_live_preservation_per_request", fields=["request"],
                condition=Q(state="active"),
            ),
            models.CheckConstraint(
                name="preservation_ends_after_it_starts", condition=Q(until__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="preservation_ended_by_a_person",
                condition=Q(state="active", ended_by=None, ended_at=None)
                | Q(state="ended", ended_by__isnull=False, ended_at__isnull=False),
            ),
        ]  # fmt: skip
        indexes = [
            # The inbox: what falls due next.
            models.Index(
                fields=["until"], name="preservation_due", condition=Q(state="active")
            )
        ]  # fmt: skip
