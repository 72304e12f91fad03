"""Runs as others see them: frozen values, read through reads.py."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from tracing.leases import read_checkpoint
from tracing.models import TraceResult, TraceRun
from tracing.states import LIVE_STATES, RunState


@dataclass(frozen=True)
class RunView:
    """One run; `progress` has phase, addresses, transactions, frontier, depth, explained_pct.

    `error` is a code (tracing.states.RunError) and `error_text` the sentence for people, both empty
    unless the run failed. `result_sha256` is empty until it is done. `is_stale`: blocks it rests on
    left the chain (reads.stale_runs says more).
    """

    public_id: UUID
    case: UUID
    ledger: str
    mode: str
    parameters: dict[str, Any]
    params_hash: str
    state: str
    attempt: int
    progress: dict[str, Any]
    requested_by: int
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    is_cancel_requested: bool
    is_collected: bool
    error: str
    error_text: str
    result_sha256: str
    is_stale: bool

    @property
    def is_live(self) -> bool:
        """Queued or running: worth polling."""
        return self.state in LIVE_STATES

    @property
    def is_done(self) -> bool:
        return self.state == RunState.DONE


def run_view(public_id: UUID) -> RunView | None:
    """One run: 1 query. None when there is none of this id."""
    return next(iter(_views(TraceRun.objects.filter(public_id=public_id))), None)


def runs_of(case: UUID) -> list[RunView]:
    """All runs of a case, newest first: 1 query."""
    return list(_views(TraceRun.objects.filter(case=case).order_by("-queued_at", "-pk")))


def runs_by_id(public_ids: Iterable[UUID]) -> dict[UUID, RunView]:
    """Several runs at once: 1 query."""
    rows = TraceRun.objects.filter(public_id__in=list(public_ids))
    return {view.public_id: view for view in _views(rows)}


def live_runs() -> list[RunView]:
    """Runs queued or running anywhere, oldest first: 1 query. Callers filter what may be seen."""
    return list(_views(TraceRun.objects.filter(state__in=LIVE_STATES).order_by("queued_at")))


def result(public_id: UUID) -> dict[str, Any] | None:
    """The sealed result of a done run; None until then. 1 query, and the whole JSON in memory."""
    row = TraceResult.objects.filter(run__public_id=public_id).first()
    if row is None:
        return None
    content: dict[str, Any] = json.loads(zlib.decompress(bytes(row.result)))
    return content


def partial(public_id: UUID) -> dict[str, Any] | None:
    """What an unfinished run had found at its last checkpoint: `num_ends`, largest `ends`.

    None when there is no checkpoint or the run is done. The rows look like those of a result.
    """
    run = (
        TraceRun.objects.only("checkpoint", "checkpoint_sha256").filter(public_id=public_id).first()
    )
    state = None if run is None else read_checkpoint(run)
    if state is None:
        return None
    found: dict[str, Any] | None = state.get("partial")
    return found


def _views(runs: QuerySet[TraceRun]) -> Iterable[RunView]:
    rows = runs.defer("checkpoint").annotate(
        sha256=F("result__result_sha256"), stale_at=F("stale__noticed_at")
    )
    for run in rows:
        yield RunView(
            public_id=run.public_id,
            case=run.case,
            ledger=run.ledger,
            mode=run.mode,
            parameters=run.parameters,
            params_hash=run.params_hash,
            state=run.state,
            attempt=run.attempt,
            progress=run.progress,
            requested_by=run.requested_by,
            queued_at=run.queued_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            is_cancel_requested=run.cancel_requested_at is not None,
            is_collected=run.collected_at is not None,
            error=run.error,
            error_text=run.error_text,
            result_sha256=run.sha256 or "",
            is_stale=run.stale_at is not None,
        )
