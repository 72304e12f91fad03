"""Carries a claimed run through the engine: lease, progress, checkpoints, and the one result.

The engine knows none of this. It calls `Watch` while it goes on; `Watch` shows progress, saves
points to start again from, and ends the run when somebody cancels, the worker must stop or the
lease is lost (TRUST J2 to J7).
"""

import socket
import threading
import time
from collections.abc import Callable
from os import getpid
from typing import Any, TypeAlias

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from tracing import leases
from tracing.engine.walk import Progress
from tracing.errors import (
    BalanceError,
    LedgerBusy,
    LedgerError,
    ParametersError,
    SeedError,
)
from tracing.leases import Claim, Fenced
from tracing.states import RunError
from tracing.stopping import stop_asked

logger = structlog.get_logger(__name__)

REPORT_SECONDS = 0.5

Json: TypeAlias = dict[str, Any]


class Yielded(Exception):
    """The worker is ending or the run had its turn: it goes back to the queue."""


class Cancelled(Exception):
    """Somebody asked the run to end."""


class Heart:
    """Renews the lease from a thread of its own, only while the engine gives signs of life (J3)."""

    def __init__(self, held: Claim) -> None:
        self.held = held
        self.is_fenced = False
        self._ticked_at = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=30)

    def tick(self) -> None:
        """The engine is alive. Raises Fenced when another attempt has the run."""
        self._ticked_at = time.monotonic()
        if self.is_fenced:
            raise Fenced(f"run {self.held.run_id}: attempt {self.held.attempt} was overtaken")

    def _beat(self) -> None:
        try:
            while not self._over.wait(settings.HEARTBEAT_SECONDS):
                if time.monotonic() - self._ticked_at > settings.STALL_SECONDS:
                    logger.error("run_stalled", run=self.held.run_id)
                    return  # a hung run must lose its lease
                try:
                    leases.heartbeat(self.held)
                except Fenced:
                    self.is_fenced = True
                    return
                except DatabaseError as error:
                    logger.warning("heartbeat_failed", error=type(error).__name__)
        finally:
            connection.close()


class Watch:
    """What the engine calls while it goes on. Cheap unless something is due."""

    def __init__(self, held: Claim, heart: Heart) -> None:
        self.held = held
        self.heart = heart
        self.step = held.step
        self.shown: Json = {}
        self.describe: Callable[[Json], Json] = lambda kernel: {}
        self._begun_at = self._saved_at = time.monotonic()
        self._reported_at = 0.0
        self._saved_depth = 0

    def phase(self, name: str) -> None:
        """Say what is being done now, at once."""
        self.heart.tick()
        self.shown = {**self.shown, "phase": name}
        self._end_if(leases.report(self.held, self.shown))

    def __call__(self, progress: Progress) -> None:
        """Raises Yielded, Cancelled or Fenced to stop the engine."""
        self.heart.tick()
        now = time.monotonic()
        must_yield = stop_asked() or now - self._begun_at > settings.YIELD_SECONDS
        if not must_yield and now - self._reported_at < REPORT_SECONDS:
            return
        self.shown = {
            "phase": "tracing",
            "addresses": progress.addresses,
            "transactions": progress.transactions,
            "frontier": progress.frontier,
            "depth": progress.depth,
            "explained_pct": progress.explained_pct,
        }
        self._reported_at = now
        since = now - self._saved_at
        deeper = progress.depth > self._saved_depth and since >= settings.CHECKPOINT_SECONDS / 10
        if must_yield or deeper or since >= settings.CHECKPOINT_SECONDS:
            is_cancelled = self._save(progress)
        else:
            is_cancelled = leases.report(self.held, self.shown)
        self._end_if(is_cancelled)
        if must_yield:
            raise Yielded

    def _save(self, progress: Progress) -> bool:
        kernel = progress.checkpoint()
        self.step += 1
        state = {"kernel": kernel, **self.describe(kernel)}
        is_cancelled = leases.checkpoint(self.held, self.step, state, self.shown)
        self._saved_at = time.monotonic()
        self._saved_depth = progress.depth
        return is_cancelled

    @staticmethod
    def _end_if(is_cancelled: bool) -> None:
        if is_cancelled:
            raise Cancelled


Compute: TypeAlias = Callable[[Claim, Watch], Json]
"""What a run is for: follow.py's `follow`, or a stand-in of the tests."""


def run(run_id: int, compute: Compute, *, worker: str = "") -> str | None:
    """Claim a run and carry it as far as it goes. Returns how it ended here, None if not ours."""
    held = leases.claim(run_id, worker or worker_name())
    if held is None:
        return None
    log = logger.bind(run=held.run_id, attempt=held.attempt)
    try:
        with Heart(held) as heart:
            watch = Watch(held, heart)
            watch.phase("opening")
            result = compute(held, watch)
            watch.phase("sealing")
        leases.finish(held, result, {**watch.shown, "phase": "done", "explained_pct": 100})
    except Fenced:
        outcome = "fenced"
    except Yielded:
        outcome = _ended(leases.yield_run, held, "yielded")
    except Cancelled:
        outcome = _ended(leases.end_cancelled, held, "cancelled")
    except (SeedError, ParametersError) as error:
        outcome = _failed(held, RunError.BAD_INPUT, error)
    except LedgerBusy as error:
        outcome = _postponed(held, error)
    except LedgerError as error:
        outcome = _failed(held, RunError.LEDGER, error)
    except BalanceError as error:
        outcome = _failed(held, RunError.DEFECT, error)
    except Exception:
        log.exception("run_broke")
        _ended(leases.give_up_attempt, held, "broke")
        raise
    else:
        outcome = "done"
    log.info("run_ended", outcome=outcome)
    return outcome


def worker_name() -> str:
    """Host and process of this worker, as runs name who holds them."""
    return f"{socket.gethostname()}:{getpid()}"


def _ended(write: Callable[[Claim], None], held: Claim, outcome: str) -> str:
    try:
        write(held)
    except Fenced:
        return "fenced"
    return outcome


def _postponed(held: Claim, cause: Exception) -> str:
    return _ended(lambda h: leases.postpone(h, str(cause)), held, "postponed")


def _failed(held: Claim, error: RunError, cause: Exception) -> str:
    return _ended(lambda h: leases.fail(h, error, str(cause)), held, f"failed: {error}")
