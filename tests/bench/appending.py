"""One block more on a stored ledger: added behind its arrays, beside making all of them anew."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from tests.bench.rows import Row, timed
from tests.bench.stored import LEDGER, columns_of
from tracing.engine.columns import select_blocks
from tracing.engine.ledger import MemoryLedger
from tracing.ledgers import names, open_ledger
from tracing.ledgers.arrays import build_arrays
from tracing.ledgers.batches import BatchReader, no_coins
from tracing.ledgers.store import chain_of, store_blocks

BLOCKS: Final = 3
"""Blocks added one by one; the fastest counts."""


def append_block(ledger: MemoryLedger) -> list[Row]:
    """A block of 100 transactions, durable with its batch; both make the same columns."""
    columns = columns_of(ledger)
    base = columns.num_blocks - BLOCKS
    with TemporaryDirectory() as folder:
        home = Path(folder)

        def store(first: int, end: int) -> None:
            part = select_blocks(columns, np.arange(first, end))
            store_blocks(home, LEDGER, [part], lambda _new, _old: no_coins(), lambda *_: None)

        store(0, base)
        spent = [timed(lambda n=n: store(n, n + 1))[1] for n in range(base, columns.num_blocks)]  # type: ignore[misc]
        batches = sorted((names.folder(home, LEDGER) / "batches").iterdir())
        reader = BatchReader(batches)
        whole, anew = timed(lambda: build_arrays(reader, chain_of(reader, LEDGER)))
        grown = open_ledger(home, LEDGER)
        for name, column in grown.columns().items():
            if not np.array_equal(column, whole[name]):
                raise AssertionError(f"what was added differs: {name}")
        found = f"{len(grown.columns())} columns are the same"
    return [
        Row(
            "append a block",
            ledger.num_tx,
            found,
            "numpy",
            min(spent),
            "all arrays anew",
            0.0,
            anew,
        )
    ]
