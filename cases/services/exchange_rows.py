"""Reading the exchange's CSV files: each cell typed, each fault named by its line."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, TypeVar

from cases.models.account_events import EVENT_KINDS
from cases.models.fields import parse_base_units
from cases.services.errors import ImportRefused
from tracing import reads

_DECIMAL = re.compile(r"[0-9]{1,14}(\.[0-9]{1,10})?")
_MONEY = re.compile(r"[0-9]{1,14}(\.[0-9]{1,2})?")
_WORD = re.compile(r"[\x21-\x7e]+")

Parse = Callable[[str], Any]
T = TypeVar("T")


def text(maximum: int) -> Parse:
    """A text of 1 to `maximum` characters."""

    def parse(cell: str) -> str:
        if not 1 <= len(cell) <= maximum or not cell.isprintable():
            raise ValueError(f"must be 1 to {maximum} printable characters.")
        return cell

    return parse


def word(maximum: int) -> Parse:
    """A name without blanks, such as a uid, an address or a transaction id."""
    limited = text(maximum)

    def parse(cell: str) -> str:
        if not _WORD.fullmatch(cell):
            raise ValueError("must be a word without blanks.")
        return str(limited(cell))

    return parse


def one_of(*values: str) -> Parse:
    """One of a few words."""
    known = frozenset(values)

    def parse(cell: str) -> str:
        if cell not in known:
            raise ValueError(f"must be one of {', '.join(values)}.")
        return cell

    return parse


def optional(parse: Parse, empty: Any = None) -> Parse:
    """An empty cell gives `empty`."""
    return lambda cell: parse(cell) if cell else empty


def base_units(cell: str) -> int:
    """An amount in base units: 1 to 78 digits, never a fraction."""
    try:
        return parse_base_units(cell)
    except ValueError:
        raise ValueError("must be a whole number of base units.") from None


def small_number(cell: str) -> int:
    """Decimals of an asset, 0 to 30."""
    value = base_units(cell)
    if value > 30:
        raise ValueError("must be 0 to 30.")
    return value


def price(cell: str) -> Decimal:
    """A positive price with up to ten decimals."""
    if not _DECIMAL.fullmatch(cell) or not Decimal(cell):
        raise ValueError("must be a positive price with a point, such as 97000.50.")
    return Decimal(cell)


def money(cell: str) -> Decimal:
    """An amount in the reporting currency, with two decimals at most."""
    if not _MONEY.fullmatch(cell):
        raise ValueError("must be an amount with a point, such as 52000.50.")
    return Decimal(cell)


def yes_or_no(cell: str) -> bool | None:
    """`yes` or `no`; empty where nobody knows."""
    try:
        return {"": None, "yes": True, "no": False}[cell]
    except KeyError:
        raise ValueError("must be yes, no or empty.") from None


def moment(cell: str) -> datetime:
    """A time with its zone, such as 2025-05-20T13:56:00Z."""
    try:
        value = datetime.fromisoformat(cell)
        if value.tzinfo is not None:
            return value.astimezone(UTC)
    except (ValueError, OverflowError):  # in UTC it would lie before year 1 or after 9999
        pass
    raise ValueError("must be a time with its zone, such as 2025-05-20T13:56:00Z.")


def day(cell: str) -> date:
    """A day, such as 2025-05-20."""
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise ValueError("must be a day, such as 2025-05-20.") from None


LEDGER = word(24)
ACCOUNT = word(40)
ASSET = word(120)

COLUMNS: Mapping[str, Mapping[str, Parse]] = {
    "assets.csv": {"asset": ASSET, "symbol": word(12), "decimals": small_number},
    "accounts.csv": {
        "uid": ACCOUNT,
        "customer": word(40),
        "holder_name": text(150),
        "country": word(2),
        "kind": one_of("main", "sub"),
        "opened_on": optional(day),
        "state": one_of(
            "active", "restricted", "withdrawals_blocked", "frozen", "seized", "closed"
        ),
        "kyc_level": optional(word(12), ""),
    },
    "deposit_addresses.csv": {
        "ledger": LEDGER,
        "address": word(100),
        "account": ACCOUNT,
        "assigned_from_at": moment,
        "assigned_to_at": optional(moment),
    },
    "own_addresses.csv": {
        "ledger": LEDGER,
        "address": word(100),
        "kind": one_of("hot", "cold", "sweep"),
    },
    "balances.csv": {"account": ACCOUNT, "asset": ASSET, "base": base_units, "at": moment},
    "movements.csv": {
        "ref": word(40),
        "kind": one_of(
            "deposit", "withdrawal", "conversion", "internal_transfer", "trade", "fiat_in",
            "fiat_out",
        ),
        "account": ACCOUNT,
        "counter_account": optional(ACCOUNT),
        "asset": ASSET,
        "base": base_units,
        "asset_out": optional(ASSET),
        "base_out": optional(base_units),
        "fee_asset": optional(ASSET),
        "fee_base": optional(base_units),
        "at": moment,
        "txid": optional(word(100), ""),
        "status": word(16),
        "address": optional(word(120), ""),
        "ip": optional(word(45), ""),
    },
    "prices.csv": {
        "asset": ASSET,
        "currency": word(3),
        "price": price,
        "at": moment,
        "source": text(60),
        "method": one_of("spot", "close", "vwap"),
    },
    "links.csv": {
        "account": ACCOUNT,
        "other_account": ACCOUNT,
        "link": one_of("device", "withdrawal_address"),
        "basis": text(120),
    },
    "profiles.csv": {
        "account": ACCOUNT,
        "birth_on": optional(day),
        "yearly_income": optional(money),
        "monthly_volume": optional(money),
    },
    "events.csv": {
        "ref": word(40),
        "account": ACCOUNT,
        "kind": one_of(*(kind for kind, _words in EVENT_KINDS)),
        "at": moment,
        "ip": optional(word(45), ""),
        "country": optional(word(2), ""),
        "detail": optional(text(500), ""),
    },
    "providers.csv": {
        "name": text(120),
        "country": optional(word(2), ""),
        "rating": optional(one_of("strong", "weak", "none"), ""),
        "is_registered": yes_or_no,
        "is_high_risk": yes_or_no,
        "is_ruled": yes_or_no,
    },
}  # fmt: skip
REQUIRED = ("assets.csv", "accounts.csv")


Columns = dict[str, list[Any]]


class Source:
    """Rows of one kind, read as batches of typed columns, wherever they come from.

    A column is parsed at once and each of its values once: most cells of a book are an asset, a
    kind or a state that has been seen before. Which row is at fault is asked when one is.
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """What the rows are called, such as `accounts.csv`."""
        raise NotImplementedError

    @property
    def parsers(self) -> Mapping[str, Parse]:
        """How each column is read, in order."""
        return COLUMNS[f"{self.name.rpartition('.')[0] or self.name}.csv"]

    def batches(self, size: int) -> "Iterator[Batch]":
        """The rows, `size` at a time. Raises ImportRefused."""
        raise NotImplementedError

    def refuse(self, row: int | None, reason: str) -> ImportRefused:
        """The error for a row, counted from 0, or for all of it; raise it."""
        raise NotImplementedError

    def typed(self, before: int, rows: list[list[str]]) -> Columns:
        """Some rows as columns, `before` of them read earlier. Raises ImportRefused."""
        parsers = self.parsers
        if set(map(len, rows)) != {len(parsers)}:
            raise self._first_fault(before, rows)
        columns = {}
        for (column, parse), cells in zip(parsers.items(), zip(*rows, strict=True), strict=True):
            try:
                values = {cell: parse(cell) for cell in set(cells)}
            except ValueError:
                raise self._first_fault(before, rows) from None
            columns[column] = [values[cell] for cell in cells]
        return columns

    def _first_fault(self, before: int, rows: list[list[str]]) -> ImportRefused:
        """The error for the first row that is not of the form; there is one."""
        parsers = self.parsers
        for row, cells in enumerate(rows, before):
            if len(cells) != len(parsers):
                return self.refuse(row, f"it has {len(cells)} cells in place of {len(parsers)}.")
            for (column, parse), cell in zip(parsers.items(), cells, strict=True):
                try:
                    parse(cell)
                except ValueError as error:
                    shown = cell if len(cell) <= 40 else cell[:37] + "..."
                    return self.refuse(row, f"{column} {shown!r} {error}")
        raise AssertionError("a fault was seen and is gone")


