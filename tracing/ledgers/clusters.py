"""Clusters of a snapshot under given walls, computed once and kept as arrays beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tracing.engine.clusters import Bools, Clusters
from tracing.engine.coinjoin import flags
from tracing.engine.columns import offsets
from tracing.engine.guard import Owners, Pair, Withheld, guarded, torn_clusters, torn_pairs
from tracing.engine.kernels import PLAIN, Kernels
from tracing.engine.ledger import I64, NO_ADDRESS, U32, U64, Ledger
from tracing.ledgers.arrays import Arrays, save_arrays
from tracing.ledgers.growth import cluster_folder
from tracing.ledgers.maps import Maps
from tracing.ledgers.stored import StoredLedger

_VERSION = "4"
"""Raised when the rules behind a stored partition change, so that old files are not read."""
_GUARDED = "owners 2"
"""The same for what the guard leaves of it."""
BUSY = 512


@dataclass(frozen=True)
class StoredClusters:
    """A partition with its merge edges, and the members of each cluster side by side.

    Args:
        withheld: merges that tags or rulings speak against, which were not made; see
            `engine.guard`.
    """

    clusters: Clusters
    _members: U32  # addresses ordered by anchor, then by id
    _number: U32  # number of the cluster of each address, in the order of the members
    _first: U64  # by cluster: where its members start; one more than there are clusters
    _sums: I64  # by cluster: received, sent, unspent
    _busy: U32  # addresses of so many coins that counting their transactions takes long, ascending
    _busy_tx: U32  # how many transactions each of these has
    withheld: tuple[Withheld, ...] = ()
    _unguarded: U32 | None = None  # parents before the guard, which the columns above are of
    _ruled: U32 | None = None  # parents where rulings alone guard
    _torn: frozenset[int] = frozenset()  # anchors of clusters that the guard took apart
    _totals: tuple[I64, ...] = ()  # by address: received, sent, unspent

    def anchor(self, address: int) -> int:
        """The cluster's name: its earliest seen address."""
        return int(self.clusters.parent[address])

    def whole(self, address: int) -> int:
        """The name that the cluster would have with the merges made that tags withhold.

        What people ruled to be two owners' stays apart.
        """
        return self.anchor(address) if self._ruled is None else int(self._ruled[address])

    def size(self, address: int) -> int:
        """Number of addresses in the cluster."""
        return self._size(address, self.clusters.parent)

    def whole_size(self, address: int) -> int:
        """Number of addresses in the cluster with the merges made that tags withhold."""
        return self._size(address, self.clusters.parent if self._ruled is None else self._ruled)

    def members(self, address: int) -> U32:
        """Addresses of the cluster, ascending. Cost: O(its size, withheld merges made)."""
        first, end = self._span(address)
        found = self._members[first:end]
        if self._is_torn(address):
            found = found[self.clusters.parent[found] == self.clusters.parent[address]]
        return found

    def _size(self, address: int, parent: U32) -> int:
        first, end = self._span(address)
        if not self._is_torn(address):
            return end - first
        return int(np.count_nonzero(parent[self._members[first:end]] == parent[address]))

    def sums(self, address: int) -> tuple[int, int, int]:
        """What all addresses of the cluster received, sent (coins of known value) and hold."""
        if self._is_torn(address):
            mine = self.members(address)
            received, sent, unspent = (int(values[mine].sum()) for values in self._totals)
        else:
            received, sent, unspent = self._sums[int(self._number[address])].tolist()
        return received, sent, unspent

    def withheld_at(self, address: int) -> list[Withheld]:
        """Merges of this cluster with another one that were not made."""
        mine = self.anchor(address)
        return [
            each for each in self.withheld if mine in (self.anchor(each.a), self.anchor(each.b))
        ]

    def num_tx(self, address: int) -> int | None:
        """How many transactions a busy address has; None for the others, which are soon counted."""
        at = int(np.searchsorted(self._busy, address))
        is_busy = at < len(self._busy) and int(self._busy[at]) == address
        return int(self._busy_tx[at]) if is_busy else None

    def _is_torn(self, address: int) -> bool:
        return self._unguarded is not None and int(self._unguarded[address]) in self._torn

    def _span(self, address: int) -> tuple[int, int]:
        number = int(self._number[address])
        return int(self._first[number]), int(self._first[number + 1])


