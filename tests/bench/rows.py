"""Each operation beside its peer, on the same ledger in the same run, results compared."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import Any, Final, TypeVar

import networkx as nx
import numpy as np
import pyarrow as pa

from tracing.engine import coinjoin
from tracing.engine.clusters import Bools, cospend, cospend_pairs
from tracing.engine.kernels import Kernels
from tracing.engine.ledger import NO_ADDRESS, UNSPENT, MemoryLedger
from tracing.engine.spec import TraceSpec
from tracing.engine.trace import TraceResult, trace

T = TypeVar("T")
NUM_SEEDS: Final = 200
TAIL: Final = 0.95
"""Seeds lie in the last 5 % of the chain: a trace of case size."""


@dataclass(frozen=True)
class Row:
    """One operation at one size; times in seconds.

    Args:
        peer: what the same was asked of, empty where the target is a time; target: what the
            engine is held to, in words.
    """

    operation: str
    num_tx: int
    found: str
    kernel: str
    ours: float
    peer: str = ""
    peer_load: float = 0.0
    peer_compute: float = 0.0
    target: str = ""

    @property
    def ratio(self) -> float:
        """How many times as long the peer takes, its loading included."""
        return (self.peer_load + self.peer_compute) / self.ours

    @property
    def ratio_compute(self) -> float:
        """The same with the peer's graph already in memory."""
        return self.peer_compute / self.ours


@dataclass(frozen=True)
class TxGraph:
    """A networkx graph of all transactions, and the seconds it took to make."""

    graph: Any  # networkx ships no types
    seconds: float

    @classmethod
    def of(cls, ledger: MemoryLedger) -> TxGraph:
        """Cost: 17 s and 3 GB a million transactions."""
        graph, seconds = timed(lambda: _graph(ledger))
        return cls(graph, seconds)


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


def clustering(ledger: MemoryLedger, kernels: Kernels | None) -> list[Row]:
    """Co-spend clusters without CoinJoins, beside networkx and GraphSense's Rust package.

    Ours makes merge edges besides. The best of some runs counts, so compiling is not in it.
    """
    shut: Bools = coinjoin.flags(ledger)
    plain, seconds = best_of(3, lambda: cospend(ledger, shut))
    ours = [("numpy", seconds)]
    if kernels is not None:
        fast, seconds = best_of(4, lambda: kernels.cospend(ledger, shut))
        if not all(
            np.array_equal(getattr(plain, name), getattr(fast, name))
            for name in ("parent", "edge_tx", "edge_a", "edge_b")
        ):
            raise AssertionError("the twins differ")
        ours.append(("compiled", seconds))

    def load() -> Any:  # networkx ships no types
        graph = nx.Graph()
        graph.add_nodes_from(range(ledger.num_addresses))
        _, a, b = cospend_pairs(ledger, shut)
        graph.add_edges_from(zip(a.tolist(), b.tolist(), strict=True))
        return graph

    graph, peer_load = timed(load)
    theirs, peer_compute = timed(lambda: list(nx.connected_components(graph)))
    parent = plain.parent
    for group in theirs:
        members = np.fromiter(group, np.int64)
        if (parent[members] != members.min()).any():
            raise AssertionError("the two partitions differ")
    if len(theirs) != len(np.unique(parent)):
        raise AssertionError("the two partitions differ in number")
    found = f"{len(theirs):,} clusters"
    peers = [("networkx components", peer_load, peer_compute, ">= 50x")]
    rust = _graphsense(ledger, shut, parent)
    if rust is not None:
        peers.append(("gs_clustering", *rust, ">= 1x"))
    return [
        Row("clustering", ledger.num_tx, found, kernel, seconds, *peer)
        for peer in peers
        for kernel, seconds in ours
    ]


def _graphsense(ledger: MemoryLedger, shut: Bools, parent: Any) -> tuple[float, float] | None:
    """Seconds to prepare and to cluster with `gs_clustering`; None where it is not installed."""
    if find_spec("gs_clustering") is None:
        return None
    package = import_module("gs_clustering")

    def load() -> Any:  # pyarrow ships no types
        known = (ledger.in_address != NO_ADDRESS) & ~shut[ledger.in_tx]
        address, tx = ledger.in_address[known], ledger.in_tx[known]
        counts = np.bincount(tx, minlength=ledger.num_tx)
        many = counts > 1
        offsets = np.concatenate([[0], np.cumsum(counts[many])]).astype(np.int32)
        values = pa.array(address[many[tx]] + np.uint32(1))  # its id 0 stands for nobody
        return pa.ListArray.from_arrays(pa.array(offsets), values)

    def compute() -> Any:
        clusters = package.Clustering(max_address_id=ledger.num_addresses)
        clusters.process_transactions_arrow(lists)
        return clusters.get_mapping_min(skip_singletons=False)

    lists, seconds_load = timed(load)
    mapping, seconds = best_of(3, compute)
    address = np.asarray(mapping.column("address_id")) - 1
    if not np.array_equal(parent[address], np.asarray(mapping.column("cluster_id")) - 1):
        raise AssertionError("gs_clustering finds other clusters")
    return seconds_load, seconds


