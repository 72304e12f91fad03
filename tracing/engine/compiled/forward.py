"""A forward walk carried by the compiled kernel; the twin is `tracing.engine.walk.Walk.run`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.coinjoin import is_coinjoin
from tracing.engine.compiled import spread as kernel
from tracing.engine.ends import End, Status
from tracing.engine.spec import Json
from tracing.engine.walk import STEP_LIMIT, Coin, Step, Tick, Walk

STATUSES: Final = (
    Status.PASSED_ON, Status.BELOW_DUST, Status.IS_SEED, Status.UNSPENT, Status.AFTER_HORIZON,
    Status.UNKNOWN_INPUT, Status.COINJOIN, Status.HOP_LIMIT, Status.SERVICE,
    Status.EXCHANGE_BOUNDARY,
)  # fmt: skip
"""Statuses by their code in the kernel; the walls come behind those the kernel tells itself."""

VALUES: Final = tuple(status.value for status in STATUSES)

LEDGER_ARRAYS: Final = (
    "in_off", "out_off", "in_tx", "in_out", "in_value", "out_value", "out_address",
    "out_spent_in", "tx_height", "tx_fee",
)  # fmt: skip
ROWS: Final = 4_096
TICKS: Final = 32
"""Times as many transactions between two ticks as in plain Python: still some milliseconds."""
UNASKED_CHUNK: Final = 1 << 20


def run(walk: Walk, tick: Tick | None, every: int, most: int | None = None) -> None:
    """Go on until nothing is left; see `Walk.run`. The walk must be one `kernels.can_compile`.

    Cost: about half a microsecond a transaction besides the memory it touches; arrays as long as
    the ledger are made but only touched where the walk goes.
    """
    carried = _Carried(walk)
    while walk.num_tx < most if most is not None else True:
        if tick is not None:
            tick(replace(walk.progress(), frontier=carried.frontier, checkpoint=carried.dump))
        budget = UNASKED_CHUNK if tick is None else every * TICKS
        if most is not None:
            budget = min(budget, most - walk.num_tx)
        if carried.advance(budget):
            break
    carried.give_back()


class _Carried:
    """A walk's state in the kernel's arrays. Findings go to the walk after each call."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        ledger, spec = walk.ledger, walk.spec
        self.limits = (
            spec.policy == "poison",
            spec.coinjoin == "stop",
            -1 if spec.max_hops is None else spec.max_hops,
            spec.min_value,
            -1 if spec.until_height is None else spec.until_height,
            ledger.num_inputs,
            STEP_LIMIT,
        )
        self.arrays = tuple(_read_only(getattr(ledger, name)) for name in LEDGER_ARRAYS)
        # As long as the ledger, but zero pages cost nothing until they are touched.
        self.wall = np.zeros(ledger.num_addresses, np.uint8)
        for address, status in spec.walls.items():
            self.wall[address] = STATUSES.index(Status(status))
        self.is_seed = np.zeros(ledger.num_outputs, np.bool_)
        self.is_seed[list(spec.seeds)] = True
        self.seen = np.zeros(ledger.num_addresses, np.bool_)
        self.verdict = np.zeros(ledger.num_tx, np.uint8)
        self.counts = np.zeros(kernel.NUM_COUNTS, np.int64)
        self.make_room(ROWS)
        self.take_over()

    @property
    def frontier(self) -> int:
        """Coins still to be followed."""
        return int(self.counts[kernel.HEAP])

    def make_room(self, rows: int) -> None:
        """Buffers for findings; empty ones."""
        self.rows = rows
        self.ends = np.empty((rows, 6), np.int64)
        self.possible = np.empty((rows, 6), np.int64)
        self.reached = np.empty(rows, np.uint32)
        self.steps = np.empty((rows, 5), np.int64)
        self.pairs = np.empty((4 * rows, 3), np.int64)
        self.asked = np.empty(rows, np.int64)

    def take_over(self) -> None:
        """The walk's frontier, books and addresses into arrays."""
        walk, counts = self.walk, self.counts
        keys = sorted(walk.heap)
        found = [walk.coins[int(walk.ledger.in_out[key])] for key in keys]
        slots = max(ROWS, 2 * len(keys))
        self.coins = np.zeros((slots, 4), np.int64)
        self.coins[: len(found)] = np.array(
            [(coin.amount, coin.low, coin.high, coin.hops) for coin in found], np.int64
        ).reshape(-1, 4)
        self.heap = np.zeros(slots, np.uint64)
        self.heap[: len(keys)] = (np.array(keys, np.uint64) << np.uint64(32)) | np.arange(
            len(keys), dtype=np.uint64
        )
        self.free = np.zeros(slots, np.int64)
        self.free[: slots - len(keys)] = np.arange(len(keys), slots)
        counts[kernel.HEAP], counts[kernel.FREE] = len(keys), slots - len(keys)
        self.seen[list(walk.addresses)] = True
        counts[kernel.NUM_TX], counts[kernel.NUM_STEPS] = walk.num_tx, walk.num_steps
        counts[kernel.DEPTH] = walk.depth

    def advance(self, budget: int) -> bool:
        """Take up to `budget` transactions; True when the frontier is empty."""
        until = self.walk.num_tx + budget
        spread: Any = kernel.spread  # a dispatcher of numba
        while True:
            why = spread(
                until - int(self.counts[kernel.NUM_TX]), *self.limits, *self.arrays,
                self.wall, self.is_seed, self.seen, self.verdict,
                self.heap, self.coins, self.free,
                self.ends, self.possible, self.reached, self.steps, self.pairs, self.asked,
                self.counts,
            )  # fmt: skip
            if why == kernel.ASK:
                for tx in self.asked[: self.counts[kernel.ASKED]].tolist():
                    mixed = is_coinjoin(self.walk.ledger, tx)
                    self.verdict[tx] = kernel.IS_MIX if mixed else kernel.NO_MIX
                continue
            self.hand_over()
            if why == kernel.FULL:
                self.enlarge()
            elif why == kernel.HARD:
                self.give_back()
                self.walk.step()
                self.walk.num_tx += 1
                self.take_over()
            else:
                return bool(why == kernel.DONE)

    def enlarge(self) -> None:
        """Room for the next transaction; the findings were handed over before."""
        need = int(self.counts[kernel.NEED])
        if need > self.rows:
            self.make_room(2 * need)
        size = len(self.heap)
        if self.counts[kernel.FREE] < need or self.counts[kernel.HEAP] + need > size:
            more = max(size, 2 * need)
            self.heap = np.concatenate([self.heap, np.zeros(more, np.uint64)])
            self.coins = np.concatenate([self.coins, np.zeros((more, 4), np.int64)])
            free = int(self.counts[kernel.FREE])
            self.free = np.concatenate([self.free, np.zeros(more, np.int64)])
            self.free[free : free + more] = np.arange(size, size + more)
            self.counts[kernel.FREE] += more

    def hand_over(self) -> None:
        """Findings since the last call to the walk's own lists and books."""
        walk, counts = self.walk, self.counts
        walk.ends += _ends(self.ends[: counts[kernel.ENDS]])
        walk.possible += _ends(self.possible[: counts[kernel.POSSIBLE]])
        walk.addresses.update(self.reached[: counts[kernel.SEEN]].tolist())
        coins, amounts, codes = self.pairs[: counts[kernel.PAIRS]].T.tolist()
        names = [VALUES[code] for code in codes]
        at = 0
        for tx, hops, fee, num_ins, num_outs in self.steps[: counts[kernel.STEPS]].tolist():
            mid, end = at + num_ins, at + num_ins + num_outs
            ins = list(zip(coins[at:mid], amounts[at:mid], strict=True))
            outs = list(zip(coins[mid:end], amounts[mid:end], names[mid:end], strict=True))
            walk.steps.append(Step(tx, hops, fee, ins, outs))
            at = end
        walk.fees += int(counts[kernel.FEES])
        walk.rested += int(counts[kernel.RESTED])
        if counts[kernel.CUT]:
            reason = Status.BELOW_DUST.value
            walk.cut[reason] = walk.cut.get(reason, 0) + int(counts[kernel.CUT])
        walk.num_tx, walk.num_steps, walk.depth = (
            int(counts[place]) for place in (kernel.NUM_TX, kernel.NUM_STEPS, kernel.DEPTH)
        )
        for place in (
            kernel.ENDS, kernel.POSSIBLE, kernel.SEEN, kernel.STEPS, kernel.PAIRS, kernel.FEES,
            kernel.RESTED, kernel.CUT,
        ):  # fmt: skip
            counts[place] = 0

    def give_back(self) -> None:
        """The frontier to the walk, so that it may go on or be dumped as if it had walked here."""
        entries = np.sort(self.heap[: self.counts[kernel.HEAP]])
        keys = (entries >> np.uint64(32)).astype(np.int64)
        rows = self.coins[(entries & np.uint64(0xFFFFFFFF)).astype(np.int64)].tolist()
        ids = np.asarray(self.walk.ledger.in_out)[keys].tolist()
        self.walk.heap = keys.tolist()
        self.walk.coins = {
            coin: Coin(amount, low, high, hops, [])
            for coin, (amount, low, high, hops) in zip(ids, rows, strict=True)
        }

    def dump(self) -> Json:
        """The checkpoint the twin would have made here."""
        self.give_back()
        return self.walk.dump()


def _ends(rows: NDArray[np.int64]) -> list[End]:
    *numbers, codes = rows.T.tolist()
    return list(map(End, *numbers, [STATUSES[code] for code in codes]))


def _read_only(array: Any) -> Any:  # arrays of several types
    """A view that cannot be written: one compiled form serves memory and mapped files."""
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view
