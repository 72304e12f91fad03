"""The guards as the triggers of a database: install, find what is missing, remove."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from cases.guards.row_security import (
    install_row_security,
    missing_policies,
    remove_row_security,
)
from cases.guards.rules import GUARDS
from cases.guards.shapes import PREFIX

# PostgreSQL empties a table without firing row triggers.
UNTRUNCATED = tuple(sorted({g.table for g in GUARDS if g.name == f"{g.table}_undeleted"}))
_TRUNCATE_BODY = (
    " BEGIN RAISE EXCEPTION 'this table is append-only' USING ERRCODE = 'check_violation'; END "
)


def _expected(vendor: str) -> dict[str, tuple[str, str]]:
    """Name of each trigger to its table and its text (PostgreSQL: the function's body)."""
    if vendor == "sqlite":
        return {f"{PREFIX}{g.name}": (g.table, g.sqlite()) for g in GUARDS
                if not g.is_postgresql_only}  # fmt: skip
    rows = {
        f"{PREFIX}{g.name}": (g.table, g.postgresql_body()) for g in GUARDS if not g.is_sqlite_only
    }
    return rows | {f"{PREFIX}{t}_untruncated": (t, _TRUNCATE_BODY) for t in UNTRUNCATED}


def _present(connection: BaseDatabaseWrapper) -> dict[str, tuple[str, str]]:
    sql = (
        "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT t.tgname, c.relname, p.prosrc FROM pg_trigger t"
        " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
        " WHERE NOT t.tgisinternal AND t.tgenabled = 'A' AND p.prosecdef"
        " AND c.relnamespace = current_schema()::regnamespace"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {
            name: (table, text) for name, table, text in cursor.fetchall()
            if name.startswith(PREFIX)
        }  # fmt: skip


def missing_guards(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of guards that are absent or altered, of the tables that exist: 2 queries."""
    tables = set(connection.introspection.table_names())
    present = _present(connection)
    return sorted(
        name
        for name, (table, text) in _expected(connection.vendor).items()
        if table in tables and present.get(name) != (table, text)
    )


def install_policies(using: str = "default") -> int:
    """The policies of FIU_RLS=1, or none of them without it; returns how many stand.

    Nothing on SQLite. Raises RowSecurityError.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        return 0
    if settings.ROW_SECURITY:
        return install_row_security(connection)
    with transaction.atomic(using=using):
        remove_row_security(connection)
    return 0


def install_guards(using: str = "default") -> int:
    """Drop our triggers and create them anew, in one transaction; returns how many stand.

    On PostgreSQL they look with the rights of the owner: a role that may not read a table, such as
    that of the liaison door, is held to the rules about it all the same.
    """
    connection = connections[using]
    with transaction.atomic(using=using):
        remove_guards(using)
        with connection.cursor() as cursor:
            home = ""
            if connection.vendor == "postgresql":
                cursor.execute("SELECT quote_ident(current_schema())")
                home = cursor.fetchone()[0]
            for name, (table, text) in _expected(connection.vendor).items():
                if connection.vendor == "sqlite":
                    cursor.execute(text)
                    continue
                cursor.execute(
                    f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger"
                    f" LANGUAGE plpgsql SECURITY DEFINER SET search_path = {home}, pg_temp"
                    f" AS $guard${text}$guard$"
                )
                cursor.execute(_postgresql_trigger(name, table))
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    return len(_expected(connection.vendor))


def _postgresql_trigger(name: str, table: str) -> str:
    if name.endswith("_untruncated"):
        event, each = "TRUNCATE", "STATEMENT"
    else:
        event = next(g.event for g in GUARDS if f"{PREFIX}{g.name}" == name)
        each = "ROW"
    return (
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {each} EXECUTE FUNCTION {name}()"
    )


def remove_guards(using: str = "default") -> None:
    """Drop our triggers. Only `install_guards`, `migrate` and emptying a test database may."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in _present(connection):
                cursor.execute(f"DROP TRIGGER {name}")
            return
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no trigger changes while a check waits
        cursor.execute(
            "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"
        )
        for name, table in cursor.fetchall():
            if name.startswith(PREFIX):
                cursor.execute(f"DROP TRIGGER {name} ON {table}")


@register(Tags.database)
def check_guards(
    app_configs: Any, databases: Iterable[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """`check --database default` fails while a guard is missing (C7)."""
    errors: list[CheckMessage] = []
    for using in databases or ():
        missing = missing_guards(connections[using])
        if missing:
            names = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
            errors.append(
                Error(
                    f"{len(missing)} guards are missing or altered: {names}.",
                    hint="Run: python manage.py install_guards",
                    id="cases.E001",
                )
            )
        if settings.ROW_SECURITY and (open_tables := missing_policies(connections[using])):
            errors.append(
                Error(
                    f"{len(open_tables)} tables have no policy or another one:"
                    f" {', '.join(open_tables[:3])}" + (" ..." if len(open_tables) > 3 else ""),
                    hint="Run: python manage.py install_guards",
                    id="cases.E002",
                )
            )
    return errors
