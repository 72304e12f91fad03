"""A backup of the installation: one folder with everything that cannot be made again.

    manifest.json        what is in it: every file with its SHA-256, every table with rows and sum
    SHA256SUMS           the same files for `sha256sum --check`
    database.sqlite3     or database.dump (PostgreSQL)
    home/                files of FIU_HOME: evidence, releases, ledgers, tables of this installation

It may be made while everything runs. The database is copied first, at one moment; files and ledger
batches are only ever added, so what that moment names is still there when they are copied.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from cases.legal_matrix import NAME as LEGAL_MATRIX
from cases.services.audit import keyed
from fiu.database_copy import CopyError, copy_sqlite, dump
from tracing.reads import LedgerError, lasting_files

FORMAT = 1
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
KEEP = 5
CHUNK = 1024 * 1024
# What of FIU_HOME a person put there or nothing can make again; folders with all they hold.
LASTING = ("uploads", "files", "schemas", "checkpoints", "reporting_entity.yaml", LEGAL_MATRIX)
LASTING_OF_A_DEMO = ("demo/installation.json",)


class BackupError(Exception):
    """No backup was made; the message is one sentence and nothing is left behind."""


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds; sizes in bytes, `linked` of them shared with another folder."""

    folder: Path
    num_tables: int
    num_rows: int
    num_files: int
    size: int
    linked: int
    manifest_sha256: str

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "folder": str(self.folder), "ok": True}


def make_backup(
    folder: Path,
    *,
    with_secrets: bool = False,
    with_ledgers: bool = True,
    previous: Path | None = None,
) -> BackupReport:
    """Write a backup into a folder that is new or empty; it appears whole or not at all.

    Ledger batches are hard links where the folder is on the disk of FIU_HOME, else copies; with
    `previous`, files that an earlier backup holds already are links to that one.

    Raises BackupError, CopyError, LedgerError. Cost: every file is read once, tables twice.
    """
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder} is not empty: a backup needs a new or an empty folder.")
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)  # of a backup that was killed
    draft.mkdir(mode=0o700, parents=True)
    try:
        report = _write(draft, folder, with_secrets, with_ledgers, previous)
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return report


def key_mark() -> str:
    """A word that two installations share only with the same secret key; tells nothing of it."""
    return keyed("tracehold-backup")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a backup. Raises BackupError."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        made_by = content["format"]
    except FileNotFoundError as error:
        raise BackupError(f"{folder} holds no backup: there is no {MANIFEST} in it.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"The {MANIFEST} of {folder} cannot be read.") from error
    if made_by != FORMAT:
        raise BackupError(f"This backup has format {made_by}; this version reads {FORMAT}.")
    return content


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def backup_before_migration() -> Path | None:
    """SQLite's online backup into FIU_HOME/backups; None on PostgreSQL, which has its own tools."""
    if connection.vendor != "sqlite":
        return None
    folder = settings.FIU_HOME / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    target: Path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.sqlite3"
    copy_sqlite(target)
    for old in sorted(folder.glob("*.sqlite3"))[:-KEEP]:
        old.unlink()
    return target


class _Files:
    """The files of a backup in the making."""

    def __init__(self, draft: Path, previous: Path | None) -> None:
        self.draft = draft
        self.found: dict[str, tuple[int, str]] = {}
        self.linked = 0
        self._previous = previous
        self._before: dict[str, Any] = read_manifest(previous)["files"] if previous else {}

    def add(self, source: Path, name: str, *, may_link: bool = False) -> None:
        """Copy or link one file to `name` below the draft."""
        target = self.draft / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = self._before.get(name)
        if known and self._previous and known[0] == source.stat().st_size:
            before = self._previous / name
            if known[1] == file_sha256(source) == file_sha256(before) and _link(before, target):
                self._keep(name, known[0], known[1], is_linked=True)
                return
        if may_link and _link(source, target):
            self._keep(name, target.stat().st_size, file_sha256(target), is_linked=True)
            return
        self._keep(name, *_copy(source, target))

    def put(self, content: bytes, name: str) -> None:
        """Write these bytes as a file."""
        target = self.draft / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o600)
        self._keep(name, len(content), hashlib.sha256(content).hexdigest())

    def made(self, path: Path) -> None:
        """Keep a file that stands in the draft already."""
        name = path.relative_to(self.draft).as_posix()
        self._keep(name, path.stat().st_size, file_sha256(path))

    def _keep(self, name: str, size: int, sha256: str, *, is_linked: bool = False) -> None:
        self.found[name] = (size, sha256)
        self.linked += size if is_linked else 0


