"""The money of cases: what reached us, is frozen, pending, left. The one source of every total.

    reached   value that came into accounts: what the lead run says by its policy; where no run
              reached an account's asset, the exchange's own deposits of the suspects' accounts
    frozen    what the exchange holds now
    pending   what is asked for and not yet answered
    left      reached - frozen - pending, by value; where it would be negative, a gain

Amounts are integers in base units and never summed over different assets; fiat is a rounded
Decimal at the latest price, row by row, so that every total is exactly the sum of its rows.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from cases.models import (
    Asset,
    CaseRun,
    ExchangeRecord,
    FreezeLine,
    Price,
    ReachedAccount,
    SuspectAccount,
)
from cases.models.exchange import masked_uid
from cases.policy import Actor
from cases.states import FreezeState, LineState

CURRENCY = "USD"
CENT = Decimal("0.01")
ZERO = Decimal("0.00")
EXACT = Context(prec=130, rounding=ROUND_HALF_EVEN)  # 78 digits of amount, 24 of price
ACCOUNT = ("account_id", "account__public_id", "account__uid")
IN_KINDS = ("deposit", "fiat_in")
NOT_ARRIVED = ("failed", "rejected", "refused", "cancelled", "reversed", "stopped", "pending")
PENDING_FREEZES = (
    FreezeState.SUBMITTED.value,
    FreezeState.IN_REVIEW.value,
    FreezeState.PROVISIONAL.value,
    FreezeState.APPROVED.value,
    FreezeState.EXECUTING.value,
)
PENDING_LINES = (LineState.PLANNED.value, LineState.SENT.value, LineState.UNKNOWN.value)


def price_at(asset: str, at: datetime, currency: str = CURRENCY) -> Price | None:
    """The latest price of one whole unit at or before a time: 1 query."""
    found: Price | None = (
        Price.objects.filter(asset_id=asset, currency=currency, at__lte=at)
        .order_by("-at", "source")
        .first()
    )
    return found


def fiat_of(base: int, decimals: int, price: Price | None) -> Decimal | None:
    """The value of base units, rounded to the cent (half to even); None without a price."""
    return value_of(base, decimals, price.price) if price else None


def value_of(base: int, decimals: int, price: Decimal) -> Decimal:
    """`base` / 10^decimals * price, exact and then rounded to the cent, half to even."""
    return EXACT.quantize(EXACT.multiply(EXACT.scaleb(Decimal(base), -decimals), price), CENT)


def parts_at_execution(line: FreezeLine) -> tuple[Decimal, Decimal] | None:
    """(held, released) of a line's value when it was frozen, adding up to it to the cent.

    None where it was not executed or had no price. `price` and `asset` must be fetched.
    """
    if line.fiat_value is None:
        return None
    if not line.released or line.price is None:
        return line.fiat_value, ZERO
    if not line.held:
        return ZERO, line.fiat_value
    released = value_of(line.released, line.asset.decimals, line.price.price)
    return line.fiat_value - released, released


@dataclass(frozen=True, slots=True)
class AssetPrice:
    """An asset with the price by which this page values it; `price` None where none is known."""

    asset: str
    symbol: str
    decimals: int
    price: Decimal | None
    source: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """One account's amount of one asset in one part; negative only in `left`.

    `at_execution` is the value when it was frozen, of frozen rows only.
    """

    account: UUID
    masked: str
    asset: str
    symbol: str
    decimals: int
    base: int
    fiat: Decimal | None
    num_parts: int = 1
    at_execution: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AssetSum:
    """The rows of one asset together."""

    asset: str
    symbol: str
    decimals: int
    base: int
    fiat: Decimal | None


@dataclass(frozen=True, slots=True)
class MoneyPart:
    """One part of the strip: `fiat` is the sum of its rows that have a price."""

    rows: tuple[MoneyRow, ...] = ()

    @property
    def fiat(self) -> Decimal:
        return sum((row.fiat for row in self.rows if row.fiat is not None), ZERO)

    @property
    def at_execution(self) -> Decimal:
        return sum((row.at_execution for row in self.rows if row.at_execution is not None), ZERO)

    @property
    def by_asset(self) -> tuple[AssetSum, ...]:
        """Sums per asset, dearest first."""
        sums: dict[str, AssetSum] = {}
        for row in self.rows:
            old = sums.get(row.asset)
            fiat = row.fiat if old is None or old.fiat is None else old.fiat + (row.fiat or ZERO)
            base = row.base + (old.base if old else 0)
            sums[row.asset] = AssetSum(row.asset, row.symbol, row.decimals, base, fiat)
        return tuple(sorted(sums.values(), key=lambda each: (-(each.fiat or ZERO), each.asset)))

    def __bool__(self) -> bool:
        return bool(self.rows)


@dataclass(frozen=True, slots=True)
class CaseMoney:
    """The four parts of one or several cases, with the prices they stand on.

    `left.fiat` is never below zero on the strip: read `left_fiat` and `gain_fiat`.
    `difference` is `left` row by row, signed, because assets were exchanged into one another.
    """

    currency: str
    reached: MoneyPart
    frozen: MoneyPart
    pending: MoneyPart
    left: MoneyPart
    prices: tuple[AssetPrice, ...]
    lead_runs: tuple[UUID, ...]

    @property
    def left_fiat(self) -> Decimal:
        return max(self.left.fiat, ZERO)

    @property
    def gain_fiat(self) -> Decimal:
        """By how much what is held is worth more than what came in."""
        return max(-self.left.fiat, ZERO)

    @property
    def unvalued(self) -> tuple[str, ...]:
        """Symbols without a price: their amounts are in no fiat total."""
        return tuple(price.symbol for price in self.prices if price.price is None)


@dataclass(frozen=True, slots=True)
class _Account:
    """Of an account only what a row shows: totals read tens of thousands of them."""

    pk: int
    public_id: UUID
    masked: str


@dataclass(frozen=True, slots=True)
class _Amount:
    """One fact: this much of an asset in an account, counted once by its key."""

    case_id: int
    account: "_Account"
    asset: str
    base: int
    key: str
    at_execution: Decimal | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    reached: list[_Amount]
    frozen: list[_Amount]
    pending: list[_Amount]
    runs: list[tuple[int, UUID]]

    def assets(self) -> set[str]:
        return {fact.asset for part in (self.reached, self.frozen, self.pending) for fact in part}

    def of(self, cases: Collection[int]) -> "_Facts":
        return _Facts(
            [fact for fact in self.reached if fact.case_id in cases],
            [fact for fact in self.frozen if fact.case_id in cases],
            [fact for fact in self.pending if fact.case_id in cases],
            [run for run in self.runs if run[0] in cases],
        )


def case_money(case_ids: Iterable[int] | None, actor: Actor) -> CaseMoney:
    """The money of these cases together, as far as the actor sees them: 7 queries.

    None stands for every case the actor sees.

    What two cases both know (a deposit, a record) counts once.
    """
    facts = _facts(case_ids, actor)
    return _money(facts, latest_prices(facts.assets()))


def money_by_case(case_ids: Iterable[int], actor: Actor) -> dict[int, CaseMoney]:
    """The money of each case by itself, for lists: 7 queries for any number of cases."""
    asked = list(case_ids)
    facts = _facts(asked, actor)
    prices = latest_prices(facts.assets())
    return {case_id: _money(facts.of((case_id,)), prices) for case_id in asked}


def money_by_group(groups: Mapping[int, Collection[int]], actor: Actor) -> dict[int, CaseMoney]:
    """The money of several groups of cases, each as by `case_money`: 7 queries for all of them."""
    facts = _facts([case_id for cases in groups.values() for case_id in cases], actor)
    prices = latest_prices(facts.assets())
    return {key: _money(facts.of(set(cases)), prices) for key, cases in groups.items()}


def _facts(case_ids: Iterable[int] | None, actor: Actor) -> _Facts:
    """The facts of these cases, or of all the actor sees: then no query carries their numbers."""
    cases = None if case_ids is None else list(case_ids)

    def of(path: str) -> dict[str, list[int]]:
        return {} if cases is None else {f"{path}__in": cases}

    runs = list(
        CaseRun.objects.visible_to(actor)
        .filter(is_lead=True, **of("case_id"))
        .values_list("case_id", "run")
    )
    accounts: dict[int, _Account] = {}

    def account(pk: int, public_id: UUID, uid: str) -> _Account:
        if pk not in accounts:
            accounts[pk] = _Account(pk, public_id, masked_uid(uid))
        return accounts[pk]

    reached = [
        _Amount(case_id, account(*of_account), asset, base, outpoint)
        for case_id, asset, base, outpoint, *of_account in ReachedAccount.objects.visible_to(actor)
        .filter(case_run__is_lead=True, **of("case_run__case_id"))
        .values_list("case_run__case_id", "asset", "base", "outpoint", *ACCOUNT)
    ]
    covered = {(fact.case_id, fact.account.pk, fact.asset) for fact in reached}
    reached += [
        _Amount(case_id, account(*of_account), asset, base, ref)
        for case_id, asset, base, ref, *of_account in _recorded(
            SuspectAccount.objects.visible_to(actor).filter(**of("suspect__case_id")), covered
        )
    ]
    is_pending = Q(freeze__state__in=PENDING_FREEZES, state__in=PENDING_LINES)
    lines = list(
        FreezeLine.objects.visible_to(actor)
        .filter(is_pending | Q(state=LineState.HELD.value), **of("freeze__case_id"))
        .select_related("account", "freeze", "asset", "price")
    )
    frozen = [
        _Amount(
            line.freeze.case_id,
            account(line.account_id, line.account.public_id, line.account.uid),
            line.asset_id,
            line.held,
            str(line.public_id),
            (parts_at_execution(line) or (None,))[0],
        )
        for line in lines
        if line.state == LineState.HELD
    ]
    pending = [
        _Amount(
            line.freeze.case_id,
            account(line.account_id, line.account.public_id, line.account.uid),
            line.asset_id,
            line.requested,
            str(line.public_id),
        )
        for line in lines
        if line.freeze.state in PENDING_FREEZES and line.state in PENDING_LINES
    ]
    return _Facts(reached, frozen, pending, runs)


def _recorded(
    linked: QuerySet[SuspectAccount], covered: set[tuple[int, int, str]]
) -> Iterable[tuple[Any, ...]]:
    """Deposits of the suspects' accounts in assets that no lead run reached there: 2 queries."""
    cases: dict[int, set[int]] = {}
    for case_id, account_id in linked.values_list("suspect__case_id", "account_id"):
        cases.setdefault(account_id, set()).add(case_id)
    if not cases:
        return []
    records = (
        ExchangeRecord.objects.filter(account_id__in=linked.values("account_id"), kind__in=IN_KINDS)
        .exclude(status__in=NOT_ARRIVED)
        .values_list("asset_id", "base", "ref", *ACCOUNT)
    )
    return [
        (case_id, asset, base, ref, account_id, *of_account)
        for asset, base, ref, account_id, *of_account in records
        for case_id in sorted(cases[account_id])
        if (case_id, account_id, asset) not in covered
    ]


