"""Follow a configured node: load what its chain has and the ledger lacks."""

import json
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tracing import jobs
from tracing.errors import LedgerBusy, NodeError, TracingError
from tracing.management.asking import one_sentence, whole_number
from tracing.nodes import NodeSettings, configured_node
from tracing.sync import SyncReport, sync_chain

LINE_SECONDS = 10.0
"""How often progress is told where it cannot overwrite its own line."""


class Command(BaseCommand):
    help = (
        "Bring a ledger level with a node named in FIU_NODES_FILE, from the ledger's tip on. May "
        "be stopped at any time and started again: what is stored stays."
    )
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("node", help="its name in the file, or the ledger's if it is the one")
        parser.add_argument(
            "--from", dest="first", metavar="HEIGHT",
            help="where an empty ledger begins; above the ledger's end it begins a new segment",
        )  # fmt: skip
        parser.add_argument("--until", metavar="HEIGHT", help="ask for no block above")
        parser.add_argument(
            "--every", metavar="SECONDS", help="go on following, asking again after each pause"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        first = whole_number("--from", options["first"])
        until = whole_number("--until", options["until"])
        every = whole_number("--every", options["every"])
        if every == 0:
            raise CommandError("--every takes a number of seconds above 0.")
        node = one_sentence(lambda: configured_node(settings.NODES_FILE, options["node"]))
        while True:
            try:
                report = self._sync(node, first, until)
            except TracingError as error:
                if every is None or not isinstance(error, NodeError | LedgerBusy):
                    raise CommandError(str(error)) from None
                self.stderr.write(str(error))  # it may pass
            else:
                told = json.dumps(report_json(report)) if options["json"] else in_words(report)
                self.stdout.write(told)
                self.stdout.flush()
            if every is None:
                return
            time.sleep(every)

    def _sync(self, node: NodeSettings, first: int | None, until: int | None) -> SyncReport:
        progress = _Progress(self, node.name)
        try:
            report = sync_chain(node, first_height=first, until_height=until, told=progress)
        finally:
            progress.end()
        if report.stale_runs:
            jobs.send_hint(jobs.STALE_TASK)
        return report


class _Progress:
    """Lines on stderr: over and over the same one on a terminal, now and then elsewhere."""

    def __init__(self, command: BaseCommand, name: str) -> None:
        self._command, self._name = command, name
        self._is_terminal = sys.stderr.isatty()
        self._at = 0.0
        self._is_open = False

    def __call__(self, reached: int, target: int) -> None:
        now = time.monotonic()
        if now - self._at < (0.2 if self._is_terminal else LINE_SECONDS):
            return
        self._at = now
        line = f"{self._name}: block {max(reached, 0):,} of {target:,}"
        self._command.stderr.write(line, ending="\r" if self._is_terminal else "\n")
        self._is_open = self._is_terminal

    def end(self) -> None:
        if self._is_open:
            self._command.stderr.write("")


def report_json(report: SyncReport) -> dict[str, Any]:
    """What was added, and where ledger and node stand."""
    now = report.snapshot
    return {
        **{name: value for name, value in asdict(report).items() if name != "snapshot"},
        "node_tip": asdict(report.node_tip),
        "tip_height": now.height,
        "tip_hash": now.tip_hash,
        "epoch": now.epoch,
        "stale_blocks": now.num_stale,
        "segments": [asdict(segment) for segment in now.segments],
    }


def in_words(report: SyncReport) -> str:
    """The same for a reader."""
    lines = [
        f"{report.ledger}: {report.blocks:,} blocks, {report.transactions:,} transactions added "
        f"from {report.node}"
    ]
    if report.spent_coins:
        lines.append(f"{report.spent_coins:,} spent coins added")
    if report.orphaned:
        lines.append(f"the chain reorganised: {report.orphaned:,} blocks left it")
    if report.stale_runs:
        lines.append(f"{report.stale_runs:,} finished traces rest on them and turned stale")
    lines.append(
        f"ledger at block {report.snapshot.height:,}, node at {report.node_tip.height:,}"
        + ("" if report.is_level else " (not level)")
    )
    return "\n".join(lines)
