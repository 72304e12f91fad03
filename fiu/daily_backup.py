"""The backup of an installation on one machine: one a day, a week of them kept (B1).

In FIU_HOME/backups/daily, each linked to the one before; on the disk that the installation is on,
so a copy elsewhere is still for somebody to make.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fiu.environment import ROOT

EVERY = timedelta(hours=24)
AFTER_A_FAILURE = timedelta(hours=1)
KEPT = 7
STAMP = "%Y%m%dT%H%M%SZ"
COMMAND = (sys.executable, "-m", "fiu.child", "django", "backup")


class DailyBackup:
    """Looked at every few seconds by the supervisor; the work is done by a process of its own."""

    def __init__(self, home: Path, command: Sequence[str] = COMMAND) -> None:
        self._home = home
        self._folder = home / "backups" / "daily"
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._next_try = datetime.min.replace(tzinfo=UTC)

    def look(self, now: datetime) -> str:
        """Begin one where it is time; a sentence for the console when the last one failed."""
        said = ""
        if self._process is not None:
            if self._process.poll() is None:
                return ""
            if self._process.returncode:
                self._next_try = now + AFTER_A_FAILURE
                said = "the daily backup failed; backup.log says why. Again in an hour."
            self._process = None
            for old in self._made()[:-KEPT]:
                shutil.rmtree(old)
        if now >= self._next_try and now - self._last() >= EVERY:
            self._begin(now)
        return said

    def end(self) -> None:
        """It ends with the supervisor; nothing of it is left."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _begin(self, now: datetime) -> None:
        made = self._made()
        linked = ["--previous", str(made[-1])] if made else []
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._home / "log" / "backup.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                [*self._command, str(self._folder / now.strftime(STAMP)), *linked],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, "FIU_HOME": str(self._home)},
                start_new_session=True,
            )

    def _made(self) -> list[Path]:
        """Those that are whole, oldest first: a draft has another name until then."""
        return sorted(self._folder.glob("[0-9]*Z"))

    def _last(self) -> datetime:
        """When the newest was begun; before there is any, when the installation was made."""
        made = self._made()
        if made:
            return datetime.strptime(made[-1].name, STAMP).replace(tzinfo=UTC)
        key = self._home / "secrets"
        return datetime.fromtimestamp(key.stat().st_mtime if key.exists() else 0, UTC)
