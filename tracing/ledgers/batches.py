"""Parquet, the truth: each load writes one immutable batch of tables, and never touches it again.

A batch holds what the files said and nothing derived from other blocks, so that heights, links
between transactions and fees follow anew when older blocks arrive:

    block     hash, prev, time, bits, bip34_height, num_tx
    tx        tx_id, txid, block, num_in, num_out, coinbase, segwit
    output    tx_id, vout, value, script_type, address, script (where there is no address)
    input     tx_id, vin, prev_txid, prev_vout, address (what the input shows by itself), bare
    address   address, text, kind, row
    coin_block, coin   spent coins by block, in the order of its inputs; a coin tells its row of
                       coin_block and its place there, as not every reader knows the order of rows

Ids count within the batch; hashes are in wire order (reverse of their text).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tracing.engine.addresses import Network
from tracing.engine.columns import BlockColumns, ranges
from tracing.engine.ledger import NO_ADDRESS
from tracing.engine.scripts import ROW, row_keys, row_texts

U8: TypeAlias = NDArray[np.uint8]
U32: TypeAlias = NDArray[np.uint32]
I64: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class CoinColumns:
    """Spent coins of whole blocks.

    `num[k]` coins of block `block_hash[k]`, in the order of its inputs.
    """

    block_hash: U8
    num: I64
    value: I64
    kind: U8
    row: U8


def no_coins() -> CoinColumns:
    """No spent coins."""
    empty = np.zeros(0, np.int64)
    return CoinColumns(
        np.zeros((0, 32), np.uint8),
        empty,
        empty,
        np.zeros(0, np.uint8),
        np.zeros((0, ROW), np.uint8),
    )


SYNCED_AT_ONCE: Final = 4


def number_rows(rows: U8) -> tuple[U8, U32]:
    """Distinct address rows in the order of first appearance, and the number of each given row.

    Zero rows (no address) get NO_ADDRESS. Cost: one sort of 64-bit keys.
    """
    ids = np.full(len(rows), NO_ADDRESS, np.uint32)
    known = np.flatnonzero(rows[:, 0])
    if not len(known):
        return np.zeros((0, ROW), np.uint8), ids
    keys = row_keys(rows[known])
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    if not np.array_equal(rows[known[first]][inverse], rows[known]):
        # Two addresses share a 64-bit key, by intent or luck: compare them whole.
        whole = np.ascontiguousarray(rows[known]).view(f"V{ROW}").reshape(-1)
        _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.uint32)
    rank[order] = np.arange(len(order), dtype=np.uint32)
    ids[known] = rank[inverse]
    return rows[known[first[order]]], ids


def write_batch(path: Path, columns: BlockColumns, coins: CoinColumns, network: Network) -> None:
    """Write a batch durably: into a folder beside, synced, then renamed.

    Cost: about 20 MB of block data a second.
    """
    addresses, ids = number_rows(np.concatenate([columns.out_row, columns.in_row, coins.row]))
    num_out, num_in = len(columns.out_value), len(columns.in_vout)
    out_address, in_address = ids[:num_out], ids[num_out : num_out + num_in]
    per_tx_in, per_tx_out = np.diff(columns.tx_in), np.diff(columns.tx_out)
    per_block = np.diff(columns.block_tx)
    num_tx = len(columns.txid)
    coinbase = np.zeros(num_tx, np.uint8)
    coinbase[columns.block_tx[:-1]] = 1
    tx_id = np.arange(num_tx, dtype=np.uint32)
    tables = {
        "block": {
            "hash": _binary(columns.block_hash),
            "prev": _binary(columns.block_prev),
            "time": columns.block_time,
            "bits": columns.block_bits,
            "bip34_height": columns.block_height.astype(np.int32),
            "num_tx": per_block.astype(np.uint32),
        },
        "tx": {
            "tx_id": tx_id,
            "txid": _binary(columns.txid),
            "block": np.repeat(np.arange(len(per_block), dtype=np.uint32), per_block),
            "num_in": per_tx_in.astype(np.uint32),
            "num_out": per_tx_out.astype(np.uint32),
            "coinbase": coinbase,
            "segwit": columns.tx_segwit,
        },
        "output": {
            "tx_id": np.repeat(tx_id, per_tx_out),
            "vout": ranges(np.zeros_like(per_tx_out), per_tx_out).astype(np.uint32),
            "value": columns.out_value,
            "script_type": columns.out_kind,
            "address": _nullable(out_address),
            "script": pa.array(columns.out_script, pa.binary()),
        },
        "input": {
            "tx_id": np.repeat(tx_id, per_tx_in),
            "vin": ranges(np.zeros_like(per_tx_in), per_tx_in).astype(np.uint32),
            "prev_txid": _binary(columns.in_prev),
            "prev_vout": columns.in_vout,
            "address": _nullable(in_address),
            "bare": columns.in_bare,
        },
        "address": {
            "address": np.arange(len(addresses), dtype=np.uint32),
            "text": pa.array(row_texts(addresses, network), pa.string()),
            "kind": addresses[:, 0],
            "row": _binary(addresses),
        },
        "coin_block": {"hash": _binary(coins.block_hash), "num": coins.num.astype(np.uint32)},
        "coin": {
            "coin_block": np.repeat(np.arange(len(coins.num), dtype=np.uint32), coins.num),
            "place": ranges(np.zeros_like(coins.num), coins.num).astype(np.uint32),
            "value": coins.value,
            "script_type": coins.kind,
            "address": _nullable(ids[num_out + num_in :]),
        },
    }
    draft = path.with_name(f".{path.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name, content in tables.items():
        _write_table(draft / f"{name}.parquet", content)
    sync_all([draft / f"{name}.parquet" for name in tables])
    sync(draft)
    draft.rename(path)
    sync(path.parent)


COUNTING: Final = (
    *("tx_id", "vout", "vin", "prev_vout", "block", "num_in", "num_out", "time"),
    *("coin_block", "place"),
)


def _write_table(path: Path, content: dict[str, Any]) -> None:  # numpy or arrow columns
    table = pa.table(content)
    # Ids count up and hashes never repeat: dictionaries would cost time and save nothing.
    repeating = [
        name for name in ("script_type", "kind", "coinbase", "segwit", "bare") if name in content
    ]
    counting = {name: "DELTA_BINARY_PACKED" for name in COUNTING if name in content}
    with path.open("wb") as file:
        pq.write_table(
            table,
            file,
            compression="zstd",
            compression_level=1,
            use_dictionary=repeating,
            column_encoding=counting or None,
            write_statistics=False,
        )


def replace_text(path: Path, text: str) -> None:
    """Replace a file by a text: all or nothing, also through a power cut."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    sync(path.parent)


