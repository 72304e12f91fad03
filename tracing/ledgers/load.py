"""Blocks from files into a stored ledger, and ledgers opened again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tracing.engine.addresses import Network
from tracing.engine.blockfiles import Records, network_of, read_block_file
from tracing.engine.blocks import block_work, parse_blocks
from tracing.engine.columns import BlockColumns, concat_columns, select_blocks
from tracing.engine.spentcoins import read_spent_coins
from tracing.errors import BlockFileError, LedgerError, LedgerMissing
from tracing.ledgers import names
from tracing.ledgers.arrays import Arrays, build_arrays, save_arrays
from tracing.ledgers.batches import BatchReader, CoinColumns, no_coins, write_batch
from tracing.ledgers.chain import Chain, Header, choose_chain
from tracing.ledgers.coins import match_coins, new_spenders, stored_spenders
from tracing.ledgers.manifest import (
    Manifest,
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


def load_blocks(
    home: Path,
    name: str,
    files: Sequence[Path],
    network: str | None = None,
    spent_coins: Sequence[Path] | Path | None = None,
    progress: Progress | None = None,
) -> LoadReport:
    """Load block files; all of them or, where one is refused, none.

    Args:
        home: FIU_HOME; name: ledger name (see `names.choose_for_load`); network: main, test or
            regtest.
        files: `.raw`, `.blk`, `.bz2` or a node's `blk*.dat`, told apart by content.
        spent_coins: bcoin undo files or a node's `rev*.dat` of the same or of stored blocks.

    Raises:
        BlockFileError: a file is cut off, corrupt or of another network, with the byte.
        LedgerError: the blocks contradict the ledger. LedgerBusy: another load is running.

    Cost: 5 to 10 MB/s of small transactions, durable when it returns.
    """
    told = progress or (lambda _stage, _done, _total: None)
    records = []
    for number, path in enumerate(files):
        told("read", number, len(files))
        records.append(_read(path))
    seen = {found for found in (network_of(r) for r in records) if found is not None}
    ledger = names.choose_for_load(home, name, network, next(iter(seen), None))
    parts = []
    for number, (path, record) in enumerate(zip(files, records, strict=True)):
        told("parse", number, len(files))
        parts.append(_parse(path, record, names.NETWORK[ledger]))
    coin_files = [spent_coins] if isinstance(spent_coins, Path) else list(spent_coins or ())
    folder = names.folder(home, ledger)
    with loading_lock(folder, ledger):
        manifest = read_manifest(folder, ledger)
        _clear_leftovers(folder, manifest)
        paths = [folder / "batches" / b for b in manifest.batches] if manifest else []
        before = BatchReader(paths)
        columns, num_known = _new_blocks(parts, before if paths else None)
        headers = _headers(before) if paths else []
        if columns is not None:
            columns = _in_chain_order(columns, headers, ledger)
        coins = _coins(coin_files, columns, before if paths else None)
        if columns is None and not len(coins.num):
            if manifest is None:
                raise LedgerError("no blocks given")
            return LoadReport(ledger, 0, 0, 0, 0, num_known, 0, manifest.current)
        told("store", 0, 1)
        stored = _store(folder, ledger, manifest, columns or _no_blocks(), coins, told)
    if columns is None:
        return LoadReport(ledger, 0, 0, 0, 0, num_known, len(coins.value), stored)
    return LoadReport(
        ledger,
        columns.num_blocks,
        len(columns.txid),
        len(columns.in_vout) - columns.num_blocks,
        len(columns.out_value),
        num_known,
        len(coins.value),
        stored,
    )


def open_ledger(
    home: Path, name: str, epoch: int | None = None, tip_hash: str | None = None
) -> StoredLedger:
    """Open a ledger at its newest snapshot, or at a pinned epoch (rebuilt if its arrays are gone).

    Raises LedgerMissing; SnapshotGone if the epoch is unknown or does not end in `tip_hash`.
    """
    full = names.resolve(home, name)
    if full not in names.NETWORK:
        raise LedgerError(f"the ledger {full} holds accounts, not coins")
    folder = names.folder(home, full)
    for last_try in (False, False, True):
        manifest = read_manifest(folder, full)
        if manifest is None:
            raise LedgerMissing(f"the ledger {full} is empty; load blocks into it with load_blocks")
        snapshot = manifest.snapshot(epoch, tip_hash)
        arrays = _arrays_folder(folder, snapshot.epoch)
        try:
            return StoredLedger(full, names.NETWORK[full], snapshot, arrays)
        except FileNotFoundError:
            if last_try:
                raise
        newest = read_manifest(folder, full)
        if epoch is None and newest is not None and newest.current.epoch != snapshot.epoch:
            continue  # loads overtook this reader; what they left is there
        with loading_lock(folder, full):
            if not arrays.exists():
                batches = manifest.batches[: snapshot.num_batches]
                reader = BatchReader([folder / "batches" / batch for batch in batches])
                save_arrays(arrays, build_arrays(reader, _chain(reader, full)))
    raise AssertionError("unreachable")


def ledger_snapshot(home: Path, name: str) -> Snapshot:
    """The newest snapshot without opening the arrays. Raises LedgerMissing."""
    full = names.resolve(home, name)
    manifest = read_manifest(names.folder(home, full), full)
    if manifest is None:
        raise LedgerMissing(f"the ledger {full} is empty; load blocks into it with load_blocks")
    return manifest.current


def _xor_key(path: Path) -> bytes:
    """The key of a node's own files, which lies beside them; empty for other files."""
    if path.suffix != ".dat" or path.name[:3] not in ("blk", "rev"):
        return b""
    key = path.with_name("xor.dat")
    if not key.exists():
        return b""
    found = key.read_bytes()
    if len(found) != 8:
        raise BlockFileError(f"the key has {len(found)} bytes, not 8", 0, str(key))
    return found


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}") from error


