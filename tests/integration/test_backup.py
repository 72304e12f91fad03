"""Backup and restore: taken while people work, refused where it would hurt, proven when read back.

T13 of TRUST: the drill restores into an empty installation and compares everything.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from fiu import database_copy
from fiu.backup import BackupError, CopyError, file_sha256
from fiu.restore import MADE_BY_A_START, check_backup
from tests.installations import ROOT, an_installation, run

pytestmark = [pytest.mark.worker, pytest.mark.xdist_group("backup")]
HANDS = ("-m", "tests.integration.backup_hands")
# The command after it may write no file beyond 300 kB: every file of the house but the database.
ON_A_SMALL_DISK = (
    "-c",
    "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000));"
    " sys.argv[0] = 'manage.py'; runpy.run_path('manage.py', run_name='__main__')",
)
# Ended by a restore, so that nobody who was signed out since is signed in again.
ENDED = {"django_session"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An installation with a ledger, two sealed runs, a hold and two exhibits."""
    with an_installation(tmp_path_factory.mktemp("house") / "home") as environment:
        run(environment, *HANDS, "seed")
        yield environment


@pytest.fixture(scope="module")
def copy(house: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it."""
    folder = tmp_path_factory.mktemp("copies") / "one"
    run(house, "manage.py", "backup", str(folder))
    return folder


@pytest.fixture
def empty(tmp_path: Path, house: dict[str, str]) -> Iterator[dict[str, str]]:
    """A new installation with the secret key of the house, as the manual says."""
    key = str(Path(house["FIU_HOME"]) / "secrets" / "secret_key")
    with an_installation(tmp_path / "new", FIU_SECRET_KEY_FILE=key) as environment:
        yield environment


def counts(environment: dict[str, str]) -> dict[str, int]:
    found = json.loads(run(environment, *HANDS, "count").stdout)
    return {table: rows for table, rows in found.items() if table not in ENDED}


def test_the_drill_restores_the_same_rows_chains_files_and_results(
    house: dict[str, str], copy: Path, empty: dict[str, str]
) -> None:
    report = json.loads(run(empty, "manage.py", "restore", str(copy), "--json").stdout)
    assert report["ok"]
    assert report["faults"] == []
    assert counts(empty) == counts(house)
    assert report["num_exhibits"] == 2
    assert report["num_migrations_due"] == 0
    assert report["has_same_key"]
    assert report["repeated_run"], "no sealed run was repeated"
    assert list(report["ledgers"]) == ["bitcoin-regtest"]
    verified = json.loads(run(empty, "manage.py", "audit_verify", "--json").stdout)
    assert verified["ok"]
    assert verified["num_events"] == report["num_events"] > 5
    run(empty, "manage.py", "check", "--database", "default")  # the guards stand
    home = Path(empty["FIU_HOME"])
    assert home.joinpath("files").stat().st_mode & 0o077 == 0


def test_a_backup_beside_busy_writers_is_of_one_moment(
    house: dict[str, str], empty: dict[str, str], tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, *HANDS, "write"],
        cwd=ROOT, env=house, stdout=subprocess.PIPE, text=True,
    ) as writer:  # fmt: skip
        assert writer.stdout is not None
        try:
            writer.stdout.readline()  # it is at work
            run(house, "manage.py", "backup", str(tmp_path / "busy"))
            before = writer.stdout.readline()
        finally:
            writer.kill()
            after = writer.stdout.read()
    assert before or after
    assert len(after.splitlines()) > 3, "nobody wrote while the backup was made"
    run(empty, "manage.py", "restore", str(tmp_path / "busy"))
    run(empty, "manage.py", "evidence_verify")
    run(empty, "manage.py", "audit_verify")


def test_nothing_is_restored_over_an_installation_that_is_in_use(
    house: dict[str, str], copy: Path, tmp_path: Path
) -> None:
    refused = run(house, "manage.py", "restore", str(copy), status=1)
    assert "not empty" in refused.stderr
    moved = house | {"FIU_HOME": str(tmp_path / "other")}
    if connection.vendor == "postgresql":  # an empty folder, and the database of the house
        refused = run(moved, "manage.py", "restore", str(copy), status=1)
        assert "The database has tables already" in refused.stderr
    assert run(house, "manage.py", "audit_verify").returncode == 0


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("change", "is damaged"),
        ("remove", "is not whole"),
        ("outside", "outside of the backup"),
        ("later", "later version of the program"),
        ("vendor", "FIU_DATABASE_URL"),
        ("nothing", "holds no backup"),
    ],
)
def test_a_backup_that_does_not_hold_is_refused_before_anything_is_written(
    copy: Path, tmp_path: Path, damage: str, sentence: str
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(copy, broken)
    manifest = json.loads((broken / "manifest.json").read_text())
    exhibit = next(broken / name for name in manifest["files"] if "/files/" in name)
    if damage == "change":
        exhibit.write_bytes(b"x" * exhibit.stat().st_size)
    elif damage == "remove":
        exhibit.unlink()
    elif damage == "outside":
        manifest["files"]["home/../../outside"] = [1, "0" * 64]
    elif damage == "later":
        manifest["database"]["migrations"].append("cases.9999_from_the_future")
    elif damage == "vendor":
        manifest["database"]["vendor"] = "oracle"
    (broken / "manifest.json").write_text(json.dumps(manifest))
    if damage == "nothing":
        (broken / "manifest.json").unlink()
    with pytest.raises(BackupError, match=sentence):
        check_backup(broken)


def test_a_damaged_backup_leaves_an_empty_installation_empty(
    copy: Path, empty: dict[str, str], tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(copy, broken)
    exhibit = next((broken / "home" / "files").rglob("??/*"))
    exhibit.write_bytes(b"x" * exhibit.stat().st_size)
    refused = run(empty, "manage.py", "restore", str(broken), status=1)
    assert "is damaged" in refused.stderr
    assert "Traceback" not in refused.stderr
    home = Path(empty["FIU_HOME"])
    assert not (home / "db.sqlite3").exists()
    assert not [path for path in (home / "files").rglob("*") if path.is_file()]


def test_a_restore_that_failed_takes_back_what_it_wrote_and_can_be_asked_again(
    copy: Path, empty: dict[str, str]
) -> None:
    home = Path(empty["FIU_HOME"])
    stored = sorted((copy / "home" / "files").rglob("??/*"))[-1]
    in_the_way = home / stored.relative_to(copy / "home")
    in_the_way.mkdir(parents=True)
    refused = run(empty, "manage.py", "restore", str(copy), status=1)
    assert refused.stderr.startswith("CommandError: The backup could not be restored: ")
    assert not _restored(home)
    assert in_the_way.is_dir(), "it took away what it did not write"
    in_the_way.rmdir()
    assert json.loads(run(empty, "manage.py", "restore", str(copy), "--json").stdout)["ok"]


def test_a_full_disk_under_the_database_is_told_in_a_sentence_and_leaves_nothing(
    house: dict[str, str], copy: Path, empty: dict[str, str], tmp_path: Path
) -> None:
    if connection.vendor != "sqlite":
        return  # pg_dump and pg_restore say it themselves
    full = run(house, *ON_A_SMALL_DISK, "backup", str(tmp_path / "two"), status=1)
    assert full.stderr.startswith("CommandError: The database could not be copied: ")
    assert len(full.stderr.splitlines()) == 1
    assert not [path for path in tmp_path.iterdir() if "two" in path.name]
    full = run(empty, *ON_A_SMALL_DISK, "restore", str(copy), status=1)
    assert full.stderr.startswith("CommandError: The backup could not be restored: ")
    assert not _restored(Path(empty["FIU_HOME"]))
    assert json.loads(run(empty, "manage.py", "restore", str(copy), "--json").stdout)["ok"]


def _restored(home: Path) -> list[Path]:
    """The files of this home that no start makes."""
    return [
        path
        for path in home.rglob("*")
        if path.is_file() and path.relative_to(home).parts[0] not in MADE_BY_A_START
    ]


def test_what_differs_after_a_restore_is_named_and_another_key_is_told(
    copy: Path, tmp_path: Path
) -> None:
    """Somebody who can write the folder can write its sums too: tables, guards and chains tell."""
    broken = tmp_path / "broken"
    shutil.copytree(copy, broken)
    manifest = json.loads((broken / "manifest.json").read_text())
    if connection.vendor == "sqlite":
        _rewrite_history(broken / "database.sqlite3")
        changed = broken / "database.sqlite3"
        manifest["files"][changed.name] = [changed.stat().st_size, file_sha256(changed)]
    else:  # a dump is no file that one edits: a sum that does not fit stands for it
        manifest["database"]["tables"]["cases_auditevent"][1] = "0" * 64
    (broken / "manifest.json").write_text(json.dumps(manifest))
    with an_installation(tmp_path / "new") as environment:
        told = run(environment, "manage.py", "restore", str(broken), "--json", status=1)
    report = json.loads(told.stdout)
    faults = " ".join(report["faults"])
    assert not report["ok"]
    assert not report["has_same_key"]
    assert "Table cases_auditevent" in faults
    if connection.vendor == "sqlite":
        assert "guards are missing" in faults
        assert "it was changed" in faults


def _rewrite_history(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        guards = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in guards.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE cases_auditevent SET reason = 'Never said.' WHERE seq = 2")
        database.commit()


def test_a_backup_is_written_once_with_secrets_only_when_asked_and_links_what_was_copied(
    house: dict[str, str], copy: Path, tmp_path: Path
) -> None:
    refused = run(house, "manage.py", "backup", str(copy), status=1)
    assert "is not empty" in refused.stderr
    assert not (copy / "home" / "secrets").exists()
    told = run(
        house, "manage.py", "backup", str(tmp_path / "whole"), "--secrets", "--json",
        "--previous", str(copy),
    )  # fmt: skip
    report = json.loads(told.stdout)
    assert report["linked"] > 0
    exhibit = next(path.relative_to(copy) for path in copy.glob("home/files/*/*"))
    assert os.path.samefile(copy / exhibit, tmp_path / "whole" / exhibit)
    assert (tmp_path / "whole" / "home" / "secrets" / "secret_key").exists()
    assert not list(tmp_path.glob(".*")), "a draft was left behind"
    sums = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"],
        cwd=tmp_path / "whole", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert sums.returncode == 0, sums.stdout
    assert report["manifest_sha256"] in (tmp_path / "whole" / "SHA256SUMS").read_text()
    for path in (tmp_path / "whole").rglob("home/files/*/*"):
        assert path.stat().st_mode & 0o077 == 0


def test_without_pg_dump_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_copy, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CopyError, match="postgresql-client"):
        database_copy.find_program("pg_dump")
