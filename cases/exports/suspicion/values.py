"""What a report says, whatever form it takes: values in, and the bytes with what did not fit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any


class CannotRender(ValueError):
    """The report lacks what the receiver's form demands; the sentence names it."""


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as the receiver's form asks for one."""

    first_name: str
    last_name: str
    original_name: str
    gender: str
    birth_on: date | None
    id_number: str
    id_type: str
    id_issued_on: date | None
    id_expires_on: date | None
    id_country: str
    nationality: str
    residence: str
    phone: str


@dataclass(frozen=True, slots=True)
class CustomerAccount:
    """Our customer's account with the person behind it."""

    uid: str
    customer: str
    opened_on: date | None
    state: str
    country: str
    person: Person


@dataclass(frozen=True, slots=True)
class Movement:
    """One transaction of the report, seen from the customer's account `uid`."""

    ref: str
    kind: str
    uid: str
    at: datetime
    symbol: str
    base: int
    decimals: int
    fiat: Decimal
    txid: str = ""
    chain: str = ""
    address: str = ""
    counter_uid: str = ""
    symbol_out: str = ""
    base_out: int = 0
    decimals_out: int = 0


@dataclass(frozen=True, slots=True)
class Institution:
    """Who reports: the exchange."""

    rentity_id: int
    name: str
    code: str
    branch: str
    country: str
    first_name: str
    last_name: str
    us: Mapping[str, Any] = field(default_factory=dict)  # what FinCEN asks of a filer


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the file says. `local_rate`: local currency for one unit of `currency`."""

    reference: str
    code: str
    submitted_at: datetime
    institution: Institution
    reason: str
    action: str
    indicators: tuple[str, ...]
    accounts: tuple[CustomerAccount, ...]
    movements: tuple[Movement, ...]
    currency: str
    local_rate: Decimal
    kind: str = "initial"  # or amendment, continuing
    prior: str = ""  # the receiver's number of the report before


@dataclass(frozen=True, slots=True)
class Loss:
    """A value that did not fit: where, what became of it, and where the whole value is."""

    field: str
    what: str
    whole: str


@dataclass(slots=True)
class Rendered:
    """The file and what it could not carry."""

    content: bytes
    losses: list[Loss] = field(default_factory=list)
