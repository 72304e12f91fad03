"""Every statement carries for whom it is made: the cursor of FIU_RLS=1.

`SET LOCAL` goes before the statement in the same message, so it costs no round trip, holds for the
transaction at most, and leaves nothing on the connection for the next one, a pooler's included.
"""

import re
from collections.abc import Iterable
from typing import Any

from django.db.backends.postgresql import base
from psycopg2.extensions import cursor

from cases.acting import acting

# What reads or writes rows. Others, such as SAVEPOINT, ask no policy.
_ON_ROWS = re.compile(r"\s*(?:\(|SELECT\b|INSERT\b|UPDATE\b|DELETE\b|WITH\b)", re.IGNORECASE)
_PREFIX = re.compile(rb"^SET LOCAL fiu\.role = '\w*'; SET LOCAL fiu\.person = '\d*'; ")


def prefix() -> str:
    """The actor as two settings that the policies read; both empty for nobody."""
    actor = acting()
    role = "" if actor is None else actor.role.value
    person = "" if actor is None or actor.user_id is None else str(int(actor.user_id))
    return f"SET LOCAL fiu.role = '{role}'; SET LOCAL fiu.person = '{person}'; "


class ActingCursor(cursor):  # type: ignore[misc]  # psycopg2 ships no types
    """psycopg2's cursor; the client puts values in, so two statements may go in one message."""

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002  # psycopg2's name
        if isinstance(query, str) and _ON_ROWS.match(query):
            query = prefix() + query
        super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Iterable[Any]) -> None:
        for values in vars_list:
            self.execute(query, values)

    @property
    def query(self) -> Any:
        """The statement that was made, as logs and tests know it."""
        sent = super().query
        return None if sent is None else _PREFIX.sub(b"", sent)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, whose cursors carry the actor.

    Without just-in-time compilation: the planner thinks policies dear, and compiles for half a
    second what runs in milliseconds.
    """

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        options = f"{params.get('options', '')} -c jit=off".strip()
        return {**params, "cursor_factory": ActingCursor, "options": options}
