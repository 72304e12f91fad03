"""The statements by which a worker holds a run: claim, renew, save, end. No other module has them.

Every write carries the fence: `WHERE id AND attempt AND state = running`. A worker that lost its
lease changes nothing and learns it by `Fenced` (TRUST J1 to J7).
"""

import hashlib
import json
import zlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Least, Now

from tracing.errors import TracingError
from tracing.failpoints import failpoint
from tracing.models import MAXIMUM_TRIES, TraceResult, TraceRun
from tracing.states import RunError, RunState

MAXIMUM_BACKOFF_SECONDS = 300
UNREACHABLE_AFTER = timedelta(hours=24)
ONE_TRY_BACK = Least(F("num_tries_left") + 1, Value(MAXIMUM_TRIES))


class Fenced(TracingError):
    """The run belongs to another attempt now: roll back and stop."""


@dataclass(frozen=True)
class Claim:
    """A run held by this worker until its lease ends."""

    run_id: int
    public_id: UUID
    attempt: int
    step: int
    ledger: str
    mode: str
    parameters: dict[str, Any]
    checkpoint: dict[str, Any] | None


def claimable() -> QuerySet[TraceRun]:
    """Runs that a worker may take now, oldest first."""
    return TraceRun.objects.filter(
        Q(state=RunState.QUEUED, not_before__lte=Now())
        | Q(state=RunState.RUNNING, lease_until__lt=Now()),
        num_tries_left__gt=0,
        cancel_requested_at__isnull=True,
    ).order_by("pk")


def requester_is_active() -> Exists:
    """J13: a run works in the name of its requester, so that account must be open."""
    return Exists(
        get_user_model()._default_manager.filter(pk=OuterRef("requested_by"), is_active=True)
    )


def claim(run_id: int, worker: str) -> Claim | None:
    """Take a run; None when it is not ours to take: drop the hint, no error, no retry."""
    with transaction.atomic():
        taken = (
            claimable()
            .order_by()
            .filter(requester_is_active(), pk=run_id)
            .update(
                state=RunState.RUNNING,
                attempt=F("attempt") + 1,
                num_tries_left=F("num_tries_left") - 1,
                lease_until=Now() + timedelta(seconds=settings.LEASE_SECONDS),
                heartbeat_at=Now(),
                worker=worker[:120],
            )
        )
        if not taken:
            return None
        failpoint("run.claim")
        TraceRun.objects.filter(pk=run_id, started_at__isnull=True).update(started_at=Now())
        run = TraceRun.objects.get(pk=run_id)
    failpoint("run.claimed")
    return Claim(
        run_id=run.pk,
        public_id=run.public_id,
        attempt=run.attempt,
        step=run.step,
        ledger=run.ledger,
        mode=run.mode,
        parameters=run.parameters,
        checkpoint=read_checkpoint(run),
    )


def heartbeat(held: Claim) -> None:
    """Renew the lease."""
    _write(
        held,
        lease_until=Now() + timedelta(seconds=settings.LEASE_SECONDS),
        heartbeat_at=Now(),
    )
    failpoint("run.heartbeat")


def report(held: Claim, progress: dict[str, Any]) -> bool:
    """Show the progress to whoever watches; True when somebody asked to cancel."""
    _write(held, progress=progress)
    return TraceRun.objects.filter(pk=held.run_id, cancel_requested_at__isnull=False).exists()


def checkpoint(held: Claim, step: int, state: dict[str, Any], progress: dict[str, Any]) -> bool:
    """Save a point to start again from; it gives all tries back. True when asked to cancel.

    `state` is {"kernel": ..., "partial": ...}: what resumes the engine, what people may see.
    """
    text, digest = _packed(state)
    failpoint("run.checkpoint")
    _write(
        held,
        step=step,
        checkpoint=text,
        checkpoint_sha256=digest,
        progress=progress,
        num_tries_left=MAXIMUM_TRIES,
        num_unreachable=0,
        unreachable_since=None,
    )
    failpoint("run.checkpointed")
    return TraceRun.objects.filter(pk=held.run_id, cancel_requested_at__isnull=False).exists()


