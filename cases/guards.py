"""Triggers that keep the rules even against raw SQL, on SQLite and PostgreSQL alike.

`manage.py install_guards` installs them after every `migrate`, as often as one likes: SQLite drops
the triggers of a table that a migration rebuilds. The system check fails while one is missing or
was altered.

Held here, besides the CHECK and UNIQUE constraints of the models:
    append-only      audit events, reads, approvals, receipts, files of a release
    unbroken chain   an event continues the one before it: number and hash
    state tables     objects begin in their first state; each step stands in cases/states.py
    frozen content   amounts and texts stay as submitted; a changed content needs a new hash
    second person    no decision by who asked, drafted or edited last
    evidence         an approved freeze cites an approved finding or a verified instrument per line
"""

# ruff: noqa: S608  # every name in this SQL is a constant of this file or of states.py

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from cases import states

PREFIX = "guard_"
_DIFFERS = {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}


@dataclass(frozen=True, slots=True)
class Guard:
    """One rule: before `event` on `table`, refuse with `message` where `when` is true.

    `when` is SQL for both databases; `<>?` in it stands for "differs, NULLs compared".
    """

    name: str
    table: str
    event: str
    when: str
    message: str
    is_sqlite_only: bool = False

    def condition(self, vendor: str) -> str:
        return self.when.replace("<>?", _DIFFERS[vendor])

    def sqlite(self) -> str:
        return (
            f"CREATE TRIGGER {PREFIX}{self.name} BEFORE {self.event} ON {self.table}"
            f" FOR EACH ROW WHEN {self.condition('sqlite')}"
            f" BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
        )

    def postgresql_body(self) -> str:
        row = "OLD" if self.event == "DELETE" else "NEW"
        return (
            f" BEGIN IF {self.condition('postgresql')} THEN RAISE EXCEPTION '{self.message}'"
            f" USING ERRCODE = 'check_violation'; END IF; RETURN {row}; END "
        )


def _append_only(table: str, *unique: tuple[str, ...]) -> list[Guard]:
    """No change, no deletion, and on SQLite no INSERT OR REPLACE over an existing row."""
    taken = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE "
        + " AND ".join(f"{column} = NEW.{column}" for column in columns)
        + ")"
        for columns in (("id",), *unique)
    )
    return [
        Guard(f"{table}_kept", table, "UPDATE", "1 = 1", f"{table} is append-only"),
        Guard(f"{table}_undeleted", table, "DELETE", "1 = 1", f"{table} is append-only"),
        Guard(
            f"{table}_unreplaced", table, "INSERT", taken, f"{table} is append-only",
            is_sqlite_only=True,
        ),
    ]  # fmt: skip


def _chain() -> list[Guard]:
    table, first = "cases_auditevent", "0" * 64
    guards = []
    for name, mine, same in (
        ("case", "NEW.case_id IS NOT NULL", "case_id = NEW.case_id"),
        ("system", "NEW.case_id IS NULL", "case_id IS NULL"),
    ):
        last = f"FROM {table} WHERE {same} ORDER BY seq DESC LIMIT 1"
        guards.append(
            Guard(
                f"audit_{name}_chain", table, "INSERT",
                f"{mine} AND (NEW.seq <> COALESCE((SELECT seq {last}), 0) + 1"
                f" OR NEW.prev_hash <> COALESCE((SELECT hash {last}), '{first}'))",
                "an audit event must continue its chain",
            )
        )  # fmt: skip
    return guards


def _states(table: str, start: StrEnum, pairs: Mapping[tuple[Any, Any], StrEnum]) -> list[Guard]:
    """Objects begin in `start`; each later state is one that states.py leads to."""
    steps = sorted({f"{old.value}>{new.value}" for (old, _), new in pairs.items()})
    legal = ", ".join(f"'{step}'" for step in steps)
    return [
        Guard(
            f"{table}_first_state", table, "INSERT", f"NEW.state <> '{start.value}'",
            f"{table} begins as {start.value}",
        ),
        Guard(
            f"{table}_state_step", table, "UPDATE",
            f"NEW.state <> OLD.state AND OLD.state || '>' || NEW.state NOT IN ({legal})",
            f"{table} may not take this step",
        ),
    ]  # fmt: skip


def _changed(columns: Iterable[str]) -> str:
    return "(" + " OR ".join(f"NEW.{column} <>? OLD.{column}" for column in columns) + ")"


def _parts_of_draft(table: str, parent: str, link: str, columns: Iterable[str]) -> list[Guard]:
    """Rows that belong to the content of `parent` change only while that one is a draft."""
    not_draft = f"EXISTS (SELECT 1 FROM {parent} WHERE id = {{}}.{link} AND state <> 'draft')"
    message = f"{table} belongs to what was submitted"
    new, old = not_draft.format("NEW"), not_draft.format("OLD")
    return [
        Guard(f"{table}_added", table, "INSERT", new, message),
        Guard(
            f"{table}_changed", table, "UPDATE", f"{_changed((link, *columns))} AND {old}", message
        ),
        Guard(f"{table}_removed", table, "DELETE", old, message),
    ]  # fmt: skip


