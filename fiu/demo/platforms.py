"""Lanternbox and Copperdice: platforms paid in fixed packages at one-time addresses."""

from functools import partial

from fiu.demo.chain import Chain, Coin, Purse, rule_fee
from fiu.demo.chance import Rationed, Stream
from fiu.demo.exchange import WITHDRAWAL_FEE, Exchange
from fiu.demo.ordinary import Ordinary
from fiu.demo.scripts import Scripts
from fiu.demo.timeline import DAY, WEEK, Plan

PACKAGES = (10_000, 25_000, 50_000, 100_000)
LANTERNBOX_DECK = (1_300, 2_000, 1_300, 600)
COHORT_DECK = (39, 64, 41, 18)  # tiers 1 and 2
MIXED_DECK = (1, 2, 1, 1)  # tier 3
COPPERDICE_DECK = (125, 190, 125, 58)
LANTERNBOX_PAYERS, COPPERDICE_PAYERS = 4_000, 310
DIRECT_PAYMENTS, OWN_PAYMENTS, MIXED_PAYMENTS, COPPERDICE_OURS = 139, 23, 5, 12
PAYER_COIN = 500_000  # enough for a handful of packages
RESERVED, BANKROLL = 60_000_000, 5_000_000


def _deck(counts: tuple[int, ...]) -> list[int]:
    return [package for package, count in zip(PACKAGES, counts, strict=True) for _ in range(count)]


def _repeated(stream: Stream, members: list[str], count: int) -> list[str]:
    """Every member once and some of them again, in a chance order."""
    more = [stream.pick(members) for _ in range(count - len(members))]
    return stream.shuffled(members + more)


class Strangers:
    """Payers who are no customers: each pays from a wallet of their own, some of them again."""

    def __init__(self, ordinary: Ordinary, stream: Stream, payers: int, payments: int) -> None:
        self._ordinary, self._stream = ordinary, stream
        self._new = Rationed(stream, payers - 1, payments - 1)
        self._coins: list[Coin] = []

    def pay(self, amount: int, script: bytes) -> Coin:
        """The next payment of one of them."""
        if not self._coins or self._new.ask():
            coin = self._ordinary.new_payer(PAYER_COIN)
            place = len(self._coins)
            self._coins.append(coin)
        else:
            place = self._stream.index(len(self._coins))
            if self._coins[place][1] < 2 * PACKAGES[-1]:  # out of money: whoever has most
                place = max(range(len(self._coins)), key=lambda other: self._coins[other][1])
        made, self._coins[place] = self._ordinary.spend_as(self._coins[place], (amount, script))
        return made

    @property
    def num(self) -> int:
        """How many have paid."""
        return len(self._coins)