def late_seeds(ledger: MemoryLedger) -> tuple[int, ...]:
    """200 coins of the last 5 % of the chain, drawn evenly."""
    rng = random.Random(7)
    coins = range(int(ledger.num_outputs * TAIL), ledger.num_outputs)
    return tuple(sorted({coins[int(rng.random() * len(coins))] for _ in range(NUM_SEEDS)}))


def haircut(ledger: MemoryLedger, kernels: Kernels | None, peer: TxGraph | None) -> list[Row]:
    """Haircut of 200 seeds to the end of the chain, beside a walk over a networkx graph.

    Ours gives bounds, statuses and a balance sheet besides; the peer gives amounts only. Our plain
    Python is a peer of the compiled kernel.
    """
    spec = TraceSpec(seeds=late_seeds(ledger), coinjoin="through")
    found, ours = both_twins(spec, ledger, kernels)
    told = f"{found.num_transactions:,} transactions, {len(found.ends):,} ends"
    rows = []
    if peer is not None:
        theirs, seconds = best_of(3, lambda: _graph_haircut(peer.graph, ledger, spec.seeds))
        arrived: dict[int, int] = {}
        for end in found.ends:
            arrived[end.coin] = arrived.get(end.coin, 0) + end.amount
        if arrived != theirs:
            raise AssertionError("the two haircuts differ")
        rows = [
            Row("haircut", ledger.num_tx, told, kernel, mine, "networkx walk", peer.seconds,
                seconds)
            for kernel, mine in ours
        ]  # fmt: skip
    return rows + beside_plain("haircut", ledger, told, ours, ">= 5x")


def tapes_and_back(ledger: MemoryLedger, kernels: Kernels | None) -> list[Row]:
    """FIFO and LIFO from the same seeds, and back from them, beside plain Python.

    Backward late coins lead to most of the chain: plain Python takes its time once.
    """
    rows = []
    for policy, direction, times in (
        ("fifo", "forward", 3), ("lifo", "forward", 3), ("haircut", "backward", 1),
        ("fifo", "backward", 1),
    ):  # fmt: skip
        seeds = late_seeds(ledger)
        spec = TraceSpec(seeds=seeds, policy=policy, direction=direction, coinjoin="through")
        found, ours = both_twins(spec, ledger, kernels, times)
        told = f"{found.num_transactions:,} transactions, {len(found.ends):,} ends"
        rows += beside_plain(f"{policy} {direction}", ledger, told, ours)
    return rows


def both_twins(
    spec: TraceSpec, ledger: MemoryLedger, kernels: Kernels | None, times: int = 3
) -> tuple[TraceResult, list[tuple[str, float]]]:
    """The result, and the seconds it takes in plain Python and compiled; they must be the same."""
    found, seconds = best_of(times, lambda: trace(spec, ledger))
    ours = [("plain", seconds)]
    if kernels is not None:
        fast, seconds = best_of(times + 1, lambda: trace(spec, ledger, kernels=kernels))
        if (fast.ends, fast.possible, fast.sheet, fast.steps) != (
            found.ends, found.possible, found.sheet, found.steps,
        ):  # fmt: skip
            raise AssertionError(f"the twins differ: {spec.policy} {spec.direction}")
        ours.append(("compiled", seconds))
    return found, ours


def beside_plain(
    operation: str, ledger: MemoryLedger, told: str, ours: list[tuple[str, float]], target: str = ""
) -> list[Row]:
    """The compiled twin beside the plain one, where it is installed."""
    return [
        Row(operation, ledger.num_tx, told, kernel, seconds, "our plain Python", 0.0, ours[0][1],
            target)
        for kernel, seconds in ours[1:]
    ]  # fmt: skip


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


def _graph_haircut(graph: Any, ledger: MemoryLedger, seeds: Sequence[int]) -> dict[int, int]:
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
