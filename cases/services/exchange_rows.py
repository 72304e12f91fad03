"""Reading the exchange's CSV files: row by row, each cell typed, each fault named by its line."""

import csv
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from cases.models.fields import parse_base_units
from cases.services.errors import ImportRefused
from tracing import reads

_DECIMAL = re.compile(r"[0-9]{1,14}(\.[0-9]{1,10})?")
_WORD = re.compile(r"[\x21-\x7e]+")

Parse = Callable[[str], Any]


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
}  # fmt: skip
REQUIRED = ("assets.csv", "accounts.csv")


@dataclass(slots=True)
class RowReader:
    """The typed rows of one file; `line` is the one last read, for messages about its meaning."""

    path: Path
    line: int = 0

    @property
    def name(self) -> str:
        return self.path.name

    def refuse(self, reason: str) -> ImportRefused:
        """The error for the present line; raise it."""
        return ImportRefused(self.name, self.line, reason)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Each row as column name to value, streamed. Raises ImportRefused."""
        parsers = COLUMNS[self.name]
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                yield from self._rows(csv.reader(file, strict=True), list(parsers.items()))
        except UnicodeDecodeError:
            raise ImportRefused(self.name, self.line + 1, "the text is not UTF-8.") from None
        except csv.Error as error:
            raise ImportRefused(self.name, self.line + 1, f"no CSV line: {error}.") from None
        except OSError as error:
            raise ImportRefused(self.name, 0, f"it cannot be read: {error.strerror}.") from None

    def _rows(self, reader: Any, parsers: list[tuple[str, Parse]]) -> Iterator[dict[str, Any]]:
        header = next(reader, None)
        self.line = 1
        if header != [column for column, _parse in parsers]:
            wanted = ",".join(column for column, _parse in parsers)
            raise self.refuse(f"the first line must be {wanted}.")
        for cells in reader:
            self.line = reader.line_num
            if not cells:
                continue
            if len(cells) != len(parsers):
                raise self.refuse(f"it has {len(cells)} cells in place of {len(parsers)}.")
            yield self._row(cells, parsers)

    def _row(self, cells: list[str], parsers: list[tuple[str, Parse]]) -> dict[str, Any]:
        row = {}
        for (column, parse), cell in zip(parsers, cells, strict=True):
            try:
                row[column] = parse(cell)
            except ValueError as error:
                shown = cell if len(cell) <= 40 else cell[:37] + "..."
                raise self.refuse(f"{column} {shown!r} {error}") from None
        return row


def check_address(reader: RowReader, ledger: str, address: str) -> str:
    """The canonical form of an address on a ledger that can be traced; others stand as given."""
    if not ledger.startswith("bitcoin") and not reads.is_account_ledger(ledger):
        return address
    try:
        parsed = reads.parse_address(address)
    except reads.AddressError as error:
        raise reader.refuse(f"address {address!r} is no address: {error}") from None
    return parsed.canonical


def once(reader: RowReader, seen: set[Hashable], key: Hashable, what: str) -> None:
    """Refuse a second row with the same key in one file."""
    if key in seen:
        raise reader.refuse(f"{what} stands twice in this file.")
    seen.add(key)
