"""`python -m tests.chaos --jobs 240 --faults 240`: the trial on PostgreSQL and Redis of its own.

Starts a PostgreSQL for this trial alone, so that it may be crashed, and lets `manage.py chaos`
start, kill and flush a Redis. What is said, and the exit status, are those of that command.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import psycopg2

from tests import servers

ROOT = Path(__file__).resolve().parents[1]


def on_servers(home: Path, arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """A trial in this folder; the server is gone afterwards. Raises NoServer."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    clean.pop("DJANGO_SETTINGS_MODULE", None)
    redis = servers.redis_programs().folder
    with (
        servers.postgresql(servers.postgresql_programs()) as server,
        servers.database_of_its_own(server.url) as database,
    ):
        with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
            # The servers of tests answer before a commit is written: a crash would lose it.
            name = urlsplit(database).path[1:]
            cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
            connection.commit()
        return subprocess.run(
            [
                sys.executable, "manage.py", "chaos", "--home", str(home),
                "--redis", "--crash-database", *arguments,
            ],
            cwd=ROOT,
            env={
                **clean, "FIU_DATABASE_URL": database, "PATH": f"{redis}:{os.environ['PATH']}"
            },
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )  # fmt: skip


def end(number: int, _frame: FrameType | None) -> None:
    """Told to end: the trial is killed, its processes and servers end with it."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    with tempfile.TemporaryDirectory(prefix="fiu-chaos-") as folder:
        done = on_servers(Path(folder) / "home", sys.argv[1:])
    print(done.stdout, end="")
    sys.exit(done.returncode)
