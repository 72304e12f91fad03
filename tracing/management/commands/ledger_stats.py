"""Figures of a ledger or of one segment."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tracing.engine.ends import utc_text
from tracing.errors import LedgerGap
from tracing.ledgers import names, open_ledger
from tracing.ledgers.accounts import open_account_ledger
from tracing.ledgers.accounts.stats import account_stats
from tracing.ledgers.stats import ledger_stats
from tracing.management.asking import LEDGERS, one_sentence

TOKENS_SHOWN = 20


class Command(BaseCommand):
    help = "Count transactions, addresses, shapes and co-spend clusters of a ledger or segment."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ledger", help=LEDGERS)
        parser.add_argument("--segment", metavar="TIPHASH", help="hash of a segment's last block")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        figures = one_sentence(lambda: figures_of(options["ledger"], options["segment"]))
        if options["json"]:
            self.stdout.write(json.dumps(figures))
            return
        for name, value in figures.items():
            if name == "tokens":
                continue
            shown = utc_text(value) if name == "block_time" else in_words(value)
            self.stdout.write(f"{name:32} {shown}")
        for token in figures.get("tokens", ())[:TOKENS_SHOWN]:
            amount = token["amount"] or f"{token['base_units']} base units"
            self.stdout.write(
                f"{token['transfers']:>8,}  {amount} {token['symbol']}  {token['asset']}".rstrip()
            )


def in_words(value: object) -> str:
    """A figure for a reader: groups of digits, parts of a whole with their names."""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {in_words(part)}" for name, part in value.items()) or "none"
    if isinstance(value, list):
        return f"\n{'':32} ".join(map(in_words, value)) or "none"
    return str(value)


def figures_of(name: str, segment: str | None) -> dict[str, Any]:
    """The figures of a ledger of either kind."""
    if not names.is_account(names.resolve(settings.FIU_HOME, name)):
        return ledger_stats(open_ledger(settings.FIU_HOME, name), segment)
    if segment is not None:
        raise LedgerGap("figures of an account ledger are of the whole; leave --segment out")
    return account_stats(open_account_ledger(settings.FIU_HOME, name))
