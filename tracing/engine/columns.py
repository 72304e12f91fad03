"""Blocks as columns: what parsing gives and storing takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

U8: TypeAlias = NDArray[np.uint8]
U32: TypeAlias = NDArray[np.uint32]
I64: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class BlockColumns:
    """Blocks as columns, in the order given. Hashes are u8[n, 32] in wire order (reverse of the
    text).

    Attributes:
        block_tx: first transaction of each block and the end; block_height: BIP-34 height or -1.
        block_offset: byte where the block starts in its file.
        tx_in, tx_out: first input and output of each transaction and the end.
        in_row: address row the input reveals by itself, zero where it reveals none.
        in_bare: 1 where the input has neither script nor witness, as in generated chains.
        out_kind: `ScriptKind`; out_row: address row; out_script: scripts of outputs without
            address.
    """

    block_hash: U8
    block_prev: U8
    block_time: U32
    block_bits: U32
    block_height: I64
    block_offset: I64
    block_tx: I64
    txid: U8
    tx_in: I64
    tx_out: I64
    tx_segwit: U8
    in_prev: U8
    in_vout: U32
    in_row: U8
    in_bare: U8
    out_value: I64
    out_kind: U8
    out_row: U8
    out_script: NDArray[np.object_]

    @property
    def num_blocks(self) -> int:
        """Number of blocks."""
        return len(self.block_time)


def concat_columns(parts: Sequence[BlockColumns]) -> BlockColumns:
    """All blocks of the parts, in order."""
    if len(parts) == 1:
        return parts[0]
    joined = {}
    for name in (field.name for field in fields(BlockColumns)):
        arrays = [getattr(part, name) for part in parts]
        if name in ("block_tx", "tx_in", "tx_out"):
            base, shifted = 0, [np.zeros(1, np.int64)]
            for array in arrays:
                shifted.append(array[1:] + base)
                base += int(array[-1])
            arrays = shifted
        joined[name] = np.concatenate(arrays)
    return BlockColumns(**joined)


def ranges(start: I64, count: I64) -> I64:
    """start[0], start[0]+1, ... count[0] of them, then those of start[1], and so on."""
    end = np.cumsum(count)
    total = int(end[-1]) if len(end) else 0
    return np.asarray(np.arange(total) + np.repeat(start - (end - count), count))


def offsets(counts: I64) -> I64:
    """0 and the running sums of the counts."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def select_blocks(columns: BlockColumns, chosen: I64) -> BlockColumns:
    """The chosen blocks, in the order of `chosen`."""
    if np.array_equal(chosen, np.arange(columns.num_blocks)):
        return columns
    num_tx = np.diff(columns.block_tx)[chosen]
    tx = ranges(columns.block_tx[chosen], num_tx)
    num_in, num_out = np.diff(columns.tx_in)[tx], np.diff(columns.tx_out)[tx]
    rows = {
        "block": chosen,
        "txid": tx,
        "tx": tx,
        "in": ranges(columns.tx_in[tx], num_in),
        "out": ranges(columns.tx_out[tx], num_out),
    }
    values = {
        field.name: getattr(columns, field.name)[rows[field.name.split("_")[0]]]
        for field in fields(BlockColumns)
        if field.name not in ("block_tx", "tx_in", "tx_out")
    }
    values |= {"block_tx": offsets(num_tx), "tx_in": offsets(num_in), "tx_out": offsets(num_out)}
    return BlockColumns(**values)
