"""The database as one file, taken while the installation runs, and read back.

SQLite: its online backup. PostgreSQL: `pg_dump` and `pg_restore`, whose release must not be older
than the server's; the counts beside the file come from the very snapshot that is dumped.
"""

import hashlib
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2.extensions
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

NAMES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
DEBIAN = Path("/usr/lib/postgresql")


class CopyError(Exception):
    """The database cannot be copied or read back; the message is one sentence."""


@dataclass(frozen=True)
class Contents:
    """What a database holds: table to number of rows and SHA-256 over them, and its migrations.

    Sums compare with sums of the same kind of database only.
    """

    tables: dict[str, tuple[int, str]]
    migrations: tuple[str, ...]


def dump(folder: Path) -> tuple[Path, Contents]:
    """Write the database into a file of this folder, and say what is in it. Raises CopyError."""
    if is_empty():
        raise CopyError("The database has no tables yet: there is nothing to copy.")
    target = folder / NAMES[connection.vendor]
    if connection.vendor == "sqlite":
        copy_sqlite(target)
        with closing(sqlite3.connect(target)) as copy:
            return target, _contents_of_sqlite(copy)
    return target, _dump_postgresql(target)


def is_empty() -> bool:
    """Whether the configured database has no tables yet; looking makes none."""
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).exists():
        return True
    found = not connection.introspection.table_names()
    connection.close()
    return found


def load(file: Path) -> None:
    """Fill the configured, empty database from a copy: all or nothing. Raises CopyError."""
    connection.close()
    if connection.vendor == "sqlite":
        target = Path(connection.settings_dict["NAME"])
        draft = target.with_suffix(".part")
        try:
            shutil.copyfile(file, draft)
            draft.chmod(0o600)
            draft.rename(target)
        finally:
            draft.unlink(missing_ok=True)
        return
    # Owners and grants belong to the server it comes from; the caller's role owns what it makes.
    _run(
        [
            find_program("pg_restore"), f"--dbname={_address()}", "--single-transaction",
            "--exit-on-error", "--no-owner", "--no-privileges", str(file),
        ]
    )  # fmt: skip


def contents() -> Contents:
    """What the configured database holds now. Cost: one pass over every table."""
    if connection.vendor == "sqlite":  # Django's own connection turns values into other types
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as database:
            return _contents_of_sqlite(database)
    with transaction.atomic():
        return _contents_of_postgresql()


def copy_sqlite(target: Path) -> None:
    """SQLite's online backup: one moment of the database, beside writers that go on.

    Raises CopyError where it cannot be written whole, as on a full disk; nothing is left then.
    """
    draft = target.with_suffix(".part")
    try:
        with (
            closing(sqlite3.connect(settings.DATABASES["default"]["NAME"])) as source,
            closing(sqlite3.connect(draft)) as copy,
        ):
            source.backup(copy)
        draft.chmod(0o600)
        draft.rename(target)
    except sqlite3.Error as error:
        raise CopyError(f"The database could not be copied: {error}.") from error
    finally:
        draft.unlink(missing_ok=True)
        draft.with_name(f"{draft.name}-journal").unlink(missing_ok=True)


def _contents_of_sqlite(copy: sqlite3.Connection) -> Contents:
    tables = {}
    listed = copy.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    for (name,) in listed.fetchall():
        digest, number = hashlib.sha256(), 0
        for row in copy.execute(f'SELECT * FROM "{name}" ORDER BY rowid'):  # noqa: S608
            digest.update(repr(tuple(row)).encode())
            number += 1
        tables[name] = (number, digest.hexdigest())
    applied = copy.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
    return Contents(tables, tuple(f"{app}.{name}" for app, name in applied.fetchall()))


def _dump_postgresql(target: Path) -> Contents:
    program = find_program("pg_dump")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        _run(
            [
                program, f"--dbname={_address()}", f"--snapshot={snapshot}", "--format=custom",
                "--no-password", f"--file={target}",
            ]
        )  # fmt: skip
        target.chmod(0o600)
        return _contents_of_postgresql()


class _Sum:
    """A file that keeps only the number of lines and the hash of what is written to it."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.rows = 0

    def write(self, data: bytes) -> None:
        self.digest.update(data)
        self.rows += data.count(b"\n")  # COPY escapes those inside of values


def _contents_of_postgresql() -> Contents:
    tables = {}
    with connection.cursor() as cursor:
        for name in sorted(connection.introspection.table_names(cursor)):
            key = connection.introspection.get_primary_key_columns(cursor, name) or []
            order = ", ".join(f'"{column}"::text COLLATE "C"' for column in key) or "1"
            found = _Sum()
            cursor.copy_expert(
                f'COPY (SELECT * FROM "{name}" ORDER BY {order}) TO STDOUT',  # noqa: S608
                found,
            )
            tables[name] = (found.rows, found.digest.hexdigest())
    applied = MigrationRecorder(connection).applied_migrations()
    return Contents(tables, tuple(sorted(f"{app}.{name}" for app, name in applied)))


def find_program(name: str) -> str:
    """One of PostgreSQL's programs: Debian's newest, or what PATH finds. Raises CopyError."""
    debian = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which(name)
    if found is None:
        raise CopyError(
            f"{name} was not found: install PostgreSQL's client programs"
            " (Debian: postgresql-client), not older than the server."
        )
    return found


def _address() -> str:
    """Where the database is, without its password."""
    known: dict[str, Any] = connection.get_connection_params()
    left_out = {"password", "cursor_factory"}
    return str(
        psycopg2.extensions.make_dsn(
            **{name: value for name, value in known.items() if name not in left_out}
        )
    )


def _run(command: list[str]) -> None:
    word = str(connection.settings_dict.get("PASSWORD") or "")
    done = subprocess.run(  # noqa: S603  # PostgreSQL's own programs
        command,
        env={**os.environ, "PGPASSWORD": word} if word else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        raise CopyError(f"{Path(command[0]).name} failed: {lines[0] if lines else 'no reason'}.")
