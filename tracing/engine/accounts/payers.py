"""Who paid a platform in one asset, over accounts, and whom it paid.

The same question as for coins (`tracing.engine.payers`). A transfer names no coin, so what came to
the payer before and may still have been there stands in its place.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np

from tracing.engine.accounts.exposure import transfer_place
from tracing.engine.accounts.index import NO_ACCOUNT
from tracing.engine.accounts.ledger import U32, AccountLedger
from tracing.engine.accounts.rows import Kind
from tracing.engine.payers import MAX_INPUTS, PlatformPayment, PlatformPayout

MAX_ROWS: Final = 4 * MAX_INPUTS
"""Transfers of one asset at a payer from which it is a service, whose payers nobody can tell."""


def main_asset(ledger: AccountLedger, platform: Collection[int]) -> int | None:
    """The asset that others paid to a platform most often, the first of equals; None for none."""
    paid = _paid_by_others(ledger, platform)
    numbers, counts = np.unique(ledger.row_asset[paid], return_counts=True)
    described = np.array([ledger.assets[n].decimals is not None for n in numbers.tolist()], bool)
    # Anybody can send tokens of any name: one that nobody described is no price of a platform.
    numbers, counts = (numbers[described], counts[described]) if described.any() else (
        numbers, counts
    )  # fmt: skip
    return int(numbers[int(np.argmax(counts))]) if len(numbers) else None


def account_payments_to(
    ledger: AccountLedger,
    platform: Collection[int],
    asset: int,
    *,
    services: Collection[int] = (),
    values: Collection[int] = (),
    from_time: int = 0,
    to_time: int = 2**32,
) -> list[PlatformPayment]:
    """Payments of an asset to the accounts of a platform by others, in chain order.

    Args:
        platform: account ids; what they pay each other is no payment.
        services: accounts that hold the money of many: what came to one says nothing of its payers.
        values: amounts that count as payments, empty for any.
        from_time, to_time: block times, both inclusive.

    A payer's wallet is single-use where the asset is whole and nothing but one transfer came to it
    and the same units went on: nobody else's money can be in it. Where what it held before the
    ledger begins is not known, it never is.

    Cost: O(transfers of the platform), and O(MAX_ROWS) for each payment.
    """
    paid = _paid_by_others(ledger, platform)
    paid = paid[ledger.row_asset[paid] == asset]
    times = ledger.row_time[paid]
    paid = paid[(times >= from_time) & (times <= to_time)]
    wanted = frozenset(values)
    whole = ledger.is_whole(asset)
    found = []
    for row in paid.tolist():
        if wanted and ledger.amount(row) not in wanted:
            continue
        payer = int(ledger.row_sender[row])
        sources, single = ([], False) if payer in services else _sources(
            ledger, payer, row, asset, whole=whole
        )  # fmt: skip
        found.append(
            PlatformPayment(
                transfer_place(ledger, row, int(ledger.row_recipient[row])),
                tuple(transfer_place(ledger, each, payer) for each in sources),
                single,
            )
        )
    return found


def account_payouts_from(
    ledger: AccountLedger,
    platform: Collection[int],
    asset: int,
    *,
    from_time: int = 0,
    to_time: int = 2**32,
) -> list[PlatformPayout]:
    """What the accounts of a platform paid to others of an asset, in chain order.

    Nothing is said of where it went on to: a transfer names no coin.

    Cost: O(transfers of the platform).
    """
    own = np.asarray(sorted(platform), np.uint32)
    if not len(own):
        return []
    rows = np.unique(np.concatenate([ledger.rows_of_address(int(each)) for each in own]))
    sender, recipient = ledger.row_sender[rows], ledger.row_recipient[rows]
    which = np.isin(sender, own) & ~np.isin(recipient, own) & (recipient != NO_ACCOUNT)
    which &= (ledger.row_failed[rows] == 0) & (ledger.row_kind[rows] != Kind.GAS)
    which &= ledger.row_amount[rows].any(axis=1) & (ledger.row_asset[rows] == asset)
    times = ledger.row_time[rows]
    which &= (times >= from_time) & (times <= to_time)
    return [
        PlatformPayout(
            transfer_place(ledger, row, int(ledger.row_recipient[row])),
            (ledger.address_text(int(ledger.row_sender[row])),),
            (),
            False,
        )
        for row in rows[which].tolist()
    ]


def _paid_by_others(ledger: AccountLedger, platform: Collection[int]) -> U32:
    """Transfers that moved something to these accounts, those among themselves left out."""
    own = np.asarray(sorted(platform), np.uint32)
    if not len(own):
        return np.empty(0, np.uint32)
    rows = np.unique(np.concatenate([ledger.rows_of_address(int(each)) for each in own]))
    sender, recipient = ledger.row_sender[rows], ledger.row_recipient[rows]
    which = np.isin(recipient, own) & ~np.isin(sender, own) & (sender != NO_ACCOUNT)
    which &= (ledger.row_failed[rows] == 0) & (ledger.row_kind[rows] != Kind.GAS)
    which &= ledger.row_amount[rows].any(axis=1)
    found: U32 = rows[which].astype(np.uint32)
    return found


def _sources(
    ledger: AccountLedger, payer: int, payment: int, asset: int, *, whole: bool
) -> tuple[list[int], bool]:
    """What came to the payer before and may still be there, and whether that is all there ever was.

    Of each inflow at most what the balance leaves room for is still there (the upper bound of every
    trace); where the balance is not known, nothing is ruled out.
    """
    rows = ledger.rows_of_address(payer)
    rows = rows[(ledger.row_asset[rows] == asset) & (ledger.row_failed[rows] == 0)]
    rows = rows[ledger.row_sender[rows] != ledger.row_recipient[rows]]
    if len(rows) > MAX_ROWS:
        return [], False
    balance = 0
    left: dict[int, int] = {}
    for row, units in zip(rows.tolist(), ledger.amounts(rows), strict=True):
        if row >= payment:
            break
        if ledger.row_recipient[row] == payer:
            balance += units
            left[row] = units
            continue
        balance -= units
        if whole:
            left = {each: rest for each, most in left.items() if (rest := min(most, balance)) > 0}
    if len(left) > MAX_INPUTS:
        return [], False
    first = int(rows[0])
    single = (
        whole
        and rows.tolist() == [first, payment]
        and ledger.row_recipient[first] == payer
        and ledger.amount(first) == ledger.amount(payment)
    )
    return sorted(left), bool(single)