def stored_clusters(
    ledger: StoredLedger, walls: Iterable[str], kernels: Kernels = PLAIN
) -> StoredClusters:
    """Co-spend clusters without CoinJoins, with the given addresses as walls; no tag guards them.

    As `clusters_at`, of addresses that the ledger need not have seen.
    """
    return clusters_at(ledger, seen_among(ledger, walls), kernels)


def seen_among(ledger: StoredLedger, texts: Iterable[str]) -> U32:
    """The ids of those addresses that the ledger has seen, ascending, each once."""
    found = {number for number in ledger.find_addresses(sorted(set(texts))) if number is not None}
    return np.array(sorted(found), np.uint32)


def clusters_at(ledger: StoredLedger, walls: U32, kernels: Kernels = PLAIN) -> StoredClusters:
    """Co-spend clusters without CoinJoins, with the given addresses as walls; no tag guards them.

    Args:
        walls: ids, ascending.

    Kept under the snapshot's folder by the hash of the walls: any process computes them once (about
    a second for a million inputs), all others map them.
    """
    folder = cluster_folder(ledger.folder, ledger.epoch, _name([_VERSION, _of_walls(walls)]))
    if not folder.exists():
        with ledger.maps.scanned():
            _compute(ledger, walls, folder, kernels)
    maps = Maps(scattered=ledger.maps.scattered)
    parent, edge_tx, edge_a, edge_b, members, number, first, sums, busy, busy_tx = (
        maps.open(folder / f"{part}.npy")
        for part in (
            *("parent", "edge_tx", "edge_a", "edge_b"),
            *("members", "cluster_number", "cluster_first", "cluster_sums"),
            *("busy_address", "busy_tx"),
        )
    )
    clusters = Clusters(parent, edge_tx, edge_a, edge_b)
    return StoredClusters(clusters, members, number, first, sums, busy, busy_tx)


def guarded_clusters(
    ledger: StoredLedger,
    walls: U32,
    owners: Mapping[int, Owners],
    kernels: Kernels = PLAIN,
    apart: Sequence[Pair] = (),
) -> StoredClusters:
    """Clusters under the guard of tags and rulings: those of two owners taken apart, the rest as
    stored.

    Args:
        walls: ids, ascending; owners: whom tags name, by address; apart: addresses ruled to be two
            owners'.

    The same snapshot, walls, owners and rulings give the same clusters. Kept like
    `clusters_at`, by the hash of the walls and of what tears clusters; where none is torn there
    is nothing to keep.
    """
    plain = clusters_at(ledger, walls, kernels)
    pairs = torn_pairs(plain.clusters, apart)
    if not pairs:
        return _guarded_by(ledger, walls, plain, owners, pairs)
    ruled = _guarded_by(ledger, walls, plain, {}, pairs)
    return _guarded_by(ledger, walls, plain, owners, pairs, ruled)


