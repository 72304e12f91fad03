"""CoinJoins: transactions in which several owners mix, so that spending together proves nothing.

Four protocols are told apart: JoinMarket-like, Wasabi 1, Wasabi 2 and Whirlpool, and beside them
the Tx0 with which one owner prepares coins for Whirlpool. A payout in equal amounts has the same
outputs as a mix; what sets a mix apart is that each participant brings inputs that pay for an equal
output and a change, or that amounts are those the protocol prescribes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.ledger import I64, NO_ADDRESS, Ledger

JOINMARKET: Final = "joinmarket_like"
WASABI_1: Final = "wasabi_1"
WASABI_2: Final = "wasabi_2"
WHIRLPOOL: Final = "whirlpool"
WHIRLPOOL_TX0: Final = "whirlpool_tx0"

HIGH: Final = "high"
MEDIUM: Final = "medium"

LEAST_PARTICIPANTS: Final = 3
LEAST_OUTPUTS: Final = 2 * LEAST_PARTICIPANTS - 1
LEAST_WASABI_PARTICIPANTS: Final = 10
SURE_WASABI_PARTICIPANTS: Final = 20
"""With fewer, a JoinMarket mix of the same amount looks alike and is tried first."""
WASABI_1_VALUES: Final = range(8_000_000, 12_000_001)
"""The base amount of Wasabi 1 was about 0.1 BTC and drifted down from mix to mix."""
LEAST_MIX_VALUE: Final = 2_731
"""Equal outputs up to here are token dust of other protocols (546 and 2,730 satoshi), not mixes."""
ROUND: Final = 100_000
"""Amounts people choose are mostly multiples of this; a change, being what is left over, is not."""
SEARCH_BUDGET: Final = 20_000

LEAST_WASABI_2_INPUTS: Final = 21
USUAL_WASABI_2_INPUTS: Final = 50
"""Rounds of the first coordinator had at least 50 inputs, of later ones at least 21."""
STANDARD_SHARE_PCT: Final = 60
"""Least share of standard amounts among the outputs of Wasabi 2; the others are changes."""
LEAST_STANDARD: Final = 5_000

POOLS: Final = (100_000, 1_000_000, 2_500_000, 5_000_000, 50_000_000)
"""Denominations of Whirlpool: 0.001, 0.01, 0.025, 0.05 and 0.5 BTC."""
POOL_FEES: Final = {100_000: 5_000, 1_000_000: 50_000, 5_000_000: 175_000, 50_000_000: 1_750_000}
"""The coordinator's flat fee where it was published; vouchers lowered it."""
WHIRLPOOL_SIZES: Final = range(5, 9)
MOST_PREMIX_FEE: Final = 102_500
"""A prepared coin is worth its denomination and at most this much for the miners."""


def _standard_amounts() -> frozenset[int]:
    """Amounts of Wasabi 2: 2^n, 3^n, 2*3^n, 10^n, 2*10^n and 5*10^n from 5,000 satoshi on."""
    series = ((1, 2), (1, 3), (2, 3), (1, 10), (2, 10), (5, 10))
    powers = (times * base**n for times, base in series for n in range(42))
    return frozenset(value for value in powers if LEAST_STANDARD <= value <= 137_438_953_472)


STANDARD_AMOUNTS: Final = _standard_amounts()


@dataclass(frozen=True)
class CoinJoinMatch:
    """Why a transaction is taken for a CoinJoin: the facts that matched.

    Attributes:
        mix_value: the largest group of equal outputs, `participants` of them; changes: the others.
        confidence: `high` where amounts are the protocol's own or the funding was shown, else
            `medium`.
        facts: what matched, by name, for people to check.
    """

    kind: str
    participants: int
    mix_value: int
    changes: int
    confidence: str = MEDIUM
    facts: dict[str, int] = field(default_factory=dict)

    @property
    def is_mix(self) -> bool:
        """False for a Tx0: one owner prepares coins, so spending together does prove something."""
        return self.kind != WHIRLPOOL_TX0