def latest_prices(assets: set[str], at: datetime | None = None) -> dict[str, AssetPrice]:
    """The price of each asset at a time (now), with its source and its own time: 2 queries."""
    latest = {
        price.asset_id: price
        for price in Price.objects.filter(
            asset_id__in=assets, currency=CURRENCY, at__lte=at or timezone.now()
        )
        .annotate(
            place=Window(
                RowNumber(), partition_by=[F("asset_id")], order_by=[F("at").desc(), F("source")]
            )
        )
        .filter(place=1)
    }
    found = {}
    for asset in Asset.objects.filter(pk__in=assets).order_by("pk"):
        price = latest.get(asset.pk)
        is_cash = price is None and asset.symbol == CURRENCY
        found[asset.pk] = AssetPrice(
            asset.pk,
            asset.symbol,
            asset.decimals,
            Decimal(1) if is_cash else price.price if price else None,
            "face value" if is_cash else price.source if price else "",
            price.at if price else None,
        )
    for name in sorted(assets - set(found)):
        found[name] = AssetPrice(name, name.rpartition("/")[2], 0, None, "", None)
    return found


def _money(facts: _Facts, prices: dict[str, AssetPrice]) -> CaseMoney:
    reached = _part(facts.reached, prices)
    frozen = _part(facts.frozen, prices)
    pending = _part(facts.pending, prices)
    used = facts.assets()
    return CaseMoney(
        currency=CURRENCY,
        reached=reached,
        frozen=frozen,
        pending=pending,
        left=_left(reached, frozen, pending),
        prices=tuple(price for name, price in sorted(prices.items()) if name in used),
        lead_runs=tuple(run for _, run in facts.runs),
    )


