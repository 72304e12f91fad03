"""A world with known truth for detection: 20 planted patterns and 20 near misses a rule.

Written from the wording of the red flags, apart from the rules: it imports nothing of them. Each
plan is one account (or one group of accounts) with its own movements, as CSV files that the
ordinary import reads. A near miss differs from its pattern in one thing, told by its name.
"""

import csv
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

BTC = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328/slip44:0"
USDT = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
ETH = "eip155:1/slip44:60"
XMR = "monero:418015bb9ae982a1975da7d79277c270/slip44:128"
ASSETS = {BTC: ("BTC", 8, "100000"), USDT: ("USDT", 6, "1"), ETH: ("ETH", 18, "2500"),
          XMR: ("XMR", 12, "200")}  # fmt: skip
PER_RULE = 20
START = datetime(2025, 1, 6, tzinfo=UTC)
LONG_AGO = date(2021, 3, 1)
Plan = Callable[["Book", random.Random, int], None]


@dataclass
class Book:
    """The movements of one plan."""

    uid: str
    opened_on: date = LONG_AGO
    rows: list[dict[str, str]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    helpers: list[str] = field(default_factory=list)

    def line(
        self, kind: str, hours: float, asset: str, usd: float, *, uid: str = "", to: str = "",
        into: str = "", cost: float = 0.0, units: int | None = None,
    ) -> None:  # fmt: skip
        """A movement worth `usd`; a conversion gives `into`, less `cost` of its value."""
        at = START + timedelta(hours=hours)
        row = dict.fromkeys(
            ("counter_account", "asset_out", "base_out", "fee_asset", "fee_base", "txid",
             "address", "ip"), "",
        )  # fmt: skip
        row |= {
            "kind": kind, "account": uid or self.uid, "asset": asset, "status": "completed",
            "base": str(base(asset, usd) if units is None else units),
            "at": at.isoformat(timespec="seconds"), "counter_account": to,
        }  # fmt: skip
        if into:
            row |= {"asset_out": into, "base_out": str(base(into, usd * (1 - cost)))}
        self.rows.append(row)

    def awake(self) -> None:
        """A small movement at the start, so that the account never counts as asleep."""
        self.line("deposit", 0, USDT, 20)

    def helper(self, number: int) -> str:
        """Another account of the plan."""
        uid = f"{self.uid}-H{number}"
        if uid not in self.helpers:
            self.helpers.append(uid)
        return uid


def base(asset: str, usd: float) -> int:
    """Base units worth so many whole cents."""
    _symbol, decimals, price = ASSETS[asset]
    return round(usd * 100) * 10**decimals // (int(price) * 100)


# --- The patterns. `n` is the number of the plan: 0 to 19. ---


def just_under_limit(book: Book, chance: random.Random, n: int) -> None:
    book.awake()
    kind = ("deposit", "withdrawal", "fiat_in", "fiat_out")[n % 4]
    for step in range(3 + n % 3):
        book.line(kind, 100 + step * 20, USDT, chance.randint(9_000, 9_999))


def under_limit_but(book: Book, chance: random.Random, n: int) -> None:
    """Only two; too far under; at the limit; too slow; half in and half out."""
    book.awake()
    amounts = [chance.randint(9_100, 9_900) for _ in range(3)]
    match n % 5:
        case 0:
            amounts.pop()
        case 1:
            amounts[1] = 8_999
        case 2:
            amounts[2] = 10_000
    for step, usd in enumerate(amounts):
        out = n % 5 == 4 and step == 1
        hours = 100 + step * (37 if n % 5 == 3 else 20)
        book.line("withdrawal" if out else "deposit", hours, ETH if out else USDT, usd)


def large_into_new(book: Book, chance: random.Random, n: int) -> None:
    usd = chance.randint(10_000, 90_000)
    if n % 2:
        book.opened_on = (START + timedelta(days=10)).date()
        book.line("deposit", 240 + 24 * (1 + n), BTC, usd)
    else:
        book.line("deposit", 0, BTC, 50)
        book.line("fiat_in" if n % 4 else "deposit", 24 * (181 + n), USDT, usd)


def large_into_known(book: Book, chance: random.Random, n: int) -> None:
    """A day too old; slept a day too short; one dollar short; it leaves and does not come."""
    usd = 9_000 - 1 if n % 4 == 2 else chance.randint(10_000, 90_000)
    if n % 4 == 0:
        book.opened_on = (START - timedelta(days=30)).date()
        book.line("deposit", 24 * 3, BTC, 50)
        book.line("deposit", 24 * (4 + n), BTC, usd)
        return
    book.line("deposit", 0, BTC, 50)
    days = 179 if n % 4 == 1 else 200 + n
    book.line("withdrawal" if n % 4 == 3 else "deposit", 24 * days, BTC, usd)


def through_without_trade(book: Book, chance: random.Random, n: int) -> None:
    book.awake()
    usd = chance.randint(1_500, 8_000)
    asset = (BTC, ETH, XMR)[n % 3]
    parts = 1 + n % 3
    for step in range(parts):
        book.line("deposit", 200 + step, asset, usd)
    book.line("withdrawal", 210 + 3 * n, asset, parts * usd * (90 + n % 10) / 100 + 1)


def through_but(book: Book, chance: random.Random, n: int) -> None:
    """A trade between; too slow; too little leaves; too little came; another asset leaves."""
    book.awake()
    usd = 900 if n % 5 == 3 else chance.randint(1_500, 8_000)
    book.line("deposit", 200, BTC, usd)
    if n % 5 == 0:
        book.line("conversion", 205, BTC, 100, into=USDT, cost=0.001)
    share = 0.85 if n % 5 == 2 else 0.97
    asset = ETH if n % 5 == 4 else BTC
    book.line("withdrawal", 200 + (73 + n if n % 5 == 1 else 20), asset, usd * share)


def chain_of_conversions(book: Book, chance: random.Random, n: int) -> None:
    book.awake()
    usd = chance.randint(3_000, 8_500)
    book.line("deposit", 300, BTC, usd)
    way = [BTC, ETH, USDT, BTC, ETH][: 4 + n % 2]
    for step, (give, take) in enumerate(pairwise(way)):
        book.line("conversion", 301 + step * 5, give, usd * 0.98**step, into=take, cost=0.02)


def conversions_but(book: Book, chance: random.Random, n: int) -> None:
    """Two only; too slow; always the same asset; without a cost; small change."""
    book.awake()
    usd = 600 if n % 5 == 4 else chance.randint(3_000, 8_500)
    book.line("deposit", 300, BTC, usd)
    way = [(BTC, ETH), (ETH, USDT), (USDT, BTC)][: 2 if n % 5 == 0 else 3]
    if n % 5 == 2:
        way = [(BTC, USDT)] * 3
    gap = 12.5 if n % 5 == 1 else 5
    for step, (give, take) in enumerate(way):
        worth = usd / 3 if n % 5 == 2 else usd
        book.line(
            "conversion", 301 + step * gap, give, worth, into=take, cost=0 if n % 5 == 3 else 0.02
        )


def many_pay_one(book: Book, chance: random.Random, n: int) -> None:
    book.awake()
    people = 5 + n % 6
    for step in range(10 + n % 5):
        payer = book.helper(step % people)
        book.line(
            "internal_transfer", 50 + step * 40, USDT, chance.randint(20, 400), uid=payer,
            to=book.uid,
        )  # fmt: skip


def few_pay_one(book: Book, chance: random.Random, n: int) -> None:
    """Four people; nine payments; too slow; one pays many."""
    book.awake()
    people = 4 if n % 4 == 0 else 7
    count = 9 if n % 4 == 1 else 11
    gap = 24 * 4 if n % 4 == 2 else 30
    for step in range(count):
        one, other = book.helper(step % people), book.helper(0)
        payer, payee = (book.uid, one) if n % 4 == 3 else (one, book.uid)
        usd = chance.randint(20, 400)
        book.line("internal_transfer", 50 + step * gap, USDT, usd, uid=payer, to=payee)
        assert other


def large_again(book: Book, chance: random.Random, n: int) -> None:
    book.awake()
    for step in range(5 + n % 3):
        kind = "fiat_in" if n % 3 == 0 else "deposit"
        book.line(kind, 60 + step * 24 * 5, USDT, chance.randint(10_000, 40_000))


def large_but(book: Book, chance: random.Random, n: int) -> None:
    """Four; one is smaller; too slow; they leave."""
    book.awake()
    for step in range(4 if n % 4 == 0 else 5):
        usd = 8_500 if n % 4 == 1 and step == 2 else chance.randint(10_000, 40_000)
        gap = 24 * 8 if n % 4 == 2 else 24 * 5
        kind = "fiat_out" if n % 4 == 3 else "deposit"
        book.line(kind, 60 + step * gap, USDT, usd)


def into_privacy(book: Book, chance: random.Random, n: int) -> None:
    book.awake()
    usd = chance.randint(1_200, 8_000)
    asset = (BTC, ETH, USDT)[n % 3]
    book.line("deposit", 400, asset, usd)
    parts = 1 + n % 2
    for step in range(parts):
        worth = usd * (81 + n % 19) / 100 / parts
        book.line("conversion", 401 + n + step, asset, worth, into=XMR, cost=0.001)


def into_privacy_but(book: Book, chance: random.Random, n: int) -> None:
    """Too slow; too small a part; too little; into a transparent coin; out of a privacy coin."""
    book.awake()
    usd = 950 if n % 5 == 2 else chance.randint(1_200, 8_000)
    came = XMR if n % 5 == 4 else BTC
    book.line("deposit", 400, came, usd)
    into = USDT if n % 5 in (3, 4) else XMR
    share = 0.78 if n % 5 == 1 else 0.95
    book.line(
        "conversion", 400 + (25 + n if n % 5 == 0 else 10), came, usd * share, into=into, cost=0.001
    )


def one_device(book: Book, chance: random.Random, n: int) -> None:
    size = 4 + n % 4
    members = [book.uid, *(book.helper(number) for number in range(1, size))]
    book.links = list(pairwise(members))
    for step, uid in enumerate(members):
        book.line("deposit", 500 + step * 60, USDT, chance.randint(20, 300), uid=uid)


def one_device_but(book: Book, chance: random.Random, n: int) -> None:
    """Three accounts; four, one of them asleep; four, too far apart; four without a device."""
    size = 3 if n % 4 == 0 else 4
    members = [book.uid, *(book.helper(number) for number in range(1, size))]
    if n % 4 != 3:
        book.links = list(pairwise(members))
    for step, uid in enumerate(members):
        if n % 4 == 1 and step == 3:
            continue
        gap = 24 * 11 if n % 4 == 2 else 60
        book.line("deposit", 500 + step * gap, USDT, chance.randint(20, 300), uid=uid)


PLANS: dict[str, tuple[Plan, Plan]] = {
    "structuring": (just_under_limit, under_limit_but),
    "large_into_new_or_slept": (large_into_new, large_into_known),
    "in_and_out": (through_without_trade, through_but),
    "conversion_chain": (chain_of_conversions, conversions_but),
    "fan_in": (many_pay_one, few_pay_one),
    "many_large": (large_again, large_but),
    "privacy_swap": (into_privacy, into_privacy_but),
    "shared_device": (one_device, one_device_but),
}


@dataclass(frozen=True)
class Truth:
    """Accounts by rule: on which it must fire, and on which it must stay silent."""

    planted: dict[str, set[str]]
    near: dict[str, set[str]]


def write_world(folder: Path, seed: int = 7) -> Truth:
    """Write the CSV files; the truth stays with the caller."""
    planted: defaultdict[str, set[str]] = defaultdict(set)
    near: defaultdict[str, set[str]] = defaultdict(set)
    books = []
    for code, plans in PLANS.items():
        for kind, plan, truth in zip("PN", plans, (planted, near), strict=True):
            for n in range(PER_RULE):
                book = Book(f"{code[:9]}-{kind}{n:02d}")
                plan(book, random.Random(f"{seed}:{code}:{kind}:{n}"), n)
                truth[code].add(book.uid)
                books.append(book)
    _write(folder, books)
    return Truth(dict(planted), dict(near))


def _write(folder: Path, books: list[Book]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    assets = [(asset, symbol, str(decimals)) for asset, (symbol, decimals, _) in ASSETS.items()]
    table(folder / "assets.csv", ("asset", "symbol", "decimals"), assets)
    table(folder / "prices.csv", ("asset", "currency", "price", "at", "source", "method"),
          [(asset, "USD", price, "2024-12-01T00:00:00+00:00", "World of detection", "close")
           for asset, (_symbol, _decimals, price) in ASSETS.items()])  # fmt: skip
    accounts = [
        (uid, f"CU-{uid}", f"Holder {uid}", "XX", "main", str(book.opened_on), "active", "2")
        for book in books
        for uid in (book.uid, *book.helpers)
    ]
    table(folder / "accounts.csv", ("uid", "customer", "holder_name", "country", "kind",
          "opened_on", "state", "kyc_level"), accounts)  # fmt: skip
    columns = (
        "ref", "kind", "account", "counter_account", "asset", "base", "asset_out", "base_out",
        "fee_asset", "fee_base", "at", "txid", "status", "address", "ip",
    )  # fmt: skip
    rows = sorted((row for book in books for row in book.rows), key=lambda row: row["at"])
    table(folder / "movements.csv", columns, [
        (f"DW-{number:06d}", *(row[name] for name in columns[1:]))
        for number, row in enumerate(rows)
    ])  # fmt: skip
    table(folder / "links.csv", ("account", "other_account", "link", "basis"),
          [(*pair, "device", "one device") for book in books for pair in book.links])  # fmt: skip


def table(path: Path, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """One CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
