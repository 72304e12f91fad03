"""Stored ledgers: Parquet as the truth, memory-mapped arrays derived from it, pinned snapshots."""

from tracing.ledgers.load import LoadReport, ledger_snapshot, load_blocks, open_ledger
from tracing.ledgers.manifest import SegmentInfo, Snapshot
from tracing.ledgers.stored import StoredLedger

__all__ = [
    "LoadReport",
    "SegmentInfo",
    "Snapshot",
    "StoredLedger",
    "ledger_snapshot",
    "load_blocks",
    "open_ledger",
]
