"""Stored ledgers of account chains: transfers in Parquet, arrays, pinned snapshots."""

from tracing.ledgers.accounts.load import (
    AccountLoadReport,
    load_csv,
    load_evm,
    load_tron,
    open_account_ledger,
    txids_of_account_blocks,
)

__all__ = [
    "AccountLoadReport",
    "load_csv",
    "load_evm",
    "load_tron",
    "open_account_ledger",
    "txids_of_account_blocks",
]
