"""A pool over many rows of its account, compiled; the twin is `tracing.engine.pools`.

Everything here is exact in 64 bits while the account never holds more than `NARROW`: the caller
sees to that, and leaves wider amounts to the twin. Only the product in a haircut would pass 64
bits, so its quotient is found by long division.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final  # Any: numba types what it compiles by the arguments of a call

import numpy as np
from numba import njit

from tracing.engine.compiled.spread import MOST as DIGITS_HOLD
from tracing.engine.compiled.spread import floor_share
from tracing.engine.pools import Pool, Units

HAIRCUT: Final = 0
POISON: Final = 1
FIFO: Final = 2
LIFO: Final = 3
CODES: Final = {"haircut": HAIRCUT, "poison": POISON, "fifo": FIFO, "lifo": LIFO}
BALANCE: Final = 0
AMOUNT: Final = 1
LOW: Final = 2
HIGH: Final = 3
FIRST: Final = 4
LAST: Final = 5

_ONE: Final = np.uint64(1)


def walk_rows(pool: Pool, amounts: Units, end: int, policy: str) -> None:
    """Move a pool over its account's rows up to number `end`; see `pools.walk_rows`.

    Cost: some 10 to 100 nanoseconds a row.
    """
    code = CODES[policy]
    taped = code in (FIFO, LIFO)
    room = len(pool.lots) + max(0, end - pool.place) if taped else 0
    units, followed = np.zeros(room, np.int64), np.zeros(room, np.bool_)
    for number, (length, is_ours) in enumerate(pool.lots if taped else ()):
        units[number], followed[number] = length, is_ours
    state = np.array([pool.balance, pool.amount, pool.low, pool.high, 0, len(pool.lots)], np.int64)
    _walk(amounts, pool.place, end, code, pool.known, state, units, followed)
    pool.balance, pool.amount, pool.low, pool.high, first, last = state.tolist()
    if taped:
        mine = slice(first, last)
        pool.lots = deque(zip(units[mine].tolist(), followed[mine].tolist(), strict=True))
    pool.place = max(pool.place, end)


@njit(cache=True, nogil=True)
def wide_share(taint: Any, units: Any, total: Any) -> Any:
    """floor(taint * units / total) for 0 <= taint, units <= total <= NARROW, exactly.

    Long division bit by bit: what is left over stays below `total`, so twice it and `taint` once
    more are below three times `total`, which 64 bits hold.
    """
    if total <= DIGITS_HOLD:
        return floor_share(taint, units, total)
    part, whole, factor = np.uint64(taint), np.uint64(total), np.uint64(units)
    quotient = np.uint64(0)
    left = np.uint64(0)
    for shift in range(61, -1, -1):
        left = left << _ONE
        quotient = quotient << _ONE
        if (factor >> np.uint64(shift)) & _ONE:
            left += part
        while left >= whole:
            left -= whole
            quotient += _ONE
    return np.int64(quotient)


@njit(cache=True, nogil=True)
def _walk(
    amounts: Any,
    place: Any,
    end: Any,
    policy: Any,
    known: Any,
    state: Any,
    lots: Any,
    followed: Any,
) -> None:
    """Rows `place` to `end`; `lots` from state[FIRST] to state[LAST], in the order they came."""
    balance, amount, low, high = state[BALANCE], state[AMOUNT], state[LOW], state[HIGH]
    first, last = state[FIRST], state[LAST]
    for at in range(place, end):
        units = amounts[at]
        if units > 0:
            balance += units
            if policy >= FIFO:
                if last > first and not followed[last - 1]:
                    lots[last - 1] += units
                else:
                    lots[last], followed[last] = units, False
                    last += 1
            continue
        units = -units
        if policy == HAIRCUT:
            if balance:
                amount -= wide_share(amount, units, balance)
        elif policy >= FIFO:
            wanted = units
            while wanted > 0 and last > first:
                which = first if policy == FIFO else last - 1
                taken = min(lots[which], wanted)
                if followed[which]:
                    amount -= taken
                wanted -= taken
                lots[which] -= taken
                if lots[which] == 0:
                    if policy == FIFO:
                        first += 1
                    else:
                        last -= 1
        balance -= units
        low = max(np.int64(0), low - units)
        if known:
            high = min(high, balance)
    state[BALANCE], state[AMOUNT], state[LOW], state[HIGH] = balance, amount, low, high
    state[FIRST], state[LAST] = first, last
