"""A seeded ledger of any size: reuse by power law, peel chains, services, CoinJoins.

A function of size and seed alone: one `random.Random` and only its `.random()`, whose stream is
the same on every Python version.
"""

from __future__ import annotations

import random
from array import array
from typing import Final

import numpy as np

from tracing.engine.ledger import (
    NO_ADDRESS,
    U32,
    UNKNOWN_OUTPUT,
    UNKNOWN_VALUE,
    UNSPENT,
    MemoryLedger,
    group_by_address,
)

SUBSIDY: Final = 5_000_000_000
PER_BLOCK: Final = 100
SERVICES: Final = 12
FEE: Final = 400
REGTEST: Final = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"


class Numbered:
    """Names that are numbers written out, both ways, and take no memory."""

    def __init__(self, num: int, form: str, base: int, before: str = "") -> None:
        self.num, self.form, self.base, self.before = num, form, base, before

    def __getitem__(self, number: int) -> str:
        return f"{self.before}{number:{self.form}}"

    def get(self, name: str) -> int | None:
        """The number of a name, None if it is nobody's."""
        try:
            number = int(name.removeprefix(self.before), self.base)
        except ValueError:
            return None
        return number if 0 <= number < self.num and self[number] == name else None


class _Maker:
    """Builds the columns transaction by transaction; a wallet is a list of its coins."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed).random
        self.values = array("q")
        self.addresses = array("I")
        self.owner_of_output = array("I")
        self.in_out = array("I")
        self.in_off = array("Q", [0])
        self.out_off = array("Q", [0])
        self.coinbase = array("B")
        self.wallets: list[list[int]] = [[] for _ in range(SERVICES)]
        self.main_address: list[int] = []
        self.num_addresses = 0
        for _ in range(SERVICES):
            self.main_address.append(self.new_address())

    def below(self, limit: int) -> int:
        return int(self.draw() * limit)

    def new_address(self) -> int:
        self.num_addresses += 1
        return self.num_addresses - 1

    def new_wallet(self) -> int:
        self.wallets.append([])
        self.main_address.append(self.new_address())
        return len(self.wallets) - 1

    def payee(self) -> int:
        """A wallet, the likelier the more it was paid before; now and then a new one."""
        if self.draw() < 0.15 or not self.values:
            return self.new_wallet()
        return self.owner_of_output[self.below(len(self.values))]

    def add(self, spent: list[int], paid: list[tuple[int, int]], *, fresh: float = 0.4) -> None:
        """A transaction from coins to (wallet, value)."""
        self.in_out.extend(spent or [UNKNOWN_OUTPUT])
        self.coinbase.append(not spent)
        for wallet, value in paid:
            self.wallets[wallet].append(len(self.values))
            self.values.append(value)
            reuse = self.draw() >= fresh
            self.addresses.append(self.main_address[wallet] if reuse else self.new_address())
            self.owner_of_output.append(wallet)
        self.in_off.append(len(self.in_out))
        self.out_off.append(len(self.values))

    def some_wallet(self) -> int | None:
        """The owner of a random output, if it still holds a coin."""
        for _ in range(8):
            wallet = self.owner_of_output[self.below(len(self.values))]
            if self.wallets[wallet]:
                return wallet
        return None

    def take(self, wallet: int, most: int) -> list[int]:
        """The wallet's newest coins."""
        coins = self.wallets[wallet]
        taken = coins[-most:]
        del coins[-most:]
        return taken

    def worth(self, coins: list[int]) -> int:
        return sum(self.values[coin] for coin in coins)

    def ordinary(self) -> None:
        wallet = self.some_wallet()
        if wallet is None:
            return self.mine()
        coins = self.take(wallet, 1 + int(3 * self.draw() ** 3 + 0.3))
        total = self.worth(coins) - FEE
        if total < 2_000:
            return self.mine()
        paid = 1 + int((total - 1) * self.draw() ** 3)
        to = self.below(SERVICES) if self.draw() < 0.1 else self.payee()
        outputs = [(to, paid), (wallet, total - paid)]
        return self.add(coins, outputs if self.draw() < 0.5 else outputs[::-1])

    def peel(self) -> None:
        wallet = self.some_wallet()
        coins = self.take(wallet, 1) if wallet is not None else []
        total = self.worth(coins) - FEE
        if wallet is None or total < 10_000:
            return self.mine()
        paid = total // 20
        return self.add(coins, [(self.payee(), paid), (wallet, total - paid)], fresh=1.0)

    def sweep(self) -> None:
        service = self.below(SERVICES)
        coins = self.take(service, 40)
        if self.worth(coins) < 10_000:
            return self.mine()
        return self.add(coins, [(service, self.worth(coins) - FEE)], fresh=0.0)

    def coinjoin(self) -> None:
        wallets = [self.some_wallet() for _ in range(5)]
        coins = [
            self.wallets[wallet].pop()
            for wallet in wallets
            if wallet is not None and self.wallets[wallet]
        ]
        least = min((self.values[coin] for coin in coins), default=0)
        if len(coins) < 5 or least < 20_000:
            return self.add(coins, [(self.payee(), self.worth(coins))]) if coins else self.mine()
        owners = [self.owner_of_output[coin] for coin in coins]
        mixed = least - 10_000
        paid = [(owner, mixed) for owner in owners]
        paid += [
            (owner, self.values[coin] - mixed - FEE)
            for owner, coin in zip(owners, coins, strict=True)
        ]
        return self.add(coins, paid, fresh=1.0)

    def mine(self) -> None:
        self.add([], [(self.payee(), SUBSIDY)])