def _part(facts: list[_Amount], prices: dict[str, AssetPrice]) -> MoneyPart:
    """Facts with the same key once, then one row per account and asset, dearest first."""
    once: dict[tuple[str, int], _Amount] = {}
    for fact in facts:
        key = (fact.key, fact.account.pk)
        if key not in once or once[key].base < fact.base:
            once[key] = fact
    rows: dict[tuple[int, str], MoneyRow] = {}
    for fact in once.values():
        price = prices[fact.asset]
        old = rows.get((fact.account.pk, fact.asset))
        base = fact.base + (old.base if old else 0)
        values = [fact.at_execution, old.at_execution if old else None]
        executed = [value for value in values if value is not None]
        rows[fact.account.pk, fact.asset] = MoneyRow(
            account=fact.account.public_id,
            masked=fact.account.masked,
            asset=fact.asset,
            symbol=price.symbol,
            decimals=price.decimals,
            base=base,
            fiat=value_of(base, price.decimals, price.price) if price.price is not None else None,
            num_parts=(old.num_parts if old else 0) + 1,
            at_execution=sum(executed, ZERO) if executed else None,
        )
    ordered = sorted(
        rows.values(),
        key=lambda row: (-(row.fiat or ZERO), row.masked, row.asset, row.account),
    )
    return MoneyPart(tuple(ordered))


def _left(reached: MoneyPart, frozen: MoneyPart, pending: MoneyPart) -> MoneyPart:
    """reached - frozen - pending per account and asset, signed; without the rows that are zero.

    Fiat is the difference of the rounded rows, so the four parts add up to the cent.
    """
    rows: dict[tuple[UUID, str], MoneyRow] = {}
    for sign, part in ((1, reached), (-1, frozen), (-1, pending)):
        for row in part.rows:
            old = rows.get((row.account, row.asset))
            fiat = None
            if row.fiat is not None:
                fiat = sign * row.fiat + ((old.fiat or ZERO) if old else ZERO)
            rows[row.account, row.asset] = MoneyRow(
                account=row.account,
                masked=row.masked,
                asset=row.asset,
                symbol=row.symbol,
                decimals=row.decimals,
                base=sign * row.base + (old.base if old else 0),
                fiat=fiat,
                num_parts=row.num_parts + (old.num_parts if old else 0),
            )
    kept = [row for row in rows.values() if row.base or row.fiat]
    return MoneyPart(
        tuple(sorted(kept, key=lambda r: (-(r.fiat or ZERO), r.masked, r.asset, r.account)))
    )
