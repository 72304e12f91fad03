"""The bank of Obelisk Market: users' deposits, sweeps, payouts to sellers, the operator's share."""

from functools import partial

from fiu.demo.chain import Chain, Coin, Output, rule_fee
from fiu.demo.chance import Rationed, Stream
from fiu.demo.exchange import WITHDRAWAL_FEE, Exchange
from fiu.demo.ordinary import Ordinary
from fiu.demo.scale import Scale
from fiu.demo.scripts import Scripts
from fiu.demo.timeline import DAY, WEEK, Plan

FIRST_WEEK, LAST_WEEK = 1, 17
WEEKLY, LAST_WEEKLY = 387_040_000, 387_360_000  # deposits of a week at demo scale, sat
FEE_WEEKLY, FEE_LAST = 19_352_000, 19_368_000  # the operator's 5 % of them
UNSWEPT = 20_000
LEAST_SWEPT = 25_000
LAST_DEPOSIT = 1_000  # offset in the week
SWEEP_EVERY, SWEEP_INPUTS = 6, 250
PAYOUTS_FROM, PAYOUTS_TO, BATCH = 1_152, 18_143, 10
SHARE, SHARE_AT = 710_000_000, (18_144, 18_145, 18_146, 18_147)
RESERVED_AT, RESERVED = 9_370, 80_000_000  # the coin the bank brings to the first CoinJoin
NUM_DAYS = 119
QUANTILES = (
    25, 40, 60, 80, 110, 140, 180, 230, 290, 350, 420, 500, 600, 720, 860, 1_050, 1_300, 1_700,
    2_400, 4_500,
)  # fmt: skip
# Payouts the sellers' stories need: seller -> (batch at demo scale, sat).
V1_PAYOUT = 2_500_000
PLANNED_PAYOUTS: dict[str, tuple[tuple[int, int], ...]] = {
    "V-1": tuple(
        (batch, V1_PAYOUT) for batch in (20, 45, 70, 85, 110, 140, 170, 190, 220, 250, 280, 301)
    ),
    "V-2": ((33, 1_480_000), (160, 2_310_000)),
    "V-3": ((120, 10_600_000), (210, 1_950_000)),
    "V-4": ((90, 2_120_000),),
    "V-5": ((54, 1_760_000), (240, 3_070_000)),
}


