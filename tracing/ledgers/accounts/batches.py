"""Parquet of an account chain: each load writes one immutable batch, and never touches it again.

    block      number, hash, parent, time, num_tx (null: not said)
    tx         number, block, tx_index, txid, failed, created
    transfer   number, block, tx_index, place, txid, asset, sender, recipient, amount, kind, failed
    asset      name (empty: the chain's own coin), symbol, decimals

A row names its block by hash, so that after a reorganisation the stale ones stay and count no more.
Amounts are 32 bytes, big endian. `asset` numbers count within the batch; an asset row without
decimals says nothing of the token but its number.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tracing.engine.accounts.build import (
    UNKNOWN_COUNT,
    Columns,
    block_columns,
    transfer_columns,
    tx_columns,
)
from tracing.engine.accounts.ledger import (
    U8,
)
from tracing.engine.accounts.rows import BlockRow, TokenRow, TransferRow, TxRow
from tracing.ledgers.batches import sync

_FIXED: Final = {
    "block": {"hash": 32, "parent": 32},
    "tx": {"block": 32, "txid": 32, "created": 20},
    "transfer": {"block": 32, "txid": 32, "sender": 20, "recipient": 20, "amount": 32},
}


def write_batch(
    path: Path,
    blocks: Sequence[BlockRow],
    txs: Sequence[TxRow],
    transfers: Sequence[TransferRow],
    tokens: Sequence[TokenRow],
) -> None:
    """Write a batch durably: into a folder beside, synced, then renamed."""
    moved, names = transfer_columns(transfers)
    told = {token.asset: token for token in tokens}
    names += [name for name in told if name not in names]
    assets = [told.get(name) for name in names]
    draft = path.with_name(f".{path.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name, columns in (
        ("block", block_columns(blocks)), ("tx", tx_columns(txs)), ("transfer", moved),
    ):  # fmt: skip
        arrow = {
            key: _binary(column) if key in _FIXED[name] else column
            for key, column in columns.items()
        }
        if name == "block":
            arrow["num_tx"] = pa.array(
                columns["num_tx"], pa.uint32(), mask=columns["num_tx"] == UNKNOWN_COUNT
            )
        _write(draft / f"{name}.parquet", pa.table(arrow))
    _write(
        draft / "asset.parquet",
        pa.table(
            {
                "name": pa.array(names, pa.string()),
                "symbol": pa.array([a.symbol if a else None for a in assets], pa.string()),
                "decimals": pa.array([a.decimals if a else None for a in assets], pa.uint8()),
            }
        ),
    )
    sync(draft)
    draft.rename(path)
    sync(path.parent)


def _write(path: Path, table: Any) -> None:  # an arrow table; pyarrow ships no types
    with path.open("wb") as file:
        pq.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())


def _binary(rows: U8) -> Any:  # an arrow array; pyarrow ships no types
    data = np.ascontiguousarray(rows)
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(rows.shape[1]), len(data), [None, pa.py_buffer(data)]
    )


class AccountBatches:
    """Tables of all batches, joined; asset numbers made one over all of them."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self.assets: list[str] = []
        self.tokens: dict[str, TokenRow] = {}
        self.asset_numbers: list[list[int]] = []
        for path in paths:
            self._read_assets(path)

    def _read_assets(self, path: Path) -> None:
        numbers = []
        for row in pq.read_table(path / "asset.parquet").to_pylist():
            name = row["name"]
            if name not in self.assets:
                self.assets.append(name)
            numbers.append(self.assets.index(name))
            if row["decimals"] is not None:
                self.tokens[name] = TokenRow(name, row["symbol"] or "", row["decimals"])
        self.asset_numbers.append(numbers)

    def columns(self, table: str) -> Columns:
        """All columns of a table over the batches."""
        parts = [self._columns(path / f"{table}.parquet", table) for path in self._paths]
        if table == "transfer":
            for part, numbers in zip(parts, self.asset_numbers, strict=True):
                part["asset"] = np.array(numbers, np.uint32)[part["asset"]]
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}

    @staticmethod
    def _columns(path: Path, table: str) -> Columns:
        # Read by handle, without memory-mapping: a batch is read once for each rebuild.
        with pq.ParquetFile(path) as file:
            read = file.read().combine_chunks()
        found: Columns = {}
        for key in read.column_names:
            column = read.column(key).combine_chunks()
            if key in _FIXED[table]:
                width = _FIXED[table][key]
                data = np.frombuffer(column.buffers()[1] or b"", np.uint8)
                found[key] = data[: len(column) * width].reshape(-1, width)
            else:
                if key == "num_tx":
                    column = column.fill_null(UNKNOWN_COUNT)
                found[key] = column.to_numpy(zero_copy_only=False)
        return found
