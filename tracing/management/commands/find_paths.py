"""Find the ways value can have gone between two wallets, from the command line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tracing.engine.paths import PathsResult, find_paths
from tracing.engine.resolve import paths_spec
from tracing.engine.spec import TraceParameters
from tracing.management.asking import coins, one_sentence, opened, table, walls, whole_number


class Command(BaseCommand):
    help = "Find the best paths between two wallets, each an address, txid:vout, or a comma list."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ledger", help="bitcoin, bitcoin-test or bitcoin-regtest")
        parser.add_argument("source", metavar="FROM")
        parser.add_argument("target", metavar="TO")
        parser.add_argument("--max-depth", metavar="N", help="1 to 32 transactions; 8 without it")
        parser.add_argument("--until-height", metavar="H", help="last block")
        parser.add_argument("--min-value", metavar="SAT", help="pass through no smaller coin")
        parser.add_argument("--coinjoin", default="stop", help="stop or through")
        parser.add_argument("--stop", action="append", default=[], metavar="ADDRESS")
        parser.add_argument("--json", action="store_true", help="the sealed result")

    def handle(self, *args: Any, **options: Any) -> None:
        result = one_sentence(lambda: searched(options))
        if options["json"]:
            self.stdout.write(json.dumps(result.json))
            return
        self.stdout.write("\n".join(in_words(result)))


def searched(options: dict[str, Any]) -> PathsResult:
    """Resolve and run what the options ask for."""
    ledger = opened(options["ledger"])
    parameters = TraceParameters(
        ledger=ledger.name,
        mode="paths",
        seeds=tuple(options["source"].split(",")),
        targets=tuple(options["target"].split(",")),
        max_hops=whole_number("--max-depth", options["max_depth"]),
        until_height=whole_number("--until-height", options["until_height"]),
        min_value=whole_number("--min-value", options["min_value"]) or 0,
        coinjoin=options["coinjoin"],
        stops=tuple(options["stop"]),
    )
    return find_paths(paths_spec(parameters, ledger, walls(ledger)), ledger)


def in_words(result: PathsResult) -> list[str]:
    """The paths as lines for a reader."""
    paths = result.json["paths"]
    assert isinstance(paths, list)
    lines = []
    for number, path in enumerate(paths, start=1):
        lines.append(f"{number}. {coins(path['amount'])} in {path['hops']} hops")
        places = [address or "-" for address in path["addresses"]]
        rows = [(place, txid) for place, txid in zip(places, [*path["txids"], ""], strict=True)]
        lines += [f"   {row}" for row in table(("address", "spent by"), rows, right=0)]
    lines.append(
        f"{len(paths)} paths; searched to {result.searched_depth} transactions"
        + (", more may exist" if result.truncated else ", none is missing")
    )
    return lines
