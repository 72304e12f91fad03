"""Northquay, our exchange: accounts' movements and balances, deposits, withdrawals and sweeps."""

from collections import defaultdict
from typing import NamedTuple

from fiu.demo.chain import Chain, Coin, Purse, rule_fee, txid_of
from fiu.demo.chance import Stream
from fiu.demo.customers import Customers
from fiu.demo.scripts import Scripts
from fiu.demo.timeline import WEEK, block_time

REGTEST = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"
BTC = f"{REGTEST}/slip44:0"
XMR = "monero:418015bb9ae982a1975da7d79277c270/slip44:128"
ETH = "eip155:1/slip44:60"
USDT = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
WITHDRAWAL_FEE = 20_000
SWEEP_INPUTS = 250
USDT_PER_SAT = 1_000  # USDT base units at 100,000 a coin


class Movement(NamedTuple):
    """One line of the internal ledger; a fee lies inside the amount it is taken from."""

    at: int
    kind: str
    account: str
    asset: str
    base: int
    counter_account: str = ""
    asset_out: str = ""
    base_out: int = 0
    fee_asset: str = ""
    fee_base: int = 0
    txid: str = ""
    status: str = "completed"
    script: bytes = b""
    ip: str = ""


class Exchange:
    """The exchange's hot wallet on the chain and its ledger behind it."""

    def __init__(
        self, chain: Chain, scripts: Scripts, stream: Stream, customers: Customers
    ) -> None:
        self.customers = customers
        self.hot = Purse(chain, scripts.of("exchange-hot"))
        self.cold: list[Coin] = []
        self.cold_script = scripts.of("exchange-cold")
        # The withdrawal address that OP-2 and OP-3 both saved.
        self.shared_target = scripts.of("shared-withdrawal-address")
        self.movements: list[Movement] = []
        self.balances: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.sweeps: dict[int, list[str]] = {}
        self._chain, self._stream = chain, stream
        self._waiting: list[Coin] = []
        self._first: list[Coin] = []

    def record(self, movement: Movement) -> None:
        """Write a line and move its balances."""
        self.movements.append(movement)
        if movement.status != "completed":
            return
        own = (movement.account, movement.asset)
        if movement.kind == "deposit":
            self.balances[own] += movement.base
            return
        self.balances[own] -= movement.base
        if movement.kind == "conversion":
            self.balances[movement.account, movement.asset_out] += movement.base_out
        elif movement.kind == "internal_transfer":
            self.balances[movement.counter_account, movement.asset] += movement.base

    # Deposits

    def draw_depositor(self, stream: Stream) -> tuple[str, bytes]:
        """An account that is paid now, and its deposit address at this height."""
        return self.customers.draw_depositor(stream, self._chain.height)

    def receive(self, account: str, coin: Coin, *, first: bool = False) -> None:
        """A coin arrived at the deposit address of an account; `first` coins are swept first."""
        (self._first if first else self._waiting).append(coin)
        at = block_time(self._chain.height)
        self.record(
            Movement(at, "deposit", account, BTC, coin[1], txid=txid_of(coin), script=coin[2])
        )
        if not first and self._stream.index(20) == 0:
            self._change_half(account, coin[1] // 2, at + 3_600 + 60 * self._stream.index(600))

    def _change_half(self, account: str, sat: int, at: int) -> None:
        gross = sat * USDT_PER_SAT
        self.record(
            Movement(
                at, "conversion", account, BTC, sat,
                asset_out=USDT, base_out=gross - gross // 1_000,
                fee_asset=USDT, fee_base=gross // 1_000, ip=self.customers.ip(account),
            )
        )  # fmt: skip

    def sweep(self) -> None:
        """Collect the waiting coins, at most 250 a transaction, into the hot wallet."""
        waiting = self._first + self._waiting
        self._first, self._waiting = [], []
        for start in range(0, len(waiting), SWEEP_INPUTS):
            coins = waiting[start : start + SWEEP_INPUTS]
            value = sum(coin[1] for coin in coins) - rule_fee(len(coins), 1)
            [coin] = self._chain.pay(coins, [(value, self.hot.script)])
            self.hot.coins.append(coin)
            self.sweeps.setdefault(self._chain.height, []).append(txid_of(coin))

    # Withdrawals

    def fund(self, account: str, sat: int, height: int) -> None:
        """Before a block, the customer brings USDT and buys enough bitcoin to withdraw so much."""
        gross = (sat * 1_000 // 999 // 100_000 + 1) * 100_000
        at = block_time(height) - 90_000 - 60 * self._stream.index(1_200)
        spent = gross * USDT_PER_SAT
        ip = self.customers.ip(account)
        self.record(Movement(at, "deposit", account, USDT, spent, ip=ip))
        self.record(
            Movement(
                at + 600, "conversion", account, USDT, spent,
                asset_out=BTC, base_out=gross - gross // 1_000,
                fee_asset=BTC, fee_base=gross // 1_000, ip=ip,
            )
        )  # fmt: skip

    def withdraw(self, account: str, sat: int, script: bytes) -> Coin:
        """Pay out so that `sat` arrive; the account is debited that and the withdrawal fee."""
        [coin] = self.hot.pay((sat, script))
        self.record(
            Movement(
                block_time(self._chain.height), "withdrawal", account, BTC, sat + WITHDRAWAL_FEE,
                fee_asset=BTC, fee_base=WITHDRAWAL_FEE, txid=txid_of(coin), script=script,
                ip=self.customers.ip(account),
            )
        )  # fmt: skip
        return coin

    def fill_cold_wallet(self) -> None:
        """Once a week half of the hot wallet's coins go to the cold wallet, if it has many."""
        if self._chain.height < 2 * WEEK or len(self.hot.coins) < 40:
            return
        coins = [self.hot.coins.popleft() for _ in range(20)]
        value = sum(coin[1] for coin in coins) - rule_fee(len(coins), 1)
        self.cold.extend(self._chain.pay(coins, [(value, self.cold_script)]))
