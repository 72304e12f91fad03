"""Webhooks and their deliveries as their page shows them."""

from dataclasses import dataclass

from cases.models import Webhook, WebhookDelivery
from cases.queries.keyset import PAGE_ROWS


@dataclass(frozen=True)
class WebhookPage:
    """`deliveries` newest first; those that were given up stand in `failed`, all of them."""

    hooks: list[Webhook]
    failed: list[WebhookDelivery]
    deliveries: list[WebhookDelivery]


def webhook_page() -> WebhookPage:
    """Every webhook, what was given up (at most 200) and the newest 50 deliveries: 3 queries."""
    rows = WebhookDelivery.objects.select_related("webhook").order_by("-created_at")
    return WebhookPage(
        list(Webhook.objects.all()),
        list(rows.filter(state="failed")[:200]),
        list(rows.exclude(state="failed")[:PAGE_ROWS]),
    )
