"""Recorded replies into a stored account ledger, and such ledgers opened again.

`load_rows` takes rows from wherever they come: node.py, which reads live nodes, ends in it as well.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from tracing.engine.accounts.build import (
    UNKNOWN_COUNT,
    Columns,
    build_arrays,
    creations,
)
from tracing.engine.accounts.evm import parse_evm
from tracing.engine.accounts.ledger import (
    ARRAYS,
    AccountLedger,
    Arrays,
    AssetFacts,
    asset_facts,
)
from tracing.engine.accounts.rows import (
    BlockRow,
    Kind,
    Known,
    Nothing,
    Parsed,
    Refusal,
    TransferRow,
    TxRow,
)
from tracing.engine.accounts.tron import parse_tron
from tracing.errors import LedgerError, LedgerMissing
from tracing.ledgers import names
from tracing.ledgers.accounts.batches import AccountBatches, write_batch
from tracing.ledgers.arrays import save_arrays
from tracing.ledgers.manifest import (
    Manifest,
    SegmentInfo,
    Snapshot,
    loading_lock,
    read_manifest,
    write_manifest,
)

KEPT_EPOCHS: Final = 2
Parse = Callable[..., Parsed]


@dataclass(frozen=True)
class AccountLoadReport:
    """What a load added, and the ledger after it. `known` rows were there before.

    `refused` names every row that was not taken, with its reason.
    """

    ledger: str
    rows: int
    accepted: int
    blocks: int
    transactions: int
    transfers: int
    known: int
    refused: tuple[Refusal, ...]
    snapshot: Snapshot

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were refused for which reason, the most frequent first."""
        return dict(Counter(f"{each.what}: {each.reason}" for each in self.refused).most_common())


def load_evm(home: Path, name: str, files: Sequence[Path]) -> AccountLoadReport:
    """Load recorded JSON-RPC replies; all files or, where one is damaged, none.

    Raises BlockFileError: a file is no JSON or cut off. LedgerError: rows of another chain.
    """
    return load_files(home, name, files, parse_evm)


def load_tron(home: Path, name: str, files: Sequence[Path]) -> AccountLoadReport:
    """Load recorded replies of TRON's HTTP API; all files or, where one is damaged, none."""
    if name != "tron":
        raise LedgerError(f"no such ledger is called {name!r}; known is tron")
    return load_files(home, name, files, parse_tron)


def load_files(home: Path, name: str, files: Sequence[Path], parse: Parse) -> AccountLoadReport:
    """Read, parse and store files. Cost: about 10,000 rows a second."""
    contents = []
    for path in files:
        try:
            contents.append((str(path), path.read_bytes()))
        except OSError as error:
            raise LedgerError(f"{path}: cannot be read: {error.strerror}") from error

    def ledger_of(parsed: Parsed) -> str:
        return names.choose_evm(home, name, parsed.chain_id) if parse is parse_evm else name

    parsed = parse(contents, lambda rows: stored_rows(home, ledger_of(rows)))
    return load_rows(home, ledger_of(parsed), parsed)


class _StoredRows:
    """Blocks and transactions of a stored ledger, each read when first asked for."""

    def __init__(self, before: AccountBatches) -> None:
        self._before = before

    @cached_property
    def blocks(self) -> Mapping[bytes, BlockRow]:
        """Blocks by hash."""
        return _stored_blocks(self._before)

    @cached_property
    def txs(self) -> Mapping[bytes, TxRow]:
        """Transactions by id."""
        return _tx_rows(self._before.columns("tx"))


def stored_rows(home: Path, ledger: str) -> Known:
    """What a ledger holds, for rows that belong to it; nothing where it is empty."""
    folder = names.folder(home, ledger)
    manifest = read_manifest(folder, ledger)
    return Nothing() if manifest is None else _StoredRows(_batches(folder, manifest))


