"""Rows of whole numbers that a run finds: by one in plain Python, by many from a kernel.

A run finds tens of thousands of ends and steps and shows a screenful of them, so they stay numbers
until somebody reads them.
"""

from __future__ import annotations

from array import array

import numpy as np

from tracing.engine.ledger import I64


class Rows:
    """Rows of `width` numbers of 64 bits, in the order they came."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._cells = array("q")

    def __len__(self) -> int:
        return len(self._cells) // self.width

    def add(self, *row: int) -> None:
        """One row. Raises OverflowError for what 64 bits do not hold."""
        self._cells.extend(row)

    def add_many(self, rows: I64) -> None:
        """Rows of a table `width` wide. Cost: that of copying it."""
        self._cells.frombytes(np.ascontiguousarray(rows, np.int64).tobytes())

    def table(self) -> I64:
        """All rows as i64[n, width], as they are now."""
        return np.array(self._cells, np.int64).reshape(-1, self.width)