@dataclass(frozen=True, slots=True)
class ExchangeFile(Source):
    """One CSV file of the exchange's records."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def batches(self, size: int) -> "Iterator[Batch]":
        """The rows, `size` at a time, blank lines left out. Raises ImportRefused."""
        try:
            with self._open() as file:
                reader = csv.reader(file, strict=True)
                wanted = list(self.parsers)
                if next(reader, None) != wanted:
                    raise ImportRefused(self.name, 1, f"the first line must be {','.join(wanted)}.")
                rows = filter(None, reader)
                before = 0
                while batch := list(islice(rows, size)):
                    yield Batch(self, before, self.typed(before, batch))
                    before += len(batch)
        except UnicodeDecodeError:
            raise self.refuse(None, "the text is not UTF-8.") from None
        except csv.Error as error:
            raise self.refuse(None, f"no CSV line: {error}.") from None
        except OSError as error:
            raise ImportRefused(self.name, 0, f"it cannot be read: {error.strerror}.") from None

    def refuse(self, row: int | None, reason: str) -> ImportRefused:
        """The error for a row, counted from 0, or for the first that is none; raise it.

        Cost: reads the file again as far as that row, since rows do not know their lines.
        """
        line = 0
        try:
            with self._open() as file:
                reader = csv.reader(file, strict=True)
                for number, _cells in enumerate(filter(None, reader), -1):  # the first names them
                    line = reader.line_num
                    if number == row:
                        return ImportRefused(self.name, line, reason)
        except (UnicodeDecodeError, csv.Error):
            pass
        return ImportRefused(self.name, line + 1, reason)

    def _open(self) -> TextIO:
        return self.path.open(encoding="utf-8-sig", newline="")


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file by column, `before` of them read earlier."""

    file: Source
    before: int
    columns: Columns

    def refuse(self, index: int, reason: str) -> ImportRefused:
        """The error for one of its rows, counted from 0; raise it."""
        return self.file.refuse(self.before + index, reason)

    def rows(self, *names: str) -> Iterator[tuple[Any, ...]]:
        """Some columns, row by row."""
        return zip(*(self.columns[name] for name in names), strict=True)

    def look_up(self, column: str, known: Mapping[str, T], where: str) -> list[T | None]:
        """What stands for each name of a column; None for none. Raises ImportRefused."""
        names = self.columns[column]
        found = {None: None, **{name: known.get(name) for name in set(names) - {None}}}
        for name, value in found.items():
            if name is not None and value is None:
                raise self.refuse(names.index(name), f"{name!r} is in no {where}.")
        return [found[name] for name in names]

    def canonical_addresses(self) -> list[str]:
        """The canonical form of each address. Raises ImportRefused."""
        addresses = []
        for index, (ledger, address) in enumerate(self.rows("ledger", "address")):
            try:
                addresses.append(canonical_address(ledger, address))
            except reads.AddressError as error:
                raise self.refuse(index, f"address {address!r} is no address: {error}") from None
        return addresses


def canonical_address(ledger: str, address: str) -> str:
    """The canonical form of an address on a ledger that can be traced; others stand as given.

    Raises AddressError.
    """
    if not ledger.startswith("bitcoin") and not reads.is_account_ledger(ledger):
        return address
    return reads.parse_address(address).canonical