def _second_person(table: str, parent: str, link: str, *people: str) -> Guard:
    return Guard(
        f"{table}_second_person", table, "INSERT",
        f"EXISTS (SELECT 1 FROM {parent} p WHERE p.id = NEW.{link} AND ("
        + " OR ".join(f"p.{person} = NEW.user_id" for person in people) + "))",
        "a second person must decide",
    )  # fmt: skip


def _findings() -> list[Guard]:
    table = "cases_finding"
    content = (
        "case_id", "kind", "severity", "statement", "tier", "confidence", "confidence_reason",
        "assumptions", "alternatives",
    )  # fmt: skip
    amount = (
        "run", "result_sha256", "policy", "outpoint", "address", "label", "asset", "value",
        "base", "low", "high",
    )  # fmt: skip
    return [
        *_states(table, states.FindingState.DRAFT, states.FINDING),
        Guard(
            "finding_content", table, "UPDATE",
            f"{_changed(content)} AND OLD.state <> 'draft'",
            "a submitted finding is edited as a draft with a new hash",
        ),
        Guard(
            "finding_hash", table, "UPDATE",
            "NEW.content_hash <> OLD.content_hash AND OLD.state <> 'draft'",
            "the hash of a submitted finding stays",
        ),
        Guard(
            "finding_decider", table, "UPDATE",
            "OLD.state = 'approved' AND NEW.reviewed_by_id <>? OLD.reviewed_by_id"
            " OR NEW.drafted_by_id <>? OLD.drafted_by_id",
            "who drafted and who approved a finding stays",
        ),
        *_parts_of_draft("cases_findingamount", table, "finding_id", amount),
        *_parts_of_draft("cases_counterevidence", table, "finding_id", ("kind", "text")),
        *_parts_of_draft("cases_finding_wallets", table, "finding_id", ("wallet_id",)),
        *_parts_of_draft("cases_finding_suspects", table, "finding_id", ("suspect_id",)),
        *_append_only("cases_findingapproval", ("finding_id", "user_id", "content_hash")),
        _second_person(
            "cases_findingapproval", table, "finding_id",
            "drafted_by_id", "last_edited_by_id", "submitted_by_id",
        ),
        Guard(
            "finding_approval_hash", "cases_findingapproval", "INSERT",
            f"NEW.content_hash <> (SELECT content_hash FROM {table} WHERE id = NEW.finding_id)",
            "an approval is of the present content",
        ),
    ]  # fmt: skip


def _freezes() -> list[Guard]:
    table, lines = "cases_freezerequest", "cases_freezeline"
    content = (
        "case_id", "legal_basis", "restriction", "urgency", "agency_id", "reason",
    )  # fmt: skip
    proven = (
        "EXISTS (SELECT 1 FROM cases_finding f WHERE f.id = l.finding_id"
        " AND f.state = 'approved')"
        " OR EXISTS (SELECT 1 FROM cases_legalinstrument i WHERE i.id = l.instrument_id"
        " AND i.verified_at IS NOT NULL)"
    )
    parent = f"EXISTS (SELECT 1 FROM {table} WHERE id = {{}}.freeze_id AND state <> 'draft')"
    waiting = (
        f"EXISTS (SELECT 1 FROM {table} WHERE id = OLD.freeze_id AND state NOT IN"
        " ('draft', 'submitted', 'in_review', 'provisional'))"
    )
    message = "a submitted freeze keeps its lines"
    return [
        *_states(table, states.FreezeState.DRAFT, states.FREEZE),
        *_states(lines, states.LineState.PLANNED, states.LINE),
        Guard(f"{lines}_added", lines, "INSERT", parent.format("NEW"), message),
        Guard(f"{lines}_removed", lines, "DELETE", parent.format("OLD"), message),
        Guard(
            f"{lines}_content", lines, "UPDATE",
            f"{_changed(('freeze_id', 'account_id', 'asset_id', 'requested'))}"
            f" AND {parent.format('OLD')}",
            message,
        ),
        # A hold placed before any finding gets its evidence before it is ratified, never another.
        Guard(
            f"{lines}_evidence", lines, "UPDATE",
            f"({_changed(('finding_id',))} AND (OLD.finding_id IS NOT NULL OR {waiting})"
            f" OR {_changed(('instrument_id',))} AND (OLD.instrument_id IS NOT NULL OR {waiting}))"
            f" AND {parent.format('OLD')}",
            "the evidence of a submitted line stays",
        ),
        Guard(
            f"{lines}_key", lines, "UPDATE",
            "NEW.idempotency_key <> OLD.idempotency_key AND OLD.state <> 'planned'",
            "a line that was sent keeps its key",
        ),
        Guard(
            "freeze_content", table, "UPDATE",
            f"{_changed(content)} AND OLD.state <> 'draft'"
            " AND NEW.content_hash = OLD.content_hash",
            "a changed freeze needs a new hash",
        ),
        Guard(
            "freeze_hash", table, "UPDATE",
            "NEW.content_hash <> OLD.content_hash"
            " AND OLD.state NOT IN ('draft', 'submitted', 'in_review', 'provisional')",
            "the hash of a decided freeze stays",
        ),
        Guard(
            "freeze_people", table, "UPDATE",
            "NEW.requested_by_id <> OLD.requested_by_id"
            " OR (OLD.approved_by_id IS NOT NULL AND NEW.approved_by_id <>? OLD.approved_by_id)"
            " OR (OLD.provisional_by_id IS NOT NULL"
            " AND NEW.provisional_by_id <>? OLD.provisional_by_id)",
            "who asked for a freeze and who decided it stays",
        ),
        Guard(
            "freeze_evidence", table, "UPDATE",
            "OLD.state IN ('in_review', 'provisional') AND NEW.state IN ('approved', 'active')"
            f" AND (NOT EXISTS (SELECT 1 FROM {lines} l WHERE l.freeze_id = NEW.id)"
            f" OR EXISTS (SELECT 1 FROM {lines} l WHERE l.freeze_id = NEW.id AND NOT ({proven})))",
            "each line cites an approved finding or a verified instrument",
        ),
        Guard(
            "freeze_undeleted", table, "DELETE", "OLD.state <> 'draft'",
            "a submitted freeze is never deleted",
        ),
        *_append_only("cases_freezeapproval", ("freeze_id", "user_id", "content_hash")),
        _second_person(
            "cases_freezeapproval", table, "freeze_id",
            "requested_by_id", "last_edited_by_id", "provisional_by_id",
        ),
        *_append_only("cases_freezereceipt", ("kind", "external_ref")),
        Guard(
            "instrument_content", "cases_legalinstrument", "UPDATE",
            "OLD.verified_at IS NOT NULL AND " + _changed((
                "case_id", "type", "number", "agency_id", "issued_by", "issued_on", "valid_until",
                "jurisdiction", "document_sha256", "recorded_by_id", "verified_by_id",
                "verified_at",
            )),
            "a verified instrument stays as verified",
        ),
        *_states("cases_outboxmessage", states.OutboxState.PENDING, states.OUTBOX),
        Guard(
            "outbox_content", "cases_outboxmessage", "UPDATE",
            _changed(("id", "case_id", "line_id", "kind")), "an order keeps its key and its line",
        ),
    ]  # fmt: skip