def load_rows(home: Path, ledger: str, parsed: Parsed) -> AccountLoadReport:
    """Store what is new of some rows, as one batch and one epoch; nothing new changes nothing.

    Raises LedgerError where a row contradicts one that is stored. LedgerBusy: another load runs.
    """
    folder = names.folder(home, ledger)
    if not parsed.blocks and not parsed.txs and not parsed.transfers and not folder.exists():
        told = parsed.refused[0].reason if parsed.refused else "the files are empty"
        raise LedgerError(f"nothing to load into {ledger}: {told}")
    with loading_lock(folder, ledger):
        manifest = read_manifest(folder, ledger)
        _clear_leftovers(folder, manifest)
        before = _batches(folder, manifest) if manifest else None
        blocks, txs, transfers, known = _new_rows(parsed, before)
        tokens = [
            token for name, token in parsed.tokens.items()
            if before is None or before.tokens.get(name) != token
        ]  # fmt: skip
        if not (blocks or txs or transfers or tokens):
            if manifest is None:
                told = parsed.refused[0].reason if parsed.refused else "the files are empty"
                raise LedgerError(f"nothing to load into {ledger}: {told}")
            snapshot = manifest.current
        elif manifest is None and not blocks:
            raise LedgerError(f"nothing to load into {ledger}: the files hold no block")
        else:
            old = manifest or Manifest(ledger, (), ())
            snapshot = _store(folder, ledger, old, (blocks, txs, transfers, tokens))
    return AccountLoadReport(
        ledger=ledger,
        rows=parsed.num_rows,
        accepted=parsed.num_accepted,
        blocks=len(blocks),
        transactions=len(txs),
        transfers=len(transfers),
        known=known,
        refused=tuple(parsed.refused),
        snapshot=snapshot,
    )


def open_account_ledger(
    home: Path, name: str, epoch: int | None = None, tip_hash: str | None = None
) -> AccountLedger:
    """Open a ledger at its newest snapshot or at a pinned epoch (rebuilt if its arrays are gone).

    Raises LedgerMissing; SnapshotGone if the epoch is unknown or does not end in `tip_hash`.
    """
    full = names.resolve(home, name)
    folder = names.folder(home, full)
    manifest = read_manifest(folder, full)
    if manifest is None:
        raise LedgerMissing(f"the ledger {full} is empty; load into it with {names.loader(full)}")
    snapshot = manifest.snapshot(epoch, tip_hash)
    path = _arrays_folder(folder, snapshot.epoch)
    try:
        arrays = _mapped(path)
    except FileNotFoundError:
        with loading_lock(folder, full):
            if not path.exists():
                used = manifest.batches[: snapshot.num_batches]
                batches = AccountBatches([folder / "batches" / batch for batch in used])
                save_arrays(path, _arrays(batches, full))
        arrays = _mapped(path)
    facts = [AssetFacts(**row) for row in json.loads(arrays["facts"].tobytes())]
    return AccountLedger(
        arrays,
        facts,
        name=full,
        chain=snapshot.chain,
        height=snapshot.height,
        tip_hash=snapshot.tip_hash,
        epoch=snapshot.epoch,
    )


def report_json(report: AccountLoadReport) -> dict[str, Any]:
    """The report as JSON: counts, reasons, and every refused row."""
    now = report.snapshot
    return {
        "ledger": report.ledger,
        "rows": report.rows,
        "accepted": report.accepted,
        "refused": len(report.refused),
        "blocks": report.blocks,
        "transactions": report.transactions,
        "transfers": report.transfers,
        "known": report.known,
        "reasons": report.reasons,
        "refused_rows": [asdict(each) for each in report.refused],
        "tip_height": now.height,
        "tip_hash": now.tip_hash,
        "epoch": now.epoch,
        "total": {
            "blocks": now.num_blocks,
            "transactions": now.num_tx,
            "transfers": now.num_outputs,
            "addresses": now.num_addresses,
            "stale_blocks": now.num_stale,
        },
        "segments": [asdict(segment) for segment in now.segments],
    }


