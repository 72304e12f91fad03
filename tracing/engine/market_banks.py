"""Clusters that work like a market's bank: fresh deposit addresses, soon swept, batched payouts,
and a steady fee to one wallet.

Shops and payment processors look alike, so it is a hint that needs a fact from outside. Definition:
X7 of cases/detection/red_flags.yaml; what is found is measured there against its figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.ledger import NO_ADDRESS, Ledger

LEAST_DEPOSITS: Final = 50
"""Clusters with fewer deposit addresses are not looked at."""
MOST_REUSED: Final = 3  # deposits: a buyer may come back, the address of a till has hundreds
FRESH_PCT: Final = 75
BATCH: Final = 3  # payees of one payout
LEAST_BATCHES: Final = 5
LEAST_FEES: Final = 4
FEE_SPREAD_PCT: Final = 10
"""Payments to the fee wallet within this of their median are steady."""
STEADY_PCT: Final = 80  # of the payments to the fee wallet, at least
SWEPT_PCT: Final = 90  # of the deposits that were swept
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MarketBank:
    """What the ledger shows of one cluster, named by its earliest address.

    hours: within which nine of ten deposits that were swept had been; fee_bp: of what was paid in.
    """

    anchor: int
    num_deposits: int
    hours: int
    num_batches: int
    fee_wallet: int
    fee_bp: int


def find_market_banks(
    ledger: Ledger, parent: Ints, least: int = LEAST_DEPOSITS
) -> list[MarketBank]:
    """Every cluster of the partition that works so, by its earliest address.

    Args:
        parent: the anchor of each address.

    Cost: O(ledger) for sorting the outputs of clusters of at least `least` addresses.
    """
    sizes = np.bincount(parent, minlength=len(parent))
    anchors = np.flatnonzero(sizes >= least)
    if not len(anchors):
        return []
    number = np.full(len(parent) + 1, -1, np.int64)  # the last stands for no address
    number[:-1][anchors] = np.arange(len(anchors))
    number[:-1] = number[:-1][parent]
    out_tx, paid_to = np.asarray(ledger.out_tx), _labels(number, np.asarray(ledger.out_address))
    spender = _spenders(ledger, number)
    paid_by = spender[out_tx]
    found = []
    for place, came, went in _by_cluster(paid_to, paid_by, len(anchors)):
        bank = _judge(ledger, int(anchors[place]), came, went)
        if bank is not None and bank.num_deposits >= least:
            found.append(bank)
    return found


def _labels(number: Ints, addresses: NDArray[np.uint32]) -> Ints:
    most = len(number) - 1
    known = np.where(addresses == NO_ADDRESS, most, addresses)
    labels: Ints = number[np.minimum(known, most)]
    return labels


def _spenders(ledger: Ledger, number: Ints) -> Ints:
    """By transaction, the cluster of its first input; -1 for none that counts."""
    spender = np.full(ledger.num_tx, -1, np.int64)
    starts, ends = (np.asarray(ledger.in_off[side]).astype(np.int64) for side in (
        slice(0, ledger.num_tx), slice(1, ledger.num_tx + 1),
    ))  # fmt: skip
    some = np.flatnonzero(ends > starts)
    first = np.asarray(ledger.in_address)[starts[some]]
    spender[some] = _labels(number, first)
    return spender


def _by_cluster(paid_to: Ints, paid_by: Ints, count: int) -> list[tuple[int, Ints, Ints]]:
    """(cluster, outputs that others paid to it, outputs that it paid to others)."""
    came = np.flatnonzero((paid_to >= 0) & (paid_to != paid_by))
    went = np.flatnonzero((paid_by >= 0) & (paid_to != paid_by))
    came = came[np.argsort(paid_to[came], kind="stable")]
    went = went[np.argsort(paid_by[went], kind="stable")]
    places = np.arange(count + 1)
    first_in = np.searchsorted(paid_to[came], places)
    first_out = np.searchsorted(paid_by[went], places)
    return [
        (n, came[first_in[n] : first_in[n + 1]], went[first_out[n] : first_out[n + 1]])
        for n in range(count)
    ]


def _judge(ledger: Ledger, anchor: int, came: Ints, went: Ints) -> MarketBank | None:
    addresses, times = np.unique(np.asarray(ledger.out_address)[came], return_counts=True)
    if not len(addresses) or (times <= MOST_REUSED).mean() * 100 < FRESH_PCT:
        return None
    hours = _hours_until_swept(ledger, came)
    batches, sizes = np.unique(np.asarray(ledger.out_tx)[went], return_counts=True)
    num_batches = int((sizes >= BATCH).sum())
    fee = _fee_wallet(ledger, went, set(batches[sizes >= BATCH].tolist()))
    total = int(np.asarray(ledger.out_value)[came].astype(object).sum())
    if hours is None or fee is None or num_batches < LEAST_BATCHES or not total:
        return None
    wallet, amount = fee
    return MarketBank(anchor, len(addresses), hours, num_batches, wallet, amount * 10_000 // total)


def _hours_until_swept(ledger: Ledger, came: Ints) -> int | None:
    spent_in = np.asarray(ledger.out_spent_in)[came]
    swept = spent_in < ledger.num_inputs
    if not swept.any():
        return None
    times = np.asarray(ledger.tx_time).astype(np.int64)
    later = times[np.asarray(ledger.in_tx)[spent_in[swept]]]
    earlier = times[np.asarray(ledger.out_tx)[came[swept]]]
    waited = np.sort(later - earlier)
    return int(waited[-(-(len(waited) - 1) * SWEPT_PCT // 100)]) // 3_600


def _fee_wallet(ledger: Ledger, went: Ints, batched: set[int]) -> tuple[int, int] | None:
    """The address that was paid alone, most often and steadily, and how much in all."""
    out_tx, out_address = np.asarray(ledger.out_tx)[went], np.asarray(ledger.out_address)[went]
    values = np.asarray(ledger.out_value)[went]
    alone = np.asarray([tx not in batched for tx in out_tx.tolist()], np.bool_)
    alone &= out_address != NO_ADDRESS
    addresses, times = np.unique(out_address[alone], return_counts=True)
    for place in np.argsort(-times, kind="stable").tolist():
        if times[place] < LEAST_FEES:
            return None
        paid = values[alone & (out_address == addresses[place])]
        middle = int(np.median(paid))
        steady = np.abs(paid - middle) * 100 <= middle * FEE_SPREAD_PCT
        if int(steady.sum()) * 100 >= len(steady) * STEADY_PCT:
            return int(addresses[place]), int(paid.astype(object).sum())
    return None
