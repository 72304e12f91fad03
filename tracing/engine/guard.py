"""Clusters under the guard of tags: a transaction of two tagged owners is a warning, not a merge.

One transaction of two strangers, or one detector that missed a mix, collapses two services into one
cluster. Tags see that: where a transaction would join a part of one tagged owner with a part of
another, it merges nobody, and a person has to say whether the transaction or a tag is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from tracing.engine.clusters import Bools, Clusters, MergeEdge, cospend_pairs
from tracing.engine.ledger import Ledger

Owners = frozenset[str]
NOBODY: Final[Owners] = frozenset()


@dataclass(frozen=True)
class Withheld:
    """A merge that was not made: the transaction spent coins of `a` and of `b`, of two owners.

    `again` counts later transactions between the same two clusters.
    """

    tx: int
    a: int
    b: int
    again: int = 0


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


def guarded(
    ledger: Ledger,
    clusters: Clusters,
    owners: Mapping[int, Owners],
    excluded_tx: Bools | None = None,
    wall_address: Bools | None = None,
) -> tuple[Clusters, tuple[Withheld, ...]]:
    """Make the clusters again, in chain order, without merges of two tagged owners.

    A transaction that spends from parts of different owners is set aside whole: it proves nothing
    about its other addresses either. Once all others are made it is asked again, as its parts may
    be one owner's by then, until nothing changes. Clusters in which all names agree stay as they
    are.

    Args:
        clusters: the partition without the guard, of the same exclusions and walls.
        owners: as for `torn_clusters`.

    Returns:
        The partition with its forest, and each pair of clusters with a merge withheld between them,
        in chain order of the first one.

    Cost: nothing where no cluster is torn; else one vectorised pass over the inputs, and some 2 us
    for each input of the torn clusters.
    """
    torn = torn_clusters(clusters, owners)
    if not torn:
        return clusters, ()
    anchors = np.array(sorted(torn), np.int64)
    tx, a, b = cospend_pairs(ledger, excluded_tx, wall_address)
    mine = np.isin(clusters.parent[a], anchors)
    spent = _spent_by(tx[mine].tolist(), a[mine].tolist(), b[mine].tolist())
    parts = _Parts({address: names for named in torn.values() for address, names in named.items()})
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
    found = Clusters(parent, *(column[order] for column in joined))
    return found, _withheld(parts, aside)


class _Parts:
    """Parts of the torn clusters as they are merged, each with the owners that tags name."""

    def __init__(self, named: Mapping[int, Owners]) -> None:
        self.edges: list[MergeEdge] = []
        self._parent: dict[int, int] = {}
        self._named = dict(named)

    def root(self, address: int) -> int:
        """The least address of the part."""
        parent = self._parent
        while (above := parent.get(address, address)) != address:
            parent[address] = parent.get(above, above)
            address = above
        return address

    def apart(self, spent: list[int]) -> tuple[int, int] | None:
        """Two of these addresses whose parts are of different owners, the earliest spent first."""
        first_of: dict[int, int] = {}
        for address in spent:
            root = self.root(address)
            if self._named.get(root, NOBODY):
                first_of.setdefault(root, address)
        for one, other in combinations(first_of, 2):
            if not self._named[one] & self._named[other]:
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
                if names := self._named.get(there, NOBODY):
                    self._named[here] = self._named.get(here, NOBODY) | names
                self.edges.append(MergeEdge(tx, lead, address))
        return True


def _spent_by(tx: list[int], lead: list[int], other: list[int]) -> dict[int, list[int]]:
    """Addresses that each transaction spends from, in order."""
    found: dict[int, list[int]] = {}
    for at, first, address in zip(tx, lead, other, strict=True):
        found.setdefault(at, [first]).append(address)
    return found


def _withheld(parts: _Parts, aside: Mapping[int, list[int]]) -> tuple[Withheld, ...]:
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
