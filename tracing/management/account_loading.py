"""What the commands that load account chains share."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tracing.ledgers.accounts import AccountLoadReport
from tracing.ledgers.accounts.load import report_json
from tracing.management.asking import one_sentence

REASONS_SHOWN = 20
ROWS_SHOWN = 5


class AccountLoadCommand(BaseCommand):
    """Loads files of recorded replies and tells what became of every row."""

    ledgers = ""
    load: Callable[..., AccountLoadReport]
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ledger", help=self.ledgers)
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--json", action="store_true", help="every row that was not taken")

    def handle(self, *args: Any, **options: Any) -> None:
        self.tell(type(self).load, options)

    def tell(self, load: Callable[..., AccountLoadReport], options: dict[str, Any]) -> None:
        """Load the files and write the report."""
        report = one_sentence(lambda: load(settings.FIU_HOME, options["ledger"], options["files"]))
        self.stdout.write(json.dumps(report_json(report)) if options["json"] else in_words(report))


def in_words(report: AccountLoadReport) -> str:
    """The report for a reader: counts, then the reasons with the first rows of each."""
    now = report.snapshot
    lines = [
        f"{report.ledger}: {report.blocks:,} blocks, {report.transactions:,} transactions, "
        f"{report.transfers:,} transfers added",
        f"{report.rows:,} rows: {report.accepted:,} accepted, {len(report.refused):,} not taken",
    ]
    if report.known:
        lines.append(f"{report.known:,} transfers were there already")
    for reason, count in list(report.reasons.items())[:REASONS_SHOWN]:
        rows = [each for each in report.refused if f"{each.what}: {each.reason}" == reason]
        where = ", ".join(f"{Path(r.source).name} row {r.row}" for r in rows[:ROWS_SHOWN])
        lines.append(f"{count:>8,}  {reason} ({where}{', ...' if count > ROWS_SHOWN else ''})")
    if len(report.reasons) > REASONS_SHOWN:
        lines.append(f"... and {len(report.reasons) - REASONS_SHOWN} more reasons; --json has all")
    lines.append(f"tip: block {now.height:,} {now.tip_hash}")
    if len(now.segments) > 1:
        lines.append(f"{len(now.segments)} segments; the blocks between them are not loaded")
    if now.num_stale:
        lines.append(f"{now.num_stale} stale blocks are kept outside of the chain")
    return "\n".join(lines)
