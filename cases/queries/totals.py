"""Totals over all cases the actor sees: dashboard and freeze board."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from statistics import median
from uuid import UUID

from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone

from cases.models import (
    ExchangeRecord,
    FreezeLine,
    FreezeRequest,
    ReachedAccount,
    SuspectAccount,
)
from cases.policy import Actor
from cases.queries.money import (
    CURRENCY,
    IN_KINDS,
    NOT_ARRIVED,
    PENDING_FREEZES,
    PENDING_LINES,
    ZERO,
    AssetPrice,
    AssetSum,
    CaseMoney,
    case_money,
    latest_prices,
)
from cases.queries.money_facts import EXACT, Account, Amount, cents_by, coins_of, shared_out
from cases.states import FreezeState, LineState

SOON = timedelta(hours=72)
YEAR = timedelta(days=365)


EXECUTED = ("fiat_value", "executed", "released", "seized", "asset__decimals", "price__price")
DIGITS = CharField()  # of an amount: they come without a call of a converter for each
Pair = tuple[int, str]  # account and asset


def unit_money(actor: Actor) -> CaseMoney:
    """The money of every case the actor sees, row by row: 7 queries."""
    return case_money(None, actor)


@dataclass(frozen=True, slots=True)
class PartTotal:
    """One part of the money: `fiat` is the sum of what has a price, `by_asset` dearest first."""

    fiat: Decimal
    by_asset: tuple[AssetSum, ...]
    at_execution: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class UnitTotals:
    """The figures of `unit_money` without its rows, the same to the base unit and the cent."""

    reached: PartTotal
    frozen: PartTotal
    pending: PartTotal

    @property
    def left_fiat(self) -> Decimal:
        left = EXACT.subtract(self.reached.fiat, EXACT.add(self.frozen.fiat, self.pending.fiat))
        return max(left, ZERO)


def unit_totals(actor: Actor) -> UnitTotals:
    """The sums of all money the actor sees: at most 6 queries.

    It reads 5 to 10 plain values of each fact, which is a sixth of the work of `unit_money` over
    20,000 cases. Amounts cannot be summed in SQL: SQLite would answer with a float.
    """
    frozen, pending = dict[Pair, int](), dict[Pair, int]()
    executed = ZERO
    lines = FreezeLine.objects.visible_to(actor).filter(
        Q(state=LineState.HELD.value)
        | Q(freeze__state__in=PENDING_FREEZES, state__in=PENDING_LINES)
    )
    for account, asset, state, requested, fiat, done, back, taken, decimals, price in (
        lines.values_list("account_id", "asset_id", "state", "requested", *EXECUTED)
    ):  # fmt: skip
        pair = (account, asset)
        if state == LineState.HELD:
            gone = back + taken
            frozen[pair] = frozen.get(pair, 0) + done - gone
            executed += (shared_out(fiat, done - gone, gone, decimals, price) or (ZERO,))[0]
        else:
            pending[pair] = pending.get(pair, 0) + requested
    reached = _reached(actor)
    prices = latest_prices({asset for part in (reached, frozen, pending) for _, asset in part})
    return UnitTotals(
        _total(reached, prices), _total(frozen, prices, executed), _total(pending, prices)
    )


def _total(
    bases: Mapping[Pair, int], prices: Mapping[str, AssetPrice], at_execution: Decimal = ZERO
) -> PartTotal:
    """Valued by account and asset, as the rows are: each of them is rounded to the cent."""
    by_asset: dict[str, list[int]] = {}
    for (_, asset), base in bases.items():
        by_asset.setdefault(asset, []).append(base)
    sums = []
    for asset, found in by_asset.items():
        of = prices[asset]
        fiat = None
        if of.price is not None:
            fiat = EXACT.scaleb(Decimal(sum(map(cents_by(of.decimals, of.price), found))), -2)
        sums.append(AssetSum(asset, of.symbol, of.decimals, sum(found), fiat))
    sums.sort(key=lambda each: (-(each.fiat or ZERO), each.asset))
    fiat = ZERO
    for each in sums:
        fiat = EXACT.add(fiat, each.fiat or ZERO)
    return PartTotal(fiat, tuple(sums), at_execution)


def _reached(actor: Actor) -> dict[Pair, int]:
    """What came in by account and asset, each coin once, as `coins_of` counts: 2 or 3 queries."""
    traced: dict[Pair, list[tuple[str, int, int]]] = {}
    for account, asset, outpoint, base, case in (
        ReachedAccount.objects.visible_to(actor)
        .filter(case_run__is_lead=True)
        .values_list("account_id", "asset", "outpoint", Cast("base", DIGITS), "case_run__case_id")
    ):
        traced.setdefault((account, asset), []).append((outpoint, int(base), case))
    linked = SuspectAccount.objects.visible_to(actor)
    recorded: dict[Pair, list[tuple[str, int, str]]] = {}
    for account, asset, ref, base, txid in (
        ExchangeRecord.objects.filter(account_id__in=linked.values("account_id"), kind__in=IN_KINDS)
        .exclude(status__in=NOT_ARRIVED)
        .values_list("account_id", "asset_id", "ref", Cast("base", DIGITS), "txid")
    ):
        recorded.setdefault((account, asset), []).append((ref, int(base), txid))
    both = traced.keys() & recorded.keys()
    found = {
        pair: _largest_of_each(facts)
        for part in (traced, recorded)
        for pair, facts in part.items()
        if pair not in both
    }
    owners: dict[int, set[int]] = {}
    if both:
        for case, account in linked.values_list("suspect__case_id", "account_id"):
            owners.setdefault(account, set()).add(case)
    for pair in both:
        if owners[pair[0]] <= {case for _, _, case in traced[pair]}:
            found[pair] = _largest_of_each(traced[pair])  # each case that knows of it traced it
        else:
            found[pair] = _told_by_both(pair, traced[pair], recorded[pair])
    return found


def _largest_of_each(facts: Sequence[tuple[str, int, object]]) -> int:
    if len(facts) == 1:
        return facts[0][1]
    once: dict[str, int] = {}
    for key, base, _ in facts:
        if once.get(key, -1) < base:
            once[key] = base
    return sum(once.values())


def _told_by_both(
    pair: Pair, traced: Iterable[tuple[str, int, int]], recorded: Iterable[tuple[str, int, str]]
) -> int:
    account, asset = Account(pair[0], UUID(int=0), ""), pair[1]  # told apart by its number alone
    facts = [
        Amount(case, account, asset, base, outpoint, tx=outpoint.rpartition(":")[0].lower())
        for outpoint, base, case in traced
    ]
    facts += [
        Amount(0, account, asset, base, ref, tx=txid.lower(), is_recorded=True)
        for ref, base, txid in recorded
    ]
    return sum(fact.base for fact in coins_of(facts))


@dataclass(frozen=True, slots=True)
class FreezeMonth:
    """Fiat value at execution of one month's freezes, by what became of them."""

    month: date  # its first day
    held: Decimal
    released: Decimal
    num_lines: int


