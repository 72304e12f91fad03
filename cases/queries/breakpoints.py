"""Where funds enter a swap service the chain ends; what arrived at our exchange that fits.

A break point is an end at a service that gives another asset back. Deposits in another asset are
candidates when they came within a window after it and are worth what went in less a fee within a
band. A candidate is a possibility, never a path: k of them fit, so each weighs 1/k, and beside it
stands how many would fit by chance (the mean at 200 other moments).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Max, Min, Q
from django.utils.translation import gettext as _

from cases.models import ExchangeAccount, ExchangeRecord
from cases.queries.money import NOT_ARRIVED, AssetPrice, latest_prices
from tracing import reads

BREAKS: Mapping[str, str] = {
    "coinswap_exchange": "swap", "instant_exchanger": "swap", "swap": "swap",
    "bridge": "bridge", "defi_bridge": "bridge",
    "privacy_coin": "privacy", "shielded_pool": "privacy",
}  # fmt: skip
"""Category of a tag that names a service which gives another asset back: type of its break."""
MOMENTS = 200
MOST_CANDIDATES = 200
PPM = 1_000_000


@dataclass(frozen=True)
class Matcher:
    """The window in minutes after the payment, and the fee band in parts of a million."""

    from_minutes: int = 10
    to_minutes: int = 120
    least_fee: int = 2_000
    most_fee: int = 20_000


@dataclass(frozen=True)
class Candidate:
    """A deposit that fits: `fee` in parts of a million of what went in, `weight` 1 of k."""

    record: ExchangeRecord
    minutes: int
    fee: int
    weight: Fraction

    @property
    def fee_percent(self) -> Decimal:
        return Decimal(self.fee) / 10_000


@dataclass(frozen=True)
class BreakPoint:
    """One payment into a swap service, and what fits it.

    Args:
        kind: swap, bridge or privacy.
        amount: what the trace follows of it; value: what was paid in; base units.
        num_fitting: k; num_in_window: n, the deposits of other assets in the window, of which k
            fit the fee band, so that each of these weighs 1/k.
        base_rate: how many deposits fit by chance, the mean at other moments.
        has_price: without a price of what went in there is nothing to compare.
    """

    outpoint: str
    txid: str
    address: str
    label: str
    kind: str
    at: datetime
    amount: int
    value: int
    candidates: tuple[Candidate, ...]
    num_fitting: int
    num_in_window: int
    base_rate: Decimal
    has_price: bool

    @property
    def kind_words(self) -> str:
        """The type for readers."""
        words = {"swap": _("swap"), "bridge": _("bridge"), "privacy": _("privacy coin")}
        return words[self.kind]


@dataclass(frozen=True)
class Match:
    """An account over all break points: in how many it fits, and the sum of its weights."""

    account: ExchangeAccount
    num_points: int
    weight: Fraction


@dataclass(frozen=True)
class BreakPoints:
    """All break points of a run, in the order of time, and the accounts that fit most of them."""

    points: tuple[BreakPoint, ...]
    ranking: tuple[Match, ...]
    unit: reads.AssetUnit


@dataclass(frozen=True)
class SwapEnd:
    """An end at a service that gives another asset back, with the service's name."""

    end: Mapping[str, Any]
    label: str
    kind: str


def swap_ends(
    ends: Iterable[Mapping[str, Any]], tags: Mapping[str, reads.AddressTags]
) -> list[SwapEnd]:
    """The break points among ends, in the order of time; `tags` by address."""
    found = []
    for end in ends:
        told = tags.get(end["address"] or "") if end["status"] == "service" else None
        best = told.best if told is not None else None
        if best is not None and best.category in BREAKS:
            found.append(SwapEnd(end, best.label, BREAKS[best.category]))
    return sorted(found, key=lambda each: (each.end["at"], each.end["outpoint"]))


def break_points(run: UUID, matcher: Matcher) -> BreakPoints | None:
    """The break points of a done run; None while it is not done.

    At most 6 queries, and 4 for each break point.
    """
    result = reads.result(run)
    if result is None:
        return None
    ends = [end for end in result.get("ends") or [] if end["status"] == "service"]
    ledger = result["seal"]["snapshot"]["ledger"]
    tags = reads.tags_of(ledger, [end["address"] for end in ends if end["address"]])
    return matched(result, swap_ends(ends, tags), matcher)


def matched(
    result: Mapping[str, Any], ends: Iterable[SwapEnd], matcher: Matcher | None = None
) -> BreakPoints:
    """What fits each of these ends of a result: 2 queries, and 4 for each; none without ends."""
    asset, unit = reads.asset_name(result), reads.asset_unit(result.get("asset"))
    wanted = list(ends)
    if not wanted:
        return BreakPoints((), (), unit)
    span, assets = _span(), {asset, *_assets_of_deposits()}
    points = tuple(_point(each, asset, assets, matcher or Matcher(), span) for each in wanted)
    return BreakPoints(points, _ranking(points), unit)


