"""Patterns of an address from the command line."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from tracing.ledger_views import resolve_ledger
from tracing.management.asking import LEDGERS, canonical_address, one_sentence
from tracing.pattern_views import AddressPatterns, address_patterns


class Command(BaseCommand):
    help = (
        "Tell which patterns fit an address (fan-in, fan-out, pass-through, peel chain, dust, "
        "address poisoning, service-like), with the facts that matched. Hints, not proofs."
    )
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ledger", help=LEDGERS)
        parser.add_argument("address")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        name = one_sentence(lambda: resolve_ledger(options["ledger"]))
        address = canonical_address(options["address"])
        found = address_patterns(name, address)
        if options["json"]:
            self.stdout.write(json.dumps({"address": address, "ledger": name, **asdict(found)}))
            return
        self.stdout.write("\n".join(in_words(address, found)))


def in_words(address: str, found: AddressPatterns) -> list[str]:
    """The patterns as lines for a reader."""
    lines = [f"{address}: {found.num_movements:,} movements looked at"]
    if found.is_cut:
        lines.append("only the newest; the address has more")
    for asset in found.assets:
        for pattern in asset.patterns:
            facts = ", ".join(f"{name} {value}" for name, value in pattern.facts)
            kind = pattern.kind.replace("_", " ")
            lines.append(f"{asset.unit.symbol}: {kind} ({pattern.confidence}): {facts}")
    if not found.assets:
        lines.append("no pattern fits")
    return lines
