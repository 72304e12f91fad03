"""Recorded replies into a stored account ledger, and such ledgers opened again.

`load_rows` takes rows from wherever they come: node.py, which reads live nodes, ends in it as well.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tracing.engine.accounts.build import (
    UNKNOWN_COUNT,
    Columns,
)
from tracing.engine.accounts.csvrows import ColumnMap, parse_csv
from tracing.engine.accounts.evm import parse_evm
from tracing.engine.accounts.ledger import AccountLedger, asset_facts
from tracing.engine.accounts.rows import (
    BlockRow,
    Known,
    Nothing,
    Parsed,
    Refusal,
    Stored,
    TokenRow,
    TransferRow,
    TxRow,
)
from tracing.engine.accounts.tron import parse_tron
from tracing.engine.chains import TRON
from tracing.errors import LedgerError, LedgerMissing
from tracing.ledgers import names
from tracing.ledgers.accounts.arrays import AssetLine
from tracing.ledgers.accounts.batches import AccountBatches
from tracing.ledgers.accounts.store import NewRows, pinned_arrays, store_rows, stored_tail
from tracing.ledgers.manifest import (
    Manifest,
    OrphanedBlock,
    Snapshot,
    loading_lock,
    read_manifest,
)

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


def load_csv(home: Path, name: str, files: Sequence[Path], columns: ColumnMap) -> AccountLoadReport:
    """Load transfers out of CSV by a column map; all files or, where one is damaged, none.

    Raises BlockFileError: a file lacks a column or is no text. LedgerError: no account ledger.
    """
    if not names.is_account(name):
        raise LedgerError(
            f"{name!r} is no ledger of accounts; CSV knows no coins, so none is loaded into others"
        )
    ledger = name if name == "tron" else names.choose_evm(home, name, None)

    def parse(contents: list[tuple[str, bytes]], stored: Stored) -> Parsed:
        return parse_csv(contents, columns, names.CHAIN[ledger], stored)

    return load_files(home, ledger, files, parse)


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
        tail = stored_tail(folder, manifest, parsed) if manifest else None
        if manifest is not None and tail is None:
            rows = _new_rows(parsed, _batches(folder, manifest))
        else:
            rows = _all_rows(parsed, {line.name: line for line in tail.assets} if tail else {})
        if not (rows.blocks or rows.txs or rows.transfers or rows.tokens):
            if manifest is None:
                told = parsed.refused[0].reason if parsed.refused else "the files are empty"
                raise LedgerError(f"nothing to load into {ledger}: {told}")
            snapshot = manifest.current
        elif manifest is None and not rows.blocks:
            raise LedgerError(f"nothing to load into {ledger}: the files hold no block")
        else:
            snapshot = store_rows(folder, ledger, manifest or Manifest(ledger, (), ()), rows, tail)
    return AccountLoadReport(
        ledger=ledger,
        rows=parsed.num_rows,
        accepted=parsed.num_accepted,
        blocks=len(rows.blocks),
        transactions=len(rows.txs),
        transfers=len(rows.transfers),
        known=rows.known,
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
    found = pinned_arrays(folder, full, manifest, snapshot)
    tokens = {
        line.name: TokenRow(line.name, line.symbol or "", line.decimals)
        for line in found.assets
        if line.decimals is not None
    }
    created = {line.name: line.created for line in found.assets if line.created is not None}
    return AccountLedger(
        found.columns,
        found.levels,
        asset_facts(snapshot.chain, [line.name for line in found.assets], tokens, created),
        name=full,
        chain=snapshot.chain,
        height=snapshot.height,
        tip_hash=snapshot.tip_hash,
        epoch=snapshot.epoch,
    )


def txids_of_account_blocks(home: Path, name: str, blocks: Iterable[OrphanedBlock]) -> set[str]:
    """Ids of the transactions of these blocks, as the chain writes them.

    Cost: reads the transactions and transfers that are stored.
    """
    full = names.resolve(home, name)
    folder = names.folder(home, full)
    manifest = read_manifest(folder, full)
    wanted = {bytes.fromhex(block.hash) for block in blocks}
    if manifest is None or not wanted:
        return set()
    head = "" if names.CHAIN[full] == TRON[1] else "0x"
    stored = _batches(folder, manifest)
    found = set()
    for table in ("tx", "transfer"):
        rows = stored.columns(table)
        for block, txid in zip(rows["block"], rows["txid"], strict=True):
            if block.tobytes() in wanted:
                found.add(head + txid.tobytes().hex())
    return found


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


def _all_rows(parsed: Parsed, assets: Mapping[str, AssetLine]) -> NewRows:
    """Everything given, and of the tokens what the assets do not say yet."""
    tokens = [
        token for name, token in parsed.tokens.items()
        if (line := assets.get(name)) is None
        or (line.symbol, line.decimals) != (token.symbol, token.decimals)
    ]  # fmt: skip
    return NewRows(
        list(parsed.blocks.values()), list(parsed.txs.values()), _ordered(parsed), tokens
    )


def _new_rows(parsed: Parsed, before: AccountBatches) -> NewRows:
    """What of the rows is not stored. Cost: reads what is stored of blocks, and of their heights.

    Raises LedgerError for a row that contradicts a stored one.
    """
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
    tokens = [t for name, t in parsed.tokens.items() if before.tokens.get(name) != t]
    return NewRows(blocks, txs, transfers, tokens, known)


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


def _clear_leftovers(folder: Path, manifest: Manifest | None) -> None:
    """Remove what a load that died left behind; the lock is held."""
    for part in ("batches", "arrays"):
        (folder / part).mkdir(exist_ok=True)
    kept = set(manifest.batches) if manifest else set()
    kept |= {f"{s.epoch:06d}" for s in manifest.snapshots} if manifest else set()
    for path in [*(folder / "batches").iterdir(), *(folder / "arrays").iterdir()]:
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
