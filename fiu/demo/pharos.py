"""The operator "Pharos": wallet A1, the fee wallet's coins and the peel chain."""

from functools import partial

from fiu.demo.bank import Bank
from fiu.demo.chain import Chain, Coin, Output, Purse, outpoint_of, rule_fee, txid_of
from fiu.demo.exchange import Exchange
from fiu.demo.scripts import Scripts
from fiu.demo.timeline import Plan

FEE = 2_500
PEEL_FROM, PEEL_STEP, PEEL_FEE = 18_150, 36, 1_000
# What the peel chain pays, in 10,000 sat, and to whom.
PEELS = (
    21864, 19042, 20985, 17531, 16195, 17524, 13476, 12827, 13961, 9793, 10188, 11530, 7395, 7689,
)  # fmt: skip
TO_OP_1 = (1, 4, 5, 8, 11, 13)
TO_OP_3 = (2, 7, 10, 14)
TO_SWAP = (3, 6, 9, 12)
DUST, DUST_AT = 546, (10_500, 13_700, 16_900)
RETURN_AT, RETURNED = 18_900, 49_980_000
V1_DEPOSITS = ((6_300, 4), (12_300, 8), (18_180, 12))
V2_TO_V4_AT, V2_TO_V4 = 20_158, 100_000


class Pharos:
    """Every transaction of the operator's table, and its truth."""

    def __init__(
        self, chain: Chain, scripts: Scripts, bank: Bank, exchange: Exchange, eastmere: Purse
    ) -> None:
        self._chain, self._scripts, self._bank = chain, scripts, bank
        self._exchange, self._eastmere = exchange, eastmere
        self.a1 = (scripts.of("pharos-a1", 0), scripts.of("pharos-a1", 1))
        self.fee_wallet = scripts.of("obelisk-fee-wallet")
        self.coins: dict[str, Coin] = {}
        self.fee_change: Coin | None = None
        self.txids: dict[str, str] = {}
        self.dust_script = scripts.lookalike(self.a1[0], "dust-sender")
        self._dust_coin: Coin | None = None
        self.dust: list[Coin] = []
        self.v1_deposits: list[Coin] = []

    def plan(self, plan: Plan) -> None:
        """Put the operator's table, the peel chain and the sellers' own steps into the plan."""
        plan.at(1_000, partial(self._from_eastmere, "C1", 15_000_000))
        plan.at(9_172, partial(self._from_eastmere, "C2", 25_000_000))
        for number, height in enumerate((5_033, 9_065, 13_097, 18_137)):
            plan.at(height, partial(self._collect_fees, number))
        plan.at(6_548, self._pay_registrar)
        plan.at(12_596, self._pay_z)
        plan.at(18_150, self._gather)
        for number in range(1, len(PEELS) + 1):
            plan.at(PEEL_FROM + PEEL_STEP * number, partial(self._peel, number))
        plan.at(DUST_AT[0] - 200, self._prepare_dust)
        for height in DUST_AT:
            plan.at(height, self._send_dust)
        for height, _ in V1_DEPOSITS:
            plan.at(height, self._deposit_of_v1)
        plan.at(RETURN_AT, self._return)
        plan.at(V2_TO_V4_AT, self._pay_v4)

    def _pay(self, name: str, coins: list[Coin], outputs: list[Output]) -> list[Coin]:
        made = self._chain.pay(coins, outputs)
        self.txids[name] = txid_of(made[0])
        return made

    def _from_eastmere(self, name: str, amount: int) -> None:
        [self.coins[name]] = self._eastmere.pay((amount, self.a1[0]))
        self.txids[name] = txid_of(self.coins[name])

    def _collect_fees(self, number: int) -> None:
        """F1 to F4: four weeks of fees, the last time five, to a1.0; the rest stays with F."""
        fresh = self._bank.fees[4 * number : 4 * number + 4] if number < 3 else self._bank.fees[12:]
        coins = ([self.fee_change] if self.fee_change else []) + fresh
        amount = 96_790_000 if number == 3 else 77_400_000
        rest = sum(coin[1] for coin in coins) - amount - FEE
        outputs = [(amount, self.a1[0])] + ([(rest, self.fee_wallet)] if rest else [])
        name = f"F{number + 1}"
        made = self._pay(name, coins, outputs)
        self.coins[name] = made[0]
        self.fee_change = made[1] if rest else None

    def _pay_registrar(self) -> None:
        outputs = [(180_000, self._scripts.of("namewharf")), (92_217_500, self.a1[0])]
        spent = [self.coins.pop("C1"), self.coins.pop("F1")]
        self.coins["namewharf"], self.coins["REG"] = self._pay("REG", spent, outputs)

    def _pay_z(self) -> None:
        outputs = [(75_000_000, self._scripts.of("z")), (2_397_500, self.a1[0])]
        self.coins["z"], self.coins["ZZ"] = self._pay("ZZ", [self.coins.pop("F2")], outputs)

    def _gather(self) -> None:
        """K, the one transaction that joins a1.0 and a1.1."""
        own = [self.coins.pop(name) for name in ("C2", "REG", "ZZ", "F3", "F4")]
        coins = own + self._bank.shares
        [self.coins["P0"]] = self._pay("K", coins, [(3_133_797_500, self._scripts.of("peel", 0))])

    def _peel(self, number: int) -> None:
        before = self.coins.pop(f"P{number - 1}")
        amount = PEELS[number - 1] * 10_000
        if number in TO_SWAP:
            target = self._scripts.of("ferryswap-order", TO_SWAP.index(number) + 1)
        else:
            account = "OP-1" if number in TO_OP_1 else "OP-3"
            target = self._exchange.customers.deposit_script(account)
        paid = (amount, target)
        rest = (before[1] - amount - PEEL_FEE, self._scripts.of("peel", number))
        outputs = [paid, rest] if number % 2 else [rest, paid]
        made = self._pay(f"peel{number}", [before], outputs)
        coin, kept = made if number % 2 else made[::-1]
        self.coins[f"d{number}"], self.coins[f"P{number}"] = coin, kept
        if number not in TO_SWAP:
            self._exchange.receive(account, coin, first=True)

    def _prepare_dust(self) -> None:
        [self._dust_coin] = self._eastmere.pay((20_000, self.dust_script))

    def _send_dust(self) -> None:
        assert self._dust_coin is not None
        rest = self._dust_coin[1] - DUST - rule_fee(1, 2)
        outputs = [(DUST, self.a1[0]), (rest, self.dust_script)]
        coin, self._dust_coin = self._chain.pay([self._dust_coin], outputs)
        self.dust.append(coin)

    def _deposit_of_v1(self) -> None:
        """Four payouts of 2,500,000 go on to V-1's account, fee 2,000."""
        start = 4 * len(self.v1_deposits)
        coins = self._bank.seller_coins["V-1"][start : start + 4]
        script = self._exchange.customers.deposit_script("V-1")
        [coin] = self._chain.pay(coins, [(9_998_000, script)])
        self.v1_deposits.append(coin)
        self._exchange.receive("V-1", coin, first=True)

    def _return(self) -> None:
        """OP-3 withdraws half a bitcoin to the address the peel chain ended at."""
        self.coins["return"] = self._exchange.withdraw(
            "OP-3", RETURNED, self._scripts.of("peel", 14)
        )

    def _pay_v4(self) -> None:
        coin = self._bank.seller_coins["V-2"].pop(0)
        rest = coin[1] - V2_TO_V4 - rule_fee(1, 2)
        v2, v4 = (self._bank.seller_script(uid, 0) for uid in ("V-2", "V-4"))
        made = self._pay("V-2 to V-4", [coin], [(V2_TO_V4, v4), (rest, v2)])
        self.coins["V-2 to V-4"] = made[0]

    def seeds(self) -> list[str]:
        """What the bank paid the operator: W1 to W17, X1 to X4."""
        return [outpoint_of(coin) for coin in self._bank.fees + self._bank.shares]
