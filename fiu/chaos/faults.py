"""What goes wrong in a trial, one at a time, drawn by a seeded dice."""

import os
import random
import resource
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg2
from django.conf import settings
from django.db import connection

from cases.hints import COLLECT_FINDINGS, SEND_OUTBOX, send_hint
from cases.models import Case
from fiu.chaos import clock
from fiu.chaos.processes import Processes
from tracing import reads
from tracing.failpoints import FAILPOINTS, FILE

DISK_FULL_AT = 4096  # bytes: no file may grow beyond
SECONDS_OF_A_FULL_DISK = 1.5
DAY = 86_400.0
SECONDS_OF_A_WRONG_CLOCK = 3.0
STOPPED_LEASES = 1.5
SECONDS_TO_FIRE = 12.0
# Passed by the workers; an order is written, and a release made, by whoever decides.
IN_WORKERS = [n for n in FAILPOINTS if n.startswith(("run.", "order.")) and n != "order.write"]


class Faults:
    """Injects one fault at a time; a thread ends those that last.

    A thread, because a process that was stopped may hold the very lock that the trial waits for.
    """

    def __init__(
        self, processes: Processes, case: Case, dice: random.Random, *, crash_database: bool
    ) -> None:
        self._processes = processes
        self._case = case
        self._dice = dice
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._waker = threading.Thread(target=self._wake, name="waker", daemon=True)
        self._waker.start()
        self._armed_at = 0.0
        self._file = Path(settings.FIU_HOME) / FILE
        self._places: list[str] = []
        self._kinds: list[tuple[int, str, Callable[[], str]]] = [
            (8, "failpoint", self._arm),
            (5, "kill a run's process", self._kill_child),
            (2, "kill the worker", self._kill_worker),
            (2, "kill the casework worker", self._kill_casework),
            (1, "kill the dispatcher", self._kill_dispatcher),
            (1, "kill the exchange", self._kill_exchange),
            (2, "stop a run's process", self._stop_child),
            (2, "disk full", self._fill_disk),
            (2, "move a clock", self._move_clock),
            (2, "lose all hints", self._lose_hints),
            (2, "send hints twice", self._double_hints),
        ]
        if connection.vendor == "postgresql":
            self._kinds.append((2, "cut database connections", self._cut_connections))
            if crash_database:
                self._kinds.append((1, "crash the database", self._crash_database))
        if processes.redis is not None:
            self._kinds.append((2, "kill Redis", self._kill_redis))

    def inject(self) -> tuple[str, str]:
        """Do one; returns its kind and what was hit."""
        kinds = self._kinds[1:] if self._is_waiting() else self._kinds
        [(_, kind, act)] = self._dice.choices(kinds, [weight for weight, _, _ in kinds])
        return kind, act()

    def _is_waiting(self) -> bool:
        """A failpoint is armed and nobody has passed it yet."""
        if self._armed_at and not self._file.exists():
            self._armed_at = 0.0
        elif self._armed_at and time.monotonic() - self._armed_at > SECONDS_TO_FIRE:
            self._file.unlink(missing_ok=True)
            self._armed_at = 0.0
        return bool(self._armed_at)

    def disarm(self) -> None:
        """Nobody dies at a failpoint any more."""
        self._file.unlink(missing_ok=True)

    def end(self) -> None:
        """Let everything go on at once, and disarm."""
        self._over.set()
        self._waker.join()
        self._undo(float("inf"))
        self.disarm()

    def _wake(self) -> None:
        while not self._over.wait(0.1):
            self._undo(time.monotonic())

    def _undo(self, now: float) -> None:
        """Let go on what was stopped long enough, and what was full have room."""
        with self._lock:
            due = [act for at, act in self._later if at <= now]
            self._later = [(at, act) for at, act in self._later if at > now]
        for act in due:
            with suppress(ProcessLookupError, PermissionError):
                act()

    def _undo_at(self, at: float, act: Callable[[], None]) -> None:
        with self._lock:
            self._later.append((at, act))

    def _arm(self) -> str:
        if not self._places:  # every place has its turn
            self._places = self._dice.sample(IN_WORKERS, len(IN_WORKERS))
        name = self._places.pop()
        draft = self._file.with_name(".failpoint")
        draft.write_text(name)
        draft.rename(self._file)
        self._armed_at = time.monotonic()
        return name

    def _kill_child(self) -> str:
        pids = self._processes.worker.children()
        if not pids:
            return self._kill_worker()
        with suppress(ProcessLookupError):
            os.kill(pid := self._dice.choice(pids), signal.SIGKILL)
        return str(pid)

    def _kill_worker(self) -> str:
        self._processes.worker.kill()
        return "all of it"

    def _kill_casework(self) -> str:
        self._processes.casework.kill()
        return "all of it"

    def _kill_dispatcher(self) -> str:
        self._processes.dispatcher.kill()
        return "all of it"

    def _kill_exchange(self) -> str:
        self._processes.exchange.kill()
        return "all of it"

    def _kill_redis(self) -> str:
        if self._processes.redis is not None:
            self._processes.redis.kill()
        return "with all it held"

    def _stop_child(self) -> str:
        pids = self._processes.worker.children()
        if not pids:
            return "nobody was there"
        pid = self._dice.choice(pids)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
        wake_at = time.monotonic() + STOPPED_LEASES * settings.LEASE_SECONDS
        self._undo_at(wake_at, lambda: os.kill(pid, signal.SIGCONT))
        return f"{pid} for {STOPPED_LEASES} leases"

    def _fill_disk(self) -> str:
        part = self._dice.choice([self._processes.worker, self._processes.casework])
        end_at = time.monotonic() + SECONDS_OF_A_FULL_DISK
        for pid in part.members():
            with suppress(ProcessLookupError, PermissionError):
                soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (DISK_FULL_AT, hard))
                self._undo_at(end_at, self._room_again(pid, soft, hard))
        return f"of {part.name}, {SECONDS_OF_A_FULL_DISK} s"

    @staticmethod
    def _room_again(pid: int, soft: int, hard: int) -> Callable[[], None]:
        def act() -> None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))

        return act

    def _move_clock(self) -> str:
        """A day ahead or behind, in one worker and its pool; the database keeps its own time."""
        part = self._dice.choice([self._processes.worker, self._processes.casework])
        seconds = self._dice.choice([DAY, -DAY])
        clock.move(part.members(), seconds)
        self._undo_at(time.monotonic() + SECONDS_OF_A_WRONG_CLOCK, clock.put_right)
        return f"of {part.name}, {'a day ahead' if seconds > 0 else 'a day behind'}"

    def _lose_hints(self) -> str:
        self._processes.lose_hints()
        return "the rows are the truth"

    def _double_hints(self) -> str:
        live = [run for run in reads.runs_of(self._case.public_id) if not run.is_collected]
        for run in live:
            send_hint(COLLECT_FINDINGS, str(run.public_id))
            send_hint(COLLECT_FINDINGS, str(run.public_id))
        send_hint(SEND_OUTBOX)
        send_hint(SEND_OUTBOX)
        return f"{2 * len(live) + 2} hints"

    def _cut_connections(self) -> str:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return f"{cursor.fetchone()[0]} connections"

    def _crash_database(self) -> str:
        """SIGKILL to one of its processes: the server drops all others and recovers."""
        connection.ensure_connection()
        pid = connection.connection.info.backend_pid
        os.kill(pid, signal.SIGKILL)
        with suppress(psycopg2.Error):
            connection.close()
        return "recovery from its log"
