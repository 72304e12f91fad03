"""A wrong clock in chosen processes of a scratch installation: FIU_HOME/clock says whose.

The file holds {process id: seconds}. Only what asks Django for the time is moved, in those
processes; the database's clock and every other process stay right, as on a host whose clock jumps.
"""

import json
import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

FILE = "clock"
_right = timezone.now


def follow_file() -> None:
    """Let this process and those it forks look at the file; RuntimeError where nothing is scratch.

    Cost: one look for a file whenever the time is asked.
    """
    if not settings.IS_SCRATCH:
        raise RuntimeError("only a scratch installation has a clock that can be moved")
    timezone.now = _moved


def move(pids: Iterable[int], seconds: float) -> None:
    """Move the clock of these processes by that much, and of no other."""
    path = Path(settings.FIU_HOME) / FILE
    draft = path.with_name(f".{FILE}")
    draft.write_text(json.dumps({str(pid): seconds for pid in pids}))
    draft.rename(path)


def put_right() -> None:
    """Every clock is right again."""
    (Path(settings.FIU_HOME) / FILE).unlink(missing_ok=True)


def _moved() -> datetime:
    try:
        told = json.loads((Path(settings.FIU_HOME) / FILE).read_text())
    except FileNotFoundError:
        return _right()
    return _right() + timedelta(seconds=told.get(str(os.getpid()), 0))
