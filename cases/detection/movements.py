"""What rules read and what they say: plain values."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

INWARD = frozenset({"deposit", "fiat_in", "internal_in"})
OUTWARD = frozenset({"withdrawal", "fiat_out", "internal_out"})
TRADES = frozenset({"conversion", "trade"})
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Touch:
    """Where the money of a movement met a kind of address on the ledger.

    hops: transactions between; share_pct: how much of the movement, by haircut; `label` names the
    keeper. Of the provider behind it: `rating`, whether `is_registered` where it should be,
    whether its country `is_high_risk` and whether it `is_ruled`; None where nobody knows.
    """

    category: str
    hops: int = 1
    share_pct: int = 100
    label: str = ""
    rating: str = ""
    is_registered: bool | None = None
    is_high_risk: bool | None = None
    is_ruled: bool | None = None
    # What of the movement must be and what can be of that origin, whatever the policy.
    low_pct: int = 0
    high_pct: int = 100


@dataclass(frozen=True, slots=True)
class Event:
    """What happened around an account beside its money: an access, a change, a question."""

    ref: str
    kind: str
    at: datetime
    ip: str = ""
    country: str = ""
    detail: str = ""


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
    other: str = ""  # names the account on the other side of a transfer or trade
    address: str = ""  # paid, of a withdrawal
    sources: tuple[str, ...] = ()  # addresses that paid a deposit, where the ledger shows them
    ip: str = ""
    touches: tuple[Touch, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """What rules know of an account beside its movements."""

    uid: str
    opened_on: date | None = None
    # The first movement on record of anybody: before it nobody's silence means anything.
    known_from: datetime | None = None
    known_to: datetime | None = None  # the last one: what is silent then has been silent till then
    country: str = ""
    birth_on: date | None = None
    median_birth_on: date | None = None  # of all customers with a day of birth
    income: Decimal | None = None  # declared, a year
    expected: Decimal | None = None  # volume a month, as the customer said
    events: tuple[Event, ...] = ()
    shared: tuple[tuple[str, str], ...] = ()  # (account of another customer, what is shared)
    named: tuple[tuple[str, str, int], ...] = ()  # (own address, category of a tag, confidence)
    # (when, asset, value) of other customers' deposits soon after this one paid an exchanger.
    deposits_of_others: tuple[tuple[datetime, str, Decimal], ...] = ()


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


def event_hit(events: list[Event], *values: Value) -> Hit:
    """A hit on events: no movement stands behind it, so no amount does."""
    return Hit(
        tuple(each.ref for each in events),
        values,
        ZERO,
        min(each.at for each in events),
        max(each.at for each in events),
    )
