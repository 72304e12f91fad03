"""SQLite as Django has it, with two changes.

Without the CHECK that an untrusting connection refuses (C5): under `PRAGMA trusted_schema=OFF`
SQLite rejects `JSON_VALID()` in a CHECK, which Django puts on every JSONField. The field itself
writes valid JSON only.

And with a fair wait for the one place of the writer. SQLite's own wait sleeps longer each time, up
to a tenth of a second, so among busy writers the one who has waited longest looks least often: the
slowest of 10,000 waited 11 s. Here everybody looks again after two milliseconds, and the longer
somebody waits, the more often. Nobody holds anything while waiting, as in a queue of locks, so a
waiter that is killed or frozen stands in nobody's way; and who waits longer than the connection's
`timeout` is told so, as by SQLite.
"""

import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from django.db.backends.sqlite3 import base

# What begins to write. In a transaction the place is ours already.
WRITES = re.compile(r"\s*(?:BEGIN IMMEDIATE|INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
LONGEST, SHORTEST = 0.002, 0.0005  # seconds between two looks: at first, and from 75 ms on


class WriterCursor(base.SQLiteCursorWrapper):
    """Django's cursor; a statement that needs the writer's place waits for it as all others do."""

    timeout: float  # seconds

    def execute(self, query: str, params: Any = None) -> Any:
        if self.connection.in_transaction or not WRITES.match(query):
            return super().execute(query, params)
        return self._in_turn(lambda: base.SQLiteCursorWrapper.execute(self, query, params))

    def convert_query(self, query: str, *, param_names: list[str] | None = None) -> str:
        """Django's search for places costs more than SQLite itself where a statement has 30,000."""
        if param_names or "%%" in query:
            return str(super().convert_query(query, param_names=param_names))
        return query.replace("%s", "?")

    def _in_turn(self, write: Callable[[], Any]) -> Any:
        """Try again until the place is free; a statement that finds it taken has done nothing."""
        begun = time.monotonic()
        self._let_sqlite_wait(0)
        try:
            while True:
                try:
                    return write()
                except sqlite3.OperationalError as error:
                    is_taken = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
                    waited = time.monotonic() - begun
                    if not is_taken or waited > self.timeout:
                        raise
                time.sleep(max(SHORTEST, LONGEST - waited / 50))
        finally:
            self._let_sqlite_wait(int(self.timeout * 1000))

    def _let_sqlite_wait(self, milliseconds: int) -> None:
        self.connection.execute(f"PRAGMA busy_timeout={milliseconds}")


class DatabaseWrapper(base.DatabaseWrapper):
    data_type_check_constraints = {
        kind: check
        for kind, check in base.DatabaseWrapper.data_type_check_constraints.items()
        if kind != "JSONField"
    }

    def create_cursor(self, name: str | None = None) -> WriterCursor:
        cursor: WriterCursor = self.connection.cursor(factory=WriterCursor)
        cursor.timeout = self.settings_dict["OPTIONS"].get("timeout", 5.0)
        return cursor
