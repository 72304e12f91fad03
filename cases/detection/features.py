"""What the learned score knows of a customer: whole figures of the account and of its wallets.

Every figure is a whole number (times, cents, seconds), so that any engine that computes it from the
same rows finds the same one: `tracing.compute.customers` does so where there are too many rows for
this. Nothing later than a given moment counts: a figure of last year is what it was then.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import Final

from cases.detection.catalogue import FLAGS
from cases.detection.movements import INWARD, OUTWARD, TRADES, Account, Movement, Touch

LARGE: Final = 1_000_000  # cents: a common limit of recording and reporting
NEAR: Final = 900_000
SMALL: Final = 100_000
QUICK: Final = 24 * 3_600
NIGHT_ENDS: Final = 6  # o'clock, UTC
DAY: Final = 86_400
LIMITS: Final = {
    "large": LARGE, "near": NEAR, "small": SMALL, "quick": QUICK, "night_ends": NIGHT_ENDS,
}  # fmt: skip
PRIVACY: Final = frozenset(FLAGS["A2"].params["privacy_assets"])
ILLICIT: Final = FLAGS["A7"].categories | FLAGS["F1"].categories
MIXING: Final = FLAGS["F6"].categories
HIDDEN: Final = frozenset({"tor", "vpn", "proxy"})
Figures = dict[str, int]


@dataclass(frozen=True, slots=True)
class Feature:
    """One figure with what it means; `unit` is times, cents, sat, seconds or permille."""

    name: str
    words: str
    unit: str = "times"

    def tell(self, value: int) -> str:
        """The value as a reader writes it."""
        if self.unit == "cents":
            return f"{value / 100:,.2f}"
        if self.unit == "sat":
            return f"{value / 100_000_000:,.8f} BTC"
        if self.unit == "seconds":
            return f"{value / 86_400:,.1f} days" if value >= DAY else f"{value / 3_600:.1f} hours"
        if self.unit == "permille":
            return f"{value / 10:.1f} %"
        return f"{value:,}"


MONEY: Final = (
    Feature("num_in", "payments in"),
    Feature("num_out", "payments out"),
    Feature("num_trades", "trades and conversions"),
    Feature("cents_in", "value paid in", "cents"),
    Feature("cents_out", "value paid out", "cents"),
    Feature("largest_in", "largest payment in", "cents"),
    Feature("num_near_limit", "amounts just under 10,000"),
    Feature("num_large", "amounts of 10,000 or more"),
    Feature("num_small_in", "payments in of at most 1,000"),
    Feature("num_quick_out", "payments out within a day after one in"),
    Feature("cents_quick_out", "value paid out within a day after a payment in", "cents"),
    Feature("num_privacy", "movements of privacy coins"),
    Feature("cents_lost", "value lost in conversions", "cents"),
    Feature("num_assets", "assets used"),
    Feature("num_days", "days with a movement"),
    Feature("most_in_a_day", "most movements in one day"),
    Feature("num_night", "movements between midnight and six, UTC"),
    Feature("longest_gap", "longest silence between two movements", "seconds"),
)
"""Of the account's movements alone: the engine of large installations computes these."""
WALLETS: Final = (
    Feature("num_partners", "other customers dealt with"),
    Feature("num_places", "wallets paid out to"),
    Feature("num_sources", "wallets that paid in"),
    Feature("cents_illicit_near", "value that met illicit services at first hand", "cents"),
    Feature("cents_illicit_far", "value that met illicit services further off", "cents"),
    Feature("cents_mixed", "value that met a mixer", "cents"),
    Feature("num_peeled", "deposits at the end of a peel chain"),
)
PERSON: Final = (
    Feature("age", "age of the account", "seconds"),
    Feature("num_hidden", "logins by Tor, VPN or proxy"),
    Feature("num_lands", "countries of logins"),
    Feature("num_changes", "changes of contact or bank details"),
    Feature("num_shared", "accounts of others on the same device or address"),
    Feature("times_income", "paid in of the declared yearly income", "permille"),
    Feature("share_out", "paid out of what was paid in", "permille"),
    Feature("share_quick", "paid out within a day, of what was paid in", "permille"),
)
FEATURES: Final = (*MONEY, *WALLETS, *PERSON)
NAMES: Final = tuple(feature.name for feature in FEATURES)


def exposed_part(fiat: Decimal, touches: Iterable[Touch]) -> tuple[Decimal, Decimal]:
    """What of a movement's value must be, and what can be, of an illicit origin or end.

    Bounds of several kinds add up, and never pass the movement itself.
    """
    bad = [touch for touch in touches if touch.category in ILLICIT]
    low, high = sum(touch.low_pct for touch in bad), sum(touch.high_pct for touch in bad)
    return fiat * min(low, 100) / 100, fiat * min(high, 100) / 100


