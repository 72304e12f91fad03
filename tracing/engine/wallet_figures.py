"""Whole figures of one wallet: how it is paid, how it pays, how long it waits, and whom it met.

A wallet is a set of addresses. What is said of its own addresses never counts: their codes are
looked at nowhere, not even where its money comes back to it. Nothing later than a given moment
counts either: a figure of last year is what it was then, but for what is known of others by now.
Shares are by haircut over two transactions: money of the first hand is near, of the second far.
They are reckoned in floating point and kept as whole permille: for a score, and never as money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.coinjoin import is_coinjoin
from tracing.engine.columns import ranges
from tracing.engine.ledger import I64, NO_ADDRESS, U64, UNKNOWN_OUTPUT, UNSPENT, Ledger

MOST_ADDRESSES: Final = 2_000
MOST_COINS: Final = 20_000
MOST_LOOKED: Final = 200_000
"""Coins of other wallets that are looked at on one side at one distance, the largest first."""
MOST_MIXES: Final = 200
DAY: Final = 86_400
ROUND: Final = 100_000  # sat: a thousandth of a bitcoin
NEVER: Final = 2**40
Codes = NDArray[np.uint16]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class WalletFigures:
    """Figures by name; `is_cut` where the wallet is larger than what was looked at.

    `first_at` is the time of its first coin in seconds since 1970, UTC.
    """

    figures: dict[str, int]
    is_cut: bool
    first_at: int


@dataclass(frozen=True)
class _Kinds:
    """Which codes are of which group of categories, and whose addresses are one's own."""

    codes: Codes
    groups: Mapping[str, Bools]  # by code
    own: I64  # sorted

    def of(self, addresses: I64) -> Codes:
        """The code of each, 0 for one's own and for those that are not known."""
        known = addresses != NO_ADDRESS
        found = np.where(known, self.codes[np.where(known, addresses, 0)], 0)
        return np.where(self.is_own(addresses), 0, found).astype(np.uint16)

    def is_own(self, addresses: I64) -> Bools:
        place = np.minimum(np.searchsorted(self.own, addresses), len(self.own) - 1)
        found: Bools = self.own[place] == addresses
        return found


def wallet_figures(
    ledger: Ledger,
    addresses: Sequence[int] | NDArray[np.uint32],
    codes: Codes,
    groups: Mapping[str, Sequence[int]],
    until: int = NEVER,
) -> WalletFigures | None:
    """The figures of a wallet up to a moment; None where it was not paid by then.

    Args:
        addresses: its address ids; codes: u16 by address, 0 where nothing is known.
        groups: name of a group of categories to its codes; two figures a side and group come of
            each: `permille_from_NAME_near`, `..._far`, `permille_to_NAME_near`, `..._far`.
        until: seconds since 1970, UTC.

    Cost: O(its coins and those of the transactions around it), both bounded.
    """
    own = np.unique(np.asarray(addresses[:MOST_ADDRESSES], np.int64))
    outs = _gather(ledger.outputs_of_address(int(each)) for each in own)
    ins = _gather(ledger.inputs_of_address(int(each)) for each in own)
    is_cut = len(addresses) > MOST_ADDRESSES or max(len(outs), len(ins)) > MOST_COINS
    outs, ins = outs[:MOST_COINS], ins[:MOST_COINS]
    out_tx, in_tx = ledger.out_tx[outs].astype(np.int64), ledger.in_tx[ins].astype(np.int64)
    paid_at = ledger.tx_time[out_tx].astype(np.int64)
    outs, out_tx, paid_at = (each[paid_at <= until] for each in (outs, out_tx, paid_at))
    in_tx = in_tx[ledger.tx_time[in_tx] <= until]
    spends = np.unique(in_tx)
    is_change = np.isin(out_tx, spends)
    coins, coin_tx, at = outs[~is_change], out_tx[~is_change], paid_at[~is_change]
    if not len(coins):
        return None
    most = int(codes.max(initial=0)) + 1
    kinds = _Kinds(
        codes, {name: np.isin(np.arange(most), list(each)) for name, each in groups.items()}, own
    )
    values = ledger.out_value[coins].astype(np.int64)
    found = _received(values, at) | _held(ledger, coins, values, at, until)
    found |= _paid(ledger, spends, in_tx, kinds)
    payers, shares = _behind(ledger, coin_tx, values, kinds)
    paid, ahead = _ahead(ledger, spends, kinds, until)
    joined = [tx for tx in spends[:MOST_MIXES].tolist() if is_coinjoin(ledger, tx)]
    moments = np.concatenate([at, ledger.tx_time[spends].astype(np.int64)])
    found |= {
        "num_addresses": len(addresses),
        "num_payers": payers,
        "num_payees": paid,
        "num_coinjoins": len(joined),
        "permille_mixed": _mixed(ledger, coin_tx, values),
        "seconds_alive": int(moments.max() - moments.min()),
    }
    return WalletFigures(found | shares | ahead, is_cut, int(at.min()))


