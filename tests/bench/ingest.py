"""Real blocks of Bitcoin into a ledger of their own, on disk for good when the clock stops."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.bench.rows import Row, timed
from tests.shared_data import ROOT
from tracing.ledgers import load_blocks

BLOCKS: Final = (("mainnet-437303", ""), ("mainnet-300025", "mainnet-300025.undo.raw"))
"""Each a block of its own, and the coins that it spends where they are at hand."""
TIMES: Final = 5


def ingest() -> list[Row]:
    """Parse, check, store as Parquet and build arrays; empty where the shared data are absent.

    The number of transactions must be the one that the data's own list says.
    """
    home = Path(os.environ.get("TRACEHOLD_DATA") or ROOT.parent / "shared" / "data")
    if not (home / "expected_blocks.json").exists():
        return []
    expected = json.loads((home / "expected_blocks.json").read_text())
    rows = []
    for name, coins in BLOCKS:
        block = home / "btc-blocks" / f"{name}.raw"
        spent = [home / "btc-blocks" / coins] if coins else []
        times = []
        for _ in range(TIMES):
            with TemporaryDirectory() as folder:
                report, seconds = timed(
                    lambda folder=folder, block=block, spent=spent: load_blocks(  # type: ignore[misc]
                        Path(folder), "bitcoin", [block], spent_coins=spent
                    )
                )
            if report.transactions != expected[name]["tx"]:
                raise AssertionError(f"{name} holds other transactions")
            times.append(seconds)
        size = sum(path.stat().st_size for path in (block, *spent))
        told = f"{size / min(times) / 1e6:.1f} MB/s, {size / 1e6:.2f} MB"
        what = "ingest a block" + (" and its coins" if spent else "")
        rows.append(Row(what, report.transactions, told, "numpy", min(times), target=">= 4 MB/s"))
    return rows
