"""Amounts as people read them: fiat first and short, the exact crypto amount below it.

Amounts of assets come in base units (satoshi, wei) and are never rounded; fiat comes as Decimal
with its price, and is rounded for the headline only. None is "unknown", never 0 and never a dash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Protocol

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from fiu.templatetags.times import as_time

register = template.Library()


class Asset(Protocol):
    """Anything with a symbol and its number of decimals."""

    @property
    def symbol(self) -> str: ...

    @property
    def decimals(self) -> int: ...


@dataclass(frozen=True)
class KnownAsset:
    symbol: str
    decimals: int


# By the asset part of CAIP-19; source: SLIP-0044 and the token contracts' own `decimals`.
KNOWN: Mapping[str, KnownAsset] = {
    "slip44:0": KnownAsset("BTC", 8),
    "slip44:60": KnownAsset("ETH", 18),
    "slip44:128": KnownAsset("XMR", 12),
    "erc20:0xdac17f958d2ee523a2206206994597c13d831ec7": KnownAsset("USDT", 6),
    "erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48": KnownAsset("USDC", 6),
    "slip44:195": KnownAsset("TRX", 6),
    "trc20:tr7nhqjekqxgtci8q8zy4pl8otszgjlj6t": KnownAsset("USDT", 6),
}
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "TWD": "NT$", "JPY": "¥", "CHF": "CHF "}


def asset_of(asset: Asset | str) -> KnownAsset:
    """Symbol and decimals of an asset object or a CAIP-19 name.

    A name that is not known counts in base units under its own name: nothing is guessed.
    """
    if isinstance(asset, str):
        return KNOWN.get(asset.rpartition("/")[2].lower(), KnownAsset(asset, 0))
    return KnownAsset(asset.symbol, asset.decimals)


def exact(value: int | str, asset: Asset | str) -> str:
    """`exact(2241070000, BTC)` -> "22.4107 BTC": every digit that counts, at least two decimals."""
    known = asset_of(asset)
    units = int(value)
    sign, units = ("−", -units) if units < 0 else ("", units)
    whole, part = divmod(units, 10**known.decimals)
    digits = str(part).rjust(known.decimals, "0").rstrip("0") if known.decimals else ""
    if known.decimals:
        digits = "." + digits.ljust(min(2, known.decimals), "0")
    return f"{sign}{whole:,}{digits} {known.symbol}"


def headline(amount: Decimal | int | str, currency: str = "USD") -> str:
    """`headline(Decimal("4821300"))` -> "$4.82M": short; the full sum is in the tip."""
    number = Decimal(amount)
    sign = "−" if number < 0 else ""
    number = abs(number)
    mark = SIGNS.get(currency, f"{currency} ")
    for limit, unit, letter in (
        (Decimal("999950000"), Decimal(10**9), "B"),
        (Decimal("999500"), Decimal(10**6), "M"),
    ):
        if number >= limit:
            short = (number / unit).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
            return f"{sign}{mark}{short:,}{letter}"
    if number >= 10_000:
        return f"{sign}{mark}{(number / 1000).quantize(Decimal(1), ROUND_HALF_EVEN):,}K"
    whole = number >= 1000 or number == number.to_integral_value()
    places = Decimal(1) if whole else Decimal("0.01")
    return f"{sign}{mark}{number.quantize(places, ROUND_HALF_EVEN):,}"


def full(amount: Decimal | int | str, currency: str = "USD") -> str:
    """`full(Decimal("4821300.5"))` -> "$4,821,300.50"."""
    number = Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    sign = "−" if number < 0 else ""
    return f"{sign}{SIGNS.get(currency, f'{currency} ')}{abs(number):,}"


def _get(price: object, name: str) -> object:
    return price.get(name) if isinstance(price, Mapping) else getattr(price, name, None)


def price_words(price: object) -> str:
    """Where a fiat figure comes from: unit price, time, source and method, as far as known."""
    parts = []
    unit, at, source, method = (_get(price, name) for name in ("price", "at", "source", "method"))
    currency = str(_get(price, "currency") or "USD")
    if isinstance(unit, Decimal | int | str) and unit != "":
        parts.append(_("Price %(price)s") % {"price": full(unit, currency)})
    if (moment := as_time(at)) is not None:
        parts.append(_("at %(time)s UTC") % {"time": date_format(moment, "j M Y, H:i")})
    if source:
        parts.append(_("source %(source)s") % {"source": source})
    if method:
        parts.append(str(method))
    return ", ".join(parts)


def _unknown() -> SafeString:
    return format_html('<span class="unknown">{}</span>', _("unknown"))


@register.simple_tag
def fiat(
    amount: Decimal | int | str | None, price: object = "", currency: str = "USD"
) -> SafeString:
    """`{% fiat total %}` or `{% fiat line.fiat line.price %}`: short, the full sum in the tip.

    `price` is an object or dict with any of `price, currency, at, source, method`; with one the
    figure takes focus, so that the price's source is reachable by keyboard.
    """
    if amount is None or amount == "":
        return _unknown()
    currency = str(_get(price, "currency") or currency)
    words = price_words(price)
    tip = ". ".join(part for part in (full(amount, currency), words) if part)
    return format_html(
        '<span class="fiat"{} data-tip="{}">{}</span>',
        mark_safe(' tabindex="0"') if words else "",
        tip,
        headline(amount, currency),
    )


@register.simple_tag
def money(
    value: int | str | None,
    asset: Asset | str,
    fiat_amount: Decimal | int | str | None = None,
    price: object = "",
    stacked: bool = True,
) -> SafeString:
    """`{% money line.held line.asset %}`: exact; with `fiat_amount` the fiat headline above it."""
    if value is None or value == "":
        return _unknown()
    crypto = exact(value, asset)
    if fiat_amount is None or fiat_amount == "":
        return format_html('<span class="money">{}</span>', crypto)
    return format_html(
        '<span class="money{}">{} <span class="crypto">{}</span></span>',
        " stacked" if stacked else "",
        fiat(fiat_amount, price),
        crypto,
    )


@register.filter
def crypto(value: int | str | None, asset: Asset | str) -> str:
    """`{{ line.held|crypto:line.asset }}` as plain text."""
    return _("unknown") if value is None or value == "" else exact(value, asset)


@register.filter
def symbol(asset: Asset | str) -> str:
    """`{{ asset|symbol }}` -> "BTC"."""
    return asset_of(asset).symbol


@register.filter
def short_fiat(amount: Decimal | int | str | None, currency: str = "USD") -> str:
    """`{{ total|short_fiat }}` as plain text, for labels and attributes."""
    return _("unknown") if amount is None or amount == "" else headline(amount, currency)


@register.filter
def full_fiat(amount: Decimal | int | str | None, currency: str = "USD") -> str:
    """`{{ total|full_fiat }}` with cents, as plain text."""
    return _("unknown") if amount is None or amount == "" else full(amount, currency)
