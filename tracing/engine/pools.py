"""What one account holds of one asset while a walk goes on.

A pool is walked in the direction of the run: backward, what an account paid comes in and what it
received goes out, last first. Mirrored so, one set of rules serves both directions: haircut
mirrors itself, and so do a queue (FIFO) and a stack (LIFO).

Where the ledger does not show an account from its first unit on, its opening balance is not known.
The policies then count the least that its later payments prove; the bounds take no account of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final, TypeAlias

from numpy.typing import NDArray

Units: TypeAlias = NDArray[Any]  # 64-bit numbers, or Python's own where those are too narrow
NARROW: Final = 1 << 61
"""Balances up to here may be walked in 64 bits; wider ones stay with Python's own numbers."""
Lot: TypeAlias = tuple[int, bool]
"""(units, followed or not), in the order in which they came."""


@dataclass(slots=True)
class Flow:
    """Followed units on their way: policy amount, bounds, hops, and lots for FIFO and LIFO."""

    amount: int
    low: int
    high: int
    hops: int
    lots: list[Lot] = field(default_factory=list)
    came_by: int = -1


@dataclass(slots=True)
class Pool:
    """A holding of `balance` units, of them `amount` followed under the policy.

    Args:
        known: whether the balance is the true one; else it is the least that is proven.
        low, high: sound bounds on the followed units; hops: fewest transfers they took.
        lots: the units in order, for FIFO and LIFO; last: the transfer that brought followed units.
        place: number of the account's rows walked so far.
    """

    balance: int
    known: bool
    place: int = 0
    amount: int = 0
    low: int = 0
    high: int = 0
    hops: int = 0
    last: int = -1
    lots: deque[Lot] = field(default_factory=deque)

    def put(self, units: int, flow: Flow | None, *, taped: bool) -> None:
        """An inflow, with the followed units in it if there are any."""
        if taped:
            for lot in [(units, False)] if flow is None else flow.lots:
                _append(self.lots, lot)
        self.balance += units
        if flow is None:
            return
        self.hops = min(self.hops, flow.hops) if self.high else flow.hops
        self.amount += flow.amount
        self.low += flow.low
        self.high += flow.high
        if self.known:
            self.low, self.high = min(self.low, self.balance), min(self.high, self.balance)

    def take(self, units: int, policy: str) -> Flow:
        """An outflow under a policy.

        Recurrences: haircut gives floor(T*a/B); FIFO the oldest units, LIFO the newest; poison all.
        low = max(0, a - (B - L)) where the balance is known, high = min(a, U).
        """
        low = max(0, units - (self.balance - self.low)) if self.known else 0
        high = min(units, self.high)
        lots: list[Lot] = []
        if policy == "haircut":
            moved = self.amount * units // self.balance if self.balance else 0
        elif policy == "poison":
            moved = units
        else:
            lots = _cut(self.lots, units, newest=policy == "lifo")
            moved = sum(length for length, followed in lots if followed)
        found = Flow(moved, low, high, self.hops + 1, lots, self.last)
        self.balance -= units
        self.low = max(0, self.low - units)
        if self.known:
            self.high = min(self.high, self.balance)
        if policy != "poison":
            self.amount -= moved
        return found

    def rest(self, policy: str) -> int:
        """Units that a policy leaves here; poison takes all there is."""
        return max(self.balance, self.high) if policy == "poison" else self.amount


def walk_rows(pool: Pool, amounts: Units, end: int, policy: str) -> None:
    """Move a pool over its account's rows up to number `end`: units that nobody follows come in,
    and what leaves takes its share along.

    Args:
        amounts: of the account's rows in walking order; below zero what goes out.

    Cost: about a microsecond a row. `compiled.pools.walk_rows` is the twin for many of them.
    """
    taped = policy in ("fifo", "lifo")
    for amount in amounts[pool.place : end].tolist():
        if amount > 0:
            pool.put(amount, None, taped=taped)
        else:
            pool.take(-amount, policy)
    pool.place = max(pool.place, end)


def opening(amounts: Sequence[int]) -> int:
    """The least an account must have held before its first row, so that it never went below zero.

    Args:
        amounts: what came in, or below zero what went out, in chain order.
    """
    return -min(accumulate(amounts, initial=0))


def _append(lots: deque[Lot], lot: Lot) -> None:
    if lots and lots[-1][1] == lot[1]:
        lots[-1] = (lots[-1][0] + lot[0], lot[1])
    elif lot[0]:
        lots.append(lot)


def _cut(lots: deque[Lot], units: int, *, newest: bool) -> list[Lot]:
    """So many units off one end, in forward order."""
    found: list[Lot] = []
    wanted = units
    while wanted:
        length, followed = lots.pop() if newest else lots.popleft()
        taken = min(length, wanted)
        found.append((taken, followed))
        wanted -= taken
        if taken < length:
            rest = (length - taken, followed)
            lots.append(rest) if newest else lots.appendleft(rest)
    return found[::-1] if newest else found
