"""Where followed value comes to rest, and how a result writes it down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracing.engine.ledger import I64, NO_ADDRESS, Ledger
from tracing.engine.rows import Rows


class Status(StrEnum):
    """What became of a coin that holds followed value."""

    PASSED_ON = "passed_on"
    UNSPENT = "unspent"
    SERVICE = "service"
    EXCHANGE_BOUNDARY = "exchange_boundary"
    COINJOIN = "coinjoin"
    BELOW_DUST = "below_dust"
    HOP_LIMIT = "hop_limit"
    IS_SEED = "is_seed"
    # Forward only.
    AFTER_HORIZON = "after_horizon"
    UNKNOWN_INPUT = "unknown_input"
    # Backward only.
    COINBASE = "coinbase"
    BEFORE_HORIZON = "before_horizon"
    UNKNOWN_OUTPUT = "unknown_output"
    # Accounts only: destroyed, issued, or held before the ledger begins.
    BURNED = "burned"
    MINTED = "minted"
    OPENING = "opening"


STATUSES: Final = (
    Status.PASSED_ON, Status.BELOW_DUST, Status.IS_SEED, Status.UNSPENT, Status.COINBASE,
    Status.AFTER_HORIZON, Status.BEFORE_HORIZON, Status.UNKNOWN_INPUT, Status.UNKNOWN_OUTPUT,
    Status.COINJOIN, Status.HOP_LIMIT, Status.SERVICE, Status.EXCHANGE_BOUNDARY,
)  # fmt: skip
"""Statuses of coins by their code in rows; the compiled kernel counts on this order."""

CODES: Final[Mapping[str, int]] = {status.value: code for code, status in enumerate(STATUSES)}

Lots: TypeAlias = tuple[tuple[int, int], ...]
"""(start, length) of followed units in a coin or transfer, in order."""


def joined_lots(pieces: Iterable[tuple[int, int]]) -> Lots:
    """Pieces in order, neighbours as one."""
    found: list[tuple[int, int]] = []
    for start, length in pieces:
        if found and found[-1][0] + found[-1][1] == start:
            found[-1] = (found[-1][0], found[-1][1] + length)
        elif length:
            found.append((start, length))
    return tuple(found)


def lots_json(lots: Lots) -> dict[str, object]:
    """What a row of a result says of them; nothing where there are none."""
    return {"lots": [[str(start), str(length)] for start, length in lots]} if lots else {}


@dataclass(frozen=True, slots=True)
class End:
    """A coin where following stopped.

    Args:
        coin: output id, or -1 - input id where the ledger does not hold the output an input spends.
        amount: units the policy puts here; low, high: sound bounds on them; hops: fewest
            transactions.
        lots: where in the coin they lie, as (start, length), for FIFO and LIFO at the exchange's
            wall: behind it the books go on with exactly these units. Empty where all of it is
            followed, and elsewhere.
    """

    coin: int
    amount: int
    low: int
    high: int
    hops: int
    status: Status
    lots: Lots = ()

    def to_row(self) -> list[int | str]:
        """The end as a flat row for a checkpoint."""
        lots = [number for lot in self.lots for number in lot]
        return [self.coin, self.amount, self.low, self.high, self.hops, self.status.value, *lots]

    @classmethod
    def from_row(cls, row: list[int | str]) -> End:
        """Read what `to_row` wrote."""
        coin, amount, low, high, hops = (int(cell) for cell in row[:5])
        status, lots = Status(str(row[5])), [int(cell) for cell in row[6:]]
        pairs = tuple(zip(lots[::2], lots[1::2], strict=True))
        return cls(coin, amount, low, high, hops, status, pairs)


class EndRows:
    """Ends in numbers, in the order they came; an `End` is made where one is read.

    Attributes:
        rows: (coin, amount, low, high, hops, code of the status); lots: by number of the row, where
            there are any.
    """

    WIDTH: Final = 6

    def __init__(self) -> None:
        self.rows = Rows(self.WIDTH)
        self.lots: dict[int, Lots] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, end: End) -> None:
        """One end."""
        if end.lots:
            self.lots[len(self)] = end.lots
        self.rows.add(end.coin, end.amount, end.low, end.high, end.hops, CODES[end.status])

    def add_many(self, table: I64, lots: Mapping[int, Lots]) -> None:
        """Rows of a table, and the lots of some by their number there."""
        begun = len(self)
        self.lots.update({begun + number: each for number, each in lots.items()})
        self.rows.add_many(table)

    @property
    def amount(self) -> int:
        """All of them together. Sums may pass 64 bits under poison."""
        return sum(self.rows.table()[:, 1].tolist())

    def ends(self) -> tuple[End, ...]:
        """In the order they came."""
        return self._made(self.rows.table(), range(len(self)))

    def ranked(self) -> tuple[End, ...]:
        """Largest amount first, then largest high, then chain order."""
        table = self.rows.table()
        order = np.lexsort((table[:, 0], -table[:, 3], -table[:, 1]))
        return self._made(table[order], order.tolist())

    def _made(self, table: I64, numbers: Sequence[int]) -> tuple[End, ...]:
        *cells, codes = table.T.tolist()
        statuses = map(STATUSES.__getitem__, codes)
        lots = (self.lots.get(number, ()) for number in numbers)
        return tuple(map(End, *cells, statuses, lots))


class Rested(Protocol):
    """An end of either kind."""

    @property
    def amount(self) -> int:
        """Base units."""

    @property
    def status(self) -> Status:
        """What became of them."""


def sums_by_status(ends: Iterable[Rested]) -> dict[str, str]:
    """Amounts by status, as texts of base units, the statuses in their order."""
    sums: dict[str, int] = {}
    for end in ends:
        sums[end.status.value] = sums.get(end.status.value, 0) + end.amount
    return {status: str(amount) for status, amount in sorted(sums.items())}


def utc_text(seconds: int) -> str:
    """Seconds since 1970 as `2025-01-06T00:10:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Place:
    """A coin in words: where it stands in the ledger."""

    txid: str
    vout: int | None
    outpoint: str
    address: str | None
    value: int
    height: int
    at: str


def place_of(ledger: Ledger, coin: int) -> Place:
    """The coin in words. An output not in the ledger is named by its input."""
    return places_of(ledger, [coin])[0]


def places_of(ledger: Ledger, coins: Sequence[int]) -> list[Place]:
    """Many coins in words, in their order. Cost: a few microseconds each."""
    at = np.array(coins, np.int64)
    is_held = at >= 0
    held, spent_by = at[is_held], -1 - at[~is_held]

    def either(of_output: NDArray[Any], of_input: NDArray[Any]) -> I64:
        found = np.empty(len(at), np.int64)
        found[is_held], found[~is_held] = of_output, of_input
        return found

    tx = either(ledger.out_tx[held], ledger.in_tx[spent_by])
    first = either(ledger.out_off[tx[is_held]], ledger.in_off[tx[~is_held]])
    address = either(ledger.out_address[held], ledger.in_address[spent_by])
    value = either(ledger.out_value[held], ledger.in_value[spent_by])
    known = np.unique(address[address != NO_ADDRESS]).tolist()
    texts = dict(zip(known, ledger.address_texts(known), strict=True))
    txids = {number: ledger.txid(number) for number in np.unique(tx).tolist()}
    time = ledger.tx_time[tx].astype(np.int64)
    clock = {seconds: utc_text(seconds) for seconds in np.unique(time).tolist()}
    rows = zip(
        is_held.tolist(), tx.tolist(), (either(held, spent_by) - first).tolist(), address.tolist(),
        value.tolist(), ledger.tx_height[tx].tolist(), time.tolist(), strict=True,
    )  # fmt: skip
    return [
        Place(
            txid=txids[number],
            vout=place if is_output else None,
            outpoint=f"{txids[number]}:{'' if is_output else 'in'}{place}",
            address=texts.get(who),
            value=worth,
            height=height,
            at=clock[seconds],
        )
        for is_output, number, place, who, worth, height, seconds in rows
    ]


def ends_json(ledger: Ledger, ends: Sequence[End]) -> list[dict[str, object]]:
    """The rows of `ends`; amounts are strings."""
    places = places_of(ledger, [end.coin for end in ends])
    return [_end_json(end, place) for end, place in zip(ends, places, strict=True)]


def _end_json(end: End, place: Place) -> dict[str, object]:
    return {
        "outpoint": place.outpoint,
        "txid": place.txid,
        "vout": place.vout,
        "address": place.address,
        "amount": str(end.amount),
        "value": str(place.value),
        "status": end.status.value,
        "hops": end.hops,
        "low": str(end.low),
        "high": str(end.high),
        "height": place.height,
        "at": place.at,
        **lots_json(end.lots),
    }