def _read(path: Path) -> Records:
    try:
        return read_block_file(_read_bytes(path), _xor_key(path))
    except BlockFileError as error:
        raise error.named(str(path)) from None


def _parse(path: Path, records: Records, network: Network) -> BlockColumns:
    try:
        if records.network not in (None, network):
            raise BlockFileError(f"these are blocks of the {records.network} network", 0)
        return parse_blocks(records.data, records.spans, network)
    except BlockFileError as error:
        raise error.named(str(path)) from None


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


def _chain(reader: BatchReader, ledger: str) -> Chain:
    return choose_chain(_headers(reader), bytes.fromhex(names.GENESIS[ledger])[::-1])


def _in_chain_order(columns: BlockColumns, before: list[Header], ledger: str) -> BlockColumns:
    """New blocks as they lie in the chain, stale ones last: batches then read in one sweep."""
    new = _make_headers(
        columns.block_hash,
        columns.block_prev,
        columns.block_time,
        columns.block_bits,
        columns.block_height,
    )
    chain = choose_chain([*before, *new], bytes.fromhex(names.GENESIS[ledger])[::-1])
    order = [i for segment in chain.segments for i in segment.blocks] + list(chain.stale)
    chosen = [i - len(before) for i in order if i >= len(before)]
    return select_blocks(columns, np.array(chosen, np.int64))


def _coins(
    files: Sequence[Path], columns: BlockColumns | None, before: BatchReader | None
) -> CoinColumns:
    if not files:
        return no_coins()
    pools = [new_spenders(columns)] if columns is not None else []
    have: set[bytes] = set()
    if before is not None:
        pools.append(stored_spenders(before))
        have = {h.tobytes() for h in before.fixed("coin_block", "hash", 32)}
    parts = []
    for path in files:
        try:
            found = read_spent_coins(_read_bytes(path), _xor_key(path))
        except BlockFileError as error:
            raise error.named(str(path)) from None
        parts.append(match_coins(found, pools, have, str(path)))
        have |= {h.tobytes() for h in parts[-1].block_hash}
    if len(parts) == 1:
        return parts[0]
    return CoinColumns(
        np.concatenate([p.block_hash for p in parts]),
        np.concatenate([p.num for p in parts]),
        np.concatenate([p.value for p in parts]),
        np.concatenate([p.kind for p in parts]),
        np.concatenate([p.row for p in parts]),
    )


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
    path, arrays_path = folder / "batches" / batch, _arrays_folder(folder, epoch)
    try:
        write_batch(path, columns, coins, names.NETWORK[ledger])
        told("link", 0, 1)
        reader = BatchReader([folder / "batches" / b for b in (*old.batches, batch)])
        chain = _chain(reader, ledger)
        arrays = build_arrays(reader, chain)
        save_arrays(arrays_path, arrays)
        snapshot = _snapshot(ledger, epoch, len(old.batches) + 1, chain, reader, arrays)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(arrays_path, ignore_errors=True)
        raise
    # From here on the manifest may name the batch: where writing it fails, the next load clears up.
    write_manifest(folder, old.with_load(batch, snapshot))
    told("link", 1, 1)
    for stale in range(1, epoch - KEPT_EPOCHS + 1):
        shutil.rmtree(_arrays_folder(folder, stale), ignore_errors=True)
    return snapshot


def _snapshot(
    ledger: str, epoch: int, num_batches: int, chain: Chain, reader: BatchReader, arrays: Arrays
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
        num_batches=num_batches,
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
    )


def _arrays_folder(folder: Path, epoch: int) -> Path:
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
