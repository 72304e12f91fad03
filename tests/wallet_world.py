"""A ledger of wallets with known truth for the learned score: which are tied to crime, and how.

Written apart from the score: it imports nothing of it. Amounts, pauses and shares are drawn from
spans that honest wallets and criminal ones share; each criminal way has an honest one that looks
like it: a charity gathers as a scam does, a trader passes on as a mule does, a shop with one price
sweeps as a platform does, and whoever likes privacy mixes.
"""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from tracing.engine.ledger import MemoryLedger, memory_ledger

START: Final = 1_735_689_600  # 2025-01-01
DAY: Final = 86_400
DAYS: Final = 360
BTC: Final = 100_000_000
HONEST: Final = ("saver", "spender", "shop", "wage", "trader", "charity", "private", "buyer")
SHARES: Final = (24, 28, 8, 12, 12, 4, 6, 6)
WAYS: Final = ("vendor", "ransom", "scam", "mule", "platform", "washed", "peel")
UNSEEN: Final = "peel"  # a way that nobody had met before the split
SHARE_BAD: Final = 0.05
PARTIES: Final = 5  # of a CoinJoin
FEE: Final = 1_500
Coin = tuple[str, int, int]
Acts = Callable[["World", "Wallet", float], None]


@dataclass
class Wallet:
    """One owner's addresses and coins; `kind` is its habit, `since` its first day."""

    number: int
    kind: str
    addresses: list[str]
    since: float = 0.0
    coins: list[Coin] = field(default_factory=list)

    @property
    def is_criminal(self) -> bool:
        return self.kind in WAYS

    @property
    def balance(self) -> int:
        return sum(coin[2] for coin in self.coins)


