"""Each operation beside its peer, on the same ledger in the same run, results compared."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, TypeVar

import networkx as nx
import numpy as np

from tracing.engine import coinjoin
from tracing.engine.clusters import Bools, cospend, cospend_pairs
from tracing.engine.ledger import UNSPENT, MemoryLedger
from tracing.engine.spec import TraceSpec
from tracing.engine.trace import trace

T = TypeVar("T")
NUM_SEEDS: Final = 200
TAIL: Final = 0.95
"""Seeds lie in the last 5 % of the chain: a trace of case size."""


@dataclass(frozen=True)
class Row:
    """One operation at one size; times in seconds."""

    operation: str
    num_tx: int
    found: str
    ours: float
    peer: str
    peer_load: float
    peer_compute: float

    @property
    def ratio(self) -> float:
        """How many times as long the peer takes, its loading included."""
        return (self.peer_load + self.peer_compute) / self.ours

    @property
    def ratio_compute(self) -> float:
        """The same with the peer's graph already in memory."""
        return self.peer_compute / self.ours


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result, and the seconds it took, garbage collected before."""
    gc.collect()
    begun = perf_counter()
    result = work()
    return result, perf_counter() - begun


def best_of(times: int, work: Callable[[], T]) -> tuple[T, float]:
    """The result, and the shortest of some runs."""
    runs = [timed(work) for _ in range(times)]
    return runs[0][0], min(seconds for _, seconds in runs)


def clustering(ledger: MemoryLedger) -> Row:
    """Co-spend clusters without CoinJoins, beside connected components of networkx."""
    shut: Bools = coinjoin.flags(ledger)
    ours, seconds = best_of(3, lambda: cospend(ledger, shut))

    def load() -> Any:  # networkx ships no types
        graph = nx.Graph()
        graph.add_nodes_from(range(ledger.num_addresses))
        _, a, b = cospend_pairs(ledger, shut)
        graph.add_edges_from(zip(a.tolist(), b.tolist(), strict=True))
        return graph

    graph, peer_load = timed(load)
    theirs, peer_compute = timed(lambda: list(nx.connected_components(graph)))
    parent = ours.parent
    for group in theirs:
        members = np.fromiter(group, np.int64)
        if (parent[members] != members.min()).any():
            raise AssertionError("the two partitions differ")
    if len(theirs) != len(np.unique(parent)):
        raise AssertionError("the two partitions differ in number")
    found = f"{len(theirs):,} clusters"
    return Row(
        "clustering", ledger.num_tx, found, seconds, "networkx components", peer_load, peer_compute
    )


def haircut(ledger: MemoryLedger) -> Row:
    """Haircut of 200 seeds to the end of the chain, beside a walk over a networkx graph.

    Ours gives bounds, statuses and a balance sheet besides; the peer gives amounts only.
    """
    rng = random.Random(7)
    first = int(ledger.num_outputs * TAIL)
    coins = range(first, ledger.num_outputs)
    seeds = sorted({coins[int(rng.random() * len(coins))] for _ in range(NUM_SEEDS)})
    spec = TraceSpec(seeds=tuple(seeds), coinjoin="through")
    ours, seconds = best_of(3, lambda: trace(spec, ledger))
    graph, peer_load = timed(lambda: _graph(ledger))
    theirs, peer_compute = best_of(3, lambda: _graph_haircut(graph, ledger, seeds))
    arrived: dict[int, int] = {}
    for end in ours.ends:
        arrived[end.coin] = arrived.get(end.coin, 0) + end.amount
    if arrived != theirs:
        raise AssertionError("the two haircuts differ")
    found = f"{ours.num_transactions:,} transactions, {len(ours.ends):,} ends"
    return Row("haircut", ledger.num_tx, found, seconds, "networkx walk", peer_load, peer_compute)


def _graph(ledger: MemoryLedger) -> Any:  # networkx ships no types
    """Transactions as nodes with their values; edges carry the numbers of the outputs spent."""
    graph = nx.DiGraph()
    in_off, out_off = ledger.in_off.tolist(), ledger.out_off.tolist()
    in_out, in_value = ledger.in_out.tolist(), ledger.in_value.tolist()
    out_tx, values = ledger.out_tx.tolist(), ledger.out_value.tolist()
    coinbase = ledger.tx_coinbase.tolist()
    for tx in range(ledger.num_tx):
        ins = range(in_off[tx], in_off[tx + 1])
        total = 0 if coinbase[tx] else sum(in_value[i] for i in ins)
        graph.add_node(tx, total=total, values=values[out_off[tx] : out_off[tx + 1]])
        if coinbase[tx]:
            continue
        for i in ins:
            maker = out_tx[in_out[i]]
            number = in_out[i] - out_off[maker]
            if graph.has_edge(maker, tx):
                graph[maker][tx]["coins"].append(number)
            else:
                graph.add_edge(maker, tx, coins=[number])
    return graph


def _graph_haircut(graph: Any, ledger: MemoryLedger, seeds: list[int]) -> dict[int, int]:
    """Amount at each end by output id: descendants in chain order, cumulative floor."""
    out_off = ledger.out_off
    whole = {coin: int(ledger.out_value[coin]) for coin in seeds}
    origin: dict[int, set[int]] = {}
    for coin in seeds:
        tx = int(ledger.out_tx[coin])
        origin.setdefault(tx, set()).add(coin - int(out_off[tx]))
    reached: set[int] = set()
    for coin in seeds:
        spent = int(ledger.out_spent_in[coin])
        if spent != UNSPENT and int(ledger.in_tx[spent]) not in reached:
            tx = int(ledger.in_tx[spent])
            reached |= {tx} | nx.descendants(graph, tx)
    shares: dict[int, list[int]] = {}
    taken: dict[int, set[int]] = {}
    ends: dict[int, int] = {}
    for tx in sorted(reached):
        node = graph.nodes[tx]
        taint = 0
        for maker, edge in graph.pred[tx].items():
            made = shares.get(maker)
            for number in edge["coins"]:
                if number in origin.get(maker, ()):
                    taint += graph.nodes[maker]["values"][number]
                elif made is not None:
                    taint += made[number]
                    taken.setdefault(maker, set()).add(number)
        position = before = 0
        mine = []
        for value in node["values"]:
            position += value
            after = taint * position // node["total"]
            mine.append(after - before)
            before = after
        shares[tx] = mine
    for tx, mine in shares.items():
        first = int(out_off[tx])
        for number, amount in enumerate(mine):
            if amount and number not in taken.get(tx, ()):
                ends[first + number] = amount
    for coin, value in whole.items():
        if int(ledger.out_spent_in[coin]) == UNSPENT and value:
            ends[coin] = ends.get(coin, 0) + value
    return ends
