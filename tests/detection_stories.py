"""Stories of accounts for the rules beside the first eight: 20 with the pattern, 20 that miss it.

Written from the wording of the red flags, apart from the rules: it imports nothing of them. A story
is told by one function for both; `miss` names the one thing in which a near miss differs.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from tests.detection_signals import SIGNALS

START = datetime(2025, 3, 3, tzinfo=UTC)
PER_RULE = 20
Met = tuple[str, int, int, str]  # category, hops, share in percent, keeper
Tell = Callable[["Story", random.Random, int, str], None]


@dataclass
class Line:
    """A movement worth `usd`; `got` is what a conversion or trade gave."""

    kind: str
    hours: float
    usd: float
    asset: str = "BTC"
    into: str = ""
    got: float = 0.0
    other: str = ""
    address: str = ""
    source: str = ""
    ip: str = ""
    met: tuple[Met, ...] = ()
    rating: str = ""
    registered: bool | None = None
    high_risk: bool | None = None
    ruled: bool | None = None


@dataclass
class Moment:
    """An event that is no movement."""

    kind: str
    hours: float
    ip: str = ""
    country: str = ""
    detail: str = ""


@dataclass
class Story:
    """One account: its lines, its moments, and what is known of its customer."""

    lines: list[Line] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    opened_on: date = date(2021, 5, 1)
    country: str = "TW"
    birth_on: date | None = None
    income: int | None = None
    expected: int | None = None
    shared: list[tuple[str, str]] = field(default_factory=list)
    named: list[tuple[str, str, int]] = field(default_factory=list)
    others: list[tuple[float, str, float]] = field(default_factory=list)  # their deposits
    days: int = 400  # how long the records go on after the start

    def line(self, kind: str, hours: float, usd: float, **more: object) -> None:
        self.lines.append(Line(kind, hours, usd, **more))  # type: ignore[arg-type]  # fields of Line

    def moment(self, kind: str, hours: float, **more: str) -> None:
        self.moments.append(Moment(kind, hours, **more))

    def new(self) -> None:
        """The account was opened the day before its first movement."""
        self.opened_on = (START - timedelta(days=1)).date()


def large_day(story: Story, chance: random.Random, n: int, miss: str) -> None:
    kinds = ("deposit", "withdrawal", "fiat_in", "fiat_out")
    for step in range(2 if miss == "two only" else 3 + n % 3):
        usd = chance.randint(10_000, 60_000)
        usd = 9_999 if miss == "one smaller" and step == 1 else usd
        story.line(kinds[n % 4], 50 + step * (13 if miss == "too slow" else 5), usd)
        if miss == "one smaller" and step == 2:
            return


def rhythm(story: Story, chance: random.Random, n: int, miss: str) -> None:
    at = 0.0
    for step in range(3 if miss == "three only" else 5):
        gap = 24 * (20 + chance.choice((-1, 0, 1)))
        if miss == "no rhythm":
            gap = 24 * (3, 21, 5, 25, 20)[step]
        usd = 9_000 if miss == "small" else chance.randint(10_000, 90_000)
        story.line("deposit", at, usd)
        story.days = int(at / 24) + (29 if miss == "still going on" else 60)
        at += gap


def to_private(story: Story, chance: random.Random, n: int, miss: str) -> None:
    usd = 900 if miss == "little" else chance.randint(1_200, 50_000)
    story.line("deposit", 30, usd, asset="ETH")
    later = 26 if miss == "too slow" else 3 + n % 15
    met: tuple[Met, ...] = (("exchange", 1, 100, "Other"),) if miss == "to an exchange" else ()
    share = 0.85 if miss == "a part" else 0.97
    asset = "BTC" if miss == "another asset" else "ETH"
    story.line("withdrawal", 30 + later, usd * share, asset=asset, address=f"0x{n:040x}", met=met)


def first_large(story: Story, chance: random.Random, n: int, miss: str) -> None:
    story.new()
    usd = 9_500 if miss == "not large" else chance.randint(10_000, 80_000)
    story.expected = None if miss == "nothing named" else 60_000 if miss == "in line" else 3_000
    if miss == "second deposit":
        story.line("deposit", 1, 50)
    if miss == "old customer":
        story.opened_on = date(2024, 3, 1)
    story.line(("deposit", "fiat_in")[n % 2], 20 + n, usd)


def first_day(story: Story, chance: random.Random, n: int, miss: str) -> None:
    usd = 8_000 if miss == "not large" else chance.randint(12_000, 90_000)
    story.line("fiat_in", 10, usd / 2)
    story.line("deposit", 10 + n % 20, usd / 2)
    if miss == "funded again":
        story.line("fiat_in", 10 + 24 * 9, usd)
    later = 60 if miss == "too slow" else 33 + n % 8
    share = 0.7 if miss == "a part" else 0.9
    if n % 2:
        story.line("conversion", 10 + later, usd * share, into="XMR", got=usd * share)
    else:
        story.line("withdrawal", 10 + later, usd * share)


def sends_all(story: Story, chance: random.Random, n: int, miss: str) -> None:
    story.new()
    usd = 950 if miss == "little" else chance.randint(1_100, 20_000)
    story.line("deposit", 5, usd)
    if miss == "old customer":
        story.opened_on = date(2021, 5, 1)
    share = 0.9 if miss == "a part" else 0.97
    story.line(
        ("withdrawal", "fiat_out")[n % 2], 24 * 9 if miss == "later" else 40 + n, usd * share
    )


def network(story: Story, chance: random.Random, n: int, miss: str) -> None:
    for step in range(9 if miss == "nine" else 10 + n % 4):
        ip = f"203.0.113.{step if miss == 'many addresses' else 7}"
        kind = "withdrawal" if miss == "out" else ("deposit", "internal_in")[step % 2]
        gap = 24 * 4 if miss == "too slow" else 20
        story.line(kind, 10 + step * gap, chance.randint(20, 300), ip=ip)


def piles(story: Story, chance: random.Random, n: int, miss: str) -> None:
    total = 0
    for step in range(9 if miss == "nine" else 12):
        usd = 1_200 if miss == "not small" else chance.randint(100, 900)
        total += usd
        source = "1same" if miss == "one wallet" else f"1sender{step}"
        story.line("deposit", step * (40 if miss == "over months" else 20), usd, source=source)
    last = story.lines[-1].hours
    share = 0.7 if miss == "a part" else 0.9
    later = 60 if miss == "stays" else 5 + n
    kind = ("withdrawal", "fiat_out", "conversion")[n % 3]
    story.line(kind, last + later, total * share, into="XMR" if n % 3 == 2 else "")


def losses(story: Story, chance: random.Random, n: int, miss: str) -> None:
    for step in range(2 if miss == "two" else 3 + n % 2):
        usd = chance.randint(200, 4_000)
        got = usd * (0.98 if miss == "usual fee" else 0.95)
        if miss == "a gain":
            got = usd * 1.05
        gap = 24 * 16 if miss == "too slow" else 24 * 3
        story.line("conversion", 10 + step * gap, usd, into="USDT", got=got)


def privacy(story: Story, chance: random.Random, n: int, miss: str) -> None:
    for step in range(2 if miss == "two" else 3 + n % 3):
        into = "ETH" if miss == "transparent" else ("XMR", "ZEC", "DASH")[step % 3]
        gap = 24 * 16 if miss == "too slow" else 24 * 4
        if miss == "one asset":
            story.line("withdrawal", 10 + step * gap, chance.randint(50, 900), asset="XMR")
        else:
            story.line("conversion", 10 + step * gap, chance.randint(50, 900), into=into, got=40)


def above_usual(story: Story, chance: random.Random, n: int, miss: str) -> None:
    weeks = 1 if miss == "no history" else 10
    for week in range(weeks):
        story.line("deposit", 24 * 7 * week, chance.randint(180, 220))
    at = 24 * 7 * weeks
    usd = 300 if miss == "usual" else 5_000 + 100 * n
    story.line("deposit", at, usd)
    later = 90 if miss == "too slow" else 24
    kind = "withdrawal" if miss == "not fiat" else "fiat_out"
    story.line(kind, at + later, 100 if miss == "little of it" else usd * 0.9)


def partners(story: Story, chance: random.Random, n: int, miss: str) -> None:
    for step in range(9 if miss == "nine" else 10 + n % 3):
        usd = chance.randint(500, 2_000)
        gain = 1.02 if miss == "fair prices" else 1.08 if n % 2 else 0.9
        if miss == "up and down":
            gain = (1.08, 0.9)[step % 2]
        other = f"T-{step % (5 if miss == 'many partners' else 2)}"
        gap = 24 * 4 if miss == "too slow" else 30
        story.line("trade", 10 + step * gap, usd, into="USDT", got=usd * gain, other=other)


def assets(story: Story, chance: random.Random, n: int, miss: str) -> None:
    names = ["BTC", "ETH", "XMR", "LTC", "DOGE", "TRX", "SOL"]
    for step, name in enumerate(names[: 5 if miss == "five" else 6 + n % 2]):
        gap = 24 * 8 if miss == "too slow" else 24
        story.line("deposit", 10 + step * gap, chance.randint(10, 900), asset=name)


def fiat_to_crypto(story: Story, chance: random.Random, n: int, miss: str) -> None:
    usd = 9_000 if miss == "not large" else chance.randint(10_000, 60_000)
    story.line("deposit" if miss == "no fiat" else "fiat_in", 10, usd, asset="USD")
    later = 30 if miss == "too slow" else 2 + n
    share = 0.5 if miss == "half" else 1
    story.line("conversion", 10 + later, usd * share, asset="USD", into="BTC", got=usd * share)


def exchanger(story: Story, chance: random.Random, n: int, miss: str) -> None:
    people = 19 if miss == "nineteen" else 20 + n % 5
    for step in range(people):
        usd = 500 if miss == "little" else 1_200
        gap = 48 if miss == "too slow" else 12
        other = "" if miss == "on the chain" else f"P-{step}"
        kind = ("internal_in", "internal_out")[step % 2]
        story.line(kind, 10 + step * gap, usd + chance.randint(0, 40), other=other)


def wages(story: Story, chance: random.Random, n: int, miss: str) -> None:
    if miss != "own device":
        if n % 2:
            story.moment("login", 5, detail="remote")
        else:
            story.shared.append(("NQ-OTHER", "device"))
    for step in range(2 if miss == "twice" else 4):
        days = 5 if miss == "weekly" else 30
        usd = (
            (3_000, 900, 5_000, 1_500)[step] if miss == "uneven" else 3_000 + chance.randint(0, 200)
        )
        story.line("deposit", step * 24 * days, usd)


def tagged(
    category: str, kind: str = "deposit", least: int = 1_000, hops: int = 1, pct: int = 5
) -> Tell:
    """Money that met a kind of address, within so many hops, for enough and for a large part."""

    def tell(story: Story, chance: random.Random, n: int, miss: str) -> None:
        usd = least * 0.8 if miss == "little" else least * (1.1 + chance.random() * 9)
        met = "shop" if miss == "harmless kind" else category
        far = hops + 1 if miss == "too far" else 1 + n % hops
        share = 100 if pct == 0 else 100 - n
        side = "fiat_in" if miss == "no ledger" else kind
        if miss == "little":
            share = 100
        if miss == "tiny part":
            share, usd = max(pct - 1, 0), usd * 100
        usd = usd if miss == "little" else usd * 100 / max(share, 1)
        story.line(side, 20 + n, usd, met=((met, far, share, "Keeper"),))

    return tell


def mixer_market(story: Story, chance: random.Random, n: int, miss: str) -> None:
    if miss != "no mixer":
        far = 9 if miss == "too far" else 1 + n % 8
        story.line(
            "deposit", 10, chance.randint(300, 900), met=(("mixing_service", far, 100, "M"),)
        )
    if miss != "no market":
        usd = 150 if miss == "little" else chance.randint(300, 900)
        story.line("withdrawal", 90, usd, met=(("market", 1 + n % 4, 100, "Market"),))


def illicit(story: Story, chance: random.Random, n: int, miss: str) -> None:
    if n % 2 == 0 or miss == "little at first hand":
        usd = 90 if miss == "little at first hand" else chance.randint(100, 900)
        kind = "shop" if miss == "harmless kind" else "ransomware"
        kind = kind if miss != "tiny part" else "shop"
        far = 5 if miss == "too far" else 1
        usd = 900 if miss == "little beyond" else usd
        if miss == "little beyond":
            far = 3
        story.line("deposit", 10, usd, met=((kind, far, 100, "K"),))
        return
    usd = 900 if miss == "little beyond" else chance.randint(2_000, 9_000)
    kind = "shop" if miss == "harmless kind" else "gambling"
    share = 9 if miss == "tiny part" else 60
    far = 5 if miss == "too far" else 2 + n % 3
    story.line("withdrawal", 10, usd, met=((kind, far, share, "K"),))


def provider(**said: object) -> Tell:
    """Dealings with an exchange of which the register says something, at first hand."""

    def tell(story: Story, chance: random.Random, n: int, miss: str) -> None:
        facts = {"rating": "strong", "registered": True, "high_risk": False, "ruled": True}
        if miss == "nobody knows":
            facts = {"rating": "", "registered": None, "high_risk": None, "ruled": None}
        elif miss != "good provider":
            facts |= said
        usd = 900 if miss == "little" else chance.randint(1_000, 30_000)
        category = "shop" if miss == "no exchange" else "exchange"
        far = 2 if miss == "not straight" else 1
        met: Met = (category, far, 100, "Vasp")
        story.line("withdrawal", 10 + n, usd, met=(met,), **facts)

    return tell


def forum(story: Story, chance: random.Random, n: int, miss: str) -> None:
    kind = "shop" if miss == "harmless kind" else ("market", "dark_web", "drugs")[n % 3]
    level = 10 if miss == "hearsay" else 20 + chance.randint(0, 80)
    if miss != "nobody's":
        story.named.append((f"bc1qown{n}", kind, level))


def bridge(story: Story, chance: random.Random, n: int, miss: str) -> None:
    usd = 900 if miss == "little" else chance.randint(1_500, 30_000)
    story.line("deposit", 10, usd)
    share = 0.7 if miss == "a part" else 0.9
    kind = "exchange" if miss == "no bridge" else "defi_bridge"
    later = 30 if miss == "too slow" else 2 + n
    story.line("withdrawal", 10 + later, usd * share, met=((kind, 1, 100, "Bridge"),))


def swaps(story: Story, chance: random.Random, n: int, miss: str) -> None:
    for step in range(2 if miss == "two" else 3 + n % 3):
        usd = 150 if miss == "little" else chance.randint(400, 3_000)
        kind = "exchange" if miss == "no dex" else "defi_dex"
        gap = 20 if miss == "too slow" else 4
        side = ("deposit", "withdrawal")[step % 2]
        story.line(side, 10 + step * gap, usd, met=((kind, 1, 100, "Dex"),))


def joined(story: Story, chance: random.Random, n: int, miss: str) -> None:
    share = 9 if miss == "tiny part" else 10 + chance.randint(0, 90)
    kind = "payment_processor" if miss == "a payout" else "coinjoin"
    far = 3 if miss == "too far" else 1 + n % 2
    side = "fiat_in" if miss == "no ledger" else ("deposit", "withdrawal")[n % 2]
    story.line(side, 10, chance.randint(100, 9_000), met=((kind, far, share, ""),))


def peeled(story: Story, chance: random.Random, n: int, miss: str) -> None:
    length = 5 if miss == "short" else 6 + n
    kind = "withdrawal" if miss == "leaving" else "deposit"
    word = "shop" if miss == "no chain" else "peel_chain"
    story.line(kind, 10, chance.randint(100, 9_000), met=((word, length, 100, ""),))


def poisoned(story: Story, chance: random.Random, n: int, miss: str) -> None:
    paid = f"0x{n:02x}ab34ff9d0e{chance.randrange(16**12):012x}77cd{n:02x}99"
    fake = paid[:6] + "0000" + paid[10:14] + "1111" + paid[-4:]
    if miss == "other head":
        fake = "0xffff" + fake[6:]
    if miss == "other tail":
        fake = fake[:-4] + "zzzz"
    if miss == "same wallet":
        fake = paid
    if miss == "never paid":
        paid = "0x1234567890"
    story.line("withdrawal", 10, 500, address=paid)
    story.line("deposit", 20 + n, 2 if miss == "not dust" else 0.5, source=fake)


def providers(story: Story, chance: random.Random, n: int, miss: str) -> None:
    usd = chance.randint(2_000, 40_000)
    story.line("deposit", 10, usd)
    parts = 2 if miss == "two" else 3 + n % 3
    share = 0.6 if miss == "a part" else 0.9
    for step in range(parts):
        kind = "shop" if miss == "shops" else "exchange"
        gap = 14 if miss == "too slow" else 3
        label = "One" if miss == "one provider" else f"V{step}"
        worth = usd * share / parts
        story.line("withdrawal", 12 + step * gap, worth, met=((kind, 1, 100, label),))


def counted(kind: str, side: str, least: int, days: int, most: int = 0) -> Tell:
    """So many payments to or from a kind of place within the window, small where it says so."""

    def tell(story: Story, chance: random.Random, n: int, miss: str) -> None:
        for step in range(least - 1 if miss == "too few" else least + n % 3):
            usd = chance.randint(10, (most or 500) - 1)
            usd = most * 2 if miss == "not small" and most else usd
            word = "shop" if miss == "another kind" else kind
            far = 2 if miss == "not straight" else 1
            gap = 24 * (days + 1) if miss == "too slow" else 24 * days / (least + 3)
            story.line(side, 10 + step * gap, usd, met=((word, far, 100, "Place"),))

    return tell


def weak_wealth(story: Story, chance: random.Random, n: int, miss: str) -> None:
    rating = "strong" if miss == "good providers" else ("weak", "none")[n % 2]
    rating = "" if miss == "nobody knows" else rating
    other = 20_000 if miss == "a part" else 500
    story.line("fiat_in", 5, other)
    far = 2 if miss == "not straight" else 1
    met: Met = ("exchange", far, 100, "V")
    story.line("deposit", 90, chance.randint(2_000, 9_000), met=(met,), rating=rating)


def donation(story: Story, chance: random.Random, n: int, miss: str) -> None:
    usd = 600 if miss == "not small" else chance.randint(5, 500)
    kind = "donation" if miss == "another cause" else ("terrorism", "terrorism_financing")[n % 2]
    side = "deposit" if miss == "received" else "withdrawal"
    story.line(side, 10, usd, met=((kind, 2 if miss == "not straight" else 1, 100, ""),))


def peer_cash(story: Story, chance: random.Random, n: int, miss: str) -> None:
    usd = 4_000 if miss == "little" else chance.randint(5_000, 40_000)
    label = "Northbank" if miss == "no platform" else ("Quick P2P", "peer-to-peer hall")[n % 2]
    far = 3 if miss == "too far" else 1 + n % 2
    story.line("deposit", 10, usd, met=(("exchange", far, 100, label),))
    kind = "withdrawal" if miss == "sent on" else "fiat_out"
    later = 24 * 40 if miss == "too slow" else 24 * (1 + n)
    story.line(kind, 10 + later, usd * 0.9)


def bad_origin(story: Story, chance: random.Random, n: int, miss: str) -> None:
    country = ("IR", "KP", "SY", "CU")[n % 4] if n % 5 else "TW"
    detail = "" if n % 5 else "flagged"
    if miss == "harmless":
        country, detail = "JP", ""
    if miss == "unknown":
        country, detail = "", ""
    if miss != "no login":
        story.moment(
            "login", 10 + chance.randint(0, 90), ip="203.0.113.9", country=country, detail=detail
        )


def opening(story: Story, chance: random.Random, n: int, miss: str) -> None:
    for step in range(3 if miss == "three" else 4 + n % 3):
        ip = f"203.0.113.{step if miss == 'many addresses' else 5}"
        gap = 24 * 4 if miss == "too slow" else 12 + chance.randint(0, 5)
        kind = "login" if miss == "logins" else "open_attempt"
        story.moment(kind, 10 + step * gap, ip=ip)


def questions(story: Story, chance: random.Random, n: int, miss: str) -> None:
    story.days = 10 if miss == "asked just now" else 60
    for step in range(1 if miss == "once" else 2 + n % 2):
        story.moment("question", 10 + step * 24)
        if miss == "answered":
            story.moment("answer", 10 + step * 24 + 24 * chance.randint(1, 10))


def sharing(least: int) -> Tell:
    """An account of another customer shows the same signs."""

    def tell(story: Story, _chance: random.Random, n: int, miss: str) -> None:
        signs = ["device", "withdrawal_address", "network"][: least + n % 2]
        if miss == "too few signs":
            signs = signs[: least - 1]
        for place, sign in enumerate(signs):
            uid = f"NQ-{place}" if miss == "of different people" else "NQ-1"
            if miss != "nobody":
                story.shared.append((uid, sign))

    return tell


def abroad(story: Story, chance: random.Random, n: int, miss: str) -> None:
    for step in range(4 if miss == "four" else 5 + n % 3):
        country = {"at home": "TW", "unknown": ""}.get(miss, "VN")
        gap = 24 * 9 if miss == "too slow" else 24 + chance.randint(0, 9)
        story.moment("login", 10 + step * gap, ip="203.0.113.4", country=country)


def old(story: Story, chance: random.Random, n: int, miss: str) -> None:
    story.opened_on = START.date()
    story.birth_on = date(1945, 1, 1 + n)
    if miss == "not that old":
        story.birth_on = date(1970, 1, 1)
    if miss == "age unknown":
        story.birth_on = None
    if miss == "long a customer":
        story.opened_on = date(2021, 5, 1)
    usd = 9_000 if miss == "little" else chance.randint(10_000, 60_000)
    story.line("fiat_in", 24 * (95 if miss == "later" else 3 + n), usd)


def income(story: Story, chance: random.Random, n: int, miss: str) -> None:
    story.income = None if miss == "not declared" else 20_000
    for step in range(4):
        usd = 9_000 if miss == "covered" else chance.randint(10_500, 20_000)
        gap = 24 * 200 if miss == "over years" else 24 * 60
        kind = "fiat_out" if miss == "paid out" else "fiat_in"
        story.line(kind, 10 + step * gap, usd)


def often(kind: str, least: int, *, different: bool) -> Tell:
    """Something happens so often within a month."""

    def tell(story: Story, chance: random.Random, n: int, miss: str) -> None:
        for step in range(least - 1 if miss == "too few" else least + n % 3):
            gap = 24 * 31 if miss == "too slow" else 24 + chance.randint(0, 40)
            word = "login" if miss == "another kind" else kind
            detail = "same" if miss == "always the same" and different else f"d{step}"
            if miss == "always the same" and not different and step >= least - 1:
                return
            story.moment(word, 10 + step * gap, detail=detail)

    return tell


def places(story: Story, chance: random.Random, n: int, miss: str) -> None:
    lands = ["TW"] if miss == "one country" else ["TW", "VN", "RU", "BR"]
    for step in range(5 if miss == "five" else 6 + n % 3):
        gap = 6 if miss == "too slow" else 3
        ip = "203.0.113.1" if miss == "one address" else f"203.0.113.{step}"
        story.moment("login", 10 + step * gap, ip=ip, country=lands[step % len(lands)])
    assert chance


def hidden(story: Story, chance: random.Random, n: int, miss: str) -> None:
    for step in range(2 if miss == "two" else 3 + n % 3):
        detail = "" if miss == "plain" else ("tor", "vpn", "proxy")[(n + step) % 3]
        gap = 24 * 16 if miss == "too slow" else 30 + chance.randint(0, 9)
        story.moment("login", 10 + step * gap, ip="203.0.113.2", detail=detail)


def words(story: Story, chance: random.Random, n: int, miss: str) -> None:
    terms = ("carding", "cocaine", "mdma", "ransom", "fullz")
    term = {"harmless": "rent", "inside a word": "ransomed"}.get(miss, terms[n % 5])
    kind = "answer" if miss == "no message" else "message"
    story.moment(kind, 10 + chance.randint(0, 50), detail=f"For the {term.upper()} as agreed")


STORIES: dict[str, tuple[Tell, tuple[str, ...]]] = {
    "large_in_a_day": (large_day, ("two only", "one smaller", "too slow")),
    "rhythm_then_silence": (rhythm, ("three only", "no rhythm", "small", "still going on")),
    "straight_to_private": (
        to_private, ("little", "too slow", "to an exchange", "a part", "another asset"),
    ),
    "large_first_deposit": (
        first_large, ("not large", "in line", "nothing named", "second deposit", "old customer"),
    ),
    "funded_and_gone": (first_day, ("not large", "funded again", "too slow", "a part")),
    "new_sends_all": (sends_all, ("little", "old customer", "a part", "later")),
    "one_network_pays": (network, ("nine", "many addresses", "out", "too slow")),
    "pile_and_sweep": (
        piles, ("nine", "not small", "one wallet", "over months", "a part", "stays"),
    ),
    "swaps_at_a_loss": (losses, ("two", "usual fee", "a gain", "too slow")),
    "privacy_again": (privacy, ("two", "transparent", "one asset", "too slow")),
    "far_above_usual": (
        above_usual, ("no history", "usual", "too slow", "not fiat", "little of it"),
    ),
    "few_partners": (
        partners, ("nine", "fair prices", "up and down", "many partners", "too slow"),
    ),
    "many_assets": (assets, ("five", "too slow")),
    "fiat_into_crypto": (fiat_to_crypto, ("not large", "no fiat", "too slow", "half")),
    "many_partners": (exchanger, ("nineteen", "little", "on the chain", "too slow")),
    "pay_like": (wages, ("own device", "twice", "weekly", "uneven")),
    "stolen_value": (
        tagged("service_hack", least=500, hops=4),
        ("little", "harmless kind", "too far", "tiny part", "no ledger"),
    ),
    "peer_cash_out": (peer_cash, ("little", "no platform", "too far", "sent on", "too slow")),
    "mixed_history": (
        tagged("mixing_service", least=500, hops=4, pct=10),
        ("little", "harmless kind", "too far", "tiny part", "no ledger"),
    ),
    "mixer_and_market": (mixer_market, ("no mixer", "no market", "too far", "little")),
    "illicit_exposure": (
        illicit,
        ("little at first hand", "little beyond", "harmless kind", "tiny part", "too far"),
    ),
    "weak_provider": (
        provider(rating="none"),
        ("good provider", "nobody knows", "little", "no exchange", "not straight"),
    ),
    "named_on_forum": (forum, ("harmless kind", "hearsay", "nobody's")),
    "tied_to_crime": (
        tagged("sanction", "withdrawal", 100, 2),
        ("little", "harmless kind", "too far", "tiny part", "no ledger"),
    ),
    "gambling": (
        tagged("gambling", least=1_000, hops=2, pct=0),
        ("little", "harmless kind", "too far", "no ledger"),
    ),
    "straight_from_mixer": (
        tagged("coinjoin", least=100, hops=1, pct=0),
        ("little", "harmless kind", "too far", "no ledger"),
    ),
    "unregistered_provider": (
        provider(registered=False),
        ("good provider", "nobody knows", "little", "no exchange", "not straight"),
    ),
    "high_risk_provider": (
        provider(high_risk=True),
        ("good provider", "nobody knows", "little", "no exchange", "not straight"),
    ),
    "unruled_provider": (
        provider(ruled=False),
        ("good provider", "nobody knows", "little", "no exchange", "not straight"),
    ),
    "bridge_hop": (bridge, ("little", "a part", "no bridge", "too slow")),
    "dex_layering": (swaps, ("two", "little", "no dex", "too slow")),
    "coinjoin": (joined, ("tiny part", "a payout", "too far", "no ledger")),
    "peel_chain": (peeled, ("short", "leaving", "no chain")),
    "look_alike_dust": (
        poisoned, ("other head", "other tail", "same wallet", "never paid", "not dust"),
    ),
    "spread_over_providers": (
        providers, ("two", "a part", "shops", "too slow", "one provider"),
    ),
    "cash_machines": (
        counted("atm", "deposit", 3, 14), ("too few", "another kind", "not straight", "too slow"),
    ),
    "small_cash_machines": (
        counted("atm", "withdrawal", 5, 14, 1_000),
        ("too few", "not small", "another kind", "not straight", "too slow"),
    ),
    "mostly_weak_providers": (
        weak_wealth, ("good providers", "nobody knows", "a part", "not straight"),
    ),
    "small_recurring": (
        counted("child_sexual_abuse", "withdrawal", 2, 365, 200),
        ("too few", "not small", "another kind", "not straight", "too slow"),
    ),
    "small_donations": (donation, ("not small", "another cause", "received", "not straight")),
    "flagged_origin": (bad_origin, ("harmless", "unknown", "no login")),
    "opening_again": (opening, ("three", "many addresses", "too slow", "logins")),
    "no_answers": (questions, ("asked just now", "once", "answered")),
    "shared_access": (sharing(1), ("too few signs", "nobody")),
    "other_country": (abroad, ("four", "at home", "unknown", "too slow")),
    "far_older": (
        old, ("not that old", "age unknown", "long a customer", "little", "later"),
    ),
    "beyond_income": (income, ("not declared", "covered", "over years", "paid out")),
    "many_changes": (
        often("profile_change", 3, different=False), ("too few", "too slow", "another kind"),
    ),
    "many_places": (places, ("one country", "five", "too slow", "one address")),
    "hidden_access": (hidden, ("two", "plain", "too slow")),
    "many_cards": (
        often("card", 4, different=True),
        ("too few", "too slow", "another kind", "always the same"),
    ),
    "separate_accounts": (sharing(2), ("too few signs", "of different people", "nobody")),
    "words_of_crime": (words, ("harmless", "inside a word", "no message")),
    **SIGNALS,
}  # fmt: skip


def story(code: str, n: int, miss: str = "", seed: int = 7) -> Story:
    """The story of a number, from 0 to 19: with the pattern, or missing it in one thing."""
    told = Story()
    STORIES[code][0](told, random.Random(f"{seed}:{code}:{miss}:{n}"), n, miss)
    told.lines.sort(key=lambda line: line.hours)
    return told


def near(code: str, n: int, seed: int = 7) -> Story:
    """A near miss of a number; they take turns."""
    misses = STORIES[code][1]
    return story(code, n, misses[n % len(misses)], seed)


def ordinary(n: int, seed: int = 7) -> Story:
    """An ordinary customer: pays in now and then, trades some of it, pays out less."""
    chance = random.Random(f"{seed}:ordinary:{n}")
    told, at = Story(birth_on=date(1985, 1, 1), income=60_000, expected=5_000), 0.0
    for _step in range(chance.randint(4, 14)):
        at += chance.randint(100, 500)
        kind = chance.choice(("fiat_in", "deposit", "conversion", "conversion", "withdrawal"))
        usd = chance.randint(30, 900)
        into = "ETH" if kind == "conversion" else ""
        told.line(kind, at, usd, into=into, got=usd * 0.995, source=f"1s{at}", address=f"1a{at}")
        told.moment("login", at, ip=f"198.51.100.{n % 200}", country="TW")
    return told