def sync_all(paths: Collection[Path]) -> None:
    """Make what was written to many files durable.

    At once: a disk answers many waits in little more than the time of one.
    """
    with ThreadPoolExecutor(min(SYNCED_AT_ONCE, len(paths))) as pool:
        list(pool.map(sync, paths))


def sync(path: Path) -> None:
    """Make what a file holds, or a folder's entries, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _binary(rows: U8) -> Any:  # an arrow array; pyarrow ships no types
    width = rows.shape[1]
    data = np.ascontiguousarray(rows)
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(data), [None, pa.py_buffer(data)]
    )


def _nullable(ids: U32) -> Any:  # an arrow array; pyarrow ships no types
    return pa.array(ids, pa.uint32(), mask=ids == NO_ADDRESS)


def _read_table(path: Path) -> Any:  # an arrow table; pyarrow ships no types
    with pq.ParquetFile(path) as file:
        return file.read().combine_chunks()


class BatchReader:
    """Columns of all batches, joined. Address ids are those of the batch plus the batch's base."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._tables: dict[str, list[Any]] = {}  # arrow tables; pyarrow ships no types

    def _table(self, name: str) -> list[Any]:  # arrow tables; pyarrow ships no types
        if name not in self._tables:
            self._tables[name] = [_read_table(path / f"{name}.parquet") for path in self._paths]
        return self._tables[name]

    def counts(self, table: str) -> list[int]:
        """Rows of the table in each batch."""
        return [part.num_rows for part in self._table(table)]

    def numbers(self, table: str, column: str) -> NDArray[Any]:  # any number type
        """A column of numbers without nulls."""
        parts = [t.column(column).to_numpy() for t in self._table(table)]
        return np.concatenate(parts)

    def fixed(self, table: str, column: str, width: int) -> U8:
        """A column of fixed-size bytes as u8[n, width]."""
        parts = []
        for part in self._table(table):
            for chunk in part.column(column).chunks:
                data = np.frombuffer(chunk.buffers()[1], np.uint8)
                start = chunk.offset * width
                parts.append(data[start : start + len(chunk) * width].reshape(-1, width))
        return np.concatenate(parts) if parts else np.zeros((0, width), np.uint8)

    def addresses(self, table: str) -> U32:
        """The address column: positions in the joined address table, NO_ADDRESS for none."""
        parts, base = [], 0
        for part, book in zip(self._table(table), self._table("address"), strict=True):
            column = part.column("address").combine_chunks()
            ids = column.fill_null(NO_ADDRESS).to_numpy(zero_copy_only=False).astype(np.uint32)
            parts.append(np.where(ids == NO_ADDRESS, np.uint32(NO_ADDRESS), ids + np.uint32(base)))
            base += book.num_rows
        return np.concatenate(parts).astype(np.uint32)

    def scripts_without_address(self) -> tuple[I64, list[bytes]]:
        """Positions in the joined outputs of scripts without address, and the scripts."""
        positions, scripts, base = [], [], 0
        for part in self._table("output"):
            column = part.column("script").combine_chunks()
            at = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
            positions.append(at + base)
            scripts.extend(column.drop_null().to_pylist())
            base += part.num_rows
        return np.concatenate(positions), scripts
