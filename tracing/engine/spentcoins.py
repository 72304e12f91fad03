"""Spent coins: what a block's inputs spent, as nodes keep it for undoing a block.

Two forms: the outputs one after another in the order of the block's inputs (bcoin), and Bitcoin
Core's `rev*.dat`: compressed outputs, one record a block, each bound by a checksum to the block
before its own.
Sources: Bitcoin Core `undo.h`, `compressor.h`, `serialize.h` (VARINT), `node/blockstorage.cpp`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.addresses import ScriptKind
from tracing.engine.base58 import sha256d
from tracing.engine.blockfiles import MAGIC, split_records, xor_with
from tracing.engine.blocks import MAX_MONEY, read_varint
from tracing.engine.scripts import ROW, address_row, classify_scripts
from tracing.errors import BlockFileError

U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class SpentCoins:
    """Coins one block spent, in the order of its inputs without the coinbase.

    Attributes:
        offset: byte where they start in the file.
        value, kind, row: amount, script kind and address row of each coin.
        tx_inputs: number of inputs of each transaction after the coinbase, None where not stored.
        sealed, checksum: with the hash of the previous block in front, the double SHA-256 of
            `sealed` is `checksum`; empty where the form has none.
        block: hash of the block they belong to (wire order), empty where the form does not say.
    """

    offset: int
    value: I64
    kind: U8
    row: U8
    tx_inputs: tuple[int, ...] | None
    sealed: bytes = b""
    checksum: bytes = b""
    block: bytes = b""

    def belongs_behind(self, previous: bytes) -> bool:
        """Whether the coins are those of the block that follows `previous` (wire order)."""
        return not self.checksum or sha256d(previous + self.sealed) == self.checksum


def read_spent_coins(raw: bytes, xor_key: bytes = b"") -> tuple[SpentCoins, ...]:
    """Read a bcoin undo file or a `rev*.dat`, told apart by content.

    Raises:
        BlockFileError: cut off or malformed, with the offset.
    """
    data = xor_with(raw, xor_key)
    if not data:
        raise BlockFileError("the file is empty", 0)
    if data[:4] not in MAGIC and any(data[:4]):
        return (_plain(data),)
    records = split_records(data, raw if any(xor_key) else b"", tail=32)
    return tuple(_core_record(data, start, end) for start, end in records.spans)


def _plain(data: bytes) -> SpentCoins:
    values, starts, lengths, p = [], [], [], 0
    while p < len(data):
        at = p
        value = int.from_bytes(data[p : p + 8], "little")
        try:
            size, p = read_varint(data, p + 8)
        except IndexError:
            raise BlockFileError("the last coin is cut off", len(data)) from None
        if value > MAX_MONEY:
            raise BlockFileError("a coin's value is not possible", at)
        if p + size > len(data):
            raise BlockFileError("the last coin is cut off", len(data))
        values.append(value)
        starts.append(p)
        lengths.append(size)
        p += size
    buffer = np.frombuffer(data + bytes(64), np.uint8)
    kind, row = classify_scripts(buffer, np.array(starts, np.int64), np.array(lengths, np.int64))
    return SpentCoins(0, np.array(values, np.int64), kind, row, None)


def spent_coins_of(
    block: bytes, tx_inputs: Sequence[int], coins: Sequence[tuple[int, bytes]]
) -> SpentCoins:
    """Coins (value, script) that somebody else read, of the block of this hash (wire order)."""
    lengths = np.array([len(script) for _, script in coins], np.int64)
    buffer = np.frombuffer(b"".join(script for _, script in coins) + bytes(64), np.uint8)
    kind, row = classify_scripts(buffer, np.cumsum(lengths) - lengths, lengths)
    value = np.array([value for value, _ in coins], np.int64)
    return SpentCoins(0, value, kind, row, tuple(tx_inputs), block=block)


_SPECIAL: Final = {
    0: (20, ScriptKind.P2PKH),
    1: (20, ScriptKind.P2SH),
    **dict.fromkeys((2, 3, 4, 5), (32, ScriptKind.P2PK)),
}


def _core_record(data: bytes, start: int, end: int) -> SpentCoins:
    values: list[int] = []
    scripts: list[bytes] = []
    rows: list[bytes] = []
    kinds: list[int] = []
    plain: list[int] = []
    inputs = []
    try:
        num_tx, p = read_varint(data, start)
        for _ in range(num_tx):
            num_in, p = read_varint(data, p)
            inputs.append(num_in)
            for _ in range(num_in):
                code, p = read_core_varint(data, p)
                if code >> 1:
                    _version, p = read_core_varint(data, p)
                packed, p = read_core_varint(data, p)
                form, p = read_core_varint(data, p)
                value = decompress_amount(packed)
                if value > MAX_MONEY:
                    raise BlockFileError("a coin's value is not possible", p)
                values.append(value)
                size, kind = _SPECIAL.get(form, (form - 6, ScriptKind.NONSTANDARD))
                script = data[p : p + size]
                p += size
                if p > end:
                    raise BlockFileError("a coin reaches beyond its record", start)
                kinds.append(kind)
                if form > 5:
                    plain.append(len(rows))
                    scripts.append(script)
                rows.append(address_row(kind, 0, script) if form < 2 else bytes(ROW))
    except IndexError:
        raise BlockFileError("a coin is cut off", len(data)) from None
    if p != end:
        raise BlockFileError("the record's length does not fit its coins", start)
    kind_array = np.array(kinds, np.uint8)
    row_array = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, ROW).copy()
    if plain:
        lengths = np.array([len(script) for script in scripts], np.int64)
        buffer = np.frombuffer(b"".join(scripts) + bytes(64), np.uint8)
        kind_array[plain], row_array[plain] = classify_scripts(
            buffer, np.cumsum(lengths) - lengths, lengths
        )
    return SpentCoins(
        start,
        np.array(values, np.int64),
        kind_array,
        row_array,
        tuple(inputs),
        data[start:end],
        data[end : end + 32],
    )


def read_core_varint(data: bytes, at: int) -> tuple[int, int]:
    """Core's VARINT: base 128, high bit set on all but the last byte, each prefix counted once."""
    value = 0
    while True:
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            return value, at
        value += 1
        if value >> 64:
            raise BlockFileError("a number is longer than any in this format", at)


def decompress_amount(packed: int) -> int:
    """Amount in satoshi of Core's compressed form (decimal exponent and mantissa)."""
    if packed == 0:
        return 0
    packed, exponent = divmod(packed - 1, 10)
    if exponent < 9:
        packed, digit = divmod(packed, 9)
        value = packed * 10 + digit + 1
    else:
        value = packed + 1
    return int(value * 10**exponent)
