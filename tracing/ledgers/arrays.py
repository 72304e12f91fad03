"""Derived arrays: what kernels and screens read, rebuilt from Parquet at will.

Everything that depends on the order of the whole chain is computed here: transaction ids in chain
order, links from inputs to the outputs they spend, what inputs are worth, fees, address numbers by
first appearance, and the rows of each address. About 92 bytes a transaction and 64 an address.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracing.engine.columns import offsets, ranges
from tracing.engine.ledger import (
    NO_ADDRESS,
    UNKNOWN_OUTPUT,
    UNKNOWN_VALUE,
    UNSPENT,
    group_by_address,
)
from tracing.engine.scripts import ROW, row_keys
from tracing.errors import LedgerError
from tracing.ledgers.batches import BatchReader, number_rows, sync, sync_all
from tracing.ledgers.chain import Chain

U8: TypeAlias = NDArray[np.uint8]
U32: TypeAlias = NDArray[np.uint32]
U64: TypeAlias = NDArray[np.uint64]
I64: TypeAlias = NDArray[np.int64]
Arrays: TypeAlias = dict[str, NDArray[Any]]  # arrays of several types under their names

NO_SCRIPT = 0xFFFFFFFF


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays durably into a new folder, once: a draft beside it, synced, then renamed."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name, array in arrays.items():
        np.save(draft / f"{name}.npy", array)
    sync_all([draft / f"{name}.npy" for name in arrays])
    sync(draft)
    try:
        draft.rename(path)
    except OSError:
        # Another process was faster; what it wrote is the same.
        shutil.rmtree(draft, ignore_errors=True)
        if not path.exists():
            raise
    sync(path.parent)


def build_arrays(reader: BatchReader, chain: Chain) -> Arrays:
    """All arrays of the chain over the batches.

    Raises:
        LedgerError: an output is spent twice, or a transaction pays out more than it takes in.

    Cost: about 2 us an input or output, a handful of sorts; memory about 400 bytes each.
    """
    arrays: Arrays = {}
    tx = place_transactions(reader, chain, arrays)
    outs, ins = place_coins(reader, tx, arrays)
    own_value, own_row = stored_coins(reader, ins)
    book = reader.fixed("address", "row", ROW)
    _number_addresses(book, reader.addresses("output")[outs], own_row, arrays)
    _link(
        reader.fixed("input", "prev_txid", 32)[ins],
        reader.numbers("input", "prev_vout")[ins],
        arrays,
    )
    _value_inputs(own_value, reader.numbers("input", "bare")[ins], arrays)
    in_off, out_off = (arrays[f"{side}_off"].astype(np.int64) for side in ("in", "out"))
    arrays["tx_fee"] = fees_of(arrays, in_off, out_off)
    count = len(arrays["address_row"])
    for side in ("out", "in"):
        arrays[f"by_{side}"], arrays[f"by_{side}_off"] = group_by_address(
            arrays[f"{side}_address"], count
        )
    unspent = np.where(arrays["out_spent_in"] == UNSPENT, arrays["out_value"], 0)
    for name, side, values in (
        ("received", "out", arrays["out_value"]),
        ("unspent", "out", unspent),
        ("sent", "in", np.maximum(arrays["in_value"], 0)),
    ):
        off = arrays[f"by_{side}_off"].astype(np.int64)
        running = offsets(values[arrays[f"by_{side}"]])
        arrays[f"address_{name}"] = running[off[1:]] - running[off[:-1]]
    return arrays


def chain_order(chain: Chain) -> tuple[I64, I64, U32]:
    """Stored position, height and segment of each block of the chain, in chain order."""
    blocks, heights, segment = [], [], []
    for nth, part in enumerate(chain.segments):
        blocks.append(np.array(part.blocks, np.int64))
        heights.append(np.arange(len(part.blocks)) + part.first_height)
        segment.append(np.full(len(part.blocks), nth, np.uint32))
    stored, height = np.concatenate(blocks), np.concatenate(heights)
    number = np.concatenate(segment)
    order = np.lexsort((number, height))
    return stored[order], height[order], number[order]


def place_transactions(reader: BatchReader, chain: Chain, arrays: Arrays) -> I64:
    """Blocks and transactions in chain order; returns the stored position of each transaction."""
    stored, height, segment = chain_order(chain)
    per_block = reader.numbers("block", "num_tx").astype(np.int64)
    tx = ranges(offsets(per_block)[stored], per_block[stored])
    counts = per_block[stored]
    time = reader.numbers("block", "time")[stored]
    arrays["block_stored"] = stored.astype(np.uint32)
    arrays["block_hash"] = reader.fixed("block", "hash", 32)[stored]
    arrays["block_height"], arrays["block_time"] = height.astype(np.uint32), time
    arrays["block_segment"] = segment
    arrays["block_tx"] = offsets(counts).astype(np.uint64)
    arrays["txid"] = reader.fixed("tx", "txid", 32)[tx]
    arrays["tx_height"] = np.repeat(arrays["block_height"], counts)
    arrays["tx_time"] = np.repeat(time, counts)
    for name in ("coinbase", "segwit"):
        arrays[f"tx_{name}"] = reader.numbers("tx", name)[tx]
    keys = np.ascontiguousarray(arrays["txid"][:, :8]).view(np.uint64).reshape(-1)
    by_key = np.argsort(keys, kind="stable")
    arrays["tx_key"], arrays["tx_of_key"] = keys[by_key], by_key.astype(np.uint32)
    return tx


def place_coins(reader: BatchReader, tx: I64, arrays: Arrays) -> tuple[I64, I64]:
    """Outputs and inputs in chain order; returns the stored position of each."""
    picked = {}
    for side in ("out", "in"):
        stored = reader.numbers("tx", f"num_{side}").astype(np.int64)
        counts = stored[tx]
        picked[side] = ranges(offsets(stored)[tx], counts)
        arrays[f"{side}_off"] = offsets(counts).astype(np.uint64)
        arrays[f"{side}_tx"] = np.repeat(np.arange(len(tx), dtype=np.uint32), counts)
    if max(len(picked["out"]), len(picked["in"])) >= UNSPENT:
        raise LedgerError("more than 2^32 - 2 inputs or outputs; this ledger format holds no more")
    arrays["out_value"] = reader.numbers("output", "value")[picked["out"]]
    arrays["out_kind"] = reader.numbers("output", "script_type")[picked["out"]]
    at, scripts = reader.scripts_without_address()
    whole = np.full(len(reader.numbers("output", "value")), NO_SCRIPT, np.uint32)
    ends = offsets(reader.numbers("tx", "num_out").astype(np.int64))
    own = np.searchsorted(ends, at, side="right") - 1
    first: dict[tuple[int, bytes], int] = {}
    whole[at] = [
        first.setdefault((tx_of, script), place - int(ends[tx_of]))
        for tx_of, place, script in zip(own.tolist(), at.tolist(), scripts, strict=True)
    ]
    arrays["out_script"] = whole[picked["out"]]
    return picked["out"], picked["in"]


def stored_coins(reader: BatchReader, ins: I64) -> tuple[I64, U32]:
    """Value (-1 unknown) and address book position each input has by itself, in chain order."""
    value = np.full(len(reader.numbers("input", "prev_vout")), UNKNOWN_VALUE, np.int64)
    row = reader.addresses("input")
    num = reader.numbers("coin_block", "num").astype(np.int64)
    if len(num):
        place = {h.tobytes(): i for i, h in enumerate(reader.fixed("block", "hash", 32))}
        block_tx = offsets(reader.numbers("block", "num_tx").astype(np.int64))
        tx_in = offsets(reader.numbers("tx", "num_in").astype(np.int64))
        blocks = [place[h.tobytes()] for h in reader.fixed("coin_block", "hash", 32)]
        at = ranges(tx_in[block_tx[blocks] + 1], num)
        value[at] = reader.numbers("coin", "value")
        coin_row = reader.addresses("coin")
        row[at] = coin_row
    return value[ins], row[ins]


def _number_addresses(book: U8, out_row: U32, in_row: U32, arrays: Arrays) -> None:
    """Address ids by first appearance in the chain, inputs before outputs of a transaction."""
    distinct, same = number_rows(book)
    known_out, known_in = out_row != NO_ADDRESS, in_row != NO_ADDRESS
    outs, ins = np.flatnonzero(known_out), np.flatnonzero(known_in)
    when = np.concatenate(
        [
            outs + arrays["in_off"].astype(np.int64)[arrays["out_tx"][outs].astype(np.int64) + 1],
            ins + arrays["out_off"].astype(np.int64)[arrays["in_tx"][ins]],
        ]
    )
    who = same[np.concatenate([out_row[outs], in_row[ins]])] if len(book) else same[:0]
    latest_first = np.argsort(-when, kind="stable")
    first = np.full(len(distinct), -1, np.int64)
    first[who[latest_first]] = when[latest_first]
    seen = np.flatnonzero(first >= 0)  # addresses of stale blocks alone are left out
    order = seen[np.argsort(first[seen])]
    number = np.full(len(distinct), NO_ADDRESS, np.uint32)
    number[order] = np.arange(len(order), dtype=np.uint32)
    for side, row, known in (("out", out_row, known_out), ("in", in_row, known_in)):
        ids = np.full(len(row), NO_ADDRESS, np.uint32)
        if known.any():
            ids[known] = number[same[row[known]]]
        arrays[f"{side}_address"] = ids
    arrays["address_row"] = distinct[order]
    keys = row_keys(arrays["address_row"]) if len(order) else np.zeros(0, np.uint64)
    by_key = np.argsort(keys, kind="stable")
    arrays["address_key"] = keys[by_key]
    arrays["address_of_key"] = by_key.astype(np.uint32)


def _link(prev: U8, vout: U32, arrays: Arrays) -> None:
    """Which output each input spends, where the ledger has it."""
    keys = np.ascontiguousarray(prev[:, :8]).view(np.uint64).reshape(-1)
    tx_key, tx_of_key, txid = arrays["tx_key"], arrays["tx_of_key"], arrays["txid"]
    low = np.searchsorted(tx_key, keys, side="left")
    high = np.searchsorted(tx_key, keys, side="right")
    spent = np.full(len(keys), -1, np.int64)
    one = np.flatnonzero(high - low == 1)
    candidate = tx_of_key[low[one]].astype(np.int64)
    right = (txid[candidate] == prev[one]).all(1)
    spent[one[right]] = candidate[right]
    for i in np.flatnonzero(high - low > 1):
        # Ids that share 8 bytes, or the few repeated coinbase ids: the latest before the spender.
        for k in range(int(high[i]) - 1, int(low[i]) - 1, -1):
            t = int(tx_of_key[k])
            if t < arrays["in_tx"][i] and (txid[t] == prev[i]).all():
                spent[i] = t
                break
    out_off = arrays["out_off"].astype(np.int64)
    found = np.flatnonzero((spent >= 0) & (spent < arrays["in_tx"]))
    out = out_off[spent[found]] + vout[found]
    fits = out < out_off[spent[found] + 1]
    found, out = found[fits], out[fits]
    in_out = np.full(len(keys), UNKNOWN_OUTPUT, np.uint32)
    in_out[found] = out
    spent_in = np.full(len(arrays["out_value"]), UNSPENT, np.uint32)
    spent_in[out] = found
    if len(out) != int(np.count_nonzero(spent_in != UNSPENT)):
        refuse_second_spend(prev, vout, int(found[np.flatnonzero(spent_in[out] != found)[0]]))
    arrays["in_out"], arrays["out_spent_in"] = in_out, spent_in


def refuse_second_spend(prev: U8, vout: NDArray[Any], at: int) -> NoReturn:
    """Raises LedgerError with the name of the output that input `at` spends again."""
    name = prev[at][::-1].tobytes().hex()
    raise LedgerError(f"the output {name}:{int(vout[at])} is spent twice; these blocks conflict")


def _value_inputs(own_value: I64, bare: U8, arrays: Arrays) -> None:
    """What inputs are worth and whose: by link, else by stored coin, else by themselves.

    `in_own_address` keeps what the input says without the link. An input with neither script nor
    witness can say nothing; for it the link counts there too.
    """
    linked = np.flatnonzero(arrays["in_out"] != UNKNOWN_OUTPUT)
    out = arrays["in_out"][linked]
    value, address = own_value.copy(), arrays["in_address"]
    arrays["in_stored"] = (own_value >= 0).astype(np.uint8)
    conflict = (own_value[linked] >= 0) & (own_value[linked] != arrays["out_value"][out])
    if conflict.any():
        spender = int(arrays["in_tx"][linked[np.flatnonzero(conflict)[0]]])
        name = arrays["txid"][spender][::-1].tobytes().hex()
        raise LedgerError(f"the spent coins given for {name} differ from the ledger's own outputs")
    value[linked] = arrays["out_value"][out]
    own = address.copy()
    address[linked] = arrays["out_address"][out]
    silent = (bare > 0) & (own_value < 0) & (arrays["in_out"] != UNKNOWN_OUTPUT)
    own[silent] = address[silent]
    arrays["in_own_address"], arrays["in_silent"] = own, silent.astype(np.uint8)
    arrays["in_value"] = value


def fees_of(arrays: Arrays, in_off: I64, out_off: I64) -> I64:
    """Inputs less outputs; -1 where an input is unknown, 0 for a coinbase."""
    sums = {}
    for name, values in (
        ("in", arrays["in_value"]),
        ("out", arrays["out_value"]),
        ("unknown", (arrays["in_value"] < 0).astype(np.int64)),
    ):
        off = out_off if name == "out" else in_off
        running = offsets(values)
        sums[name] = running[off[1:]] - running[off[:-1]]
    fee = np.where(sums["unknown"] > 0, UNKNOWN_VALUE, sums["in"] - sums["out"])
    over = np.flatnonzero((fee < 0) & (sums["unknown"] == 0))
    if len(over):
        name = arrays["txid"][over[0]][::-1].tobytes().hex()
        raise LedgerError(f"the transaction {name} pays out more than it takes in")
    fee[arrays["tx_coinbase"] > 0] = 0
    return np.asarray(fee, np.int64)
