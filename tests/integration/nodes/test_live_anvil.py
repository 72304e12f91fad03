"""A live Ethereum node plays the story: freeze, failed transfer, and two blocks replaced."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.jobs.support import person
from tests.live_nodes import FOLDER, free_port
from tests.shared_data import data_path
from tracing import jobs, runner
from tracing.engine.spec import TraceParameters
from tracing.follow import follow
from tracing.ledgers.accounts import load_evm, open_account_ledger
from tracing.ledgers.accounts.stats import account_stats
from tracing.nodes import NodeSettings
from tracing.nodes.wire import Wire
from tracing.sync import sync_chain

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class LiveAnvil:
    """A running node and the folder of its stories."""

    port: int
    scripts: Path

    @property
    def settings(self) -> NodeSettings:
        url = f"http://127.0.0.1:{self.port}"
        return NodeSettings(name="anvil", ledger="ethereum-dev", url=url, dialect="evm")

    def play(self, out: Path) -> Any:
        command = [sys.executable, str(self.scripts / "scenario_anvil.py"), str(out)]
        done = subprocess.run(
            [*command, "--url", self.settings.url], check=True, capture_output=True, text=True
        )
        return json.loads(done.stdout)


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[LiveAnvil]:
    """A fresh node. Skips, saying why, where there is none to start."""
    scripts = data_path("..") / "nodes"
    modules = os.environ.get("NODES_MODULES") or str(FOLDER / "node_modules")
    if not (Path(modules) / "@foundry-rs").is_dir():
        pytest.skip(
            f"no live Ethereum node: {modules} lacks @foundry-rs "
            "(npm ci --ignore-scripts in tests/nodes installs it)"
        )
    port = free_port()
    with (tmp_path / "anvil.log").open("w") as log:
        process = subprocess.Popen(
            ["/bin/sh", str(scripts / "start_anvil.sh"), modules],
            env={**os.environ, "ANVIL_PORT": str(port)},
            stdout=log,
            stderr=log,
        )
    found = LiveAnvil(port, scripts)
    try:
        with Wire(found.settings) as wire:  # asks again until it has started
            wire.rpc_batch([("eth_chainId", [])], lambda answers: answers)
        yield found
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_the_story_is_followed_live_and_read_anew_after_the_reorganisation(
    anvil: LiveAnvil, tmp_path: Path, settings: Any
) -> None:
    story = anvil.play(tmp_path / "out")
    assert story["two_blocks_replaced"]
    # What the node said before it replaced two blocks, and then what it says now.
    settings.FIU_HOME = home = tmp_path / "home"
    load_evm(home, "ethereum", [tmp_path / "out" / f"{n}.json" for n in ("blocks", "receipts")])
    old = open_account_ledger(home, "ethereum")
    was = account_stats(old)
    assert (was["token_transfers"], was["failed_tx"], was["failed_transfers"]) == (11, 1, 1)
    truth = json.loads((tmp_path / "out" / "truth.json").read_text())
    who = {owner: address for address, owner in truth["addresses"].items()}
    seed = f"{who['operator_in']}@{truth['token']}"
    run = jobs.queue(
        uuid4(), person(uuid4().hex).pk, TraceParameters(ledger="ethereum-dev", seeds=(seed,))
    )
    assert runner.run(run.pk, follow) == "done"
    report = sync_chain(anvil.settings)
    assert (report.blocks, report.orphaned, report.stale_runs, report.is_level) == (2, 2, 1, True)
    ledger = open_account_ledger(home, "ethereum")
    assert ledger.height == old.height
    assert ledger.tip_hash != old.tip_hash
    assert account_stats(ledger)["token_transfers"] == 11
    assert sync_chain(anvil.settings).blocks == 0
    # The whole chain from its first block, read from the node alone.
    settings.FIU_HOME = fresh = tmp_path / "fresh"
    whole = sync_chain(anvil.settings)
    assert (whole.blocks, whole.is_level) == (ledger.height + 1, True)
    alone = account_stats(open_account_ledger(fresh, "ethereum"))
    (token,) = alone["tokens"]
    assert (token["symbol"], token["decimals"], token["transfers"]) == ("TUSD", 6, 11)
    # The failed transfer stood in one of the two blocks.
    for figure in ("tip_hash", "failed_tx", "native_value", "gas", "failed_transfers"):
        assert alone[figure] == account_stats(ledger)[figure]
