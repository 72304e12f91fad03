"""How long the file of a case is kept after it was closed: classes by kind of case.

Laws differ by country: each source names what a house's counsel has to check, none was checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """So many years from the day of closing; `source` says where the number comes from."""

    years: int
    source: str


STANDARD = RetentionClass(5, "FATF Recommendation 11: at least five years (counsel to check)")
LONG = RetentionClass(10, "Sanctions and terrorist financing: ten years (counsel to check)")
CLASSES: Mapping[str, RetentionClass] = {"sanctions": LONG, "terrorist_financing": LONG}


def class_of(case_type: str) -> RetentionClass:
    """The class of a kind of case; five years where nothing else is said."""
    return CLASSES.get(case_type, STANDARD)


def kept_until(case_type: str, closed_on: date) -> date:
    """The last day on which the file must be there; one closed on 29 February ends on the 28th."""
    year = closed_on.year + class_of(case_type).years
    try:
        return closed_on.replace(year=year)
    except ValueError:
        return closed_on.replace(year=year, day=28)
