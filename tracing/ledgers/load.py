"""Blocks from files into a stored ledger, and ledgers opened again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from tracing.engine.addresses import Network
from tracing.engine.blockfiles import Records, network_of, read_block_file
from tracing.engine.blocks import parse_blocks
from tracing.engine.columns import BlockColumns, offsets
from tracing.engine.spentcoins import read_spent_coins
from tracing.errors import BlockFileError, LedgerError, LedgerMissing
from tracing.ledgers import names
from tracing.ledgers.arrays import build_arrays, save_arrays
from tracing.ledgers.batches import BatchReader, CoinColumns, no_coins
from tracing.ledgers.coins import match_coins, new_spenders, stored_spenders
from tracing.ledgers.growth import holder
from tracing.ledgers.manifest import Manifest, OrphanedBlock, Snapshot, loading_lock, read_manifest
from tracing.ledgers.store import LoadReport, Progress, arrays_folder, chain_of, store_blocks
from tracing.ledgers.stored import StoredLedger

ALL: Final = slice(None)


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
    return store_blocks(
        home, ledger, parts, lambda new, before: _coins(coin_files, new, before), told
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
        arrays = holder(folder / "arrays", snapshot.epoch) or arrays_folder(folder, snapshot.epoch)
        try:
            return StoredLedger(full, names.NETWORK[full], snapshot, arrays)
        except FileNotFoundError:
            if last_try:
                raise
        newest = read_manifest(folder, full)
        if epoch is None and newest is not None and newest.current.epoch != snapshot.epoch:
            continue  # loads overtook this reader; what they left is there
        with loading_lock(folder, full):
            arrays = arrays_folder(folder, snapshot.epoch)
            if holder(folder / "arrays", snapshot.epoch) is None:
                batches = manifest.batches[: snapshot.num_batches]
                reader = BatchReader([folder / "batches" / batch for batch in batches])
                save_arrays(arrays, build_arrays(reader, chain_of(reader, full)))
    raise AssertionError("unreachable")


def ledger_manifest(home: Path, name: str) -> Manifest:
    """Batches and snapshots of a ledger. Raises LedgerMissing."""
    full = names.resolve(home, name)
    manifest = read_manifest(names.folder(home, full), full)
    if manifest is None:
        raise LedgerMissing(f"the ledger {full} is empty; load blocks into it with load_blocks")
    return manifest


def ledger_snapshot(home: Path, name: str) -> Snapshot:
    """The newest snapshot without opening the arrays. Raises LedgerMissing."""
    return ledger_manifest(home, name).current


def stored_block_hashes(home: Path, name: str) -> set[str]:
    """Hashes of all blocks stored, those off the chain too. Cost: reads one column."""
    reader = _reader(home, name)
    return {h[::-1].tobytes().hex() for h in reader.fixed("block", "hash", 32)}


def txids_of_blocks(home: Path, name: str, blocks: Iterable[OrphanedBlock]) -> set[str]:
    """Ids of the transactions of these blocks. Cost: two columns of the batches that hold them."""
    wanted: dict[int, set[bytes]] = {}
    for each in blocks:
        wanted.setdefault(each.since, set()).add(bytes.fromhex(each.hash)[::-1])
    found: set[str] = set()
    for epoch, hashes in wanted.items():  # an epoch has the number of its batch
        reader = _reader(home, name, slice(epoch - 1, epoch))
        ends = offsets(reader.numbers("block", "num_tx").astype(np.int64))
        ids = reader.fixed("tx", "txid", 32)
        for i, block in enumerate(reader.fixed("block", "hash", 32)):
            if block.tobytes() in hashes:
                found |= {txid[::-1].tobytes().hex() for txid in ids[ends[i] : ends[i + 1]]}
    return found


def _reader(home: Path, name: str, chosen: slice = ALL) -> BatchReader:
    full = names.resolve(home, name)
    batches = names.folder(home, full) / "batches"
    return BatchReader([batches / each for each in ledger_manifest(home, full).batches[chosen]])


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