def finish(held: Claim, result: dict[str, Any], progress: dict[str, Any]) -> None:
    """End the run with its one result, in one transaction."""
    snapshot = result["seal"].get("snapshot", {})
    with transaction.atomic():
        _write(
            held,
            state=RunState.DONE,
            lease_until=None,
            finished_at=Now(),
            progress=progress,
            checkpoint=None,
            checkpoint_sha256="",
        )
        failpoint("run.finish")
        TraceResult.objects.create(
            run_id=held.run_id,
            result=zlib.compress(canonical(result), 6),
            result_sha256=result["seal"]["result_sha256"],
            ledger=snapshot.get("ledger", held.ledger),
            epoch=snapshot.get("epoch", 0),
        )
        failpoint("run.result")
    failpoint("run.finished")


def fail(held: Claim, error: RunError, sentence: str) -> None:
    """End the run for good: another try would fail alike."""
    _write(
        held,
        state=RunState.FAILED,
        lease_until=None,
        finished_at=Now(),
        error=error,
        error_text=sentence[:500],
    )


def end_cancelled(held: Claim) -> None:
    """End the run because somebody asked for it; the last checkpoint stays readable."""
    _write(held, state=RunState.CANCELLED, lease_until=None, finished_at=Now())


def yield_run(held: Claim) -> None:
    """Give the run back, with its try: another worker goes on from the last checkpoint."""
    _write(
        held,
        state=RunState.QUEUED,
        lease_until=None,
        num_tries_left=ONE_TRY_BACK,
        not_before=Now(),
        hinted_at=None,
    )


def give_up_attempt(held: Claim) -> None:
    """The attempt broke: back to the queue without the try, so that five of them end the run."""
    _write(
        held,
        state=RunState.QUEUED,
        lease_until=None,
        not_before=Now() + timedelta(seconds=2 ** min(held.attempt, 6)),
        hinted_at=None,
    )


def postpone(held: Claim, sentence: str) -> None:
    """Something outside does not answer: try again in 2, 4, 8 ... 300 s, fail after 24 h."""
    with transaction.atomic():
        run = TraceRun.objects.get(pk=held.run_id)
        seconds = min(2 ** min(run.num_unreachable + 1, 9), MAXIMUM_BACKOFF_SECONDS)
        if run.unreachable_since is None:
            _write(held, unreachable_since=Now())
        elif TraceRun.objects.filter(
            pk=held.run_id, unreachable_since__lt=Now() - UNREACHABLE_AFTER
        ).exists():
            fail(held, RunError.UNREACHABLE, sentence)
            return
        _write(
            held,
            state=RunState.QUEUED,
            lease_until=None,
            num_tries_left=ONE_TRY_BACK,
            num_unreachable=F("num_unreachable") + 1,
            not_before=Now() + timedelta(seconds=seconds),
            hinted_at=None,
        )


def read_checkpoint(run: TraceRun) -> dict[str, Any] | None:
    """The saved point of a run; None when there is none or its hash does not fit."""
    if run.checkpoint is None:
        return None
    try:
        text = zlib.decompress(bytes(run.checkpoint))
    except zlib.error:
        return None
    if hashlib.sha256(text).hexdigest() != run.checkpoint_sha256:
        return None
    state: dict[str, Any] = json.loads(text)
    return state


def canonical(content: object) -> bytes:
    """JSON with sorted keys and no spaces. Amounts are strings in it, so no number loses digits."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _packed(state: dict[str, Any]) -> tuple[bytes, str]:
    text = canonical(state)
    return zlib.compress(text, 1), hashlib.sha256(text).hexdigest()


def _write(held: Claim, **fields: object) -> None:
    changed = TraceRun.objects.filter(
        pk=held.run_id, attempt=held.attempt, state=RunState.RUNNING
    ).update(**fields)
    if not changed:
        raise Fenced(f"run {held.run_id}: attempt {held.attempt} has lost its lease")
