"""Clusters under the guard of tags and rulings: such a transaction is a warning, not a merge.

One transaction of two strangers, or one detector that missed a mix, collapses two services into one
cluster. Tags see that: where a transaction would join a part of one tagged owner with a part of
another, it merges nobody, and a person has to say whether the transaction or a tag is wrong. Where
two people have ruled that two addresses are of two owners, no transaction joins their parts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Generic, TypeAlias, TypeVar

import numpy as np

from tracing.engine.clusters import Bools, Clusters, MergeEdge, cospend_pairs
from tracing.engine.ledger import Ledger

Owners = frozenset[str]
NOBODY: Final[Owners] = frozenset()
Pair: TypeAlias = tuple[int, int]
"""Two addresses that people hold for two owners, the lesser one first."""
M = TypeVar("M", bound=Hashable)


@dataclass(frozen=True)
class Withheld:
    """A merge that was not made: the transaction spent coins of `a` and of `b`, of two owners.

    `again` counts later transactions between the same two clusters. `ruled` names the addresses of
    the ruling that forbids it; None where tags do.
    """

    tx: int
    a: int
    b: int
    again: int = 0
    ruled: Pair | None = None


def torn_clusters(clusters: Clusters, owners: Mapping[int, Owners]) -> dict[int, dict[int, Owners]]:
    """Owners by address of the clusters, by anchor, of which two addresses have none in common.

    Args:
        owners: whom tags name, by address; an address with two names belongs to either.
    """
    of_anchor: dict[int, dict[int, Owners]] = {}
    for address, names in owners.items():
        if names:
            of_anchor.setdefault(clusters.anchor(address), {})[address] = names
    return {
        anchor: named
        for anchor, named in sorted(of_anchor.items())
        if any(not a & b for a, b in combinations(set(named.values()), 2))
    }


def torn_pairs(clusters: Clusters, pairs: Sequence[Pair]) -> list[Pair]:
    """The ruled pairs that the clusters hold together, each once, in order."""
    return sorted({pair for pair in pairs if clusters.anchor(pair[0]) == clusters.anchor(pair[1])})


def guarded(
    ledger: Ledger,
    clusters: Clusters,
    owners: Mapping[int, Owners],
    excluded_tx: Bools | None = None,
    wall_address: Bools | None = None,
    apart: Sequence[Pair] = (),
) -> tuple[Clusters, tuple[Withheld, ...]]:
    """Make the clusters again, in chain order, without merges of two owners.

    A transaction that spends from parts of different owners is set aside whole: it proves nothing
    about its other addresses either. Once all others are made it is asked again, as its parts may
    be one owner's by then, until nothing changes. Clusters in which nothing speaks against a merge
    stay as they are. Rulings come first: what tags take apart is always a part of what rulings
    alone, `guarded` without owners, leave together.

    Args:
        clusters: the partition without the guard, of the same exclusions and walls.
        owners: as for `torn_clusters`.
        apart: addresses that were ruled to be two owners', each pair of two different ones.

    Returns:
        The partition with its forest, and each pair of clusters with a merge withheld between them,
        those of rulings first, in chain order of the first one.

    Cost: nothing where no cluster is torn; else one vectorised pass over the inputs for tags and
    for rulings, and some 2 us for each input of the torn clusters.
    """
    told: tuple[Withheld, ...] = ()
    if pairs := torn_pairs(clusters, apart):
        marks: dict[int, frozenset[int]] = {}
        for number, pair in enumerate(pairs, 1):
            for address, mark in zip(pair, (number, -number), strict=True):
                marks[address] = marks.get(address, frozenset()) | {mark}
        ruled = _Parts(marks, _is_ruled)
        anchors = {clusters.anchor(first) for first, _ in pairs}
        clusters, aside = _remade(ledger, clusters, anchors, ruled, excluded_tx, wall_address)
        told = tuple(
            Withheld(each.tx, each.a, each.b, each.again, _pair_of(ruled, each, pairs))
            for each in _withheld(ruled, aside)
        )
        shut = np.zeros(ledger.num_tx, np.bool_) if excluded_tx is None else excluded_tx.copy()
        shut[list(aside)] = True
        excluded_tx = shut
    if torn := torn_clusters(clusters, owners):
        named = {address: names for each in torn.values() for address, names in each.items()}
        parts = _Parts(named, Owners.isdisjoint)
        clusters, aside = _remade(ledger, clusters, set(torn), parts, excluded_tx, wall_address)
        told += _withheld(parts, aside)
    return clusters, told


def _remade(
    ledger: Ledger,
    clusters: Clusters,
    torn: set[int],
    parts: _Parts[M],
    excluded_tx: Bools | None,
    wall_address: Bools | None,
) -> tuple[Clusters, dict[int, list[int]]]:
    """The torn clusters merged again part by part; and by transaction set aside what it spends.

    Args:
        torn: their anchors; parts: none merged yet.
    """
    anchors = np.array(sorted(torn), np.int64)
    tx, a, b = cospend_pairs(ledger, excluded_tx, wall_address)
    mine = np.isin(clusters.parent[a], anchors)
    spent = _spent_by(tx[mine].tolist(), a[mine].tolist(), b[mine].tolist())
    aside = {at: each for at, each in spent.items() if not parts.merge(at, each)}
    waits = len(aside) + 1
    while len(aside) < waits:
        waits = len(aside)
        aside = {at: each for at, each in aside.items() if not parts.merge(at, each)}
    parent = np.array(clusters.parent)
    members = np.flatnonzero(np.isin(clusters.parent, anchors))
    # A part's name is its least address, and no address outside a merge ever left its own.
    parent[members] = [parts.root(address) for address in members.tolist()]
    kept = ~np.isin(clusters.parent[clusters.edge_a], anchors)
    edges = np.array([[edge.tx, edge.a, edge.b] for edge in parts.edges], np.uint32).reshape(-1, 3)
    joined = [
        np.concatenate([old[kept], new])
        for old, new in zip(
            (clusters.edge_tx, clusters.edge_a, clusters.edge_b), edges.T, strict=True
        )
    ]
    order = np.argsort(joined[0], kind="stable")
    return Clusters(parent, *(column[order] for column in joined)), aside


class _Parts(Generic[M]):
    """Parts of the torn clusters as they are merged, each with the marks of its addresses.

    Args:
        marks: by address, such as whom tags name; is_against: whether two parts with these marks
            are of different owners. A part without a mark goes with any.
    """

    def __init__(
        self,
        marks: Mapping[int, frozenset[M]],
        is_against: Callable[[frozenset[M], frozenset[M]], bool],
    ) -> None:
        self.edges: list[MergeEdge] = []
        self._parent: dict[int, int] = {}
        self._marks = dict(marks)
        self._is_against = is_against

    def root(self, address: int) -> int:
        """The least address of the part."""
        parent = self._parent
        while (above := parent.get(address, address)) != address:
            parent[address] = parent.get(above, above)
            address = above
        return address

    def marks(self, address: int) -> frozenset[M]:
        """The marks of all addresses of its part."""
        return self._marks.get(self.root(address), frozenset())

    def apart(self, spent: list[int]) -> tuple[int, int] | None:
        """Two of these addresses whose parts are of different owners, the earliest spent first."""
        first_of: dict[int, int] = {}
        for address in spent:
            root = self.root(address)
            if self._marks.get(root):
                first_of.setdefault(root, address)
        for one, other in combinations(first_of, 2):
            if self._is_against(self._marks[one], self._marks[other]):
                return first_of[one], first_of[other]
        return None

    def merge(self, tx: int, spent: list[int]) -> bool:
        """Merge the parts of these addresses; False where they are of different owners."""
        if self.apart(spent) is not None:
            return False
        lead = spent[0]
        for address in spent[1:]:
            here, there = sorted((self.root(lead), self.root(address)))
            if here != there:
                self._parent[there] = here
                if marks := self._marks.get(there):
                    self._marks[here] = self._marks.get(here, frozenset()) | marks
                self.edges.append(MergeEdge(tx, lead, address))
        return True


def _is_ruled(one: frozenset[int], other: frozenset[int]) -> bool:
    """Whether the parts hold both sides of a ruling: a number and its negative."""
    return any(-mark in other for mark in one)


def _pair_of(parts: _Parts[int], merge: Withheld, pairs: Sequence[Pair]) -> Pair:
    """The first ruling that stands between the two parts."""
    other = parts.marks(merge.b)
    return pairs[min(abs(mark) for mark in parts.marks(merge.a) if -mark in other) - 1]


def _spent_by(tx: list[int], lead: list[int], other: list[int]) -> dict[int, list[int]]:
    """Addresses that each transaction spends from, in order."""
    found: dict[int, list[int]] = {}
    for at, first, address in zip(tx, lead, other, strict=True):
        found.setdefault(at, [first]).append(address)
    return found


def _withheld(parts: _Parts[M], aside: Mapping[int, list[int]]) -> tuple[Withheld, ...]:
    found: dict[tuple[int, int], Withheld] = {}
    for tx, spent in aside.items():
        apart = parts.apart(spent)
        assert apart is not None  # it was set aside
        pair = sorted((parts.root(address), address) for address in apart)
        key = (pair[0][0], pair[1][0])
        old = found.get(key)
        found[key] = (
            Withheld(tx, pair[0][1], pair[1][1])
            if old is None
            else Withheld(old.tx, old.a, old.b, old.again + 1)
        )
    return tuple(found.values())