def _span() -> tuple[datetime, datetime] | None:
    """From the first to the last deposit on record: 1 query."""
    row = _deposits().aggregate(first=Min("at"), last=Max("at"))
    return (row["first"], row["last"]) if row["first"] is not None else None


def _deposits() -> Any:
    return ExchangeRecord.objects.filter(kind="deposit").exclude(status__in=NOT_ARRIVED)


def _point(
    swap: SwapEnd,
    asset: str,
    assets: set[str],
    matcher: Matcher,
    span: tuple[datetime, datetime] | None,
) -> BreakPoint:
    end = swap.end
    at = datetime.fromisoformat(end["at"])
    value = int(end["value"])
    begin = at + timedelta(minutes=matcher.from_minutes)
    close = at + timedelta(minutes=matcher.to_minutes)
    arrived = list(
        _deposits()
        .filter(at__gte=begin, at__lte=close)
        .exclude(asset_id=asset)
        .select_related("account", "asset")
        .order_by("at", "ref")
    )
    prices = latest_prices(assets, at)
    bands = {
        name: band
        for name, price in prices.items()
        if name != asset and (band := _band(value, prices[asset], price, matcher)) is not None
    }
    fitting = [record for record in arrived if _fits(record, bands)]
    return BreakPoint(
        outpoint=end["outpoint"],
        txid=end["txid"],
        address=end["address"],
        label=swap.label,
        kind=swap.kind,
        at=at,
        amount=int(end["amount"]),
        value=value,
        candidates=tuple(
            Candidate(
                record,
                int((record.at - at).total_seconds() // 60),
                _fee(record.base, value, prices[asset], prices[record.asset_id]),
                Fraction(1, len(fitting)),
            )
            for record in fitting[:MOST_CANDIDATES]
        ),
        num_fitting=len(fitting),
        num_in_window=len(arrived),
        base_rate=_base_rate(bands, matcher, span),
        has_price=bool(bands),
    )


def _fits(record: ExchangeRecord, bands: Mapping[str, tuple[int, int]]) -> bool:
    least, most = bands.get(record.asset_id, (1, 0))
    return bool(least <= record.base <= most)


def _assets_of_deposits() -> set[str]:
    return set(_deposits().order_by().values_list("asset_id", flat=True).distinct())


def _worth(value: int, paid: AssetPrice, got: AssetPrice) -> Fraction | None:
    """So many base units of the other asset are worth the same; None without a price."""
    if paid.price is None or not got.price:
        return None
    whole = Fraction(value, 10**paid.decimals) * Fraction(paid.price) / Fraction(got.price)
    return whole * Fraction(10**got.decimals)


def _band(
    value: int, paid: AssetPrice, got: AssetPrice, matcher: Matcher
) -> tuple[int, int] | None:
    """The least and the most base units that fit."""
    worth = _worth(value, paid, got)
    if worth is None:
        return None
    least = worth * (PPM - matcher.most_fee) / PPM
    most = worth * (PPM - matcher.least_fee) / PPM
    return -(-least.numerator // least.denominator), most.numerator // most.denominator


def _fee(base: int, value: int, paid: AssetPrice, got: AssetPrice) -> int:
    worth = _worth(value, paid, got)
    assert worth is not None  # it fits a band, so it has a price
    return round((worth - base) * PPM / worth)


def _base_rate(
    bands: Mapping[str, tuple[int, int]],
    matcher: Matcher,
    span: tuple[datetime, datetime] | None,
) -> Decimal:
    """The mean number of fitting deposits at moments spread over the records: 1 query."""
    if not bands or span is None:
        return Decimal(0)
    fits = reduce(or_, (Q(asset_id=name, base__range=band) for name, band in bands.items()))
    times = sorted(_deposits().filter(fits).values_list("at", flat=True))
    first, last = span
    total = 0
    for number in range(MOMENTS):
        moment = first + (last - first) * number / MOMENTS
        begin = moment + timedelta(minutes=matcher.from_minutes)
        close = moment + timedelta(minutes=matcher.to_minutes)
        total += bisect_right(times, close) - bisect_left(times, begin)
    return Decimal(total) / MOMENTS


def _ranking(points: Iterable[BreakPoint]) -> tuple[Match, ...]:
    accounts: dict[int, ExchangeAccount] = {}
    fits: dict[int, dict[str, Fraction]] = {}
    for point in points:
        for each in point.candidates:
            account = each.record.account
            accounts[account.pk] = account
            found = fits.setdefault(account.pk, {})
            found[point.outpoint] = found.get(point.outpoint, Fraction(0)) + each.weight
    matches = [
        Match(accounts[pk], len(found), sum(found.values(), Fraction(0)))
        for pk, found in fits.items()
    ]
    return tuple(
        sorted(matches, key=lambda each: (-each.num_points, -each.weight, each.account.uid))
    )
