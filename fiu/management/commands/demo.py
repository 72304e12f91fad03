"""Build the demo world and load it through the ordinary imports."""

import json
import logging
import multiprocessing
import time
from argparse import ArgumentParser
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cases.services.errors import CaseworkError, ImportRefused
from cases.services.exchange import import_exchange
from fiu.demo.casework import load_casework
from fiu.demo.exchange_at_hand import exchange_at_hand
from fiu.demo.installation import Installed, add_people, set_services
from fiu.demo.rows import LEDGER
from fiu.demo.scale import SCALES
from fiu.demo.timeline import TIP
from fiu.demo.world import build
from fiu.people import demo_file
from tracing.errors import TracingError
from tracing.ledgers import LoadReport, load_blocks


class Command(BaseCommand):
    help = "Make the fictional demo world: ledger, exchange records, people and cases."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--scale", default="demo", choices=sorted(SCALES))
        parser.add_argument("--seed", type=int, default=7, help="another seed, another world")
        parser.add_argument("--now", metavar="TIME", help="2025-05-26T09:00:00Z; else the clock")
        parser.add_argument("--files", type=Path, metavar="FOLDER", help="write files there only")
        parser.add_argument("--reorg", action="store_true", help="replace the ledger's last blocks")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        self.quiet = options["json"]
        self.started = time.monotonic()
        now = _moment(options["now"])
        wanted = Installed(options["scale"], options["seed"], now.isoformat())
        try:
            answer = self._answer(wanted, now, options)
        except (CaseworkError, ImportRefused, TracingError) as error:
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
        """Blocks load in a second process while this one writes and imports the rows."""
        folder = home / "demo"
        add_people()
        # A fresh process, not a fork: this one has an open database connection.
        fresh = multiprocessing.get_context("spawn")
        loading: list[Future[LoadReport]] = []
        with ProcessPoolExecutor(1, mp_context=fresh) as pool:

            def load(paths: list[Path]) -> None:
                loading.append(pool.submit(load_blocks, home, LEDGER, paths))

            built = build(
                folder, SCALES[wanted.scale], wanted.seed, int(now.timestamp()),
                tick=self._tick, blocks_ready=load,
            )  # fmt: skip
            self._say("exchange records")
            report = import_exchange(built.exchange, progress=self._progress)
            set_services(wanted.seed)
            snapshot = loading[0].result().snapshot
        self._say(f"ledger at block {snapshot.height:,}, {snapshot.num_tx:,} transactions")
        logging.getLogger("tracing").setLevel(logging.WARNING)  # progress says it in words
        with exchange_at_hand(built.exchange / "balances.csv"):
            load_casework(folder, tell=self._say)
        wanted.write(demo_file())
        self._say("the demo world is loaded")
        return {
            "installed": True, "scale": wanted.scale, "seed": wanted.seed,
            "transactions": snapshot.num_tx, "tip_hash": snapshot.tip_hash, "rows": report.rows,
        }  # fmt: skip

    def _reorganise(self, home: Path, present: Installed | None) -> dict[str, Any]:
        if present is None:
            raise CommandError("There is no demo world here yet; run demo without --reorg first.")
        [path] = (home / "demo" / "other_branch").glob("*.dat")
        snapshot = load_blocks(home, LEDGER, [path]).snapshot
        self._say(f"the ledger ends in block {snapshot.height:,} {snapshot.tip_hash} now")
        return {"height": snapshot.height, "tip_hash": snapshot.tip_hash}

    # Progress

    def _say(self, line: str) -> None:
        if not self.quiet:
            self.stdout.write(f"{time.monotonic() - self.started:5.1f} s  {line}")
            self.stdout.flush()

    def _tick(self, height: int) -> None:
        week = height * 4 // TIP
        if week != getattr(self, "_quarter", None):
            self._quarter = week
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
