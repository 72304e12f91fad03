"""Clusters of a snapshot under given walls, computed once and kept as arrays beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tracing.engine.clusters import Clusters
from tracing.engine.coinjoin import flags
from tracing.engine.columns import offsets
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
    """A partition with its merge edges, and the members of each cluster side by side."""

    clusters: Clusters
    _members: U32  # addresses ordered by anchor, then by id
    _number: U32  # number of the cluster of each address, in the order of the members
    _first: U64  # by cluster: where its members start; one more than there are clusters
    _sums: I64  # by cluster: received, sent, unspent
    _busy: U32  # addresses of so many coins that counting their transactions takes long, ascending
    _busy_tx: U32  # how many transactions each of these has

    def anchor(self, address: int) -> int:
        """The cluster's name: its earliest seen address."""
        return int(self.clusters.parent[address])

    def size(self, address: int) -> int:
        """Number of addresses in the cluster."""
        first, end = self._span(address)
        return end - first

    def members(self, address: int) -> U32:
        """Addresses of the cluster, ascending. Cost: O(its size)."""
        first, end = self._span(address)
        return self._members[first:end]

    def sums(self, address: int) -> tuple[int, int, int]:
        """What all addresses of the cluster received, sent (coins of known value) and hold."""
        received, sent, unspent = self._sums[int(self._number[address])].tolist()
        return received, sent, unspent

    def num_tx(self, address: int) -> int | None:
        """How many transactions a busy address has; None for the others, which are soon counted."""
        at = int(np.searchsorted(self._busy, address))
        is_busy = at < len(self._busy) and int(self._busy[at]) == address
        return int(self._busy_tx[at]) if is_busy else None

    def _span(self, address: int) -> tuple[int, int]:
        number = int(self._number[address])
        return int(self._first[number]), int(self._first[number + 1])


def stored_clusters(
    ledger: StoredLedger, walls: Iterable[str], kernels: Kernels = PLAIN
) -> StoredClusters:
    """Co-spend clusters without CoinJoins, with the given addresses as walls.

    Kept under the snapshot's folder by the hash of the walls: any process computes them once (about
    a second for a million inputs), all others map them.
    """
    name = hashlib.sha256("\n".join([_VERSION, *sorted(set(walls))]).encode()).hexdigest()[:16]
    folder = cluster_folder(ledger.folder, ledger.epoch, name)
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
    wall = np.zeros(ledger.num_addresses, np.bool_)
    wall[[address for address in ledger.find_addresses(list(walls)) if address is not None]] = True
    found = kernels.cospend(ledger, flags(ledger), wall)
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
