"""Ordinary traffic: people with wallets who pay each other and their accounts at the exchange."""

from collections import deque

from fiu.demo.chain import Chain, Coin, Output, rule_fee
from fiu.demo.chance import Rationed, Stream
from fiu.demo.exchange import Exchange
from fiu.demo.scale import Scale
from fiu.demo.scripts import Scripts
from fiu.demo.timeline import TIP

FIRST = 110  # the first miners' coins are spendable by then
DUST = 600
LEAST = 20_000
EARLY = 120
# What people pay, sat; each payment takes one of these, times 2/3 to 4/3.
AMOUNTS = (
    45_000, 60_000, 90_000, 130_000, 180_000, 250_000, 330_000, 420_000, 550_000, 700_000,
    900_000, 1_200_000, 1_600_000, 2_200_000, 3_000_000, 4_200_000, 6_000_000, 9_000_000,
    15_000_000, 40_000_000,
)  # fmt: skip
_PAY_ONE, _PAY_TWO = rule_fee(1, 2), rule_fee(2, 2)


class Ordinary:
    """The population: a wallet spends one or two coins and takes change at a fresh address."""

    def __init__(
        self, chain: Chain, scripts: Scripts, stream: Stream, scale: Scale, exchange: Exchange
    ) -> None:
        self._chain, self._scripts, self._stream = chain, scripts, stream
        self._exchange, self._scale = exchange, scale
        self._wallets: list[list[Coin]] = []
        self._active: list[int] = []
        self._num_scripts = 0
        self._new = Rationed(stream, scale.wallets, scale.ordinary * 3 // 4)
        self.reserve: deque[Coin] = deque()  # large coins for payments nobody else can make
        self.num_made = 0

    def _fresh(self) -> bytes:
        self._num_scripts += 1
        return self._scripts.of("wallet", self._num_scripts)

    def receive(self, coin: Coin) -> int:
        """Give a coin to a wallet of its own; the number of the wallet."""
        self._wallets.append([coin])
        self._active.append(len(self._wallets) - 1)
        return len(self._wallets) - 1

    def _leave(self, place: int) -> None:
        last = self._active.pop()
        if place < len(self._active):
            self._active[place] = last

    def block(self) -> None:
        """The block's share of the ordinary transactions."""
        height = self._chain.height
        if height < FIRST or not self._active:
            return
        due = self._scale.ordinary * (height - FIRST + 1) // (TIP - FIRST + 1)
        while self.num_made < due and self._active:
            self._make_one()

    def _make_one(self) -> None:
        draw, active = self._stream.random, self._active
        # Four payments of ten come from the early wallets, so that their money reaches everybody.
        place = int(draw() * (len(active) if draw() < 0.6 else min(len(active), EARLY)))
        coins = self._wallets[active[place]]
        if len(coins) > 1:
            spent, fee = [coins.pop(), coins.pop()], _PAY_TWO
            value = spent[0][1] + spent[1][1]
        else:
            spent, fee = [coins.pop()], _PAY_ONE
            value = spent[0][1]
        amount = AMOUNTS[int(draw() * len(AMOUNTS))] * (1_000 + int(draw() * 1_000)) // 1_500
        if amount > value - fee - DUST:
            amount = (value - fee) // 2
        if amount < LEAST:
            coins.extend(spent)  # too little to pay with: it stays where it is, unspent
            self._leave(place)
            return
        self.num_made += 1
        change = (value - fee - amount, self._fresh())
        if draw() < 0.25:
            account, script = self._exchange.draw_depositor(self._stream)
            paid, rest = self._chain.pay(spent, [(amount, script), change])
            coins.append(rest)
            self._exchange.receive(account, paid)
            return
        if self._new.ask():
            paid, rest = self._chain.pay(spent, [(amount, self._fresh()), change])
            coins.append(rest)
            self.receive(paid)
            return
        other = self._wallets[active[int(draw() * len(active))]]
        script = other[-1][2] if other else self._fresh()
        paid, rest = self._chain.pay(spent, [(amount, script), change])
        coins.append(rest)
        other.append(paid)

    def pay(self, *outputs: Output) -> list[Coin]:
        """Somebody with enough in one coin pays these outputs; their coins."""
        fee = rule_fee(1, len(outputs) + 1)
        needed = fee + DUST + sum(value for value, _ in outputs)
        for _ in range(6):
            if not self._active:
                break
            coins = self._wallets[self._stream.pick(self._active)]
            if coins[-1][1] >= needed:
                return self._settle(coins, fee, outputs)
        while self.reserve[0][1] < needed:
            self.reserve.popleft()
        coins = [self.reserve.popleft()]
        made = self._settle(coins, fee, outputs)
        self.reserve.append(coins[0])
        return made

    def _settle(self, coins: list[Coin], fee: int, outputs: tuple[Output, ...]) -> list[Coin]:
        coin = coins.pop()
        rest = coin[1] - fee - sum(value for value, _ in outputs)
        *made, change = self._chain.pay([coin], [*outputs, (rest, self._fresh())])
        coins.append(change)
        return made

    def new_payer(self, least: int) -> Coin:
        """Take a person with one coin of at least so much out of the population."""
        for _ in range(20):
            place = self._stream.index(len(self._active))
            coins = self._wallets[self._active[place]]
            if len(coins) == 1 and coins[0][1] >= least:
                self._leave(place)
                return coins.pop()
        [coin] = self.pay((2 * least, self._fresh()))  # somebody new, paid just now
        return coin

    def spend_as(self, coin: Coin, *outputs: Output) -> list[Coin]:
        """One coin pays the outputs; their coins and that of the change at a fresh address."""
        rest = coin[1] - rule_fee(1, len(outputs) + 1) - sum(value for value, _ in outputs)
        return self._chain.pay([coin], [*outputs, (rest, self._fresh())])
