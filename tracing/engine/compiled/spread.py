"""The compiled step of a walk, either way and by every policy; its twins are `ForwardWalk.step`
and `BackwardWalk.step`.

State lives in flat arrays that the caller owns, so that a run can stop between any two
transactions. A transaction is either done whole or not begun: where it needs more room, a verdict
on a CoinJoin, or amounts beyond exact arithmetic, the kernel returns before it changed anything.

Both directions are one: a transaction is an axis as long as its inputs are worth together, the
coins taken from the frontier lie on it, and its parts (forward the outputs, backward the inputs)
take their windows of it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple  # Any: numba types what it compiles by the arguments

import numpy as np
from numba import njit

from tracing.engine.coinjoin import LEAST_OUTPUTS, LEAST_PARTICIPANTS
from tracing.engine.ledger import NO_ADDRESS, UNKNOWN_OUTPUT, UNSPENT

# Why the kernel came back.
DONE: Final = 0  # the frontier is empty
PAUSED: Final = 1  # as many transactions as asked for
FULL: Final = 2  # a buffer has no room for the next transaction: counts[NEED] rows
ASK: Final = 3  # asked[:counts[ASKED]] are transactions whose verdict is missing
HARD: Final = 4  # the next transaction is the twin's: its amounts pass MOST, or do not add up

POLICIES: Final = ("haircut", "poison", "fifo", "lifo")
HAIRCUT: Final = 0
POISON: Final = 1
FIFO: Final = 2
LIFO: Final = 3

# Codes of statuses, in the order of `ends.STATUSES`.
PASSED_ON: Final = 0
IN_DUST: Final = 1
AT_SEED: Final = 2
NOT_SPENT: Final = 3
MINED: Final = 4
AFTER: Final = 5
BEFORE: Final = 6
NO_INPUT: Final = 7
NO_OUTPUT: Final = 8
MIX: Final = 9
HOPS: Final = 10

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
PIECES: Final = 15  # used of `pieces`
LIVE: Final = 16  # of them those of coins on the frontier
TOTAL: Final = 17  # of the next transaction's known inputs
PAID: Final = 18  # of its outputs
KNOWN: Final = 19  # whether all its inputs are known
NUM_COUNTS: Final = 20

# Verdicts on CoinJoins.
UNASKED: Final = 0
NO_MIX: Final = 1
IS_MIX: Final = 2

MOST: Final = 1 << 52
"""Sums of one transaction above this are left to the twin; all bitcoin are less than half of it."""
LAST_KEY: Final = 0xFFFFFFFF
"""Backward, coins are keyed from here down, so that the latest comes first."""

OUTER: Final[dict[str, Any]] = {"cache": True, "nogil": True, "_nrt": False}
"""For kernels that make no array: nobody need count who holds one, which took most of the time."""
INNER: Final[dict[str, Any]] = {
    "nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True,
    "_nrt": False,
}  # fmt: skip
"""For what only such kernels call: without the ways in from outside it compiles in half the time,
and as part of its caller it is not handed forty arrays, number by number, for each coin.
"""

MOST_COMPARED: Final = 256
"""Outputs up to which a shape is looked for by comparing each with each: some microseconds."""

_NOBODY: Final = np.uint32(NO_ADDRESS)
_UNSPENT: Final = np.uint32(UNSPENT)
_UNKNOWN: Final = np.uint32(UNKNOWN_OUTPUT)
_SLOT: Final = np.uint64(0xFFFFFFFF)
_SHIFT: Final = np.uint64(32)


class Chain(NamedTuple):
    """Arrays of a ledger, by their names there."""

    in_off: Any
    out_off: Any
    in_tx: Any
    in_out: Any
    in_value: Any
    out_value: Any
    out_address: Any
    out_spent_in: Any
    out_tx: Any
    tx_height: Any
    tx_fee: Any
    tx_coinbase: Any


class Rules(NamedTuple):
    """What a run asks for; -1 stands for no limit."""

    backward: bool
    policy: int
    stop_at_mix: bool
    max_hops: int
    min_value: int
    until: int
    num_inputs: int
    step_limit: int


class Room(NamedTuple):
    """What a run owns.

    Args:
        wall: u8[addresses], the code of the status there; is_seed: bool[outputs]; seen:
            bool[addresses]; verdict: u8[transactions].
        heap: u64, (key << 32 | slot), the key being forward the spending input and backward
            LAST_KEY - coin; coins: i64[slots, 6], (amount, low, high, hops, first piece, pieces);
            free: i64, the slots not used.
        pieces: i64[n, 3], (start, length, seed) of every coin's tape, one behind the other; what
            coins have left behind stays until the caller moves the others together.
        parts: i64[n, 3], (amount, first piece, pieces) of the parts of one transaction.
        ends, possible: i64[n, 8], (coin, amount, low, high, hops, status, first piece, pieces).
        reached: u32[n], addresses seen first; steps: i64[n, 5], (tx, hops, fee, number of coins
            taken, of parts reached); pairs: i64[n, 3], their (coin, amount, status) in order.
        asked: i64[n], transactions; counts: i64[NUM_COUNTS].
    """

    wall: Any
    is_seed: Any
    seen: Any
    verdict: Any
    heap: Any
    coins: Any
    free: Any
    pieces: Any
    parts: Any
    ends: Any
    possible: Any
    reached: Any
    steps: Any
    pairs: Any
    asked: Any
    counts: Any


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


@njit(**INNER)
def _push(heap: Any, size: Any, entry: Any) -> None:
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if heap[above] <= entry:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = entry


@njit(**INNER)
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


@njit(**INNER)
def may_mix(tx: Any, in_off: Any, out_off: Any, out_value: Any) -> bool:
    """False where no detector can match: the shape that `coinjoin.match_of` asks for at least."""
    first, end = np.int64(out_off[tx]), np.int64(out_off[tx + 1])
    if np.int64(in_off[tx + 1]) - np.int64(in_off[tx]) < LEAST_PARTICIPANTS:
        return False
    if end - first < LEAST_OUTPUTS:
        return False
    if end - first > MOST_COMPARED:
        return True
    for at in range(first, end):
        equal = 1
        for other in range(at + 1, end):
            equal += out_value[other] == out_value[at]
        if equal >= LEAST_PARTICIPANTS:
            return True
    return False


@njit(**OUTER)
def spread(budget: Any, chain: Chain, rules: Rules, room: Room) -> Any:
    """Take up to `budget` transactions from the frontier; returns why it stopped.

    Cost: O(inputs + outputs) a transaction, a heap step for each coin taken or reached, and by
    FIFO and LIFO the pieces of the coins taken.
    """
    counts = room.counts
    done = 0
    while counts[HEAP] > 0:
        if done >= budget:
            return PAUSED
        key = np.int64(room.heap[0] >> _SHIFT)
        tx = np.int64(chain.out_tx[LAST_KEY - key] if rules.backward else chain.in_tx[key])
        why = _hindrance(tx, chain, rules, room)
        if why != DONE:
            return why
        _step(tx, chain, rules, room)
        counts[NUM_TX] += 1
        done += 1
    return DONE


@njit(**INNER)
def _hindrance(tx: Any, chain: Chain, rules: Rules, room: Room) -> Any:
    """Why the transaction cannot be taken yet, DONE if it can; notes its sums and its need."""
    counts = room.counts
    first, end = np.int64(chain.in_off[tx]), np.int64(chain.in_off[tx + 1])
    first_out, end_out = np.int64(chain.out_off[tx]), np.int64(chain.out_off[tx + 1])
    first_part = first if rules.backward else first_out
    num_parts = end - first if rules.backward else end_out - first_out
    need = end - first + end_out - first_out
    counts[NEED] = need
    if (
        counts[FREE] < num_parts
        or counts[HEAP] + num_parts > len(room.heap)
        or counts[ENDS] + num_parts > len(room.ends)
        or counts[POSSIBLE] + num_parts > len(room.possible)
        or counts[SEEN] + num_parts > len(room.reached)
        or counts[STEPS] + 1 > len(room.steps)
        or counts[PAIRS] + need > len(room.pairs)
        # The pieces taken are laid out at the far end, at most all of them; each window adds one.
        or counts[PIECES] + 2 * counts[LIVE] + need > len(room.pieces)
        or num_parts > len(room.parts)
        or num_parts > len(room.asked)
    ):
        return FULL
    known = True
    total = np.int64(0)
    for at in range(first, end):
        value = chain.in_value[at]
        if value < 0:
            known = False
            continue
        if value > MOST or total + value > MOST:
            return HARD
        total += value
    paid = np.int64(0)
    for coin in range(first_out, end_out):
        value = chain.out_value[coin]
        if value < 0 or value > MOST or paid + value > MOST:
            return HARD
        paid += value
    if known and paid > total:
        return HARD
    if not known and (rules.backward or rules.policy != POISON):
        return HARD
    counts[TOTAL], counts[PAID], counts[KNOWN] = total, paid, known
    if rules.stop_at_mix:
        waiting = 0
        for part in range(first_part, first_part + num_parts):
            near = _near(part, chain, rules)
            if near >= 0 and room.verdict[near] == UNASKED:
                if may_mix(near, chain.in_off, chain.out_off, chain.out_value):
                    room.asked[waiting] = near
                    waiting += 1
                else:
                    room.verdict[near] = NO_MIX
        if waiting:
            counts[ASKED] = waiting
            return ASK
    return DONE


@njit(**INNER)
def _near(part: Any, chain: Chain, rules: Rules) -> Any:
    """The transaction beyond a part: what spends an output or made an input's coin; -1 if none."""
    if rules.backward:
        coin = chain.in_out[part]
        return np.int64(-1) if coin == _UNKNOWN else np.int64(chain.out_tx[coin])
    spent = chain.out_spent_in[part]
    if spent == _UNSPENT or np.int64(spent) >= rules.num_inputs:
        return np.int64(-1)
    return np.int64(chain.in_tx[spent])


