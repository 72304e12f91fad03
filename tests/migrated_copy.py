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

from django.conf import settings
from django.db import connection

NAME = "migrated"  # the database itself, or its name on the server


@contextmanager
def turn() -> Iterator[None]:
    """The block of one process of this round at a time; others wait."""
    with (settings.SHARED_HOME / f"{NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def take() -> bool:
    """Begin with the copy where there is one; whether Django finds its tables there already.

    On a server Django makes the database of it by itself, and drops it in the end.
    """
    kept, test = settings.SHARED_HOME / NAME, connection.settings_dict["TEST"]
    if not kept.exists():
        return False
    if connection.vendor == "sqlite":
        shutil.copyfile(kept, test["NAME"])
        return True
    test["TEMPLATE"] = kept.read_text()
    return False


def keep() -> None:
    """A copy of this process's database for the others, unless there is one; call it in `turn`."""
    kept = settings.SHARED_HOME / NAME
    if kept.exists():
        return
    own = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        unfinished = kept.with_suffix(".new")
        with closing(sqlite3.connect(own)) as migrated:
            migrated.execute("VACUUM INTO ?", (str(unfinished),))
        unfinished.rename(kept)
        return
    name = f"tests_migrated_{secrets.token_hex(6)}"
    connection.close()  # a database is not copied while somebody is connected to it
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {connection.ops.quote_name(own)}")
    kept.write_text(name)


def drop() -> None:
    """At the end of the round, by who started its workers; a file goes with its home."""
    kept = settings.SHARED_HOME / NAME
    if connection.vendor == "postgresql" and kept.exists():
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {kept.read_text()} WITH (FORCE)")
