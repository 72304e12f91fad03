"""A live Ethereum node plays the story: freeze, failed transfer, and two blocks replaced."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live_nodes import FOLDER
from tests.shared_data import data_path
from tests.unit.engine.accounts.replies import block, receipt, tx
from tracing.errors import LedgerError
from tracing.ledgers.accounts import load_evm, open_account_ledger
from tracing.ledgers.accounts.node import NodeRefused, load_from_node, symbol_of
from tracing.ledgers.accounts.stats import account_stats

PORT = 28599


def ask(method: str, *params: object) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    node = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    try:
        node.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        answer = json.load(node.getresponse())
    finally:
        node.close()
    if "error" in answer:
        raise NodeRefused(str(answer["error"]))
    return answer["result"]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Path]:
    """A fresh node; the folder of its scripts. Skips, saying why, where there is none to start."""
    scripts = data_path("..") / "nodes"
    modules = os.environ.get("NODES_MODULES") or str(FOLDER / "node_modules")
    if not (Path(modules) / "@foundry-rs").is_dir():
        pytest.skip(
            f"no live Ethereum node: {modules} lacks @foundry-rs "
            "(npm ci --ignore-scripts in tests/nodes installs it)"
        )
    with (tmp_path / "anvil.log").open("w") as log:
        process = subprocess.Popen(
            ["/bin/sh", str(scripts / "start_anvil.sh"), modules],
            env={**os.environ, "ANVIL_PORT": str(PORT)},
            stdout=log,
            stderr=log,
        )
    try:
        for _ in range(100):
            try:
                ask("eth_chainId")
                break
            except OSError:
                time.sleep(0.1)
        yield scripts
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_the_story_is_read_live_and_read_anew_after_the_reorganisation(
    node: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, str(node / "scenario_anvil.py"), str(tmp_path / "out"),
         "--url", f"http://127.0.0.1:{PORT}"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    story = json.loads(done.stdout)
    assert story["two_blocks_replaced"]
    # What the node said before it replaced two blocks, and then what it says now.
    before = [tmp_path / "out" / f"{name}.json" for name in ("blocks", "receipts")]
    home = tmp_path / "home"
    from_files = load_recorded(home, before)
    old = open_account_ledger(home, "ethereum")
    was = account_stats(old)
    assert (was["token_transfers"], was["failed_tx"], was["failed_transfers"]) == (11, 1, 1)
    reports = load_from_node(home, "ethereum", ask)
    assert sum(report.blocks for report in reports) == 2
    ledger = open_account_ledger(home, "ethereum")
    stats = account_stats(ledger)
    assert ledger.height == old.height
    assert ledger.tip_hash != old.tip_hash == from_files
    assert reports[-1].snapshot.num_stale == 2
    assert stats["token_transfers"] == 11
    (token,) = stats["tokens"]
    assert token["symbol"] in ("TUSD", "")
    fresh = tmp_path / "fresh"
    load_from_node(fresh, "ethereum", ask)
    alone = account_stats(open_account_ledger(fresh, "ethereum"))
    assert (alone["tokens"][0]["symbol"], alone["tokens"][0]["decimals"]) == ("TUSD", 6)
    assert (alone["tip_hash"], alone["native_value"]) == (stats["tip_hash"], stats["native_value"])
    assert load_from_node(fresh, "ethereum", ask) == []


def load_recorded(home: Path, files: list[Path]) -> str:
    return load_evm(home, "ethereum", files).snapshot.tip_hash


class Replies:
    """Answers of a node by method, as a program gives them: no network."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"eth_chainId": "0x7a69", "eth_blockNumber": "0x0"} | answers

    def __call__(self, method: str, *params: object) -> Any:
        if method not in self.answers:
            raise NodeRefused(f"{method}: no such method")
        return self.answers[method]


def test_half_replies_and_wrong_heights_are_refused(tmp_path: Path) -> None:
    sent = tx(1, 11, 12, 5)
    mined = block(0, sent)
    with pytest.raises(LedgerError, match="a half reply"):
        load_from_node(
            tmp_path, "ethereum", Replies(eth_getBlockByNumber=mined, eth_getBlockReceipts=[])
        )
    with pytest.raises(LedgerError, match="answered with another one"):
        load_from_node(tmp_path, "ethereum", Replies(eth_getBlockByNumber=block(7)))
    stranger = receipt(sent) | {"transactionHash": "0x" + "9" * 64}
    with pytest.raises(LedgerError, match="do not fit together"):
        load_from_node(
            tmp_path, "ethereum",
            Replies(eth_getBlockByNumber=mined, eth_getBlockReceipts=[stranger]),
        )  # fmt: skip
    with pytest.raises(LedgerError, match="chain 5"):
        load_from_node(tmp_path, "ethereum", Replies(eth_chainId="0x5"))
    assert not list(tmp_path.iterdir())


def test_a_symbol_is_plain_text_or_nothing() -> None:
    told = f"0x{32:064x}{4:064x}" + b"TUSD".hex().ljust(64, "0")
    assert symbol_of(told) == "TUSD"
    assert symbol_of("0x" + b"MKR".hex().ljust(64, "0")) == "MKR"
    assert symbol_of(f"0x{32:064x}{6:064x}" + "e280ae555344".ljust(64, "0")) == ""
    assert symbol_of(None) == ""
