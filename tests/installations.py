"""Installations of their own for tests: a home, a database of this round, and their commands."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from tests.servers import database_of_its_own

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def an_installation(home: Path, **variables: str) -> Iterator[dict[str, str]]:
    """The environment of an empty installation, on the kind of database of this round."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FIU_")}
    settings = {
        "DJANGO_SETTINGS_MODULE": "fiu.settings",
        "FIU_HOME": str(home),
        "FIU_LOG_LEVEL": "WARNING",
        **variables,
    }
    if connection.vendor == "sqlite":
        yield {**clean, **settings}
        return
    with database_of_its_own(os.environ["FIU_TEST_DATABASE_URL"]) as database:
        yield {**clean, **settings, "FIU_DATABASE_URL": database}


def run(
    environment: dict[str, str], *command: str, status: int | None = 0
) -> "subprocess.CompletedProcess[str]":
    """A command of Python in an installation: `run(home, "manage.py", "backup", ...)`."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert status is None or done.returncode == status, done.stdout + done.stderr
    return done