def _write(
    draft: Path, folder: Path, with_secrets: bool, with_ledgers: bool, previous: Path | None
) -> BackupReport:
    home: Path = settings.FIU_HOME
    files = _Files(draft, previous)
    database, contents = dump(draft)
    if not contents.migrations:
        raise BackupError("There is nothing to back up: the database has no tables yet.")
    files.made(database)
    for path in _lasting(home, with_secrets):
        try:
            files.add(path, f"home/{path.relative_to(home).as_posix()}")
        except FileNotFoundError:
            if not path.is_relative_to(home / "uploads"):
                raise  # an upload that is gone is among the files by now, which come next
    ledgers = lasting_files(home) if with_ledgers else []
    for ledger in ledgers:
        place = f"home/{ledger.folder.relative_to(home).as_posix()}"
        for path in ledger.batch_files:
            name = f"{place}/{path.relative_to(ledger.folder).as_posix()}"
            files.add(path, name, may_link=True)
        files.put(ledger.manifest, f"{place}/manifest.json")
    listing = {
        "format": FORMAT,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "database": {
            "vendor": connection.vendor,
            "file": database.name,
            "tables": contents.tables,
            "migrations": contents.migrations,
        },
        "ledgers": [ledger.name for ledger in ledgers],
        "has_secrets": with_secrets,
        "key_mark": key_mark(),
        "files": dict(sorted(files.found.items())),
    }
    text = json.dumps(listing, indent=1).encode() + b"\n"
    (draft / MANIFEST).write_bytes(text)
    sums = [(MANIFEST, hashlib.sha256(text).hexdigest())]
    sums += [(name, sha256) for name, (_, sha256) in sorted(files.found.items())]
    (draft / SUMS).write_text("".join(f"{sha256}  {name}\n" for name, sha256 in sums))
    return BackupReport(
        folder=folder,
        num_tables=len(contents.tables),
        num_rows=sum(rows for rows, _ in contents.tables.values()),
        num_files=len(files.found),
        size=sum(size for size, _ in files.found.values()),
        linked=files.linked,
        manifest_sha256=sums[0][1],
    )


def _lasting(home: Path, with_secrets: bool) -> Iterator[Path]:
    for name in (*LASTING, *LASTING_OF_A_DEMO, *(("secrets",) if with_secrets else ())):
        place = home / name
        found = sorted(place.rglob("*")) if place.is_dir() else [place]
        # Names that begin with a dot are drafts: a file gets its own name when it is complete.
        yield from (path for path in found if path.is_file() and not path.name.startswith("."))


def _link(source: Path, target: Path) -> bool:
    """Whether a hard link could be made: not across disks, and not everywhere."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _copy(source: Path, target: Path) -> tuple[int, str]:
    """Copy and return size and SHA-256 of what was written; durable when it returns."""
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as read, os.fdopen(descriptor, "wb") as written:
        while chunk := read.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            written.write(chunk)
        written.flush()
        os.fsync(written.fileno())
    return size, digest.hexdigest()


__all__ = [
    "BackupError",
    "BackupReport",
    "CopyError",
    "LedgerError",
    "backup_before_migration",
    "file_sha256",
    "key_mark",
    "make_backup",
    "read_manifest",
]
