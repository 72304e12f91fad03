"""What both walks share: the frontier, the ends, the books, checkpoints and progress.

Which coins are followed depends on the ledger and the limits alone, never on the policy: a coin
that a policy gives nothing is still followed while it may hold something, because otherwise its
bounds would not be sound.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

import numpy as np

from tracing.engine.coinjoin import is_coinjoin
from tracing.engine.ends import CODES, STATUSES, End, EndRows, Lots, Status, joined_lots
from tracing.engine.ledger import NO_ADDRESS, UNKNOWN_VALUE, Ledger
from tracing.engine.policies import Piece, Tape
from tracing.engine.rows import Rows
from tracing.engine.spec import Json, TraceSpec
from tracing.errors import ParametersError

STATE_VERSION: Final = 2
STEP_LIMIT: Final = 20_000
"""Transactions a result lists for drawing; more are counted. Ends and sums are always whole."""


@dataclass(frozen=True)
class Progress:
    """How far a run is. `checkpoint()` gives the JSON-able state to resume from.

    `explained_pct` is the share of the seeds that has come to rest, in whole percent; for poison,
    which does not conserve, the share of the known coins that is done.
    """

    addresses: int
    transactions: int
    frontier: int
    depth: int
    explained_pct: int
    checkpoint: Callable[[], Json]


Tick: TypeAlias = Callable[[Progress], None]
"""Called while a run goes on; it may raise to stop the run."""

EndRow: TypeAlias = list[int | str]
CoinRow: TypeAlias = tuple[int, int, int, int, int, list[Piece]]
StepRow: TypeAlias = tuple[int, int, int, list[tuple[int, int]], list[tuple[int, int, str]]]


@dataclass(slots=True)
class Coin:
    """A coin to be followed: policy amount, bounds, hops, and a tape where the policy has one."""

    amount: int
    low: int
    high: int
    hops: int
    tape: Tape


@dataclass(slots=True)
class Step:
    """A transaction that moved followed value; `ins` are (coin, amount), `outs` add a status."""

    tx: int
    hops: int
    fee: int
    ins: list[tuple[int, int]]
    outs: list[tuple[int, int, str]]


class StepRows:
    """Steps in numbers, in the order walked; a `Step` is made where one is read.

    Attributes:
        rows: (transaction, hops, fee, number of coins taken, of coins reached); pairs: their
            (coin, amount, code of the status), those taken before those reached.
    """

    def __init__(self) -> None:
        self.rows = Rows(5)
        self.pairs = Rows(3)

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, step: Step) -> None:
        """One step."""
        self.rows.add(step.tx, step.hops, step.fee, len(step.ins), len(step.outs))
        for coin, amount in step.ins:
            self.pairs.add(coin, amount, 0)
        for coin, amount, status in step.outs:
            self.pairs.add(coin, amount, CODES[status])

    def steps(self) -> tuple[Step, ...]:
        """All of them, without a loop of our own, as it would take longer than a walk."""
        rows, pairs = self.rows.table(), self.pairs.table()
        counts = rows[:, 3:]
        is_reached = np.repeat(np.tile([False, True], len(rows)), counts.ravel())
        coins, amounts, codes = pairs[is_reached].T.tolist()
        statuses = (STATUSES[code].value for code in codes)
        reached = list(zip(coins, amounts, statuses, strict=True))
        taken = list(zip(*pairs[~is_reached, :2].T.tolist(), strict=True))
        ends = np.cumsum(counts, axis=0)
        (from_taken, from_reached), (to_taken, to_reached) = (
            (ends - counts).T.tolist(), ends.T.tolist(),
        )  # fmt: skip
        return tuple(
            map(
                Step,
                *rows[:, :3].T.tolist(),
                map(taken.__getitem__, map(slice, from_taken, to_taken)),
                map(reached.__getitem__, map(slice, from_reached, to_reached)),
            )
        )


class Walk:
    """A run under way. Subclasses say how a coin is keyed, judged and passed on.

    Cost: memory and time grow with the coins reached, not with the ledger.
    """

    def __init__(self, spec: TraceSpec, ledger: Ledger) -> None:
        self.spec = spec
        self.ledger = ledger
        self.taped = spec.policy in ("fifo", "lifo")
        self.is_seed = frozenset(spec.seeds)
        self.heap: list[int] = []
        self.coins: dict[int, Coin] = {}
        self.ends = EndRows()
        self.possible = EndRows()
        self.steps = StepRows()
        self.cut: dict[str, int] = {}
        self.addresses: set[int] = set()
        self.seeds = self.rested = self.fees = 0
        self.num_tx = self.num_steps = self.depth = 0

    # What differs by direction.

    def key(self, coin: int) -> int:
        """Order in which coins are taken: the least first."""
        raise NotImplementedError

    def judge(self, coin: int, hops: int, *, seed: bool) -> Status:
        """What becomes of a coin that is worth following."""
        raise NotImplementedError

    def step(self) -> None:
        """Take the next transaction with all its followed coins."""
        raise NotImplementedError

    # What does not.

    def start(self) -> None:
        """Put every seed on the frontier, whole."""
        for number, coin in enumerate(self.spec.seeds):
            value = int(self.ledger.out_value[coin])
            self.seeds += value
            tape: Tape = [(0, value, number)] if self.taped else []
            self.reach(coin, value, Coin(value, value, value, 0, tape), seed=True)

    def run(self, tick: Tick | None, every: int, most: int | None = None) -> None:
        """Go on until nothing is left, calling `tick` before each `every` transactions.

        With `most`, stop after that many transactions in all; `heap` tells whether any is left.
        """
        while self.heap and (most is None or self.num_tx < most):
            if tick is not None and self.num_tx % every == 0:
                tick(self.progress())
            self.step()
            self.num_tx += 1

    def reach(self, coin: int, value: int, found: Coin, *, seed: bool = False) -> str:
        """Note that followed value reached a coin; returns its status."""
        address = int(self.ledger.out_address[coin])
        if address != NO_ADDRESS:
            self.addresses.add(address)
        self.depth = max(self.depth, found.hops)
        if value < self.spec.min_value:
            return self.rest(coin, found, Status.BELOW_DUST)
        if coin in self.is_seed and not seed:
            return self.rest(coin, found, Status.IS_SEED)
        status = self.judge(coin, found.hops, seed=seed)
        if status is not Status.PASSED_ON:
            return self.rest(coin, found, status)
        self.coins[coin] = found
        heapq.heappush(self.heap, self.key(coin))
        return status.value

    def rest(self, coin: int, found: Coin, status: Status) -> str:
        """Book an end, or cut what is below the least amount; nothing of it is followed further."""
        least = self.spec.min_value
        if status is Status.BELOW_DUST or 0 < found.amount < least:
            reason = Status.BELOW_DUST.value
            if found.amount:
                self.cut[reason] = self.cut.get(reason, 0) + found.amount
            return reason
        if found.amount or found.high >= max(1, least):
            lots = self.lots(coin, found) if status is Status.EXCHANGE_BOUNDARY else ()
            rows = self.ends if found.amount else self.possible
            rows.add(End(coin, found.amount, found.low, found.high, found.hops, status, lots))
            self.rested += found.amount
        return status.value

    def lots(self, coin: int, found: Coin) -> Lots:
        """Where in a coin that is followed in part the units lie; backward a tape is mirrored."""
        if not found.tape or self.spec.direction == "backward":
            return ()
        if found.amount == int(self.ledger.out_value[coin]):
            return ()
        return joined_lots((start, length) for start, length, _seed in found.tape)

    def wall(self, coin: int) -> Status | None:
        """The status at an address that ends every trace, None elsewhere."""
        wall = self.spec.walls.get(int(self.ledger.out_address[coin]))
        return None if wall is None else Status(wall)

    def gap(self, tx: int) -> bool:
        """True if an input value of the transaction is not known: no share can be told then."""
        return int(self.ledger.tx_fee[tx]) == UNKNOWN_VALUE

    def mixed(self, tx: int) -> bool:
        """True where the run must stop at this transaction because it is a CoinJoin."""
        return self.spec.coinjoin == "stop" and is_coinjoin(self.ledger, tx)

    @property
    def at_ends(self) -> int:
        """What came to rest, summed over the ends."""
        return self.ends.amount

    def note(self, step: Step) -> None:
        """Keep a step for the drawing, up to the limit."""
        self.num_steps += 1
        if len(self.steps) < STEP_LIMIT:
            self.steps.add(step)

    def progress(self) -> Progress:
        """How far the run is now."""
        if self.spec.policy == "poison":
            known = self.num_tx + len(self.heap)
            pct = self.num_tx * 100 // known if known else 100
        else:
            done = self.rested + self.fees + sum(self.cut.values())
            pct = done * 100 // self.seeds if self.seeds else 100
        return Progress(
            addresses=len(self.addresses),
            transactions=self.num_tx,
            frontier=len(self.heap),
            depth=self.depth,
            explained_pct=pct,
            checkpoint=self.dump,
        )

    def dump(self) -> Json:
        """The whole state as JSON. Sums may pass 2^53 under poison, so they are strings."""
        return {
            "version": STATE_VERSION,
            "spec": spec_key(self.spec, self.ledger),
            "coins": [
                [coin, c.amount, c.low, c.high, c.hops, [list(piece) for piece in c.tape]]
                for coin, c in sorted(self.coins.items())
            ],
            "ends": [end.to_row() for end in self.ends.ends()],
            "possible": [end.to_row() for end in self.possible.ends()],
            "steps": [
                [s.tx, s.hops, s.fee, [list(i) for i in s.ins], [list(o) for o in s.outs]]
                for s in self.steps.steps()
            ],
            "cut": {reason: str(amount) for reason, amount in sorted(self.cut.items())},
            "addresses": sorted(self.addresses),
            "sums": [str(self.seeds), str(self.rested), str(self.fees)],
            "counts": [self.num_tx, self.num_steps, self.depth],
        }

    def load(self, state: Mapping[str, object]) -> None:
        """Go back to a dumped state. Raises ParametersError if it belongs to another run."""
        if (state.get("version"), state.get("spec")) != (
            STATE_VERSION,
            spec_key(self.spec, self.ledger),
        ):
            raise ParametersError("The checkpoint belongs to another run, snapshot or engine.")
        for coin, amount, low, high, hops, tape in cast("list[CoinRow]", state["coins"]):
            pieces: Tape = [(start, length, seed) for start, length, seed in tape]
            self.coins[coin] = Coin(amount, low, high, hops, pieces)
        self.heap = sorted(self.key(coin) for coin in self.coins)
        for row in cast("list[EndRow]", state["ends"]):
            self.ends.add(End.from_row(row))
        for row in cast("list[EndRow]", state["possible"]):
            self.possible.add(End.from_row(row))
        for tx, hops, fee, ins, outs in cast("list[StepRow]", state["steps"]):
            moved = [(coin, amount) for coin, amount in ins]
            reached = [(coin, amount, status) for coin, amount, status in outs]
            self.steps.add(Step(tx, hops, fee, moved, reached))
        self.cut = {k: int(v) for k, v in cast("dict[str, str]", state["cut"]).items()}
        self.addresses = set(cast("list[int]", state["addresses"]))
        self.seeds, self.rested, self.fees = map(int, cast("list[str]", state["sums"]))
        self.num_tx, self.num_steps, self.depth = cast("list[int]", state["counts"])


def spec_key(spec: TraceSpec, ledger: Ledger) -> list[object]:
    """What a checkpoint must share with the run that resumes it."""
    return [
        ledger.name,
        ledger.epoch,
        ledger.height,
        ledger.tip_hash,
        spec.policy,
        spec.direction,
        list(spec.seeds),
        spec.max_hops,
        spec.min_value,
        spec.until_height,
        spec.coinjoin,
        spec.boundaries_sha256,
    ]