def freezes_by_month(actor: Actor, months: int = 12) -> list[FreezeMonth]:
    """What was frozen in each of the last months, oldest first, empty months too: 1 query."""
    first = _months(timezone.now().date().replace(day=1), months)
    held = dict.fromkeys(first, ZERO)
    released = dict.fromkeys(first, ZERO)
    num = dict.fromkeys(first, 0)
    lines = FreezeLine.objects.visible_to(actor).filter(
        executed_at__gte=datetime.combine(first[0], time(), UTC)
    )
    for at, fiat, done, back, taken, decimals, price in lines.values_list("executed_at", *EXECUTED):
        month = at.date().replace(day=1)
        if month not in num:
            continue
        num[month] += 1
        gone = back + taken
        parts = shared_out(fiat, done - gone, gone, decimals, price)
        if parts is not None:
            held[month] += parts[0]
            released[month] += parts[1]
    return [FreezeMonth(m, held[m], released[m], num[m]) for m in first]


def _months(last: date, count: int) -> list[date]:
    found = [last]
    while len(found) < count:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[::-1]


@dataclass(frozen=True, slots=True)
class FreezeKpis:
    """The strip above the freeze board; `median_seconds` None while nothing was frozen."""

    currency: str
    frozen: tuple[AssetSum, ...]
    frozen_fiat: Decimal
    frozen_at_execution: Decimal
    pending_fiat: Decimal
    num_waiting: int
    num_ending: int
    num_unknown: int
    median_seconds: int | None


def freeze_kpis(actor: Actor) -> FreezeKpis:
    """Held now by asset, what waits, what ends within 72 h, median time to freeze: 10 queries."""
    money = unit_totals(actor)
    now = timezone.now()
    mine = FreezeRequest.objects.visible_to(actor)
    waiting = [
        FreezeState.SUBMITTED.value,
        FreezeState.IN_REVIEW.value,
        FreezeState.PROVISIONAL.value,
    ]
    times = mine.filter(executed_at__gte=now - YEAR, submitted_at__isnull=False).values_list(
        "submitted_at", "executed_at"
    )
    return FreezeKpis(
        currency=CURRENCY,
        frozen=money.frozen.by_asset,
        frozen_fiat=money.frozen.fiat,
        frozen_at_execution=money.frozen.at_execution,
        pending_fiat=money.pending.fiat,
        num_waiting=mine.filter(state__in=waiting).count(),
        num_ending=ending_soon(actor).count(),
        num_unknown=FreezeLine.objects.visible_to(actor)
        .filter(state=LineState.UNKNOWN.value)
        .count(),
        median_seconds=_median(int((done - asked).total_seconds()) for asked, done in times),
    )


def ending_soon(actor: Actor) -> QuerySet[FreezeRequest]:
    """Freezes whose clock ends within 72 hours, or that wait for a decision since it ended."""
    until = timezone.now() + SOON
    return FreezeRequest.objects.visible_to(actor).filter(
        Q(state=FreezeState.PROVISIONAL.value, provisional_until__lte=until)
        | Q(state=FreezeState.ACTIVE.value, expires_at__lte=until)
        | Q(state=FreezeState.DECISION_DUE.value)
    )


def _median(seconds: Iterable[int]) -> int | None:
    found = sorted(seconds)
    return int(median(found)) if found else None
