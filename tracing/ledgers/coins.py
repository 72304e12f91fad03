"""Which block spent coins belong to: by checksum where there is one, else by number and keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracing.engine.columns import BlockColumns, offsets
from tracing.engine.ledger import NO_ADDRESS
from tracing.engine.scripts import ROW
from tracing.engine.spentcoins import SpentCoins
from tracing.errors import BlockFileError
from tracing.ledgers.batches import BatchReader, CoinColumns, no_coins

U8: TypeAlias = NDArray[np.uint8]
I64: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Spenders:
    """Blocks that may have spent given coins.

    Their ids, and what their inputs show by themselves.
    """

    block_hash: U8
    block_prev: U8
    block_tx: I64
    tx_in: I64
    in_row: U8

    def inputs(self, block: int) -> tuple[int, int]:
        """First input behind the coinbase, and the end."""
        first = int(self.tx_in[self.block_tx[block] + 1])
        return first, int(self.tx_in[self.block_tx[block + 1]])

    def tx_inputs(self, block: int) -> tuple[int, ...]:
        """Number of inputs of each transaction behind the coinbase."""
        start, end = int(self.block_tx[block]) + 1, int(self.block_tx[block + 1])
        return tuple(np.diff(self.tx_in[start : end + 1]).tolist())


def new_spenders(columns: BlockColumns) -> Spenders:
    """The blocks being loaded."""
    return Spenders(
        columns.block_hash, columns.block_prev, columns.block_tx, columns.tx_in, columns.in_row
    )


def stored_spenders(reader: BatchReader) -> Spenders:
    """The blocks already stored."""
    book, ids = reader.fixed("address", "row", ROW), reader.addresses("input")
    rows = np.zeros((len(ids), ROW), np.uint8)
    shown = ids != NO_ADDRESS
    rows[shown] = book[ids[shown]]
    return Spenders(
        reader.fixed("block", "hash", 32),
        reader.fixed("block", "prev", 32),
        offsets(reader.numbers("block", "num_tx").astype(np.int64)),
        offsets(reader.numbers("tx", "num_in").astype(np.int64)),
        rows,
    )


def match_coins(
    found: Sequence[SpentCoins], pools: Sequence[Spenders], have: set[bytes], source: str
) -> CoinColumns:
    """Assign each record to its block; records of blocks in `have` are left out.

    Raises:
        BlockFileError: a record fits no block, or contradicts what an input shows.
    """
    by_size: dict[int, list[tuple[Spenders, int]]] = {}
    for pool in pools:
        for block in range(len(pool.block_hash)):
            first, end = pool.inputs(block)
            by_size.setdefault(end - first, []).append((pool, block))
    taken: list[tuple[bytes, SpentCoins]] = []
    done = set(have)
    for record in found:
        if not len(record.value):
            continue
        match = _block_of(record, by_size.get(len(record.value), []))
        if match is None:
            reason = (
                "these spent coins fit no block of the ledger: load their blocks first, "
                "or the file is corrupt"
            )
            raise BlockFileError(reason, record.offset, source)
        pool, block = match
        name = pool.block_hash[block].tobytes()
        if name not in done:
            done.add(name)
            taken.append((name, record))
    if not taken:
        return no_coins()
    return CoinColumns(
        np.frombuffer(b"".join(name for name, _ in taken), np.uint8).reshape(-1, 32),
        np.array([len(record.value) for _, record in taken], np.int64),
        np.concatenate([record.value for _, record in taken]),
        np.concatenate([record.kind for _, record in taken]),
        np.concatenate([record.row for _, record in taken]),
    )


def _block_of(
    record: SpentCoins, candidates: Sequence[tuple[Spenders, int]]
) -> tuple[Spenders, int] | None:
    for pool, block in candidates:
        if record.block and record.block != pool.block_hash[block].tobytes():
            continue
        if record.tx_inputs is not None and record.tx_inputs != pool.tx_inputs(block):
            continue
        if not record.belongs_behind(pool.block_prev[block].tobytes()):
            continue
        first, end = pool.inputs(block)
        shown = pool.in_row[first:end]
        # A key shown for the same kind of script must be the coin's own.
        same_kind = (shown[:, 0] > 0) & (shown[:, 0] == record.row[:, 0])
        if (shown[same_kind] == record.row[same_kind]).all():
            return pool, block
    return None
