"""Places where a scratch installation may be made to die, as if somebody pulled the plug there.

An installation is scratch when `scratch.json` lies in its FIU_HOME, which only `manage.py chaos`
puts there; in any other one a failpoint is one look at a setting. It is armed in one of two ways,
and the process that passes it ends by SIGKILL:

    FIU_FAILPOINT=run.claim:3     in this process and those it forks, at the third passing
    FIU_HOME/failpoint            its text is a name; whoever passes there first takes it and dies
"""

import os
import signal
from pathlib import Path

from django.conf import settings

# In the order of the work; docs/operate/trust.md numbers them.
FAILPOINTS = (
    "run.claim",  # the row is taken, nothing is committed
    "run.claimed",
    "run.heartbeat",  # the lease is renewed
    "run.checkpoint",  # a point to start again from is about to be written
    "run.checkpointed",
    "run.finish",  # the row says done, the result is not written
    "run.result",  # the result is written, nothing is committed
    "run.finished",
    "run.collect",  # the findings are drafted, nothing is committed
    "run.collected",
    "order.write",  # an order is written with its decision, nothing is committed
    "order.claim",  # the order is taken, nothing is committed
    "order.sending",  # committed; the exchange has not been asked
    "order.answered",  # the exchange acted; nothing is booked
    "order.asked",  # the exchange answered by key; nothing is booked
    "order.receipt",  # the order is confirmed, its receipt is not booked
    "order.booked",  # all is booked, nothing is committed
    "order.confirmed",
    "release.file",  # the first file is stored, its row is not written
    "release.sealed",  # all is sealed, nothing is committed
    "release.rendered",  # the copies are made, nothing is shared
    "release.shared",  # all is shared, nothing is committed
)
FILE = "failpoint"

_armed: dict[str, int] = {}


class UnknownFailpoint(ValueError):
    """No failpoint has this name, or its count is no number above 0."""


def arm(text: str) -> None:
    """Arm `name` or `name:count` in this process. Raises UnknownFailpoint."""
    name, _colon, count = text.partition(":")
    if name not in FAILPOINTS or not (count or "1").isdigit() or int(count or "1") < 1:
        raise UnknownFailpoint(text)
    _armed[name] = int(count or "1")


def failpoint(name: str) -> None:
    """Die here if this is a scratch installation and the place is armed."""
    if not settings.IS_SCRATCH:
        return
    if settings.FAILPOINT and not _armed:
        arm(settings.FAILPOINT)
    if name in _armed:
        _armed[name] -= 1
        if _armed[name] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    elif _taken_from_file(name):
        os.kill(os.getpid(), signal.SIGKILL)


def _taken_from_file(name: str) -> bool:
    """Whether the file names this place and this process is the first to take it."""
    path = Path(settings.FIU_HOME) / FILE
    try:
        if path.read_text().strip() != name:
            return False
        path.rename(path.with_name(f"{FILE}.{os.getpid()}"))
    except FileNotFoundError:
        return False
    return True
