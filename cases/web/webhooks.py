"""The page of webhooks: who is told, what went out, and what is sent again."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.http import AuthedRequest, require_at_the_door
from cases.models import WebhookDelivery
from cases.policy import Action
from cases.queries.webhooks import webhook_page
from cases.services.webhooks import redeliver
from cases.states import InvalidTransition

for_compliance = require_at_the_door(Action.MANAGE_WEBHOOKS)


@require_safe
@for_compliance
def webhook_list(request: AuthedRequest) -> HttpResponse:
    return render(request, "cases/webhook_list.html", {"page": webhook_page()})


@require_POST
@for_compliance
def delivery_redeliver(request: AuthedRequest, delivery_id: UUID) -> HttpResponse:
    delivery = get_object_or_404(WebhookDelivery.objects.select_related("webhook"), pk=delivery_id)
    try:
        redeliver(delivery, by=request.actor)
    except InvalidTransition as error:
        messages.info(request, str(error))
    else:
        messages.success(request, _("It is sent again, under the same id."))
    return redirect("webhook_list")


urlpatterns = [
    path("webhooks/", webhook_list, name="webhook_list"),
    path(
        "webhooks/deliveries/<uuid:delivery_id>/redeliver/",
        delivery_redeliver, name="delivery_redeliver",
    ),
]  # fmt: skip
