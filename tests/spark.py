"""`SPARK_HOME=... python -m tests.spark`: the jobs over a whole ledger on Apache Spark, each night.

Starts Spark's own Connect server on a free port of loopback, as docs/operate/scale.md says, runs
the test of whole-ledger jobs against it in place of Sail, and ends it. Needs Java 17 and the server
of requirements-spark.txt in an environment of its own: too much for each run of `make test`.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECONDS_TO_START = 120.0
MEMORY = "4g"
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
TEST = "tests/integration/compute/test_whole_ledger_jobs.py"


@contextmanager
def apache_spark(home: Path, folder: Path) -> Iterator[str]:
    """The address of a server that ends with the block. Raises SystemExit where it does not start.

    It keeps tables and its log in `folder`.
    """
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "8",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    with (folder / "spark.log").open("wb") as log:
        server = subprocess.Popen(
            [
                str(home / "bin" / "spark-submit"), "--class", SERVER, "--master", "local[*]",
                "--driver-memory", MEMORY,
                *(f"--conf={name}={value}" for name, value in settings.items()),
                "spark-internal",
            ],
            cwd=folder, env={**os.environ, "SPARK_HOME": str(home)}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _wait(server, port, folder / "spark.log")
        yield f"sc://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(60)


def _wait(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end_at = time.monotonic() + SECONDS_TO_START
    while server.poll() is None and time.monotonic() < end_at:
        with closing(socket.socket()) as line:
            if line.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise SystemExit(f"Apache Spark did not start:\n{log.read_text(errors='replace')[-2000:]}")


def main() -> int:
    """The exit status of pytest."""
    home = Path(os.environ.get("SPARK_HOME", ""))
    if not (home / "bin" / "spark-submit").exists():
        print(
            "SPARK_HOME names no folder with bin/spark-submit: install it as docs/operate/scale.md"
            " says under \"Apache Spark\".",
            file=sys.stderr,
        )  # fmt: skip
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="fiu-spark-") as folder,
        apache_spark(home, Path(folder)) as url,
    ):
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "0", TEST, "-k", "spark_connect", "-v"],
            cwd=ROOT,
            env={**os.environ, "FIU_TEST_SPARK_URL": url, "FIU_TEST_REQUIRE_ALL": "1"},
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