def generate(num_tx: int, seed: int = 7) -> MemoryLedger:
    """A ledger of `num_tx` transactions. Cost: about 8 s a million."""
    maker = _Maker(seed)
    for number in range(num_tx):
        kind = maker.draw()
        if number % PER_BLOCK == 0 or number < 200:
            maker.mine()
        elif kind < 0.002:
            maker.coinjoin()
        elif kind < 0.01:
            maker.sweep()
        elif kind < 0.08:
            maker.peel()
        else:
            maker.ordinary()
    return _ledger(maker, num_tx)


def _ledger(maker: _Maker, num_tx: int) -> MemoryLedger:
    in_off = np.frombuffer(maker.in_off, np.uint64)
    out_off = np.frombuffer(maker.out_off, np.uint64)
    in_out: U32 = np.frombuffer(maker.in_out, np.uint32)
    out_address: U32 = np.frombuffer(maker.addresses, np.uint32)
    value = np.frombuffer(maker.values, np.int64)
    number = np.arange(num_tx, dtype=np.uint32)
    in_tx = np.repeat(number, np.diff(in_off.astype(np.int64)))
    known = in_out != UNKNOWN_OUTPUT
    in_value = np.full(len(in_out), UNKNOWN_VALUE, np.int64)
    in_value[known] = value[in_out[known]]
    in_address = np.full(len(in_out), NO_ADDRESS, np.uint32)
    in_address[known] = out_address[in_out[known]]
    spent_in = np.full(len(value), UNSPENT, np.uint32)
    spent_in[in_out[known]] = np.flatnonzero(known)
    coinbase = np.frombuffer(maker.coinbase, np.uint8)
    paid = np.add.reduceat(value, out_off[:-1].astype(np.int64))
    spent = np.add.reduceat(in_value, in_off[:-1].astype(np.int64))
    height = (number // PER_BLOCK).astype(np.uint32)
    txids = Numbered(num_tx, "064x", 16)
    texts = Numbered(maker.num_addresses, "d", 10, "a")
    return MemoryLedger(
        name="bitcoin-regtest",
        chain=REGTEST,
        height=int(height[-1]),
        tip_hash="00" * 32,
        epoch=1,
        num_tx=num_tx,
        num_outputs=len(value),
        num_inputs=len(in_out),
        num_addresses=maker.num_addresses,
        in_off=in_off,
        out_off=out_off,
        tx_height=height,
        tx_time=height * np.uint32(600) + np.uint32(1_736_121_600),
        tx_fee=np.where(coinbase == 1, 0, spent - paid),
        tx_coinbase=coinbase,
        out_value=value,
        out_address=out_address,
        out_tx=np.repeat(number, np.diff(out_off.astype(np.int64))),
        out_spent_in=spent_in,
        in_out=in_out,
        in_tx=in_tx,
        in_value=in_value,
        in_address=in_address,
        _txids=txids,
        _tx_ids=txids,
        _texts=texts,
        _address_ids=texts,
        _by_out=group_by_address(out_address, maker.num_addresses),
        _by_in=group_by_address(in_address, maker.num_addresses),
    )
