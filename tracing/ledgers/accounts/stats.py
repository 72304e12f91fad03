"""Figures of an account ledger, by definitions that other tools can reproduce.

A transfer counts where it moved something: failed ones apart, and gas apart. `tokens` counts
transfers and sums by token; a token without known decimals gives its sum in base units alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracing.engine.accounts.index import NO_ACCOUNT
from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.accounts.rows import Kind


def account_stats(ledger: AccountLedger) -> dict[str, Any]:
    """All figures, as JSON-able values; amounts are texts of base units.

    Cost: one pass over the transfers.
    """
    moved = ledger.row_failed == 0
    kinds = {kind: ledger.row_kind == kind for kind in Kind}
    parties = np.concatenate([ledger.row_sender[moved], ledger.row_recipient[moved]])
    heights = ledger.block_height.astype(np.int64)
    return {
        "addresses": len(np.unique(parties[parties != NO_ACCOUNT])),
        "assets": len(ledger.assets),
        "blocks": len(heights),
        "failed_tx": int(ledger.tx_failed.sum()),
        "failed_transfers": int((~moved).sum()),
        "first_height": int(heights[0]),
        "gas": str(_sum(ledger, kinds[Kind.GAS])),
        "internal_transfers": int((moved & kinds[Kind.INTERNAL]).sum()),
        "missing_blocks": int(heights[-1] - heights[0]) + 1 - len(heights),
        "native_transfers": int((moved & kinds[Kind.NATIVE]).sum()),
        "native_value": str(_sum(ledger, moved & kinds[Kind.NATIVE])),
        "rewards": str(_sum(ledger, kinds[Kind.REWARD])),
        "token_transfers": int((moved & kinds[Kind.TOKEN]).sum()),
        "tokens": _tokens(ledger, moved & kinds[Kind.TOKEN]),
        "tx": ledger.num_tx - int(_only_block(ledger)),
        "tip_height": ledger.height,
        "tip_hash": ledger.tip_hash,
    }


def _only_block(ledger: AccountLedger) -> int:
    """Entries that stand for what a block pays out itself, not for a transaction."""
    return len(np.unique(ledger.row_tx[ledger.row_kind == Kind.REWARD]))


def _sum(ledger: AccountLedger, which: np.ndarray) -> int:
    return sum(ledger.amount(row) for row in np.flatnonzero(which).tolist())


def _tokens(ledger: AccountLedger, moved: np.ndarray) -> list[dict[str, Any]]:
    """Each token with the transfers that moved it, the most frequent first."""
    sums: dict[int, list[int]] = {}
    for row in np.flatnonzero(moved).tolist():
        found = sums.setdefault(int(ledger.row_asset[row]), [0, 0])
        found[0] += 1
        found[1] += ledger.amount(row)
    rows = []
    for asset, (count, total) in sums.items():
        facts = ledger.assets[asset]
        rows.append(
            {
                "asset": ledger.asset_name(asset),
                "symbol": facts.symbol,
                "decimals": facts.decimals,
                "transfers": count,
                "base_units": str(total),
                "amount": None if facts.decimals is None else decimal(total, facts.decimals),
            }
        )
    return sorted(rows, key=lambda row: (-row["transfers"], row["asset"]))


def decimal(units: int, decimals: int) -> str:
    """Base units as a decimal number, exactly, every decimal written."""
    whole, part = divmod(units, 10**decimals)
    return f"{whole}.{part:0{decimals}d}" if decimals else str(whole)
