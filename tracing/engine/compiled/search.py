"""A search for paths carried by compiled kernels; the twin is `tracing.engine.search.Search`.

As in `spread`, a kernel takes a transaction whole or not at all, and comes back where it needs more
room or the verdict on a CoinJoin.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple  # Any: numba types what it compiles by the arguments

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tracing.engine import search as twin
from tracing.engine.coinjoin import is_coinjoin
from tracing.engine.compiled.spread import (
    ASK,
    DONE,
    FULL,
    INNER,
    IS_MIX,
    NO_MIX,
    OUTER,
    UNASKED,
    Chain,
    may_mix,
)
from tracing.engine.compiled.walk import chain_of, zeros
from tracing.engine.ledger import I64, NO_ADDRESS, UNKNOWN_OUTPUT, UNSPENT

# Places in `counts`.
AT: Final = 0  # transactions that are done
FOUND: Final = 1
NEED: Final = 2
ASKED: Final = 3
FINISHED: Final = 4
NUM_COUNTS: Final = 5

ROWS: Final = 4_096

_NOBODY: Final = np.uint32(NO_ADDRESS)
_UNSPENT: Final = np.uint32(UNSPENT)
_UNKNOWN: Final = np.uint32(UNKNOWN_OUTPUT)


class Rules(NamedTuple):
    """What a search asks for; `until` is -1 for no limit, `least` what a coin must be worth."""

    stop_at_mix: bool
    until: int
    least: int
    num_inputs: int


class Marks(NamedTuple):
    """What is known of addresses (wall), outputs (source, target), transactions (verdict)."""

    wall: Any
    source: Any
    target: Any
    verdict: Any


class Search:
    """A search under way in the kernels' arrays; see `search.Search`.

    Cost: some 10 nanoseconds a coin looked at besides the memory it touches; arrays as long as the
    ledger are made but only touched where the search goes.
    """

    def __init__(self, begun: twin.Search) -> None:
        spec, self.ledger = begun.spec, begun.ledger
        ledger = self.ledger
        self.chain = chain_of(ledger)
        self.rules = Rules(
            stop_at_mix=spec.coinjoin == "stop",
            until=-1 if spec.until_height is None else spec.until_height,
            least=max(1, spec.min_value),
            num_inputs=ledger.num_inputs,
        )
        self.marks = Marks(
            wall=_marked(ledger.num_addresses, list(spec.walls)),
            source=_marked(ledger.num_outputs, list(spec.sources)),
            target=_marked(ledger.num_outputs, list(spec.targets)),
            verdict=zeros(ledger.num_tx, np.uint8),
        )
        self.keep = spec.num_best + 1
        self.sides = [np.array(sorted(seen), np.int64) for seen in begun.seen]
        self.seen = [_marked(ledger.num_tx, side) for side in self.sides]
        self.fronts = [np.array(front, np.int64) for front in begun.fronts]

    @property
    def num_seen(self) -> int:
        """See `search.Search.num_seen`."""
        return len(self.sides[0]) + len(self.sides[1])

    @property
    def num_transactions(self) -> int:
        """See `search.Search.num_transactions`."""
        return self.num_seen - len(self._met())

    @property
    def widths(self) -> tuple[int, int]:
        """See `search.Search.widths`."""
        return len(self.fronts[0]), len(self.fronts[1])

    def widen(self, side: int) -> None:
        """See `search.Search.widen`."""
        found = self._near(self.fronts[side], side, self.seen[side], None)
        self.fronts[side] = np.sort(found)
        self.sides[side] = np.concatenate([self.sides[side], found])

    def best(self, max_depth: int) -> list[twin.Path]:
        """See `search.Search.best`."""
        txs = self._between()
        place = zeros(self.ledger.num_tx, np.int32)
        place[txs] = np.arange(1, len(txs) + 1)
        first = np.zeros((len(txs) + 1, max_depth + 2), np.int64)
        group = np.zeros(len(txs) + 1, np.int64)
        partial, near = np.empty((ROWS, 4), np.int64), np.empty((ROWS, 4), np.int64)
        finished = np.empty((self.keep, 4), np.int64)
        counts = np.zeros(NUM_COUNTS, np.int64)
        carry: Any = _best  # a dispatcher of numba
        while True:
            why = carry(
                txs, max_depth, self.keep, self.chain, self.rules, self.marks, place, first, group,
                partial, near, finished, counts,
            )  # fmt: skip
            if why == DONE:
                break
            need = int(counts[NEED])
            if need > len(near):
                near = np.empty((2 * need, 4), np.int64)
            more = max(len(partial), self.keep * max_depth)
            partial = np.concatenate([partial, np.empty((more, 4), np.int64)])
        return [_path(partial, *row) for row in finished[: counts[FINISHED]].tolist()]

    def _met(self) -> I64:
        """Transactions seen from both sides."""
        ahead = self.sides[twin.AHEAD]
        met: I64 = ahead[self.seen[twin.BEHIND][ahead]]
        return met

    def _between(self) -> I64:
        """Transactions that lie on some path through a meeting point, in chain order."""
        met = self._met()
        kept, mark = [met], _marked(self.ledger.num_tx, met)
        for side, seen in zip((twin.BEHIND, twin.AHEAD), self.seen, strict=True):
            front = met
            while len(front):
                front = self._near(front, side, mark, seen)
                kept.append(front)
        return np.sort(np.concatenate(kept))

    def _near(
        self, front: I64, side: int, mark: NDArray[np.bool_], within: NDArray[np.bool_] | None
    ) -> I64:
        """Neighbours on one side that were not marked, and are within; they are marked now."""
        counts = np.zeros(NUM_COUNTS, np.int64)
        found, asked = np.empty(ROWS, np.int64), np.empty(ROWS, np.int64)
        inside = np.zeros(0, np.bool_) if within is None else within
        look: Any = _near  # a dispatcher of numba
        while True:
            why = look(
                front, side == twin.BEHIND, self.chain, self.rules, self.marks, mark, inside,
                found, asked, counts,
            )  # fmt: skip
            if why == DONE:
                return found[: counts[FOUND]].copy()
            if why == ASK:
                for tx in asked[: counts[ASKED]].tolist():
                    mixed = is_coinjoin(self.ledger, tx)
                    self.marks.verdict[tx] = IS_MIX if mixed else NO_MIX
                continue
            more = max(len(found), int(counts[NEED]))
            found = np.concatenate([found, np.empty(more, np.int64)])
            asked = np.empty(len(found), np.int64)


def take_over(begun: twin.Search) -> Search:
    """Go on with a search where plain Python stands."""
    return Search(begun)


def _marked(num: int, which: Any) -> NDArray[np.bool_]:  # a list or an array
    mark = zeros(num, np.bool_)
    mark[which] = True
    return mark


def _path(partial: I64, amount: int, at: int, length: int, lead: int) -> twin.Path:
    """A finished row as a path: its transactions and coins by the rows before it."""
    txs, coins = [], [lead]
    for _ in range(length):
        tx, coin, before = partial[at, 1:].tolist()
        txs.append(tx)
        coins.append(coin)
        at = before
    return twin.Path(amount, tuple(reversed(txs)), tuple(reversed(coins)))


@njit(**INNER)
def _inner(coin: Any, chain: Chain, rules: Rules, marks: Marks) -> bool:
    """Whether a path may pass on through this coin."""
    if marks.source[coin] or marks.target[coin] or chain.out_value[coin] < rules.least:
        return False
    address = chain.out_address[coin]
    return address == _NOBODY or not marks.wall[address]


@njit(**INNER)
def _beyond(part: Any, backward: Any, chain: Chain, rules: Rules, marks: Marks) -> Any:
    """The transaction beyond an output, or backward an input; -1 where no path leads there."""
    if backward:
        if chain.in_out[part] == _UNKNOWN:
            return np.int64(-1)
        coin = np.int64(chain.in_out[part])
        tx = np.int64(chain.out_tx[coin])
        if chain.tx_coinbase[tx]:
            return np.int64(-1)
    else:
        coin = part
        spent = chain.out_spent_in[coin]
        if spent == _UNSPENT or np.int64(spent) >= rules.num_inputs:
            return np.int64(-1)
        tx = np.int64(chain.in_tx[spent])
    if rules.until >= 0 and np.int64(chain.tx_height[tx]) > rules.until:
        return np.int64(-1)
    return tx if _inner(coin, chain, rules, marks) else np.int64(-1)


@njit(**OUTER)
def _near(
    front: Any,
    backward: Any,
    chain: Chain,
    rules: Rules,
    marks: Marks,
    mark: Any,
    within: Any,
    found: Any,
    asked: Any,
    counts: Any,
) -> Any:
    """Mark and list the neighbours of `front`; with `within` only those that are there."""
    while counts[AT] < len(front):
        tx = front[counts[AT]]
        first = np.int64(chain.in_off[tx] if backward else chain.out_off[tx])
        end = np.int64(chain.in_off[tx + 1] if backward else chain.out_off[tx + 1])
        counts[NEED] = end - first
        if counts[FOUND] + end - first > len(found):
            return FULL
        if rules.stop_at_mix and not len(within):
            waiting = 0
            for part in range(first, end):
                near = _beyond(part, backward, chain, rules, marks)
                if near >= 0 and marks.verdict[near] == UNASKED:
                    if may_mix(near, chain.in_off, chain.out_off, chain.out_value):
                        asked[waiting] = near
                        waiting += 1
                    else:
                        marks.verdict[near] = NO_MIX
            if waiting:
                counts[ASKED] = waiting
                return ASK
        for part in range(first, end):
            near = _beyond(part, backward, chain, rules, marks)
            if near < 0 or mark[near]:
                continue
            # What is within was let in before: its verdict is known.
            if not within[near] if len(within) else marks.verdict[near] == IS_MIX:
                continue
            mark[near] = True
            found[counts[FOUND]] = near
            counts[FOUND] += 1
        counts[AT] += 1
    return DONE


@njit(**INNER)
def _earlier(one: Any, other: Any, partial: Any) -> bool:
    """Whether the first of two paths of one length comes first in chain order."""
    less = False
    while one != other:
        if partial[one, 1] != partial[other, 1]:
            less = partial[one, 1] < partial[other, 1]
        one, other = partial[one, 3], partial[other, 3]
    return less


@njit(**OUTER)
def _best(
    txs: Any,
    max_depth: Any,
    keep: Any,
    chain: Chain,
    rules: Rules,
    marks: Marks,
    place: Any,
    first: Any,
    group: Any,
    partial: Any,
    near: Any,
    finished: Any,
    counts: Any,
) -> Any:
    """The best partial paths of each transaction by length, taken from those before it.

    `partial` holds (amount, tx, coin that led there, row before or -1), the best first; rows of the
    transaction number `n` and of `length` are `first[n, length]` to `first[n, length + 1]`. `place`
    is a transaction's number and one, 0 where it lies on no path; `near` takes (number, amount,
    coin, its value) of what comes before one transaction, `group` says where. `finished` takes
    (amount, row, length, last coin).
    """
    while counts[AT] < len(txs):
        number = counts[AT]
        tx = txs[number]
        begin, end = np.int64(chain.in_off[tx]), np.int64(chain.in_off[tx + 1])
        counts[NEED] = end - begin
        if counts[FOUND] + max_depth * keep > len(partial) or end - begin > len(near):
            return FULL
        entered, lead, largest, num_near = np.int64(0), np.int64(-1), np.int64(-1), 0
        for part in range(begin, end):
            if chain.in_out[part] == _UNKNOWN:
                continue
            coin = np.int64(chain.in_out[part])
            value = chain.out_value[coin]
            if marks.source[coin]:
                if value >= rules.least:
                    entered += value
                    if value > largest:
                        largest, lead = value, coin
                continue
            before = np.int64(place[chain.out_tx[coin]]) - 1
            if before < 0 or part >= rules.num_inputs or not _inner(coin, chain, rules, marks):
                continue
            if group[before] == 0:
                group[before] = num_near + 1
                near[num_near, 0], near[num_near, 1], near[num_near, 3] = before, 0, -1
                num_near += 1
            which = group[before] - 1
            near[which, 1] += value
            # In the order of outputs the first of the largest leads.
            if value > near[which, 3] or (value == near[which, 3] and coin < near[which, 2]):
                near[which, 2], near[which, 3] = coin, value
        for which in range(num_near):
            group[near[which, 0]] = 0
        found = counts[FOUND]
        first[number, 1] = found
        if entered:
            partial[found, 0], partial[found, 1] = entered, tx
            partial[found, 2], partial[found, 3] = lead, -1
            found += 1
        for length in range(2, max_depth + 1):
            begun = found
            first[number, length] = begun
            for which in range(num_near):
                before = near[which, 0]
                for at in range(first[before, length - 1], first[before, length]):
                    amount = min(partial[at, 0], near[which, 1])
                    # Room for one more stands behind the last; the worst falls out of it.
                    to = min(found, begun + keep - 1)
                    if to < found and not _precedes(amount, at, to, partial):
                        continue
                    while to > begun and _precedes(amount, at, to - 1, partial):
                        _shift(partial, to)
                        to -= 1
                    partial[to, 0], partial[to, 1] = amount, tx
                    partial[to, 2], partial[to, 3] = near[which, 2], at
                    found = min(found + 1, begun + keep)
        first[number, max_depth + 1] = found
        counts[FOUND] = found
        _finish(number, max_depth, chain, rules, marks, tx, first, partial, finished, counts)
        counts[AT] += 1
    return DONE


@njit(**INNER)
def _precedes(amount: Any, before: Any, row: Any, partial: Any) -> bool:
    """Whether a path to the row's transaction, as long as the row's, is better than it."""
    if amount != partial[row, 0]:
        return bool(amount > partial[row, 0])
    return bool(_earlier(before, partial[row, 3], partial))


@njit(**INNER)
def _shift(rows: Any, to: Any) -> None:
    """Move the row before this one here."""
    for column in range(4):
        rows[to, column] = rows[to - 1, column]


@njit(**INNER)
def _finish(
    number: Any,
    max_depth: Any,
    chain: Chain,
    rules: Rules,
    marks: Marks,
    tx: Any,
    first: Any,
    partial: Any,
    finished: Any,
    counts: Any,
) -> None:
    """The paths that end with this transaction to `finished`, the best first."""
    left, largest = np.int64(0), np.int64(-1)
    lead: Any = np.int64(-1)
    for coin in range(np.int64(chain.out_off[tx]), np.int64(chain.out_off[tx + 1])):
        value = chain.out_value[coin]
        if marks.target[coin] and value >= rules.least:
            left += value
            if value > largest:
                largest, lead = value, coin
    if left == 0:
        return
    for length in range(1, max_depth + 1):
        for at in range(first[number, length], first[number, length + 1]):
            amount = min(partial[at, 0], left)
            to = min(counts[FINISHED], len(finished) - 1)
            if to < counts[FINISHED] and not _ranks(amount, at, length, to, finished, partial):
                continue
            while to > 0 and _ranks(amount, at, length, to - 1, finished, partial):
                _shift(finished, to)
                to -= 1
            finished[to, 0], finished[to, 1] = amount, at
            finished[to, 2], finished[to, 3] = length, lead
            counts[FINISHED] = min(counts[FINISHED] + 1, len(finished))


@njit(**INNER)
def _ranks(amount: Any, at: Any, length: Any, row: Any, finished: Any, partial: Any) -> bool:
    """Whether a finished path is better than the row's; see `search._rank`."""
    if amount != finished[row, 0]:
        return bool(amount > finished[row, 0])
    other = finished[row, 1]
    if partial[at, 1] != partial[other, 1]:
        return bool(partial[at, 1] < partial[other, 1])
    if length != finished[row, 2]:
        return bool(length < finished[row, 2])
    return bool(_earlier(at, other, partial))
