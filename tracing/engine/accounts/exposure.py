"""Exposure of accounts in one asset: with which kinds of services did they deal?

The same question as for coins, put to one haircut trace that stops at every tagged account. What
comes back to the account itself ends there too: all that it pays is followed on its own account.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from tracing.engine.accounts.ledger import U32, AccountLedger
from tracing.engine.accounts.rows import Kind
from tracing.engine.accounts.trace import TICK_EVERY, AccountTraceResult, trace_accounts
from tracing.engine.accounts.walk import AccountEnd
from tracing.engine.ends import Place, Status, utc_text
from tracing.engine.exposure import (
    HOPS,
    MAX_SEEDS,
    MAX_TRANSACTIONS,
    Codes,
    Contact,
    Exposure,
    widest,
)
from tracing.engine.spec import SERVICE, TraceSpec
from tracing.engine.walk import Tick


class AccountWalls(Mapping[int, str]):
    """Every account with a category ends a trace as a service, those asked about as a seed."""

    def __init__(self, codes: Codes, own: Iterable[int]) -> None:
        self._codes, self._own = codes, frozenset(own)

    def __getitem__(self, account: int) -> str:
        if account in self._own:
            return Status.IS_SEED.value
        if account >= len(self._codes) or not self._codes[account]:
            raise KeyError(account)
        return SERVICE

    def __iter__(self) -> Iterator[int]:
        tagged = np.flatnonzero(self._codes).tolist()
        return iter(sorted({*tagged, *self._own}))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def account_exposure(
    ledger: AccountLedger,
    account: int,
    asset: int,
    codes: Codes,
    direction: str,
    *,
    hops: Sequence[int] = HOPS,
    budget: int = MAX_TRANSACTIONS,
) -> Exposure | None:
    """Follow what an account paid or received of an asset to the accounts that have a category.

    Args:
        codes: category of each account, see `Codes`.
        direction: `forward` for what it paid (gas apart), `backward` for what it received.
        hops: limits to try, widest first, the last whatever it costs; budget: transfers of a try.

    Returns None where it paid or received none. A transfer between account and service is one hop.

    Cost: as `tracing.engine.exposure.exposure`, in transfers.
    """
    return accounts_exposure(ledger, (account,), asset, codes, direction, hops=hops, budget=budget)


def accounts_exposure(
    ledger: AccountLedger,
    accounts: Sequence[int],
    asset: int,
    codes: Codes,
    direction: str,
    *,
    hops: Sequence[int] = HOPS,
    budget: int = MAX_TRANSACTIONS,
) -> Exposure | None:
    """As `account_exposure`, of several accounts as one: what they pay each other is nobody's."""
    seeds = _seeds(ledger, accounts, asset, paid=direction == "forward")
    return transfers_exposure(
        ledger, seeds, codes, direction, own=accounts, hops=hops, budget=budget
    )


def transfers_exposure(
    ledger: AccountLedger,
    transfers: Sequence[int],
    codes: Codes,
    direction: str,
    *,
    own: Sequence[int] = (),
    hops: Sequence[int] = HOPS,
    budget: int = MAX_TRANSACTIONS,
) -> Exposure | None:
    """As `account_exposure`, of given transfers of one asset, whoever made them.

    Args:
        transfers: what was paid (forward) or received (backward); own: what comes back to these
            accounts ends there.
    """
    seeds = sorted(set(transfers))
    if not seeds:
        return None
    walls = AccountWalls(codes, own)

    def follow(limit: int, tick: Tick | None) -> AccountTraceResult:
        # Forward a walk counts transfers behind its seeds, backward the seed is the first.
        spec = TraceSpec(
            seeds=tuple(seeds[-MAX_SEEDS:]),
            direction=direction,
            max_hops=limit - 1 if direction == "forward" else limit,
            walls=walls,
        )
        return trace_accounts(spec, ledger, tick, every=TICK_EVERY)

    found, limit = widest(follow, hops, budget)
    contacts, rest, returned = _sorted_out((*found.ends, *found.possible), codes, direction)
    return Exposure(
        direction=direction,
        seeds=found.sheet.seeds,
        own=returned,
        contacts=tuple(contacts),
        rest=rest,
        fees=found.sheet.fees,
        max_hops=limit,
        is_cut=limit != hops[0],
        seeds_left_out=max(0, len(seeds) - MAX_SEEDS),
    )


def assets_of(ledger: AccountLedger, *accounts: int) -> list[int]:
    """Assets that moved at accounts, those of known decimals first, then by number of transfers.

    Anybody can send tokens of any name to an address, so what nobody described comes last.
    """
    rows = np.unique(np.concatenate([ledger.rows_of_address(each) for each in accounts]))
    moved = rows[(ledger.row_failed[rows] == 0) & (ledger.row_kind[rows] != Kind.GAS)]
    return ranked_assets(ledger, moved)


def ranked_assets(ledger: AccountLedger, moved: U32) -> list[int]:
    """The assets of these transfers, each once, in the order of `assets_of`."""
    numbers, counts = np.unique(ledger.row_asset[moved], return_counts=True)
    ranked = [
        (ledger.assets[asset].decimals is None, -count, asset)
        for asset, count in zip(numbers.tolist(), counts.tolist(), strict=True)
    ]
    return [asset for _, _, asset in sorted(ranked)]


def transfer_place(ledger: AccountLedger, row: int, account: int) -> Place:
    """A transfer in words, seen from the account at which it stopped."""
    return Place(
        txid=ledger.txid(int(ledger.row_tx[row])),
        vout=ledger.index_of(row),
        outpoint=ledger.outpoint(row),
        address=ledger.address_text(account),
        value=ledger.amount(row),
        height=int(ledger.row_height[row]),
        at=utc_text(int(ledger.row_time[row])),
    )


def _seeds(ledger: AccountLedger, accounts: Sequence[int], asset: int, *, paid: bool) -> list[int]:
    """Transfers the accounts paid or received of an asset; gas and among themselves are none."""
    rows = np.unique(np.concatenate([ledger.rows_of_address(each) for each in accounts]))
    near, far = ledger.row_sender[rows], ledger.row_recipient[rows]
    if not paid:
        near, far = far, near
    own = np.asarray(accounts, near.dtype)
    which = np.isin(near, own) & ~np.isin(far, own) & (ledger.row_asset[rows] == asset)
    which &= (ledger.row_failed[rows] == 0) & (ledger.row_kind[rows] != Kind.GAS)
    which &= ledger.row_amount[rows].any(axis=1)
    found: list[int] = rows[which].tolist()
    return found


def _sorted_out(
    ends: Iterable[AccountEnd], codes: Codes, direction: str
) -> tuple[list[Contact], dict[str, int], int]:
    """Ends at a category, sums of the others by status, and what came back to the account."""
    contacts: list[Contact] = []
    rest: dict[str, int] = {}
    own = 0
    nearer = 1 if direction == "forward" else 0
    for end in ends:
        if end.status is Status.IS_SEED:
            own += end.amount
        elif end.status is Status.SERVICE:
            contacts.append(
                Contact(
                    end.row, int(codes[end.account]), end.amount, end.low, end.high,
                    end.hops + nearer, end.account,
                )
            )  # fmt: skip
        elif end.amount:
            rest[end.status.value] = rest.get(end.status.value, 0) + end.amount
    contacts.sort(key=lambda contact: (-contact.amount, contact.coin))
    return contacts, dict(sorted(rest.items())), own
