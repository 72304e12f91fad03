"""The command ended by kill -9 while it follows: what was stored stays, the rest follows."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fake_nodes import PASSWORD, FakeNode, serving
from tests.integration.ledgers.test_store import figures, long_chain, write
from tests.shared_data import ROOT
from tracing.ledgers import load_blocks, names, open_ledger
from tracing.ledgers.manifest import read_manifest

pytestmark = pytest.mark.slow
LEDGER = "bitcoin-regtest"
LENGTH = 20


def command(home: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "FIU_HOME": str(home), "DJANGO_SETTINGS_MODULE": "fiu.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_sync_leaves_whole_batches_and_goes_on_from_them(tmp_path: Path) -> None:
    home, chain = tmp_path / "home", long_chain(LENGTH, seed=9)
    home.mkdir()
    migrate = command(home, "migrate", "--verbosity", "0")
    assert migrate.wait(timeout=120) == 0, migrate.communicate()
    with serving(FakeNode(chain.blocks)) as url:
        (home / "password").write_text(PASSWORD)
        (home / "nodes.toml").write_text(
            f'[slow]\nledger = "{LEDGER}"\nurl = "{url}"\nuser = "fiu"\n'
            'password_file = "password"\nfirst_height = 1\n'
            "batch_blocks = 3\nrequests_per_second = 20\n"
        )
        sync = command(home, "sync_chain", "slow")
        folder = names.folder(home, LEDGER)
        until = time.monotonic() + 60
        while time.monotonic() < until and sync.poll() is None:
            manifest = read_manifest(folder, LEDGER)
            if manifest is not None and len(manifest.snapshots) > 1:
                break
            time.sleep(0.01)
        sync.send_signal(signal.SIGKILL)
        assert sync.wait() == -signal.SIGKILL
        manifest = read_manifest(folder, LEDGER)
        assert manifest is not None
        kept = manifest.current.height
        assert 6 <= kept < LENGTH
        assert kept % 3 == 0  # whole batches
        assert open_ledger(home, LEDGER).tip_hash == chain.blocks[kept - 1].hash

        out, err = command(home, "sync_chain", "slow", "--json").communicate(timeout=120)
        report = json.loads(out)
        assert (report["blocks"], report["tip_height"]) == (LENGTH - kept, LENGTH)
        assert PASSWORD not in out + err
    whole = tmp_path / "whole"
    load_blocks(whole, LEDGER, [write(tmp_path / "all.dat", *chain.blocks)])
    assert figures(open_ledger(home, LEDGER)) == figures(open_ledger(whole, LEDGER))
