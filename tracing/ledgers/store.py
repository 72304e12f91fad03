"""Parsed blocks into a stored ledger: one batch, its arrays, and last the manifest.

Where the blocks come from (files, a node) is the caller's matter; all of them pass here, so a
refused one leaves nothing behind whatever its source.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tracing.engine.addresses import Network
from tracing.engine.blocks import block_work, parse_blocks
from tracing.engine.columns import BlockColumns, concat_columns, select_blocks
from tracing.engine.ledger import UNSPENT
from tracing.errors import LedgerError
from tracing.ledgers import names
from tracing.ledgers.arrays import Arrays, build_arrays, save_arrays
from tracing.ledgers.batches import BatchReader, CoinColumns, write_batch
from tracing.ledgers.chain import Chain, Header, Segment, choose_chain
from tracing.ledgers.growth import Seen, Tail, append, grown_arrays, holder, may_grow, tidy
from tracing.ledgers.manifest import (
    Manifest,
    OrphanedBlock,
    SegmentInfo,
    Snapshot,
    loading_lock,
    read_manifest,
    write_manifest,
)
from tracing.ledgers.stored import StoredLedger

KEPT_EPOCHS = 2
"""Epochs whose arrays stay on disk;

older ones are rebuilt from Parquet when a pin asks for them.
"""

Progress = Callable[[str, int, int], None]
"""Told (stage, done, total)."""


@dataclass(frozen=True)
class LoadReport:
    """What a load added, and the ledger after it. Inputs leave coinbases out.

    Attributes:
        known_blocks: blocks of the files the ledger had before; spent_coins: coins added.
        snapshot: the ledger now.
    """

    ledger: str
    blocks: int
    transactions: int
    inputs: int
    outputs: int
    known_blocks: int
    spent_coins: int
    snapshot: Snapshot


Coins = Callable[[BlockColumns | None, BatchReader | None], CoinColumns]
"""Spent coins for the new blocks and those stored before."""


def store_blocks(
    home: Path, ledger: str, parts: Sequence[BlockColumns], coins: Coins, told: Progress
) -> LoadReport:
    """Store what of the blocks is not there yet; all of it or, where one is refused, nothing.

    Args:
        ledger: a full ledger name; coins: asked once, under the loading lock.

    Raises:
        LedgerError: the blocks contradict the ledger. LedgerBusy: another load is running.
    """
    folder = names.folder(home, ledger)
    with loading_lock(folder, ledger):
        manifest = read_manifest(folder, ledger)
        _clear_leftovers(folder, manifest)
        paths = [folder / "batches" / b for b in manifest.batches] if manifest else []
        before = BatchReader(paths)
        on_top = blocks_on_top(parts, manifest)
        columns, num_known = on_top, 0
        if on_top is None:
            columns, num_known = _new_blocks(parts, before if paths else None)
            headers = _headers(before) if paths else []
            if columns is not None:
                columns = _in_chain_order(columns, headers, ledger)
        spent = coins(columns, before if paths else None)
        if columns is None and not len(spent.num):
            if manifest is None:
                raise LedgerError("no blocks given")
            return LoadReport(ledger, 0, 0, 0, 0, num_known, 0, manifest.current)
        told("store", 0, 1)
        stored = None
        if on_top is not None and manifest is not None:
            stored = _grow(folder, ledger, manifest, on_top, spent, told)
        if stored is None:
            stored = _store(folder, ledger, manifest, columns or _no_blocks(), spent, told)
    if columns is None:
        return LoadReport(ledger, 0, 0, 0, 0, num_known, len(spent.value), stored)
    return LoadReport(
        ledger,
        columns.num_blocks,
        len(columns.txid),
        len(columns.in_vout) - columns.num_blocks,
        len(columns.out_value),
        num_known,
        len(spent.value),
        stored,
    )


def _new_blocks(
    parts: Sequence[BlockColumns], before: BatchReader | None
) -> tuple[BlockColumns | None, int]:
    """Blocks not stored yet, each once, and the number of the others."""
    if not parts:
        return None, 0
    columns = concat_columns(parts)
    seen = set()
    if before is not None:
        seen = {h.tobytes() for h in before.fixed("block", "hash", 32)}
    chosen = []
    for k in range(columns.num_blocks):
        name = columns.block_hash[k].tobytes()
        if name not in seen:
            seen.add(name)
            chosen.append(k)
    if not chosen:
        return None, columns.num_blocks
    picked = select_blocks(columns, np.array(chosen, np.int64))
    return picked, columns.num_blocks - len(chosen)


def _no_blocks() -> BlockColumns:
    # One pair of columns widths for all: nothing is parsed from nothing.
    return parse_blocks(b"", (), Network.MAIN)


def _make_headers(
    hashes: np.ndarray, prevs: np.ndarray, times: np.ndarray, bits: np.ndarray, claims: np.ndarray
) -> list[Header]:
    work = {int(b): block_work(int(b)) for b in np.unique(bits)}
    return [
        Header(h.tobytes(), p.tobytes(), t, work[b], c)
        for h, p, t, b, c in zip(
            hashes, prevs, times.tolist(), bits.tolist(), claims.tolist(), strict=True
        )
    ]


def _headers(reader: BatchReader) -> list[Header]:
    return _make_headers(
        reader.fixed("block", "hash", 32),
        reader.fixed("block", "prev", 32),
        reader.numbers("block", "time"),
        reader.numbers("block", "bits"),
        reader.numbers("block", "bip34_height"),
    )


def chain_of(reader: BatchReader, ledger: str) -> Chain:
    return choose_chain(_headers(reader), names.first_block(ledger))


def _in_chain_order(columns: BlockColumns, before: list[Header], ledger: str) -> BlockColumns:
    """New blocks as they lie in the chain, stale ones last: batches then read in one sweep."""
    new = _make_headers(
        columns.block_hash,
        columns.block_prev,
        columns.block_time,
        columns.block_bits,
        columns.block_height,
    )
    chain = choose_chain([*before, *new], names.first_block(ledger))
    order = [i for segment in chain.segments for i in segment.blocks] + list(chain.stale)
    chosen = [i - len(before) for i in order if i >= len(before)]
    return select_blocks(columns, np.array(chosen, np.int64))


def _store(
    folder: Path,
    ledger: str,
    manifest: Manifest | None,
    columns: BlockColumns,
    coins: CoinColumns,
    told: Progress,
) -> Snapshot:
    """Write the batch, the arrays and last the manifest; refused blocks leave nothing behind."""
    old = manifest or Manifest(ledger, (), ())
    batch = f"{len(old.batches) + 1:06d}"
    epoch = old.current.epoch + 1 if manifest else 1
    path, arrays_path = folder / "batches" / batch, arrays_folder(folder, epoch)
    try:
        write_batch(path, columns, coins, names.NETWORK[ledger])
        told("link", 0, 1)
        reader = BatchReader([folder / "batches" / b for b in (*old.batches, batch)])
        chain = chain_of(reader, ledger)
        arrays = build_arrays(reader, chain)
        save_arrays(arrays_path, arrays)
        orphaned = _orphaned(reader, chain, manifest, ledger)
        snapshot = _snapshot(ledger, epoch, chain, reader, arrays, orphaned)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(arrays_path, ignore_errors=True)
        raise
    # From here on the manifest may name the batch: where writing it fails, the next load clears up.
    write_manifest(folder, old.with_load(batch, snapshot))
    told("link", 1, 1)
    _forget(folder, epoch)
    return snapshot


def _grow(
    folder: Path,
    ledger: str,
    manifest: Manifest,
    columns: BlockColumns,
    coins: CoinColumns,
    told: Progress,
) -> Snapshot | None:
    """Store blocks on top of all others behind the arrays that stand; None where that cannot be.

    A refused block leaves nothing behind. A failure later leaves rows that no epoch sees, and its
    number, so that the next load makes the arrays anew.
    """
    now = manifest.current
    new = {each.tobytes() for each in columns.block_hash}
    path = holder(folder / "arrays", now.epoch)
    if path is None or any(each.tobytes() not in new for each in coins.block_hash):
        return None
    try:
        old = StoredLedger(ledger, names.NETWORK[ledger], now, path)
    except FileNotFoundError:
        return None
    counts = Seen(
        len(old.block_height), old.num_tx, old.num_outputs, old.num_inputs, old.num_addresses,
        base_txs=old.num_tx,
    )  # fmt: skip
    seen = old.seen or counts
    num_most = max(seen.outputs + len(columns.out_value), seen.inputs + len(columns.in_vout))
    if not may_grow(path, now.epoch, seen, len(columns.txid)) or num_most >= UNSPENT:
        return None
    batch, epoch = f"{len(manifest.batches) + 1:06d}", now.epoch + 1
    batch_path = folder / "batches" / batch
    first = now.segments[-1].height + 1
    part = Segment(tuple(range(columns.num_blocks)), first, True, 0)
    try:
        write_batch(batch_path, columns, coins, names.NETWORK[ledger])
        told("link", 0, 1)
        tail = Tail(seen, old.columns(), old.find_txids, old.find_rows)
        num_stored = now.num_blocks + now.num_stale
        arrays = grown_arrays(
            BatchReader([batch_path]), Chain((part,), ()), tail, num_stored, len(now.segments) - 1
        )
        append(path, epoch, seen, arrays)
    except BaseException:
        shutil.rmtree(batch_path, ignore_errors=True)
        raise
    last = now.segments[-1]
    tip = SegmentInfo(
        tip_hash=columns.block_hash[-1][::-1].tobytes().hex(),
        tip_time=int(columns.block_time[-1]),
        first_height=last.first_height,
        height=last.height + columns.num_blocks,
        num_blocks=last.num_blocks + columns.num_blocks,
        known=True,
    )
    snapshot = Snapshot(
        epoch=epoch,
        chain=now.chain,
        num_batches=epoch,
        height=tip.height,
        tip_hash=tip.tip_hash,
        tip_time=tip.tip_time,
        num_blocks=now.num_blocks + columns.num_blocks,
        num_tx=now.num_tx + len(arrays["txid"]),
        num_inputs=now.num_inputs + len(arrays["in_out"]),
        num_outputs=now.num_outputs + len(arrays["out_value"]),
        num_addresses=now.num_addresses + len(arrays["address_row"]),
        num_stale=now.num_stale,
        segments=(*now.segments[:-1], tip),
    )
    write_manifest(folder, manifest.with_load(batch, snapshot))
    told("link", 1, 1)
    _forget(folder, epoch)
    return snapshot


def blocks_on_top(parts: Sequence[BlockColumns], manifest: Manifest | None) -> BlockColumns | None:
    """The blocks as one run that goes on where the chain ends, in the order given; None if not.

    A block on the tip of the last segment cannot be stored yet, as it would be on the chain, and
    whatever hangs on the tip has more work than all its branches. Where every height is certain,
    and the new blocks claim none but their own, nothing else of the chain can move.
    """
    if manifest is None or not parts or not manifest.snapshots:
        return None
    now, columns = manifest.current, concat_columns(parts)
    if not now.segments or not all(segment.known for segment in now.segments):
        return None
    last = now.segments[-1]
    if not columns.num_blocks or last.tip_hash != now.tip_hash:
        return None
    heights = last.height + 1 + np.arange(columns.num_blocks)
    claimed = columns.block_height
    follows = (columns.block_prev[1:] == columns.block_hash[:-1]).all()
    on_tip = columns.block_prev[0][::-1].tobytes().hex() == now.tip_hash
    honest = ((claimed == heights) | (claimed < 0)).all()
    return columns if follows and on_tip and honest else None


def _forget(folder: Path, epoch: int) -> None:
    """Remove arrays of older epochs than are kept."""
    kept = range(max(1, epoch - KEPT_EPOCHS + 1), epoch + 1)
    used: dict[Path, set[int]] = {}
    for each in kept:
        path = holder(folder / "arrays", each)
        if path is not None:
            used.setdefault(path, set()).add(each)
    for path in (folder / "arrays").iterdir():
        if path in used:
            tidy(path, used[path])
        elif path.name.isdigit() and int(path.name) <= epoch:
            shutil.rmtree(path, ignore_errors=True)


def _orphaned(
    reader: BatchReader, chain: Chain, manifest: Manifest | None, ledger: str
) -> tuple[OrphanedBlock, ...]:
    """Blocks that were on the chain before this load and are not any more.

    Cost: nothing unless an old block lies outside the chain now, then one more choice of a chain.
    """
    if manifest is None:
        return ()
    per_batch = reader.counts("block")
    num_before = sum(per_batch[:-1])
    out = {i for i in chain.stale if i < num_before}
    if not out:
        return ()
    hashes = reader.fixed("block", "hash", 32)
    stored_in = np.repeat(np.arange(len(per_batch)) + 1, per_batch)
    was = choose_chain(_headers(reader)[:num_before], names.first_block(ledger))
    return tuple(
        OrphanedBlock(
            hash=hashes[i][::-1].tobytes().hex(),
            height=segment.first_height + depth,
            since=int(stored_in[i]),  # each load adds one batch and one epoch
        )
        for segment in was.segments
        for depth, i in enumerate(segment.blocks)
        if i in out
    )


def _snapshot(
    ledger: str,
    epoch: int,
    chain: Chain,
    reader: BatchReader,
    arrays: Arrays,
    orphaned: tuple[OrphanedBlock, ...],
) -> Snapshot:
    hashes, times = reader.fixed("block", "hash", 32), reader.numbers("block", "time")
    segments = tuple(
        SegmentInfo(
            tip_hash=hashes[part.blocks[-1]][::-1].tobytes().hex(),
            tip_time=int(times[part.blocks[-1]]),
            first_height=part.first_height,
            height=part.height,
            num_blocks=len(part.blocks),
            known=part.known,
        )
        for part in chain.segments
    )
    tip = max(segments, key=lambda s: (s.height, s.known))
    return Snapshot(
        epoch=epoch,
        chain=names.CHAIN[ledger],
        num_batches=epoch,
        height=tip.height,
        tip_hash=tip.tip_hash,
        tip_time=tip.tip_time,
        num_blocks=len(arrays["block_hash"]),
        num_tx=len(arrays["txid"]),
        num_inputs=len(arrays["in_out"]),
        num_outputs=len(arrays["out_value"]),
        num_addresses=len(arrays["address_row"]),
        num_stale=len(chain.stale),
        segments=segments,
        orphaned=orphaned,
    )


def arrays_folder(folder: Path, epoch: int) -> Path:
    return folder / "arrays" / f"{epoch:06d}"


def _clear_leftovers(folder: Path, manifest: Manifest | None) -> None:
    """Remove what a load that died left behind; the lock is held."""
    for part in ("batches", "arrays"):
        (folder / part).mkdir(exist_ok=True)
    kept = set(manifest.batches) if manifest else set()
    kept |= {f"{s.epoch:06d}" for s in manifest.snapshots} if manifest else set()
    for path in [*(folder / "batches").iterdir(), *(folder / "arrays").iterdir()]:
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
