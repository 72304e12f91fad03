"""The published figures of five real block files, through the real import and command."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.shared_data import data_json, data_path

FILES = {
    "mainnet-1-256": ("mainnet-1-256.bz2", None),
    "mainnet-300025": ("mainnet-300025.raw", "mainnet-300025.undo.raw"),
    "mainnet-333961": ("mainnet-333961.raw", None),
    "mainnet-437303": ("mainnet-437303.raw", None),
    "mainnet-482683": ("mainnet-482683.raw", None),
}
HEIGHT = {"mainnet-1-256": 255} | {name: int(name[8:]) for name in list(FILES)[1:]}


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Path:
    settings.FIU_HOME = tmp_path
    return tmp_path


def asked(command: str, *arguments: object) -> dict[str, Any]:
    out = StringIO()
    call_command(command, "bitcoin", *map(str, arguments), "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def load(name: str) -> dict[str, Any]:
    blocks, coins = FILES[name]
    extra = ["--spent-coins", data_path(f"btc-blocks/{coins}")] if coins else []
    return asked("load_blocks", data_path(f"btc-blocks/{blocks}"), *extra)


def tree(home: Path) -> dict[str, bytes]:
    folder = home / "ledgers"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", FILES)
@pytest.mark.usefixtures("home")
def test_every_published_figure_of_a_file_comes_out(name: str) -> None:
    wanted = data_json("expected_blocks.json")[name]
    report = load(name)
    assert (report["blocks"], report["transactions"]) == (wanted["blocks"], wanted["tx"])
    assert (report["inputs"], report["outputs"]) == (wanted["inputs"], wanted["outputs"])
    assert (report["tip_height"], report["tip_hash"]) == (HEIGHT[name], wanted["block_hash"])
    tip = {"tip_height": HEIGHT[name], "tip_hash": wanted["block_hash"]}
    assert asked("ledger_stats") == wanted | tip


@pytest.mark.usefixtures("home")
def test_all_files_in_one_ledger_are_segments_with_the_same_figures() -> None:
    wanted = data_json("expected_blocks.json")
    for name in reversed(FILES):
        load(name)
    for name in FILES:
        tip = wanted[name]["block_hash"]
        figures = asked("ledger_stats", "--segment", tip)
        assert figures == wanted[name] | {"tip_height": HEIGHT[name], "tip_hash": tip}
    whole = asked("ledger_stats")
    assert whole["tx"] == sum(wanted[name]["tx"] for name in FILES)
    assert whole["tip_hash"] == wanted["mainnet-482683"]["block_hash"]
    with pytest.raises(CommandError, match="no segment"):
        asked("ledger_stats", "--segment", "00" * 32)


def test_loading_twice_changes_nothing(home: Path) -> None:
    load("mainnet-300025")
    before = tree(home)
    again = load("mainnet-300025")
    assert (again["blocks"], again["known_blocks"], again["spent_coins"]) == (0, 1, 0)
    assert tree(home) == before


@pytest.mark.usefixtures("home")
def test_spent_coins_may_come_after_their_block() -> None:
    asked("load_blocks", data_path("btc-blocks/mainnet-300025.raw"))
    assert "fees_sat" not in asked("ledger_stats")
    report = load("mainnet-300025")
    assert (report["blocks"], report["spent_coins"]) == (0, 1427)
    wanted = data_json("expected_blocks.json")["mainnet-300025"]
    tip = {"tip_height": 300025, "tip_hash": wanted["block_hash"]}
    assert asked("ledger_stats") == wanted | tip


def test_spent_coins_of_another_block_are_refused_whole(home: Path) -> None:
    with pytest.raises(CommandError, match=r"undo\.raw: refused at byte 0: .*fit no block"):
        asked(
            "load_blocks",
            data_path("btc-blocks/mainnet-437303.raw"),
            "--spent-coins",
            data_path("btc-blocks/mainnet-300025.undo.raw"),
        )
    assert not [name for name in tree(home) if not name.endswith(".lock")]


@pytest.mark.parametrize(
    ("damage", "byte"),
    [
        (lambda raw: raw[:-1], 99_979),
        (lambda raw: raw[:50_000], 50_000),
        (lambda raw: raw[:60_000] + bytes([raw[60_000] ^ 1]) + raw[60_001:], 0),
        (lambda raw: b"", 0),
    ],
)
def test_a_damaged_file_is_refused_and_nothing_of_it_is_kept(
    home: Path, tmp_path: Path, damage: Any, byte: int
) -> None:
    load("mainnet-482683")
    before = tree(home)
    raw = data_path("btc-blocks/mainnet-333961.raw").read_bytes()
    bad = tmp_path / "bad.raw"
    bad.write_bytes(damage(raw))
    with pytest.raises(CommandError, match=rf"bad\.raw: refused at byte {byte}: "):
        asked("load_blocks", data_path("btc-blocks/mainnet-437303.raw"), bad)
    assert tree(home) == before


@pytest.mark.usefixtures("home")
def test_a_missing_file_or_ledger_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        asked("load_blocks", tmp_path / "nothing.raw")
    with pytest.raises(CommandError, match="load blocks into it"):
        asked("ledger_stats")
    with pytest.raises(CommandError, match="no network is called"):
        asked("load_blocks", data_path("btc-blocks/mainnet-333961.raw"), "--network", "moon")


@pytest.mark.usefixtures("home")
def test_plain_bitcoin_is_the_only_ledger_present_else_main() -> None:
    peer = data_path("blocksci/blk00000.dat")
    with pytest.raises(CommandError, match="regtest network"):
        asked("load_blocks", peer, "--network", "main")
    assert asked("load_blocks", peer)["ledger"] == "bitcoin-regtest"
    assert asked("ledger_stats")["blocks"] == 202
    assert load("mainnet-482683")["ledger"] == "bitcoin"
    assert asked("ledger_stats")["blocks"] == 1


@pytest.mark.usefixtures("home")
def test_people_get_sentences() -> None:
    out = StringIO()
    call_command(
        "load_blocks", "bitcoin", str(data_path("btc-blocks/mainnet-482683.raw")), stdout=out
    )
    assert "1 blocks, 12 transactions, 51 inputs, 25 outputs added" in out.getvalue()
    out = StringIO()
    call_command("ledger_stats", "bitcoin", stdout=out)
    assert "segwit_tx" in out.getvalue()