@njit(**INNER)
def _step(tx: Any, chain: Chain, rules: Rules, room: Room) -> None:
    """Spread what the frontier holds of one transaction over its parts."""
    counts = room.counts
    total, known = counts[TOTAL], counts[KNOWN] != 0
    pair = counts[PAIRS]
    taint, low, high, hops, num_taken, laid, laid_end = _take(tx, chain, rules, room)
    pair += num_taken
    hops += 1
    if not known:
        low = np.int64(0)
    first_part = np.int64(chain.in_off[tx] if rules.backward else chain.out_off[tx])
    values = chain.in_value if rules.backward else chain.out_value
    end_part = np.int64(chain.in_off[tx + 1] if rules.backward else chain.out_off[tx + 1])
    given = _share(first_part, end_part, values, taint, laid, laid_end, rules, room)
    num_reached = 0
    for part in range(first_part, end_part):
        value = values[part]
        most = min(value, high)
        if most == 0:
            continue
        # With an unknown input nothing bounds the clean units, so nothing is certain.
        least = max(np.int64(0), value - (total - low)) if known else np.int64(0)
        amount = room.parts[part - first_part, 0]
        tape, num_pieces = room.parts[part - first_part, 1], room.parts[part - first_part, 2]
        coin: Any = part
        if rules.backward:
            spends = chain.in_out[part]
            coin = np.int64(-1) - part if spends == _UNKNOWN else np.int64(spends)
        status = _judge(coin, part, value, hops, chain, rules, room)
        if status == PASSED_ON:
            counts[FREE] -= 1
            slot = room.free[counts[FREE]]
            coins = room.coins
            coins[slot, 0], coins[slot, 1], coins[slot, 2] = amount, least, most
            coins[slot, 3], coins[slot, 4], coins[slot, 5] = hops, tape, num_pieces
            counts[LIVE] += num_pieces
            key = LAST_KEY - coin if rules.backward else np.int64(chain.out_spent_in[coin])
            _push(room.heap, counts[HEAP], (np.uint64(key) << _SHIFT) | np.uint64(slot))
            counts[HEAP] += 1
        elif status == IN_DUST or 0 < amount < rules.min_value:
            status = IN_DUST
            counts[CUT] += amount
        elif amount or most >= max(1, rules.min_value):
            kept = ENDS if amount else POSSIBLE
            rows, at = room.ends if amount else room.possible, counts[kept]
            rows[at, 0], rows[at, 1], rows[at, 2], rows[at, 3] = coin, amount, least, most
            rows[at, 4], rows[at, 5], rows[at, 6], rows[at, 7] = hops, status, tape, num_pieces
            counts[kept] += 1
            counts[RESTED] += amount
        if amount:
            room.pairs[pair, 0], room.pairs[pair, 1], room.pairs[pair, 2] = coin, amount, status
            pair += 1
            num_reached += 1
    fee = np.int64(0)
    if not rules.backward:
        fee = taint - given
        if rules.policy == POISON:
            fee = total - counts[PAID] if known else np.int64(0)
    counts[FEES] += fee
    if taint:
        counts[NUM_STEPS] += 1
        if counts[NUM_STEPS] <= rules.step_limit:
            steps, at = room.steps, counts[STEPS]
            steps[at, 0], steps[at, 1], steps[at, 2] = tx, hops, fee
            steps[at, 3], steps[at, 4] = num_taken, num_reached
            counts[STEPS] += 1
            counts[PAIRS] = pair


