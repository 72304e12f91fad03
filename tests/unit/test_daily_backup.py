"""One backup a day where one command runs everything (B1)."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fiu.daily_backup import KEPT, DailyBackup

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
MAKE = (
    sys.executable, "-S", "-c",
    "import pathlib, sys; folder = pathlib.Path(sys.argv[1]); folder.mkdir();"
    " (folder / 'SHA256SUMS').write_text(' '.join(sys.argv[2:]))",
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("log", "secrets"):
        (tmp_path / name).mkdir()
    os.utime(tmp_path / "secrets", (NOW.timestamp(), NOW.timestamp()))
    return tmp_path


def finish(daily: DailyBackup) -> None:
    assert isinstance(daily._process, subprocess.Popen)
    daily._process.wait()


def names(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "backups" / "daily").glob("*"))


def test_the_first_comes_after_a_day_and_the_next_is_linked_to_it(home: Path) -> None:
    daily = DailyBackup(home, MAKE)
    daily.look(NOW + timedelta(hours=23))
    assert names(home) == []
    for hours in (24, 24.5, 47, 48.1):
        if daily.look(NOW + timedelta(hours=hours)) or daily._process:
            finish(daily)
    assert names(home) == ["20260302T020000Z", "20260303T020600Z"]
    linked = (home / "backups/daily/20260303T020600Z/SHA256SUMS").read_text()
    assert linked == f"--previous {home}/backups/daily/20260302T020000Z"


def test_a_week_of_them_is_kept(home: Path) -> None:
    daily = DailyBackup(home, MAKE)
    for day in range(1, 11):
        daily.look(NOW + timedelta(days=day))
        finish(daily)
    daily.look(NOW + timedelta(days=10, hours=1))
    assert len(names(home)) == KEPT
    assert names(home)[-1] == "20260311T020000Z"


def test_one_that_failed_is_told_and_tried_again_after_an_hour(home: Path) -> None:
    daily = DailyBackup(home, (sys.executable, "-S", "-c", "raise SystemExit(1)"))
    at = NOW + timedelta(days=1)
    assert daily.look(at) == ""
    finish(daily)
    assert "failed" in daily.look(at + timedelta(seconds=10))
    assert daily._process is None
    daily.look(at + timedelta(hours=2))
    assert daily._process is not None
    daily.end()
