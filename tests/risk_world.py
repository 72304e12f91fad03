"""A world of customers with known truth for the learned score: who launders, how, and from when.

Written apart from the rules and the score: it imports nothing of them but the values they read.
Launderers keep to no limit of any rule: amounts, gaps and shares are drawn from spans that reach
to both sides of it. Honest customers do odd things as well, some of which every rule fires on.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from cases.detection import Account, Event, Movement, Touch

START = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 360
HONEST = ("plain", "trader", "whale", "shop", "nomad", "saver")
WAYS = ("smurf", "mule", "pipe", "private", "market", "worker")
UNSEEN = "worker"  # a way that nobody had met before the split
SHARE_BAD = 0.03


@dataclass(frozen=True)
class Customer:
    """One customer; `way` is how it launders, empty for an honest one, `since` its first day."""

    number: int
    account: Account
    rows: tuple[Movement, ...]
    way: str
    since: int

    def until(self, day: int) -> tuple[Account, list[Movement]]:
        """What the records held of it on a day, counted from the start."""
        end = START + timedelta(days=day)
        events = tuple(event for event in self.account.events if event.at <= end)
        rows = [row for row in self.rows if row.at <= end]
        return replace(self.account, events=events, known_to=end), rows


class Book:
    """Collects the movements of one customer."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.number, self.chance = number, chance
        self.rows: list[Movement] = []
        self.events: list[Event] = []

    def line(
        self, day: float, kind: str, usd: float, asset: str = "USDT", into: str = "",
        loss: float = 0.002, other: str = "", place: str = "", touch: Touch | None = None,
    ) -> None:  # fmt: skip
        if not 0 <= day <= DAYS or usd < 1:
            return
        cents = Decimal(round(usd * 100)) / 100
        got = Decimal(round(usd * (1 - loss) * 100)) / 100 if into else None
        self.rows.append(
            Movement(
                f"r{self.number}-{len(self.rows)}", kind, START + timedelta(days=day), asset,
                int(cents * 100), cents, other if kind == "internal_in" else "", into, got,
                other=other, address=place, touches=(touch,) if touch else (),
            )
        )  # fmt: skip

    def login(self, day: float, country: str = "TW", detail: str = "") -> None:
        ip = f"198.51.100.{self.number % 250}"
        self.events.append(Event(f"e{len(self.events)}", "login",
                                 START + timedelta(days=day), ip, country, detail))  # fmt: skip


def _plain(book: Book, usual: float) -> None:
    chance = book.chance
    day = chance.uniform(0, 60)
    while day < DAYS:
        kind = chance.choice(("fiat_in", "fiat_in", "conversion", "conversion", "withdrawal"))
        usd = usual * chance.lognormvariate(0, 0.6)
        book.line(day, kind, usd, into="BTC" if kind == "conversion" else "",
                  place=f"own{book.number}" if kind == "withdrawal" else "")  # fmt: skip
        book.login(day)
        day += chance.expovariate(1 / 12)


def _trader(book: Book, usual: float) -> None:
    chance, day = book.chance, book.chance.uniform(0, 60)
    while day < DAYS:
        usd = usual * chance.lognormvariate(1.5, 0.8)
        book.line(day, "deposit", usd)
        for step in range(chance.randint(1, 5)):
            asset, into = chance.choice((("USDT", "BTC"), ("BTC", "ETH"), ("ETH", "XMR")))
            book.line(day + 0.02 * (step + 1), "conversion", usd, asset, into, 0.003)
        if chance.random() < 0.4:
            book.line(day + chance.uniform(0.3, 3), "withdrawal", usd * 0.95, "USDT",
                      place=f"own{book.number}")  # fmt: skip
        day += chance.expovariate(1 / 9)


def _whale(book: Book, usual: float) -> None:
    chance = book.chance
    for _each in range(chance.randint(3, 9)):
        day = chance.uniform(0, DAYS)
        book.line(day, "fiat_in", chance.uniform(8_000, 120_000))
        book.line(day + chance.uniform(0.1, 20), "conversion", usual * 20, into="BTC")
    _plain(book, usual * 3)


def _shop(book: Book, usual: float) -> None:
    chance, day = book.chance, book.chance.uniform(0, 60)
    while day < DAYS:
        for _each in range(chance.randint(1, 6)):
            book.line(day + chance.uniform(0, 3), "internal_in", chance.uniform(10, 300),
                      other=f"c{chance.randint(1, 400)}")  # fmt: skip
        if chance.random() < 0.5:
            book.line(day + 3.5, "fiat_out", chance.uniform(400, 9_990))
        day += 4


def _nomad(book: Book, usual: float) -> None:
    for _each in range(30):
        book.login(book.chance.uniform(0, DAYS), book.chance.choice(("JP", "VN", "TH", "TW")),
                   book.chance.choice(("", "", "vpn")))  # fmt: skip
    _plain(book, usual)


