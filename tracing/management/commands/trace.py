"""Trace value forward or backward from the command line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tracing.engine.accounts.resolve import account_trace_spec
from tracing.engine.accounts.trace import AccountTraceResult, trace_accounts
from tracing.engine.kernels import Kernels
from tracing.engine.resolve import trace_spec
from tracing.engine.spec import DIRECTIONS, TraceParameters
from tracing.engine.trace import TraceResult, trace
from tracing.management.asking import (
    LEDGERS,
    one_sentence,
    opened,
    opened_accounts,
    table,
    units,
    walls,
    whole_number,
    with_tag_set,
)

ROWS_SHOWN = 50
MODE_OF = {"forward": "destination", "backward": "source"}


class Command(BaseCommand):
    help = "Follow value from seeds to where it went (forward) or came from (backward)."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ledger", help=LEDGERS)
        parser.add_argument(
            "seeds",
            nargs="+",
            metavar="SEED",
            help="txid:vout or an address; on account ledgers txid:index of a transfer, or "
            "ADDRESS, ADDRESS@TOKEN, ADDRESS@TOKEN#FROM-TO",
        )
        parser.add_argument("--direction", default="forward", help="forward or backward")
        parser.add_argument("--policy", default="haircut", help="haircut, fifo, lifo or poison")
        parser.add_argument("--max-hops", metavar="N", help="1 to 32; no limit without it")
        parser.add_argument("--until-height", metavar="H", help="last block; backward: first")
        parser.add_argument("--min-value", metavar="SAT", help="follow no smaller coin")
        parser.add_argument("--coinjoin", default="stop", help="stop or through")
        parser.add_argument("--stop", action="append", default=[], metavar="ADDRESS")
        parser.add_argument("--json", action="store_true", help="the sealed result")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["direction"] not in DIRECTIONS:
            raise CommandError(f"--direction must be one of {', '.join(DIRECTIONS)}.")
        result = one_sentence(lambda: traced(options))
        if options["json"]:
            self.stdout.write(json.dumps(result.json))
            return
        self.stdout.write("\n".join(in_words(result)))


def traced(options: dict[str, Any]) -> TraceResult | AccountTraceResult:
    """Resolve and run what the options ask for."""
    accounts = opened_accounts(options["ledger"])
    if accounts is not None:
        asked = parameters_of(options, accounts.name)
        question = account_trace_spec(asked, accounts, walls(accounts))
        kernels = Kernels(settings.FIU_HOME / "cache")
        return trace_accounts(with_tag_set(question), accounts, kernels=kernels)
    ledger = opened(options["ledger"])
    parameters = parameters_of(options, ledger.name)
    kernels = Kernels(settings.FIU_HOME / "cache")
    spec = with_tag_set(trace_spec(parameters, ledger, walls(ledger)))
    return trace(spec, ledger, kernels=kernels)


def parameters_of(options: dict[str, Any], ledger: str) -> TraceParameters:
    """The options as the parameters of a run."""
    return TraceParameters(
        ledger=ledger,
        mode=MODE_OF[options["direction"]],
        seeds=tuple(options["seeds"]),
        policy=options["policy"],
        max_hops=whole_number("--max-hops", options["max_hops"]),
        until_height=whole_number("--until-height", options["until_height"]),
        min_value=whole_number("--min-value", options["min_value"], digits=78) or 0,
        coinjoin=options["coinjoin"],
        stops=tuple(options["stop"]),
    )


def in_words(result: TraceResult | AccountTraceResult) -> list[str]:
    """The result as lines for a reader."""
    whole = result.json
    seal, ends, sheet = (whole[key] for key in ("seal", "ends", "balance_sheet"))
    assert isinstance(seal, dict)
    assert isinstance(ends, list)
    assert isinstance(sheet, dict)
    asset = whole.get("asset") or {"name": "", "symbol": "BTC", "decimals": 8}
    assert isinstance(asset, dict)

    def coins(amount: str | int) -> str:
        return units(amount, asset["decimals"])

    snapshot = seal["snapshot"]
    at = f"block {snapshot['height']} {snapshot['block_hash']}"
    rows = [
        (
            coins(end["amount"]),
            coins(end["low"]),
            coins(end["high"]),
            str(end["hops"]),
            end["status"],
            end["address"] or "-",
            end["outpoint"],
        )
        for end in ends[:ROWS_SHOWN]
    ]
    head = ("amount", "low", "high", "hops", "status", "address", "outpoint")
    lines = [
        f"{whole['direction']} {whole['policy']} on {snapshot['ledger']}, {at}"
        + (f", {asset['symbol'] or 'units'} {asset['name']}" if asset["name"] else ""),
        "",
        *table(head, rows, right=4),
    ]
    if len(ends) > ROWS_SHOWN:
        lines.append(f"... and {len(ends) - ROWS_SHOWN} more; --json lists all of them")
    books = [("seeds", sheet["in"]), ("ends", sheet["ends"]), ("fees", sheet["fees"])]
    books += [(f"cut: {reason}", str(amount)) for reason, amount in sorted(result.cut.items())]
    lines += ["", *(f"{name:>16}  {coins(amount):>20}" for name, amount in books)]
    if sheet["difference"] is None:
        lines.append("Poison tells what can be reached; it does not conserve value.")
    else:
        lines.append(f"{'difference':>16}  {coins(sheet['difference']):>20}")
    if isinstance(result, AccountTraceResult) and result.openings:
        lines.append(
            f"accounts whose balance before is not known: {len(result.openings)}; the policy counts"
            " the least that their payments prove, the low bounds take nothing for certain"
        )
    lines.append(f"result sha256 {seal['result_sha256']}")
    return lines
