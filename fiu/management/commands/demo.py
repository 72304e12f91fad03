"""Build the demo world and load it through the ordinary imports."""

import json
import logging
import os
import time
from argparse import ArgumentParser
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from cases.policy import SYSTEM
from cases.services.detection_runs import detect_now
from cases.services.errors import CaseworkError, ImportRefused
from cases.services.exchange import import_exchange
from cases.services.prices import import_prices
from fiu.demo.casework import (
    DETECTED,
    PLATFORM_CASE,
    agree_with_agencies,
    name_market,
    open_cases,
    work_on_market,
    work_on_platform,
    work_since,
)
from fiu.demo.clock import PastClock
from fiu.demo.exchange_at_hand import exchange_at_hand
from fiu.demo.installation import (
    Installed,
    add_people,
    load_packs,
    name_reporting_entity,
    set_services,
)
from fiu.demo.rows import LEDGER
from fiu.demo.scale import SCALES
from fiu.demo.timeline import TIP, block_time, iso
from fiu.demo.world import build
from fiu.people import demo_file

# How long ago: the rest of the casework lies between.
SET_UP = timedelta(days=31)
LATEST_PRICES = timedelta(hours=3)


class Command(BaseCommand):
    help = "Make the fictional demo world: ledger, exchange records, people and cases."
    requires_system_checks: list[str] = []  # they load every page, for nothing here
    # Waits until the tables stand, and says whether they do: who makes them beside us gives it.
    stealth_options = ("tables_stand",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--scale", default="demo", choices=sorted(SCALES))
        parser.add_argument("--seed", type=int, default=7, help="another seed, another world")
        parser.add_argument("--now", metavar="TIME", help="2025-05-26T09:00:00Z; else the clock")
        parser.add_argument("--files", type=Path, metavar="FOLDER", help="write files there only")
        parser.add_argument("--reorg", action="store_true", help="replace the ledger's last blocks")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        self.quiet = options["json"]
        self.quarter = -1
        self.started = time.monotonic()
        self.tables_stand: Callable[[], bool] = options.get("tables_stand") or (lambda: True)
        now = _moment(options["now"])
        wanted = Installed(options["scale"], options["seed"], now.isoformat())
        try:
            answer = self._answer(wanted, now, options)
        except (CaseworkError, ImportRefused) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(answer))

    def _answer(self, wanted: Installed, now: datetime, options: dict[str, Any]) -> dict[str, Any]:
        if options["files"]:
            return self._build(wanted, now, options["files"])
        home = Path(settings.FIU_HOME)
        present = Installed.read(demo_file())
        if options["reorg"]:
            return self._reorganise(home, present)
        if present is None:
            _require_whole(now)
            return self._install(wanted, now, home)
        if (present.scale, present.seed) != (wanted.scale, wanted.seed):
            raise CommandError(
                f"This installation holds the world of scale {present.scale} and seed "
                f"{present.seed}; choose another FIU_HOME for a second one."
            )
        self._say("the demo world is loaded")
        return {"installed": True, "scale": present.scale, "seed": present.seed}

    def _build(self, wanted: Installed, now: datetime, folder: Path) -> dict[str, Any]:
        built = build(
            folder, SCALES[wanted.scale], wanted.seed, int(now.timestamp()), tick=self._tick
        )
        self._say(f"{built.num_transactions:,} transactions written to {folder}")
        return {"folder": str(folder), "transactions": built.num_transactions}

    def _install(self, wanted: Installed, now: datetime, home: Path) -> dict[str, Any]:
        """What does not hang on each other is done by two processes, for two cores.

        Blocks load beside the rows, rules and cohort run beside the market's casework. The second
        process is forked: it need not load the program again. Each step is done at a moment of the
        past, in order; what is later than the run of the rules waits for its end.
        """
        folder, clock = home / "demo", PastClock(now)
        loading: list[Future[dict[str, Any]]] = []
        with ProcessPoolExecutor(
            max_workers=1, mp_context=get_context("fork"), initializer=_end_with_the_first
        ) as second:

            def load(blocks: list[Path]) -> None:
                self._wait_for_tables()
                connections.close_all()  # not to be carried across the fork
                loading.append(second.submit(_load_blocks, blocks, now))

            built = build(
                folder, SCALES[wanted.scale], wanted.seed, int(now.timestamp()),
                tick=self._tick, blocks_ready=load,
            )  # fmt: skip
            with clock.before(SET_UP):
                add_people()
                self._say("exchange records")
                report = import_exchange(built.exchange, progress=self._progress)
                set_services(wanted.seed)
                self._say(f"{load_packs(folder):,} tags")
            loaded = loading[0].result()
            num_transactions = loaded["total"]["transactions"]
            self._say(
                f"ledger at block {loaded['tip_height']:,}, {num_transactions:,} transactions"
            )
            logging.getLogger("tracing").setLevel(logging.WARNING)  # progress says it in words
            name_reporting_entity()
            self._say("agencies and officers")
            if not open_cases(clock):
                raise CommandError(
                    "An earlier start ended while the demo's cases were made; remove "
                    f"{home} and start again."
                )
            name_market(folder, clock)
            self._say("operation: SANDGLASS")
            agree_with_agencies(clock)
            beside = second.submit(_work_on_platform_and_detect, folder, now)
            with exchange_at_hand(built.exchange / "balances.csv"):
                work_on_market(folder, clock, tell=self._say)
            self._say(beside.result())
            work_since(folder, clock)
            with clock.before(LATEST_PRICES):
                import_prices(folder / "later_prices.csv")
        wanted.write(demo_file())
        self._say("the demo world is loaded")
        return {
            "installed": True, "scale": wanted.scale, "seed": wanted.seed,
            "transactions": num_transactions, "tip_hash": loaded["tip_hash"], "rows": report.rows,
        }  # fmt: skip

    def _wait_for_tables(self) -> None:
        """Blocks are made while somebody else makes the tables; nothing at all if that failed."""
        if not self.tables_stand():
            raise CommandError("The tables were not made; nothing was loaded.")

    def _reorganise(self, home: Path, present: Installed | None) -> dict[str, Any]:
        if present is None:
            raise CommandError("There is no demo world here yet; run demo without --reorg first.")
        [path] = (home / "demo" / "other_branch").glob("*.dat")
        out = StringIO()
        call_command("load_blocks", LEDGER, str(path), "--json", stdout=out)
        loaded = json.loads(out.getvalue())
        self._say(f"the ledger ends in block {loaded['tip_height']:,} {loaded['tip_hash']} now")
        return {"height": loaded["tip_height"], "tip_hash": loaded["tip_hash"]}

    # Progress

    def _say(self, line: str) -> None:
        if not self.quiet:
            self.stdout.write(f"{time.monotonic() - self.started:5.1f} s  {line}")
            self.stdout.flush()

    def _tick(self, height: int) -> None:
        quarter = height * 4 // TIP
        if quarter != self.quarter:
            self.quarter = quarter
            self._say(f"block {height:,} of {TIP:,}")

    def _progress(self, file: str, rows: int) -> None:
        if rows % 10_000 == 0:
            self._say(f"{file}: {rows:,} rows")


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    refusal = CommandError("--now takes a time with its zone, such as 2025-05-26T09:00:00Z.")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise refusal from None
    if moment.tzinfo is None:
        raise refusal
    return moment


def _require_whole(now: datetime) -> None:
    """Casework that is told from an earlier moment would freeze what nobody had yet."""
    end = block_time(TIP)
    if now.timestamp() < end:
        raise CommandError(f"The world ends at {iso(end)}: give --now a later time.")


def _end_with_the_first() -> None:
    """A process of a pool waits for work for ever when the one that gives it is killed."""

    first = parent_process()

    def watch() -> None:
        if first is not None:
            first.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def _load_blocks(paths: list[Path], now: datetime) -> dict[str, Any]:
    """The ordinary load; its report."""
    out = StringIO()
    with PastClock(now).before(SET_UP):
        call_command("load_blocks", LEDGER, *map(str, paths), "--json", stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def _work_on_platform_and_detect(folder: Path, now: datetime) -> str:
    """What the market's casework needs nothing of; a line about it."""
    logging.getLogger("tracing").setLevel(logging.WARNING)
    clock = PastClock(now)
    work_on_platform(folder, clock)
    with clock.before(DETECTED):
        found = detect_now(by=SYSTEM)
    return (
        f"case: {PLATFORM_CASE}; {found.num_raised} alerts raised, "
        f"{found.num_merged} firings merged"
    )
