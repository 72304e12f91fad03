"""A stored ledger, opened at one snapshot: memory-mapped arrays behind the engine's interface."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.addresses import Network, decode_address
from tracing.engine.ledger import I64, U8, U32, U64
from tracing.engine.scripts import row_keys, row_of_address, row_text, row_texts, rows_of_texts
from tracing.errors import AddressError
from tracing.ledgers.growth import Seen, find_many, length_of, open_levels, seen_by
from tracing.ledgers.manifest import Snapshot
from tracing.ledgers.maps import Maps

SIDES: Final = ("left", "right")
SUMS: Final = ("received", "sent", "unspent")


class StoredLedger:
    """A snapshot of a stored ledger; see `tracing.engine.ledger.Ledger` for the arrays.

    Beyond them: `out_kind` (script kind), `out_script` (for a script without address, the
    place of the first of its transaction's outputs that has it),
    `in_own_address` (what stored coins or the input itself say), `in_stored` (1 where its coin is
    stored), `in_silent` (1 where the input can say nothing, so that `in_own_address` is the
    link's), `tx_segwit`, and per block `block_hash`, `block_height`, `block_time`, `block_tx`,
    `block_segment`, and per address `address_received`, `address_sent` (coins of known value) and
    `address_unspent`.

    Opening costs a few milliseconds; pages are read when touched.
    """

    in_off: U64
    out_off: U64
    tx_height: U32
    tx_time: U32
    tx_fee: I64
    tx_coinbase: U8
    tx_segwit: U8
    out_value: I64
    out_address: U32
    out_tx: U32
    out_spent_in: U32
    out_kind: U8
    out_script: U32
    in_out: U32
    in_tx: U32
    in_value: I64
    in_address: U32
    in_own_address: U32
    in_stored: U8
    in_silent: U8
    block_hash: U8
    block_height: U32
    block_time: U32
    block_tx: U64
    block_segment: U32
    _ARRAYS = (
        *("in_off", "out_off", "tx_height", "tx_time", "tx_fee", "tx_coinbase", "tx_segwit"),
        *("out_value", "out_address", "out_tx", "out_spent_in", "out_kind", "out_script"),
        *("in_out", "in_tx", "in_value", "in_address", "in_own_address", "in_stored", "in_silent"),
        *("block_hash", "block_height", "block_time", "block_tx", "block_segment"),
    )

    def __init__(self, name: str, network: Network, snapshot: Snapshot, folder: Path) -> None:
        self.name = name
        self.network = network
        self.snapshot = snapshot
        self.chain: str = snapshot.chain
        self.height: int = snapshot.height
        self.tip_hash: str = snapshot.tip_hash
        self.epoch: int = snapshot.epoch
        self.folder = folder
        self.maps = Maps()
        self.seen: Seen | None = seen_by(folder, snapshot.epoch)
        """What this snapshot sees of arrays that have grown; None where they are its own."""
        self.levels = open_levels(folder, self.seen, self.maps)
        self._sums = tuple(self._open(f"address_{name}") for name in SUMS)
        for array in self._ARRAYS:
            setattr(self, array, self._open(array))
        self._txid = self._open("txid")
        self._tx_key, self._tx_of_key = self._open("tx_key"), self._open("tx_of_key")
        self._row = self._open("address_row")
        self._address_key = self._open("address_key")
        self._address_of_key = self._open("address_of_key")
        self._by = {
            side: (self._open(f"by_{side}"), self._open(f"by_{side}_off")) for side in ("out", "in")
        }
        self._places: dict[str, NDArray[Any]] = {
            **{name: getattr(self, name) for name in self._ARRAYS},
            "txid": self._txid, "address_row": self._row,
            "by_out_off": self._by["out"][1], "by_in_off": self._by["in"][1],
            **{f"address_{name}": each for name, each in zip(SUMS, self._sums, strict=True)},
        }  # fmt: skip
        self.num_tx: int = len(self.tx_height)
        self.num_outputs: int = len(self.out_value)
        self.num_inputs: int = len(self.in_out)
        self.num_addresses: int = len(self._row)

    def _open(self, name: str) -> NDArray[Any]:  # arrays of several types
        length = None if self.seen is None else length_of(self.seen, name)
        return self.maps.open(self.folder / f"{name}.npy", length)

    @cached_property
    def address_received(self) -> I64:
        """What each address received, in base units."""
        return self._summed(0)

    @cached_property
    def address_sent(self) -> I64:
        """What each address sent, of coins whose value is known."""
        return self._summed(1)

    @cached_property
    def address_unspent(self) -> I64:
        """What each address holds."""
        return self._summed(2)

    def sums_of(self, address: int) -> tuple[int, int, int]:
        """What one address received, sent and holds."""
        in_base = address < len(self._sums[0])
        found = np.array([each[address] if in_base else 0 for each in self._sums], np.int64)
        for level in self.levels:
            found = found + level.sums_of(address)
        received, sent, held = found.tolist()
        return received, sent, held

    def _summed(self, column: int) -> I64:
        base: I64 = self._sums[column]
        if not self.levels:
            return base
        whole = np.zeros(self.num_addresses, np.int64)
        whole[: len(base)] = base
        for level in self.levels:
            whole[level.sum_who] += level.sums[:, column]
        return whole

    def will_need(self, names: Sequence[str], places: Sequence[int] | NDArray[Any]) -> None:
        """Say that these rows of these arrays are read next; see `Maps.will_need`."""
        self.maps.will_need([self._places[name] for name in names], places)

    @property
    def tip_at(self) -> datetime:
        """Time of the last block."""
        return datetime.fromtimestamp(self.snapshot.tip_time, UTC)

    def hash_at(self, height: int) -> str | None:
        """Hash of the chain's block at a height, of the last segment that has one there."""
        low, high = (int(np.searchsorted(self.block_height, height, side=s)) for s in SIDES)
        return str(self.block_hash[high - 1][::-1].tobytes().hex()) if high > low else None

    def txid(self, tx: int) -> str:
        """The transaction's id: 64 hex digits."""
        return str(self._txid[tx][::-1].tobytes().hex())

    def find_tx(self, txid: str) -> int | None:
        """The transaction of this id (the latest of a repeated id), None if there is none."""
        try:
            wire = bytes.fromhex(txid)[::-1]
        except ValueError:
            return None
        if len(wire) != 32 or not self.num_tx:
            return None
        key = np.frombuffer(wire[:8], np.uint64)[0]
        for keys, of_key in reversed(self.tx_keys):
            low, high = (int(np.searchsorted(keys, key, side=s)) for s in SIDES)
            for k in range(high - 1, low - 1, -1):
                t = int(of_key[k])
                if self._txid[t].tobytes() == wire:
                    return t
        return None

    def find_txids(self, txids: U8) -> I64:
        """The latest transactions of many ids in wire order, -1 for those that are not there."""
        keys = np.ascontiguousarray(txids[:, :8]).view(np.uint64).reshape(-1)
        return find_many(self.tx_keys, self._txid, txids, keys)

    def find_rows(self, rows: U8) -> I64:
        """The ids of many address rows, -1 for those never seen."""
        return find_many(self.address_keys, self._row, rows, row_keys(rows))

    @property
    def tx_keys(self) -> list[tuple[U64, U32]]:
        """Sorted keys of the transactions and whose they are, level by level in chain order."""
        levels = [(each.tx_key, each.tx_of_key) for each in self.levels]
        return [(self._tx_key, self._tx_of_key), *levels]

    @property
    def address_keys(self) -> list[tuple[U64, U32]]:
        """The same of the addresses."""
        levels = [(each.address_key, each.address_of_key) for each in self.levels]
        return [(self._address_key, self._address_of_key), *levels]

    def columns(self) -> dict[str, NDArray[Any]]:  # arrays of several types
        """The columns that grow, by name."""
        return {name: self._places[name] for name in (*self._ARRAYS, "txid", "address_row")}

    def address_text(self, address: int) -> str:
        """The canonical text of an address id. Cost: about 20 us."""
        return row_text(self._row[address].tobytes(), self.network)

    def address_texts(self, addresses: Iterable[int] | U32) -> list[str]:
        """Canonical texts of many address ids. Cost: about 1 us each in bulk."""
        ids = np.fromiter(addresses, np.int64)
        return row_texts(self._row[ids], self.network)

    def find_address(self, text: str) -> int | None:
        """The id of an address text, None if it is none or the ledger has never seen it."""
        try:
            decoded = decode_address(text)
        except AddressError:
            return None
        if self.network not in decoded.networks or not self.num_addresses:
            return None
        wanted = row_of_address(decoded)
        key = row_keys(np.frombuffer(wanted, np.uint8).reshape(1, -1))[0]
        for keys, of_key in self.address_keys:
            low, high = (int(np.searchsorted(keys, key, side=s)) for s in SIDES)
            for k in range(low, high):
                address = int(of_key[k])
                if self._row[address].tobytes() == wanted:
                    return address
        return None

    def find_addresses(self, texts: Sequence[str]) -> list[int | None]:
        """The ids of many address texts, as `find_address`. Cost: about 3 us each in bulk."""
        known, rows = rows_of_texts(texts, self.network)
        found = np.where(known, self.find_rows(rows), -1)
        return [None if each < 0 else each for each in found.tolist()]

    def outputs_of_address(self, address: int) -> U32:
        """Outputs that pay the address, ascending."""
        return self._rows("out", address)

    def inputs_of_address(self, address: int) -> U32:
        """Inputs that spend from the address, ascending."""
        return self._rows("in", address)

    def _rows(self, side: str, address: int) -> U32:
        rows, off = self._by[side]
        found: U32 = rows[:0]
        if address + 1 < len(off):
            found = rows[int(off[address]) : int(off[address + 1])]
        if not self.levels:
            return found
        return np.concatenate([found, *(each.rows(side, address) for each in self.levels)])