def _saver(book: Book, usual: float) -> None:
    for month in range(12):
        book.line(month * 30 + book.chance.uniform(0, 2), "fiat_in", usual * 2)
    book.line(book.chance.uniform(200, DAYS), "withdrawal", usual * 20, "BTC",
              place=f"cold{book.number}")  # fmt: skip


def _smurf(book: Book, since: float) -> None:
    chance, day = book.chance, since
    for _burst in range(chance.randint(3, 7)):
        for _each in range(chance.randint(2, 5)):
            book.line(day, chance.choice(("fiat_in", "deposit")), chance.uniform(7_200, 9_990))
            day += chance.uniform(0.4, 2.2)
        day += chance.uniform(5, 20)
        book.line(day, "withdrawal", chance.uniform(12_000, 30_000), place=f"x{chance.random()}")


def _mule(book: Book, since: float) -> None:
    chance, day = book.chance, since
    for _wave in range(chance.randint(3, 8)):
        total = 0.0
        for _each in range(chance.randint(3, 9)):
            usd = chance.uniform(200, 2_500)
            total += usd
            book.line(day, "internal_in", usd, other=f"v{chance.randint(1, 10**6)}")
            day += chance.uniform(0.02, 0.5)
        book.line(day + chance.uniform(0.1, 1.2), "withdrawal", total * 0.96,
                  place=f"x{chance.random()}")  # fmt: skip
        book.login(day, "TW", chance.choice(("vpn", "", "tor")))
        day += chance.uniform(4, 14)


def _pipe(book: Book, since: float) -> None:
    chance, day = book.chance, since
    for _pass in range(chance.randint(4, 12)):
        usd = chance.uniform(700, 14_000)
        book.line(day, "deposit", usd)
        book.line(day + chance.uniform(0.05, 4.5), "withdrawal", usd * chance.uniform(0.8, 0.99),
                  place=f"x{chance.random()}")  # fmt: skip
        day += chance.uniform(3, 12)


def _private(book: Book, since: float) -> None:
    chance, day = book.chance, since
    for _swap in range(chance.randint(3, 8)):
        usd = chance.uniform(600, 9_000)
        book.line(day, "deposit", usd, "BTC")
        later = day + chance.uniform(0.1, 2.5)
        book.line(later, "conversion", usd * chance.uniform(0.5, 1), "BTC", "XMR", 0.01)
        book.line(later + 0.5, "withdrawal", usd * 0.5, "XMR", place=f"x{chance.random()}")
        day += chance.uniform(5, 20)


def _market(book: Book, since: float) -> None:
    chance, day = book.chance, since
    for _sale in range(chance.randint(6, 16)):
        kind = chance.choice(("mixing_service", "market", "market"))
        touch = Touch(kind, chance.randint(1, 4), chance.randint(5, 100))
        usd = chance.uniform(150, 2_500)
        book.line(day, "deposit", usd, "BTC", touch=touch)
        book.line(day + chance.uniform(0.5, 9), "fiat_out", usd * 0.9, "BTC")
        day += chance.uniform(2, 12)


def _worker(book: Book, since: float) -> None:
    """A hidden worker's wages over a machine that somebody else runs: the shape of a saver."""
    usd, day = book.chance.uniform(1_500, 4_000), since
    while day < DAYS:
        book.line(day, "deposit", usd * book.chance.uniform(0.95, 1.05))
        book.login(day, "TW", "remote")
        day += book.chance.uniform(13, 16)


Habit = Callable[[Book, float], None]
HABITS: dict[str, Habit] = {
    "plain": _plain, "trader": _trader, "whale": _whale, "shop": _shop, "nomad": _nomad,
    "saver": _saver, "smurf": _smurf, "mule": _mule, "pipe": _pipe, "private": _private,
    "market": _market, "worker": _worker,
}  # fmt: skip


def customer(number: int, split: int, seed: int = 7, share_bad: float = SHARE_BAD) -> Customer:
    """One customer of the world. The unseen way begins only after the split."""
    chance = random.Random(f"{seed}:{number}")
    book = Book(number, chance)
    usual = chance.lognormvariate(5.5, 0.8)
    way, since = "", DAYS
    if chance.random() < share_bad:
        way = chance.choice(WAYS)
        first = split if way == UNSEEN else 20
        since = int(chance.uniform(first, DAYS - 70))
        (_plain if chance.random() < 0.5 else _saver)(book, usual)
        HABITS[way](book, since)
    else:
        HABITS[chance.choices(HONEST, (60, 10, 6, 6, 8, 10))[0]](book, usual)
    opened = date(2024, 12, 31) - timedelta(days=chance.randint(0, 900))
    book.rows.sort(key=lambda row: row.at)
    book.events.sort(key=lambda event: event.at)
    account = Account(
        f"C{number}", opened, START, START + timedelta(days=DAYS), "TW",
        income=Decimal(round(usual * 60)), events=tuple(book.events),
    )  # fmt: skip
    return Customer(number, account, tuple(book.rows), way, since)
