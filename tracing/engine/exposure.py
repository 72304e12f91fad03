"""Exposure of a wallet: with which kinds of services did it deal, at first hand and beyond?

Direct means one transaction between wallet and service; indirect means over addresses that are no
service. Both come from one haircut trace that stops at every tagged address, so amounts conserve
and stand inside sound bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from tracing.engine.ends import End, Status
from tracing.engine.ledger import Ledger
from tracing.engine.spec import SERVICE, TraceSpec
from tracing.engine.trace import TICK_EVERY, TraceResult, trace
from tracing.engine.walk import Progress, Tick

R = TypeVar("R")

ALGORITHM: Final = "exposure-haircut-1"
HOPS: Final = (8, 4, 2, 1)
MAX_TRANSACTIONS: Final = 20_000
MAX_SEEDS: Final = 20_000

Codes = NDArray[np.uint16]
"""Category of each address as an index into the names, 0 where it has none."""


class CategoryWalls(Mapping[int, str]):
    """Every address with a category ends a trace, but the wallet's own addresses never do."""

    def __init__(self, codes: Codes, own: Iterable[int]) -> None:
        self._codes, self._own = codes, frozenset(own)

    def __getitem__(self, address: int) -> str:
        if address >= len(self._codes) or not self._codes[address] or address in self._own:
            raise KeyError(address)
        return SERVICE

    def __iter__(self) -> Iterator[int]:
        return (a for a in np.flatnonzero(self._codes).tolist() if a not in self._own)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True, slots=True)
class Contact:
    """One coin in which the wallet's money met an address with a category.

    On account ledgers `coin` is the number of a transfer, and `address` its far side.
    """

    coin: int
    code: int
    amount: int
    low: int
    high: int
    hops: int
    address: int

    @property
    def is_direct(self) -> bool:
        """Whether one transaction lies between wallet and service."""
        return self.hops <= 1


@dataclass(frozen=True)
class Exposure:
    """What a wallet sent (forward) or received (backward), by where it met a category.

    Args:
        seeds: all that was followed; own: what came back to the wallet itself, such as change.
        contacts: largest amount first; rest: what met no category, by status; fees.
        max_hops: how far it was followed; is_cut: whether a wider search was given up.
        seeds_left_out: coins beyond the limit, the oldest; they are followed nowhere.
    """

    direction: str
    seeds: int
    own: int
    contacts: tuple[Contact, ...]
    rest: Mapping[str, int]
    fees: int
    max_hops: int
    is_cut: bool
    seeds_left_out: int

    @property
    def turnover(self) -> int:
        """What really left or came, without what the wallet paid itself."""
        return self.seeds - self.own


class _TooFar(Exception):
    """The search passed its budget of transactions."""


def exposure(
    ledger: Ledger,
    wallet: Iterable[int],
    codes: Codes,
    direction: str,
    *,
    hops: tuple[int, ...] = HOPS,
    budget: int = MAX_TRANSACTIONS,
    coinjoin: str = "stop",
) -> Exposure:
    """Follow what a wallet sent or received to the addresses that have a category.

    Args:
        wallet: its address ids; codes: category of each address, see `Codes`.
        direction: `forward` for what it sent, `backward` for what it received.
        hops: limits to try, widest first; the last one is taken whatever it costs.
        budget: transactions a try may look at before the next limit is tried.

    Cost: one or a few haircut traces of at most `budget` transactions each, and one of the last
    limit.
    """
    own = sorted(set(wallet))
    seeds, left_out = _seeds(ledger, own, spent_only=direction == "forward")
    return _followed(ledger, seeds, left_out, own, codes, direction, hops, budget, coinjoin)


