"""Webhooks of what officers do: their own door knows none, so a worker tells it afterwards."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from cases.models import InformationRequest, RequestMessage, Webhook, WebhookDelivery
from cases.services.webhooks import announce

LOOKED_BACK = timedelta(days=7)
AT_ONCE = 200


@transaction.atomic
def announce_officers_acts() -> int:
    """Tell the hosts of requests that came in, and of answers, through the officers' door.

    Each once, also where two workers look: they take turns at the hosts' rows. Returns how many
    were told: 1 query where no host asked for requests, else 4 and those of `announce`.
    """
    hooks = Webhook.objects.filter(is_on=True).order_by("pk").select_for_update(no_key=True)
    asked = [hook.added_at for hook in hooks if "request" in hook.events]
    if not asked:
        return 0
    since = max(min(asked), timezone.now() - LOOKED_BACK)
    acts = _officers_acts(since)
    told = dict(
        WebhookDelivery.objects.filter(event="request", subject__in=acts, created_at__gte=since)
        .values_list("subject")
        .annotate(at=Max("created_at"))
        .order_by()
    )
    due = [subject for subject, at in acts.items() if subject not in told or told[subject] < at]
    for subject in due:
        announce("request", subject)
    return len(due)


def _officers_acts(since: datetime) -> dict[UUID, datetime]:
    """When an officer last did something to a request, by its public id: 2 queries."""
    filed = InformationRequest.objects.filter(channel="portal", received_at__gte=since)
    found = dict(filed.order_by("-received_at").values_list("public_id", "received_at")[:AT_ONCE])
    answers = RequestMessage.objects.filter(from_agency=True, at__gte=since).order_by("-at")
    for subject, at in answers.values_list("request__public_id", "at")[:AT_ONCE]:
        found[subject] = max(at, found.get(subject, at))
    return found