class World:
    """The transactions in order of time, and whose each address is."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.txs: list[tuple[str, int, int, list[tuple[str, int]], list[tuple[str, int]]]] = []
        self.owner: dict[str, Wallet] = {}
        self.wallets: list[Wallet] = []
        self.services: dict[str, list[Wallet]] = {}
        self.joining: list[tuple[Wallet, Coin]] = []
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._order = 0
        self.now = 0.0

    def at(self, day: float, act: Callable[[], object]) -> None:
        """Do something on a day, if the year has it."""
        if 0 <= day < DAYS:
            self._order += 1
            heapq.heappush(self._events, (day, self._order, act))

    def run(self) -> None:
        while self._events:
            self.now, _order, act = heapq.heappop(self._events)
            act()

    def add(self, kind: str, num_addresses: int = 1) -> Wallet:
        number = len(self.wallets) + sum(len(each) for each in self.services.values())
        wallet = Wallet(number, kind, [f"w{number}a{each}" for each in range(num_addresses)])
        self.owner |= dict.fromkeys(wallet.addresses, wallet)
        return wallet

    def service(self, category: str) -> Wallet:
        """Any one of this category."""
        return self.chance.choice(self.services[category])

    def pay(
        self, payer: Wallet, outputs: Sequence[tuple[Wallet, int]], *, everything: bool = False
    ) -> bool:
        """Pay others; the rest comes back, or goes with the last where `everything` is paid."""
        wanted = sum(max(value, 0) for _who, value in outputs) + FEE
        if payer.kind == "source" and payer.balance < wanted:
            payer.coins.append(self._mint(payer, wanted + 50 * BTC))
        spent, total = [], 0
        while payer.coins and (everything or total < wanted):
            spent.append(payer.coins.pop(0))
            total += spent[-1][2]
        if total < wanted or any(value < 1_000 for _who, value in outputs):
            payer.coins = spent + payer.coins
            return False
        told = [(self.chance.choice(who.addresses), who, value) for who, value in outputs]
        rest = total - wanted
        if everything:
            address, who, value = told[-1]
            told[-1] = (address, who, value + rest)
        elif rest > 1_000:
            told.append((self.chance.choice(payer.addresses), payer, rest))
        self._write(spent, told)
        return True

    def join(self) -> None:
        """One CoinJoin of those who wait: the same amount to each, and the rests."""
        parties, self.joining = self.joining[:PARTIES], self.joining[PARTIES:]
        part = min(coin[2] for _who, coin in parties) - FEE
        told = [(self.chance.choice(who.addresses), who, part) for who, _coin in parties]
        told += [
            (self.chance.choice(who.addresses), who, coin[2] - part - FEE)
            for who, coin in parties if coin[2] - part - FEE > 1_000
        ]  # fmt: skip
        self._write([coin for _who, coin in parties], told)

    def enter_join(self, who: Wallet) -> None:
        """Bring the newest coin to the next CoinJoin; each owner brings one."""
        if who.coins and all(each is not who for each, _coin in self.joining):
            self.joining.append((who, who.coins.pop()))
        if len(self.joining) == PARTIES:
            self.join()

    def _mint(self, who: Wallet, value: int) -> Coin:
        return self._write([], [(who.addresses[0], who, value)], keep=False)

    def _write(
        self, spent: Sequence[Coin], told: Sequence[tuple[str, Wallet, int]], *, keep: bool = True
    ) -> Coin:
        txid = f"{len(self.txs):064x}"
        at = START + int(self.now * DAY)
        inputs = [(coin[0], coin[1]) for coin in spent]
        outputs = [(address, value) for address, _who, value in told]
        self.txs.append((txid, int(self.now * 144), at, inputs, outputs))
        made = [(txid, place, value) for place, (_address, _who, value) in enumerate(told)]
        if keep:
            for coin, (_address, who, _value) in zip(made, told, strict=True):
                who.coins.append(coin)
        return made[0]

    def buy(self, who: Wallet, value: float) -> None:
        """Coins from an exchange."""
        self.pay(self.service("exchange"), [(who, int(value))])

    def sell(self, who: Wallet) -> None:
        """Everything to an exchange."""
        if who.balance > 20_000:
            self.pay(who, [(self.service("exchange"), 1_000)], everything=True)

    def gift(self, who: Wallet, value: int) -> None:
        """Somebody pays so much."""
        self.pay(self.anybody(), [(who, value)])

    def anybody(self) -> Wallet:
        """Somebody ordinary who holds coins."""
        for _try in range(20):
            found = self.chance.choice(self.wallets)
            if found.kind in ("saver", "spender", "buyer") and found.balance > 300_000:
                return found
        found = self.chance.choice(self.services["people"])
        self.buy(found, 0.05 * BTC)
        return found


def _saver(world: World, who: Wallet, day: float) -> None:
    usual = world.chance.lognormvariate(13.5, 0.8)
    for month in range(12):
        world.at(day + month * 30 + world.chance.random(), partial(world.buy, who, usual))
    world.at(day + world.chance.uniform(60, 400), partial(world.sell, who))


def _spender(world: World, who: Wallet, day: float) -> None:
    chance = world.chance
    usual = chance.lognormvariate(14, 0.8)
    while day < DAYS:
        world.at(day, partial(world.buy, who, usual * 1.5))
        for _each in range(chance.randint(1, 4)):
            value = int(usual * chance.uniform(0.05, 0.4))
            shop = chance.choice(world.services["shops"])
            world.at(day + chance.uniform(0.1, 20), partial(world.pay, who, [(shop, value)]))
        day += chance.expovariate(1 / 40)


def _shop(world: World, who: Wallet, day: float) -> None:
    """Sales, at one price in some shops; gathered every few days."""
    chance = world.chance
    price = chance.choice((0, 0, 50_000, 200_000))
    every = chance.uniform(2, 10)
    for _sale in range(chance.randint(15, 60)):
        value = price or int(chance.lognormvariate(12.5, 0.7))
        world.at(day + chance.uniform(0, 90), partial(world.gift, who, value))
    end, gathers = day + 95, chance.random() < 0.4
    while day < end:
        day += every
        if gathers:
            world.at(day - 0.5, partial(world.pay, who, [(who, 1_000)], everything=True))
        world.at(day, partial(world.sell, who))


def _wage(world: World, who: Wallet, day: float) -> None:
    chance = world.chance
    usual, boss = int(chance.lognormvariate(14.5, 0.4)), chance.choice(world.services["people"])

    def paid() -> None:
        world.buy(boss, usual * 1.01 + 10_000)
        world.pay(boss, [(who, usual)])

    while day < DAYS:
        world.at(day, paid)
        world.at(day + chance.uniform(0.02, 4), partial(world.sell, who))
        day += 14


def _trader(world: World, who: Wallet, day: float) -> None:
    """From one exchange to another, at once."""
    chance = world.chance
    for _trade in range(chance.randint(2, 12)):
        world.at(day, partial(world.buy, who, chance.lognormvariate(15.5, 1)))
        world.at(day + chance.uniform(0.01, 1.5), partial(world.sell, who))
        day += chance.uniform(1, 15)


def _charity(world: World, who: Wallet, day: float) -> None:
    chance = world.chance
    for _gift in range(chance.randint(8, 60)):
        value = chance.choice((50_000, 100_000, 200_000, int(chance.lognormvariate(12, 1))))
        world.at(day + chance.uniform(0, 60), partial(world.gift, who, value))
    for week in range(9):
        world.at(day + 7 * week + 5, partial(world.sell, who))


def _private(world: World, who: Wallet, day: float) -> None:
    """Mixes what is its own: by CoinJoins, or at a mixer and back."""
    chance = world.chance
    at_mixer = chance.random() < 0.4
    for _round in range(chance.randint(1, 5)):
        value = int(chance.lognormvariate(15.5, 0.7))
        world.at(day, partial(world.buy, who, value))
        if at_mixer:
            mixer = world.service("mixing_service")
            world.at(day + 0.5, partial(world.pay, who, [(mixer, 1_000)], everything=True))
            world.at(day + chance.uniform(1, 4), partial(world.pay, mixer, [(who, value)]))
        else:
            world.at(day + chance.uniform(0.2, 5), partial(world.enter_join, who))
        shop = chance.choice(world.services["shops"])
        world.at(day + chance.uniform(8, 30), partial(world.pay, who, [(shop, 400_000)]))
        if chance.random() < 0.5:
            world.at(day + chance.uniform(5, 30), partial(world.sell, who))
        day += chance.uniform(5, 40)


def _buyer(world: World, who: Wallet, day: float) -> None:
    """Buys at a market now and then, or pays a criminal because it must: no criminal wallet."""
    chance = world.chance
    for _each in range(chance.randint(1, 5)):
        value = int(chance.lognormvariate(13, 0.7))
        world.at(day, partial(world.buy, who, value * 1.5))
        market = world.service("market")
        world.at(day + 0.5, partial(world.pay, who, [(market, value)]))
        day += chance.uniform(3, 50)


def _vendor(world: World, who: Wallet, day: float) -> None:
    """Paid by a market that tags name, sometimes over a wallet between; cashes out."""
    chance = world.chance
    market = world.service("market")
    over = world.add("between")
    for _sale in range(chance.randint(3, 14)):
        value = int(chance.lognormvariate(14, 0.7))
        if chance.random() < 0.5:
            world.at(day, partial(world.pay, market, [(who, value)]))
        else:
            world.at(day, partial(world.pay, market, [(over, value)]))
            world.at(day + 0.3, partial(world.pay, over, [(who, 1_000)], everything=True))
        world.at(day + chance.uniform(0.5, 9), partial(world.sell, who))
        day += chance.uniform(1, 10)


def _ransom(world: World, who: Wallet, day: float) -> None:
    """A few large payments of nearly the same amount, washed within days."""
    chance = world.chance
    price = int(chance.uniform(0.05, 0.8) * BTC)
    for _victim in range(chance.randint(2, 8)):
        victim = chance.choice(world.services["people"])
        value = int(price * chance.choice((1, 1, 0.9, 1.1)))

        def pay(victim: Wallet = victim, value: int = value) -> None:
            world.buy(victim, value + 10_000)
            world.pay(victim, [(who, value)])

        world.at(day, pay)
        world.at(day + chance.uniform(0.1, 3), partial(_wash, world, who))
        day += chance.uniform(1, 12)


def _wash(world: World, who: Wallet) -> None:
    if world.chance.random() < 0.5:
        world.enter_join(who)
    elif who.balance > 20_000:
        world.pay(who, [(world.service("mixing_service"), 1_000)], everything=True)


def _scam(world: World, who: Wallet, day: float) -> None:
    """Many pay in packages for some weeks; all of it leaves within a day, over mules."""
    chance = world.chance
    package = chance.choice((100_000, 150_000, 250_000, 500_000))
    span = chance.uniform(10, 60)
    for _victim in range(chance.randint(10, 70)):
        value = package * chance.choice((1, 1, 1, 2, 4))
        world.at(day + chance.uniform(0, span), partial(world.gift, who, value))
    mules = [each for each in world.wallets if each.kind == "mule" and abs(each.since - day) < 60]
    end = day + span + 2
    while day < end:
        day += chance.uniform(0.3, 2)
        mule = chance.choice(mules) if mules else None

        def leave(mule: Wallet | None = mule) -> None:
            if who.balance > 20_000 and mule is not None:
                world.pay(who, [(mule, 1_000)], everything=True)
                world.at(world.now + chance.uniform(0.02, 0.8), partial(world.sell, mule))
            else:
                world.sell(who)

        world.at(day, leave)


def _mule(world: World, who: Wallet, day: float) -> None:
    """Gets from wallets that nobody names yet and passes on within hours."""
    chance = world.chance
    for _wave in range(chance.randint(2, 7)):
        crook = world.service("crooks")
        value = int(chance.lognormvariate(15, 0.8))

        def get(crook: Wallet = crook, value: int = value) -> None:
            world.buy(crook, value + 10_000)
            world.pay(crook, [(who, value)])

        world.at(day, get)
        world.at(day + chance.uniform(0.02, 0.9), partial(world.sell, who))
        day += chance.uniform(1, 12)


def _platform(world: World, who: Wallet, day: float) -> None:
    """One small price, one-time addresses, swept into one."""
    chance = world.chance
    price = chance.choice((40_000, 60_000, 90_000))
    for _sale in range(chance.randint(20, 80)):
        world.at(day + chance.uniform(0, 70), partial(world.gift, who, price))
    for week in range(10):
        world.at(
            day + 7 * week + 6,
            partial(world.pay, who, [(who, 1_000)], everything=True),
        )
    world.at(day + 74, partial(_wash, world, who))


def _washed(world: World, who: Wallet, day: float) -> None:
    """Out of a mixer, after a rest to an exchange in parts."""
    chance = world.chance
    for _wave in range(chance.randint(1, 5)):
        mixer, value = world.service("mixing_service"), int(chance.lognormvariate(15.5, 0.7))
        world.at(day, partial(world.pay, mixer, [(who, value)]))
        later = day + chance.uniform(1, 15)
        for _part in range(chance.randint(1, 4)):
            exchange = world.service("exchange")
            part = int(value * chance.uniform(0.1, 0.3))
            world.at(later, partial(world.pay, who, [(exchange, part)]))
            later += chance.uniform(0.2, 3)
        day += chance.uniform(2, 20)


def _peel(world: World, who: Wallet, day: float) -> None:
    """A large sum that pays a little off again and again: the shape of a spender."""
    chance = world.chance
    crook = world.service("crooks")
    value = int(chance.uniform(0.5, 4) * BTC)

    def get() -> None:
        world.buy(crook, value + 10_000)
        world.pay(crook, [(who, value)])

    world.at(day, get)
    for _step in range(chance.randint(8, 30)):
        day += chance.uniform(0.2, 4)
        exchange = world.service("exchange")
        part = int(value * chance.uniform(0.01, 0.05))
        world.at(day, partial(world.pay, who, [(exchange, part)]))


HABITS: Final[dict[str, Acts]] = {
    "saver": _saver, "spender": _spender, "shop": _shop, "wage": _wage, "trader": _trader,
    "charity": _charity, "private": _private, "buyer": _buyer, "vendor": _vendor,
    "ransom": _ransom, "scam": _scam, "mule": _mule, "platform": _platform, "washed": _washed,
    "peel": _peel,
}  # fmt: skip
SERVICES: Final = {"exchange": 4, "market": 3, "mixing_service": 2}
"""Named throughout. What stands behind these is nobody's to see."""


