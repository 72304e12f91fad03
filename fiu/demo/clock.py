"""The clock of whatever loads the demo's casework: a step is done at a moment of the past.

What Django says the time is moves, and with it what the database would say of its own (`Now`, also
where a column begins with it), so that all rows of a step agree. It moves in this process alone,
and only while the step lasts: a worker beside it may find a lease of the demo at its end and carry
the work on, as after any crash.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, Value
from django.db.models.expressions import DatabaseDefault
from django.db.models.functions import Now
from django.utils import timezone

Tells = Callable[[], datetime]


class PastClock:
    """Moments before `now`, each step no earlier than the end of the one before."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._reached: datetime | None = None

    @contextmanager
    def before(self, span: timedelta) -> Iterator[None]:
        """Do what stands below so long before `now`; the clock runs on from there."""
        start = self.now - span
        if self._reached is not None:  # a slow machine is not done with the step before
            start = max(start, self._reached)
        began = time.monotonic()

        def told() -> datetime:
            return start + timedelta(seconds=time.monotonic() - began)

        try:
            with _clock(told):
                yield
        finally:
            self._reached = told()


@contextmanager
def _clock(told: Tells) -> Iterator[None]:
    """Let `told` be the time for services, for columns that begin with it, and in conditions."""

    def now(_self: Now, compiler: Any, _connection: Any, **_context: Any) -> Any:
        return compiler.compile(Value(told(), output_field=DateTimeField()))

    def default(self: Any, compiler: Any, connection: Any) -> Any:
        is_time = isinstance(self.expression, Now)  # where the database knows it by itself
        return compiler.compile(self.expression) if is_time else plain(self, compiler, connection)

    plain = DatabaseDefault.as_sql
    places = (
        (timezone, "now", told), (Now, "as_sqlite", now), (Now, "as_postgresql", now),
        (DatabaseDefault, "as_sql", default),
    )  # fmt: skip
    kept = [(owner, name, getattr(owner, name)) for owner, name, _told in places]
    for owner, name, moved in places:
        setattr(owner, name, moved)
    try:
        yield
    finally:
        for owner, name, right in kept:
            setattr(owner, name, right)
