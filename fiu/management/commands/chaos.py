"""Play jobs under faults in a scratch installation, and say what was lost, doubled or wrong."""

import json
import os
import signal
import socket
import sys
from argparse import ArgumentParser
from contextlib import closing
from math import ceil
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fiu.chaos.processes import redis_program
from fiu.chaos.trial import Plan, Verdict, play
from fiu.chaos.world import POLICIES, SCRATCH_MARK
from fiu.database_copy import is_empty

# What a trial waits for; each may be set otherwise from outside.
CLOCKS = {
    "FIU_LEASE_SECONDS": "4",
    "FIU_HEARTBEAT_SECONDS": "1",
    "FIU_CHECKPOINT_SECONDS": "0.2",
    "FIU_DISPATCH_SECONDS": "0.5",
    "FIU_HINT_SECONDS": "1",
    "FIU_PERIODIC_SECONDS": "5",
    "FIU_TRACES_AT_ONCE": "1000000",
    "FIU_LOG_LEVEL": "ERROR",
}


class Command(BaseCommand):
    help = "Make a scratch installation in an empty folder and play jobs under faults in it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--home", type=Path, required=True, help="an empty or new folder")
        parser.add_argument("--jobs", type=int, default=24)
        parser.add_argument("--faults", type=int, default=24)
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument(
            "--transactions", type=int, default=1_500, help="of the ledger: longer runs"
        )
        parser.add_argument(
            "--redis", action="store_true", help="start a Redis, to be killed and flushed"
        )
        parser.add_argument(
            "--crash-database",
            action="store_true",
            help="kill processes of the PostgreSQL server of FIU_DATABASE_URL: one kept for trials",
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["jobs"] < 1 or options["faults"] < 0 or options["transactions"] < 100:
            raise CommandError("A trial has at least 1 job, 0 faults and 100 transactions.")
        most_questions = len(POLICIES) * (options["transactions"] // 2)
        plan = Plan(
            num_jobs=options["jobs"],
            num_faults=options["faults"],
            seed=options["seed"],
            transactions=options["transactions"],
            crash_database=options["crash_database"],
            own_redis=options["redis"],
        )
        if plan.most_jobs > most_questions:
            raise CommandError(
                f"So many jobs need a longer ledger: at least --transactions"
                f" {2 * ceil(plan.most_jobs / len(POLICIES))}."
            )
        home = options["home"].resolve()
        mark = home / SCRATCH_MARK
        if not (settings.IS_SCRATCH and home == settings.FIU_HOME and _is_mine(mark)):
            self._start_again(home, mark, own_redis=options["redis"])
        if not is_empty():
            raise CommandError("The database has tables already: a trial needs an empty one.")
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _end)
        verdict, history = play(plan, self._say)
        if options["json"]:
            self.stdout.write(json.dumps({**verdict.to_json(), "history": history}))
        else:
            self._tell(verdict)
        if not verdict.is_good:
            raise SystemExit(1)

    @staticmethod
    def _start_again(home: Path, mark: Path, *, own_redis: bool) -> None:
        """The state folder is a setting, so it must be known before the settings are read."""
        if home.exists() and not home.is_dir():
            raise CommandError(f"{home} is no folder.")
        made_by_settings = {home / "secrets" / "secret_key"}
        if any(p.is_file() and p not in made_by_settings for p in home.rglob("*")):
            raise CommandError(f"{home} is not empty: a trial needs a folder of its own.")
        environment = {**CLOCKS, **os.environ, "FIU_HOME": str(home)}
        environment.pop("FIU_FAILPOINT", None)
        if own_redis:
            if redis_program() is None:
                raise CommandError(
                    "No redis-server was found: install Debian's package redis-server."
                )
            with closing(socket.socket()) as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            environment["FIU_BROKER_URL"] = f"redis://127.0.0.1:{port}/0"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.write_text(json.dumps({"process": os.getpid()}))
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # noqa: S606  # itself

    def _say(self, line: str) -> None:
        self.stderr.write(line)

    def _tell(self, verdict: Verdict) -> None:
        for name in ("lost", "doubled", "wrong", "broken"):
            for each in getattr(verdict, name):
                self.stdout.write(f"{name}: {each}")
        kinds = ", ".join(f"{number} x {kind}" for kind, number in verdict.kinds.items())
        self.stdout.write(
            f"{verdict.num_traces} traces and {verdict.num_orders} orders under"
            f" {verdict.num_faults} faults in {verdict.seconds:.0f} s ({kinds}).\n"
            f"{len(verdict.lost)} lost, {len(verdict.doubled)} doubled, {len(verdict.wrong)} wrong;"
            f" taken {verdict.num_attempts} times; slowest recovery"
            f" {verdict.slowest_recovery:.1f} s (lease {settings.LEASE_SECONDS:.0f} s).\n"
            f"Longest wait, further faults included, {verdict.longest_wait:.1f} s:"
            f" {verdict.longest_wait_after}.\n"
            f"{len(verdict.ended_by_rule)} runs ended by the rule of five deaths, said so and were"
            f" asked again.\n"
            f"Verdict: {'good' if verdict.is_good else 'BAD'}."
        )


def _end(number: int, _frame: FrameType | None) -> None:
    """Told to end: what the trial started ends with it."""
    raise SystemExit(128 + number)


def _is_mine(mark: Path) -> bool:
    """Whether this very process made the folder: the mark of an earlier trial is none."""
    try:
        return bool(json.loads(mark.read_text())["process"] == os.getpid())
    except (OSError, ValueError, KeyError):
        return False
