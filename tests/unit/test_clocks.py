"""Clocks without a database: months, working days, which rule fits, and the shipped table."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from cases.clocks import LONGEST, UNITS, ends_at, known_clocks, nearest
from cases.models.clocks import CLOCK_ACTS

pytestmark = pytest.mark.once


def day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "length", "unit", "end"),
    [
        (day(2026, 1, 31), 1, "months", day(2026, 2, 28)),
        (day(2027, 8, 31), 6, "months", day(2028, 2, 29)),
        (day(2026, 12, 15), 1, "months", day(2027, 1, 15)),
        (day(2026, 11, 20), 1, "working_days", day(2026, 11, 23)),  # a Friday
        (day(2026, 11, 21), 10, "working_days", day(2026, 12, 4)),  # a Saturday
        (day(2026, 11, 20), 3, "days", day(2026, 11, 23)),
        (day(2026, 11, 20), 48, "hours", day(2026, 11, 22)),
    ],
)
def test_a_clock_ends_on_the_day_that_its_unit_says(
    start: datetime, length: int, unit: str, end: datetime
) -> None:
    assert ends_at(start, length, unit) == end


def test_an_unknown_unit_is_no_clock() -> None:
    with pytest.raises(ValueError, match="moons"):
        ends_at(day(2026, 1, 1), 1, "moons")


@dataclass
class Rule:
    act: str = "freeze"
    country: str = ""
    agency_id: int | None = None


def test_the_authority_counts_before_its_country_and_that_before_all() -> None:
    of_all, of_country, of_agency = Rule(), Rule(country="TW"), Rule(agency_id=7)
    rules = [of_all, of_country, of_agency, Rule(act="report", country="TW")]
    assert nearest(rules, "freeze", "TW", 7) is of_agency
    assert nearest(rules, "freeze", "TW", 8) is of_country
    assert nearest(rules, "freeze", "US", None) is of_all
    assert nearest(rules, "answer", "US", None) is None


def test_every_shipped_clock_can_be_proposed_as_it_stands() -> None:
    known = known_clocks()
    assert len({each.id for each in known}) == len(known) >= 5
    for each in known:
        assert each.act in dict(CLOCK_ACTS)
        assert each.unit in UNITS
        assert 1 <= each.length <= LONGEST[each.unit]
        assert len(each.country) == 2
        assert "verified" in each.source, "nobody takes it for checked"
