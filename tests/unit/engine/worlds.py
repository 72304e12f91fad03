"""Random little worlds for properties, and a reference that labels every single satoshi.

The reference shares no code with the engine: a coin is a list with one label per satoshi.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TypeAlias

from hypothesis import strategies as st

from tests.unit.engine.ledgers import Chain
from tracing.engine.ledger import MemoryLedger
from tracing.engine.spec import TraceSpec
from tracing.engine.trace import TraceResult, trace

Coin: TypeAlias = tuple[int, int]
Labels: TypeAlias = list[int | None]


@dataclass(frozen=True)
class WorldTx:
    """A transaction: coins spent, and values made; what is missing is the fee."""

    inputs: tuple[Coin, ...]
    values: tuple[int, ...]


@dataclass(frozen=True)
class World:
    """Transactions in chain order, one a block, and some coins as seeds."""

    txs: tuple[WorldTx, ...]
    seeds: tuple[Coin, ...]
    _ledgers: dict[int, MemoryLedger] = field(default_factory=dict, compare=False, repr=False)

    def ledger(self, times: int = 1) -> MemoryLedger:
        """The ledger, all amounts multiplied."""
        if times not in self._ledgers:
            chain = Chain()
            for number, tx in enumerate(self.txs):
                made = [
                    (f"a{(number * 7 + vout) % 11}", value * times)
                    for vout, value in enumerate(tx.values)
                ]
                spent = [(str(prev), vout) for prev, vout in tx.inputs]
                chain.send(str(number), spent, made, height=number)
            self._ledgers[times] = chain.ledger()
        return self._ledgers[times]

    def value(self, coin: Coin) -> int:
        """What a coin is worth."""
        return self.txs[coin[0]].values[coin[1]]

    def spenders(self) -> dict[Coin, int]:
        """Which transaction spends a coin."""
        return {coin: number for number, tx in enumerate(self.txs) for coin in tx.inputs}

    def output_id(self, coin: Coin) -> int:
        """The engine's id of a coin."""
        return int(self.ledger().out_off[coin[0]]) + coin[1]

    def spec(self, policy: str = "haircut", **limits: object) -> TraceSpec:
        """The spec of a run from the seeds."""
        seeds = tuple(self.output_id(coin) for coin in self.seeds)
        return TraceSpec(seeds=seeds, policy=policy, **limits)  # type: ignore[arg-type]

    def trace(self, policy: str = "haircut", **limits: object) -> TraceResult:
        """Run the engine."""
        return trace(self.spec(policy, **limits), self.ledger())


@st.composite
def worlds(draw: st.DrawFn, *, all_roots: bool = False) -> World:
    """2 to 4 coinbases of up to 15 satoshi, up to 10 transactions of 1 to 3 inputs and outputs."""
    txs = [
        WorldTx((), tuple(draw(st.lists(st.integers(1, 15), min_size=1, max_size=2))))
        for _ in range(draw(st.integers(2, 4)))
    ]
    roots = [(number, vout) for number, tx in enumerate(txs) for vout in range(len(tx.values))]
    coins = list(roots)
    free = list(roots)
    for _ in range(draw(st.integers(1, 10))):
        if not free:
            break
        picks = draw(st.lists(st.integers(0, 99), min_size=1, max_size=3))
        inputs = tuple(free.pop(pick % len(free)) for pick in picks if free)
        total = sum(txs[prev].values[vout] for prev, vout in inputs)
        values = []
        for share in draw(st.lists(st.integers(0, 100), min_size=1, max_size=3)):
            value = total * share // 100 if share < 97 else total
            values.append(value)
            total -= value
        txs.append(WorldTx(inputs, tuple(values)))
        made = [(len(txs) - 1, vout) for vout in range(len(values))]
        coins += made
        free += made
    if all_roots:
        return World(tuple(txs), tuple(roots))
    picked = draw(st.lists(st.sampled_from(coins), min_size=1, max_size=3, unique=True))
    return World(tuple(txs), tuple(sorted(picked)))