def _guarded_by(
    ledger: StoredLedger,
    walls: U32,
    plain: StoredClusters,
    owners: Mapping[int, Owners],
    pairs: Sequence[Pair],
    ruled: StoredClusters | None = None,
) -> StoredClusters:
    """Plain clusters taken apart by owners and pairs; `ruled` is what the pairs alone leave."""
    torn = torn_clusters((ruled or plain).clusters, owners)
    if not torn and (ruled is not None or not pairs):
        return ruled or plain
    named = {address: names for each in torn.values() for address, names in each.items()}
    rows = [
        json.dumps([text, *sorted(named[address])])
        for address, text in zip(named, ledger.address_texts(list(named)), strict=True)
    ]
    rulings = [json.dumps(["apart", *ledger.address_texts(list(pair))]) for pair in pairs]
    name = _name([_VERSION, _of_walls(walls), _GUARDED, *sorted(rows), *rulings])
    folder = cluster_folder(ledger.folder, ledger.epoch, name)
    if not folder.exists():
        with ledger.maps.scanned():
            found, withheld = guarded(
                ledger, plain.clusters, named, flags(ledger), _walled(ledger, walls), pairs
            )
        rest = [[each.tx, each.a, each.b, each.again, *(each.ruled or (0, 0))] for each in withheld]
        save_arrays(folder, {
            "parent": found.parent,
            "edge_tx": found.edge_tx,
            "edge_a": found.edge_a,
            "edge_b": found.edge_b,
            "withheld": np.array(rest, np.uint32).reshape(-1, 6),
        })  # fmt: skip
    maps = Maps(scattered=ledger.maps.scattered)
    parent, edge_tx, edge_a, edge_b, kept = (
        maps.open(folder / f"{part}.npy")
        for part in ("parent", "edge_tx", "edge_a", "edge_b", "withheld")
    )
    before = plain.clusters.parent
    anchors = {int(before[anchor]) for anchor in [*torn, *(first for first, _ in pairs)]}
    whole = before if not pairs else parent if ruled is None else ruled.clusters.parent
    return replace(
        plain,
        clusters=Clusters(parent, edge_tx, edge_a, edge_b),
        withheld=tuple(
            Withheld(tx, a, b, again, (first, last) if first != last else None)
            for tx, a, b, again, first, last in kept.tolist()
        ),
        _unguarded=before,
        _ruled=whole,
        _torn=frozenset(anchors),
        _totals=(ledger.address_received, ledger.address_sent, ledger.address_unspent),
    )


def _name(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _of_walls(walls: U32) -> str:
    """Ids of addresses never change within a snapshot."""
    return hashlib.sha256(walls.astype("<u4").tobytes()).hexdigest()


def _walled(ledger: StoredLedger, walls: U32) -> Bools:
    wall = np.zeros(ledger.num_addresses, np.bool_)
    wall[walls] = True
    return wall


def _busy_addresses(ledger: StoredLedger) -> tuple[U32, U32]:
    """Addresses of more than BUSY coins in and out, and how many transactions each has."""
    num = np.zeros(ledger.num_addresses, np.int64)
    for addresses in (ledger.out_address, ledger.in_address):
        known = addresses[addresses != NO_ADDRESS]
        num += np.bincount(known, minlength=ledger.num_addresses)
    busy = np.flatnonzero(num > BUSY)
    counts = [len(transactions_of(ledger, address)) for address in busy.tolist()]
    return busy.astype(np.uint32), np.array(counts, np.uint32)


def transactions_of(ledger: Ledger, address: int) -> U32:
    """Transactions of an address, ascending. Cost: O(its coins), with a sort."""
    outs, ins = ledger.outputs_of_address(address), ledger.inputs_of_address(address)
    return np.union1d(ledger.out_tx[outs], ledger.in_tx[ins])


def _compute(ledger: StoredLedger, walls: U32, folder: Path, kernels: Kernels) -> None:
    found = kernels.cospend(ledger, flags(ledger), _walled(ledger, walls))
    sizes = found.sizes()
    anchors = np.flatnonzero(sizes)
    first = offsets(sizes[anchors])
    number = np.zeros(ledger.num_addresses, np.uint32)
    number[anchors] = np.arange(len(anchors), dtype=np.uint32)
    members = np.argsort(found.parent, kind="stable").astype(np.uint32)
    whole = [ledger.address_received, ledger.address_sent, ledger.address_unspent]
    running = np.stack([offsets(values[members]) for values in whole], axis=1)
    arrays: Arrays = {
        "parent": found.parent,
        "edge_tx": found.edge_tx,
        "edge_a": found.edge_a,
        "edge_b": found.edge_b,
        "members": members,
        "cluster_number": number[found.parent],
        "cluster_first": first.astype(np.uint64),
        "cluster_sums": running[first[1:]] - running[first[:-1]],
    }
    arrays["busy_address"], arrays["busy_tx"] = _busy_addresses(ledger)
    save_arrays(folder, arrays)
