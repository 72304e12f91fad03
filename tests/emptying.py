"""What a test with real transactions wrote goes again: only tables that have rows, all at once.

Django empties each of the 150 tables, which PostgreSQL does by making all their files and those of
their indexes anew: a second for a test that wrote into ten of them. Guards against deletion are
lifted from these alone, in the same transaction; all others stay as they are.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations

from cases.guards import GUARDS, install_guards, missing_guards
from cases.guards.shapes import PREFIX, Guard


def empty_what_is_full() -> None:
    """From now on, on the connection's database."""
    type(connection.ops).sql_flush = _statements  # type: ignore[method-assign]


def _statements(
    operations: BaseDatabaseOperations, style: object, tables: Sequence[str], **options: Any
) -> list[str]:
    """In place of Django's own. Puts up first what a test took down and left so."""
    if missing_guards(operations.connection):
        install_guards()
    full = _with_rows(operations, tables)
    guards = [guard for guard in GUARDS if guard.event == "DELETE" and guard.table in full]
    delete = [f"DELETE FROM {operations.quote_name(table)}" for table in sorted(full)]  # noqa: S608  # our own names
    return _LIFTED[operations.connection.vendor](guards, delete) if full else []


def _with_rows(operations: BaseDatabaseOperations, tables: Sequence[str]) -> set[str]:
    """1 query."""
    each = (
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {operations.quote_name(table)})"  # noqa: S608  # our own names
        for table in tables
    )
    with operations.connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(each))
        return {table for (table,) in cursor.fetchall()}


def _on_sqlite(guards: Sequence[Guard], delete: Sequence[str]) -> list[str]:
    here = [guard for guard in guards if not guard.is_postgresql_only]
    return [
        *(f"DROP TRIGGER {PREFIX}{guard.name}" for guard in here),
        *delete,
        *(guard.sqlite() for guard in here),
    ]


def _on_postgresql(guards: Sequence[Guard], delete: Sequence[str]) -> list[str]:
    """As a replica it looks at no foreign keys; guards are for replicas as well."""
    here = [guard for guard in guards if not guard.is_sqlite_only]
    return [
        "SET LOCAL session_replication_role = replica",
        *(f"ALTER TABLE {each.table} DISABLE TRIGGER {PREFIX}{each.name}" for each in here),
        *delete,
        *(f"ALTER TABLE {each.table} ENABLE ALWAYS TRIGGER {PREFIX}{each.name}" for each in here),
    ]


_LIFTED: dict[str, Callable[[Sequence[Guard], Sequence[str]], list[str]]] = {
    "sqlite": _on_sqlite,
    "postgresql": _on_postgresql,
}
