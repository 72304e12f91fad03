"""Load raw block files into a ledger."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tracing.ledgers import LoadReport, load_blocks
from tracing.management.asking import one_sentence

STAGES = {"read": "reading", "parse": "parsing", "store": "storing", "link": "linking"}


class Command(BaseCommand):
    help = (
        "Load .raw, .blk, .bz2 or a node's own blk*.dat files. Loading twice changes nothing; a "
        "damaged file is refused whole."
    )
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ledger", help="bitcoin, bitcoin-test or bitcoin-regtest")
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--network", help="main, test or regtest")
        parser.add_argument(
            "--spent-coins",
            action="append",
            default=[],
            metavar="FILE",
            type=Path,
            help="a bcoin undo file or a node's rev*.dat; may be given several times",
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        report = one_sentence(
            lambda: load_blocks(
                settings.FIU_HOME,
                options["ledger"],
                options["files"],
                network=options["network"],
                spent_coins=options["spent_coins"],
                progress=None if options["json"] or not sys.stderr.isatty() else self._progress,
            )
        )
        self.stdout.write(json.dumps(report_json(report)) if options["json"] else in_words(report))

    def _progress(self, stage: str, done: int, total: int) -> None:
        self.stderr.write(f"{STAGES[stage]} {done}/{total}\r", ending="")


def report_json(report: LoadReport) -> dict[str, Any]:
    """What was added, the totals now, the tip and the segments."""
    now = report.snapshot
    return {
        "ledger": report.ledger,
        "blocks": report.blocks,
        "transactions": report.transactions,
        "inputs": report.inputs,
        "outputs": report.outputs,
        "known_blocks": report.known_blocks,
        "spent_coins": report.spent_coins,
        "tip_height": now.height,
        "tip_hash": now.tip_hash,
        "epoch": now.epoch,
        "total": {
            "blocks": now.num_blocks,
            "transactions": now.num_tx,
            "inputs": now.num_inputs - now.num_blocks,
            "outputs": now.num_outputs,
            "stale_blocks": now.num_stale,
        },
        "segments": [asdict(segment) for segment in now.segments],
    }


def in_words(report: LoadReport) -> str:
    """The same for a reader."""
    now = report.snapshot
    lines = [
        f"{report.ledger}: {report.blocks:,} blocks, {report.transactions:,} transactions, "
        f"{report.inputs:,} inputs, {report.outputs:,} outputs added"
    ]
    if report.known_blocks:
        lines.append(f"{report.known_blocks:,} blocks were there already")
    if report.spent_coins:
        lines.append(f"{report.spent_coins:,} spent coins added")
    lines.append(f"tip: block {now.height:,} {now.tip_hash}")
    if len(now.segments) > 1:
        lines.append(f"{len(now.segments)} segments; the blocks between them are not loaded")
    if now.num_stale:
        lines.append(f"{now.num_stale} stale blocks are kept outside of the chain")
    return "\n".join(lines)
