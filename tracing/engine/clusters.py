"""Clusters: addresses whose coins were spent together, and the reason for each of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.ledger import NO_ADDRESS, U32, Ledger

Bools = NDArray[np.bool_]
Ids = NDArray[np.int64]

NONE: Final = np.iinfo(np.int64).max


@dataclass(frozen=True)
class MergeEdge:
    """One merge of the spanning forest: this transaction spent coins of both addresses."""

    tx: int
    a: int
    b: int


@dataclass(frozen=True)
class Clusters:
    """A partition of the addresses with the merges that made it.

    Args:
        parent: u32[num_addresses], the cluster's name for each address: its smallest member.
        edge_tx, edge_a, edge_b: u32, the merges in chain order; as few as there can be, so that
            they form trees and the path between two addresses is unique. Each is the earliest that
            joins its two sides.
    """

    parent: U32
    edge_tx: U32
    edge_a: U32
    edge_b: U32

    def anchor(self, address: int) -> int:
        """The cluster's stable name: its smallest address. Cost: O(1)."""
        return int(self.parent[address])

    def members(self, anchor: int) -> U32:
        """All addresses of a cluster, ascending. Cost: one pass over the addresses."""
        return np.flatnonzero(self.parent == self.parent[anchor]).astype(np.uint32)

    def sizes(self) -> Ids:
        """Number of addresses by anchor, 0 where an address is no anchor. Cost: one pass."""
        return np.bincount(self.parent, minlength=len(self.parent)).astype(np.int64)

    def why_together(self, a: int, b: int) -> list[MergeEdge] | None:
        """The merges that connect two addresses, in order from `a` to `b`; None if nothing does.

        The path is the only one in the forest: without any one of its merges, the forest splits
        there.

        Cost: one pass over the edges, then O(edges of this cluster).
        """
        if self.parent[a] != self.parent[b]:
            return None
        mine = np.flatnonzero(self.parent[self.edge_a] == self.parent[a])
        near: dict[int, list[MergeEdge]] = {}
        for at in mine.tolist():
            edge = MergeEdge(int(self.edge_tx[at]), int(self.edge_a[at]), int(self.edge_b[at]))
            near.setdefault(edge.a, []).append(edge)
            near.setdefault(edge.b, []).append(MergeEdge(edge.tx, edge.b, edge.a))
        came: dict[int, MergeEdge | None] = {a: None}
        queue = deque([a])
        while queue and b not in came:
            at = queue.popleft()
            for edge in near.get(at, ()):
                if edge.b not in came:
                    came[edge.b] = edge
                    queue.append(edge.b)
        path = []
        step = came[b]
        while step is not None:
            path.append(step)
            step = came[step.a]
        return path[::-1]


def cospend(
    ledger: Ledger, excluded_tx: Bools | None = None, wall_address: Bools | None = None
) -> Clusters:
    """Merge the input addresses of each transaction.

    Args:
        excluded_tx: transactions that prove nothing, such as CoinJoins (`coinjoin.flags`).
        wall_address: addresses that belong to an exchange or service. A transaction that spends
            from one is the service's own: it merges nobody, so a sweep never joins two customers.

    Returns:
        The partition, with the minimum spanning forest by chain order of the co-spend graph.

    Cost: O(inputs) memory, O(inputs log addresses) time, all vectorised.
    Source: Meiklejohn and others, "A Fistful of Bitcoins" (2013), heuristic 1; Borůvka (1926) for
    the forest.
    """
    tx, a, b = cospend_pairs(ledger, excluded_tx, wall_address)
    parent, chosen = _forest(ledger.num_addresses, a, b)
    return Clusters(
        parent.astype(np.uint32),
        tx[chosen].astype(np.uint32),
        a[chosen].astype(np.uint32),
        b[chosen].astype(np.uint32),
    )


def cospend_pairs(
    ledger: Ledger, excluded_tx: Bools | None = None, wall_address: Bools | None = None
) -> tuple[Ids, Ids, Ids]:
    """(transaction, first input address, other input address) in chain order."""
    address = np.asarray(ledger.in_address)
    tx = np.asarray(ledger.in_tx)
    shut = np.zeros(ledger.num_tx, np.bool_) if excluded_tx is None else excluded_tx.copy()
    if wall_address is not None and ledger.num_addresses:
        known = address != NO_ADDRESS
        shut[tx[known][wall_address[address[known]]]] = True
    keep = (address != NO_ADDRESS) & ~shut[tx]
    address, tx = address[keep].astype(np.int64), tx[keep].astype(np.int64)
    if not len(tx):
        return tx, tx, tx
    first = np.concatenate(([True], tx[1:] != tx[:-1]))
    lead = address[np.flatnonzero(first)][np.cumsum(first) - 1]
    real = lead != address
    return tx[real], lead[real], address[real]


def _forest(num_addresses: int, a: Ids, b: Ids) -> tuple[Ids, Ids]:
    """Components named by their least member, and the chosen edges (ascending) of the forest.

    Borůvka's rounds: each part takes its least edge, so the forest is the one Kruskal builds in
    order. Parts at least halve in number each round and are numbered anew, so that the rounds
    together cost little more than the first.
    """
    seen = np.zeros(num_addresses, np.bool_)
    seen[a] = seen[b] = True
    nodes = np.flatnonzero(seen)
    to_part = np.cumsum(seen) - 1
    part_a, part_b, live = to_part[a], to_part[b], np.arange(len(a), dtype=np.int64)
    num_parts = len(nodes)
    rounds: list[Ids] = []
    chosen: list[Ids] = []
    while len(live):
        goal, edges = _hooked(num_parts, part_a, part_b)
        chosen.append(live[edges])
        is_root = goal == np.arange(num_parts)
        renumbered = (np.cumsum(is_root) - 1)[goal]
        num_parts = int(np.count_nonzero(is_root))
        rounds.append(renumbered)
        part_a, part_b = renumbered[part_a], renumbered[part_b]
        apart = part_a != part_b
        live, part_a, part_b = live[apart], part_a[apart], part_b[apart]
    part = np.arange(num_parts, dtype=np.int64)
    for renumbered in reversed(rounds):
        part = part[renumbered]
    least = np.empty(num_parts, np.int64)
    least[part[::-1]] = nodes[::-1]
    parent = np.arange(num_addresses, dtype=np.int64)
    parent[nodes] = least[part]
    return parent, np.sort(np.concatenate(chosen)) if chosen else np.empty(0, np.int64)


def _hooked(num_parts: int, part_a: Ids, part_b: Ids) -> tuple[Ids, Ids]:
    """One round: the part each part ends in, and the edges taken. Edges stand in their order."""
    edge = np.arange(len(part_a), dtype=np.int64)
    best = np.full(num_parts, NONE)
    other = np.full(num_parts, NONE)
    # Of repeated indices the last assignment stays, so writing backwards keeps the least edge.
    best[part_a[::-1]] = edge[::-1]
    other[part_b[::-1]] = edge[::-1]
    best = np.minimum(best, other)
    here = np.flatnonzero(best != NONE)
    taken = best[here]
    goal = np.arange(num_parts, dtype=np.int64)
    goal[here] = part_a[taken] + part_b[taken] - here
    # Two parts that chose the same edge point at each other: the lesser one stays.
    mutual = here[(goal[goal[here]] == here) & (here < goal[here])]
    goal[mutual] = mutual
    further = goal[goal]
    while not np.array_equal(further, goal):
        goal, further = further, further[further]
    chosen = np.zeros(len(edge), np.bool_)
    chosen[taken] = True
    return goal, np.flatnonzero(chosen)
