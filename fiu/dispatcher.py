"""The clock of the installation: hints what is due, ends what is over (TRUST J8).

A thread of the one command, or a process of its own in production. Two of them do no harm: every
step is a compare-and-set, and every hint may arrive twice.
"""

import threading
import time
from collections.abc import Mapping

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections

from tracing import jobs

logger = structlog.get_logger(__name__)

COLLECT_TASK = "cases.collect_findings"
VERIFY_SECONDS = 3600.0  # once a day is enough, and whether it was one is asked each hour

# Task name -> seconds between hints. Each looks for its own due rows and does nothing without any.
PERIODIC: Mapping[str, float] = {
    "cases.send_outbox": settings.DISPATCH_SECONDS,
    "cases.housekeeping": settings.PERIODIC_SECONDS,
    "fiu.account_mails": settings.PERIODIC_SECONDS,
    jobs.STALE_TASK: settings.PERIODIC_SECONDS,
    "cases.watch_drift": settings.PERIODIC_SECONDS,
    "cases.audit_checkpoint": settings.AUDIT_CHECKPOINT_SECONDS,
    "cases.verify_audit": VERIFY_SECONDS,
    "cases.refresh_labels": settings.PERIODIC_SECONDS,
    "cases.send_webhooks": settings.PERIODIC_SECONDS,  # a change hints itself
    "cases.run_detection": settings.PERIODIC_SECONDS,
}


class Dispatcher:
    """Loops until `stop` is set; an error of one round is logged and the next round tries again."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self._due = dict.fromkeys(PERIODIC, 0.0)

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.round()
                (settings.FIU_HOME / "dispatcher.round").touch()  # read by fiu/probe.py
            except DatabaseError as error:
                logger.error("dispatcher_round_failed", error=type(error).__name__)
                connections.close_all()
            self.stop.wait(settings.DISPATCH_SECONDS)
        connections.close_all()

    def round(self) -> None:
        """One look at everything: about eight queries when there is nothing to do."""
        close_old_connections()
        jobs.end_idle_cancelled()
        jobs.fail_orphaned()
        jobs.fail_exhausted()
        jobs.hint_claimable()
        for public_id in jobs.take_uncollected():
            jobs.send_hint(COLLECT_TASK, str(public_id))
        now = time.monotonic()
        for task, seconds in PERIODIC.items():
            if now >= self._due[task]:
                self._due[task] = now + seconds
                jobs.send_hint(task)
