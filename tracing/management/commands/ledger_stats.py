"""Figures of a ledger or of one segment."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tracing.ledgers import open_ledger
from tracing.ledgers.stats import ledger_stats
from tracing.management.asking import one_sentence


class Command(BaseCommand):
    help = "Count transactions, addresses, shapes and co-spend clusters of a ledger or segment."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ledger", help="bitcoin, bitcoin-test or bitcoin-regtest")
        parser.add_argument("--segment", metavar="TIPHASH", help="hash of a segment's last block")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        figures = one_sentence(
            lambda: ledger_stats(
                open_ledger(settings.FIU_HOME, options["ledger"]), options["segment"]
            )
        )
        if options["json"]:
            self.stdout.write(json.dumps(figures))
            return
        for name, value in figures.items():
            shown = f"{value:,}" if isinstance(value, int) else str(value)
            self.stdout.write(f"{name:32} {shown}")
