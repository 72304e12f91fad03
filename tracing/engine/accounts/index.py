"""Finding things in an account ledger whose rows only ever grow: transactions, addresses, rows.

The rows themselves lie in chain order and are appended to. What finds them is cut into levels, each
over one stretch of rows; a load adds one level, and neighbours of like size are merged, so that
there are never more than some twenty and a row is moved that often at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

U8: TypeAlias = NDArray[np.uint8]
U32: TypeAlias = NDArray[np.uint32]
U64: TypeAlias = NDArray[np.uint64]
I64: TypeAlias = NDArray[np.int64]

NO_ACCOUNT: Final = 0xFFFFFFFF
"""The zero address: nobody's, so value comes into being or is destroyed there."""
NOT_THERE: Final = -1


@dataclass(frozen=True)
class Level:
    """What finds the transactions, new addresses and rows of one stretch of rows.

    Args:
        first_row, end_row: the stretch.
        tx_key, tx_of_key: last 8 bytes of each id, sorted, and the transactions they are of;
            address_key, address_of_key: the same of the addresses first seen here.
        who: addresses with rows here, ascending; who_off, rows: their rows, ascending.
    """

    first_row: int
    end_row: int
    tx_key: U64
    tx_of_key: U32
    address_key: U64
    address_of_key: U32
    who: U32
    who_off: U64
    rows: U32

    @property
    def num_rows(self) -> int:
        """Length of the stretch."""
        return self.end_row - self.first_row


def keys_of(texts: U8) -> U64:
    """The last 8 bytes of each text as a number; equal ones are told apart by their whole text."""
    ends = np.ascontiguousarray(texts[:, -8:])
    return ends.view(np.dtype(">u8")).reshape(-1).astype(np.uint64)


def build_level(
    first_row: int, first_tx: int, txid: U8, first_address: int, address: U8, sender: U32,
    recipient: U32,
) -> Level:  # fmt: skip
    """The level of a stretch: its transactions, its new addresses, the parties of its rows.

    Cost: three sorts of the stretch.
    """
    tx_key, tx_of_key = _sorted_keys(keys_of(txid), first_tx)
    address_key, address_of_key = _sorted_keys(keys_of(address), first_address)
    rows = np.arange(len(sender), dtype=np.uint32) + np.uint32(first_row)
    other = recipient != sender
    who = np.concatenate([sender, recipient[other]])
    where = np.concatenate([rows, rows[other]])
    known = who != NO_ACCOUNT
    grouped = _grouped(who[known], where[known])
    return Level(
        first_row, first_row + len(sender), tx_key, tx_of_key, address_key, address_of_key, *grouped
    )


def merge_levels(first: Level, second: Level) -> Level:
    """One level over two neighbouring stretches. Cost: three sorts of both together."""
    tx_key, tx_of_key = _merged((first.tx_key, first.tx_of_key), (second.tx_key, second.tx_of_key))
    address_key, address_of_key = _merged(
        (first.address_key, first.address_of_key), (second.address_key, second.address_of_key)
    )
    counts = [(each.who_off[1:] - each.who_off[:-1]).astype(np.int64) for each in (first, second)]
    who = [np.repeat(each.who, n) for each, n in zip((first, second), counts, strict=True)]
    grouped = _grouped(np.concatenate(who), np.concatenate([first.rows, second.rows]))
    return Level(
        first.first_row, second.end_row, tx_key, tx_of_key, address_key, address_of_key, *grouped
    )


def with_level(levels: Sequence[Level], new: Level) -> list[Level]:
    """The levels after a load: the new one, merged with those before it that are no larger."""
    found = [*levels, new]
    while len(found) > 1 and found[-2].num_rows <= 2 * found[-1].num_rows:
        last = found.pop()
        found[-1] = merge_levels(found[-1], last)
    return found


class Index:
    """All levels together, over the first `num_rows` rows: what later loads added is not seen."""

    def __init__(self, levels: Sequence[Level], txid: U8, address: U8, num_rows: int) -> None:
        self._levels, self._num_rows = tuple(levels), num_rows
        self._txid, self._address = txid, address

    def find_tx(self, txid: bytes) -> int | None:
        """The transaction of these 32 bytes."""
        keys = [(each.tx_key, each.tx_of_key) for each in self._levels]
        return _find_one(keys, self._txid, txid)

    def find_address(self, payload: bytes) -> int | None:
        """The address of these 20 bytes."""
        keys = [(each.address_key, each.address_of_key) for each in self._levels]
        return _find_one(keys, self._address, payload)

    def find_addresses(self, payloads: U8) -> I64:
        """Address ids of many payloads, NOT_THERE for those never seen. Cost: some us each."""
        found = np.full(len(payloads), NOT_THERE, np.int64)
        wanted = keys_of(payloads)
        for each in self._levels:
            low = np.searchsorted(each.address_key, wanted, side="left")
            high = np.searchsorted(each.address_key, wanted, side="right")
            while (open_ := np.flatnonzero((found == NOT_THERE) & (low < high))).size:
                ids = each.address_of_key[low[open_]].astype(np.int64)
                seen = ids < len(self._address)
                open_, ids = open_[seen], ids[seen]
                same = (self._address[ids] == payloads[open_]).all(axis=1)
                found[open_[same]] = ids[same]
                low += 1
        return found

    def rows_of(self, address: int) -> U32:
        """Rows from or to an address, ascending."""
        parts = []
        for each in self._levels:
            place = int(np.searchsorted(each.who, address))
            if place < len(each.who) and each.who[place] == address:
                parts.append(each.rows[int(each.who_off[place]) : int(each.who_off[place + 1])])
        if not parts:
            return np.zeros(0, np.uint32)
        rows: U32 = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if rows[-1] >= self._num_rows:
            rows = rows[: int(np.searchsorted(rows, self._num_rows))]
        return rows


def _find_one(keys: Sequence[tuple[U64, U32]], texts: U8, wanted: bytes) -> int | None:
    key = np.uint64(int.from_bytes(wanted[-8:], "big"))
    for key_of, of_key in keys:
        place = int(np.searchsorted(key_of, key))
        while place < len(key_of) and key_of[place] == key:
            number = int(of_key[place])
            if number < len(texts) and texts[number].tobytes() == wanted:
                return number
            place += 1
    return None


def _sorted_keys(keys: U64, first: int) -> tuple[U64, U32]:
    order = np.argsort(keys, kind="stable")
    return keys[order], (order + first).astype(np.uint32)


def _merged(first: tuple[U64, U32], second: tuple[U64, U32]) -> tuple[U64, U32]:
    keys = np.concatenate([first[0], second[0]])
    order = np.argsort(keys, kind="stable")
    return keys[order], np.concatenate([first[1], second[1]])[order]


def _grouped(who: U32, rows: U32) -> tuple[U32, U64, U32]:
    """Addresses ascending, where the rows of each begin, and the rows, ascending for each."""
    order = np.lexsort((rows, who))
    found, first = np.unique(who[order], return_index=True)
    off = np.concatenate([first, [len(who)]]).astype(np.uint64)
    return found.astype(np.uint32), off, rows[order]
