"""One migrated SQLite database for all processes of a round: the first makes it, others copy it.

To migrate takes four seconds of processor time, and each worker of pytest-xdist would. On a server
it is the other way round: there each worker's database is migrated as an installation's is.
"""

import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings

NAME = "migrated.sqlite3"


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