def cents(amount: Decimal | None) -> int:
    """An amount of the reporting currency in whole cents, downward; 0 without a price."""
    return int(amount * 100) if amount is not None else 0


def figures_of(
    account: Account, rows: Sequence[Movement], until: datetime | None = None
) -> Figures:
    """The figures of one account, from what happened up to `until`: O(rows).

    `rows` are sorted by time. Without `until` everything counts. Links to other accounts have no
    time of their own in the records, so they count as they stand.
    """
    known = [row for row in rows if until is None or row.at <= until]
    end = until or (known[-1].at if known else account.known_to)
    found = money_figures(known) | _wallets(known)
    events = [event for event in account.events if until is None or event.at <= until]
    logins = [event for event in events if event.kind == "login"]
    opened = datetime.combine(account.opened_on, time(), UTC) if account.opened_on else None
    came, went, quick = (found[name] for name in ("cents_in", "cents_out", "cents_quick_out"))
    income = cents(account.income)
    return found | {
        "age": max(int((end - opened).total_seconds()), 0) if end and opened else 0,
        "num_hidden": sum(event.detail in HIDDEN for event in logins),
        "num_lands": len({event.country for event in logins} - {""}),
        "num_changes": sum(event.kind == "profile_change" for event in events),
        "num_shared": len({uid for uid, _what in account.shared}),
        "times_income": _permille(came, income),
        "share_out": _permille(went, came),
        "share_quick": _permille(quick, came),
    }


def _permille(part: int, whole: int) -> int:
    """At most ten times the whole, so that one tiny divisor does not outweigh a customer."""
    return min(part * 1_000 // whole, 10_000) if whole > 0 else 0


def money_figures(rows: Sequence[Movement]) -> Figures:
    """Those of MONEY, of movements sorted by time: O(rows)."""
    values = [cents(row.fiat) for row in rows]
    days = Counter(row.at.astimezone(UTC).date() for row in rows)
    pairs = list(zip(rows, values, strict=True))
    came = [value for row, value in pairs if row.kind in INWARD]
    quick = _quick(rows, values)
    seconds = [int(row.at.timestamp()) for row in rows]
    return {
        "num_in": len(came),
        "num_out": sum(row.kind in OUTWARD for row in rows),
        "num_trades": sum(row.kind in TRADES for row in rows),
        "cents_in": sum(came),
        "cents_out": sum(value for row, value in pairs if row.kind in OUTWARD),
        "largest_in": max(came, default=0),
        "num_near_limit": sum(NEAR <= value < LARGE for value in values),
        "num_large": sum(value >= LARGE for value in values),
        "num_small_in": sum(0 < value <= SMALL for value in came),
        "num_quick_out": len(quick),
        "cents_quick_out": sum(quick),
        "num_privacy": sum(row.asset in PRIVACY or row.asset_out in PRIVACY for row in rows),
        "cents_lost": sum(
            max(cents(row.fiat) - cents(row.fiat_out), 0)
            for row in rows
            if row.kind in TRADES and row.fiat is not None and row.fiat_out is not None
        ),
        "num_assets": len({row.asset for row in rows}),
        "num_days": len(days),
        "most_in_a_day": max(days.values(), default=0),
        "num_night": sum(row.at.astimezone(UTC).hour < NIGHT_ENDS for row in rows),
        "longest_gap": max(
            (later - earlier for earlier, later in pairwise(seconds)),
            default=0,
        ),
    }


def _quick(rows: Sequence[Movement], values: Sequence[int]) -> list[int]:
    """Values of payments out at most a day after the last payment in."""
    found, last = [], None
    for row, value in zip(rows, values, strict=True):
        at = int(row.at.timestamp())
        if row.kind in INWARD:
            last = at
        elif row.kind in OUTWARD and last is not None and at - last <= QUICK:
            found.append(value)
    return found


def _wallets(rows: Iterable[Movement]) -> Figures:
    found = dict.fromkeys((feature.name for feature in WALLETS), 0)
    partners: set[str] = set()
    places: set[str] = set()
    sources: set[str] = set()
    for row in rows:
        if row.other:
            partners.add(row.other)
        if row.kind == "withdrawal" and row.address:
            places.add(row.address)
        sources.update(row.sources)
        value = cents(row.fiat)
        near = far = mixed = 0
        for touch in row.touches:
            if touch.category in ILLICIT:
                near, far = (
                    (near + touch.share_pct, far) if touch.hops <= 1
                    else (near, far + touch.share_pct)
                )  # fmt: skip
            if touch.category in MIXING:
                mixed += touch.share_pct
            found["num_peeled"] += touch.category == "peel_chain"
        found["cents_illicit_near"] += value * min(near, 100) // 100
        found["cents_illicit_far"] += value * min(far, 100) // 100
        found["cents_mixed"] += value * min(mixed, 100) // 100
    return found | {
        "num_partners": len(partners), "num_places": len(places), "num_sources": len(sources),
    }  # fmt: skip
