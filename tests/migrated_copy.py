"""One migrated database for all processes of a round: the first makes it, others copy it.

To migrate takes four seconds of processor time on SQLite and eight on PostgreSQL, and each worker
of pytest-xdist would. On SQLite the copy is a file, on a server a database that Django takes as
the template of the others.
"""

import fcntl
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

NAME = "migrated.sqlite3"
TEMPLATE = "migrated.template"  # holds the name of the database on the server


@contextmanager
def turn() -> Iterator[None]:
    """The block of one process of this round at a time; others wait."""
    with (settings.SHARED_HOME / f"{NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def copy_to(database: Path) -> bool:
    """Whether there was one to copy."""
    kept = settings.SHARED_HOME / NAME
    if kept.exists():
        shutil.copyfile(kept, database)
    return kept.exists()


def keep(database: Path) -> None:
    """For the others of this round; call it in `turn`."""
    unfinished = settings.SHARED_HOME / f"{NAME}.new"
    with closing(sqlite3.connect(database)) as migrated:
        migrated.execute("VACUUM INTO ?", (str(unfinished),))
    unfinished.rename(settings.SHARED_HOME / NAME)


def template() -> str | None:
    """The database on the server to copy; None where nobody made one yet."""
    kept = settings.SHARED_HOME / TEMPLATE
    return kept.read_text() if kept.exists() else None


def keep_template() -> None:
    """A copy of this process's database for the others of this round; call it in `turn`.

    The database itself cannot be copied while tests are connected to it.
    """
    name = f"tests_migrated_{secrets.token_hex(6)}"
    quoted = connection.ops.quote_name(connection.settings_dict["NAME"])
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {quoted}")
    (settings.SHARED_HOME / TEMPLATE).write_text(name)


def drop_template() -> None:
    """At the end of the round, by the process that started its workers."""
    name = template()
    if name is not None:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
