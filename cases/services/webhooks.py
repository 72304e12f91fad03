"""Webhooks: a change writes one row for each host that asked; workers send, the row is the truth.

    pending -> sending        committed before the call, with a lease
    sending -> delivered      the host answered 2xx
            -> pending        it did not, or nobody came back: again after 30 s, 1, 2, 4 min ...
            -> failed         after twelve tries; a person may send it again

A host may be told twice and knows it by the id. What it learns are ids and the kind of the row;
what it may read of them it asks the API, as somebody.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.gateways.webhooks import WebhookFailed, check_webhook_url, send_webhook
from cases.hints import SEND_WEBHOOKS, hint_on_commit
from cases.models import Webhook, WebhookDelivery
from cases.models.webhooks import WEBHOOK_EVENTS
from cases.policy import SYSTEM, Action, Actor, require
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.steps import swap_state
from cases.services.validation import check_fields, require_text
from cases.states import DELIVERY, DeliveryAction, DeliveryState, InvalidTransition
from cases.times import iso

logger = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
MOST_TRIES = 12
FIRST_PAUSE_SECONDS = 30
LONGEST_PAUSE_SECONDS = 6 * 3600


def announce(event: str, subject: UUID) -> None:
    """Write a row for each host that wants to know, in the transaction of the change: 1 query.

    One more where there are such hosts.
    """
    hooks = [hook for hook in Webhook.objects.filter(is_on=True) if event in hook.events]
    if not hooks:
        return
    now = timezone.now()
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(webhook=hook, event=event, subject=subject, created_at=now)
        for hook in hooks
    )
    hint_on_commit(SEND_WEBHOOKS)


def secret_of(webhook: Webhook) -> str:
    """What the receiver checks signatures with: derived from this installation's secret key."""
    seed = f"tracehold-webhook\0{webhook.public_id}\0{webhook.key_number}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), seed, hashlib.sha256).hexdigest()


@transaction.atomic
def add_webhook(name: str, url: str, events: Sequence[str]) -> Webhook:
    """Keep a host that is told of these events from now on. Raises CaseworkError."""
    try:
        check_webhook_url(url)
    except WebhookFailed as error:
        raise CaseworkError(str(error)) from None
    unknown = sorted(set(events) - set(dict(WEBHOOK_EVENTS)))
    if unknown or not events:
        known = ", ".join(dict(WEBHOOK_EVENTS))
        raise CaseworkError(_("Choose events from: %(known)s.") % {"known": known})
    hook = Webhook(
        name=require_text(name, _("Name the webhook.")), url=url, events=sorted(set(events)),
        added_at=timezone.now(),
    )  # fmt: skip
    check_fields(hook, "name", "url")
    try:
        with transaction.atomic():
            hook.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("A webhook of this name is there already.")) from error
    _record("add_webhook", hook)
    return hook


@transaction.atomic
def switch_webhook(name: str, *, is_on: bool) -> Webhook:
    """Tell a host again, or no more; what waits for it waits. Raises CaseworkError."""
    hook = find_webhook(name)
    if Webhook.objects.filter(pk=hook.pk).exclude(is_on=is_on).update(is_on=is_on):
        hook.is_on = is_on
        _record("start_webhook" if is_on else "stop_webhook", hook)
    return hook


@transaction.atomic
def renew_webhook(name: str) -> Webhook:
    """Give a webhook another secret; the old one counts no more. Raises CaseworkError."""
    hook = find_webhook(name)
    Webhook.objects.filter(pk=hook.pk).update(key_number=F("key_number") + 1)
    hook.refresh_from_db()
    _record("renew_webhook", hook)
    return hook


def find_webhook(name: str) -> Webhook:
    """The webhook of this name. Raises CaseworkError."""
    hook = Webhook.objects.filter(name=name).first()
    if hook is None:
        raise CaseworkError(_("No webhook is called %(name)s.") % {"name": name})
    return hook


def _record(action: str, hook: Webhook) -> None:
    record_event(
        None, action, f"webhook:{hook.public_id}", by=SYSTEM,
        data={"name": hook.name, "url": hook.url, "events": list(hook.events)},
    )  # fmt: skip


