"""Sound bounds on taint: no ordering of the units inside a mix can leave them.

The span of haircut, FIFO and LIFO is no interval for the truth; these bounds are. They bound the
units that
came along followed transfers: what a run cut may come back by another way and is then not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


def of_part(value: int, total: int, low: int, high: int) -> tuple[int, int]:
    """Bounds for a part of a mix.

    Args:
        value: units in the part; total: units in the whole mix; low, high: bounds on tainted units
            in the mix.

    Returns:
        (low, high) of the part: what the clean units cannot fill, and no more than there is.

    Cost: O(1). Source: the pigeonhole principle; recurrence "UTXO output" of `docs/tracing.md`.
    """
    return max(0, value - (total - low)), min(value, high)


@dataclass(frozen=True)
class Holding:
    """A wallet or pool holding `balance` units, of them between `low` and `high` tainted."""

    balance: int = 0
    low: int = 0
    high: int = 0

    def take(self, amount: int) -> tuple[tuple[int, int], Holding]:
        """Bounds on an outflow and the holding after it. Raises ValueError beyond the balance."""
        if not 0 <= amount <= self.balance:
            raise ValueError(f"cannot take {amount} from {self.balance}")
        rest = self.balance - amount
        moved = of_part(amount, self.balance, self.low, self.high)
        return moved, Holding(rest, max(0, self.low - amount), min(self.high, rest))

    def put(self, amount: int, low: int, high: int) -> Holding:
        """The holding after an inflow with its own bounds."""
        balance = self.balance + amount
        return Holding(balance, min(balance, self.low + low), min(balance, self.high + high))


def of_total(parts: Iterable[tuple[int, int]], seeds: int) -> tuple[int, int]:
    """Valid but loose bounds on a sum over different wallets: bounds cannot all be met at once."""
    low = high = 0
    for part_low, part_high in parts:
        low += part_low
        high += part_high
    return low, min(high, seeds)
