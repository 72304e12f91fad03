"""A backup read back into an empty installation, and the proof that it is the same.

Nothing is overwritten: FIU_HOME must hold nothing but what every start makes, and the database
must have no tables. Every file is checked against its SHA-256 before the first one is written.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from cases.guards import missing_guards
from cases.services.audit import verify_chains
from cases.services.evidence import verify_store
from cases.services.reports import verify_report_chain
from cases.services.verification import altered_contents
from fiu.backup import BackupError, file_sha256, key_mark, read_manifest
from fiu.database_copy import contents, is_empty, load
from tracing.jobs import repeat_newest
from tracing.reads import LedgerError, open_all

# Made by every start, or made again by the next one.
MADE_BY_A_START = ("secrets", "static", "cache", "log", "queue", "queue-control")


@dataclass
class RestoreReport:
    """What stands now, and what of it does not hold; each entry of `faults` is a sentence."""

    num_rows: int = 0
    num_files: int = 0
    num_events: int = 0
    num_exhibits: int = 0
    num_migrations_due: int = 0
    ledgers: dict[str, str] = field(default_factory=dict)
    repeated_run: str = ""
    has_same_key: bool = True
    faults: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        return {"ok": self.is_whole, **vars(self)}


def restore_backup(folder: Path) -> RestoreReport:
    """Fill this empty installation from a backup, then verify all of it.

    Sessions of the backup end: nobody who was signed out since is signed in again.
    The database comes last, whole or not at all: where anything fails before, the files written are
    taken back, and the same command can be asked again.

    Raises BackupError, CopyError, OSError with nothing left behind; what does not hold afterwards
    is in the report. Cost: every file is read twice, every table and every chain once.
    """
    _require_empty()
    manifest = check_backup(folder)
    files = _Files()
    try:
        for name in _home_files(manifest["files"]):
            files.copy(folder / name, settings.FIU_HOME / PurePosixPath(name).relative_to("home"))
        load(folder / manifest["database"]["file"])
    except BaseException:
        files.take_back()
        raise
    return _verify(manifest)


class _Files:
    """What a restore writes into FIU_HOME, and how it was before."""

    def __init__(self) -> None:
        self._folders: list[Path] = []
        self._new: list[Path] = []
        self._replaced: dict[Path, bytes] = {}  # secrets that the start made

    def copy(self, source: Path, target: Path) -> None:
        """Copy one file, readable by its owner only."""
        for folder in reversed([each for each in target.parents if not each.exists()]):
            folder.mkdir(mode=0o700)
            self._folders.append(folder)
        if target.is_file():
            self._replaced[target] = target.read_bytes()
        elif not target.exists():
            self._new.append(target)
        shutil.copyfile(source, target)
        target.chmod(0o600)

    def take_back(self) -> None:
        """Remove what was written, and only that."""
        for path in self._new:
            path.unlink(missing_ok=True)
        for path, content in self._replaced.items():
            path.write_bytes(content)
        for folder in reversed(self._folders):
            with suppress(OSError):  # somebody else put something into it
                folder.rmdir()


def check_backup(folder: Path) -> dict[str, Any]:
    """The manifest of a backup that is whole and fits this installation. Raises BackupError."""
    manifest = read_manifest(folder)
    _require_fitting(manifest)
    _require_unchanged(folder, manifest["files"])
    return manifest


def _require_fitting(manifest: Mapping[str, Any]) -> None:
    """The backup is of this kind of database and not of a later version of the program."""
    vendor = manifest["database"]["vendor"]
    if vendor != connection.vendor:
        raise BackupError(
            f"This backup holds a {vendor} database and this installation is set to"
            f" {connection.vendor}: see FIU_DATABASE_URL."
        )
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    unknown = sorted(set(manifest["database"]["migrations"]) - known)
    if unknown:
        raise BackupError(
            f"This backup is of a later version of the program: it has {unknown[0]}"
            f" and {len(unknown) - 1} more changes of the tables that this version does not know."
        )


def _require_empty() -> None:
    home: Path = settings.FIU_HOME
    for path in sorted(home.rglob("*")):
        place = path.relative_to(home)
        if place.parts[0] not in MADE_BY_A_START and not path.is_dir():
            raise BackupError(
                f"{home} is not empty ({place}): restore needs a new FIU_HOME; nothing was changed."
            )
    if not is_empty():
        raise BackupError("The database has tables already: restore needs an empty database.")


def _require_unchanged(folder: Path, files: Mapping[str, Any]) -> None:
    """Every file of the manifest is there as it was, and named inside of the folder."""
    for name, (size, sha256) in files.items():
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts:
            raise BackupError(f"The manifest names a file outside of the backup: {name}.")
        path = folder / name
        if not path.is_file():
            raise BackupError(f"The backup is not whole: {name} is missing.")
        if path.stat().st_size != size or file_sha256(path) != sha256:
            raise BackupError(f"The backup is damaged: {name} is not what its SHA-256 says.")


def _home_files(files: Mapping[str, Any]) -> Iterator[str]:
    # Manifests of ledgers last: one that is there names batches that are there.
    yield from sorted(
        (name for name in files if PurePosixPath(name).parts[0] == "home"),
        key=lambda name: (name.endswith("/manifest.json"), name),
    )


def _verify(manifest: Mapping[str, Any]) -> RestoreReport:
    report = RestoreReport(num_files=len(manifest["files"]))
    report.has_same_key = manifest["key_mark"] == key_mark() or manifest["has_secrets"]
    wanted, found = manifest["database"]["tables"], contents()
    report.num_rows = sum(rows for rows, _ in found.tables.values())
    for name in sorted({*wanted, *found.tables}):
        rows, sha256 = wanted.get(name, (0, ""))
        if found.tables.get(name) != (rows, sha256):
            has = found.tables.get(name, (0, ""))[0]
            report.faults.append(f"Table {name}: {has} rows where the backup has {rows} others.")
    executor = MigrationExecutor(connection)
    report.num_migrations_due = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if report.num_migrations_due == 0:  # else the tables are those of an older version
        _verify_casework(report)
    _verify_ledgers(report, manifest["ledgers"])
    Session.objects.all().delete()
    connection.close()
    return report


def _verify_casework(report: RestoreReport) -> None:
    missing = missing_guards(connection)
    if missing:
        report.faults.append(f"{len(missing)} guards are missing or altered: {missing[0]} ...")
    chains = verify_chains()
    report.num_events = chains.num_events
    for each in (*chains.breaks, *altered_contents()):
        where = f"{each.case or 'system chain'}, event {each.seq}"
        report.faults.append(f"Audit: {where}: {each.reason}.")
    if verify_report_chain() is not None:
        report.faults.append("Audit: the chain of another kind does not hold.")
    exhibits = verify_store()
    report.num_exhibits = exhibits.num_exhibits
    report.faults += [f"Evidence: {each.case}: {each.reason}." for each in exhibits.breaks]


def _verify_ledgers(report: RestoreReport, names: list[str]) -> None:
    try:
        report.ledgers = open_all(settings.FIU_HOME)
        if report.num_migrations_due == 0 and names:
            again = repeat_newest()
            if again is not None:
                report.repeated_run = str(again[0])
            if again is not None and not again[1]:
                report.faults.append(f"Run {again[0]} repeated has another result.")
    except LedgerError as error:
        report.faults.append(f"Ledger: {error}.")
