"""Arrays of coins that grow: blocks on top of all others are added behind what stands.

    arrays/000007/       made anew at epoch 7; the epochs after it append here
        out_value.npy    columns; their heads tell the length of epoch 7, what follows is behind it
        000009-1.level   what finds things in one stretch of transactions above those of epoch 7
        000009.json      what epoch 9 sees: how many rows of each kind, and which levels
        writing          the epoch that was begun last

Everything but one column is only ever added to. `out_spent_in` is also written where an old output
is spent: a reader takes an input beyond its own snapshot for none, so it sees what it saw. A load
that dies leaves its number in `writing`, and the next one makes the arrays anew, as it does after a
reorganisation, for blocks that do not follow the last one, and for spent coins of stored blocks.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.ledger import I64, NO_ADDRESS, U8, U32, U64, UNKNOWN_OUTPUT, UNSPENT
from tracing.engine.scripts import ROW
from tracing.errors import LedgerError
from tracing.ledgers.arrays import (
    Arrays,
    fees_of,
    place_coins,
    place_transactions,
    refuse_second_spend,
    stored_coins,
)
from tracing.ledgers.batches import BatchReader, number_rows, replace_text, sync_all
from tracing.ledgers.chain import Chain
from tracing.ledgers.levels import Level, build_level, open_level, write_level
from tracing.ledgers.maps import Maps, read_head

WRITING: Final = "writing"
COUNTED: Final[Mapping[str, Sequence[str]]] = {
    "blocks": ("block_stored", "block_hash", "block_height", "block_time", "block_segment"),
    "txs": ("txid", "tx_height", "tx_time", "tx_coinbase", "tx_segwit", "tx_fee"),
    "outputs": ("out_tx", "out_value", "out_kind", "out_script", "out_address", "out_spent_in"),
    "inputs": (
        *("in_tx", "in_out", "in_value", "in_address", "in_own_address", "in_stored"),
        "in_silent",
    ),
    "addresses": ("address_row",),
}
"""Columns by what their rows are."""
OFFSETS: Final = {"block_tx": "blocks", "in_off": "txs", "out_off": "txs"}
"""Columns of one row more: the end of one is the beginning of the next."""
LEVEL_COLUMNS: Final = (
    *("txid", "address_row", "out_off", "in_off", "out_address", "in_address", "out_value"),
    *("in_value", "in_out"),
)
LEAST_GROWTH: Final = 100_000
"""Transactions that may always be added; beyond, up to an eighth of what the base holds."""


@dataclass(frozen=True)
class Seen:
    """What an epoch sees; the levels by name, and the transactions that the base holds."""

    blocks: int
    txs: int
    outputs: int
    inputs: int
    addresses: int
    levels: tuple[str, ...] = ()
    base_txs: int = 0


def holder(folder: Path, epoch: int) -> Path | None:
    """The folder of arrays that an epoch reads, None if there is none."""
    wanted = f"{epoch:06d}"
    if not folder.is_dir():
        return None
    for path in sorted(folder.iterdir(), reverse=True):
        if path.name == wanted or (path.name < wanted and (path / f"{wanted}.json").exists()):
            return path
    return None


def seen_by(path: Path, epoch: int) -> Seen | None:
    """What an epoch sees of a folder, None where that is the folder as it was made."""
    try:
        told = json.loads((path / f"{epoch:06d}.json").read_text())
    except FileNotFoundError:
        return None
    return Seen(**{**told, "levels": tuple(told["levels"])})


def length_of(seen: Seen, name: str) -> int | None:
    """Rows of a column that an epoch sees, None for what does not grow."""
    if name in OFFSETS:
        return int(getattr(seen, OFFSETS[name])) + 1
    for counted, columns in COUNTED.items():
        if name in columns:
            return int(getattr(seen, counted))
    return None


def open_levels(path: Path, seen: Seen | None, maps: Maps) -> tuple[Level, ...]:
    """The levels of an epoch, in chain order."""
    return tuple(open_level(path / name, maps) for name in seen.levels) if seen else ()


def may_grow(path: Path, epoch: int, seen: Seen, num_new: int) -> bool:
    """Whether no load died while it wrote to this folder, and not too much was added to it yet."""
    most = max(LEAST_GROWTH, seen.base_txs // 8)
    if seen.txs + num_new - seen.base_txs > most:
        return False
    try:
        return int((path / WRITING).read_text()) <= epoch
    except FileNotFoundError:
        return True


@dataclass(frozen=True)
class Tail:
    """What stands: counts, columns by name, and where to find transactions and addresses.

    Both look-ups answer many at once, -1 for what is not there; a repeated id of a transaction is
    its latest.
    """

    seen: Seen
    columns: Mapping[str, NDArray[Any]]  # arrays of several types
    find_txids: Callable[[U8], I64]
    find_rows: Callable[[U8], I64]

    def take(self, name: str, new: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
        """Rows of a column, those behind what stands from what is new."""
        return _taken(self.columns[name], new, places)


def _taken(old: NDArray[Any], new: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
    at = places.astype(np.int64)
    found = np.empty(len(at), new.dtype)
    is_old = at < len(old)
    found[is_old] = old[at[is_old]]
    found[~is_old] = new[at[~is_old] - len(old)]
    return found


def grown_arrays(
    reader: BatchReader, chain: Chain, tail: Tail, num_stored: int, segment: int
) -> Arrays:
    """What a batch of blocks on top of all others adds to every column, and to `out_spent_in`.

    Args:
        reader: of the new batch alone; chain: its blocks, with their true heights.
        num_stored: blocks stored before; segment: number of the segment that goes on.

    Returns:
        The columns' new rows under their names (offsets without their first), and under `spent` and
        `spent_by` the old outputs that new inputs spend.

    Raises LedgerError as `arrays.build_arrays`. Cost: that of building arrays of the batch alone.
    """
    arrays: Arrays = {}
    seen = tail.seen
    tx = place_transactions(reader, chain, arrays)
    outs, ins = place_coins(reader, tx, arrays)
    own_value, own_row = stored_coins(reader, ins)
    arrays["block_segment"][:] = segment
    arrays["block_stored"] = arrays["block_stored"] + np.uint32(num_stored)
    for name, base in (
        ("block_tx", seen.txs), ("in_off", seen.inputs), ("out_off", seen.outputs),
    ):  # fmt: skip
        arrays[name] = arrays[name][1:] + np.uint64(base)
    for name in ("out_tx", "in_tx"):
        arrays[name] = arrays[name] + np.uint32(seen.txs)
    book = reader.fixed("address", "row", ROW)
    _number(book, reader.addresses("output")[outs], own_row, arrays, tail)
    _link(
        reader.fixed("input", "prev_txid", 32)[ins],
        reader.numbers("input", "prev_vout")[ins].astype(np.int64),
        arrays,
        tail,
    )
    _value(own_value, reader.numbers("input", "bare")[ins], arrays, tail)
    in_off = np.concatenate([[seen.inputs], arrays["in_off"]]).astype(np.int64) - seen.inputs
    out_off = np.concatenate([[seen.outputs], arrays["out_off"]]).astype(np.int64) - seen.outputs
    arrays["tx_fee"] = fees_of(arrays, in_off, out_off)
    return arrays


def _number(book: U8, out_row: U32, in_row: U32, arrays: Arrays, tail: Tail) -> None:
    """Known addresses keep their ids; new ones follow by first appearance, inputs first."""
    distinct, same = number_rows(book)
    number = tail.find_rows(distinct) if len(distinct) else np.zeros(0, np.int64)
    where, who = [], []
    for side, row in (("in", in_row), ("out", out_row)):
        known = np.flatnonzero(row != NO_ADDRESS)
        # Twice the transaction, so that its inputs lie before its outputs.
        first = arrays[f"{side}_tx"][known].astype(np.int64) * 2 + (side == "out")
        where.append(np.stack([first, known], axis=1))
        who.append(same[row[known]].astype(np.int64))
    places, whose = np.concatenate(where), np.concatenate(who)
    order = np.lexsort((places[:, 1], places[:, 0]))
    seen_first, at = np.unique(whose[order], return_index=True)
    new = seen_first[np.argsort(at)]
    new = new[number[new] < 0]
    number[new] = np.arange(len(new)) + tail.seen.addresses
    for side, row in (("out", out_row), ("in", in_row)):
        ids = np.full(len(row), NO_ADDRESS, np.uint32)
        known = row != NO_ADDRESS
        ids[known] = number[same[row[known]]]
        arrays[f"{side}_address"] = ids
    arrays["address_row"] = distinct[new]


def _link(prev: U8, vout: I64, arrays: Arrays, tail: Tail) -> None:
    """Which output each new input spends, of what stands or of what is new."""
    seen = tail.seen
    spent = tail.find_txids(prev)
    mine = {txid.tobytes(): n + seen.txs for n, txid in enumerate(arrays["txid"])}
    for at in range(len(prev)):
        # A new transaction before the spender is later than any of the same id that stands.
        new = mine.get(prev[at].tobytes(), -1)
        if 0 <= new < int(arrays["in_tx"][at]):
            spent[at] = new
    found = np.flatnonzero(spent >= 0)
    every = np.concatenate([[seen.outputs], arrays["out_off"]]).astype(np.uint64)
    off = tail.columns["out_off"][:-1]
    first = _taken(off, every, spent[found]).astype(np.int64)
    end = _taken(off, every, spent[found] + 1).astype(np.int64)
    out = first + vout[found]
    fits = out < end
    found, out = found[fits], out[fits]
    in_out = np.full(len(prev), UNKNOWN_OUTPUT, np.uint32)
    in_out[found] = out
    spender = (found + seen.inputs).astype(np.uint32)
    spent_in = np.full(len(arrays["out_value"]), UNSPENT, np.uint32)
    is_new = out >= seen.outputs
    spent_in[out[is_new] - seen.outputs] = spender[is_new]
    old, by = out[~is_new], spender[~is_new]
    stands = tail.columns["out_spent_in"][old]
    taken = np.flatnonzero(stands.astype(np.int64) < seen.inputs)
    _, first_of = np.unique(out, return_index=True)
    if len(first_of) != len(out) or len(taken):
        again = np.setdiff1d(np.arange(len(out)), first_of)
        place = int(again[0]) if len(again) else int(np.flatnonzero(~is_new)[taken[0]])
        refuse_second_spend(prev, vout, int(found[place]))
    arrays["in_out"], arrays["out_spent_in"] = in_out, spent_in
    arrays["spent"], arrays["spent_by"] = old, by


def _value(own_value: I64, bare: U8, arrays: Arrays, tail: Tail) -> None:
    """What inputs are worth and whose; see `arrays.build_arrays`."""
    linked = np.flatnonzero(arrays["in_out"] != UNKNOWN_OUTPUT)
    out = arrays["in_out"][linked]
    of_link = tail.take("out_value", arrays["out_value"], out)
    value, address = own_value.copy(), arrays["in_address"]
    arrays["in_stored"] = (own_value >= 0).astype(np.uint8)
    conflict = (own_value[linked] >= 0) & (own_value[linked] != of_link)
    if conflict.any():
        spender = int(arrays["in_tx"][linked[np.flatnonzero(conflict)[0]]]) - tail.seen.txs
        name = arrays["txid"][spender][::-1].tobytes().hex()
        raise LedgerError(f"the spent coins given for {name} differ from the ledger's own outputs")
    value[linked] = of_link
    own = address.copy()
    address[linked] = tail.take("out_address", arrays["out_address"], out)
    silent = (bare > 0) & (own_value < 0) & (arrays["in_out"] != UNKNOWN_OUTPUT)
    own[silent] = address[silent]
    arrays["in_own_address"], arrays["in_silent"] = own, silent.astype(np.uint8)
    arrays["in_value"] = value


def append(path: Path, epoch: int, before: Seen, arrays: Arrays) -> None:
    """Add rows behind what an epoch sees, then say what the next one sees. Durable when done.

    Cost: what is added, and the levels: neighbours of like size are made anew as one, so that a
    transaction is looked at some twenty times in all at most.
    """
    replace_text(path / WRITING, str(epoch))
    seen = Seen(
        blocks=before.blocks + len(arrays["block_hash"]),
        txs=before.txs + len(arrays["txid"]),
        outputs=before.outputs + len(arrays["out_value"]),
        inputs=before.inputs + len(arrays["in_out"]),
        addresses=before.addresses + len(arrays["address_row"]),
        base_txs=before.base_txs,
    )
    names = [*OFFSETS, *(column for columns in COUNTED.values() for column in columns)]
    for name in names:
        _put(path / f"{name}.npy", length_of(before, name), arrays[name])
    with (path / "out_spent_in.npy").open("rb") as spent:
        start = read_head(spent).size
    column = np.memmap(path / "out_spent_in.npy", np.uint32, "r+", start, (seen.outputs,))
    column[arrays["spent"]] = arrays["spent_by"]
    column.flush()
    del column
    sync_all([path / f"{name}.npy" for name in names])
    seen = replace(seen, levels=_with_level(path, epoch, before, seen))
    replace_text(path / f"{epoch:06d}.json", json.dumps(asdict(seen)))


def _with_level(path: Path, epoch: int, before: Seen, seen: Seen) -> tuple[str, ...]:
    """The new stretch as a level, together with those before it that are no larger."""
    maps = Maps()
    levels = list(before.levels)
    first_tx, first_address = before.txs, before.addresses
    while levels:
        first, end, address, _ = maps.open(path / levels[-1] / "bounds.npy").tolist()
        if end - first > 2 * (seen.txs - first_tx):
            break
        first_tx, first_address = first, address
        levels.pop()
    columns = {
        name: maps.open(path / f"{name}.npy", length_of(seen, name)) for name in LEVEL_COLUMNS
    }
    level = build_level(columns, first_tx, seen.txs, first_address, seen.addresses)
    name = f"{epoch:06d}-{len(levels)}.level"
    write_level(path / name, level)
    return (*levels, name)


def tidy(path: Path, epochs: Collection[int]) -> None:
    """Remove what only other epochs than these saw of a folder: their counts, levels, clusters."""
    kept: set[str] = set()
    for epoch in epochs:
        seen = seen_by(path, epoch)
        kept |= {f"{epoch:06d}.json", *(seen.levels if seen else ())}
    for each in path.glob("[0-9]*.json"):
        if each.name not in kept:
            each.unlink(missing_ok=True)
    for each in path.glob("[0-9]*.level"):
        if each.name not in kept:
            shutil.rmtree(each, ignore_errors=True)
    for each in path.glob("clusters-*"):
        if cluster_epoch(path, each.name) not in epochs:
            shutil.rmtree(each, ignore_errors=True)


def cluster_folder(path: Path, epoch: int, name: str) -> Path:
    """Where the clusters of an epoch lie, by a name of their walls."""
    return path / (
        f"clusters-{name}" if path.name == f"{epoch:06d}" else f"clusters-{epoch:06d}-{name}"
    )


def cluster_epoch(path: Path, name: str) -> int:
    """The epoch that a folder of clusters is of."""
    parts = name.split("-")
    return int(parts[1] if len(parts) == 3 else path.name)


def _put(path: Path, length: int | None, rows: NDArray[Any]) -> None:
    """Write rows behind the first `length` of a column, and nothing after them; not yet durable."""
    assert length is not None  # every column that grows is counted
    with path.open("r+b") as file:
        head = read_head(file)
        file.seek(head.size + length * head.row_size)
        file.write(np.ascontiguousarray(rows, head.kind).tobytes())
        file.truncate()


def find_many(keys_of: Sequence[tuple[U64, U32]], rows: U8, wanted: U8, keys: U64) -> I64:
    """The numbers of many rows by sorted keys, level by level, the newest first; -1 for none.

    Args:
        keys_of: (sorted keys, numbers) of each level, in chain order; rows: what the numbers name;
            wanted, keys: the rows asked for, and their keys.
    """
    found = np.full(len(wanted), -1, np.int64)
    for key, of_key in reversed(keys_of):
        low = np.searchsorted(key, keys, side="left")
        high = np.searchsorted(key, keys, side="right")
        while (open_ := np.flatnonzero((found < 0) & (low < high))).size:
            high[open_] -= 1  # of equal ones the latest
            numbers = of_key[high[open_]].astype(np.int64)
            same = (rows[numbers] == wanted[open_]).all(axis=1)
            found[open_[same]] = numbers[same]
    return found