class Lanternbox:
    """One-time addresses, swept into the vault at the end of each day."""

    def __init__(
        self, chain: Chain, scripts: Scripts, stream: Stream, ordinary: Ordinary, exchange: Exchange
    ) -> None:
        self._chain, self._scripts, self._stream = chain, scripts, stream
        self._ordinary, self._exchange = ordinary, exchange
        self.vault = scripts.of("lanternbox-vault")
        self._coin: Coin | None = None
        self._waiting: list[Coin] = []
        self._own: dict[int, Coin] = {}
        self._mixed: dict[str, list[Coin]] = {}
        self.payments: list[tuple[str, int, int]] = []  # (customer, tier, sat) as they were made
        self.addresses: dict[str, list[int]] = {}  # customer -> numbers of one-time addresses
        customers = exchange.customers
        ours = DIRECT_PAYMENTS + OWN_PAYMENTS + MIXED_PAYMENTS
        strangers = LANTERNBOX_PAYERS - len(
            customers.direct + customers.through_own + customers.mixed
        )
        self._strangers = Strangers(ordinary, stream, strangers, sum(LANTERNBOX_DECK) - ours)

    def one_time(self, number: int) -> bytes:
        """The address of the n-th payment."""
        return self._scripts.of("lanternbox", number)

    def plan(self, plan: Plan, eastmere: Purse) -> None:
        """Weeks 3 to 16, with the vault's first coin in week 2."""
        plan.at(2 * WEEK + 100, partial(self._open, eastmere))
        customers, stream = self._exchange.customers, self._stream
        total = sum(LANTERNBOX_DECK)
        proved = [
            *((uid, 1) for uid in _repeated(stream, customers.direct, DIRECT_PAYMENTS)),
            *((uid, 2) for uid in _repeated(stream, customers.through_own, OWN_PAYMENTS)),
        ]
        mixed = [(uid, 3) for uid in _repeated(stream, customers.mixed, MIXED_PAYMENTS)]
        paid = list(zip(stream.shuffled(proved), stream.shuffled(_deck(COHORT_DECK)), strict=True))
        paid += zip(mixed, stream.shuffled(_deck(MIXED_DECK)), strict=True)
        places = sorted(stream.shuffled(range(total))[: len(paid)])
        ours = dict(zip(places, stream.shuffled(paid), strict=True))
        counts = zip(LANTERNBOX_DECK, COHORT_DECK, MIXED_DECK, strict=True)
        rest = stream.shuffled(_deck(tuple(a - b - c for a, b, c in counts)))
        needed: dict[str, int] = {}
        first: dict[str, int] = {}
        heights = stream.moments(total, 3 * WEEK, 17 * WEEK - 1)
        for number, height in enumerate(heights):
            if number not in ours:
                plan.at(height, partial(self._pay_as_stranger, number, rest.pop()))
                continue
            (uid, tier), package = ours[number]
            self.addresses.setdefault(uid, []).append(number)
            first.setdefault(uid, height - 12)
            through = {1: 0, 2: rule_fee(1, 1), 3: 30_000}[tier]
            needed[uid] = needed.get(uid, 0) + package + through + WITHDRAWAL_FEE
            self._plan_ours(plan, height, number, uid, tier, package)
        for uid, sat in needed.items():
            self._exchange.fund(uid, sat, first[uid])
        for height in range(3 * WEEK + DAY - 1, 17 * WEEK, DAY):
            plan.at(height, self._sweep)

    def _plan_ours(
        self, plan: Plan, height: int, number: int, uid: str, tier: int, package: int
    ) -> None:
        if tier == 1:
            plan.at(height, partial(self._pay_directly, number, uid, package))
        elif tier == 2:
            plan.at(height - 12, partial(self._fill_own, number, uid, package))
            plan.at(height, partial(self._pay_through_own, number, uid, package))
        else:
            plan.at(height - 12, partial(self._fill_mixed, number, uid, package))
            plan.at(height, partial(self._pay_from_mixed, number, uid, package))

    def _open(self, eastmere: Purse) -> None:
        [self._coin] = eastmere.pay((1_000_000, self.vault))

    def _pay_as_stranger(self, number: int, package: int) -> None:
        self._waiting.append(self._strangers.pay(package, self.one_time(number)))

    def _pay_directly(self, number: int, uid: str, package: int) -> None:
        self._waiting.append(self._exchange.withdraw(uid, package, self.one_time(number)))
        self.payments.append((uid, 1, package))

    def _fill_own(self, number: int, uid: str, package: int) -> None:
        script = self._scripts.of("cohort-own", number)
        self._own[number] = self._exchange.withdraw(uid, package + rule_fee(1, 1), script)

    def _pay_through_own(self, number: int, uid: str, package: int) -> None:
        outputs = [(package, self.one_time(number))]
        self._waiting.extend(self._chain.pay([self._own.pop(number)], outputs))
        self.payments.append((uid, 2, package))

    def _fill_mixed(self, number: int, uid: str, package: int) -> None:
        """The wallet holds a withdrawal of ours and money of somebody else."""
        script = self._scripts.of("cohort-mixed", number)
        wallet = self._mixed.setdefault(uid, [])
        wallet.append(self._exchange.withdraw(uid, package + 30_000, script))
        other = self._scripts.of("cohort-mixed-other", number)
        wallet.extend(self._ordinary.pay((package + 55_000, other)))

    def _pay_from_mixed(self, number: int, uid: str, package: int) -> None:
        coins = self._mixed.pop(uid)
        rest = sum(coin[1] for coin in coins) - package - rule_fee(len(coins), 2)
        change = (rest, self._scripts.of("cohort-mixed-change", number))
        paid, kept = self._chain.pay(coins, [(package, self.one_time(number)), change])
        self._waiting.append(paid)
        self._mixed[uid] = [kept]
        self.payments.append((uid, 3, package))

    def _sweep(self) -> None:
        assert self._coin is not None
        coins = [*self._waiting, self._coin]
        self._waiting = []
        value = sum(coin[1] for coin in coins) - rule_fee(len(coins), 1)
        [self._coin] = self._chain.pay(coins, [(value, self.vault)])

    @property
    def num_payers(self) -> int:
        """Distinct payers so far: strangers and customers."""
        return self._strangers.num + len(self.addresses)


