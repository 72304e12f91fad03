"""What finds things in one stretch of transactions of a ledger of coins: ids, addresses, sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracing.engine.ledger import I64, NO_ADDRESS, U32, U64, UNKNOWN_OUTPUT
from tracing.engine.scripts import row_keys
from tracing.ledgers.arrays import save_arrays
from tracing.ledgers.maps import Maps


@dataclass(frozen=True)
class Level:
    """One stretch.

    Attributes:
        bounds: first and end transaction, first and end address that is new here.
        tx_key, tx_of_key: first 8 bytes of each id, sorted, and the transactions they are of;
            address_key, address_of_key: the same of the new addresses.
        out_who, out_off, out_rows: addresses that outputs here pay, ascending, where the outputs of
            each begin, and the outputs; in_who, in_off, in_rows: the same of inputs.
        sum_who, sums: addresses that anything moves at, ascending, and by how much it changes what
            they received, sent and hold.
    """

    bounds: I64
    tx_key: U64
    tx_of_key: U32
    address_key: U64
    address_of_key: U32
    out_who: U32
    out_off: U64
    out_rows: U32
    in_who: U32
    in_off: U64
    in_rows: U32
    sum_who: U32
    sums: I64

    @property
    def first_tx(self) -> int:
        """Where it begins."""
        return int(self.bounds[0])

    @property
    def end_tx(self) -> int:
        """Where the next one begins."""
        return int(self.bounds[1])

    @property
    def first_address(self) -> int:
        """The first address that appears here."""
        return int(self.bounds[2])

    def rows(self, side: str, address: int) -> U32:
        """Outputs ("out") or inputs ("in") of an address here, ascending."""
        who, off = getattr(self, f"{side}_who"), getattr(self, f"{side}_off")
        place = int(np.searchsorted(who, address))
        found: U32 = getattr(self, f"{side}_rows")
        if place == len(who) or int(who[place]) != address:
            return found[:0]
        return found[int(off[place]) : int(off[place + 1])]

    def sums_of(self, address: int) -> I64:
        """What changes here at an address: received, sent, held."""
        place = int(np.searchsorted(self.sum_who, address))
        if place == len(self.sum_who) or int(self.sum_who[place]) != address:
            return np.zeros(3, np.int64)
        found: I64 = self.sums[place]
        return found


def build_level(
    columns: Mapping[str, NDArray[Any]],  # arrays of several types
    first_tx: int,
    end_tx: int,
    first_address: int,
    end_address: int,
) -> Level:
    """The level of a stretch, from the columns alone. Cost: some sorts of the stretch."""
    txid = columns["txid"][first_tx:end_tx]
    keys = np.ascontiguousarray(txid[:, :8]).view(np.uint64).reshape(-1)
    by_key = np.argsort(keys, kind="stable")
    book = np.array(columns["address_row"][first_address:end_address])
    row_key = row_keys(book) if len(book) else np.zeros(0, np.uint64)
    by_row = np.argsort(row_key, kind="stable")
    grouped: dict[str, NDArray[Any]] = {}
    moved: list[tuple[NDArray[Any], I64]] = []
    for side, changed in (("out", (0, 2)), ("in", (1,))):
        off = columns[f"{side}_off"]
        first, end = int(off[first_tx]), int(off[end_tx])
        address, value = columns[f"{side}_address"][first:end], columns[f"{side}_value"][first:end]
        known = np.flatnonzero(address != NO_ADDRESS)
        order = known[np.argsort(address[known], kind="stable")]
        who, starts = np.unique(address[order], return_index=True)
        grouped[f"{side}_who"] = who.astype(np.uint32)
        grouped[f"{side}_off"] = np.append(starts, len(order)).astype(np.uint64)
        grouped[f"{side}_rows"] = (order + first).astype(np.uint32)
        moved.append(_moved(address[known], np.maximum(value[known], 0), changed))
    spent = columns["in_out"][int(columns["in_off"][first_tx]) : int(columns["in_off"][end_tx])]
    spent = spent[spent != UNKNOWN_OUTPUT]
    owner = columns["out_address"][spent]
    held = owner != NO_ADDRESS
    moved.append(_moved(owner[held], -columns["out_value"][spent[held]], (2,)))
    everybody = np.concatenate([who for who, _ in moved])
    changes = np.concatenate([change for _, change in moved])
    who, place = np.unique(everybody, return_inverse=True)
    sums = np.zeros((len(who), 3), np.int64)
    np.add.at(sums, place, changes)
    return Level(
        bounds=np.array([first_tx, end_tx, first_address, end_address], np.int64),
        tx_key=keys[by_key],
        tx_of_key=(by_key + first_tx).astype(np.uint32),
        address_key=row_key[by_row],
        address_of_key=(by_row + first_address).astype(np.uint32),
        sum_who=who.astype(np.uint32),
        sums=sums,
        **grouped,
    )


def _moved(
    who: NDArray[Any], value: NDArray[Any], columns: tuple[int, ...]
) -> tuple[NDArray[Any], I64]:
    """Changes of one kind as rows of (received, sent, held)."""
    changes = np.zeros((len(who), 3), np.int64)
    for column in columns:
        changes[:, column] = value
    return who, changes


def write_level(path: Path, level: Level) -> None:
    """Write a level durably, as a folder of arrays."""
    save_arrays(path, {each.name: getattr(level, each.name) for each in fields(Level)})


def open_level(path: Path, maps: Maps) -> Level:
    """Map a level."""
    return Level(**{each.name: maps.open(path / f"{each.name}.npy") for each in fields(Level)})