def _batches(folder: Path, manifest: Manifest) -> AccountBatches:
    return AccountBatches([folder / "batches" / batch for batch in manifest.batches])


def _stored_blocks(before: AccountBatches) -> dict[bytes, BlockRow]:
    rows = before.columns("block")
    found = {}
    for number, digest, parent, time, count in zip(
        rows["number"].tolist(), rows["hash"], rows["parent"], rows["time"].tolist(),
        rows["num_tx"].tolist(), strict=True,
    ):  # fmt: skip
        key = digest.tobytes()
        num_tx = None if count == UNKNOWN_COUNT else int(count)
        found[key] = BlockRow(number, key, parent.tobytes(), time, num_tx)
    return found


def _within(rows: Columns, numbers: Sequence[int]) -> Columns:
    """Rows of blocks no lower and no higher than those given: what a load can repeat."""
    if not numbers:
        return {key: column[:0] for key, column in rows.items()}
    mask = (rows["number"] >= min(numbers)) & (rows["number"] <= max(numbers))
    return {key: column[mask] for key, column in rows.items()}


def _tx_rows(rows: Columns) -> dict[bytes, TxRow]:
    found = {}
    for number, block, index, txid, failed, made in zip(
        rows["number"].tolist(), rows["block"], rows["tx_index"].tolist(), rows["txid"],
        rows["failed"].tolist(), rows["created"], strict=True,
    ):  # fmt: skip
        key = txid.tobytes()
        created = made.tobytes() if made.any() else None
        found[key] = TxRow(number, block.tobytes(), index, key, bool(failed), created)
    return found


_Rows = tuple[list[BlockRow], list[TxRow], list[TransferRow], int]


def _new_rows(parsed: Parsed, before: AccountBatches | None) -> _Rows:
    if before is None:
        return list(parsed.blocks.values()), list(parsed.txs.values()), _ordered(parsed), 0
    stored = _stored_blocks(before)
    blocks = []
    for block in parsed.blocks.values():
        had = stored.get(block.hash)
        if had is not None and had.number != block.number:
            raise LedgerError(f"block {block.number} is stored as block {had.number}")
        # A later file may say how many transactions a block has: the fuller row is kept beside.
        if had is None or (had.num_tx is None and block.num_tx is not None):
            blocks.append(block)
    numbers = [tx.number for tx in parsed.txs.values()]
    near = _within(before.columns("tx"), numbers)
    known_txs = {
        (block.tobytes(), txid.tobytes())
        for block, txid in zip(near["block"], near["txid"], strict=True)
    }
    txs = [tx for tx in parsed.txs.values() if (tx.block, tx.txid) not in known_txs]
    kept = _stored_amounts(before, [row.number for row in parsed.transfers.values()])
    transfers = []
    for transfer in _ordered(parsed):
        amount = kept.get(transfer.key)
        if amount is None:
            transfers.append(transfer)
        elif amount != transfer.amount:
            raise LedgerError(
                f"transfer {transfer.place} of transaction {transfer.txid.hex()} has another amount"
                " than the one stored"
            )
    known = len(parsed.transfers) - len(transfers)
    return blocks, txs, transfers, known


def _ordered(parsed: Parsed) -> list[TransferRow]:
    return sorted(parsed.transfers.values(), key=lambda row: (row.number, row.tx_index, row.place))


def _stored_amounts(
    before: AccountBatches, numbers: Sequence[int]
) -> dict[tuple[bytes, int, int], int]:
    rows = _within(before.columns("transfer"), numbers)
    keys = zip(
        rows["block"], rows["tx_index"].tolist(), rows["place"].tolist(), rows["amount"],
        strict=True,
    )  # fmt: skip
    return {
        (block.tobytes(), index, place): int.from_bytes(amount.tobytes(), "big")
        for block, index, place, amount in keys
    }


