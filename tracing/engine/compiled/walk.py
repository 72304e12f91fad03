"""A walk over coins carried by the compiled kernel; the twin is `tracing.engine.walk.Walk.run`."""

from __future__ import annotations

import mmap
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.coinjoin import is_coinjoin
from tracing.engine.columns import ranges
from tracing.engine.compiled import spread as kernel
from tracing.engine.ends import CODES, EndRows, Lots, Status
from tracing.engine.policies import Tape
from tracing.engine.spec import Json
from tracing.engine.walk import STEP_LIMIT, Coin, Tick, Walk

ROWS: Final = 4_096
TICKS: Final = 32
"""Times as many transactions between two ticks as in plain Python: still some milliseconds."""
UNASKED_CHUNK: Final = 1 << 20
SPARE: Final = 6
"""Times the live pieces of tape that there is room for, so that they are seldom moved together."""

_LOW_HALF: Final = np.uint64(0xFFFFFFFF)
_SHIFT: Final = np.uint64(32)


def run(walk: Walk, tick: Tick | None, every: int, most: int | None = None) -> None:
    """Go on until nothing is left; see `Walk.run`. Any policy, either direction.

    Cost: about half a microsecond a transaction besides the memory it touches, by FIFO and LIFO
    some nanoseconds a piece of tape besides; arrays as long as the ledger are made but only
    touched where the walk goes.
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


def chain_of(ledger: Any) -> kernel.Chain:  # arrays of several types
    """The arrays of a ledger as the kernels take them."""
    return kernel.Chain(*(_read_only(getattr(ledger, name)) for name in kernel.Chain._fields))


def zeros(num: int, kind: type[np.generic]) -> NDArray[Any]:
    """Zeros as long as the ledger, at a cost that does not grow with it: pages never touched.

    `np.zeros` writes over memory that was used before, which is most of it after a few searches.
    """
    size = max(1, num * np.dtype(kind).itemsize)
    return np.frombuffer(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), kind, num)


class _Carried:
    """A walk's state in the kernel's arrays. Findings go to the walk after each call."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        ledger, spec = walk.ledger, walk.spec
        self.backward = spec.direction == "backward"
        self.chain = chain_of(ledger)
        self.rules = kernel.Rules(
            backward=self.backward,
            policy=kernel.POLICIES.index(spec.policy),
            stop_at_mix=spec.coinjoin == "stop",
            max_hops=-1 if spec.max_hops is None else spec.max_hops,
            min_value=spec.min_value,
            until=-1 if spec.until_height is None else spec.until_height,
            num_inputs=ledger.num_inputs,
            step_limit=STEP_LIMIT,
        )
        wall = zeros(ledger.num_addresses, np.uint8)
        for address, status in spec.walls.items():
            wall[address] = CODES[status]
        is_seed = zeros(ledger.num_outputs, np.bool_)
        is_seed[list(spec.seeds)] = True
        seen = zeros(ledger.num_addresses, np.bool_)
        seen[list(walk.addresses)] = True
        self.room = kernel.Room(
            wall=wall,
            is_seed=is_seed,
            seen=seen,
            verdict=zeros(ledger.num_tx, np.uint8),
            counts=np.zeros(kernel.NUM_COUNTS, np.int64),
            **_buffers(ROWS),
            **self.frontier_of(walk),
        )
        self.count()

    @property
    def frontier(self) -> int:
        """Coins still to be followed."""
        return int(self.room.counts[kernel.HEAP])

    def frontier_of(self, walk: Walk) -> dict[str, NDArray[Any]]:
        """The walk's frontier in arrays."""
        order = sorted(walk.heap)
        keys = np.array(order, np.int64)
        if self.backward:
            coins, keys = (-keys).tolist(), kernel.LAST_KEY + keys
        else:
            coins = np.asarray(walk.ledger.in_out)[keys].tolist()
        found = [walk.coins[coin] for coin in coins]
        tapes = [[piece for piece in coin.tape if piece[1]] for coin in found]
        lengths = np.array([len(tape) for tape in tapes], np.int64)
        num, slots = len(found), max(ROWS, 2 * len(found))
        rows = np.zeros((slots, 6), np.int64)
        rows[:num, :4] = np.array(
            [(coin.amount, coin.low, coin.high, coin.hops) for coin in found], np.int64
        ).reshape(-1, 4)
        rows[:num, 4], rows[:num, 5] = np.cumsum(lengths) - lengths, lengths
        heap = np.zeros(slots, np.uint64)
        heap[:num] = (keys.astype(np.uint64) << _SHIFT) | np.arange(num, dtype=np.uint64)
        free = np.zeros(slots, np.int64)
        free[: slots - num] = np.arange(num, slots)
        live = int(lengths.sum())
        pieces = np.empty((ROWS + SPARE * live, 3), np.int64)
        pieces[:live] = np.array([piece for tape in tapes for piece in tape], np.int64).reshape(
            -1, 3
        )
        return {"heap": heap, "coins": rows, "free": free, "pieces": pieces}

    def count(self) -> None:
        """What of the frontier's arrays is used, and the walk's own counts."""
        walk, counts = self.walk, self.room.counts
        counts[kernel.HEAP] = len(walk.heap)
        counts[kernel.FREE] = len(self.room.free) - len(walk.heap)
        live = int(self.room.coins[: len(walk.heap), 5].sum())
        counts[kernel.PIECES] = counts[kernel.LIVE] = live
        counts[kernel.NUM_TX], counts[kernel.NUM_STEPS] = walk.num_tx, walk.num_steps
        counts[kernel.DEPTH] = walk.depth

    def advance(self, budget: int) -> bool:
        """Take up to `budget` transactions; True when the frontier is empty."""
        until = self.walk.num_tx + budget
        spread: Any = kernel.spread  # a dispatcher of numba
        while True:
            room = self.room
            left = until - int(room.counts[kernel.NUM_TX])
            why = spread(left, self.chain, self.rules, room)
            if why == kernel.ASK:
                for tx in room.asked[: room.counts[kernel.ASKED]].tolist():
                    mixed = is_coinjoin(self.walk.ledger, tx)
                    room.verdict[tx] = kernel.IS_MIX if mixed else kernel.NO_MIX
                continue
            self.hand_over()
            if why == kernel.FULL:
                self.enlarge()
            elif why == kernel.HARD:
                self.give_back()
                self.walk.step()
                self.walk.num_tx += 1
                room.seen[list(self.walk.addresses)] = True
                self.room = room._replace(**self.frontier_of(self.walk))
                self.count()
            else:
                return bool(why == kernel.DONE)

    def enlarge(self) -> None:
        """Room for the next transaction; the findings were handed over before."""
        room, counts = self.room, self.room.counts
        need = int(counts[kernel.NEED])
        if need > len(room.ends):
            room = room._replace(**_buffers(2 * need))
        size, free = len(room.heap), int(counts[kernel.FREE])
        if free < need or counts[kernel.HEAP] + need > size:
            more = max(size, 2 * need)
            room = room._replace(
                heap=np.concatenate([room.heap, np.zeros(more, np.uint64)]),
                coins=np.concatenate([room.coins, np.zeros((more, 6), np.int64)]),
                free=np.concatenate([room.free, np.zeros(more, np.int64)]),
            )
            room.free[free : free + more] = np.arange(size, size + more)
            counts[kernel.FREE] += more
        if counts[kernel.PIECES] + 2 * counts[kernel.LIVE] + need > len(room.pieces):
            slots = (room.heap[: counts[kernel.HEAP]] & _LOW_HALF).astype(np.int64)
            pieces, starts = self.moved_together(slots)
            spare = np.empty((ROWS + SPARE * len(pieces) + 2 * need, 3), np.int64)
            room = room._replace(pieces=np.concatenate([pieces, spare]))
            room.coins[slots, 4] = starts
            counts[kernel.PIECES] = len(pieces)
        self.room = room

    def moved_together(self, slots: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The pieces of these slots' coins, one coin behind the other, and where each begins."""
        at, lengths = self.room.coins[slots, 4], self.room.coins[slots, 5]
        starts = np.cumsum(lengths) - lengths
        return self.room.pieces[ranges(at, lengths)], starts

    def hand_over(self) -> None:
        """Findings since the last call to the walk's own lists and books."""
        walk, room, counts = self.walk, self.room, self.room.counts
        for rows, kept, place in (
            (walk.ends, room.ends, kernel.ENDS), (walk.possible, room.possible, kernel.POSSIBLE),
        ):  # fmt: skip
            found = kept[: counts[place]]
            rows.add_many(found[:, : EndRows.WIDTH], self.lots_of(found) if walk.taped else {})
        walk.addresses.update(room.reached[: counts[kernel.SEEN]].tolist())
        walk.steps.rows.add_many(room.steps[: counts[kernel.STEPS]])
        walk.steps.pairs.add_many(room.pairs[: counts[kernel.PAIRS]])
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

    def lots_of(self, found: NDArray[np.int64]) -> dict[int, Lots]:
        """Lots of the ends at the exchange's wall, by row; see `Walk.lots`."""
        lots = {}
        at_wall = np.flatnonzero(found[:, 5] == CODES[Status.EXCHANGE_BOUNDARY])
        for row in at_wall.tolist():
            coin, amount, low, high, hops, _code, first, num = found[row].tolist()
            tape = _tape(self.room.pieces[first : first + num])
            lots[row] = self.walk.lots(coin, Coin(amount, low, high, hops, tape))
        return {row: each for row, each in lots.items() if each}

    def give_back(self) -> None:
        """The frontier to the walk, so that it may go on or be dumped as if it had walked here."""
        entries = np.sort(self.room.heap[: self.room.counts[kernel.HEAP]])
        keys = (entries >> _SHIFT).astype(np.int64)
        slots = (entries & _LOW_HALF).astype(np.int64)
        if self.backward:
            keys -= kernel.LAST_KEY
            ids = (-keys).tolist()
        else:
            ids = np.asarray(self.walk.ledger.in_out)[keys].tolist()
        tape = _tape(self.moved_together(slots)[0])
        self.walk.heap = keys.tolist()
        self.walk.coins = {}
        at = 0
        for coin, row in zip(ids, self.room.coins[slots].tolist(), strict=True):
            amount, low, high, hops, _first, num = row
            self.walk.coins[coin] = Coin(amount, low, high, hops, tape[at : at + num])
            at += num

    def dump(self) -> Json:
        """The checkpoint the twin would have made here."""
        self.give_back()
        return self.walk.dump()


def _buffers(rows: int) -> dict[str, NDArray[Any]]:
    """Empty buffers for findings, and for the parts of a transaction."""
    return {
        "parts": np.empty((rows, 3), np.int64),
        "ends": np.empty((rows, 8), np.int64),
        "possible": np.empty((rows, 8), np.int64),
        "reached": np.empty(rows, np.uint32),
        "steps": np.empty((rows, 5), np.int64),
        "pairs": np.empty((4 * rows, 3), np.int64),
        "asked": np.empty(rows, np.int64),
    }


def _tape(rows: NDArray[np.int64]) -> Tape:
    return [(start, length, seed) for start, length, seed in rows.tolist()]


def _read_only(array: Any) -> Any:  # arrays of several types
    """A view that cannot be written: one compiled form serves memory and mapped files."""
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view
