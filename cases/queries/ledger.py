"""The freeze ledger: what was asked for, executed, released and is held, line by line.

    requested = executed + short        executed = the hold receipts
    executed  = released + seized + held
    released, seized, transferred (of what was seized) = the receipts of each kind

Amounts are base units and never summed over different assets; fiat is the value at execution,
which a release splits to the cent, and the value of what is held at the latest price.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from cases.models import FreezeLine, FreezeReceipt, OutboxMessage
from cases.policy import Actor
from cases.queries.money import ZERO, AssetPrice, latest_prices, parts_at_execution, value_of

HELD_BY = {"hold": 1, "release": -1, "seizure": -1}  # a transfer moves what is held no longer


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line with its two sides; fiat None where nothing was executed or no price is known."""

    line: FreezeLine
    executed_fiat: Decimal | None
    released_fiat: Decimal | None
    seized_fiat: Decimal | None
    held_fiat: Decimal | None  # at execution
    now_fiat: Decimal | None  # what is held, at the latest price
    price: AssetPrice | None


@dataclass(frozen=True, slots=True)
class AssetBook:
    """The lines of one asset together."""

    asset: str
    symbol: str
    decimals: int
    num_lines: int
    requested: int
    executed: int
    released: int
    seized: int
    transferred: int
    held: int
    executed_fiat: Decimal
    released_fiat: Decimal
    seized_fiat: Decimal
    held_fiat: Decimal
    now_fiat: Decimal


@dataclass(frozen=True, slots=True)
class Ledger:
    """Lines with their sums by asset and in fiat; every sum is exactly the sum of its rows."""

    lines: tuple[LedgerLine, ...]

    @property
    def by_asset(self) -> tuple[AssetBook, ...]:
        """Per asset, dearest first."""
        groups: dict[str, list[LedgerLine]] = {}
        for each in self.lines:
            groups.setdefault(each.line.asset_id, []).append(each)
        books = [_book(rows) for rows in groups.values()]
        return tuple(sorted(books, key=lambda book: (-book.executed_fiat, book.asset)))

    @property
    def executed_fiat(self) -> Decimal:
        return _sum(each.executed_fiat for each in self.lines)

    @property
    def released_fiat(self) -> Decimal:
        return _sum(each.released_fiat for each in self.lines)

    @property
    def seized_fiat(self) -> Decimal:
        return _sum(each.seized_fiat for each in self.lines)

    @property
    def held_fiat(self) -> Decimal:
        return _sum(each.held_fiat for each in self.lines)

    @property
    def now_fiat(self) -> Decimal:
        return _sum(each.now_fiat for each in self.lines)

    def of_case(self, case_id: int) -> "Ledger":
        """The lines of one case of it."""
        return Ledger(tuple(x for x in self.lines if x.line.freeze.case_id == case_id))

    def __bool__(self) -> bool:
        return bool(self.lines)


@dataclass(frozen=True, slots=True)
class Entry:
    """One receipt as a booking of a line: what it moved, and what is held after it."""

    receipt: FreezeReceipt
    held_after: int


@dataclass(frozen=True, slots=True)
class LinePage:
    """One line down to its receipts, and the orders that led to them."""

    book: LedgerLine
    entries: list[Entry]
    orders: list[OutboxMessage]
    short: int


def ledger_of(actor: Actor, cases: Iterable[int]) -> Ledger:
    """Every line of these cases that was sent to the exchange: 3 queries."""
    lines = _lines(FreezeLine.objects.visible_to(actor).filter(freeze__case_id__in=list(cases)))
    return ledger_from(lines.exclude(executed_at=None))


def freeze_ledger(actor: Actor, freeze_id: int) -> Ledger:
    """The lines of one request: 3 queries."""
    return ledger_from(_lines(FreezeLine.objects.visible_to(actor).filter(freeze_id=freeze_id)))


def lines_for_page(actor: Actor) -> QuerySet[FreezeLine]:
    """Lines that the actor may see, with all that their page shows."""
    return _lines(FreezeLine.objects.visible_to(actor)).select_related(
        "freeze__case__owner_by", "finding", "instrument"
    )


def line_page(line: FreezeLine) -> LinePage:
    """One line, its receipts in the order of the exchange and its orders: 4 queries."""
    held, entries = 0, []
    for receipt in line.receipts.order_by("at", "pk"):
        held += receipt.base * HELD_BY.get(receipt.kind, 0)
        entries.append(Entry(receipt, held))
    orders = line.outbox.select_related("decision__freeze", "seizure__freeze").order_by(
        "created_at"
    )
    is_answered = line.executed_at is not None
    return LinePage(
        book=ledger_from([line]).lines[0],
        entries=entries,
        orders=list(orders),
        short=line.requested - line.executed if is_answered else 0,
    )


def _lines(lines: QuerySet[FreezeLine]) -> QuerySet[FreezeLine]:
    return lines.select_related("freeze__case", "account", "asset", "price").order_by(
        "freeze__reference", "account__uid", "asset_id"
    )


def ledger_from(lines: Iterable[FreezeLine]) -> Ledger:
    """These lines with what each is worth: 1 query beside their own."""
    found = list(lines)
    prices = latest_prices({line.asset_id for line in found})
    return Ledger(tuple(_view(line, prices.get(line.asset_id)) for line in found))


def _view(line: FreezeLine, price: AssetPrice | None) -> LedgerLine:
    parts = parts_at_execution(line)
    now = None
    if price is not None and price.price is not None and line.executed_at is not None:
        now = value_of(line.held, price.decimals, price.price)
    return LedgerLine(
        line=line,
        executed_fiat=line.fiat_value,
        released_fiat=parts[1] if parts else None,
        seized_fiat=parts[2] if parts else None,
        held_fiat=parts[0] if parts else None,
        now_fiat=now,
        price=price,
    )


def _book(rows: Sequence[LedgerLine]) -> AssetBook:
    first = rows[0].line.asset
    return AssetBook(
        asset=first.pk,
        symbol=first.symbol,
        decimals=first.decimals,
        num_lines=len(rows),
        requested=sum(each.line.requested for each in rows),
        executed=sum(each.line.executed for each in rows),
        released=sum(each.line.released for each in rows),
        seized=sum(each.line.seized for each in rows),
        transferred=sum(each.line.transferred for each in rows),
        held=sum(each.line.held for each in rows),
        executed_fiat=_sum(each.executed_fiat for each in rows),
        released_fiat=_sum(each.released_fiat for each in rows),
        seized_fiat=_sum(each.seized_fiat for each in rows),
        held_fiat=_sum(each.held_fiat for each in rows),
        now_fiat=_sum(each.now_fiat for each in rows),
    )


def _sum(values: Iterable[Decimal | None]) -> Decimal:
    return sum((value for value in values if value is not None), ZERO)


def expiry_step(ends_at: datetime | None, now: datetime) -> int | None:
    """Which alarm of a freeze rings: 14, 7 or 1 days before its end, 0 after it, else None."""
    if ends_at is None:
        return None
    left = ends_at - now
    if left.total_seconds() <= 0:
        return 0
    return next((days for days in (1, 7, 14) if left.total_seconds() <= days * 86_400), None)


def hours_step(ends_at: datetime | None, now: datetime) -> int | None:
    """Which of the late warnings rings: 12, 4 or 1 hours before the end, else None."""
    left = (ends_at - now).total_seconds() if ends_at is not None else 0
    if left <= 0:
        return None
    return next((hours for hours in (1, 4, 12) if left <= hours * 3_600), None)
