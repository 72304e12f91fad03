"""Real replies of account chains against the counts that two independent decoders agree on."""

from __future__ import annotations

import gzip
import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.shared_data import ROOT, data_json, data_path
from tests.unit.engine.accounts.replies import block, file, log, receipt, tx
from tests.unit.engine.accounts.test_csvrows import HEAD, MAP, row
from tracing.engine.accounts.bloom import bloom_of
from tracing.engine.accounts.rows import Kind
from tracing.ledgers.accounts import load_evm, open_account_ledger

MAINNET = "eth/blocks_17173049_17173050"
EVM_FILES = ("expected_blocks.json", "expected_transactions.json.gz", "expected_logs.json.gz")
TRON_FILES = (
    "token_configuration.json", "token_transfers.json", "traces.json", "transactions.json.gz",
    "tx_fee.json.gz",
)  # fmt: skip


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Path:
    settings.FIU_HOME = tmp_path
    return tmp_path


def told(command: str, *args: object) -> dict[str, Any]:
    out = StringIO()
    call_command(command, *map(str, args), "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def recording(name: str) -> Path:
    path = data_path("..") / "nodes" / "recordings" / "anvil" / name
    if not path.exists():
        pytest.skip(f"recordings absent: {path} (TRACEHOLD_DATA names the data folder beside them)")
    return path


@pytest.mark.usefixtures("home")
def test_two_real_blocks_give_the_expected_transfers() -> None:
    files = [data_path(f"{MAINNET}/{name}") for name in EVM_FILES]
    expected = data_json("expected_erc20.json")
    report = told("load_evm", "ethereum", *files)
    assert report["reasons"]["log: an ERC-721 transfer (four topics): not money"] == 9
    assert report["rows"] == report["accepted"] + report["refused"]
    stats = told("ledger_stats", "ethereum")
    assert (stats["tx"], stats["failed_tx"]) == (expected["transactions"], 9)
    assert stats["token_transfers"] == expected["erc20_transfers"] == 282
    (usdt,) = [token for token in stats["tokens"] if token["symbol"] == "USDT"]
    assert (usdt["transfers"], usdt["amount"]) == (41, "1088121.577531")
    assert usdt["base_units"] == str(expected["usdt_units"])


def test_real_logs_give_the_filters_of_their_real_blocks() -> None:
    path = data_path(f"{MAINNET}/expected_blocks.json")
    blocks = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    lines = gzip.decompress(data_path(f"{MAINNET}/expected_logs.json.gz").read_bytes())
    logs = [json.loads(line) for line in lines.splitlines()]
    assert len(blocks) == 2
    for told in blocks:
        own = [each for each in logs if each["block_number"] == told["number"]]
        words = [bytes.fromhex(w[2:]) for each in own for w in (each["address"], *each["topics"])]
        assert bloom_of(words) == int(told["logs_bloom"], 16)
        assert bloom_of(words[: len(words) // 2]) != bloom_of(words)


def test_every_transfer_equals_the_peers_row(home: Path) -> None:
    load_evm(home, "ethereum", [data_path(f"{MAINNET}/{name}") for name in EVM_FILES])
    ledger = open_account_ledger(home, "ethereum")
    rows = data_path(f"{MAINNET}/expected_token_transfers.json").read_text().splitlines()
    peer = {
        (row["transaction_hash"], row["token_address"], row["from_address"], row["to_address"],
         int(row["value"]))
        for row in map(json.loads, rows)
    }  # fmt: skip
    ours = np.flatnonzero((ledger.row_kind == Kind.TOKEN) & (ledger.row_failed == 0)).tolist()
    mine = {
        (
            ledger.txid(int(ledger.row_tx[row])),
            ledger.assets[int(ledger.row_asset[row])].reference.removeprefix("erc20:"),
            ledger.address_text(int(ledger.row_sender[row])),
            ledger.address_text(int(ledger.row_recipient[row])),
            ledger.amount(row),
        )
        for row in ours
    }
    assert mine <= peer
    assert len(ours) == len(rows) - 9
    native = [r for r in range(ledger.num_rows) if ledger.row_kind[r] == Kind.NATIVE]
    assert sum(map(ledger.amount, native)) == data_json("expected_erc20.json")["value_wei"]


@pytest.mark.usefixtures("home")
def test_early_tron_blocks_load_row_by_row() -> None:
    report = told("load_tron", "tron", *[data_path(f"tron/0to10000/{n}") for n in TRON_FILES])
    assert (report["transactions"], report["refused"]) == (2172, 214)
    stats = told("ledger_stats", "tron")
    assert (stats["gas"], stats["token_transfers"]) == ("277312297920", 0)


@pytest.mark.usefixtures("home")
def test_loading_twice_changes_nothing() -> None:
    files = [recording(name) for name in ("blocks.json", "receipts.json", "transfer_logs.json")]
    first = told("load_evm", "ethereum", *files)
    again = told("load_evm", "ethereum", *files)
    assert first["ledger"] == "ethereum-dev"
    assert (first["transfers"], again["transfers"]) == (33, 0)
    assert (again["known"], again["epoch"], again["tip_hash"]) == (33, 1, first["tip_hash"])


def test_files_may_come_one_after_the_other(home: Path) -> None:
    sent = tx(1, 11, 12, 5)
    mined = block(1, sent)
    rows = home / "rows.json"
    rows.write_bytes(file(mined, receipt(sent))[1])
    load_evm(home, "ethereum", [rows])
    rows.write_bytes(file(*receipt(sent, log(0, 11, 12, 9))["logs"])[1])
    report = load_evm(home, "ethereum", [rows])
    assert (report.transfers, report.snapshot.epoch) == (1, 2)
    assert open_account_ledger(home, "ethereum").num_rows == 2
    assert open_account_ledger(home, "ethereum", epoch=1).num_rows == 1


def test_after_a_reorganisation_the_stale_rows_count_no_more(home: Path) -> None:
    rows = home / "rows.json"
    old = tx(1, 11, 12, 5)
    first = [block(1, salt=0), block(2, old)]
    rows.write_bytes(file(*first, receipt(old))[1])
    load_evm(home, "ethereum", [rows])
    new = tx(2, 11, 13, 7)
    second = block(2, new, salt=1)
    third = block(3, parent=2)
    third["parentHash"] = second["hash"]
    rows.write_bytes(file(second, third, receipt(new))[1])
    report = load_evm(home, "ethereum", [rows])
    ledger = open_account_ledger(home, "ethereum")
    assert (report.snapshot.num_stale, report.snapshot.height) == (1, 3)
    assert [ledger.amount(row) for row in range(ledger.num_rows)] == [7]
    assert ledger.find_address(old["to"]) is None


def test_a_damaged_file_leaves_no_ledger(home: Path) -> None:
    good, cut = home / "good.json", home / "cut.json"
    good.write_bytes(file(block(1))[1])
    cut.write_bytes(file(block(2))[1][:-9])
    with pytest.raises(CommandError, match=r"cut\.json: refused at byte"):
        call_command("load_evm", "ethereum", str(good), str(cut))
    assert not (home / "ledgers").exists()


def test_a_row_that_contradicts_the_stored_one_is_refused(home: Path) -> None:
    sent = tx(1, 11, 12, 5)
    rows = home / "rows.json"
    rows.write_bytes(file(block(1, sent), receipt(sent))[1])
    load_evm(home, "ethereum", [rows])
    other = tx(1, 11, 12, 6)
    rows.write_bytes(file(block(1, other), receipt(other))[1])
    with pytest.raises(CommandError, match="another amount"):
        call_command("load_evm", "ethereum", str(rows))


def test_rows_of_another_chain_are_refused(home: Path) -> None:
    rows = home / "rows.json"
    rows.write_bytes(file(block(1, tx(1, 11, 12, 5) | {"chainId": "0x38"}))[1])
    with pytest.raises(CommandError, match="of chain 56; ethereum is chain 1"):
        call_command("load_evm", "ethereum", str(rows))
    assert not list(ROOT.glob("ledgers"))


def test_csv_is_loaded_by_its_map_and_never_mixed_with_a_node(home: Path) -> None:
    columns = home / "map.toml"
    columns.write_text(MAP)
    rows = home / "rows.csv"
    rows.write_text("\n".join([HEAD, row(1), row(2, block="18"), row(3, block="x")]))
    report = told("load_csv", "ethereum", rows, "--map", columns)
    assert (report["transfers"], report["accepted"], report["refused"]) == (2, 2, 1)
    again = told("load_csv", "ethereum", rows, "--map", columns)
    assert (again["transfers"], again["known"]) == (0, 2)
    ledger = open_account_ledger(home, "ethereum")
    assert ([ledger.amount(n) for n in range(2)], ledger.height) == ([15 * 10**17] * 2, 18)
    replies = home / "replies.json"
    replies.write_bytes(file(block(19, tx(9, 1, 2, 5)))[1])
    load_evm(home, "ethereum", [replies])
    rows.write_text("\n".join([HEAD, row(4, block="19")]))
    refused = told("load_csv", "ethereum", rows, "--map", columns)
    assert list(refused["reasons"]) == ["row: block 19 is stored from another source"]
    with pytest.raises(CommandError, match="knows no coins"):
        call_command("load_csv", "bitcoin", str(rows), "--map", str(columns))
