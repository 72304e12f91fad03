"""Clocks: how long something lasts, by which rule, and the rules one may start a proposal from.

Pure: times come in, times go out. Which rule is in force stands in rows (models/clocks.py).
"""

import tomllib
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Protocol, TypeVar
from uuid import UUID

UNITS = ("hours", "days", "working_days", "months")
LONGEST = {"hours": 720, "days": 3660, "working_days": 365, "months": 120}
HOUSE = "House rule; no law is named for it."
SHIPPED = Path(__file__).with_name("clocks.toml")


@dataclass(frozen=True, slots=True)
class Clock:
    """How long something lasts, when to warn before its end, and who says so.

    `rule` is the row in force; None for the default of this house.
    """

    act: str
    length: int
    unit: str
    warn_hours: tuple[int, ...] = ()
    source: str = HOUSE
    rule: UUID | None = None

    def ends(self, start: datetime) -> datetime:
        """When it runs out, counted from `start`."""
        return ends_at(start, self.length, self.unit)

    @property
    def fact(self) -> dict[str, object]:
        """What an event says of the clock that it went by."""
        return {
            "length": self.length, "unit": self.unit, "source": self.source,
            "rule": str(self.rule) if self.rule else None,
        }  # fmt: skip


class RuleRow(Protocol):
    """What is asked of a stored rule."""

    @property
    def act(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def agency_id(self) -> int | None: ...


Row = TypeVar("Row", bound=RuleRow)

# What holds where no rule is in force; an act without an entry has no clock then.
DEFAULTS: Mapping[str, Clock] = {
    "provisional_hold": Clock("provisional_hold", 24, "hours", (12, 4, 1)),
    "freeze": Clock("freeze", 0, "days", (12, 4, 1)),  # length 0: as long as was asked for
    "answer": Clock("answer", 30, "days"),
    "preserve": Clock("preserve", 90, "days"),
    "finding_ended": Clock("finding_ended", 2, "days"),
    "triage": Clock("triage", 5, "working_days"),
}


def ends_at(start: datetime, length: int, unit: str) -> datetime:
    """`start` plus so many units; the time of day stays.

    A month ends on the same day, or on the last one of a shorter month. Working days are Monday to
    Friday: public holidays are not known here. Raises ValueError for an unknown unit.
    """
    match unit:
        case "hours":
            return start + timedelta(hours=length)
        case "days":
            return start + timedelta(days=length)
        case "months":
            years, month = divmod(start.month - 1 + length, 12)
            year, month = start.year + years, month + 1
            return start.replace(
                year=year, month=month, day=min(start.day, monthrange(year, month)[1])
            )
        case "working_days":
            end = start
            while length:
                end += timedelta(days=1)
                length -= end.weekday() < 5
            return end
    raise ValueError(f"unknown unit {unit!r}")


def nearest(rules: Iterable[Row], act: str, country: str, agency_id: int | None) -> Row | None:
    """The rule that fits best: of the authority, else of its country, else of no country."""
    fitting = [
        rule for rule in rules
        if rule.act == act
        and rule.agency_id in (None, agency_id)
        and rule.country in ("", country)
    ]  # fmt: skip
    return max(fitting, key=lambda rule: (rule.agency_id is not None, rule.country), default=None)


@dataclass(frozen=True, slots=True)
class KnownClock:
    """A clock of the law as shipped: where to begin a proposal; it holds for nobody by itself."""

    id: str
    act: str
    country: str
    length: int
    unit: str
    warn_hours: tuple[int, ...]
    source: str


@lru_cache(maxsize=1)
def known_clocks() -> tuple[KnownClock, ...]:
    """The shipped table, in its order."""
    table = tomllib.loads(SHIPPED.read_text("utf-8"))
    return tuple(
        KnownClock(**row | {"warn_hours": tuple(row["warn_hours"])}) for row in table["clock"]
    )
