"""New rows of an account chain into its store: a batch, its arrays, and last the manifest.

Rows above all that is stored are added behind the arrays, at the cost of what they are. Anything
else (a reorganisation, older blocks, rows for blocks that are stored) makes the arrays anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from tracing.engine.accounts.build import (
    UNKNOWN_COUNT,
    Columns,
    Start,
    block_columns,
    build_arrays,
    choose_blocks,
    creations,
    transfer_columns,
    tx_columns,
)
from tracing.engine.accounts.index import U8, Index
from tracing.engine.accounts.ledger import Arrays
from tracing.engine.accounts.rows import (
    NO_PARENT,
    BlockRow,
    Kind,
    Parsed,
    TokenRow,
    TransferRow,
    TxRow,
)
from tracing.ledgers import names
from tracing.ledgers.accounts.arrays import (
    AssetLine,
    OpenArrays,
    append,
    epochs_in,
    holder,
    is_level_with,
    make,
    open_arrays,
)
from tracing.ledgers.accounts.batches import AccountBatches, write_batch
from tracing.ledgers.manifest import (
    Manifest,
    OrphanedBlock,
    SegmentInfo,
    Snapshot,
    loading_lock,
    write_manifest,
)


@dataclass(frozen=True)
class NewRows:
    """What a load adds; `known` counts transfers that were there before."""

    blocks: list[BlockRow]
    txs: list[TxRow]
    transfers: list[TransferRow]
    tokens: list[TokenRow]
    known: int = 0


def store_rows(
    folder: Path, ledger: str, old: Manifest, rows: NewRows, tail: OpenArrays | None
) -> Snapshot:
    """Write the batch, the arrays and last the manifest; a failure leaves nothing that counts.

    Args:
        tail: the arrays to append to, None to make them anew.
    """
    batch = f"{len(old.batches) + 1:06d}"
    epoch = old.current.epoch + 1 if old.snapshots else 1
    path = folder / "batches" / batch
    now = old.current if old.snapshots else None
    try:
        write_batch(path, rows.blocks, rows.txs, rows.transfers, rows.tokens)
        if tail is None or now is None:
            batches = AccountBatches([folder / "batches" / b for b in (*old.batches, batch)])
            arrays, num_stored = _make(folder, ledger, epoch, batches)
            snapshot = _snapshot(ledger, epoch, arrays, None, num_stored)
            gone = _orphaned(folder, old.batches, arrays["block_hash"])
            snapshot = replace(snapshot, orphaned=gone)
        else:
            arrays = _append(folder, ledger, epoch, tail, rows)
            snapshot = _snapshot(ledger, epoch, arrays, now, len(rows.blocks))
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    write_manifest(folder, old.with_load(batch, snapshot))
    used = {holder(folder / "arrays", each) for each in (epoch, epoch - 1)}
    for stale in epochs_in(folder / "arrays"):
        if stale not in used:
            shutil.rmtree(stale, ignore_errors=True)
    return snapshot


def _make(folder: Path, ledger: str, epoch: int, batches: AccountBatches) -> tuple[Arrays, int]:
    """Arrays of all batches, made anew; returns them and the number of blocks stored."""
    blocks, txs = fullest(batches.columns("block")), batches.columns("tx")
    transfers = batches.columns("transfer")
    arrays, level = build_arrays(blocks, txs, transfers)
    made = creations(arrays["made_height"], arrays["made"], batches.assets, names.CHAIN[ledger])
    lines = [
        _line(number, name, batches.tokens.get(name), made.get(name))
        for number, name in enumerate(batches.assets)
    ]
    highest = max(int(each["number"].max(initial=0)) for each in (blocks, txs, transfers))
    make(arrays_folder(folder, epoch), epoch, arrays, level, lines, highest)
    return arrays, len(blocks["number"])


def _orphaned(folder: Path, old: Sequence[str], chain: U8) -> tuple[OrphanedBlock, ...]:
    """Blocks that were on the chain of these batches and are not on the chain now, by height.

    Cost: reads the blocks that are stored.
    """
    if not old:
        return ()
    blocks = fullest(AccountBatches([folder / "batches" / b for b in old]).columns("block"))
    kept = {digest.tobytes() for digest in chain}
    gone = {
        blocks["hash"][place].tobytes(): int(blocks["number"][place])
        for place in choose_blocks(blocks)
        if blocks["hash"][place].tobytes() not in kept
    }
    found = []
    for epoch, batch in enumerate(old, 1):  # each load adds one batch and one epoch
        if not gone:
            break
        for digest in AccountBatches([folder / "batches" / batch]).columns("block")["hash"]:
            height = gone.pop(digest.tobytes(), None)
            if height is not None:
                found.append(OrphanedBlock(digest.tobytes().hex(), height, epoch))
    return tuple(sorted(found, key=lambda block: block.height))


def _append(folder: Path, ledger: str, epoch: int, tail: OpenArrays, rows: NewRows) -> Arrays:
    """Arrays of what a load adds above all that is stored, behind the stored ones."""
    transfers, added = transfer_columns(rows.transfers)
    told = {token.asset: token for token in rows.tokens}
    known = {line.name: line for line in tail.assets}
    numbers = {name: line.number for name, line in known.items()}
    for name in (*added, *told):
        numbers.setdefault(name, len(numbers))
    if added:
        transfers["asset"] = np.array([numbers[n] for n in added], np.uint32)[transfers["asset"]]
    columns, seen = tail.columns, tail.seen
    index = Index(tail.levels, columns["txid"], columns["address"], seen.rows)
    start = Start(seen.rows, seen.txs, seen.addresses, index.find_addresses)
    arrays, level = build_arrays(block_columns(rows.blocks), tx_columns(rows.txs), transfers, start)
    chain = names.CHAIN[ledger]
    new = [name for name in numbers if name not in known]
    made = creations(columns["made_height"], columns["made"], new, chain)
    for name, height in creations(arrays["made_height"], arrays["made"], numbers, chain).items():
        made.setdefault(name, height)  # the earlier one holds
    lines = []
    for name in dict.fromkeys((*new, *told, *made)):
        had = known.get(name)
        created = had.created if had and had.created is not None else made.get(name)
        line = _line(numbers[name], name, told.get(name), created, had)
        if line != had:
            lines.append(line)
    highest = max(_heights(rows.blocks, rows.txs, rows.transfers))
    path = holder(folder / "arrays", epoch - 1)
    assert path is not None  # the tail was read there
    append(path, epoch, tail, arrays, level, lines, highest)
    return arrays


def _line(
    number: int, name: str, token: TokenRow | None, created: int | None,
    had: AssetLine | None = None,
) -> AssetLine:  # fmt: skip
    symbol, decimals = (had.symbol, had.decimals) if had else (None, None)
    if token is not None:
        symbol, decimals = token.symbol, token.decimals
    return AssetLine(number, name, symbol, decimals, created)


def pinned_arrays(folder: Path, ledger: str, manifest: Manifest, snapshot: Snapshot) -> OpenArrays:
    """What an epoch sees; its arrays are made anew where they are gone."""
    try:
        return _open(folder, snapshot.epoch)
    except FileNotFoundError:
        with loading_lock(folder, ledger):
            try:
                return _open(folder, snapshot.epoch)  # another process was faster
            except FileNotFoundError:
                used = manifest.batches[: snapshot.num_batches]
                batches = AccountBatches([folder / "batches" / batch for batch in used])
                _make(folder, ledger, snapshot.epoch, batches)
        return _open(folder, snapshot.epoch)


def _open(folder: Path, epoch: int) -> OpenArrays:
    path = holder(folder / "arrays", epoch)
    if path is None:
        raise FileNotFoundError
    return open_arrays(path, epoch)


def stored_tail(folder: Path, manifest: Manifest, parsed: Parsed) -> OpenArrays | None:
    """The stored arrays if the rows can simply be added behind them, else None.

    They can where all of them lie above every stored row and the lowest block follows the last
    stored one, or does not say that it follows another.
    """
    now = manifest.current
    path = holder(folder / "arrays", now.epoch)
    if path is None or not parsed.blocks:
        return None
    lowest = min(parsed.blocks.values(), key=lambda block: block.number)
    follows = lowest.number > now.height + 1 or lowest.parent in (
        NO_PARENT, bytes.fromhex(now.tip_hash),
    )  # fmt: skip
    try:
        found = open_arrays(path, now.epoch)
        is_whole = is_level_with(path, found.seen)
    except FileNotFoundError:
        return None
    heights = _heights(parsed.blocks.values(), parsed.txs.values(), parsed.transfers.values())
    above = min(heights) > max(found.seen.highest, now.height)
    return found if follows and above and is_whole else None


def _heights(
    blocks: Iterable[BlockRow], txs: Iterable[TxRow], transfers: Iterable[TransferRow]
) -> Iterator[int]:
    """The block that each row names."""
    yield from (row.number for row in blocks)
    yield from (row.number for row in txs)
    yield from (row.number for row in transfers)


def fullest(blocks: Columns) -> Columns:
    """One row a block, the one that says how many transactions it has where there is one."""
    chosen: dict[bytes, int] = {}
    for position, digest in enumerate(blocks["hash"]):
        key = digest.tobytes()
        if key not in chosen or blocks["num_tx"][position] != UNKNOWN_COUNT:
            chosen[key] = position
    order = np.fromiter(chosen.values(), np.int64)
    return {key: column[order] for key, column in blocks.items()}


def _snapshot(
    ledger: str, epoch: int, arrays: Arrays, before: Snapshot | None, num_stored: int
) -> Snapshot:
    """The snapshot of an epoch: of these arrays, or of these behind the snapshot before.

    Args:
        num_stored: blocks stored of which the arrays were chosen.
    """
    heights = arrays["block_height"].astype(np.int64)
    ends = [*np.flatnonzero(np.diff(heights) != 1).tolist(), len(heights) - 1]
    segments = list(before.segments) if before else []
    first = 0
    for end in ends:
        part = SegmentInfo(
            tip_hash=arrays["block_hash"][end].tobytes().hex(),
            tip_time=int(arrays["block_time"][end]),
            first_height=int(heights[first]),
            height=int(heights[end]),
            num_blocks=end - first + 1,
            known=True,
        )
        if segments and part.first_height == segments[-1].height + 1:
            last = segments.pop()
            part = replace(
                part,
                first_height=last.first_height,
                num_blocks=last.num_blocks + part.num_blocks,
            )
        segments.append(part)
        first = end + 1
    tip = segments[-1]
    gas = int((arrays["row_kind"] == Kind.GAS).sum())
    had = before or _EMPTY
    return Snapshot(
        epoch=epoch,
        chain=names.CHAIN[ledger],
        num_batches=epoch,  # each load adds one batch and one epoch
        height=tip.height,
        tip_hash=tip.tip_hash,
        tip_time=tip.tip_time,
        num_blocks=had.num_blocks + len(heights),
        num_tx=had.num_tx + len(arrays["txid"]),
        num_inputs=had.num_inputs + gas,
        num_outputs=had.num_outputs + len(arrays["row_kind"]) - gas,
        num_addresses=had.num_addresses + len(arrays["address"]),
        num_stale=had.num_stale + num_stored - len(heights),
        segments=tuple(segments),
    )


_EMPTY: Final = Snapshot(0, "", 0, 0, "", 0, 0, 0, 0, 0, 0, 0, ())


def arrays_folder(folder: Path, epoch: int) -> Path:
    """Where arrays made anew at an epoch lie."""
    return folder / "arrays" / f"{epoch:06d}"
