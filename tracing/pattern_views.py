"""Patterns of an address on a ledger of either kind, asset by asset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracing.account_views import address_history, is_account_ledger
from tracing.engine.patterns import (
    DEFAULT,
    Limits,
    Movement,
    Pattern,
    patterns_of,
    peel_chains,
    peel_pattern,
)
from tracing.ledger_views import AssetUnit, HistoryRow
from tracing.ledgers import StoredLedger
from tracing.open_ledgers import opened_ledger

MOST_ROWS: Final = 5_000
"""Movements that are looked at, the newest; a busier address says so."""


@dataclass(frozen=True)
class AssetPatterns:
    """Patterns of one asset."""

    unit: AssetUnit
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True)
class AddressPatterns:
    """What fits an address; `is_cut`: only its newest movements were looked at."""

    assets: tuple[AssetPatterns, ...]
    num_movements: int
    is_cut: bool


def address_patterns(
    ledger: str, address: str, limits: Limits = DEFAULT, most: int = MOST_ROWS
) -> AddressPatterns:
    """The patterns of an address: no SQL, and O(its movements); nothing where it was never seen.

    On a ledger of coins the peel chains of the whole ledger are found once for each snapshot.
    """
    whole = address_history(ledger, address, limit=most)
    rows = [row for row in reversed(whole) if not row.is_failed and row.kind != "gas"]
    by_unit: dict[AssetUnit, list[HistoryRow]] = {}
    for row in rows:
        by_unit.setdefault(row.unit, []).append(row)
    opened = None if is_account_ledger(ledger) else opened_ledger(ledger)
    found = []
    for unit, own in by_unit.items():
        bounded = limits if opened is not None else replace(limits, dust=dust_of(unit))
        moves = [_movement(row, opened, bounded) for row in own]
        patterns = patterns_of(address, moves, bounded)
        if opened is not None:
            patterns += _peels(opened, own, limits)
        if patterns:
            found.append(AssetPatterns(unit, tuple(patterns)))
    return AddressPatterns(tuple(found), len(rows), len(whole) >= most)


def dust_of(unit: AssetUnit) -> int:
    """What counts as a crumb of a token: a hundredth, of large-decimal coins 0.00001; else nothing.

    Where nobody says how many decimals an asset has, only transfers of nothing count.
    """
    places = 5 if unit.decimals >= 12 else 2
    return int(10 ** (unit.decimals - places)) if unit.decimals >= places else 0


def _movement(row: HistoryRow, opened: StoredLedger | None, limits: Limits) -> Movement:
    num_paid = 1
    if opened is not None and not row.sent and row.received <= limits.dust:
        tx = opened.find_tx(row.txid)
        if tx is not None:
            values = opened.out_value[int(opened.out_off[tx]) : int(opened.out_off[tx + 1])]
            num_paid = int((values == row.received).sum())
    return Movement(
        row.key, int(row.at.timestamp()), row.received, row.sent,
        tuple(other for other, _ in row.counterparties), num_paid,
    )  # fmt: skip


def _peels(opened: StoredLedger, rows: Sequence[HistoryRow], limits: Limits) -> list[Pattern]:
    """The chains in which the address's transactions stand, the longest first."""
    chains, chain_of = _chains(opened, limits)
    txs = [tx for row in rows if (tx := opened.find_tx(row.txid)) is not None]
    numbers = sorted({int(chain_of[tx]) for tx in txs} - {-1}, key=lambda n: -len(chains[n]))
    return [peel_pattern(opened, chains[number], limits) for number in numbers[:10]]


# A snapshot never changes, so nothing here goes stale; the oldest are dropped.
@lru_cache(maxsize=2)
def _chains(
    opened: StoredLedger, limits: Limits
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Peel chains of the ledger, and the number of the chain of each transaction (-1 none)."""
    with opened.maps.scanned():
        chains = peel_chains(opened, limits)
    chain_of = np.full(opened.num_tx, -1, np.int64)
    for number, chain in enumerate(chains):
        chain_of[chain] = number
    return chains, chain_of
