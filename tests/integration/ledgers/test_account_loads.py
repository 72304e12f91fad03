"""Loads into an account ledger cost what they add, and leave what a rebuild would make."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.unit.engine.accounts.worlds import ASSET, Move, outpoint, payload, rows_of, text
from tracing.engine.accounts.ledger import ARRAYS, AccountLedger
from tracing.engine.accounts.resolve import account_trace_spec
from tracing.engine.accounts.rows import BlockRow, Parsed, TokenRow, TransferRow, TxRow
from tracing.engine.accounts.trace import trace_accounts
from tracing.engine.spec import TraceParameters
from tracing.ledgers.accounts import open_account_ledger, txids_of_account_blocks
from tracing.ledgers.accounts.arrays import holder
from tracing.ledgers.accounts.load import load_rows
from tracing.ledgers.names import folder

NAME = "ethereum-dev"
MOVES: list[Move] = [
    (0, 1, 100), (1, 2, 60), (2, 3, 50), (1, 3, 40), (3, 4, 70), (4, 1, 30), (3, 5, 20), (5, 1, 9),
]  # fmt: skip


def parsed(
    moves: Sequence[Move], first: int, last: int, *, tokens: Sequence[TokenRow] = ()
) -> Parsed:
    blocks, txs, rows = (each[first:last] for each in rows_of(moves))
    return of_rows(blocks, txs, rows, tokens)


def of_rows(
    blocks: Sequence[BlockRow], txs: Sequence[TxRow], rows: Sequence[TransferRow],
    tokens: Sequence[TokenRow] = (),
) -> Parsed:  # fmt: skip
    return Parsed(
        31337,
        {block.hash: block for block in blocks},
        {tx.txid: tx for tx in txs},
        {row.key: row for row in rows},
        {token.asset: token for token in tokens},
    )


def arrays(home: Path) -> list[str]:
    return sorted(path.name for path in (folder(home, NAME) / "arrays").iterdir())


def told(ledger: AccountLedger) -> dict[str, object]:
    """All that a ledger says: its columns, and what it finds."""
    parameters = TraceParameters(ledger=NAME, seeds=(outpoint(0),), policy="fifo")
    found: dict[str, object] = {name: getattr(ledger, name).tolist() for name in ARRAYS}
    return found | {
        "assets": ledger.assets,
        "whole": ledger.is_whole(0),
        "addresses": [ledger.address_text(n) for n in range(ledger.num_addresses)],
        "rows": [ledger.rows_of_address(n).tolist() for n in range(ledger.num_addresses)],
        "txs": [ledger.find_tx(ledger.txid(n)) for n in range(ledger.num_tx)],
        "trace": trace_accounts(account_trace_spec(parameters, ledger), ledger).json,
    }


def same_as_rebuilt(home: Path) -> AccountLedger:
    """The newest snapshot, which says the same after its arrays were thrown away."""
    before = told(open_account_ledger(home, NAME))
    shutil.rmtree(folder(home, NAME) / "arrays")
    ledger = open_account_ledger(home, NAME)
    assert told(ledger) == before
    return ledger


def test_loads_one_behind_the_other_are_added_and_say_what_a_rebuild_says(tmp_path: Path) -> None:
    reports = [load_rows(tmp_path, NAME, parsed(MOVES, n, n + 1)) for n in range(4)]
    names = [TokenRow(ASSET, "TUSD", 6)]
    reports.append(load_rows(tmp_path, NAME, parsed(MOVES, 4, 6, tokens=names)))
    reports.append(load_rows(tmp_path, NAME, parsed(MOVES, 7, 8)))  # block 6 is missing
    assert arrays(tmp_path) == ["000001"]
    now = reports[-1].snapshot
    assert (now.num_blocks, now.num_tx, now.num_addresses, now.num_stale) == (7, 7, 5, 0)
    assert [(s.first_height, s.height) for s in now.segments] == [(0, 5), (7, 7)]
    pinned = open_account_ledger(tmp_path, NAME, epoch=2)
    assert (pinned.num_rows, pinned.num_addresses, pinned.assets[0].decimals) == (2, 2, None)
    assert pinned.find_address(text(3)) is None
    assert pinned.rows_of_address(0).tolist() == [0, 1]
    assert same_as_rebuilt(tmp_path).assets[0].decimals == 6


def test_what_does_not_lie_above_all_makes_the_arrays_anew(tmp_path: Path) -> None:
    load_rows(tmp_path, NAME, parsed(MOVES, 0, 4))
    load_rows(tmp_path, NAME, parsed(MOVES, 6, 8))
    report = load_rows(tmp_path, NAME, parsed(MOVES, 3, 6))  # block 3 is known
    assert (report.blocks, report.transfers, report.known) == (2, 2, 1)
    assert arrays(tmp_path) == ["000001", "000003"]
    assert len(report.snapshot.segments) == 1
    assert same_as_rebuilt(tmp_path).num_rows == 8


def test_a_branch_that_replaces_the_last_block_leaves_nothing_of_it(tmp_path: Path) -> None:
    load_rows(tmp_path, NAME, parsed(MOVES, 0, 4))
    blocks, txs, rows = rows_of([*MOVES[:3], (2, 5, 10), (5, 4, 10)])
    other = b"\x01" * 32
    blocks[3] = BlockRow(3, other, blocks[3].parent, 3, 1)
    blocks[4] = BlockRow(4, blocks[4].hash, other, 4, 1)
    txs[3] = TxRow(3, other, 0, b"\x02" * 32, failed=False)
    rows[3] = TransferRow(
        3, other, 0, 2, b"\x02" * 32, ASSET, payload(2), payload(5), 10, rows[3].kind
    )
    report = load_rows(tmp_path, NAME, of_rows(blocks[3:], txs[3:], rows[3:]))
    assert (report.snapshot.num_stale, report.snapshot.height) == (1, 4)
    (gone,) = report.snapshot.orphaned
    assert (gone.height, gone.since, bytes.fromhex(gone.hash)) == (3, 1, rows_of(MOVES)[0][3].hash)
    assert txids_of_account_blocks(tmp_path, NAME, [gone]) == {outpoint(3)[:-2]}
    ledger = same_as_rebuilt(tmp_path)
    assert [ledger.amount(row) for row in range(ledger.num_rows)] == [100, 60, 50, 10, 10]


def test_a_load_that_died_before_the_manifest_is_not_seen_and_not_built_on(tmp_path: Path) -> None:
    load_rows(tmp_path, NAME, parsed(MOVES, 0, 3))
    manifest = folder(tmp_path, NAME) / "manifest.json"
    was = manifest.read_bytes()
    load_rows(tmp_path, NAME, parsed(MOVES, 3, 5))
    manifest.write_bytes(was)
    ledger = open_account_ledger(tmp_path, NAME)
    assert (ledger.num_rows, ledger.rows_of_address(0).tolist()) == (3, [0, 1])
    assert ledger.find_address(text(4)) is None
    report = load_rows(tmp_path, NAME, parsed(MOVES, 3, 8))
    assert (report.transfers, report.snapshot.epoch) == (5, 2)
    assert same_as_rebuilt(tmp_path).num_rows == 8


def test_rows_that_wait_for_their_block_come_in_with_it(tmp_path: Path) -> None:
    load_rows(tmp_path, NAME, parsed(MOVES, 0, 3))
    blocks, txs, rows = rows_of(MOVES)
    load_rows(tmp_path, NAME, of_rows((), txs[3:5], rows[3:5]))
    assert open_account_ledger(tmp_path, NAME).num_rows == 3
    load_rows(tmp_path, NAME, of_rows(blocks[3:5], (), ()))
    assert same_as_rebuilt(tmp_path).num_rows == 5


def test_a_load_behind_reads_and_writes_no_stored_row(tmp_path: Path) -> None:
    load_rows(tmp_path, NAME, parsed(MOVES, 0, 7))
    place = folder(tmp_path, NAME)
    (place / "batches" / "000001" / "transfer.parquet").write_bytes(b"no longer to be read")
    path = holder(place / "arrays", 1)
    assert path is not None
    before = np.fromfile(path / "row_amount.bin", np.uint8)
    level = json.loads((path / "levels.json").read_text())[0]["file"]
    load_rows(tmp_path, NAME, parsed(MOVES, 7, 8))
    after = np.fromfile(path / "row_amount.bin", np.uint8)
    assert np.array_equal(after[: len(before)], before)
    assert len(after) == len(before) + 32
    assert json.loads((path / "levels.json").read_text())[0]["file"] == level


@pytest.mark.parametrize("gone", ["levels.json", "row_tx.bin", "000001.json"])
def test_arrays_that_lack_a_file_are_made_anew(tmp_path: Path, gone: str) -> None:
    load_rows(tmp_path, NAME, parsed(MOVES, 0, 4))
    path = holder(folder(tmp_path, NAME) / "arrays", 1)
    assert path is not None
    (path / gone).unlink()
    assert open_account_ledger(tmp_path, NAME).num_rows == 4