def classify(
    in_values: Sequence[int],
    in_addresses: Sequence[int],
    out_values: Sequence[int],
    out_addresses: Sequence[int],
) -> CoinJoinMatch | None:
    """Tell whether one transaction is a CoinJoin or prepares one; None if neither.

    The most particular shape is tried first: Whirlpool, Tx0, Wasabi 2, then JoinMarket-like and
    Wasabi 1. Unknown input values (-1) leave out what needs them; addresses not known count as
    different owners.

    Cost: O(inputs + outputs), and a bounded search for the JoinMarket funding test.
    """
    return (
        whirlpool(in_values, in_addresses, out_values, out_addresses)
        or whirlpool_tx0(in_values, out_values, out_addresses)
        or wasabi_2(in_values, in_addresses, out_values)
        or equal_outputs(in_values, in_addresses, out_values, out_addresses)
    )


def whirlpool(
    in_values: Sequence[int],
    in_addresses: Sequence[int],
    out_values: Sequence[int],
    out_addresses: Sequence[int],
) -> CoinJoinMatch | None:
    """A Whirlpool mix: as many inputs as outputs, 5 to 8, each output one denomination.

    Inputs are remixed coins of the denomination or prepared ones slightly above it, which pay the
    miners; at least one is prepared. No two are of one owner.

    Source: the protocol description of Samourai Whirlpool (ZeroLink, 2018).
    """
    num = len(out_values)
    if num not in WHIRLPOOL_SIZES or len(in_values) != num or len(set(out_values)) != 1:
        return None
    pool = out_values[0]
    owners = len(_owners(in_values, in_addresses))
    if pool not in POOLS or owners < num or len(_owners(out_values, out_addresses)) < num:
        return None
    known = [value for value in in_values if value >= 0]
    if not all(0 <= value - pool <= MOST_PREMIX_FEE for value in known):
        return None
    fresh = sum(value > pool for value in known)
    if len(known) == num and not fresh:
        return None
    facts = {"inputs": num, "outputs": num, "denomination": pool, "fresh_inputs": fresh}
    return CoinJoinMatch(WHIRLPOOL, num, pool, 0, HIGH if len(known) == num else MEDIUM, facts)


def whirlpool_tx0(
    in_values: Sequence[int], out_values: Sequence[int], out_addresses: Sequence[int]
) -> CoinJoinMatch | None:
    """A Tx0: equal prepared coins, a marker without value, the coordinator's fee, the rest.

    Prepared coins are worth one denomination and a little for the miners. The confidence is high
    where the published fee is paid to the satoshi.

    Source: the protocol description of Samourai Whirlpool, transaction 0.
    """
    markers = [
        number
        for number, (value, address) in enumerate(zip(out_values, out_addresses, strict=True))
        if value == 0 and address == NO_ADDRESS
    ]
    if len(markers) != 1 or len(out_values) < 3:
        return None
    counts = Counter(value for value in out_values if value > 0)
    for pool in reversed(POOLS):
        prepared = [value for value in counts if 0 < value - pool <= MOST_PREMIX_FEE]
        if len(prepared) != 1:
            continue
        value = prepared[0]
        others = sorted(counts.elements())
        for _ in range(counts[value]):
            others.remove(value)
        fee = POOL_FEES.get(pool)
        paid = fee is not None and fee in others
        # Without the exact fee: a smaller one by voucher, and enough coins to be no accident.
        lower = (
            bool(others)
            and pool // 100 <= others[0] <= pool // 20
            and counts[value] >= LEAST_PARTICIPANTS
        )
        if 1 <= len(others) <= 3 and (paid or lower):
            facts = {
                "denomination": pool,
                "prepared_coins": counts[value],
                "fee": fee if paid and fee is not None else others[0],
                "markers": 1,
                "inputs": len(in_values),
            }
            confidence = HIGH if paid else MEDIUM
            return CoinJoinMatch(
                WHIRLPOOL_TX0, counts[value], value, len(others), confidence, facts
            )
    return None


