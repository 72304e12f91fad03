"""A live Bitcoin node for tests: bcoin from npm, on regtest, in memory, on loopback.

Its packages are installed by `.ci/run` or by hand, `npm ci --ignore-scripts` in tests/nodes/;
NODES_MODULES names another folder with them. Where node or packages are absent the test is skipped
and says so.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parent / "nodes"
KEY = "ci-key-of-this-test"
STARTS = 5  # ports found free may be taken before the node binds them


@dataclass(frozen=True)
class LiveBcoin:
    """A running node; its wallet listens two ports above."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def play(self, script: str, *arguments: str) -> Any:
        """Run one of the stories; returns the summary it prints."""
        command = [sys.executable, str(FOLDER / script), *arguments]
        where = ["--port", str(self.port), "--key", KEY]
        done = subprocess.run(
            [*command, *where], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@contextmanager
def live_bcoin() -> Iterator[LiveBcoin]:
    """A fresh node until the end of the block; skips the test where there is none to start."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no live Bitcoin node: the program `node` is not installed")
    modules = Path(os.environ.get("NODES_MODULES") or FOLDER / "node_modules")
    if not (modules / "bcoin").is_dir():
        pytest.skip(
            f"no live Bitcoin node: {modules} lacks bcoin "
            "(npm ci --ignore-scripts in tests/nodes installs it)"
        )
    for _ in range(STARTS):
        port = free_port()
        process = subprocess.Popen(
            [node, str(FOLDER / "bcoin_regtest.js"), str(modules)],
            env={**os.environ, "BCOIN_PORT": str(port), "BCOIN_KEY": KEY},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:  # ends when the node does
                said.append(line.strip())
                if said[-1] == f"ready {port}":
                    yield LiveBcoin(port)
                    return
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    raise AssertionError(f"bcoin did not start: {said[-3:]}")


def free_port() -> int:
    """A port that is free and whose second next is, too."""
    while True:
        with closing(socket.socket()) as first, closing(socket.socket()) as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 2))
            except OSError:
                continue
            return port