def build(number: int, split: int, seed: int = 7, share_bad: float = SHARE_BAD) -> World:
    """A year of so many wallets, run to its end. The unseen way begins only after the split.

    Cost: about a second for 3,000.
    """
    world = World(seed)
    chance = world.chance
    for category, count in SERVICES.items():
        world.services[category] = []
        for _each in range(count):
            made = world.add("source", 3)
            world.services[category].append(made)
    for name, count in (("shops", 30), ("people", 200), ("crooks", 40)):
        world.services[name] = []
        for _each in range(count):
            world.services[name].append(world.add("plain", chance.randint(1, 3)))
    for _each in range(number):
        bad = chance.random() < share_bad
        kind = chance.choice(WAYS) if bad else chance.choices(HONEST, SHARES)[0]
        many = kind == "platform" or (kind == "shop" and chance.random() < 0.4)
        made = world.add(kind, chance.randint(20, 60) if many else chance.randint(1, 4))
        made.since = chance.uniform(split + 1 if kind == UNSEEN else 2, DAYS - 25)
        world.wallets.append(made)
    for wallet in world.wallets:
        HABITS[wallet.kind](world, wallet, wallet.since)
    world.run()
    return world


def ledger_of(world: World) -> MemoryLedger:
    """The world's transactions as a ledger."""
    return memory_ledger(world.txs)
