"""Numbers for a monitoring system, as Prometheus reads them: of the machinery, not of cases.

No name, no id, no text of anybody; nothing of suspicion reports, not even how many. All of it is
asked of the rows and files at that moment, so every process answers the same.
"""

import hmac
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from django.conf import settings
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from cases.acting import acting_as
from cases.checkpoints import folder_of_settings, last_checkpoint
from cases.models import AuditEvent, OutboxMessage
from cases.policy import SYSTEM
from tracing import jobs, reads

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPEN_ORDERS = ("pending", "sending", "unknown")


@dataclass(frozen=True, slots=True)
class Sample:
    """One number; `labels` are names of ours such as a state or a ledger."""

    name: str
    meaning: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The page, for whoever may scrape; to everybody else it does not exist.

    Cost: 5 queries and one small file a ledger.
    """
    if not may_scrape(request):
        raise Http404
    with acting_as(SYSTEM):  # the scraper is nobody, to whom row security shows no order
        return HttpResponse(as_text(samples()), content_type=MEDIA_TYPE)


def may_scrape(request: HttpRequest) -> bool:
    """With the token where one is set; else from this machine, and through no proxy."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    try:
        is_here = ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:  # a socket of this machine has no address; who is behind it is not known
        return False
    return is_here and "X-Forwarded-For" not in request.headers


def samples() -> Iterator[Sample]:
    """Everything on the page. Raises DatabaseError: a scrape then fails, as it should."""
    begun = time.perf_counter()
    yield from _runs()
    yield from _orders()
    newest = AuditEvent.objects.order_by("-at").values_list("at", flat=True).first()
    if newest is not None:
        age = (timezone.now() - newest).total_seconds()
        yield Sample("audit_event_age_seconds", "since the newest audit event", age)
    checkpoint = last_checkpoint(folder_of_settings())
    if checkpoint is not None:
        age = (timezone.now() - checkpoint[1]).total_seconds()
        yield Sample("audit_checkpoint_age_seconds", "since the newest audit checkpoint", age)
    for ledger in reads.ledgers():
        labels = (("ledger", ledger.name),)
        yield Sample("ledger_height", "number of the newest block held", ledger.height, labels)
        age = (timezone.now() - ledger.tip_at).total_seconds()
        yield Sample("ledger_tip_age_seconds", "since the newest block was made", age, labels)
    free = shutil.disk_usage(settings.FIU_HOME).free
    yield Sample("state_free_bytes", "left on the disk of FIU_HOME", free)
    yield Sample("dispatcher_age_seconds", "since the dispatcher's last round", _round_age())
    took = time.perf_counter() - begun
    yield Sample("scrape_seconds", "that this page took", took)


def _runs() -> Iterator[Sample]:
    for state, number in jobs.num_live().items():
        yield Sample("runs", "trace runs that are not over", number, (("state", state),))
    waited = jobs.oldest_claimable_seconds()
    yield Sample("run_wait_seconds", "that the oldest run waits for a worker", waited)


def _orders() -> Iterator[Sample]:
    rows = OutboxMessage.objects.filter(state__in=OPEN_ORDERS).values("state")
    found = {row["state"]: row for row in rows.annotate(n=Count("pk"), oldest=Min("created_at"))}
    for state in OPEN_ORDERS:
        number = found[state]["n"] if state in found else 0
        yield Sample("orders", "orders to the exchange that are open", number, (("state", state),))
    since = [row["oldest"] for row in found.values()]
    waited = (timezone.now() - min(since)).total_seconds() if since else 0.0
    yield Sample("order_wait_seconds", "that the oldest open order waits", waited)


def _round_age() -> float:
    """-1 where it never ran, or runs on a disk that this process does not see."""
    try:
        return time.time() - (settings.FIU_HOME / "dispatcher.round").stat().st_mtime
    except OSError:
        return -1.0


def as_text(found: Iterable[Sample]) -> str:
    """Text format 0.0.4, the samples of one name together.

    Source: prometheus.io/docs/instrumenting/exposition_formats.
    """
    by_name: dict[str, list[Sample]] = {}
    for sample in found:
        by_name.setdefault(f"tracehold_{sample.name}", []).append(sample)
    lines = []
    for name, group in by_name.items():
        lines += [f"# HELP {name} {group[0].meaning}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_braced(each.labels)} {each.value!r}" for each in group]
    return "\n".join(lines) + "\n"


def _braced(labels: tuple[tuple[str, str], ...]) -> str:
    """Values are our own words: nothing in them needs an escape."""
    told = ",".join(f'{key}="{value}"' for key, value in labels)
    return f"{{{told}}}" if told else ""
