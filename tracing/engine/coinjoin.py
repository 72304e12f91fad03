"""CoinJoins: transactions in which several owners mix, so that spending together proves nothing.

Two shapes are told apart here, JoinMarket-like and Wasabi 1. A payout in equal amounts has the
same outputs; what sets a mix apart is that each participant brings inputs that pay for one equal
output and one change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.ledger import I64, NO_ADDRESS, Ledger

JOINMARKET: Final = "joinmarket_like"
WASABI_1: Final = "wasabi_1"

LEAST_PARTICIPANTS: Final = 3
LEAST_OUTPUTS: Final = 2 * LEAST_PARTICIPANTS - 1
LEAST_WASABI_PARTICIPANTS: Final = 10
LEAST_MIX_VALUE: Final = 2_731
"""Equal outputs up to here are token dust of other protocols (546 and 2,730 satoshi), not mixes."""
ROUND: Final = 100_000
"""Amounts people choose are mostly multiples of this; a change, being what is left over, is not."""
SEARCH_BUDGET: Final = 20_000


@dataclass(frozen=True)
class CoinJoinMatch:
    """Why a transaction is taken for a CoinJoin: the facts that matched."""

    kind: str
    participants: int
    mix_value: int
    changes: int


def classify(
    in_values: Sequence[int],
    in_addresses: Sequence[int],
    out_values: Sequence[int],
    out_addresses: Sequence[int],
) -> CoinJoinMatch | None:
    """Tell whether one transaction is a CoinJoin; None if not.

    JoinMarket-like: n >= 3 equal outputs to different addresses, the others are one change for each
    participant or for all but one, at least n owners of inputs, and the inputs can be dealt out so
    that each participant pays for one equal output and one change, within fees. Wasabi 1: n >= 10
    equal outputs, at least n inputs and owners, and changes for at least a quarter of them.

    Unknown input values (-1) leave the funding test out; addresses not known count as different
    owners.

    Cost: O(inputs + outputs), and a bounded search for the JoinMarket funding test.
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
    if changes in (participants - 1, participants):
        known = all(amount >= 0 for amount in in_values)
        if not known or _can_fund(owners, left, value, participants, sum(out_values)):
            return CoinJoinMatch(JOINMARKET, participants, value, changes)
    if (
        participants >= LEAST_WASABI_PARTICIPANTS
        and len(in_values) >= participants
        and changes * 4 >= participants
    ):
        return CoinJoinMatch(WASABI_1, participants, value, changes)
    return None


def match_of(ledger: Ledger, tx: int) -> CoinJoinMatch | None:
    """Classify a transaction of the ledger. Cost: O(its inputs and outputs)."""
    first, end = int(ledger.in_off[tx]), int(ledger.in_off[tx + 1])
    first_out, end_out = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
    if end - first < LEAST_PARTICIPANTS or end_out - first_out < LEAST_OUTPUTS:
        return None
    return classify(
        ledger.in_value[first:end].tolist(),
        ledger.in_address[first:end].tolist(),
        ledger.out_value[first_out:end_out].tolist(),
        ledger.out_address[first_out:end_out].tolist(),
    )


def is_coinjoin(ledger: Ledger, tx: int) -> bool:
    """True if the transaction is taken for a CoinJoin."""
    return match_of(ledger, tx) is not None


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
