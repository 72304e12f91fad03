"""What moved at one account, read once for a walk: transfers in order, and running sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracing.engine.accounts.index import U32
from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.pools import NARROW, Units


@dataclass(frozen=True, slots=True)
class AccountRows:
    """Transfers in walking order.

    Args:
        amounts: below zero what goes out; sums: of the amounts before each and, last, of all.
        outflows: places of what goes out.
    """

    rows: list[int]
    amounts: Units
    sums: Units
    outflows: list[int]

    @classmethod
    def of(cls, rows: U32, amounts: Units) -> AccountRows:
        """With what follows from the amounts. Cost: some 0.1 us a row."""
        outflows = np.flatnonzero(amounts < 0).tolist()
        return cls(rows.tolist(), amounts, sums_of(amounts), outflows)


def units_of(ledger: AccountLedger, rows: U32) -> Units:
    """Base units of transfers: 64-bit numbers where all of them together fit, else Python's own."""
    if not len(rows):
        return np.zeros(0, np.int64)
    cells = ledger.row_amount[rows]
    if not cells[:, :24].any():
        low = np.ascontiguousarray(cells[:, 24:]).view(">u8").reshape(-1)
        if int(low.max()) * len(low) <= NARROW // 2:
            return low.astype(np.int64)
    return np.array(ledger.amounts(rows), dtype=object)


def sums_of(amounts: Units) -> Units:
    """Zero, and the running sums."""
    start = np.zeros(1, amounts.dtype)
    return np.concatenate([start, np.cumsum(amounts)]) if len(amounts) else start
