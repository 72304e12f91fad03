"""The probable layer: which output of a payment its payer probably kept. Never a part of a cluster.

A wallet that pays somebody sends what is left over to a new address of its own. Where exactly one
output looks like that, it probably is; "probably" stays said, and nothing is merged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from tracing.engine.clusters import Clusters
from tracing.engine.coinjoin import is_coinjoin
from tracing.engine.ledger import NO_ADDRESS, U8, UNKNOWN_OUTPUT, Ledger

OUTPUTS: Final = range(2, 11)
ROUND: Final = 1_000
"""Amounts that people choose are multiples of this; what is left over hardly ever is."""
MOST_LOOKED_AT: Final = 500
"""Payments of a wallet that are looked at, the newest."""


@dataclass(frozen=True)
class Change:
    """The one output of a payment that its payer probably kept, with the facts that matched.

    Attributes:
        coin, address, value: the output; kind: script kind, that of all inputs too.
        least_input: satoshi of the smallest coin spent, more than `value`: whoever pays would not
            have spent it to pay this.
        num_outputs: of the payment; no other of them fits.
    """

    tx: int
    coin: int
    address: int
    value: int
    kind: int
    least_input: int
    num_outputs: int


def change_of(ledger: Ledger, kinds: U8, tx: int) -> Change | None:
    """The probable change of a transaction, None where no output or more than one fits.

    It pays an address never seen before, once, of the script kind of all inputs, less than the
    least of them, and no round amount; the transaction has 2 to 10 outputs and is no CoinJoin.

    Args:
        kinds: script kind of every output of the ledger.

    Cost: O(inputs + outputs). Source: Meiklejohn and others, "A Fistful of Bitcoins" (2013),
    heuristic 2, with the conditions of GraphSense's one-time change.
    """
    ins = slice(int(ledger.in_off[tx]), int(ledger.in_off[tx + 1]))
    outs = range(int(ledger.out_off[tx]), int(ledger.out_off[tx + 1]))
    spent = ledger.in_out[ins]
    if ledger.tx_coinbase[tx] or len(outs) not in OUTPUTS or (spent == UNKNOWN_OUTPUT).any():
        return None
    spent_kinds = np.unique(kinds[spent])
    if len(spent_kinds) != 1 or is_coinjoin(ledger, tx):
        return None
    kind, least = int(spent_kinds[0]), int(ledger.in_value[ins].min())
    paid = ledger.out_address[outs.start : outs.stop].tolist()
    fits = [
        coin
        for coin, address in zip(outs, paid, strict=True)
        if address != NO_ADDRESS
        and int(kinds[coin]) == kind
        and int(ledger.out_value[coin]) < least
        and int(ledger.out_value[coin]) % ROUND
        and paid.count(address) == 1
        and int(ledger.outputs_of_address(address)[0]) == coin
    ]
    if len(fits) != 1:
        return None
    (coin,) = fits
    return Change(
        tx, coin, int(ledger.out_address[coin]), int(ledger.out_value[coin]), kind, least, len(outs)
    )


def probable_changes(
    ledger: Ledger, kinds: U8, clusters: Clusters, members: Iterable[int]
) -> list[Change]:
    """Changes of a cluster's newest payments that lie outside of it, the newest first.

    Cost: O(the members' inputs), and `change_of` for at most `MOST_LOOKED_AT` payments.
    """
    every = [ledger.in_tx[ledger.inputs_of_address(address)] for address in members]
    if not every:
        return []
    newest = np.unique(np.concatenate(every))[::-1][:MOST_LOOKED_AT]
    found = [change_of(ledger, kinds, tx) for tx in newest.tolist()]
    return [
        each
        for each in found
        if each is not None
        and clusters.parent[each.address]
        != clusters.parent[int(ledger.in_address[int(ledger.in_off[each.tx])])]
    ]
