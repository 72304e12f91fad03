"""The money of cases: what reached us, is frozen, pending, left. The one source of every total.

    reached   value that came into accounts: what the lead run says by its policy; where no run
              reached an account's asset, the exchange's own deposits of the suspects' accounts
    frozen    what the exchange holds now
    elsewhere what it holds for other cases, of accounts that this one reached or suspects
    pending   what is asked for and not yet answered
    left      reached - frozen - elsewhere - pending, by value; where it would be negative, a gain

Amounts are integers in base units and never summed over different assets; fiat is a rounded
Decimal at the latest price, row by row, so that every total is exactly the sum of its rows. Over
several cases a coin counts once (`money_facts.coins_of`).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from cases.models import Asset, Price
from cases.policy import Actor
from cases.queries.money_facts import (
    IN_KINDS,
    NOT_ARRIVED,
    PENDING_FREEZES,
    PENDING_LINES,
    ZERO,
    Amount,
    Facts,
    coins_of,
    facts_of,
    parts_at_execution,
    value_of,
)

# The facts behind the sums; whoever reads sums finds their words here.
__all__ = [
    "IN_KINDS",
    "NOT_ARRIVED",
    "PENDING_FREEZES",
    "PENDING_LINES",
    "ZERO",
    "parts_at_execution",
    "value_of",
]

CURRENCY = "USD"


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
    """The parts of one or several cases, with the prices they stand on.

    `left` is signed row by row, because assets were exchanged into one another and moved between
    accounts: `not_held` and `beyond` are its two sides, both positive. The strip shows `left_fiat`
    and `gain_fiat`, of which one is zero.
    """

    currency: str
    reached: MoneyPart
    frozen: MoneyPart
    elsewhere: MoneyPart
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
    def not_held(self) -> MoneyPart:
        """Of accounts and assets where more came in than is held or asked for: by how much."""
        return MoneyPart(tuple(row for row in self.left.rows if _is_more(row)))

    @property
    def beyond(self) -> MoneyPart:
        """Of those where more is held or asked for than came in as this asset: by how much."""
        less = (row for row in reversed(self.left.rows) if not _is_more(row))
        return MoneyPart(
            tuple(
                replace(row, base=-row.base, fiat=None if row.fiat is None else -row.fiat)
                for row in less
            )
        )

    @property
    def unvalued(self) -> tuple[str, ...]:
        """Symbols without a price: their amounts are in no fiat total."""
        return tuple(price.symbol for price in self.prices if price.price is None)


def account_states(money: CaseMoney) -> dict[UUID, str]:
    """Account -> frozen, partly (frozen), pending or left.

    Frozen is an account of which at least the value that came in is held, in whatever assets it is
    now; without a price, only what is held as the asset that came in counts.
    """
    came, held = _worth(money.reached), _worth(money.frozen, money.elsewhere)
    unpriced = {row.account for row in money.not_held.rows if row.fiat is None}
    states = {row.account: "left" for row in money.not_held.rows}
    states |= {row.account: "pending" for row in money.pending.rows if row.base}
    for account, worth in held.items():
        is_whole = account not in unpriced and worth >= came.get(account, ZERO)
        states[account] = "frozen" if is_whole else "partly"
    return states


def row_states(money: CaseMoney) -> dict[tuple[UUID, str], str]:
    """(account, asset) -> frozen, partly, pending or left, by what is held as this asset."""
    more = {(row.account, row.asset) for row in money.not_held.rows}
    states = dict.fromkeys(more, "left")
    states |= {(row.account, row.asset): "pending" for row in money.pending.rows if row.base}
    for part in (money.frozen, money.elsewhere):
        for row in part.rows:
            if row.base:
                key = (row.account, row.asset)
                states[key] = "partly" if key in more else "frozen"
    return states


def _worth(*parts: MoneyPart) -> dict[UUID, Decimal]:
    """Account -> fiat of its rows that hold anything, in all these parts."""
    sums: dict[UUID, Decimal] = {}
    for part in parts:
        for row in part.rows:
            if row.base:
                sums[row.account] = sums.get(row.account, ZERO) + (row.fiat or ZERO)
    return sums


def _is_more(row: MoneyRow) -> bool:
    return row.base > 0 or (row.base == 0 and (row.fiat or ZERO) > 0)


def case_money(case_ids: Iterable[int] | None, actor: Actor) -> CaseMoney:
    """The money of these cases together, as far as the actor sees them: 8 queries.

    None stands for every case the actor sees: 7 queries.

    A coin that two cases both know, from a trace or from the exchange's records, counts once.
    """
    facts = facts_of(case_ids, actor)
    return _money(facts, latest_prices(facts.assets()))


def money_by_case(case_ids: Iterable[int], actor: Actor) -> dict[int, CaseMoney]:
    """The money of each case by itself, for lists: 8 queries for any number of cases."""
    asked = list(case_ids)
    facts = facts_of(asked, actor)
    prices = latest_prices(facts.assets())
    return {case_id: _money(facts.of((case_id,)), prices) for case_id in asked}


def money_by_group(groups: Mapping[int, Collection[int]], actor: Actor) -> dict[int, CaseMoney]:
    """The money of several groups of cases, each as by `case_money`: 8 queries for all of them."""
    facts = facts_of([case_id for cases in groups.values() for case_id in cases], actor)
    prices = latest_prices(facts.assets())
    return {key: _money(facts.of(set(cases)), prices) for key, cases in groups.items()}


def account_money(account_id: UUID, actor: Actor) -> tuple[Facts, CaseMoney]:
    """The facts and sums of one account over every case the actor sees: 7 queries."""
    facts = facts_of(None, actor, account_id)
    return facts, _money(facts, latest_prices(facts.assets()))


def latest_prices(assets: set[str], at: datetime | None = None) -> dict[str, AssetPrice]:
    """The price of each asset at a time (now), with its source and its own time: 2 queries."""
    if not assets:
        return {}
    latest = Price.objects.filter(
        asset=OuterRef("pk"), currency=CURRENCY, at__lte=at or timezone.now()
    ).order_by("-at", "source")
    known = (
        Asset.objects.filter(pk__in=assets)
        .annotate(latest=Subquery(latest.values("pk")[:1]))
        .order_by("pk")
    )
    prices = Price.objects.in_bulk([asset.latest for asset in known if asset.latest is not None])
    found = {}
    for asset in known:
        price = prices.get(asset.latest)
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


def _money(facts: Facts, prices: dict[str, AssetPrice]) -> CaseMoney:
    reached = _part(coins_of(facts.reached), prices)
    frozen = _part(facts.frozen, prices)
    elsewhere = _part(facts.elsewhere, prices)
    pending = _part(facts.pending, prices)
    used = facts.assets()
    return CaseMoney(
        currency=CURRENCY,
        reached=reached,
        frozen=frozen,
        elsewhere=elsewhere,
        pending=pending,
        left=_left(reached, frozen, elsewhere, pending),
        prices=tuple(price for name, price in sorted(prices.items()) if name in used),
        lead_runs=tuple(run for _, run in facts.runs),
    )


def _part(facts: list[Amount], prices: dict[str, AssetPrice]) -> MoneyPart:
    """One row per account and asset, dearest first."""
    rows: dict[tuple[int, str], MoneyRow] = {}
    for fact in facts:
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


def _left(reached: MoneyPart, *held: MoneyPart) -> MoneyPart:
    """reached less what is held or asked for, per account and asset, signed; no rows of zero.

    Fiat is the difference of the rounded rows, so the parts add up to the cent.
    """
    rows: dict[tuple[UUID, str], MoneyRow] = {}
    for sign, part in ((1, reached), *((-1, part) for part in held)):
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
