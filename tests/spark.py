"""`SPARK_HOME=... python -m tests.spark`: the jobs over a whole ledger on Apache Spark, each night.

Starts Spark's own Connect server on a free port of loopback, as docs/operate/scale.md says, runs
the test of whole-ledger jobs against it in place of Sail, and ends it. Needs Java 17 and the server
of requirements-spark.txt in an environment of its own: too much for each run of `make test`.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers import NoServer, started

ROOT = Path(__file__).resolve().parents[1]
SECONDS_TO_START = 120.0
MEMORY = "4g"
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
TEST = "tests/integration/compute/test_whole_ledger_jobs.py"


@contextmanager
def apache_spark(home: Path, folder: Path) -> Iterator[str]:
    """The address of a server that ends with the block and keeps its tables in `folder`.

    Raises NoServer.
    """

    def command(port: int) -> list[str]:
        settings = {
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "8",
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": port,
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
        }
        return [
            str(home / "bin" / "spark-submit"), "--class", SERVER, "--master", "local[*]",
            "--driver-memory", MEMORY,
            *(f"--conf={name}={value}" for name, value in settings.items()), "spark-internal",
        ]  # fmt: skip

    with started(
        command, lambda port: f"sc://127.0.0.1:{port}", _answers, folder,
        end=signal.SIGTERM, seconds=SECONDS_TO_START, whom={},  # it reads what the tests write
    ) as address:  # fmt: skip
        yield address


def _answers(url: str) -> bool:
    with closing(socket.socket()) as line:
        return line.connect_ex(("127.0.0.1", urlsplit(url).port or 0)) == 0


def main() -> int:
    """The exit status of pytest."""
    home = Path(os.environ.get("SPARK_HOME", ""))
    if not (home / "bin" / "spark-submit").exists():
        print(
            "SPARK_HOME names no folder with bin/spark-submit: install it as docs/operate/scale.md"
            ' says under "Apache Spark".',
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory(prefix="fiu-spark-") as folder:
        try:
            with apache_spark(home, Path(folder)) as url:
                return subprocess.run(
                    [sys.executable, "-m", "pytest", "-n", "0", TEST, "-k", "spark_connect", "-v"],
                    cwd=ROOT,
                    env={**os.environ, "FIU_TEST_SPARK_URL": url, "FIU_TEST_REQUIRE_ALL": "1"},
                    check=False,
                ).returncode
        except NoServer as error:
            print(error, file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
