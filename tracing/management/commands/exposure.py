"""Exposure of an address by category from the command line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracing.exposure_values import ExposureView
from tracing.exposure_views import wallet_exposure
from tracing.ledger_views import resolve_ledger
from tracing.management.asking import LEDGERS, canonical_address, one_sentence, table, units


class Command(BaseCommand):
    help = "Tell with which kinds of services an address dealt, directly and beyond, by asset."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ledger", help=LEDGERS)
        parser.add_argument("address")
        parser.add_argument("--cluster", action="store_true", help="of its whole co-spend cluster")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        name = one_sentence(lambda: resolve_ledger(options["ledger"]))
        address = canonical_address(options["address"])
        view = wallet_exposure(name, address, whole=options["cluster"])
        if view is None:
            raise CommandError(f"The ledger {name} has never seen the address {address}.")
        if options["json"]:
            self.stdout.write(json.dumps(as_json(name, address, view)))
            return
        self.stdout.write("\n".join(in_words(name, address, view)))


def as_json(ledger: str, address: str, view: ExposureView) -> dict[str, Any]:
    """The view with amounts as texts of base units."""
    return {
        "ledger": ledger,
        "address": address,
        "height": view.height,
        "num_addresses": view.num_addresses,
        "is_cut": view.is_cut,
        "seeds_left_out": view.seeds_left_out,
        "assets_left_out": view.assets_left_out,
        "rows": [
            {
                "direction": row.direction,
                "category": row.category,
                "is_direct": row.is_direct,
                "asset": row.asset,
                "amount": str(row.amount),
                "low": str(row.low),
                "high": str(row.high),
                "contacts": [
                    {
                        "outpoint": contact.place.outpoint,
                        "address": contact.place.address,
                        "label": contact.label,
                        "amount": str(contact.amount),
                        "hops": contact.hops,
                    }
                    for contact in row.contacts
                ],
            }
            for row in view.rows
        ],
        "sides": [
            {
                "direction": side.direction,
                "asset": side.unit.asset,
                "turnover": str(side.turnover),
                "rest": {status: str(amount) for status, amount in side.rest.items()},
                "fees": str(side.fees),
                "max_hops": side.max_hops,
            }
            for side in view.sides
        ],
    }


def in_words(ledger: str, address: str, view: ExposureView) -> list[str]:
    """The view as lines for a reader."""
    rows = [
        (
            *(units(amount, row.unit.decimals) for amount in (row.amount, row.low, row.high)),
            row.unit.symbol,
            row.direction,
            "direct" if row.is_direct else "indirect",
            row.category,
        )
        for row in view.rows
    ]
    head = ("amount", "low", "high", "asset", "direction", "distance", "category")
    lines = [f"{address} on {ledger}, block {view.height}", "", *table(head, rows, right=3), ""]
    if not rows:
        lines[2:] = ["no money of it met an address with a category within the limits", ""]
    for side in view.sides:
        rest = ", ".join(
            f"{units(amount, side.unit.decimals)} {status}" for status, amount in side.rest.items()
        )
        lines.append(
            f"{side.direction} {units(side.turnover, side.unit.decimals)} {side.unit.symbol} in "
            f"all, followed {side.max_hops} hops; no category: {rest or 'nothing'}"
        )
    if view.is_cut:
        lines.append("the address is busy: a wider search was given up")
    if view.assets_left_out:
        lines.append(f"{view.assets_left_out} further assets were not followed")
    return lines
