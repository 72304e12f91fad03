"""What rules read and what they say: plain values."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

INWARD = frozenset({"deposit", "fiat_in", "internal_in"})
OUTWARD = frozenset({"withdrawal", "fiat_out", "internal_out"})
TRADES = frozenset({"conversion", "trade"})
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of an account's history; an internal transfer is `internal_out` or `internal_in`.

    `fiat` is the value in the reporting currency at that time, None without a price: a rule about
    amounts leaves such a line out. `sender` names the customer who paid an `internal_in`.
    """

    ref: str
    kind: str
    at: datetime
    asset: str
    base: int
    fiat: Decimal | None
    sender: str = ""
    asset_out: str = ""
    fiat_out: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What rules know of an account beside its movements."""

    uid: str
    opened_on: date | None = None
    # The first movement on record of anybody: before it nobody's silence means anything.
    known_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """One figure that made a rule fire, beside the limit it was held against."""

    name: str
    found: str
    limit: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule fired: on these records, by these values."""

    refs: tuple[str, ...]
    values: tuple[Value, ...]
    fiat: Decimal
    first_at: datetime
    last_at: datetime


def hit(movements: list[Movement], *values: Value, fiat: Decimal | None = None) -> Hit:
    """A hit on these movements; `fiat` is the sum of their values unless given."""
    if fiat is None:
        fiat = sum((each.fiat or ZERO for each in movements), ZERO)
    return Hit(
        tuple(each.ref for each in movements),
        values,
        fiat,
        min(each.at for each in movements),
        max(each.at for each in movements),
    )
