"""Paths between two coins, beside the shortest ones of networkx and NetworKit."""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import Any, Final

import networkx as nx
import numpy as np

from tests.bench.rows import Row, TxGraph, timed
from tests.bench.twins import led_to
from tracing.engine.kernels import Kernels
from tracing.engine.ledger import UNKNOWN_OUTPUT, MemoryLedger
from tracing.engine.paths import find_paths
from tracing.engine.spec import DEFAULT_DEPTH, MAX_HOPS, PathsSpec

NUM_PAIRS: Final = 200
Asked = tuple[int, int, int]
"""Source, target, and the fewest transactions between them."""


def routes(ledger: MemoryLedger, kernels: Kernels | None, peer: TxGraph) -> list[Row]:
    """From a coin to one that it led to, as far as the fewest transactions between the two.

    Ours finds the ten best of that length by the amount that can have passed, with their coins; the
    peers find one. To depth 8 it finds the ten best of any length. A graph is made once for all.
    """
    asked, theirs = _asked(ledger, peer.graph)
    peers = [(f"networkx, graph in {peer.seconds:.1f} s", theirs, ">= 3x")]
    if find_spec("networkit") is not None:
        seconds, times = _networkit(ledger, asked)
        peers.append((f"NetworKit, graph in {seconds:.1f} s", times, ">= 1x"))
    rows = []
    twins = [("plain", Kernels())]
    if kernels is not None:
        twins.append(("compiled", kernels))
    told = f"{len(asked):,} pairs, {sum(hops for *_, hops in asked):,} transactions"
    for kernel, chosen in twins:
        ours = [_search(ledger, each, chosen, each[2]) for each in asked]
        whole = [_search(ledger, each, chosen, DEFAULT_DEPTH) for each in asked]
        for name, of in (("half of all", median), ("the longest", max)):
            for peer_name, times, target in peers:
                rows.append(
                    Row(f"path, {name}", ledger.num_tx, told, kernel, of(ours), peer_name, 0.0,
                        of(times), target if of is median else "<= 5 ms")
                )  # fmt: skip
            rows.append(
                Row(f"paths to depth {DEFAULT_DEPTH}, {name}", ledger.num_tx, told, kernel,
                    of(whole), target="<= 5 ms" if of is max else "")
            )  # fmt: skip
    return rows


def _asked(ledger: MemoryLedger, graph: Any) -> tuple[list[Asked], list[float]]:
    """Pairs that random walks of 1 to 32 transactions lead along, and networkx's times."""
    rng = random.Random(11)
    asked: list[Asked] = []
    times = []
    while len(asked) < NUM_PAIRS:
        source = int(rng.random() * ledger.num_outputs)
        coin = led_to(rng, ledger, source, MAX_HOPS)
        if coin == source:
            continue
        start, goal = _ends(ledger, source, coin)
        found, seconds = _timed(lambda s=start, g=goal: nx.bidirectional_shortest_path(graph, s, g))  # type: ignore[misc]
        asked.append((source, coin, len(found)))
        times.append(seconds)
    return asked, times


def _networkit(ledger: MemoryLedger, asked: list[Asked]) -> tuple[float, list[float]]:
    """The seconds to make its graph, and its times; the lengths must be the same."""
    nk = import_module("networkit")

    def load() -> Any:  # ships no types
        known = ledger.in_out != UNKNOWN_OUTPUT
        makers = ledger.out_tx[ledger.in_out[known]].astype(np.uint64)
        edges = (makers, ledger.in_tx[known].astype(np.uint64))
        return nk.GraphFromCoo(edges, n=ledger.num_tx, directed=True)

    graph, seconds = timed(load)
    times = []
    for source, target, hops in asked:
        start, goal = _ends(ledger, source, target)

        def search(start: int = start, goal: int = goal) -> float:
            found = nk.distance.BidirectionalBFS(graph, start, goal, False)
            found.run()
            return float(found.getDistance())

        distance, took = _timed(search)
        if distance + 1 != hops:
            raise AssertionError(f"NetworKit finds {distance + 1} transactions, networkx {hops}")
        times.append(took)
    return seconds, times


def _ends(ledger: MemoryLedger, source: int, target: int) -> tuple[int, int]:
    """The transaction that spends the first coin, and the one that made the second."""
    return int(ledger.in_tx[ledger.out_spent_in[source]]), int(ledger.out_tx[target])


def _search(ledger: MemoryLedger, asked: Asked, kernels: Kernels, depth: int) -> float:
    """Seconds that our search takes; it must find a path where the peers' is no longer."""
    source, target, hops = asked
    spec = PathsSpec(
        (source,), (target,), max_depth=depth, coinjoin="through", visit_limit=2 * ledger.num_tx
    )
    found, seconds = _timed(lambda: find_paths(spec, ledger, kernels=kernels))
    if bool(found.paths) != (hops <= depth) or any(path.hops < hops for path in found.paths):
        raise AssertionError(f"our paths from {source} to {target} are not the peers'")
    return seconds


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """As `timed`, without collecting garbage before each of very many."""
    begun = perf_counter()
    found = work()
    return found, perf_counter() - begun
