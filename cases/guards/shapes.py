"""One guard as a trigger of either database, and the shapes that guards come in."""

# ruff: noqa: S608  # every name in this SQL is a constant of this package or of states.py

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cases.states import POLICY, PolicyState

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
    is_postgresql_only: bool = False

    def condition(self, vendor: str) -> str:
        """`when` in the words of this database."""
        return self.when.replace("<>?", _DIFFERS[vendor])

    def sqlite(self) -> str:
        """The whole trigger for SQLite."""
        return (
            f"CREATE TRIGGER {PREFIX}{self.name} BEFORE {self.event} ON {self.table}"
            f" FOR EACH ROW WHEN {self.condition('sqlite')}"
            f" BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
        )

    def postgresql_body(self) -> str:
        """The body of the trigger's function for PostgreSQL."""
        row = "OLD" if self.event == "DELETE" else "NEW"
        return (
            f" BEGIN IF {self.condition('postgresql')} THEN RAISE EXCEPTION '{self.message}'"
            f" USING ERRCODE = 'check_violation'; END IF; RETURN {row}; END "
        )


def append_only(table: str, *unique: tuple[str, ...]) -> list[Guard]:
    """No change, no deletion, and no replacement."""
    return [
        Guard(f"{table}_kept", table, "UPDATE", "1 = 1", f"{table} is append-only"),
        Guard(f"{table}_undeleted", table, "DELETE", "1 = 1", f"{table} is append-only"),
        never_replaced(table, *unique),
    ]


def never_replaced(table: str, *unique: tuple[str, ...]) -> Guard:
    """On SQLite no INSERT OR REPLACE over an existing row, which fires no delete trigger."""
    taken = " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE "
        + " AND ".join(f"{column} = NEW.{column}" for column in columns)
        + ")"
        for columns in (("id",), *unique)
    )
    return Guard(
        f"{table}_unreplaced", table, "INSERT", taken, f"{table} is append-only",
        is_sqlite_only=True,
    )  # fmt: skip


def state_table(
    table: str, start: StrEnum, pairs: Mapping[tuple[Any, Any], StrEnum]
) -> list[Guard]:
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


def changed(columns: Iterable[str]) -> str:
    """SQL that is true where an update changes one of these columns."""
    return "(" + " OR ".join(f"NEW.{column} <>? OLD.{column}" for column in columns) + ")"


def proposal(
    table: str,
    columns: Iterable[str],
    what: str,
    also: str = "",
    steps: Mapping[tuple[Any, Any], StrEnum] = POLICY,
) -> list[Guard]:
    """A rule of the house stays as one person proposed it, and who decided it stays.

    `also` is more SQL that is true where the content changes, for columns that do not compare;
    `steps` is the table of its states, which begins as that of policies does.
    """
    kept = ("id", "public_id", *columns, "reason", "proposed_by_id", "proposed_at", "content_hash")
    decided = f"OLD.decided_by_id IS NOT NULL AND {changed(('decided_by_id', 'decided_at'))}"
    return [
        *state_table(table, PolicyState.PROPOSED, steps),
        Guard(
            f"{table}_content", table, "UPDATE", f"{changed(kept)}{also} OR ({decided})",
            f"{what} stays as it was proposed and decided",
        ),
        Guard(f"{table}_undeleted", table, "DELETE", "1 = 1", f"{table} is kept"),
        never_replaced(table, ("public_id",)),
    ]  # fmt: skip


def parts_of_draft(table: str, parent: str, link: str, columns: Iterable[str]) -> list[Guard]:
    """Rows that belong to the content of `parent` change only while that one is a draft."""
    not_draft = f"EXISTS (SELECT 1 FROM {parent} WHERE id = {{}}.{link} AND state <> 'draft')"
    message = f"{table} belongs to what was submitted"
    new, old = not_draft.format("NEW"), not_draft.format("OLD")
    return [
        Guard(f"{table}_added", table, "INSERT", new, message),
        Guard(
            f"{table}_changed", table, "UPDATE", f"{changed((link, *columns))} AND {old}", message
        ),
        Guard(f"{table}_removed", table, "DELETE", old, message),
    ]  # fmt: skip


def second_person(table: str, parent: str, link: str, *people: str) -> Guard:
    """No decision on a row of `parent` by one of the `people` in its columns."""
    return Guard(
        f"{table}_second_person", table, "INSERT",
        f"EXISTS (SELECT 1 FROM {parent} p WHERE p.id = NEW.{link} AND ("
        + " OR ".join(f"p.{person} = NEW.user_id" for person in people) + "))",
        "a second person must decide",
    )  # fmt: skip
