"""Where followed value comes to rest, and how a result writes it down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from tracing.engine.ledger import NO_ADDRESS, Ledger


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
    address = _address_of(ledger, coin)
    return _place(ledger, coin, None if address == NO_ADDRESS else ledger.address_text(address))


def places_of(ledger: Ledger, coins: Sequence[int]) -> list[Place]:
    """Many coins in words, in their order: their addresses are written at once."""
    addresses = [_address_of(ledger, coin) for coin in coins]
    known = sorted(set(addresses) - {NO_ADDRESS})
    texts = dict(zip(known, ledger.address_texts(known), strict=True))
    return [
        _place(ledger, coin, texts.get(address))
        for coin, address in zip(coins, addresses, strict=True)
    ]


def _address_of(ledger: Ledger, coin: int) -> int:
    return int(ledger.out_address[coin] if coin >= 0 else ledger.in_address[-1 - coin])


def _place(ledger: Ledger, coin: int, address: str | None) -> Place:
    if coin >= 0:
        tx, value = int(ledger.out_tx[coin]), int(ledger.out_value[coin])
        number = coin - int(ledger.out_off[tx])
        txid = ledger.txid(tx)
        outpoint, vout = f"{txid}:{number}", number
    else:
        spent_by = -1 - coin
        tx, value = int(ledger.in_tx[spent_by]), int(ledger.in_value[spent_by])
        txid = ledger.txid(tx)
        outpoint, vout = f"{txid}:in{spent_by - int(ledger.in_off[tx])}", None
    return Place(
        txid=txid,
        vout=vout,
        outpoint=outpoint,
        address=address,
        value=value,
        height=int(ledger.tx_height[tx]),
        at=utc_text(int(ledger.tx_time[tx])),
    )


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