def coin_exposure(
    ledger: Ledger,
    coins: Iterable[int],
    codes: Codes,
    direction: str,
    *,
    hops: tuple[int, ...] = HOPS,
    budget: int = MAX_TRANSACTIONS,
    coinjoin: str = "stop",
) -> Exposure:
    """As `exposure`, of movements that somebody else's wallet made: those of an account.

    Args:
        coins: outputs that the account sent (forward) or was paid with (backward).

    A coin sent straight to an address with a category is a direct contact; what goes further is
    indirect, since the payment itself is one step. Cost as `exposure`.
    """
    found = sorted(set(coins))
    left_out = max(0, len(found) - MAX_SEEDS)
    found = found[-MAX_SEEDS:]
    if direction == "backward":
        return _followed(ledger, found, left_out, [], codes, direction, hops, budget, coinjoin)
    addresses: list[int] = np.asarray(ledger.out_address)[found].tolist() if found else []
    met = [
        (coin, address) for coin, address in zip(found, addresses, strict=True)
        if address < len(codes) and codes[address]
    ]  # fmt: skip
    at_once = {coin for coin, _address in met}
    others = [coin for coin in found if coin not in at_once]
    gone = _followed(ledger, others, left_out, [], codes, direction, hops, budget, coinjoin)
    contacts = [replace(each, hops=each.hops + 1) for each in gone.contacts]
    for coin, address in met:
        value = int(ledger.out_value[coin])
        contacts.append(Contact(coin, int(codes[address]), value, value, value, 1, address))
    contacts.sort(key=lambda contact: (-contact.amount, contact.coin))
    whole = sum(int(ledger.out_value[coin]) for coin in at_once)
    return replace(gone, contacts=tuple(contacts), seeds=gone.seeds + whole)


def _followed(
    ledger: Ledger,
    seeds: list[int],
    left_out: int,
    own: list[int],
    codes: Codes,
    direction: str,
    hops: tuple[int, ...],
    budget: int,
    coinjoin: str,
) -> Exposure:
    """Contacts of these coins; those at `own` addresses are no end."""
    walls = CategoryWalls(codes, own)

    def follow(limit: int, tick: Tick | None) -> TraceResult:
        spec = TraceSpec(
            seeds=tuple(seeds), direction=direction, max_hops=limit, walls=walls, coinjoin=coinjoin
        )
        return trace(spec, ledger, tick, every=TICK_EVERY)

    found, limit = widest(follow, hops, budget)
    contacts, rest, returned = _sorted_out(ledger, (*found.ends, *found.possible), codes)
    return Exposure(
        direction=direction,
        seeds=found.sheet.seeds,
        own=returned,
        contacts=tuple(contacts),
        rest=rest,
        fees=found.sheet.fees,
        max_hops=limit,
        is_cut=limit != hops[0],
        seeds_left_out=left_out,
    )


def widest(
    follow: Callable[[int, Tick | None], R], hops: Sequence[int], budget: int
) -> tuple[R, int]:
    """The widest search that stays within a budget of transactions, and its limit of hops.

    Args:
        follow: given a limit and a tick, runs one search; hops: limits to try, the last whatever
            it costs.
    """

    def tick(progress: Progress) -> None:
        if progress.transactions > budget:
            raise _TooFar

    for limit in hops[:-1]:
        try:
            return follow(limit, tick), limit
        except _TooFar:
            continue
    return follow(hops[-1], None), hops[-1]


def _seeds(ledger: Ledger, own: list[int], *, spent_only: bool) -> tuple[list[int], int]:
    """The coins the wallet received, or of them those it spent; the newest where too many."""
    parts = [np.asarray(ledger.outputs_of_address(address)).astype(np.int64) for address in own]
    coins = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)
    if spent_only:
        coins = coins[np.asarray(ledger.out_spent_in)[coins] < ledger.num_inputs]
    return coins[-MAX_SEEDS:].tolist(), max(0, len(coins) - MAX_SEEDS)


def _sorted_out(
    ledger: Ledger, ends: Iterable[End], codes: Codes
) -> tuple[list[Contact], dict[str, int], int]:
    """Ends at a category, sums of the others by status, and what came back to the wallet."""
    contacts: list[Contact] = []
    rest: dict[str, int] = {}
    own = 0
    for end in ends:
        if end.status is Status.IS_SEED:
            own += end.amount
        elif end.status is Status.SERVICE:
            address = _address_of(ledger, end.coin)
            contacts.append(
                Contact(
                    end.coin, int(codes[address]), end.amount, end.low, end.high, end.hops, address
                )
            )  # fmt: skip
        elif end.amount:
            rest[end.status.value] = rest.get(end.status.value, 0) + end.amount
    contacts.sort(key=lambda contact: (-contact.amount, contact.coin))
    return contacts, dict(sorted(rest.items())), own


def _address_of(ledger: Ledger, coin: int) -> int:
    """The address id of an end, also of one that the ledger knows only by its input."""
    return int(ledger.out_address[coin] if coin >= 0 else ledger.in_address[-1 - coin])
