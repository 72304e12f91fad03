"""The compiled forward step for haircut and poison; `forward.ForwardWalk.step` is its twin.

State lives in flat arrays that the caller owns, so that a run can stop between any two
transactions. A transaction is either done whole or not begun: where it needs more room, a verdict
on a CoinJoin, or amounts beyond exact arithmetic, the kernel returns before it changed anything.
"""

from __future__ import annotations

from typing import Any, Final  # Any: numba types what it compiles by the arguments of a call

import numpy as np
from numba import njit

from tracing.engine.coinjoin import LEAST_OUTPUTS, LEAST_PARTICIPANTS
from tracing.engine.ledger import NO_ADDRESS, UNSPENT

# Why the kernel came back.
DONE: Final = 0  # the frontier is empty
PAUSED: Final = 1  # as many transactions as asked for
FULL: Final = 2  # a buffer has no room for the next transaction: counts[NEED] rows
ASK: Final = 3  # asked[:counts[ASKED]] are transactions whose verdict is missing
HARD: Final = 4  # the next transaction is the twin's: its amounts pass MOST, or do not add up

# Codes of statuses, in the order of `forward.STATUSES`.
PASSED_ON: Final = 0
IN_DUST: Final = 1
AT_SEED: Final = 2
NOT_SPENT: Final = 3
AFTER: Final = 4
GAP: Final = 5
MIX: Final = 6
HOPS: Final = 7

# Places in `counts`.
HEAP: Final = 0
FREE: Final = 1
ENDS: Final = 2
POSSIBLE: Final = 3
SEEN: Final = 4
STEPS: Final = 5
PAIRS: Final = 6
NUM_TX: Final = 7
NUM_STEPS: Final = 8
DEPTH: Final = 9
FEES: Final = 10
RESTED: Final = 11
CUT: Final = 12
NEED: Final = 13
ASKED: Final = 14
NUM_COUNTS: Final = 15

# Verdicts on CoinJoins.
UNASKED: Final = 0
NO_MIX: Final = 1
IS_MIX: Final = 2

MOST: Final = 1 << 52
"""Sums of one transaction above this are left to the twin; all bitcoin are less than half of it."""

_NOBODY: Final = np.uint32(NO_ADDRESS)
_UNSPENT: Final = np.uint32(UNSPENT)
_SLOT: Final = np.uint64(0xFFFFFFFF)
_SHIFT: Final = np.uint64(32)


@njit(cache=True, nogil=True)
def floor_share(taint: Any, position: Any, total: Any) -> Any:
    """floor(taint * position / total) for 0 <= taint, position <= total <= MOST, exactly.

    Long division with the position's digits of 10 bits, the highest first. What is left over is
    below `total`, so left * 2^10 + taint * digit stays below 2^62 + 2^62: nothing overflows.
    """
    if total == 0:
        return 0
    quotient = np.int64(0)
    left = np.int64(0)
    for shift in (50, 40, 30, 20, 10, 0):
        left = (left << 10) + taint * ((position >> shift) & 1023)
        times = left // total
        quotient = (quotient << 10) + times
        left -= times * total
    return quotient


@njit(cache=True, nogil=True)
def _push(heap: Any, size: Any, entry: Any) -> None:
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if heap[above] <= entry:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = entry


@njit(cache=True, nogil=True)
def _pop(heap: Any, size: Any) -> Any:
    """Take the least of `size` entries; one less remains."""
    least = heap[0]
    last = heap[size - 1]
    rest = size - 1
    at = 0
    while True:
        below = 2 * at + 1
        if below >= rest:
            break
        if below + 1 < rest and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= last:
            break
        heap[at] = heap[below]
        at = below
    if rest:
        heap[at] = last
    return least


