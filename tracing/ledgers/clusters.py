"""Clusters of a snapshot under given walls, computed once and kept as arrays beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tracing.engine.clusters import Bools, Clusters
from tracing.engine.coinjoin import flags
from tracing.engine.columns import offsets
from tracing.engine.guard import Owners, Withheld, guarded, torn_clusters
from tracing.engine.kernels import PLAIN, Kernels
from tracing.engine.ledger import I64, NO_ADDRESS, U32, U64, Ledger
from tracing.ledgers.arrays import Arrays, save_arrays
from tracing.ledgers.growth import cluster_folder
from tracing.ledgers.maps import Maps
from tracing.ledgers.stored import StoredLedger

_VERSION = "3"
"""Raised when the rules behind a stored partition change, so that old files are not read."""
BUSY = 512


@dataclass(frozen=True)
class StoredClusters:
    """A partition with its merge edges, and the members of each cluster side by side.

    Args:
        withheld: merges that tags speak against, which were not made; see `engine.guard`.
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
    _torn: frozenset[int] = frozenset()  # anchors of clusters that the guard took apart
    _totals: tuple[I64, ...] = ()  # by address: received, sent, unspent

    def anchor(self, address: int) -> int:
        """The cluster's name: its earliest seen address."""
        return int(self.clusters.parent[address])

    def whole(self, address: int) -> int:
        """The name that the cluster would have with the withheld merges made."""
        return self.anchor(address) if self._unguarded is None else int(self._unguarded[address])

    def size(self, address: int) -> int:
        """Number of addresses in the cluster."""
        return len(self.members(address)) if self._is_torn(address) else self.whole_size(address)

    def whole_size(self, address: int) -> int:
        """Number of addresses in the cluster with the withheld merges made."""
        first, end = self._span(address)
        return end - first

    def members(self, address: int) -> U32:
        """Addresses of the cluster, ascending. Cost: O(its size, withheld merges made)."""
        first, end = self._span(address)
        found = self._members[first:end]
        if self._is_torn(address):
            found = found[self.clusters.parent[found] == self.clusters.parent[address]]
        return found

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
        return bool(self._torn) and self.whole(address) in self._torn

    def _span(self, address: int) -> tuple[int, int]:
        number = int(self._number[address])
        return int(self._first[number]), int(self._first[number + 1])


def stored_clusters(
    ledger: StoredLedger, walls: Iterable[str], kernels: Kernels = PLAIN
) -> StoredClusters:
    """Co-spend clusters without CoinJoins, with the given addresses as walls; no tag guards them.

    Kept under the snapshot's folder by the hash of the walls: any process computes them once (about
    a second for a million inputs), all others map them.
    """
    texts = sorted(set(walls))
    folder = cluster_folder(ledger.folder, ledger.epoch, _name([_VERSION, *texts]))
    if not folder.exists():
        with ledger.maps.scanned():
            _compute(ledger, texts, folder, kernels)
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
    walls: Iterable[str],
    owners: Mapping[int, Owners],
    kernels: Kernels = PLAIN,
) -> StoredClusters:
    """Clusters under the guard of tags: those of two owners taken apart, the rest as stored.

    Args:
        owners: whom tags name, by address.

    The same snapshot, walls and owners give the same clusters. Kept like `stored_clusters`, by the
    hash of the walls and of the owners in torn clusters; where none is torn there is nothing to
    keep.
    """
    texts = sorted(set(walls))
    plain = stored_clusters(ledger, texts, kernels)
    torn = torn_clusters(plain.clusters, owners)
    if not torn:
        return plain
    named = {address: names for each in torn.values() for address, names in each.items()}
    rows = [
        json.dumps([text, *sorted(named[address])])
        for address, text in zip(named, ledger.address_texts(list(named)), strict=True)
    ]
    name = _name([_VERSION, *texts, "owners", *sorted(rows)])
    folder = cluster_folder(ledger.folder, ledger.epoch, name)
    if not folder.exists():
        with ledger.maps.scanned():
            found, withheld = guarded(
                ledger, plain.clusters, named, flags(ledger), _walled(ledger, texts)
            )
        save_arrays(folder, {
            "parent": found.parent,
            "edge_tx": found.edge_tx,
            "edge_a": found.edge_a,
            "edge_b": found.edge_b,
            "withheld": np.array(
                [[each.tx, each.a, each.b, each.again] for each in withheld], np.uint32
            ).reshape(-1, 4),
        })  # fmt: skip
    maps = Maps(scattered=ledger.maps.scattered)
    parent, edge_tx, edge_a, edge_b, rest = (
        maps.open(folder / f"{part}.npy")
        for part in ("parent", "edge_tx", "edge_a", "edge_b", "withheld")
    )
    return replace(
        plain,
        clusters=Clusters(parent, edge_tx, edge_a, edge_b),
        withheld=tuple(Withheld(*row) for row in rest.tolist()),
        _unguarded=plain.clusters.parent,
        _torn=frozenset(torn),
        _totals=(ledger.address_received, ledger.address_sent, ledger.address_unspent),
    )


def _name(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _walled(ledger: StoredLedger, walls: Iterable[str]) -> Bools:
    wall = np.zeros(ledger.num_addresses, np.bool_)
    wall[[address for address in ledger.find_addresses(list(walls)) if address is not None]] = True
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


def _compute(ledger: StoredLedger, walls: Iterable[str], folder: Path, kernels: Kernels) -> None:
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