def wasabi_2(
    in_values: Sequence[int], in_addresses: Sequence[int], out_values: Sequence[int]
) -> CoinJoinMatch | None:
    """A WabiSabi round: many inputs and outputs, most outputs of standard amounts, all sorted.

    At least two amounts occur more than once. The confidence is high from 50 inputs on with both
    sides sorted from large to small, as the coordinator does.

    Source: Ficsór and others, "WabiSabi" (2021); Wasabi 2's description of its standard amounts.
    """
    num_in = len(in_values)
    if num_in < LEAST_WASABI_2_INPUTS or len(out_values) < LEAST_WASABI_2_INPUTS // 2:
        return None
    standard = Counter(value for value in out_values if value in STANDARD_AMOUNTS)
    num_standard = sum(standard.values())
    repeated = sum(count > 1 for count in standard.values())
    outs_sorted = all(one >= next_one for one, next_one in pairwise(out_values))
    ins_sorted = all(one >= next_one for one, next_one in pairwise(in_values))
    if num_standard * 100 < STANDARD_SHARE_PCT * len(out_values) or repeated < 2:
        return None
    owners = len(_owners(in_values, in_addresses))
    if not outs_sorted or owners * 2 < num_in:
        return None
    value, equal = max(standard.items(), key=lambda group: (group[1], group[0]))
    facts = {
        "inputs": num_in,
        "outputs": len(out_values),
        "standard_outputs": num_standard,
        "repeated_amounts": repeated,
        "inputs_sorted": int(ins_sorted),
    }
    sure = ins_sorted and num_in >= USUAL_WASABI_2_INPUTS
    changes = len(out_values) - num_standard
    return CoinJoinMatch(WASABI_2, equal, value, changes, HIGH if sure else MEDIUM, facts)


def equal_outputs(
    in_values: Sequence[int],
    in_addresses: Sequence[int],
    out_values: Sequence[int],
    out_addresses: Sequence[int],
) -> CoinJoinMatch | None:
    """The protocols with one amount: JoinMarket-like, and Wasabi 1.

    JoinMarket-like: n >= 3 equal outputs to different addresses, the others are one change for each
    participant or for all but one, at least n owners of inputs, and the inputs can be dealt out so
    that each participant pays for one equal output and one change, within fees. Wasabi 1: n >= 10
    equal outputs, at least n inputs and owners, and changes for at least a quarter of them.

    Source: Kalodner and others, "BlockSci" (2020), on CoinJoin; the protocol description of Wasabi
    1.
    """
    mix = _equal_outputs(out_values, out_addresses)
    if mix is None:
        return None
    value, participants = mix
    owners = _owners(in_values, in_addresses)
    left = sorted(amount for amount in out_values if amount > 0)
    for _ in range(participants):
        left.remove(value)
    changes = len(left)
    if value < LEAST_MIX_VALUE or len(owners) < participants:
        return None
    if 2 * sum(amount % ROUND == 0 for amount in left) > changes:
        return None
    facts = {
        "equal_outputs": participants,
        "amount": value,
        "changes": changes,
        "owners": len(owners),
        "inputs": len(in_values),
    }
    is_wasabi = (
        participants >= LEAST_WASABI_PARTICIPANTS
        and len(in_values) >= participants
        and changes * 4 >= participants
    )
    if is_wasabi and participants >= SURE_WASABI_PARTICIPANTS and value in WASABI_1_VALUES:
        return CoinJoinMatch(WASABI_1, participants, value, changes, HIGH, facts)
    if changes in (participants - 1, participants):
        known = all(amount >= 0 for amount in in_values)
        if not known or _can_fund(owners, left, value, participants, sum(out_values)):
            confidence = HIGH if known and participants > LEAST_PARTICIPANTS else MEDIUM
            return CoinJoinMatch(JOINMARKET, participants, value, changes, confidence, facts)
    if is_wasabi:
        return CoinJoinMatch(WASABI_1, participants, value, changes, MEDIUM, facts)
    return None


def match_of(ledger: Ledger, tx: int) -> CoinJoinMatch | None:
    """Classify a transaction of the ledger. Cost: O(its inputs and outputs)."""
    first, end = int(ledger.in_off[tx]), int(ledger.in_off[tx + 1])
    first_out, end_out = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
    if ledger.tx_coinbase[tx]:
        return None
    return classify(
        ledger.in_value[first:end].tolist(),
        ledger.in_address[first:end].tolist(),
        ledger.out_value[first_out:end_out].tolist(),
        ledger.out_address[first_out:end_out].tolist(),
    )


