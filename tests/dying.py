"""A child process that ends by SIGKILL at a failpoint, and nothing else of it is left."""

import os
import signal
import traceback
from collections.abc import Callable

from django.conf import settings
from django.db import connections

from tracing import failpoints


def die_at(place: str, act: Callable[[], object]) -> None:
    """Do something in a child that must die at this failpoint; the test's database is real."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            settings.IS_SCRATCH = True
            failpoints.arm(place)
            act()
        except BaseException:  # noqa: BLE001  # a child must never return into the tests
            traceback.print_exc()
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert died, f"{place} was never reached (status {status})"
