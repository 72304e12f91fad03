"""Two CoinJoins: JoinMarket's shape with a coin of the bank, Wasabi 1's with one of V-3."""

from functools import partial

from fiu.demo.bank import Bank
from fiu.demo.chain import Chain, Coin, Output, rule_fee, txid_of
from fiu.demo.chance import Stream
from fiu.demo.exchange import WITHDRAWAL_FEE, Exchange
from fiu.demo.ordinary import Ordinary
from fiu.demo.platforms import Copperdice
from fiu.demo.scripts import Scripts
from fiu.demo.timeline import Plan

FIRST_AT, SECOND_AT = 9_372, 11_388
EQUAL_FIRST, EQUAL_SECOND = 50_000_000, 10_000_000
# Fresh wallets of the first: (party, address) of each coin, sat.
OTHERS = ((1, 0, 70_000_000), (2, 1, 30_000_000), (2, 2, 30_000_000), (3, 3, 50_010_000))
PARTIES, DOUBLE = 40, 10
COORDINATOR_FEE, PARTY_FEE = 12_000, 589  # sat of each party of the second
QUANTILES = (300, 700, 1_100, 1_900, 2_800, 4_100, 6_000, 9_500)


class CoinJoins:
    """Plans both and remembers who brought what."""

    def __init__(
        self,
        chain: Chain,
        scripts: Scripts,
        stream: Stream,
        ordinary: Ordinary,
        bank: Bank,
        copperdice: Copperdice,
        exchange: Exchange,
    ) -> None:
        self._chain, self._scripts, self._stream = chain, scripts, stream
        self._ordinary, self._bank, self._copperdice = ordinary, bank, copperdice
        self._exchange = exchange
        self._others: list[Coin] = []
        self._parties: dict[int, list[Coin]] = {}
        self.txids: list[str] = []

    def plan(self, plan: Plan) -> None:
        """Fund the fresh wallets some blocks before, then join."""
        for place, (_, number, amount) in enumerate(OTHERS):
            plan.at(FIRST_AT - 60 + 5 * place, partial(self._fund_other, number, amount))
        plan.at(FIRST_AT, self._join_first)
        place = 0
        for party in range(1, PARTIES):
            whole = EQUAL_SECOND + COORDINATOR_FEE + PARTY_FEE
            if party != PARTIES - 1:  # the last one brings exactly its share, so it has no change
                whole += 1_000 * self._stream.pick(QUANTILES) + self._stream.index(1_000)
            num = 2 if 3 <= party < 3 + DOUBLE else 1
            parts = [whole] if num == 1 else [whole // 3, whole - whole // 3]
            for amount in parts:
                height = SECOND_AT - 250 + 4 * place
                if party in (1, 2):
                    uid = self._exchange.customers.mixers[party - 1]
                    self._exchange.fund(uid, amount + WITHDRAWAL_FEE, height)
                    plan.at(height, partial(self._fund_customer, party, uid, place, amount))
                else:
                    plan.at(height, partial(self._fund_party, party, place, amount))
                place += 1
        plan.at(SECOND_AT, self._join_second)

    def _fund_other(self, number: int, amount: int) -> None:
        self._others.extend(self._ordinary.pay((amount, self._scripts.of("cj1-wallet", number))))

    def _fund_party(self, party: int, place: int, amount: int) -> None:
        coins = self._ordinary.pay((amount, self._scripts.of("cj2-wallet", place)))
        self._parties.setdefault(party, []).extend(coins)

    def _fund_customer(self, party: int, uid: str, place: int, amount: int) -> None:
        script = self._scripts.of("cj2-wallet", place)
        self._parties[party] = [self._exchange.withdraw(uid, amount, script)]

    def _join_first(self) -> None:
        w1, w2a, w2b, w3 = self._others
        coins = [*self._bank.reserved, w1, *self._copperdice.reserved, w2a, w2b, w3]
        equal = [(EQUAL_FIRST, self._scripts.of("cj1-equal", number)) for number in range(5)]
        changes = [
            (29_990_000, self._bank.day_script),
            (19_990_000, self._scripts.of("cj1-change", 1)),
            (69_990_000, self._copperdice.hot[0]),
            (9_990_000, self._scripts.of("cj1-change", 2)),
        ]
        made = self._chain.pay(coins, equal + changes)
        self._bank.coins.append(made[5])
        self._bank.reserved = []
        self.txids.append(txid_of(made[0]))

    def _join_second(self) -> None:
        v3 = [coin for coin in self._bank.seller_coins["V-3"] if coin[1] == 10_600_000]
        self._bank.seller_coins["V-3"] = [
            coin for coin in self._bank.seller_coins["V-3"] if coin not in v3
        ]
        parties = [v3] + [self._parties[party] for party in range(1, PARTIES)]
        coins = [coin for party in parties for coin in party]
        equal: list[Output] = [
            (EQUAL_SECOND, self._scripts.of("cj2-equal", number)) for number in range(PARTIES)
        ]
        changes: list[Output] = []
        for number, party in enumerate(parties):
            rest = sum(c[1] for c in party) - EQUAL_SECOND - COORDINATOR_FEE - PARTY_FEE
            if rest:
                changes.append((rest, self._scripts.of("cj2-change", number)))
        spare = sum(value for _, value, _ in coins) - sum(v for v, _ in equal + changes)
        fee = rule_fee(len(coins), len(equal) + len(changes) + 1)
        coordinator = (spare - fee, self._scripts.of("cj2-coordinator"))
        made = self._chain.pay(
            self._stream.shuffled(coins),
            [*equal, *sorted(changes, reverse=True), coordinator],
        )
        self.txids.append(txid_of(made[0]))
