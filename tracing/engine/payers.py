"""Who paid a platform: each payment to its addresses with the coins that made it.

The ledger says which coins paid; whose they were is for the exchange's own records.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from tracing.engine.ends import Place, places_of
from tracing.engine.ledger import NO_ADDRESS, UNKNOWN_OUTPUT, Ledger

MAX_INPUTS = 64
"""Inputs looked at of one transaction: a payer brings a few coins, a service hundreds."""


@dataclass(frozen=True, slots=True)
class PlatformPayment:
    """One output to the platform.

    Args:
        sources: the coins spent by its transaction, where the ledger holds them.
        is_single_use: one coin of an address used for nothing else, wholly passed on: the payer's
            own wallet, as nobody else's money can be in it.
    """

    paid: Place
    sources: tuple[Place, ...]
    is_single_use: bool


def payments_to(
    ledger: Ledger,
    platform: Collection[int],
    *,
    values: Collection[int] = (),
    from_time: int = 0,
    to_time: int = 2**32,
) -> list[PlatformPayment]:
    """Payments to the addresses of a platform by others, in chain order.

    Args:
        platform: address ids; what they pay each other is no payment.
        values: amounts that count as payments, empty for any.
        from_time, to_time: block times, both inclusive.

    Cost: O(coins of the platform), and O(inputs) of the transactions that pay it.
    """
    own = frozenset(platform)
    if not own:
        return []
    coins = np.unique(
        np.concatenate([np.asarray(ledger.outputs_of_address(address)) for address in sorted(own)])
    ).astype(np.int64)
    times = np.asarray(ledger.tx_time)[np.asarray(ledger.out_tx)[coins]]
    coins = coins[(times >= from_time) & (times <= to_time)]
    if values:
        coins = coins[np.isin(np.asarray(ledger.out_value)[coins], sorted(values))]
    found: list[tuple[int, list[int], bool]] = []
    for coin in coins.tolist():
        tx = int(ledger.out_tx[coin])
        first, end = int(ledger.in_off[tx]), int(ledger.in_off[tx + 1])
        spenders: list[int] = np.asarray(ledger.in_address[first:end]).tolist()
        if ledger.tx_coinbase[tx] or not own.isdisjoint(spenders):
            continue
        spent = np.asarray(ledger.in_out[first : min(end, first + MAX_INPUTS)]).tolist()
        single = end - first == 1 and _is_single_use(ledger, tx, spenders[0])
        found.append((coin, [out for out in spent if out != UNKNOWN_OUTPUT], single))
    named = sorted({each for coin, sources, _single in found for each in (coin, *sources)})
    place = dict(zip(named, places_of(ledger, named), strict=True))
    return [
        PlatformPayment(place[coin], tuple(place[each] for each in sources), single)
        for coin, sources, single in found
    ]


def _is_single_use(ledger: Ledger, tx: int, address: int) -> bool:
    """Whether the address held one coin ever, and this transaction passed it on in one output."""
    if address == NO_ADDRESS or int(ledger.out_off[tx + 1]) - int(ledger.out_off[tx]) != 1:
        return False
    received, spent = ledger.outputs_of_address(address), ledger.inputs_of_address(address)
    return len(received) == 1 and len(spent) == 1
