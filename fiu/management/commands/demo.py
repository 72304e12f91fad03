"""Build the demo world and load it through the ordinary imports."""

import json
import logging
import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from cases.policy import SYSTEM
from cases.services.detection import run_detection
from cases.services.errors import CaseworkError, ImportRefused
from cases.services.exchange import import_exchange
from fiu.demo.casework import load_casework
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
from fiu.demo.timeline import TIP
from fiu.demo.world import build
from fiu.people import demo_file


class Command(BaseCommand):
    help = "Make the fictional demo world: ledger, exchange records, people and cases."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--scale", default="demo", choices=sorted(SCALES))
        parser.add_argument("--seed", type=int, default=7, help="another seed, another world")
        parser.add_argument("--now", metavar="TIME", help="2025-05-26T09:00:00Z; else the clock")
        parser.add_argument("--files", type=Path, metavar="FOLDER", help="write files there only")
        parser.add_argument("--reorg", action="store_true", help="replace the ledger's last blocks")
        parser.add_argument("--json", action="store_true")
        parser.add_argument(
            "--tables-follow",
            action="store_true",
            help="use the database only after one line on standard input",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.quiet = options["json"]
        self.quarter = -1
        self.started = time.monotonic()
        self.tables_follow = options["tables_follow"]
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
        loading: list[subprocess.Popen[str]] = []

        def load(blocks: list[Path]) -> None:
            self._wait_for_tables()
            loading.append(_start_loading(blocks))

        built = build(
            folder, SCALES[wanted.scale], wanted.seed, int(now.timestamp()),
            tick=self._tick, blocks_ready=load,
        )  # fmt: skip
        add_people()
        self._say("exchange records")
        report = import_exchange(built.exchange, progress=self._progress)
        set_services(wanted.seed)
        self._say(f"{load_packs(folder):,} tags")
        loaded = _finish_loading(loading[0])
        num_transactions = loaded["total"]["transactions"]
        self._say(f"ledger at block {loaded['tip_height']:,}, {num_transactions:,} transactions")
        logging.getLogger("tracing").setLevel(logging.WARNING)  # progress says it in words
        name_reporting_entity()
        found = run_detection(by=SYSTEM)
        self._say(f"{found.num_raised} alerts raised, {found.num_merged} firings merged")
        with exchange_at_hand(built.exchange / "balances.csv"):
            load_casework(folder, tell=self._say)
        wanted.write(demo_file())
        self._say("the demo world is loaded")
        return {
            "installed": True, "scale": wanted.scale, "seed": wanted.seed,
            "transactions": num_transactions, "tip_hash": loaded["tip_hash"], "rows": report.rows,
        }  # fmt: skip

    def _wait_for_tables(self) -> None:
        """Blocks are made while somebody else makes the tables; nothing at all if that failed."""
        if self.tables_follow and not sys.stdin.readline():
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


def _start_loading(paths: list[Path]) -> subprocess.Popen[str]:
    """The ordinary load in a process of its own: a second core reads while this one writes."""
    return subprocess.Popen(  # noqa: S603  # our own command on files we wrote
        [sys.executable, "manage.py", "load_blocks", LEDGER, *map(str, paths), "--json"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "FIU_HOME": str(settings.FIU_HOME)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def _finish_loading(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate()
    if process.returncode:
        raise CommandError("The blocks could not be loaded; the lines above say why.")
    report: dict[str, Any] = json.loads(out)
    return report