def _gather(parts: Iterable[NDArray[np.uint32]]) -> I64:
    """Rows of all addresses in order, of a busy wallet no more than shows that it is too busy."""
    found: list[NDArray[np.uint32]] = []
    have = 0
    for part in parts:
        found.append(part[: MOST_COINS + 1])
        have += len(found[-1])
        if have > 10 * MOST_COINS:
            break
    return np.sort(np.concatenate(found).astype(np.int64)) if found else np.empty(0, np.int64)


def _received(values: I64, at: I64) -> dict[str, int]:
    """Of the coins that others paid in."""
    _, alike = np.unique(values, return_counts=True)
    _, days = np.unique(at // DAY, return_counts=True)
    return {
        "num_received": len(values),
        "sat_received": int(values.sum()),
        "largest_received": int(values.max()),
        "permille_alike": int(alike.max()) * 1_000 // len(values),
        "permille_round": int((values % ROUND == 0).sum()) * 1_000 // len(values),
        "most_received_in_a_day": int(days.max()),
        "days_received": len(days),
    }


def _held(ledger: Ledger, coins: I64, values: I64, at: I64, until: int) -> dict[str, int]:
    """How long coins lay before they went on."""
    spent_in = ledger.out_spent_in[coins]
    went = spent_in != UNSPENT
    left = np.full(len(coins), NEVER, np.int64)
    left[went] = ledger.tx_time[ledger.in_tx[spent_in[went]]]
    went = left <= until
    waits = np.maximum(left[went] - at[went], 0)
    total = max(int(values.sum()), 1)
    return {
        "seconds_held": int(np.median(waits)) if len(waits) else 0,
        "permille_quick": int(values[went][waits <= DAY].sum()) * 1_000 // total,
        "permille_kept": int(values[~went].sum()) * 1_000 // total,
    }


def _paid(ledger: Ledger, spends: I64, in_tx: I64, kinds: _Kinds) -> dict[str, int]:
    """Of the transactions that it spends in."""
    if not len(spends):
        return dict.fromkeys(
            ("num_spends", "most_spent_at_once", "most_paid_at_once", "num_sweeps"), 0
        )
    _, mine = np.unique(in_tx, return_counts=True)
    rows, place = _outputs(ledger, spends)
    outside = ~kinds.is_own(ledger.out_address[rows].astype(np.int64))
    others = np.bincount(place[outside], minlength=len(spends))
    whole = np.bincount(place, minlength=len(spends))
    return {
        "num_spends": len(spends),
        "most_spent_at_once": int(mine.max()),
        "most_paid_at_once": int(others.max()),
        "num_sweeps": int(((mine > 1) & (whole == 1)).sum()),
    }


def _outputs(ledger: Ledger, txs: I64) -> tuple[I64, I64]:
    """Outputs of transactions, and the place of the transaction of each."""
    first = ledger.out_off[txs].astype(np.int64)
    sizes = ledger.out_off[txs + 1].astype(np.int64) - first
    return ranges(first, sizes), np.repeat(np.arange(len(txs)), sizes)


def _inputs(ledger: Ledger, txs: I64) -> tuple[I64, I64]:
    first = ledger.in_off[txs].astype(np.int64)
    sizes = ledger.in_off[txs + 1].astype(np.int64) - first
    return ranges(first, sizes), np.repeat(np.arange(len(txs)), sizes)


def _spread(values: I64, place: I64, weights: Floats) -> Floats:
    """The weight of each place, shared among its rows by their values."""
    known = np.maximum(values, 0).astype(np.float64)
    sums = np.bincount(place, known, minlength=len(weights))
    return known * (weights / np.maximum(sums, 1))[place]


def _bounded(txs: I64, weights: Floats, off: U64) -> tuple[I64, Floats]:
    """Each transaction once with its weight, the heaviest, as far as their rows may be read."""
    each, place = np.unique(txs, return_inverse=True)
    sums = np.bincount(place, weights, minlength=len(each)).astype(np.float64)
    order = np.argsort(-sums, kind="stable")
    sizes = off[each[order] + 1].astype(np.int64) - off[each[order]].astype(np.int64)
    kept = order[np.cumsum(sizes) <= MOST_LOOKED]
    return each[kept], sums[kept]


def _shares(kinds: _Kinds, codes: Codes, weights: Floats, total: int) -> dict[str, int]:
    return {
        name: min(int(float(weights[mask[codes]].sum()) * 1_000 / total + 1e-6), 1_000)
        for name, mask in kinds.groups.items()
    }


def _told(side: str, near: Mapping[str, int], far: Mapping[str, int]) -> dict[str, int]:
    return {
        f"permille_{side}_{name}_{way}": value
        for way, found in (("near", near), ("far", far))
        for name, value in found.items()
    }


def _behind(ledger: Ledger, coin_tx: I64, values: I64, kinds: _Kinds) -> tuple[int, dict[str, int]]:
    """Who paid it, and the shares of what came in by who paid and who paid these."""
    total = max(int(values.sum()), 1)
    txs, weights = _bounded(coin_tx, values.astype(np.float64), ledger.in_off)
    rows, place = _inputs(ledger, txs)
    who = ledger.in_address[rows].astype(np.int64)
    codes, parts = kinds.of(who), _spread(ledger.in_value[rows], place, weights)
    near = _shares(kinds, codes, parts, total)
    spent = ledger.in_out[rows]
    on = (codes == 0) & (spent != UNKNOWN_OUTPUT) & (parts > 0)
    txs, weights = _bounded(ledger.out_tx[spent[on]].astype(np.int64), parts[on], ledger.in_off)
    rows, place = _inputs(ledger, txs)
    far_codes = kinds.of(ledger.in_address[rows].astype(np.int64))
    far = _shares(kinds, far_codes, _spread(ledger.in_value[rows], place, weights), total)
    return len(np.unique(who[who != NO_ADDRESS])), _told("from", near, far)


def _ahead(ledger: Ledger, spends: I64, kinds: _Kinds, until: int) -> tuple[int, dict[str, int]]:
    """Whom it paid, and the shares of what went out by whom it paid and whom these paid."""
    rows, _place = _outputs(ledger, spends)
    who = ledger.out_address[rows].astype(np.int64)
    rows, who = rows[~kinds.is_own(who)], who[~kinds.is_own(who)]
    values = ledger.out_value[rows].astype(np.int64)
    total = max(int(values.sum()), 1)
    codes = kinds.of(who)
    near = _shares(kinds, codes, values.astype(np.float64), total)
    spent_in = ledger.out_spent_in[rows]
    on = (codes == 0) & (spent_in != UNSPENT) & (values > 0)
    after = ledger.in_tx[spent_in[on]].astype(np.int64)
    early = ledger.tx_time[after] <= until
    txs, weights = _bounded(after[early], values[on][early].astype(np.float64), ledger.out_off)
    later, place = _outputs(ledger, txs)
    far_codes = kinds.of(ledger.out_address[later].astype(np.int64))
    far = _shares(kinds, far_codes, _spread(ledger.out_value[later], place, weights), total)
    return len(np.unique(who[who != NO_ADDRESS])), _told("to", near, far)


def _mixed(ledger: Ledger, coin_tx: I64, values: I64) -> int:
    """What came straight out of a CoinJoin, or of a coin that one made, of all that came in."""
    txs, weights = _bounded(coin_tx, values.astype(np.float64), ledger.in_off)
    total, mixed = max(int(values.sum()), 1), 0.0
    for tx, weight in zip(txs[:MOST_MIXES].tolist(), weights[:MOST_MIXES].tolist(), strict=True):
        if is_coinjoin(ledger, tx):
            mixed += weight
            continue
        spent = ledger.in_out[int(ledger.in_off[tx]) : int(ledger.in_off[tx + 1])]
        before = np.unique(ledger.out_tx[spent[spent != UNKNOWN_OUTPUT]])[:20].tolist()
        if any(is_coinjoin(ledger, each) for each in before):
            mixed += weight
    return min(int(mixed * 1_000 / total + 1e-6), 1_000)