@njit(cache=True, nogil=True)
def _may_mix(tx: Any, in_off: Any, out_off: Any, out_value: Any) -> bool:
    """False where no detector can match: the shape that `coinjoin.match_of` asks for at least."""
    first, end = np.int64(out_off[tx]), np.int64(out_off[tx + 1])
    if np.int64(in_off[tx + 1]) - np.int64(in_off[tx]) < LEAST_PARTICIPANTS:
        return False
    if end - first < LEAST_OUTPUTS:
        return False
    ordered = np.sort(out_value[first:end])
    equal = 1
    for at in range(1, len(ordered)):
        equal = equal + 1 if ordered[at] == ordered[at - 1] else 1
        if equal >= LEAST_PARTICIPANTS:
            return True
    return False


@njit(cache=True, nogil=True)
def spread(
    budget: Any,
    poison: bool,
    stop_at_mix: bool,
    max_hops: Any,
    min_value: Any,
    until: Any,
    num_inputs: Any,
    step_limit: Any,
    in_off: Any,
    out_off: Any,
    in_tx: Any,
    in_out: Any,
    in_value: Any,
    out_value: Any,
    out_address: Any,
    out_spent_in: Any,
    tx_height: Any,
    tx_fee: Any,
    wall: Any,
    is_seed: Any,
    seen: Any,
    verdict: Any,
    heap: Any,
    coins: Any,
    free: Any,
    ends: Any,
    possible: Any,
    reached: Any,
    steps: Any,
    pairs: Any,
    asked: Any,
    counts: Any,
) -> Any:
    """Take up to `budget` transactions from the frontier; returns why it stopped.

    `heap` holds (spending input << 32 | slot), `coins[slot]` (amount, low, high, hops), `free` the
    slots not used. `ends` and `possible` take (coin, amount, low, high, hops, status), `steps` (tx,
    hops, fee, number of ins, of outs), `pairs` their (coin, amount, status) in order. Arrays are
    typed by numba when it compiles.
    """
    done = 0
    while counts[HEAP] > 0:
        if done >= budget:
            return PAUSED
        tx = np.int64(in_tx[np.int64(heap[0] >> _SHIFT)])
        first, end = np.int64(in_off[tx]), np.int64(in_off[tx + 1])
        first_out, end_out = np.int64(out_off[tx]), np.int64(out_off[tx + 1])
        num_out = end_out - first_out
        need = num_out + end - first
        counts[NEED] = need
        if (
            counts[FREE] < num_out
            or counts[HEAP] + num_out > len(heap)
            or counts[ENDS] + num_out > len(ends)
            or counts[POSSIBLE] + num_out > len(possible)
            or counts[SEEN] + num_out > len(reached)
            or counts[STEPS] + 1 > len(steps)
            or counts[PAIRS] + need > len(pairs)
            or num_out > len(asked)
        ):
            return FULL
        known = True
        total = np.int64(0)
        for at in range(first, end):
            value = in_value[at]
            if value < 0:
                known = False
                continue
            if value > MOST or total + value > MOST:
                return HARD
            total += value
        paid = np.int64(0)
        for coin in range(first_out, end_out):
            value = out_value[coin]
            if value < 0 or value > MOST or paid + value > MOST:
                return HARD
            paid += value
        if known and paid > total:
            return HARD
        if not known and not poison:
            return HARD
        if stop_at_mix:
            waiting = 0
            for coin in range(first_out, end_out):
                spent = out_spent_in[coin]
                if spent == _UNSPENT or np.int64(spent) >= num_inputs:
                    continue
                spender = np.int64(in_tx[spent])
                if verdict[spender] == UNASKED:
                    if _may_mix(spender, in_off, out_off, out_value):
                        asked[waiting] = spender
                        waiting += 1
                    else:
                        verdict[spender] = NO_MIX
            if waiting:
                counts[ASKED] = waiting
                return ASK

        # From here on the transaction is done whole.
        pair = counts[PAIRS]
        num_ins = 0
        taint, low, high = np.int64(0), np.int64(0), np.int64(0)
        hops: Any = np.int64(1) << 62
        while counts[HEAP] > 0:
            vin: Any = np.int64(heap[0] >> _SHIFT)
            if vin >= end:
                break
            slot: Any = np.int64(_pop(heap, counts[HEAP]) & _SLOT)
            counts[HEAP] -= 1
            free[counts[FREE]] = slot
            counts[FREE] += 1
            amount = coins[slot, 0]
            taint += amount
            low += coins[slot, 1]
            high += coins[slot, 2]
            hops = min(hops, coins[slot, 3])
            if amount:
                pairs[pair, 0], pairs[pair, 1], pairs[pair, 2] = in_out[vin], amount, PASSED_ON
                pair += 1
                num_ins += 1
        hops += 1
        if not known:
            low = np.int64(0)
        num_outs = 0
        before, position, given = np.int64(0), np.int64(0), np.int64(0)
        for coin in range(first_out, end_out):
            value = out_value[coin]
            if poison:
                amount = value
            else:
                position += value
                after = floor_share(taint, position, total)
                amount = after - before
                before = after
                given += amount
            most = min(value, high)
            if most == 0:
                continue
            least: Any = max(np.int64(0), value - (total - low)) if known else np.int64(0)
            address = out_address[coin]
            if address != _NOBODY and not seen[address]:
                seen[address] = True
                reached[counts[SEEN]] = address
                counts[SEEN] += 1
            counts[DEPTH] = max(counts[DEPTH], hops)
            spent = out_spent_in[coin]
            status: Any = PASSED_ON
            if value < min_value:
                status = IN_DUST
            elif is_seed[coin]:
                status = AT_SEED
            elif address != _NOBODY and wall[address]:
                status = np.int64(wall[address])
            elif spent == _UNSPENT or np.int64(spent) >= num_inputs:
                status = NOT_SPENT
            else:
                spender = np.int64(in_tx[spent])
                if until >= 0 and np.int64(tx_height[spender]) > until:
                    status = AFTER
                elif not poison and tx_fee[spender] == -1:
                    status = GAP
                elif stop_at_mix and verdict[spender] == IS_MIX:
                    status = MIX
                elif max_hops >= 0 and hops >= max_hops:
                    status = HOPS
            if status == PASSED_ON:
                counts[FREE] -= 1
                slot = free[counts[FREE]]
                coins[slot, 0], coins[slot, 1] = amount, least
                coins[slot, 2], coins[slot, 3] = most, hops
                entry = (np.uint64(spent) << _SHIFT) | np.uint64(slot)
                _push(heap, counts[HEAP], entry)
                counts[HEAP] += 1
            elif status == IN_DUST or 0 < amount < min_value:
                status = IN_DUST
                counts[CUT] += amount
            elif amount:
                counts[RESTED] += amount
                row = ends[counts[ENDS]]
                row[0], row[1], row[2], row[3], row[4], row[5] = (
                    coin, amount, least, most, hops, status,
                )  # fmt: skip
                counts[ENDS] += 1
            elif most >= max(1, min_value):
                row = possible[counts[POSSIBLE]]
                row[0], row[1], row[2], row[3], row[4], row[5] = (
                    coin, amount, least, most, hops, status,
                )  # fmt: skip
                counts[POSSIBLE] += 1
            if amount:
                pairs[pair, 0], pairs[pair, 1], pairs[pair, 2] = coin, amount, status
                pair += 1
                num_outs += 1
        fee: Any = (total - paid if known else np.int64(0)) if poison else taint - given
        counts[FEES] += fee
        if taint:
            counts[NUM_STEPS] += 1
            if counts[NUM_STEPS] <= step_limit:
                row = steps[counts[STEPS]]
                row[0], row[1], row[2], row[3], row[4] = tx, hops, fee, num_ins, num_outs
                counts[STEPS] += 1
                counts[PAIRS] = pair
        counts[NUM_TX] += 1
        done += 1
    return DONE