def _store(folder: Path, ledger: str, old: Manifest, rows: tuple[Any, ...]) -> Snapshot:
    """Write the batch, the arrays and last the manifest; a failure leaves nothing behind."""
    batch = f"{len(old.batches) + 1:06d}"
    epoch = old.current.epoch + 1 if old.snapshots else 1
    path, arrays_path = folder / "batches" / batch, _arrays_folder(folder, epoch)
    try:
        write_batch(path, *rows)
        batches = AccountBatches([folder / "batches" / b for b in (*old.batches, batch)])
        arrays = _arrays(batches, ledger)
        save_arrays(arrays_path, arrays)
        snapshot = _snapshot(ledger, epoch, len(old.batches) + 1, batches, arrays)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(arrays_path, ignore_errors=True)
        raise
    write_manifest(folder, old.with_load(batch, snapshot))
    for stale in range(1, epoch - KEPT_EPOCHS + 1):
        shutil.rmtree(_arrays_folder(folder, stale), ignore_errors=True)
    return snapshot


def _arrays(batches: AccountBatches, ledger: str) -> Arrays:
    """What readers map; the facts of the assets lie among them as JSON, so one rename has all."""
    arrays = build_arrays(
        _fullest(batches.columns("block")), batches.columns("tx"), batches.columns("transfer")
    )
    facts = json.dumps([asdict(each) for each in _facts(batches, ledger)]).encode()
    return {**arrays, "facts": np.frombuffer(facts, np.uint8)}


def _fullest(blocks: Columns) -> Columns:
    """One row a block, the one that says how many transactions it has where there is one."""
    chosen: dict[bytes, int] = {}
    for position, digest in enumerate(blocks["hash"]):
        key = digest.tobytes()
        if key not in chosen or blocks["num_tx"][position] != UNKNOWN_COUNT:
            chosen[key] = position
    order = np.fromiter(chosen.values(), np.int64)
    return {key: column[order] for key, column in blocks.items()}


def _facts(batches: AccountBatches, ledger: str) -> list[AssetFacts]:
    chain = names.CHAIN[ledger]
    rows = batches.columns("tx")
    makers = rows["created"].any(axis=1)
    made = creations(
        _tx_rows({key: column[makers] for key, column in rows.items()}).values(),
        batches.assets, chain,
    )  # fmt: skip
    return asset_facts(chain, batches.assets, batches.tokens, made)


def _snapshot(
    ledger: str, epoch: int, num_batches: int, batches: AccountBatches, arrays: Arrays
) -> Snapshot:
    heights = arrays["block_height"].astype(np.int64)
    ends = [*np.flatnonzero(np.diff(heights) != 1).tolist(), len(heights) - 1]
    segments, first = [], 0
    for end in ends:
        segments.append(
            SegmentInfo(
                tip_hash=arrays["block_hash"][end].tobytes().hex(),
                tip_time=int(arrays["block_time"][end]),
                first_height=int(heights[first]),
                height=int(heights[end]),
                num_blocks=end - first + 1,
                known=True,
            )
        )
        first = end + 1
    tip = segments[-1]
    num_stored = len(_fullest(batches.columns("block"))["number"])
    return Snapshot(
        epoch=epoch,
        chain=names.CHAIN[ledger],
        num_batches=num_batches,
        height=tip.height,
        tip_hash=tip.tip_hash,
        tip_time=tip.tip_time,
        num_blocks=len(heights),
        num_tx=len(arrays["txid"]),
        num_inputs=int((arrays["row_kind"] == Kind.GAS).sum()),
        num_outputs=int((arrays["row_kind"] != Kind.GAS).sum()),
        num_addresses=len(arrays["address"]),
        num_stale=num_stored - len(heights),
        segments=tuple(segments),
    )


def _mapped(path: Path) -> Mapping[str, Any]:  # arrays of several types
    wanted = (*ARRAYS, "txid", "tx_of_key", "address", "by_row", "by_off", "facts")
    return {name: np.load(path / f"{name}.npy", mmap_mode="r").view(np.ndarray) for name in wanted}


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
