"""Prices as their page shows them: the one that counts now of each asset, and those before it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from cases.models import Asset, Price
from cases.queries.keyset import Page, newest_first
from cases.queries.money import CURRENCY, AssetPrice, latest_prices

LATELY = timedelta(days=30)


@dataclass(frozen=True)
class PricePage:
    """`now` of every asset; `history` of all or of `asset`, newest first."""

    now: list[AssetPrice]
    history: Page
    asset: AssetPrice | None


def price_page(asset: str = "", after: str = "") -> PricePage:
    """Prices belong to no case: 4 queries, 50 of the history a page."""
    now = list(latest_prices(set(Asset.objects.values_list("asset", flat=True))).values())
    now.sort(key=lambda each: (each.symbol, each.asset))
    chosen = next((each for each in now if each.asset == asset), None)
    rows = Price.objects.select_related("asset")
    if chosen is not None:
        rows = rows.filter(asset=chosen.asset)
    return PricePage(now, newest_first(rows, "at", after), chosen)


@dataclass(frozen=True)
class PriceFacts:
    """What to say beside sums at the latest prices: whose they are, of when, and what has none."""

    sources: str
    first_at: datetime | None
    last_at: datetime | None
    unpriced: str


def facts_of_prices() -> PriceFacts:
    """Of the price of each known asset that counts now: 3 queries."""
    now = list(latest_prices(set(Asset.objects.values_list("asset", flat=True))).values())
    times = [each.at for each in now if each.at is not None]
    return PriceFacts(
        sources=sources_of(now),
        first_at=min(times, default=None),
        last_at=max(times, default=None),
        unpriced=", ".join(sorted({each.symbol for each in now if each.price is None})),
    )


def sources_of(prices: Iterable[AssetPrice]) -> str:
    """The sources of prices that are known, each once: "kaiko, exchange"."""
    return ", ".join(sorted({each.source for each in prices if each.price is not None}))


def highest_prices(assets: set[str], signers: Collection[int]) -> dict[str, AssetPrice]:
    """The highest price of each asset of the last 30 days and the one before, of all sources.

    How many sign an act depends on it: one low price among them lowers nothing, and those that one
    of the signers loaded do not count at all. An asset without any other has no price.
    2 queries, and 2 an asset.
    """
    now = timezone.now()
    rows = Price.objects.filter(
        Q(loaded_by=None) | ~Q(loaded_by__in=signers), asset_id__in=assets, currency=CURRENCY
    )
    lately = rows.filter(at__gt=now - LATELY, at__lte=now).order_by("price", "pk")
    before = rows.filter(at__lte=now - LATELY).order_by("at", "pk")
    found = latest_prices(assets)
    for name, asset in found.items():
        last = before.filter(asset_id=name).last(), lately.filter(asset_id=name).last()
        best = max((each for each in last if each), key=lambda each: each.price, default=None)
        if best is not None:
            found[name] = replace(asset, price=best.price, source=best.source, at=best.at)
        elif asset.at is not None:
            found[name] = replace(asset, price=None, source="", at=None)
    return found
