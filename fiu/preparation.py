"""What must stand before the first request: tables, guards, cache table, static files."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import CommandError, call_command, get_commands
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from fiu.static_files import OwnStaticFiles

Say = Callable[[str], None]


def prepare(say: Say) -> None:
    """Bring the database and the static files to this version; quick when nothing changed."""
    executor = MigrationExecutor(connection)
    due = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if due:
        if executor.loader.applied_migrations:
            copy_before_a_change(say)
        say(f"preparing the database: {len(due)} changes ...")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
    if "install_guards" in get_commands():
        call_command("install_guards", verbosity=0, stdout=sys.stderr)
    collect_static(say)
    say_what_is_lacking(say)
    connection.close()


def copy_before_a_change(say: Say) -> None:
    """A copy of SQLite's database; CommandError where there is none, so that no table changes."""
    # It loads the ledgers' arrays; a start without changes goes without them.
    from fiu.backup import CopyError, backup_before_migration  # noqa: PLC0415

    try:
        copy = backup_before_migration()
    except CopyError as error:
        raise CommandError(str(error)) from error
    if copy is not None:
        say(f"backup before the tables change: {copy}")


def say_what_is_lacking(say: Say) -> None:
    """One sentence for each kind of letters that no font of this machine prints."""
    from cases.exports import pdf  # noqa: PLC0415  # with its template engine: only here
    from fiu.fonts import HINT, NO_CHINESE  # noqa: PLC0415

    if pdf.lacks_chinese():
        say(f"{NO_CHINESE} {HINT}")


def collect_static(say: Say) -> None:
    """Copy static files once per version of them."""
    stamp: Path = settings.STATIC_ROOT / ".version"
    version = static_version()
    if stamp.exists() and stamp.read_text() == version:
        return
    say("collecting static files ...")
    call_command("collectstatic", verbosity=0, interactive=False, clear=False)
    stamp.write_text(version)


def static_version() -> str:
    """A hash over name, size and time of every static file that is served."""
    digest = hashlib.sha256()
    for name, path in served_files():
        status = path.stat()
        digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def served_files() -> Iterator[tuple[str, Path]]:
    """Name and place of each static file of ours and of libraries that `collectstatic` copies."""
    for finder in finders.get_finders():
        for name, storage in finder.list(OwnStaticFiles.ignore_patterns):
            yield name, Path(storage.path(name))