def is_coinjoin(ledger: Ledger, tx: int) -> bool:
    """True if the transaction is taken for a CoinJoin. A Tx0 is none: it has one owner."""
    first, end = int(ledger.in_off[tx]), int(ledger.in_off[tx + 1])
    first_out, end_out = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
    if end - first < LEAST_PARTICIPANTS or end_out - first_out < LEAST_OUTPUTS:
        return False
    match = match_of(ledger, tx)
    return match is not None and match.is_mix


def flags(ledger: Ledger) -> NDArray[np.bool_]:
    """CoinJoin flag of every transaction.

    Cost: one vectorised pass for the shape, then `match_of` on what is left.
    """
    found = np.zeros(ledger.num_tx, np.bool_)
    for tx in _candidates(ledger):
        found[tx] = is_coinjoin(ledger, tx)
    return found


def _candidates(ledger: Ledger) -> Iterator[int]:
    """Transactions, not coinbases, with inputs and outputs for a mix and three equal outputs."""
    num_in = np.diff(np.asarray(ledger.in_off).astype(np.int64))
    num_out = np.diff(np.asarray(ledger.out_off).astype(np.int64))
    wide = (num_in >= LEAST_PARTICIPANTS) & (num_out >= LEAST_OUTPUTS) & (ledger.tx_coinbase == 0)
    for tx in np.flatnonzero(wide).tolist():
        first_out, end_out = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
        if _most_frequent(ledger.out_value[first_out:end_out]) >= LEAST_PARTICIPANTS:
            yield tx


def _most_frequent(values: I64) -> int:
    ordered = np.sort(values)
    edges = np.flatnonzero(np.diff(ordered)) + 1
    return int(np.diff(np.concatenate(([0], edges, [len(ordered)]))).max())


def _equal_outputs(values: Sequence[int], addresses: Sequence[int]) -> tuple[int, int] | None:
    """(value, how many) of the largest group of equal positive outputs to different scripts."""
    groups: dict[int, set[int]] = {}
    for number, (value, address) in enumerate(zip(values, addresses, strict=True)):
        if value > 0:
            script = address if address != NO_ADDRESS else -1 - number
            groups.setdefault(value, set()).add(script)
    if not groups:
        return None
    value, scripts = max(groups.items(), key=lambda group: (len(group[1]), group[0]))
    return (value, len(scripts)) if len(scripts) >= LEAST_PARTICIPANTS else None


def _owners(values: Sequence[int], addresses: Sequence[int]) -> list[int]:
    """Input value by address, largest first; an unknown address is an owner of its own."""
    sums: dict[int, int] = {}
    for number, (value, address) in enumerate(zip(values, addresses, strict=True)):
        owner = address if address != NO_ADDRESS else -1 - number
        sums[owner] = sums.get(owner, 0) + value
    return sorted(sums.values(), reverse=True)


def _can_fund(
    owners: list[int], changes: list[int], value: int, participants: int, paid: int
) -> bool:
    """Whether owners can be dealt out so that each group pays its two outputs, within fees.

    A maker may earn up to 1 % of the mixed value, a taker pays the fees of all. The search is
    bounded;
    when it runs out of steps the answer is yes: an unproven mix must not merge owners.
    """
    network_fee = sum(owners) - paid
    earned = value // 100
    most = network_fee + participants * earned
    needs = sorted((value + change for change in changes), reverse=True)
    needs += [value] * (participants - len(needs))
    budget = SEARCH_BUDGET

    def deal(need: int, free: list[int]) -> bool:
        """Fund the needs from number `need` on with the owners still free."""
        if need == len(needs):
            return True
        return any(deal(need + 1, rest) for rest in groups(free, 0, needs[need]))

    def groups(free: list[int], start: int, missing: int) -> Iterator[list[int]]:
        """What stays free after each group of owners that pays `missing` within the fees."""
        nonlocal budget
        for at in range(start, len(free)):
            budget -= 1
            if budget < 0:
                return
            if free[at] - missing > most:
                continue
            rest = free[:at] + free[at + 1 :]
            if missing - free[at] <= earned:
                yield rest
            else:
                yield from groups(rest, at, missing - free[at])

    return deal(0, owners) or budget < 0
