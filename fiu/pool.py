"""A worker ends when a process of its pool was killed, and its supervisor starts it again.

With a folder as broker the processes of billiard's pool read their work from one pipe, in turn by
a lock, and write what they did to another. A process that is killed while it has the turn
(`kill -9`, out of memory) takes the lock with it: the others wait for good, and the worker lives
and takes nothing. Nobody can tell who had the turn, so no pool that lost a process is trusted. With
Redis each process has a pipe of its own, and such a death costs its own run one try.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from billiard.pool import EX_RECYCLE
from celery.concurrency import prefork
from celery.worker import state

from fiu.child import STARTS_ANEW
from tracing.stopping import ask_to_stop

logger = structlog.get_logger(__name__)

SECONDS_TO_GIVE_BACK = 8.0
ENDED_BY_THEMSELVES = (0, EX_RECYCLE)


def distrust_after_a_kill(tasks: Any) -> None:
    """Watch the pool of a worker, a `TaskPool`, where its processes share one pipe."""
    pool: Any = getattr(tasks, "_pool", None)
    if isinstance(tasks, prefork.TaskPool) and type(pool) is prefork.TaskPool.BlockingPool:
        pool.on_process_down = _end_with(pool)


def _end_with(pool: Any) -> Callable[[Any], None]:
    def end(process: Any) -> None:
        """Let the runs of the others save and go back to the queue, then end hard.

        An orderly end would wait for processes that wait for the lock.
        """
        is_ending = state.should_stop is not None or state.should_terminate is not None
        if is_ending or process.exitcode in ENDED_BY_THEMSELVES:
            return
        logger.warning("pool_process_killed", process=process.pid, exit_code=process.exitcode)
        ask_to_stop()
        end_at = time.monotonic() + SECONDS_TO_GIVE_BACK
        while _others_at_work(pool, process.pid) and time.monotonic() < end_at:
            time.sleep(0.1)
        for other in list(pool._pool):
            with suppress(ProcessLookupError):
                os.kill(other.pid, signal.SIGKILL)
        os._exit(STARTS_ANEW)

    return end


def _others_at_work(pool: Any, killed: int) -> bool:
    jobs = list(pool._cache.values())
    return any(job.accepted() and killed not in job.worker_pids() for job in jobs)