def _due() -> QuerySet[WebhookDelivery]:
    """What is due. By a list of webhooks, not a join: an update of a join tests the state inside a
    subquery, which PostgreSQL does not run again for who waited for another worker.
    """
    waited = Q(not_before=None) | Q(not_before__lte=Now())
    return WebhookDelivery.objects.filter(
        (Q(state=DeliveryState.PENDING.value) & waited)
        | Q(state=DeliveryState.SENDING.value, lease_until__lt=Now())
    ).filter(webhook__in=Webhook.objects.filter(is_on=True))


def send_due_deliveries(limit: int = 100) -> int:
    """Send what is due, oldest first; returns how many were tried. Two workers share them out.

    A host that does not answer is left alone until the next round: others do not wait for it.
    """
    due = _due().order_by("created_at").values_list("pk", "webhook")[:limit]
    silent: set[int] = set()
    num_tried = 0
    for pk, hook in list(due):
        if hook in silent:
            continue
        outcome = _try(pk)
        num_tried += outcome is not None
        if outcome is False:
            silent.add(hook)
    return num_tried


def _try(pk: UUID) -> bool | None:
    """Take one row, call outside of any transaction, and write what came of it; None: not ours."""
    taken = _due().filter(pk=pk).update(
        state=DeliveryState.SENDING.value, lease_until=Now() + LEASE, not_before=None,
        num_tries=F("num_tries") + 1,
    )  # fmt: skip
    if not taken:
        return None
    row = WebhookDelivery.objects.select_related("webhook").get(pk=pk)
    told = {
        "id": str(row.pk),
        "event": f"{row.event}.changed",
        "subject": str(row.subject),
        "at": iso(row.created_at),
    }
    secret = secret_of(row.webhook).encode()
    try:
        status = send_webhook(row.webhook.url, told, secret, int(timezone.now().timestamp()))
    except WebhookFailed as error:
        _put_back(row, str(error), error.status)
        return False
    _end(row, DeliveryAction.CONFIRM, status=status, error="", delivered_at=timezone.now())
    return True


def _put_back(row: WebhookDelivery, error: str, status: int | None) -> None:
    if row.num_tries >= MOST_TRIES:
        _end(row, DeliveryAction.GIVE_UP, status=status, error=error[:200])
        logger.warning("webhook_given_up", delivery=str(row.pk))
        return
    pause = min(FIRST_PAUSE_SECONDS * 2 ** (row.num_tries - 1), LONGEST_PAUSE_SECONDS)
    _end(
        row, DeliveryAction.RETRY, status=status, error=error[:200],
        not_before=Now() + timedelta(seconds=pause),
    )  # fmt: skip


def _end(row: WebhookDelivery, action: DeliveryAction, **fields: object) -> None:
    """Write the end of this try; of one whose lease ran out the next try's counts."""
    new = DELIVERY[(DeliveryState.SENDING, action)]
    WebhookDelivery.objects.filter(
        pk=row.pk, state=DeliveryState.SENDING.value, num_tries=row.num_tries
    ).update(state=new.value, lease_until=None, **fields)


@transaction.atomic
def redeliver(delivery: WebhookDelivery, *, by: Actor) -> WebhookDelivery:
    """Send one again under the same id, as a person who answers for it.

    Raises PermissionDenied, InvalidTransition where it waits or is on its way.
    """
    require(by, Action.MANAGE_WEBHOOKS)
    delivery.refresh_from_db()
    if (DeliveryState(delivery.state), DeliveryAction.REDELIVER) not in DELIVERY:
        raise InvalidTransition(_("This waits to be sent already."))
    swap_state(
        delivery, DELIVERY, DeliveryAction.REDELIVER, "this delivery",
        num_tries=0, not_before=None, delivered_at=None, error="",
    )  # fmt: skip
    record_event(
        None, "redeliver", f"delivery:{delivery.pk}", by=by,
        data={"webhook": str(delivery.webhook.public_id), "event": delivery.event},
    )  # fmt: skip
    hint_on_commit(SEND_WEBHOOKS)
    return delivery
