"""The door through which runs are asked for, cancelled and watched over.

The row is the job, a message is a hint: losing every message delays a run by seconds and loses
nothing (TRUST section 1). What a worker writes stands in leases.py.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce, Greatest, Now

from tracing import runner
from tracing.attribution import (
    HouseTag,
    LabelReport,
    load_sanctions,
    load_tags,
    publish_tag,
    withdraw_tag,
)
from tracing.drift import mark_drift_told, untold_drifts, watch_runs
from tracing.engine.spec import TraceParameters
from tracing.failpoints import failpoint
from tracing.follow import follow
from tracing.hints import hint_on_commit, send_hint
from tracing.leases import Fenced, claimable, requester_is_active
from tracing.ledgers import names
from tracing.models import TraceRun
from tracing.open_ledgers import opened_accounts, opened_ledger
from tracing.replay import repeat_newest, repeats
from tracing.rulings import hold_apart, join_again, lift_ruling, overrule_claims
from tracing.staleness import mark_stale_runs, mark_stale_told, untold_stale_runs
from tracing.states import LIVE_STATES, BoundaryKind, RunError, RunState
from tracing.tag_index import index_now
from tracing.walls import walls_sha256, write_walls

__all__ = [
    "STALE_TASK",
    "BoundaryKind",
    "BoundaryRow",
    "Fenced",
    "HouseTag",
    "LabelReport",
    "RunState",
    "TraceParameters",
    "cancel",
    "carry_now",
    "end_idle_cancelled",
    "fail_exhausted",
    "fail_orphaned",
    "failpoint",
    "hint_claimable",
    "hint_on_commit",
    "hold_apart",
    "join_again",
    "lift_ruling",
    "load_sanctions",
    "load_tags",
    "mark_collected",
    "mark_drift_told",
    "mark_stale_runs",
    "mark_stale_told",
    "num_live",
    "num_running",
    "num_waiting_for",
    "oldest_claimable_seconds",
    "overrule_claims",
    "prepare_walls",
    "publish_tag",
    "queue",
    "repeat_newest",
    "repeats",
    "send_hint",
    "set_boundaries",
    "take_uncollected",
    "untold_drifts",
    "untold_stale_runs",
    "watch_runs",
    "withdraw_tag",
]

logger = structlog.get_logger(__name__)

RUN_TASK = "tracing.run"
STALE_TASK = "cases.note_stale_traces"


@dataclass(frozen=True)
class BoundaryRow:
    """One address where a trace stops; `kind` is a BoundaryKind value."""

    ledger: str
    address: str
    kind: str
    label: str = ""


def queue(case: UUID, requested_by: int, parameters: TraceParameters) -> TraceRun:
    """Put a run in the queue and hint a worker after the commit.

    A second submit of the same question while the first still runs returns the first run: the
    database holds one live run per case and parameters.
    """
    digest = parameters.params_hash
    live = TraceRun.objects.filter(case=case, params_hash=digest, state__in=LIVE_STATES)
    try:
        with transaction.atomic():
            run = TraceRun.objects.create(
                case=case,
                requested_by=requested_by,
                ledger=parameters.ledger,
                mode=parameters.mode,
                parameters=parameters.to_json(),
                params_hash=digest,
            )
    except IntegrityError:
        run = live.get()
    hint_on_commit(RUN_TASK, run.pk)
    return run


def cancel(public_id: UUID, case: UUID) -> bool:
    """Ask a live run of this case to end; False when it has ended already.

    A queued run ends at once, a running one at its next checkpoint.
    """
    runs = TraceRun.objects.filter(public_id=public_id, case=case, state__in=LIVE_STATES)
    with transaction.atomic():
        asked = runs.filter(cancel_requested_at__isnull=True).update(cancel_requested_at=Now())
        end_idle_cancelled(runs.values_list("pk", flat=True))
    return bool(asked)


def carry_now(public_id: UUID) -> None:
    """Carry a queued run in this process, or wait for the worker that claimed it first.

    For programs that load or replay casework; returns when the run is over.
    """
    run_id = TraceRun.objects.values_list("pk", flat=True).get(public_id=public_id)
    live = TraceRun.objects.filter(pk=run_id, state__in=LIVE_STATES)
    while live.exists():
        runner.run(run_id, follow)
        time.sleep(0.1)


def hint_claimable(limit: int = 100) -> int:
    """Hint what may be claimed and was not hinted lately; two dispatchers do no harm."""
    stale = Q(hinted_at__isnull=True) | Q(
        hinted_at__lt=Now() - timedelta(seconds=settings.HINT_SECONDS)
    )
    sent = 0
    for run_id in list(claimable().filter(stale).values_list("pk", flat=True)[:limit]):
        if not TraceRun.objects.filter(stale, pk=run_id).update(hinted_at=Now()):
            continue
        if not send_hint(RUN_TASK, run_id):  # the first round that reaches the broker tells it
            TraceRun.objects.filter(pk=run_id).update(hinted_at=None)
            break
        sent += 1
    return sent


def fail_exhausted() -> int:
    """End runs that died five times without a new checkpoint."""
    return _fail_idle(
        Q(num_tries_left=0),
        RunError.CRASHED,
        "The run stopped five times without getting further. Nothing was kept of it.",
    )


def fail_orphaned() -> int:
    """End runs whose requester may no longer act (J13)."""
    return _fail_idle(
        ~Q(requester_is_active()),
        RunError.REQUESTER,
        "The account of the person who asked for this run was closed.",
    )


def end_idle_cancelled(run_ids: Iterable[int] | None = None) -> int:
    """End cancelled runs that no worker holds."""
    runs = TraceRun.objects.filter(_idle(), cancel_requested_at__isnull=False)
    if run_ids is not None:
        runs = runs.filter(pk__in=list(run_ids))
    return runs.update(
        state=RunState.CANCELLED, lease_until=None, finished_at=Now(), attempt=F("attempt") + 1
    )


def take_uncollected(limit: int = 100) -> list[UUID]:
    """Done runs whose findings nobody took and that were not hinted lately; marks them hinted."""
    stale = Q(hinted_at__isnull=True) | Q(
        hinted_at__lt=Greatest(F("finished_at"), Now() - timedelta(seconds=settings.HINT_SECONDS))
    )
    waiting = TraceRun.objects.filter(
        stale, state=RunState.DONE, collected_at__isnull=True
    ).order_by("finished_at")
    # Compare the condition, never the time read: SQLite's clock writes other digits than Python.
    return [
        public_id
        for pk, public_id in list(waiting.values_list("pk", "public_id")[:limit])
        if TraceRun.objects.filter(stale, pk=pk).update(hinted_at=Now())
    ]


def mark_collected(public_id: UUID) -> bool:
    """Say that the findings of a done run were taken; True for the first caller only."""
    return bool(
        TraceRun.objects.filter(
            public_id=public_id, state=RunState.DONE, collected_at__isnull=True
        ).update(collected_at=Now())
    )


def oldest_claimable_seconds() -> float:
    """How long the oldest claimable run has waited: above 120 s the worker is deaf (J14)."""
    oldest = (
        claimable()
        .annotate(since=Coalesce("lease_until", Greatest("not_before", "queued_at")), now=Now())
        .order_by("since")
        .values_list("since", "now")
        .first()
    )
    return 0.0 if oldest is None else float((oldest[1] - oldest[0]).total_seconds())


def num_waiting_for(person: int) -> int:
    """Runs that this person asked for and that are not over; the index of live runs serves it."""
    return TraceRun.objects.filter(requested_by=person, state__in=LIVE_STATES).count()


def num_running() -> int:
    """Runs that a worker holds now."""
    return TraceRun.objects.filter(state=RunState.RUNNING, lease_until__gte=Now()).count()


def num_live() -> dict[str, int]:
    """Runs that are not over, by state, and done ones whose findings nobody took yet: 2 queries."""
    rows = TraceRun.objects.filter(state__in=LIVE_STATES).values_list("state")
    found = dict.fromkeys(sorted(LIVE_STATES), 0) | dict(rows.annotate(n=Count("pk")))
    uncollected = TraceRun.objects.filter(state=RunState.DONE, collected_at__isnull=True)
    return found | {"uncollected": uncollected.count()}


def set_boundaries(source: str, rows: Iterable[BoundaryRow]) -> int:
    """Replace every boundary of one source, in one transaction. Returns how many there are now."""
    return _write_boundaries(source, rows, is_whole=True)


def add_boundaries(source: str, rows: Iterable[BoundaryRow]) -> int:
    """Add boundaries to those of one source; known ones stay. Returns how many were given."""
    return _write_boundaries(source, rows, is_whole=False)


def _write_boundaries(source: str, rows: Iterable[BoundaryRow], *, is_whole: bool) -> int:
    wanted = [
        (row.ledger, row.address, BoundaryKind(row.kind).value, row.label[:120]) for row in rows
    ]
    write_walls(source, wanted, is_whole=is_whole)
    return len(wanted)


def prepare_walls(ledger: str) -> None:
    """Find what a loaded ledger has seen of the walls, so that no page has to wait for it.

    Nothing where the ledger is not loaded. Cost: about 5 us a wall that came, and clusters.
    """
    if ledger not in names.present(settings.FIU_HOME):
        return
    is_account = names.is_account(ledger)
    index_now(opened_accounts(ledger) if is_account else opened_ledger(ledger))
    walls_sha256(ledger)


def _idle() -> Q:
    """No worker holds it: queued, or running with a lease that has ended."""
    return Q(state=RunState.QUEUED) | Q(state=RunState.RUNNING, lease_until__lt=Now())


def _fail_idle(which: Q, error: RunError, sentence: str) -> int:
    failed = TraceRun.objects.filter(_idle(), which, cancel_requested_at__isnull=True).update(
        state=RunState.FAILED,
        lease_until=None,
        finished_at=Now(),
        error=error,
        error_text=sentence,
        attempt=F("attempt") + 1,
    )
    if failed:
        logger.error("runs_failed", reason=error.value, number=failed)
    return failed
