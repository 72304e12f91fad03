"""Who may do what in PostgreSQL: a role for the house and one for the liaison door.

The owner of the tables migrates and makes backups. The house works as a role that can neither
change tables nor what is append-only. The liaison door works as a role without one grant on any
table: it has views of the same names in a schema of its own, each with the rows, columns and verbs
that the door needs (docs/adr/0010-the-liaison-role-has-views-alone.md). A table that nobody
thought of is closed to it.
"""

# ruff: noqa: S608  # every name in this SQL is a constant of this module or quoted

from dataclasses import dataclass
from typing import Any

import psycopg2.extensions
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from cases.guards import GUARDS, lift_row_security

SCHEMA = "liaison"

# Of the house's own people the door sees nothing: no name, no factor, no session.
_OFFICERS = "SELECT u.id FROM {home}.fiu_user u WHERE u.role = 'liaison'"
_SHARED = "SELECT s.{column} FROM {home}.cases_sharedrelease s WHERE s.state = 'shared'"
_OPEN_CASES = (
    "SELECT r.case_id FROM {home}.cases_referral r JOIN {home}.cases_sharedrelease s"
    " ON s.referral_id = r.id WHERE s.state = 'shared'"
)


class RolesError(Exception):
    """The roles cannot be set up; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Window:
    """What the liaison role has of one table.

    `rows` is the condition a row must meet, also one that is written; `columns` are shown, all
    where it is empty, and every other one reads NULL; `grants` are the verbs.
    """

    table: str
    grants: str
    rows: str = "true"
    columns: tuple[str, ...] = ()


EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"

WINDOWS = (
    # Signing in.
    Window("fiu_agency", "SELECT"),
    # What an officer changes by signing in and on the own pages: never name, role, agency or end.
    Window(
        "fiu_user", "SELECT, UPDATE (last_login, password, language, shows_utc, theme)",
        "role = 'liaison'",
    ),
    Window("account_emailaddress", EVERYTHING, f"user_id IN ({_OFFICERS})"),
    Window("mfa_authenticator", EVERYTHING, f"user_id IN ({_OFFICERS})"),
    Window("usersessions_usersession", EVERYTHING, f"user_id IN ({_OFFICERS})"),
    Window(
        "django_session", EVERYTHING,
        "NOT EXISTS (SELECT 1 FROM {home}.usersessions_usersession o"
        " WHERE o.session_key = django_session.session_key"
        f" AND o.user_id NOT IN ({_OFFICERS}))",
    ),
    Window(
        "fiu_accountnotice", "SELECT, INSERT, UPDATE (at, told_at)", f"user_id IN ({_OFFICERS})"
    ),
    # Releases: copies, and who read and acknowledged them.
    Window("cases_sharedrelease", "SELECT", "state = 'shared'"),
    Window("cases_releasefile", "SELECT", f"release_id IN ({_SHARED.replace('{column}', 'id')})"),
    Window(
        "cases_releasedownload", "SELECT, INSERT",
        f"release_id IN ({_SHARED.replace('{column}', 'id')})",
    ),
    Window(
        "cases_outcome", "SELECT, INSERT", f"release_id IN ({_SHARED.replace('{column}', 'id')})",
    ),
    Window(
        "cases_releasequestion", "SELECT, INSERT",
        f"release_id IN ({_SHARED.replace('{column}', 'id')})",
    ),
    Window(
        "cases_sharegrant", "SELECT, UPDATE (first_read_at, acknowledged_at)",
        f"revoked_at IS NULL AND release_id IN ({_SHARED.replace('{column}', 'id')})",
    ),
    # Receipt: one step of the referral, one line in the case's chain. Of the case itself only
    # which one it is, never what it says.
    Window(
        "cases_referral", "SELECT, UPDATE (state)",
        f"id IN ({_SHARED.replace('{column}', 'referral_id')})",
        ("id", "public_id", "reference", "case_id", "agency_id", "state"),
    ),
    Window(
        "cases_case", "SELECT, UPDATE (updated_at)", f"id IN ({_OPEN_CASES})",
        ("id", "public_id", "updated_at"),
    ),
    # What an agency asks, and what it is asked back.
    Window(
        "cases_informationrequest",
        "SELECT, INSERT, UPDATE (state, round, content_hash, started_by_id, verified_by_id,"
        " verified_at)",
    ),
    Window("cases_clockrule", "SELECT", "act = 'answer' AND state = 'in_force'"),
    Window(
        "cases_preservation", "SELECT", "true", ("id", "request_id", "state", "starts_at", "until"),
    ),
    Window("cases_requestidentifier", "SELECT, INSERT"),
    Window("cases_requestmessage", "SELECT, INSERT"),
    Window("cases_referencecounter", "SELECT, INSERT, UPDATE (last)", "series = 'REQ'"),
    # Lines are added to the chains; of those that stand, number and hash alone can be read.
    Window("cases_readevent", "SELECT (id), INSERT"),
    Window(
        "cases_auditevent", "SELECT (id, case_id, seq, hash), INSERT",
        f"case_id IS NULL OR case_id IN ({_OPEN_CASES})",
    ),
)  # fmt: skip


def install_roles(*, app: str, app_password: str, liaison: str, liaison_password: str) -> None:
    """Create or update both roles and all they may do, in one transaction.

    An empty password leaves the role's own as it is. Run it after every `migrate`: what it does not
    grant anew is gone. Raises RolesError.
    """
    if connection.vendor != "postgresql":
        raise RolesError("Roles are for PostgreSQL: SQLite has none, see FIU_DATABASE_URL.")
    if app == liaison:
        raise RolesError("The house and the liaison door need two roles.")
    with transaction.atomic(), connection.cursor() as cursor:
        home = _value(cursor, "SELECT quote_ident(current_schema())")
        for role, word in ((app, app_password), (liaison, liaison_password)):
            make_role(cursor, role, word)
        _drop_windows(cursor)
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        grant_house(cursor, app)
        _grant_liaison(cursor, home, liaison)


def lift_roles() -> None:
    """Take views and policies away, so that a migration can change the tables under them.

    Nothing opens by it: until `install_roles` the liaison door answers with an error, and until
    `install_guards` tables under row-level security show no row. Nothing on SQLite.
    """
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            _drop_windows(cursor)
            lift_row_security(connection)


def _drop_windows(cursor: CursorWrapper) -> None:
    # Only ever views: a schema of this name with anything else in it is somebody else's.
    cursor.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind <> 'v'",
        [SCHEMA],
    )
    if cursor.fetchone()[0]:
        raise RolesError(f"The schema {SCHEMA} holds more than views: it is not of this program.")
    cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def make_role(cursor: CursorWrapper, role: str, word: str) -> None:
    """The role as it must be: it signs in, and has no power of its own."""
    cursor.execute(
        "SELECT rolsuper OR rolcreaterole, quote_ident(rolname) FROM pg_roles"
        " WHERE rolname = current_user"
    )
    may_create, mine = cursor.fetchone()
    cursor.execute(
        "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb"
        " OR rolname = current_user FROM pg_roles WHERE rolname = %s",
        [role],
    )
    found = cursor.fetchone()
    name = _quoted(role)
    if found and found[0]:
        raise RolesError(f"The role {role} may more than a door may: choose another name.")
    if found is None and not may_create:
        raise RolesError(
            f"There is no role {role}, and {mine} may not create it. A superuser can, by"
            f" CREATE ROLE {name} LOGIN PASSWORD '...'; or let it, by ALTER ROLE {mine} CREATEROLE;"
        )
    if found is None:
        cursor.execute(f"CREATE ROLE {name} LOGIN")
    if word and may_create:
        # Hashed here: no log of the server ever shows it.
        hashed = psycopg2.extensions.encrypt_password(
            word, role, connection.connection, "scram-sha-256"
        )
        cursor.execute(f"ALTER ROLE {name} PASSWORD %s", [hashed])


def _revoke_all(cursor: CursorWrapper, home: str, name: str) -> None:
    """Nothing stays of an earlier version but what is granted below."""
    cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA {home} FROM {name}")
    # Grants of single columns are not among those.
    cursor.execute(
        "SELECT DISTINCT quote_ident(table_name), quote_ident(column_name)"
        " FROM information_schema.column_privileges"
        " WHERE table_schema = current_schema() AND quote_ident(grantee) = %s",
        [name],
    )
    for table, column in cursor.fetchall():
        cursor.execute(f"REVOKE ALL ({column}) ON {home}.{table} FROM {name}")
    cursor.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {home} FROM {name}")
    cursor.execute(f"REVOKE ALL ON SCHEMA {home} FROM {name}")
    database = _value(cursor, "SELECT quote_ident(current_database())")
    cursor.execute(f"REVOKE ALL ON DATABASE {database} FROM {name}")
    cursor.execute(f"GRANT CONNECT ON DATABASE {database} TO {name}")


def grant_house(cursor: CursorWrapper, role: str) -> None:
    """All rows of all tables, but nothing that is append-only can be changed or deleted (H3)."""
    home, name = _value(cursor, "SELECT quote_ident(current_schema())"), _quoted(role)
    _revoke_all(cursor, home, name)
    guards = {guard.name for guard in GUARDS}
    cursor.execute(f"GRANT USAGE ON SCHEMA {home} TO {name}")
    cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {home} TO {name}")
    for table in connection.introspection.table_names(cursor):
        verbs = ["SELECT"]
        if table != "django_migrations":
            verbs.append("INSERT")
            verbs += ["UPDATE"] if f"{table}_kept" not in guards else []
            verbs += ["DELETE"] if f"{table}_undeleted" not in guards else []
        cursor.execute(f"GRANT {', '.join(verbs)} ON {home}.{_quoted(table)} TO {name}")


def _grant_liaison(cursor: CursorWrapper, home: str, liaison: str) -> None:
    """The views, and a search path on which nothing else is."""
    name = _quoted(liaison)
    _revoke_all(cursor, home, name)
    cursor.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {name}")
    for window in WINDOWS:
        table, rows = _quoted(window.table), window.rows.replace("{home}", home)
        cursor.execute(
            f"CREATE VIEW {SCHEMA}.{table} WITH (security_barrier) AS"
            f" SELECT {_columns(cursor, window)} FROM {home}.{table} WHERE {rows}"
            + (" WITH CHECK OPTION" if window.rows != "true" else "")
        )
        cursor.execute(f"GRANT {window.grants} ON {SCHEMA}.{table} TO {name}")
    cursor.execute(
        "SELECT EXISTS (SELECT 1 FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole"
        " WHERE r.rolname = %s AND s.setdatabase IN (0, (SELECT oid FROM pg_database"
        " WHERE datname = current_database())) AND %s = ANY(s.setconfig))",
        [liaison, f"search_path={SCHEMA}"],
    )
    if not cursor.fetchone()[0]:
        cursor.execute(f"ALTER ROLE {name} SET search_path = {SCHEMA}")


def _columns(cursor: CursorWrapper, window: Window) -> str:
    cursor.execute(
        "SELECT attname, quote_ident(attname), format_type(atttypid, atttypmod)"
        " FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        [_quoted(window.table)],
    )
    found = cursor.fetchall()
    unknown = set(window.columns) - {name for name, _, _ in found}
    if unknown:
        raise RolesError(f"{window.table} has no column {sorted(unknown)[0]}: run migrate first.")
    return ", ".join(
        quoted if not window.columns or name in window.columns else f"NULL::{kind} AS {quoted}"
        for name, quoted, kind in found
    )


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name.replace('"', "")))


def _value(cursor: CursorWrapper, sql: str) -> Any:
    cursor.execute(sql)
    return cursor.fetchone()[0]