def _referrals() -> list[Guard]:
    table, release = "cases_referral", "cases_sharedrelease"
    return [
        *_states(table, states.ReferralState.DRAFT, states.REFERRAL),
        *_states(release, states.ReleaseState.SEALED, states.RELEASE),
        *_append_only("cases_referralapproval", ("referral_id", "user_id", "content_hash", "step")),
        _second_person(
            "cases_referralapproval", table, "referral_id", "drafted_by_id", "last_edited_by_id"
        ),
        *(
            guard
            for guard in _append_only(release, ("public_id",), ("number",))
            if not guard.name.endswith("_kept")
        ),
        Guard(
            "release_content", release, "UPDATE",
            _changed((
                "public_id", "referral_id", "agency_id", "number", "version", "dossier", "sha256",
                "manifest", "audit_seq", "audit_hash", "sealed_by_id", "sealed_at",
                "supersedes_id",
            )),
            "the content of a release never changes",
        ),
        *_append_only("cases_releasefile", ("release_id", "name")),
    ]  # fmt: skip


GUARDS: tuple[Guard, ...] = (
    *_append_only("cases_auditevent", ("case_id", "seq")),
    *_chain(),
    *_append_only("cases_readevent"),
    *_states("cases_case", states.CaseState.INTAKE, states.CASE),
    *_findings(),
    *_freezes(),
    *_referrals(),
)
# PostgreSQL empties a table without firing row triggers.
UNTRUNCATED = tuple(sorted({g.table for g in GUARDS if g.name == f"{g.table}_undeleted"}))
_TRUNCATE_BODY = (
    " BEGIN RAISE EXCEPTION 'this table is append-only' USING ERRCODE = 'check_violation'; END "
)


def _expected(vendor: str) -> dict[str, tuple[str, str]]:
    """Name of each trigger to its table and its text (PostgreSQL: the function's body)."""
    if vendor == "sqlite":
        return {f"{PREFIX}{g.name}": (g.table, g.sqlite()) for g in GUARDS}
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
        " WHERE NOT t.tgisinternal AND t.tgenabled = 'A'"
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


def install_guards(using: str = "default") -> int:
    """Drop our triggers and create them anew, in one transaction; returns how many stand."""
    connection = connections[using]
    with transaction.atomic(using=using):
        remove_guards(using)
        with connection.cursor() as cursor:
            for name, (table, text) in _expected(connection.vendor).items():
                if connection.vendor == "sqlite":
                    cursor.execute(text)
                    continue
                cursor.execute(
                    f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger"
                    f" LANGUAGE plpgsql AS $guard${text}$guard$"
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
    """Drop our triggers. Only `install_guards` and the emptying of a test database may."""
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
    return errors
