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
from tracing.engine.ledger import U32
from tracing.ledgers.arrays import save_arrays
from tracing.ledgers.stored import StoredLedger

_VERSION = "1"
"""Raised when the rules behind a stored partition change, so that old files are not read."""


@dataclass(frozen=True)
class StoredClusters:
    """A partition with its merge edges, and the members of each cluster side by side."""

    clusters: Clusters
    _members: U32  # addresses ordered by anchor, then by id
    _start: U32  # where the cluster of each address starts in it
    _size: U32  # size of the cluster of each address

    def anchor(self, address: int) -> int:
        """The cluster's name: its earliest seen address."""
        return int(self.clusters.parent[address])

    def size(self, address: int) -> int:
        """Number of addresses in the cluster."""
        return int(self._size[address])

    def members(self, address: int) -> U32:
        """Addresses of the cluster, ascending. Cost: O(its size)."""
        start = int(self._start[address])
        return self._members[start : start + self.size(address)]


def stored_clusters(
    ledger: StoredLedger, walls: Iterable[str], kernels: Kernels = PLAIN
) -> StoredClusters:
    """Co-spend clusters without CoinJoins, with the given addresses as walls.

    Kept under the snapshot's folder by the hash of the walls: any process computes them once (about
    a second for a million inputs), all others map them.
    """
    name = hashlib.sha256("\n".join([_VERSION, *sorted(set(walls))]).encode()).hexdigest()[:16]
    folder = ledger.folder / f"clusters-{name}"
    if not folder.exists():
        _compute(ledger, walls, folder, kernels)
    parent, edge_tx, edge_a, edge_b, members, start, size = (
        np.load(folder / f"{part}.npy", mmap_mode="r").view(np.ndarray)
        for part in ("parent", "edge_tx", "edge_a", "edge_b", "members", "start", "size")
    )
    return StoredClusters(Clusters(parent, edge_tx, edge_a, edge_b), members, start, size)


def _compute(ledger: StoredLedger, walls: Iterable[str], folder: Path, kernels: Kernels) -> None:
    wall = np.zeros(ledger.num_addresses, np.bool_)
    wall[[address for address in ledger.find_addresses(list(walls)) if address is not None]] = True
    found = kernels.cospend(ledger, flags(ledger), wall)
    sizes = found.sizes()
    anchors = np.flatnonzero(sizes)
    start = np.zeros(ledger.num_addresses, np.int64)
    start[anchors] = offsets(sizes[anchors])[:-1]
    arrays = {
        "parent": found.parent,
        "edge_tx": found.edge_tx,
        "edge_a": found.edge_a,
        "edge_b": found.edge_b,
        "members": np.argsort(found.parent, kind="stable").astype(np.uint32),
        "start": start[found.parent].astype(np.uint32),
        "size": sizes[found.parent].astype(np.uint32),
    }
    save_arrays(folder, arrays)
