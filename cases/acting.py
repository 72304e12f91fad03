"""For whom the present work is done, as the database's row security takes it (FIU_RLS).

The doors say it once a request, workers and commands once a process. Nobody said anything: nobody,
who sees no row. It decides nothing in Python: that is for `visible_to` and cases/policy.py, and
without row security nobody asks.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from cases.policy import SYSTEM, Actor

_acting: ContextVar[Actor | None] = ContextVar("acting")
_of_the_process: Actor | None = None


def acting() -> Actor | None:
    """The actor of this request, else of this process; None is nobody."""
    return _acting.get(_of_the_process)


@contextmanager
def acting_as(actor: Actor | None) -> Iterator[None]:
    """Work of this block is the actor's. Queries are made where they are evaluated."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def act_as(actor: Actor | None) -> None:
    """From now on, until the block of `acting_as` around it ends."""
    _acting.set(actor)


def let_process_act_as_system() -> None:
    """For workers and commands: what no request asks for is the installation's own work."""
    global _of_the_process
    _of_the_process = SYSTEM
