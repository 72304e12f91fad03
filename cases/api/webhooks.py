"""Webhooks: who is told of what, each delivery, and sending one again."""

from uuid import UUID

from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, Step, one, route, writing
from cases.api.fields import Nothing, Row
from cases.models import Webhook, WebhookDelivery
from cases.models.webhooks import WEBHOOK_EVENTS
from cases.policy import Action, Actor
from cases.services.webhooks import redeliver
from cases.states import DeliveryState

RIGHTS = (Action.MANAGE_WEBHOOKS,)
STATES = [(state.value, state.value) for state in DeliveryState]


def one_delivery(_actor: Actor, delivery_id: UUID) -> WebhookDelivery:
    """The delivery, for whom the door is open. Raises Http404."""
    rows = WebhookDelivery.objects.select_related("webhook")
    found: WebhookDelivery = one(rows, pk=delivery_id)
    return found


class WebhookAnswer(Row):
    """A host that is told ids of what changed; the operator names it."""

    id = serializers.UUIDField(source="public_id")
    events = serializers.ListField(child=serializers.ChoiceField(choices=WEBHOOK_EVENTS))

    class Meta:
        model = Webhook
        fields = ["id", "name", "url", "events", "is_on", "added_at"]


class DeliveryAnswer(Row):
    """One telling: what the receiver knows by `id`, and what became of it."""

    id = serializers.UUIDField()
    webhook = serializers.UUIDField(source="webhook.public_id")
    event = serializers.ChoiceField(choices=WEBHOOK_EVENTS)
    state = serializers.ChoiceField(choices=STATES)

    class Meta:
        model = WebhookDelivery
        fields = [
            "id", "webhook", "event", "subject", "state", "created_at", "num_tries", "not_before",
            "delivered_at", "status", "error",
        ]  # fmt: skip


class DeliveryFilter(FilterSet):
    """The list of deliveries."""

    event = ChoiceFilter(choices=WEBHOOK_EVENTS)
    state = ChoiceFilter(choices=STATES, field_name="state")


class Webhooks(Door):
    rights = RIGHTS
    calls = {"GET": Call(_("Webhooks by name"), WebhookAnswer, many=True)}

    def get(self, request: Request) -> Response:
        return self.tell(Webhook.objects.order_by("name"))


class Deliveries(Door):
    rights = RIGHTS
    calls = {
        "GET": Call(
            _("Deliveries of webhooks, newest first"), DeliveryAnswer, filters=DeliveryFilter,
            is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        return self.page(WebhookDelivery.objects.select_related("webhook"), "created_at")


urlpatterns = [
    route("webhooks", Webhooks, "webhook_list"),
    route("webhook-deliveries", Deliveries, "delivery_list"),
    route(
        "webhook-deliveries/<uuid:delivery_id>/redeliver", Step, "delivery_redeliver",
        find=one_delivery, service=redeliver, rights=RIGHTS,
        calls={"POST": writing(_("Send a delivery again, under its id"), DeliveryAnswer, Nothing)},
    ),
]  # fmt: skip