class Copperdice:
    """A gambling site with the same packages: 498 one-time addresses and two hot ones."""

    def __init__(
        self, chain: Chain, scripts: Scripts, stream: Stream, ordinary: Ordinary, exchange: Exchange
    ) -> None:
        self._chain, self._scripts, self._stream = chain, scripts, stream
        self._exchange = exchange
        self.hot = (scripts.of("copperdice-hot", 0), scripts.of("copperdice-hot", 1))
        self.reserved: list[Coin] = []  # what it brings to the first CoinJoin
        self._coins: list[Coin] = []
        self._waiting: list[Coin] = []
        self._num_sweeps = 0
        self.total = sum(COPPERDICE_DECK)
        strangers = COPPERDICE_PAYERS - len(exchange.customers.copperdice)
        self._strangers = Strangers(ordinary, stream, strangers, self.total - COPPERDICE_OURS)
        self.customers: dict[str, list[int]] = {}

    def one_time(self, number: int) -> bytes:
        """The address of the n-th payment."""
        return self._scripts.of("copperdice", number)

    def plan(self, plan: Plan, eastmere: Purse) -> None:
        """Weeks 2 to 8, all swept before the first CoinJoin."""
        stream = self._stream
        plan.at(2 * WEEK - 50, partial(self._open, eastmere))
        members = _repeated(stream, self._exchange.customers.copperdice, COPPERDICE_OURS)
        places = sorted(stream.shuffled(range(self.total))[:COPPERDICE_OURS])
        ours = dict(zip(places, members, strict=True))
        packages = stream.shuffled(_deck(COPPERDICE_DECK))
        needed: dict[str, int] = {}
        first: dict[str, int] = {}
        for number, height in enumerate(stream.moments(self.total, 2 * WEEK, 9 * WEEK - 1)):
            uid = ours.get(number)
            plan.at(height, partial(self._pay, number, packages[number], uid))
            if uid is not None:
                first.setdefault(uid, height)
                needed[uid] = needed.get(uid, 0) + packages[number] + WITHDRAWAL_FEE
                self.customers.setdefault(uid, []).append(number)
        for uid, sat in needed.items():
            self._exchange.fund(uid, sat, first[uid])
        for height in range(2 * WEEK + DAY - 1, 9 * WEEK, DAY):
            plan.at(height, self._sweep)

    def _open(self, eastmere: Purse) -> None:
        amounts = (RESERVED, RESERVED, BANKROLL, BANKROLL)
        coins = eastmere.pay(*((amount, self.hot[i % 2]) for i, amount in enumerate(amounts)))
        self.reserved, self._coins = coins[:2], coins[2:]

    def _pay(self, number: int, package: int, uid: str | None) -> None:
        script = self.one_time(number)
        if uid is None:
            self._waiting.append(self._strangers.pay(package, script))
        else:
            self._waiting.append(self._exchange.withdraw(uid, package, script))

    def _sweep(self) -> None:
        """All coins into the other hot address; the first sweep joins the two."""
        coins = self._waiting + self._coins
        self._waiting = []
        self._num_sweeps += 1
        value = sum(coin[1] for coin in coins) - rule_fee(len(coins), 1)
        self._coins = self._chain.pay(coins, [(value, self.hot[self._num_sweeps % 2])])

    @property
    def num_payers(self) -> int:
        """Distinct payers so far: strangers and customers."""
        return self._strangers.num + len(self.customers)