def random_world(seed: int) -> World:
    """A larger commingled world without Hypothesis, for counting over many."""
    rng = random.Random(seed)
    txs = [WorldTx((), (rng.randint(5, 40),)) for _ in range(5)]
    free = [(number, 0) for number in range(5)]
    for _ in range(14):
        inputs = tuple(
            free.pop(rng.randrange(len(free))) for _ in range(min(len(free), rng.randint(1, 3)))
        )
        total = sum(txs[prev].values[vout] for prev, vout in inputs)
        values = []
        for _ in range(rng.randint(1, 3)):
            values.append(rng.randint(0, total))
            total -= values[-1]
        free += [(len(txs), vout) for vout in range(len(values))]
        txs.append(WorldTx(inputs, tuple(values)))
    return World(tuple(txs), ((0, 0), (1, 0)))


@dataclass
class Labelled:
    """Outcome of a reference run: units at ends and in fees."""

    ends: Counter[Coin]
    fees: int


def label_forward(world: World, policy: str, rng: random.Random | None = None) -> Labelled:
    """Follow labelled satoshi forward: fifo, lifo, haircut, or truth (any order, by `rng`)."""
    spenders = world.spenders()
    labels: dict[Coin, Labels] = {}
    ends: Counter[Coin] = Counter()
    fees = 0
    for number, tx in enumerate(world.txs):
        tape: Labels = [unit for coin in tx.inputs for unit in labels.pop(coin)]
        if policy == "haircut":
            tape = _spread(tape)
        elif policy == "truth" and rng is not None:
            rng.shuffle(tape)
        position = 0
        for vout, value in enumerate(tx.values):
            coin = (number, vout)
            if not tx.inputs:
                taken: Labels = [None] * value
            elif policy == "lifo":
                start = len(tape) - position - value
                taken = tape[start : start + value]
            else:
                taken = tape[position : position + value]
            position += value
            held = sum(unit is not None for unit in taken)
            if coin in world.seeds:
                ends[coin] += held
                taken = [world.seeds.index(coin)] * value
                held = value
            labels[coin] = taken
            if coin not in spenders:
                ends[coin] += held
        rest = tape[: len(tape) - position] if policy == "lifo" else tape[position:]
        fees += sum(unit is not None for unit in rest)
    return Labelled(+ends, fees)


def _spread(tape: Labels) -> Labels:
    """Mark satoshi j where floor(T*j/I) steps up: the haircut, one unit at a time."""
    tainted, total = sum(unit is not None for unit in tape), len(tape)
    return [0 if tainted * (j + 1) // total > tainted * j // total else None for j in range(total)]


def label_backward(world: World, policy: str) -> Counter[Coin]:
    """Where each satoshi of the seeds came from: `fifo` or `lifo`."""
    ends: Counter[Coin] = Counter()
    for seed in world.seeds:
        for unit in range(world.value(seed)):
            coin, at = seed, unit
            while world.txs[coin[0]].inputs and (coin == seed or coin not in world.seeds):
                coin, at = _came_from(world, coin, at, policy)
            ends[coin] += 1
    return ends


def _came_from(world: World, coin: Coin, unit: int, policy: str) -> tuple[Coin, int]:
    tx = world.txs[coin[0]]
    total = sum(world.value(spent) for spent in tx.inputs)
    before = sum(tx.values[: coin[1]])
    at = total - before - tx.values[coin[1]] + unit if policy == "lifo" else before + unit
    for spent in tx.inputs:
        if at < world.value(spent):
            return spent, at
        at -= world.value(spent)
    raise AssertionError("an output takes more than the inputs hold")


def amounts(world: World, result: TraceResult) -> Counter[Coin]:
    """Amount at each end of an engine run, by coin."""
    ledger = world.ledger()
    found: Counter[Coin] = Counter()
    for end in result.ends:
        tx = int(ledger.out_tx[end.coin])
        found[tx, end.coin - int(ledger.out_off[tx])] += end.amount
    return found