@njit(**INNER)
def _take(tx: Any, chain: Chain, rules: Rules, room: Room) -> Any:
    """Take the followed coins of a transaction and lay their tapes on its axis.

    Returns (taint, low, high, least hops, coins with an amount, first laid piece, end). The coins
    stand in `pairs` in their own order, the pieces at the far end of `pieces` in that of the axis.
    """
    counts, pieces, pairs = room.counts, room.pieces, room.pairs
    taint, low, high = np.int64(0), np.int64(0), np.int64(0)
    hops = np.int64(1) << 62
    # Backward the latest coin comes first: by FIFO the end of the axis, so its tape is laid there.
    from_the_end = rules.backward and rules.policy == FIFO
    laid = np.int64(len(pieces)) if from_the_end else np.int64(len(pieces)) - counts[LIVE]
    laid_end = laid
    place = np.int64(chain.out_off[tx + 1] if rules.backward else chain.in_off[tx])
    position = counts[PAID] if rules.backward else np.int64(0)
    stop = np.int64(chain.in_off[tx + 1])
    if rules.backward:
        stop = LAST_KEY + 1 - np.int64(chain.out_off[tx])
    first_pair = pair = counts[PAIRS]
    while counts[HEAP] > 0:
        key = np.int64(room.heap[0] >> _SHIFT)
        if key >= stop:
            break
        slot = np.int64(_pop(room.heap, counts[HEAP]) & _SLOT)
        counts[HEAP] -= 1
        room.free[counts[FREE]] = slot
        counts[FREE] += 1
        coin = LAST_KEY - key if rules.backward else np.int64(chain.in_out[key])
        amount, at, num = room.coins[slot, 0], room.coins[slot, 4], room.coins[slot, 5]
        taint += amount
        low += room.coins[slot, 1]
        high += room.coins[slot, 2]
        hops = min(hops, room.coins[slot, 3])
        if amount:
            pairs[pair, 0], pairs[pair, 1], pairs[pair, 2] = coin, amount, PASSED_ON
            pair += 1
        if num:
            if rules.backward:
                while place > coin:
                    place -= 1
                    position -= chain.out_value[place]
            else:
                while place < key:
                    position += chain.in_value[place]
                    place += 1
            start = position
            if rules.backward and rules.policy == LIFO:
                start = counts[TOTAL] - position - chain.out_value[coin]
            if from_the_end:
                laid -= num
            into = laid if from_the_end else laid_end
            for piece in range(num):
                pieces[into + piece, 0] = start + pieces[at + piece, 0]
                pieces[into + piece, 1] = pieces[at + piece, 1]
                pieces[into + piece, 2] = pieces[at + piece, 2]
            if not from_the_end:
                laid_end += num
            counts[LIVE] -= num
    if rules.backward:
        for turn in range((pair - first_pair) // 2):
            one, other = first_pair + turn, pair - 1 - turn
            for column in range(2):
                held = pairs[one, column]
                pairs[one, column] = pairs[other, column]
                pairs[other, column] = held
    return taint, low, high, hops, pair - first_pair, laid, laid_end


@njit(**INNER)
def _share(
    first_part: Any,
    end_part: Any,
    values: Any,
    taint: Any,
    laid: Any,
    laid_end: Any,
    rules: Rules,
    room: Room,
) -> Any:
    """Fill `parts` with what each part is given by the policy; returns the sum."""
    counts, parts, pieces = room.counts, room.parts, room.pieces
    num_parts = end_part - first_part
    position, before, given = np.int64(0), np.int64(0), np.int64(0)
    # The outputs of LIFO take their windows from the end, so the last one's comes first.
    reverse = rules.policy == LIFO and not rules.backward
    if reverse:
        position = counts[TOTAL] - counts[PAID]
    for number in range(num_parts):
        part = num_parts - 1 - number if reverse else number
        value = values[first_part + part]
        amount, made = np.int64(0), counts[PIECES]
        if rules.policy == POISON:
            amount = value
        elif rules.policy == HAIRCUT:
            position += value
            after = floor_share(taint, position, counts[TOTAL])
            amount = after - before
            before = after
        elif value:
            # As `policies.cut`, for windows that lie side by side.
            end = position + value
            while laid < laid_end and pieces[laid, 0] + pieces[laid, 1] <= position:
                laid += 1
            at, last = laid, made - 1
            while at < laid_end and pieces[at, 0] < end:
                low = max(pieces[at, 0], position)
                length = min(pieces[at, 0] + pieces[at, 1], end) - low
                amount += length
                seed = pieces[at, 2]
                if (
                    last >= made
                    and pieces[last, 2] == seed
                    and pieces[last, 0] + pieces[last, 1] == low - position
                ):
                    pieces[last, 1] += length
                else:
                    last += 1
                    pieces[last, 0], pieces[last, 1] = low - position, length
                    pieces[last, 2] = seed
                at += 1
            counts[PIECES] = last + 1
            position = end
        parts[part, 0], parts[part, 1], parts[part, 2] = amount, made, counts[PIECES] - made
        given += amount
    return given


@njit(**INNER)
def _judge(
    coin: Any, part: Any, value: Any, hops: Any, chain: Chain, rules: Rules, room: Room
) -> Any:
    """What becomes of a coin that was reached, and that it was; see `Walk.reach` and `judge`."""
    counts = room.counts
    if coin < 0:
        return IN_DUST if value < rules.min_value else NO_OUTPUT
    address = chain.out_address[coin]
    if address != _NOBODY and not room.seen[address]:
        room.seen[address] = True
        room.reached[counts[SEEN]] = address
        counts[SEEN] += 1
    counts[DEPTH] = max(counts[DEPTH], hops)
    if value < rules.min_value:
        return IN_DUST
    if room.is_seed[coin]:
        return AT_SEED
    if address != _NOBODY and room.wall[address]:
        return np.int64(room.wall[address])
    near = _near(part, chain, rules)
    if near < 0:
        return NOT_SPENT
    if rules.backward and chain.tx_coinbase[near]:
        return MINED
    height = np.int64(chain.tx_height[near])
    if rules.until >= 0 and rules.backward and height < rules.until:
        return BEFORE
    if rules.until >= 0 and not rules.backward and height > rules.until:
        return AFTER
    if chain.tx_fee[near] == -1 and (rules.backward or rules.policy != POISON):
        return NO_OUTPUT if rules.backward else NO_INPUT
    if rules.stop_at_mix and room.verdict[near] == IS_MIX:
        return MIX
    if 0 <= rules.max_hops <= hops:
        return HOPS
    return PASSED_ON
