"""Who paid a platform, and whom it paid: each payment with the coins behind and before it.

The ledger says which coins paid; whose they were is for the exchange's own records.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from tracing.engine.coinjoin import is_coinjoin
from tracing.engine.ends import Place, places_of
from tracing.engine.ledger import NO_ADDRESS, UNKNOWN_OUTPUT, UNSPENT, Ledger

MAX_INPUTS = 64
"""Inputs looked at of one transaction: a payer brings a few coins, a service hundreds."""
MAX_OUTPUTS = 64
"""Outputs of a transaction from which it is a service's, whose payees are not the wallet's."""


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


@dataclass(frozen=True, slots=True)
class PlatformPayout:
    """One output that a platform paid to others.

    Args:
        by: the platform's addresses that it was paid from.
        passed_on: the outputs of the transaction that spent it, where the ledger holds one.
        is_single_use: it came to an address used for nothing else and was wholly passed on in one
            output: the payee's own wallet, as nobody else's money can be in it.
    """

    paid: Place
    by: tuple[str, ...]
    passed_on: tuple[Place, ...]
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


def payouts_from(
    ledger: Ledger, platform: Collection[int], *, from_time: int = 0, to_time: int = 2**32
) -> list[PlatformPayout]:
    """What the addresses of a platform paid to others, in chain order.

    A CoinJoin pays nobody: whose output is whose is not known there, neither where the platform
    spends nor where the payee passes it on. A coin spent together with others' is no payout either.

    Args:
        platform: address ids; what they pay each other, change among it, is no payout.
        from_time, to_time: block times of the payout, both inclusive.

    Cost: O(coins of the platform), and O(inputs and outputs) of the transactions that spend them
    and of those that spend what they paid.
    """
    own = frozenset(platform)
    if not own:
        return []
    spent = [np.asarray(ledger.inputs_of_address(address)) for address in sorted(own)]
    txs = np.unique(np.asarray(ledger.in_tx)[np.concatenate(spent)]).astype(np.int64)
    times = np.asarray(ledger.tx_time)[txs]
    found: list[tuple[int, list[int], list[int], bool]] = []
    for tx in txs[(times >= from_time) & (times <= to_time)].tolist():
        first, end = int(ledger.in_off[tx]), int(ledger.in_off[tx + 1])
        spenders = set(np.asarray(ledger.in_address[first:end]).tolist())
        if not spenders <= own or is_coinjoin(ledger, tx):
            continue
        for coin in range(int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])):
            address = int(ledger.out_address[coin])
            if address != NO_ADDRESS and address not in own:
                onward, single = _onward(ledger, coin, address)
                found.append((coin, sorted(spenders), onward, single))
    named = sorted({each for coin, _, onward, _ in found for each in (coin, *onward)})
    place = dict(zip(named, places_of(ledger, named), strict=True))
    payers = sorted({address for _, by, _, _ in found for address in by})
    text = dict(zip(payers, ledger.address_texts(payers), strict=True))
    return [
        PlatformPayout(
            place[coin],
            tuple(text[address] for address in by),
            tuple(place[each] for each in onward),
            single,
        )
        for coin, by, onward, single in found
    ]


def _onward(ledger: Ledger, coin: int, address: int) -> tuple[list[int], bool]:
    """The outputs that a coin went on to, and whether its address was used for nothing else."""
    spent_in = int(ledger.out_spent_in[coin])
    if spent_in == UNSPENT or spent_in >= ledger.num_inputs:
        return [], False
    tx = int(ledger.in_tx[spent_in])
    first, end = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
    num_inputs = int(ledger.in_off[tx + 1]) - int(ledger.in_off[tx])
    if end - first > MAX_OUTPUTS or num_inputs > MAX_INPUTS or is_coinjoin(ledger, tx):
        return [], False
    single = num_inputs == 1 and _is_single_use(ledger, tx, address)
    return list(range(first, end)), single


def _is_single_use(ledger: Ledger, tx: int, address: int) -> bool:
    """Whether the address held one coin ever, and this transaction passed it on in one output."""
    if address == NO_ADDRESS or int(ledger.out_off[tx + 1]) - int(ledger.out_off[tx]) != 1:
        return False
    received, spent = ledger.outputs_of_address(address), ledger.inputs_of_address(address)
    return len(received) == 1 and len(spent) == 1
