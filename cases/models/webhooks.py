"""Webhooks: which host is told that something changed, and each telling as a row of its own."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import PublicModel, state_is_known
from cases.states import DeliveryState

WEBHOOK_EVENTS = [
    ("freeze", _("A freeze changed its state")),
    ("finding", _("A finding changed its state")),
    ("referral", _("A referral changed its state")),
    ("request", _("An agency's request came in or changed its state")),
    ("run", _("A trace was collected")),
]


class Webhook(PublicModel):
    """A host of the house that is told ids of what changed; the operator names it.

    Its secret is derived, never stored: `key_number` counts how often it was renewed.
    """

    name = models.CharField(max_length=60, unique=True)
    url = models.CharField(max_length=300)
    events = models.JSONField(default=list)
    is_on = models.BooleanField(default=True)
    key_number = models.PositiveSmallIntegerField(default=1)
    added_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]


class WebhookDelivery(models.Model):
    """One telling, written with the change itself; its id is what the receiver knows it by."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    webhook = models.ForeignKey(Webhook, models.PROTECT, related_name="deliveries")
    event = models.CharField(max_length=12, choices=WEBHOOK_EVENTS)
    subject = models.UUIDField()
    state = models.CharField(max_length=10, default=DeliveryState.PENDING.value)
    created_at = models.DateTimeField()
    num_tries = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)  # the host's last answer
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            state_is_known("delivery_state_is_known", DeliveryState),
            models.CheckConstraint(
                name="delivery_sending_has_a_lease",
                condition=Q(state="sending", lease_until__isnull=False)
                | (~Q(state="sending") & Q(lease_until=None)),
            ),
        ]
        indexes = [
            # The sender: what still has to go out.
            models.Index(
                fields=["created_at"], name="delivery_open",
                condition=Q(state__in=["pending", "sending"]),
            ),
            # The page of deliveries, newest first.
            models.Index(fields=["-created_at"], name="delivery_newest"),
        ]  # fmt: skip
