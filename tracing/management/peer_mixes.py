"""What GraphSense says of a transaction: its published rules for CoinJoins, restated.

Two of them are public. The older one flags transactions as they are stored (`is_coinjoin` of
`graphsenselib/ingest/utxo.py`, after BlockSci); the newer ones answer a question about one
transaction (`heuristics_service.py`: JoinMarket, Wasabi 1.x, Wasabi 2.0, Whirlpool; any of them is
its verdict, a Tx0 is not). Source: graphsense-lib of 2026, MIT. Nothing but the accuracy page
uses them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracing.engine.ledger import NO_ADDRESS

TOKEN_DUST: Final = (546, 2_730)
BASE: Final = 10_000_000
POOLS: Final = (100_000, 1_000_000, 5_000_000, 50_000_000)


@dataclass(frozen=True)
class Sides:
    """A transaction as the rules see it: values in satoshi, and who is behind them as numbers.

    `NO_ADDRESS` stands for a script without an address, and for an input whose owner is not known.
    """

    in_values: Sequence[int]
    in_owners: Sequence[int]
    out_values: Sequence[int]
    out_owners: Sequence[int]

    @property
    def num_payers(self) -> int:
        """Distinct owners of inputs; those that are not known count as different ones."""
        known = {owner for owner in self.in_owners if owner != NO_ADDRESS}
        return len(known) + sum(owner == NO_ADDRESS for owner in self.in_owners)

    @property
    def paid(self) -> list[int]:
        """Values of the outputs that have an address."""
        rows = zip(self.out_values, self.out_owners, strict=True)
        return [value for value, owner in rows if owner != NO_ADDRESS]

    @property
    def pays_each_once(self) -> bool:
        """Whether no address is paid twice."""
        known = [owner for owner in self.out_owners if owner != NO_ADDRESS]
        return len(set(known)) == len(known)


def flagged_when_stored(tx: Sides) -> bool:
    """The older rule: half of the outputs are of one value, and as many owners bring inputs."""
    num_out = len(tx.out_values)
    participants = (num_out + 1) // 2
    if len(tx.in_values) < 2 or num_out < 3 or participants > tx.num_payers:
        return False
    counts = Counter(tx.out_values)
    most = max(counts.values())
    value = min(value for value, count in counts.items() if count == most)
    return most == participants and value not in TOKEN_DUST


def told_on_request(tx: Sides, least_equal: int = 2) -> bool:
    """The newer rules together.

    Args:
        least_equal: equal outputs that the JoinMarket rule asks for; with 2 it says so itself at a
            confidence of 20 of 100, from 3 on at 49.
    """
    return (
        _joinmarket(tx, least_equal) or _wasabi_1(tx) or _wasabi_2(tx) or _whirlpool(tx)
    )  # fmt: skip


def _joinmarket(tx: Sides, least: int) -> bool:
    paid = tx.paid
    counts = Counter(value for value in paid if value > TOKEN_DUST[1])
    if not counts:
        return False
    ((_, equal),) = counts.most_common(1)
    fits = equal >= len(paid) / 2 and least <= equal <= tx.num_payers
    return fits and tx.pays_each_once


def _wasabi_1(tx: Sides) -> bool:
    paid, levels, times = tx.paid, [], 1
    while times * BASE <= max(paid, default=0):
        near = sum(abs(value - times * BASE) <= times * (BASE // 20) for value in paid)
        levels += [near] if near >= 2 else []
        times *= 2
    if not levels or not max(levels) <= tx.num_payers <= 7 * max(levels):
        return False
    mixed = sum(levels)
    is_most = mixed >= (len(paid) - 1) / 2 or mixed >= len(paid) - tx.num_payers - 1
    return is_most and tx.pays_each_once


def _wasabi_2(tx: Sides) -> bool:
    paid, num_in = tx.paid, len(tx.in_values)
    if num_in < 50 or not tx.pays_each_once or min(paid, default=0) < 5_000:
        return False
    equal = sum(count for count in Counter(paid).values() if count >= 2)
    return equal > 0 and equal >= (len(paid) - 1) / 2 and equal >= num_in / 10


def _whirlpool(tx: Sides) -> bool:
    paid = tx.paid
    if (len(tx.in_values), tx.num_payers, len(paid)) != (5, 5, 5) or not tx.pays_each_once:
        return False
    pool = paid[0]
    over = [value - pool for value in tx.in_values if value != pool]
    return (
        pool in POOLS
        and set(paid) == {pool}
        and 1 <= len(over) <= 4
        and all(100 <= more <= 100_000 for more in over)
    )
