"""Stored ledgers: Parquet as the truth, memory-mapped arrays derived from it, pinned snapshots."""

from tracing.ledgers.load import (
    ledger_manifest,
    ledger_snapshot,
    load_blocks,
    open_ledger,
    stored_block_hashes,
    txids_of_blocks,
)
from tracing.ledgers.manifest import OrphanedBlock, SegmentInfo, Snapshot
from tracing.ledgers.store import LoadReport, store_blocks
from tracing.ledgers.stored import StoredLedger

__all__ = [
    "LoadReport",
    "OrphanedBlock",
    "SegmentInfo",
    "Snapshot",
    "StoredLedger",
    "ledger_manifest",
    "ledger_snapshot",
    "load_blocks",
    "open_ledger",
    "store_blocks",
    "stored_block_hashes",
    "txids_of_blocks",
]
