"""Find the ways value can have gone between two wallets, from the command line."""

import json
from argparse import ArgumentParser
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tracing.engine.accounts.paths import AccountPathsResult, find_account_paths
from tracing.engine.accounts.resolve import account_paths_spec
from tracing.engine.clusters import cospend
from tracing.engine.coinjoin import flags
from tracing.engine.kernels import Kernels
from tracing.engine.ledger import Ledger
from tracing.engine.paths import PathsResult, find_paths
from tracing.engine.resolve import find_address, paths_spec, walls_of
from tracing.engine.spec import MAX_HOPS, TraceParameters, is_outpoint
from tracing.errors import ParametersError
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


class Command(BaseCommand):
    help = "Find the best paths between two wallets, each an address, txid:vout, or a comma list."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ledger", help=LEDGERS)
        parser.add_argument("source", metavar="FROM")
        parser.add_argument("target", metavar="TO")
        parser.add_argument("--max-depth", metavar="N", help="1 to 32 transactions; 8 without it")
        parser.add_argument("--until-height", metavar="H", help="last block")
        parser.add_argument("--min-value", metavar="SAT", help="pass through no smaller coin")
        parser.add_argument("--coinjoin", default="stop", help="stop or through")
        parser.add_argument("--stop", action="append", default=[], metavar="ADDRESS")
        parser.add_argument(
            "--clusters", action="store_true", help="an address stands for its co-spend cluster"
        )
        parser.add_argument("--json", action="store_true", help="the sealed result")

    def handle(self, *args: Any, **options: Any) -> None:
        result = one_sentence(lambda: searched(options))
        if options["json"]:
            self.stdout.write(json.dumps(result.json))
            return
        self.stdout.write("\n".join(in_words(result)))


def searched(options: dict[str, Any]) -> PathsResult | AccountPathsResult:
    """Resolve and run what the options ask for."""
    ends = [tuple(options[end].split(",")) for end in ("source", "target")]
    accounts = opened_accounts(options["ledger"])
    if accounts is not None:
        if options["clusters"]:
            raise ParametersError("--clusters is for coins: accounts are not spent together.")
        asked = parameters_of(options, accounts.name, ends)
        question = account_paths_spec(asked, accounts, walls(accounts))
        return find_account_paths(with_tag_set(question), accounts)
    ledger = opened(options["ledger"])
    boundaries = walls(ledger)
    if options["clusters"]:
        ends = [with_clusters(places, ledger, boundaries) for places in ends]
    spec = paths_spec(parameters_of(options, ledger.name, ends), ledger, boundaries)
    kernels = Kernels(settings.FIU_HOME / "cache")
    return find_paths(with_tag_set(spec), ledger, kernels=kernels)


def depth_of(text: str | None) -> int | None:
    """The option by its own name: what the engine says of it names another one."""
    depth = whole_number("--max-depth", text)
    if depth is not None and not 1 <= depth <= MAX_HOPS:
        raise CommandError(f"--max-depth takes a whole number from 1 to {MAX_HOPS}, not {text!r}.")
    return depth


def parameters_of(
    options: dict[str, Any], ledger: str, ends: list[tuple[str, ...]]
) -> TraceParameters:
    """The options as the parameters of a search."""
    return TraceParameters(
        ledger=ledger,
        mode="paths",
        seeds=ends[0],
        targets=ends[1],
        max_hops=depth_of(options["max_depth"]),
        until_height=whole_number("--until-height", options["until_height"]),
        min_value=whole_number("--min-value", options["min_value"], digits=78) or 0,
        coinjoin=options["coinjoin"],
        stops=tuple(options["stop"]),
    )


def with_clusters(
    places: tuple[str, ...], ledger: Ledger, boundaries: list[tuple[str, str]]
) -> tuple[str, ...]:
    """The places, and all addresses that were spent together with one of them."""
    wall = np.zeros(ledger.num_addresses, np.bool_)
    wall[list(walls_of(ledger, boundaries))] = True
    clusters = cospend(ledger, flags(ledger), wall)
    found = set(places)
    for place in places:
        address = None if is_outpoint(place) else find_address(ledger, place)
        if address is not None:
            found.update(map(ledger.address_text, clusters.members(address).tolist()))
    return tuple(sorted(found))


def in_words(result: PathsResult | AccountPathsResult) -> list[str]:
    """The paths as lines for a reader."""
    paths = result.json["paths"]
    assert isinstance(paths, list)
    asset = result.json.get("asset") or {"decimals": 8}
    assert isinstance(asset, dict)
    lines = []
    for number, path in enumerate(paths, start=1):
        lines.append(f"{number}. {units(path['amount'], asset['decimals'])} in {path['hops']} hops")
        places = [address or "-" for address in path["addresses"]]
        rows = [(place, txid) for place, txid in zip(places, [*path["txids"], ""], strict=True)]
        lines += [f"   {row}" for row in table(("address", "spent by"), rows, right=0)]
    lines.append(
        f"{len(paths)} paths; searched to {result.searched_depth} transactions"
        + (", more may exist" if result.truncated else ", none is missing")
    )
    return lines
