"""Plays jobs under faults, then looks for what was lost, doubled or wrong."""

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections

from cases.models import OutboxMessage
from cases.services.audit import verify_chains
from cases.services.verification import altered_contents
from cases.states import OutboxState
from fiu.chaos.faults import Faults
from fiu.chaos.processes import Processes
from fiu.chaos.world import (
    World,
    amount_of,
    ask_again,
    ask_trace,
    make_world,
    order_hold,
    write_balances,
)
from tracing import jobs, reads
from tracing.reads import RunView

LIVE_AT_ONCE = 8
LOOK_EVERY = 0.15
GAPS = (0.1, 0.8)
"""Seconds between two faults, at random."""
SECONDS_TO_MOVE = 20.0
"""A fault on what lies still is played after so long: a slow machine takes half of it to start."""
MOST_HITS = 3
"""A job taken this often is left alone: the fifth death without a checkpoint ends a run by rule."""
SECONDS_FOR_DATABASE = 60.0
SECONDS_TO_BE_STUCK = 180.0
"""Nothing moved for so long: many leases and restarts of all processes, on a slow machine too."""
SECONDS_A_STEP = 30.0
"""For each job and each fault, before a trial that only turns in circles ends."""
SECONDS_TO_RECOVER = 75.0
OPEN_ORDERS = ("pending", "sending", "unknown")

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is asked of a trial; the same seed draws the same faults.

    All faults are played: where the jobs are over too soon, up to twice as many are asked.
    """

    num_jobs: int
    num_faults: int
    seed: int
    transactions: int = 1_500
    crash_database: bool = False
    own_redis: bool = False

    @property
    def most_jobs(self) -> int:
        return 2 * self.num_jobs

    def num_wanted(self, *, num_asked: int, num_played: int, is_idle: bool) -> int:
        """How many jobs to have asked by now: they go along with the faults.

        With everything done and faults to come there must be more for them to hit.
        """
        if num_played >= self.num_faults:
            return self.num_jobs
        along = num_played * self.num_jobs // self.num_faults + LIVE_AT_ONCE
        if is_idle and num_asked >= min(along, self.num_jobs):
            return min(self.most_jobs, num_asked + LIVE_AT_ONCE)
        return min(self.num_jobs, along)


@dataclass
class Verdict:
    """What a trial found. Lists name jobs; times are seconds.

    A run in `ended_by_rule` died five times without getting further and says so (TRUST J6); as a
    person would, the trial asked its question again. Without a done run a question is lost.

    `slowest_recovery` is from a fault to when a job that it found in flight had gone on, further
    faults meanwhile not counted: from the last of them. `longest_wait` is with all of them.
    """

    num_traces: int = 0
    num_orders: int = 0
    num_faults: int = 0
    num_fired: int = 0
    num_attempts: int = 0
    seconds: float = 0.0
    slowest_recovery: float = 0.0
    longest_wait: float = 0.0
    longest_wait_after: str = ""
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    ended_by_rule: list[str] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.wrong or self.broken)

    def to_json(self) -> dict[str, Any]:
        return {"ok": self.is_good, "database": connection.vendor, **vars(self)}


@dataclass(frozen=True)
class Look:
    """Every job as its row says: name to state and how often it was taken."""

    jobs: dict[str, tuple[str, int]]
    open: frozenset[str]
    held: frozenset[str]
    given_up: tuple[RunView, ...] = ()

    @property
    def num_moves(self) -> int:
        """Grows with each job that was taken or ended."""
        return sum(taken for _, taken in self.jobs.values()) + len(self.jobs) - len(self.open)


def play(plan: Plan, say: Say) -> tuple[Verdict, list[dict[str, Any]]]:
    """Run a trial in this scratch installation; returns the verdict and the history of faults."""
    say("making a ledger and a case ...")
    world = make_world(plan.seed, transactions=plan.transactions, num_questions=plan.most_jobs)
    write_balances(settings.FIU_HOME / "balances.csv", plan.most_jobs)
    processes = Processes(own_redis=plan.own_redis)
    trial = _Trial(plan, world, processes, say)
    try:
        processes.start()
        trial.run()
    finally:
        trial.faults.end()
        processes.end()
    connections.close_all()
    return trial.judge(), trial.history


class _Trial:
    def __init__(self, plan: Plan, world: World, processes: Processes, say: Say) -> None:
        self.plan = plan
        self.world = world
        self.processes = processes
        self.history: list[dict[str, Any]] = []
        dice = random.Random(plan.seed)  # noqa: S311  # a dice, no secret
        self._dice = dice
        self.faults = Faults(processes, world.case, dice, crash_database=plan.crash_database)
        self._say = say
        self._num_asked = 0
        self._begun_at = time.monotonic()
        self._hurt: list[tuple[float, dict[str, int]]] = []
        self._slowest = 0.0
        self._longest = (0.0, "")
        self._moves = -1
        self._was_here = (-1, -1, -1)
        self._since = 0.0
        self._hit_at = 0.0

    def run(self) -> None:
        plan = self.plan
        end_at = self._begun_at + SECONDS_A_STEP * (plan.num_jobs + plan.num_faults)
        next_fault = 0.0
        while time.monotonic() < end_at:
            self.processes.start_the_dead()
            seen = self._patiently(self._look)
            self._note_recovery(seen)
            if self._is_over(seen) or self._is_stuck(seen):
                return
            self._ask_more(seen)
            is_time = time.monotonic() >= next_fault
            if self._faults_left and seen.held and is_time and self._may_hit(seen):
                self._hit(seen)
                next_fault = time.monotonic() + self._dice.uniform(*GAPS)
            time.sleep(LOOK_EVERY)

    @property
    def _faults_left(self) -> int:
        return self.plan.num_faults - len(self.history)

    def _is_over(self, seen: Look) -> bool:
        """Every job is done, and every fault was played or finds nothing more to hit."""
        enough = self.plan.most_jobs if self._faults_left else self.plan.num_jobs
        return not seen.open and not seen.given_up and self._num_asked >= enough

    def _is_stuck(self, seen: Look) -> bool:
        """Neither work nor faults went on for long; judged by progress, so a slow machine may."""
        now = time.monotonic()
        if (here := (seen.num_moves, len(self.history), self._num_asked)) != self._was_here:
            self._was_here, self._since = here, now
        return now - self._since > SECONDS_TO_BE_STUCK

    def _ask_more(self, seen: Look) -> None:
        """Keep some jobs live, and some to come as long as faults are to come."""
        for run in seen.given_up:
            self._patiently(partial(ask_again, self.world, run))
        wanted = self.plan.num_wanted(
            num_asked=self._num_asked, num_played=len(self.history), is_idle=not seen.open
        )
        while self._num_asked < wanted and len(seen.open) < LIVE_AT_ONCE:
            number = self._num_asked
            ask = order_hold if number % 3 == 2 else ask_trace
            self._patiently(partial(ask, self.world, number))
            self._num_asked += 1
            seen = self._patiently(self._look)

    def _may_hit(self, seen: Look) -> bool:
        """Work went on since the last fault: a fault on what lies still anyway proves nothing."""
        if any(seen.jobs[name][1] >= MOST_HITS for name in seen.held):
            self.faults.disarm()
            return False
        waited = time.monotonic() - self._hit_at
        if seen.num_moves == self._moves and waited < SECONDS_TO_MOVE:
            return False
        self._moves = seen.num_moves
        return True

    def _hit(self, seen: Look) -> None:
        at = self._hit_at = time.monotonic()
        kind, what = self._patiently(self.faults.inject)
        self._hurt.append((at, {name: seen.jobs[name][1] for name in seen.held}))
        entry = {
            "at": round(at - self._begun_at, 2), "fault": kind, "hit": what,
            "in_flight": len(seen.held),
        }  # fmt: skip
        self.history.append(entry)
        self._say(
            f"{entry['at']:7.1f} s  {kind}: {what}; {len(seen.held)} in flight,"
            f" {self._num_asked} asked"
        )

    def _note_recovery(self, seen: Look) -> None:
        """A job in flight at a fault is over it when it has ended or was taken once more."""
        now = time.monotonic()
        still = []
        for at, names in self._hurt:
            left = {
                name: attempt
                for name, attempt in names.items()
                if name in seen.held and seen.jobs[name][1] == attempt
            }
            if len(left) < len(names):
                self._slowest = max(self._slowest, now - self._hit_at)
                self._longest = max(self._longest, (now - at, self._between(at, names, left)))
            if left:
                still.append((at, left))
        self._hurt = still

    def _between(self, at: float, names: Iterable[str], left: Iterable[str]) -> str:
        """Which jobs went on, and the faults since they were hit."""
        since = round(at - self._begun_at, 2)
        faults = [entry["fault"] for entry in self.history if entry["at"] >= since]
        return f"{', '.join(sorted(set(names) - set(left)))} after {', '.join(faults)}"

    def _look(self) -> Look:
        found: dict[str, tuple[str, int]] = {}
        is_open, held = set(), set()
        given_up: dict[str, RunView] = {}
        answered = set()
        for run in reads.runs_of(self.world.case.public_id):
            name = f"trace {run.public_id}"
            found[name] = (run.state, run.attempt)
            if run.is_live or (run.is_done and not run.is_collected):
                is_open.add(name)
            if run.state == "running":
                held.add(name)
            if _ended_by_rule(run):
                given_up[run.params_hash] = run
            else:
                answered.add(run.params_hash)
        orders = OutboxMessage.objects.filter(case=self.world.case)
        for key, state, tries in orders.values_list("pk", "state", "num_tries"):
            name = f"order {key}"
            found[name] = (state, tries)
            if state in OPEN_ORDERS:
                is_open.add(name)
            if state == OutboxState.SENDING.value:
                held.add(name)
        left = tuple(run for question, run in given_up.items() if question not in answered)
        return Look(found, frozenset(is_open), frozenset(held), left)

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask again while the database is away: what is asked twice acts once."""
        end_at = time.monotonic() + SECONDS_FOR_DATABASE
        while True:
            try:
                return ask()
            except (DatabaseError, InterfaceError):
                if time.monotonic() > end_at:
                    raise
                connections.close_all()
                time.sleep(0.2)

    # --- the verdict ---

    def judge(self) -> Verdict:
        verdict = Verdict(
            num_faults=len(self.history),
            num_fired=len(list(settings.FIU_HOME.glob("failpoint.*"))),
            seconds=round(time.monotonic() - self._begun_at, 1),
            slowest_recovery=round(self._slowest, 1),
            longest_wait=round(self._longest[0], 1),
            longest_wait_after=self._longest[1],
            kinds=dict(sorted(Counter(entry["fault"] for entry in self.history).items())),
        )
        self._say("asking every question again, without faults ...")
        self._judge_traces(verdict)
        self._judge_orders(verdict)
        if self._num_asked < self.plan.num_jobs:
            verdict.broken.append(f"it got stuck with {self._num_asked} jobs asked")
        if self._faults_left:
            verdict.broken.append(f"{self._faults_left} faults found nothing to hit")
        if verdict.slowest_recovery > SECONDS_TO_RECOVER:
            verdict.broken.append(f"a recovery took {verdict.slowest_recovery} s")
        verdict.broken += [
            f"audit: {each.case} {each.seq} {each.reason}"
            for each in (*verify_chains().breaks, *altered_contents())
        ]
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA integrity_check")
                if (said := cursor.fetchone()[0]) != "ok":
                    verdict.broken.append(f"SQLite: {said}")
        return verdict

    def _judge_traces(self, verdict: Verdict) -> None:
        runs = reads.runs_of(self.world.case.public_id)
        wanted = sum(1 for number in range(self._num_asked) if number % 3 != 2)
        events = self.world.case.events
        collected = Counter(
            events.filter(action="collect_findings").values_list("object", flat=True)
        )
        asked = Counter(run.params_hash for run in runs if not _ended_by_rule(run))
        questions = {run.params_hash for run in runs}
        verdict.num_traces = len(questions)
        verdict.lost += [f"trace {n} was never asked" for n in range(len(questions), wanted)]
        verdict.lost += [f"question {key[:12]}: given up" for key in questions - set(asked)]
        verdict.doubled += [f"question {key[:12]}" for key, n in asked.items() if n > 1]
        for run in runs:
            name = f"trace {run.public_id}"
            verdict.num_attempts += run.attempt
            if _ended_by_rule(run):
                verdict.ended_by_rule.append(name)
            elif not run.is_done or not run.is_collected:
                verdict.lost.append(f"{name}: {run.state} {run.error}")
            elif collected[f"run:{run.public_id}"] != 1:
                verdict.doubled.append(f"{name}: findings")
            if run.is_done and jobs.repeats(run.public_id) is not True:
                verdict.wrong.append(name)

    def _judge_orders(self, verdict: Verdict) -> None:
        with closing(sqlite3.connect(settings.FIU_HOME / "reference_exchange.sqlite3")) as books:
            num_acts = books.execute("SELECT count(*) FROM operation").fetchone()[0]
            held = dict(books.execute("SELECT account, held FROM balance").fetchall())
        orders = OutboxMessage.objects.filter(case=self.world.case).select_related("line__account")
        verdict.num_orders = len(orders)
        wanted = [number for number in range(self._num_asked) if number % 3 == 2]
        if num_acts > len(orders) or len(orders) > len(wanted):
            verdict.doubled.append(f"{num_acts} acts of the exchange for {len(wanted)} holds")
        verdict.lost += [f"hold {number}" for number in wanted[len(orders) :]]
        for order in orders:
            line = order.line
            name = f"order {order.pk}"
            verdict.num_attempts += order.num_tries
            if order.state != OutboxState.CONFIRMED.value or line.state != "held":
                verdict.lost.append(f"{name}: {order.state}, line {line.state}")
                continue
            if line.receipts.count() != 1:
                verdict.doubled.append(f"{name}: {line.receipts.count()} receipts")
            number = int(line.account.uid.rpartition("-")[2])
            if not line.held == line.requested == amount_of(number) == int(held[line.account.uid]):
                verdict.wrong.append(f"{name}: {line.held} held, {held[line.account.uid]} there")


def _ended_by_rule(run: RunView) -> bool:
    """Five deaths without a checkpoint (TRUST J6): it says so, and can be asked again."""
    return run.state == "failed" and run.error == "crashed"
