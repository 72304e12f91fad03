"""The manifest of a ledger: its batches and snapshots, replaced as a whole; and the loading lock.

A load writes its batch and arrays first and the manifest last, by fsync and rename: a reader sees
the ledger before the load or after it, never between, and needs no lock. What a broken load leaves
behind is in no manifest and is removed by the next load.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from tracing.errors import LedgerBusy, LedgerError, SnapshotGone
from tracing.ledgers.batches import replace_text
from tracing.ledgers.names import MANIFEST

FORMAT: Final = 1


@dataclass(frozen=True)
class SegmentInfo:
    """A run of connected blocks: from `first_height` to `height`, ending in `tip_hash`.

    `known` is false while its heights are only the least possible ones.
    """

    tip_hash: str
    tip_time: int
    first_height: int
    height: int
    num_blocks: int
    known: bool


@dataclass(frozen=True)
class OrphanedBlock:
    """A block that a load threw off the chain; `since` is the epoch that brought it."""

    hash: str
    height: int
    since: int


@dataclass(frozen=True)
class Snapshot:
    """The ledger as of one epoch: the first `num_batches` batches and what they amount to.

    `orphaned` are the blocks that were on the chain one epoch before and are not on it now.
    """

    epoch: int
    chain: str
    num_batches: int
    height: int
    tip_hash: str
    tip_time: int
    num_blocks: int
    num_tx: int
    num_inputs: int
    num_outputs: int
    num_addresses: int
    num_stale: int
    segments: tuple[SegmentInfo, ...]
    orphaned: tuple[OrphanedBlock, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """Batches in the order of loading, and snapshots by epoch, the current one last."""

    name: str
    batches: tuple[str, ...]
    snapshots: tuple[Snapshot, ...]

    @property
    def current(self) -> Snapshot:
        """The newest snapshot."""
        return self.snapshots[-1]

    def snapshot(self, epoch: int | None, tip_hash: str | None = None) -> Snapshot:
        """The snapshot of an epoch, None for the newest, ending in a given block if one is given.

        Raises SnapshotGone.
        """
        for snapshot in reversed(self.snapshots):
            if epoch in (None, snapshot.epoch) and tip_hash in (None, snapshot.tip_hash):
                return snapshot
        wanted = f"epoch {epoch}" if epoch is not None else "snapshot"
        at = f" ending in block {tip_hash}" if tip_hash else ""
        raise SnapshotGone(f"the ledger {self.name} has no {wanted}{at}")

    def orphaned_since(self, epoch: int) -> tuple[OrphanedBlock, ...]:
        """Blocks that a result of this epoch rests on and that left the chain afterwards."""
        return tuple(
            block
            for snapshot in self.snapshots
            if snapshot.epoch > epoch
            for block in snapshot.orphaned
            if block.since <= epoch
        )

    def with_load(self, batch: str, snapshot: Snapshot) -> Manifest:
        """This manifest and one more batch.

        Older snapshots keep their counts, not their segments.
        """
        old = tuple(replace(s, segments=s.segments[-1:]) for s in self.snapshots)
        return Manifest(self.name, (*self.batches, batch), (*old, snapshot))


def read_manifest(folder: Path, name: str) -> Manifest | None:
    """The manifest of a ledger, None if nothing is loaded; parsed once for each that is written."""
    path = folder / MANIFEST
    try:
        stat = path.stat()
        return _read(path, name, (stat.st_ino, stat.st_mtime_ns, stat.st_size))
    except FileNotFoundError:
        return None


# Each load replaces the file, so another content is another inode, time or size.
@lru_cache(maxsize=16)
def _read(path: Path, name: str, _version: tuple[int, int, int]) -> Manifest:
    raw = json.loads(path.read_text())
    if raw["format"] != FORMAT:
        raise LedgerError(
            f"the ledger {name} has format {raw['format']}; this version reads {FORMAT}"
        )
    snapshots = [
        Snapshot(
            **{
                **s,
                "segments": tuple(SegmentInfo(**part) for part in s["segments"]),
                "orphaned": tuple(OrphanedBlock(**part) for part in s.get("orphaned", ())),
            }
        )
        for s in raw["snapshots"]
    ]
    return Manifest(raw["name"], tuple(raw["batches"]), tuple(snapshots))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest: all or nothing, also through a power cut."""
    told = {"format": FORMAT, **vars(manifest)}
    replace_text(folder / MANIFEST, json.dumps(told, default=vars))


@contextmanager
def loading_lock(folder: Path, name: str) -> Iterator[None]:
    """Hold the ledger's loading lock. Raises LedgerBusy if another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"blocks are being loaded into {name} by another process; try again later"
            raise LedgerBusy(message) from None
        yield
