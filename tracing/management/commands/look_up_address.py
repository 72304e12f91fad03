"""Ask a configured source for the history of one address."""

import getpass
import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tracing.ledger_views import utc_time
from tracing.lookups import MOST_TX, AddressHistory, look_up_address
from tracing.management.asking import coins, one_sentence, table, whole_number
from tracing.nodes import configured_node

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Ask an Esplora server named in FIU_NODES_FILE for the history of one address. The server "
        "learns of the interest; who asked and why is written down first (outside_lookups)."
    )
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="its name in the file, with dialect = esplora")
        parser.add_argument("address")
        parser.add_argument("--purpose", required=True, help="why; it goes into the log")
        parser.add_argument("--by", default="", help="who asks; without it the system's user")
        parser.add_argument("--most", metavar="N", help=f"transactions to read, {MOST_TX} at most")
        parser.add_argument(
            "--store", action="store_true", help="load the blocks of these transactions too"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        most = whole_number("--most", options["most"]) or MOST_TX
        found = one_sentence(
            lambda: look_up_address(
                configured_node(settings.NODES_FILE, options["source"]),
                options["address"],
                purpose=options["purpose"],
                by=options["by"] or getpass.getuser(),
                most=min(most, MOST_TX),
                store=options["store"],
            )
        )
        self.stdout.write(json.dumps(asdict(found)) if options["json"] else in_words(found))


def in_words(found: AddressHistory) -> str:
    """The history as lines for a reader."""
    rows = [
        (
            coins(tx.received), coins(tx.sent), str(tx.height), f"{utc_time(tx.time):%Y-%m-%d}",
            tx.txid, tx.others[0][0] if tx.others else "-",
        )
        for tx in found.txs[:SHOWN]
    ]  # fmt: skip
    head = ("in", "out", "block", "day", "transaction", "largest other side")
    lines = [f"{found.address}: {found.num_tx:,} transactions, says {found.source} ({found.host})"]
    lines += ["", *table(head, rows, right=3)]
    if len(found.txs) > SHOWN:
        lines.append(f"... and {len(found.txs) - SHOWN} more; --json lists all of them")
    if not found.is_whole:
        lines.append(f"the oldest {found.num_tx - len(found.txs):,} were not read")
    if found.num_stored:
        lines.append(f"{found.num_stored:,} blocks added to {found.ledger}")
    return "\n".join(lines)