class Bank:
    """One cluster: deposit addresses that are swept and 119 addresses of the day."""

    def __init__(
        self,
        chain: Chain,
        scripts: Scripts,
        stream: Stream,
        scale: Scale,
        ordinary: Ordinary,
        exchange: Exchange,
        fee_wallet: bytes,
        operator: bytes,
    ) -> None:
        self._chain, self._scripts, self._stream, self._scale = chain, scripts, stream, scale
        self._ordinary, self._exchange = ordinary, exchange
        self._fee_wallet, self._operator = fee_wallet, operator
        self.coins: list[Coin] = []  # oldest first
        self.reserved: list[Coin] = []
        self._waiting: list[Coin] = []
        self.unswept: list[int] = []  # numbers of the deposit addresses nobody sweeps
        self.buyers: dict[str, int] = {}  # customer -> number of the deposit address
        self.shares: list[Coin] = []  # X1..X4 at the operator
        self.fees: list[Coin] = []  # W1..W17 at the fee wallet
        self.seller_coins: dict[str, list[Coin]] = {uid: [] for uid in PLANNED_PAYOUTS}
        self.fees_paid = 0
        self.paid_in = self.paid_out = self.num_deposits = self.num_withdrawals = 0
        self._seller_wallets: dict[int, list[Coin]] = {}

    # Planning

    def plan(self, plan: Plan) -> None:
        """Put every transaction of the bank and of its users into the plan."""
        self._plan_deposits(plan)
        last = (LAST_WEEK + 1) * WEEK
        for height in range(FIRST_WEEK * WEEK, last, SWEEP_EVERY):
            plan.at(height, self._sweep)
        self._plan_payouts(plan)
        for week in range(FIRST_WEEK, LAST_WEEK + 1):
            plan.at(week * WEEK + 1_000, partial(self._pay_fee, week))
        plan.at(RESERVED_AT, self._reserve)
        for height in SHARE_AT:
            plan.at(height, partial(self._pay_share, height == SHARE_AT[-1]))

    def _plan_deposits(self, plan: Plan) -> None:
        total, scale = self._scale.market_deposits, self._scale
        weeks = LAST_WEEK - FIRST_WEEK + 1
        unswept = {
            place * total // scale.never_swept + total // (2 * scale.never_swept): place
            for place in range(scale.never_swept)
        }
        ordinary = scale.deposit_addresses - scale.never_swept
        fresh = Rationed(self._stream, ordinary, total - scale.never_swept)
        step = ordinary // scale.buyers
        self.buyers = {
            uid: place * step + 7 for place, uid in enumerate(self._exchange.customers.buyers)
        }
        buyer_of = {number: uid for uid, number in self.buyers.items()}
        needed: dict[str, list[int]] = {}
        first_height: dict[str, int] = {}
        num_used, done = 0, 0
        for week in range(weeks):
            end = total * (week + 1) // weeks
            start_height = (FIRST_WEEK + week) * WEEK
            heights = self._stream.moments(end - done, start_height, start_height + LAST_DEPOSIT)
            small = sum(place in unswept for place in range(done, end))
            sum_of_week = (LAST_WEEKLY if week == weeks - 1 else WEEKLY) * scale.factor
            amounts = self._stream.spread(
                sum_of_week - small * UNSWEPT, end - done - small, LEAST_SWEPT, QUANTILES
            )
            repaid = week == 1  # an address of the first sweep is paid again
            for place, height in zip(range(done, end), heights, strict=True):
                if place in unswept:
                    number = ordinary + unswept[place]
                    self.unswept.append(number)
                    plan.at(height, partial(self._deposit, UNSWEPT, number))
                    continue
                if repaid:
                    number, repaid = 0, False
                    fresh.note(False)
                elif num_used == 0 or fresh.ask():
                    if num_used == 0:
                        fresh.note(True)
                    number = num_used
                    num_used += 1
                else:
                    number = self._stream.index(num_used)
                amount = amounts.pop()
                if number in buyer_of:
                    uid = buyer_of[number]
                    needed.setdefault(uid, []).append(amount + WITHDRAWAL_FEE)
                    first_height.setdefault(uid, height)
                    plan.at(height, partial(self._deposit_of_buyer, amount, number, uid))
                else:
                    plan.at(height, partial(self._deposit, amount, number))
            done = end
        for uid, sums in needed.items():
            self._exchange.fund(uid, sum(sums), first_height[uid])

    def _plan_payouts(self, plan: Plan) -> None:
        count, scale = self._scale.payouts, self._scale
        num_batches = (count + BATCH - 1) // BATCH
        batches: list[list[tuple[str, int, int]]] = [[] for _ in range(num_batches)]
        fixed = 0
        for uid, payouts in PLANNED_PAYOUTS.items():
            for slot, amount in payouts:
                batches[slot * (num_batches - 1) // 301].append((uid, 0, amount))
                fixed += 1
        planned = sum(amount for payouts in PLANNED_PAYOUTS.values() for _, amount in payouts)
        others = scale.sellers - len(PLANNED_PAYOUTS)
        amounts = self._stream.spread(
            scale.payouts_total - planned, count - fixed, 100_000, QUANTILES
        )
        place = 0
        for batch in batches:
            while len(batch) < BATCH and place < len(amounts):
                seller = place if place < others else self._stream.index(others)
                batch.append(("", seller, amounts[place]))
                place += 1
        for number, batch in enumerate(batches):
            span = PAYOUTS_TO - PAYOUTS_FROM
            height = PAYOUTS_FROM + span * number // (num_batches - 1)
            plan.at(height, partial(self._pay_out, batch))

    # What happens

    @property
    def day(self) -> int:
        """The number of the address of the day."""
        return min((self._chain.height - FIRST_WEEK * WEEK) // DAY, NUM_DAYS - 1)

    @property
    def day_script(self) -> bytes:
        """Where sweeps and change go today."""
        return self._scripts.of("bank-day", self.day)

    def deposit_script(self, number: int) -> bytes:
        """The n-th deposit address; those that are never swept come last."""
        return self._scripts.of("bank-deposit", number)

    def _arrive(self, coin: Coin) -> None:
        self.num_deposits += 1
        self.paid_in += coin[1]
        if coin[1] >= LEAST_SWEPT:
            self._waiting.append(coin)

    def _deposit(self, amount: int, number: int) -> None:
        [coin] = self._ordinary.pay((amount, self.deposit_script(number)))
        self._arrive(coin)

    def _deposit_of_buyer(self, amount: int, number: int, uid: str) -> None:
        self._arrive(self._exchange.withdraw(uid, amount, self.deposit_script(number)))

    def _sweep(self) -> None:
        if not self._waiting:
            return
        coins = self._waiting[:SWEEP_INPUTS]
        del self._waiting[:SWEEP_INPUTS]
        if self.coins:
            smallest = min(range(len(self.coins)), key=lambda place: self.coins[place][1])
            coins.append(self.coins.pop(smallest))
        fee = rule_fee(len(coins), 1)
        value = sum(coin[1] for coin in coins) - fee
        self.coins.extend(self._chain.pay(coins, [(value, self.day_script)]))
        self.fees_paid += fee

    def _spend(self, outputs: list[Output], *, everything: bool = False) -> list[Coin]:
        """Oldest coins first, change to the address of the day; the coins of the outputs."""
        wanted = sum(value for value, _ in outputs)
        coins: list[Coin] = []
        total = 0
        while everything or total <= wanted + rule_fee(len(coins), len(outputs) + 1):
            if not self.coins:
                if everything:
                    break
                raise ValueError(f"block {self._chain.height}: the bank is short of coins")
            coins.append(self.coins.pop(0))
            total += coins[-1][1]
        fee = rule_fee(len(coins), len(outputs) + 1)
        rest = total - wanted - fee
        *made, change = self._chain.pay(coins, [*outputs, (rest, self.day_script)])
        self.coins.append(change)
        self.fees_paid += fee
        return made

    def _withdraw(self, outputs: list[Output], *, everything: bool = False) -> list[Coin]:
        self.paid_out += sum(value for value, _ in outputs)
        self.num_withdrawals += len(outputs)
        return self._spend(outputs, everything=everything)

    def seller_script(self, uid: str, number: int) -> bytes:
        """A seller's wallet: ours by account, the others by number."""
        if uid:
            return self._scripts.of("seller-customer", int(uid[2:]))
        return self._scripts.of("seller", number)

    def _pay_out(self, batch: list[tuple[str, int, int]]) -> None:
        outputs = [(amount, self.seller_script(uid, number)) for uid, number, amount in batch]
        for coin, (uid, _, _) in zip(self._withdraw(outputs), batch, strict=True):
            if uid:
                self.seller_coins[uid].append(coin)
            else:
                self._ordinary.receive(coin)  # sellers spend as everybody does

    def _pay_fee(self, week: int) -> None:
        amount = (FEE_LAST if week == LAST_WEEK else FEE_WEEKLY) * self._scale.factor
        self.fees.extend(self._withdraw([(amount, self._fee_wallet)]))

    def _pay_share(self, everything: bool) -> None:
        self.shares.extend(self._withdraw([(SHARE, self._operator)], everything=everything))

    def _reserve(self) -> None:
        self.reserved = self._spend([(RESERVED, self.day_script)])

    @property
    def left(self) -> int:
        """What the bank still holds, sat, without the addresses it never sweeps."""
        return sum(coin[1] for coin in self.coins)
