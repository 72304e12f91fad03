"""A copy of the database before its tables change."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

KEEP = 5


def backup_before_migration() -> Path | None:
    """SQLite's online backup into FIU_HOME/backups; None on PostgreSQL, which has its own tools."""
    if connection.vendor != "sqlite":
        return None
    folder = settings.FIU_HOME / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    target: Path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.sqlite3"
    draft = target.with_suffix(".part")
    with (
        closing(sqlite3.connect(settings.DATABASES["default"]["NAME"])) as source,
        closing(sqlite3.connect(draft)) as copy,
    ):
        source.backup(copy)
    draft.chmod(0o600)
    draft.rename(target)
    for old in sorted(folder.glob("*.sqlite3"))[:-KEEP]:
        old.unlink()
    return target
