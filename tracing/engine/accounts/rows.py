"""What the files of an account chain amount to: blocks, transactions, transfers, tokens.

Order of a chain is (block, transaction, place). Within a transaction gas comes first, because a
node takes it first; then the value the transaction carries, the token transfers by log number, and
the internal transfers in call order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Protocol, TypeAlias

NATIVE: Final = ""
"""Reference of the chain's own coin; tokens are written `erc20:0x...` or `trc20:T...`."""
NO_PARENT: Final = bytes(32)
"""The file does not say which block came before."""
NOBODY: Final = bytes(20)
"""The zero address: tokens are issued from it and destroyed at it, and gas goes to it here."""
MAX_AMOUNT: Final = 2**256 - 1
TRANSFER_TOPIC: Final = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak256("Transfer(address,address,uint256)")."""
PLACE_GAS: Final = 0
PLACE_NATIVE: Final = 1
PLACE_LOG: Final = 2
PLACE_INTERNAL: Final = 1 << 31
AFTER_ALL: Final = 0xFFFFFFFF
"""Transaction number of what a block pays out itself, after its transactions."""


class Kind(IntEnum):
    """What moved the value; the number is stored."""

    NATIVE = 0
    TOKEN = 1
    INTERNAL = 2
    GAS = 3
    REWARD = 4

    @property
    def label(self) -> str:
        """Lower-case name, such as `token`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A block; `num_tx` is None where the file does not say how many transactions it has."""

    number: int
    hash: bytes
    parent: bytes
    time: int
    num_tx: int | None


@dataclass(frozen=True, slots=True)
class TxRow:
    """A transaction whose outcome is known; `created` is the contract it made."""

    number: int
    block: bytes
    index: int
    txid: bytes
    failed: bool
    created: bytes | None = None


@dataclass(frozen=True, slots=True)
class TransferRow:
    """One movement of one asset; `amount` in base units. A failed one moved nothing."""

    number: int
    block: bytes
    tx_index: int
    place: int
    txid: bytes
    asset: str
    sender: bytes
    recipient: bytes
    amount: int
    kind: Kind
    failed: bool = False

    @property
    def key(self) -> tuple[bytes, int, int]:
        """What makes it one and the same row in whatever file it stands."""
        return self.block, self.tx_index, self.place


@dataclass(frozen=True, slots=True)
class TokenRow:
    """What a file says of a token; decimals are never guessed."""

    asset: str
    symbol: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not taken: file, its number there, what it is, and why."""

    source: str
    row: int
    what: str
    reason: str


@dataclass
class Parsed:
    """All files of one load together."""

    chain_id: int | None = None
    blocks: dict[bytes, BlockRow] = field(default_factory=dict)
    txs: dict[bytes, TxRow] = field(default_factory=dict)
    transfers: dict[tuple[bytes, int, int], TransferRow] = field(default_factory=dict)
    tokens: dict[str, TokenRow] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    num_accepted: int = 0

    @property
    def num_rows(self) -> int:
        """Rows in all: each is accepted, or refused with its reason."""
        return self.num_accepted + len(self.refused)


class Known(Protocol):
    """What a ledger holds already, read only where it is asked for."""

    @property
    def blocks(self) -> Mapping[bytes, BlockRow]:
        """Blocks by hash."""

    @property
    def txs(self) -> Mapping[bytes, TxRow]:
        """Transactions by id."""


class Nothing:
    """A ledger that is empty yet."""

    blocks: Mapping[bytes, BlockRow] = {}
    txs: Mapping[bytes, TxRow] = {}


Stored: TypeAlias = Callable[[Parsed], Known]
"""Told the rows gathered so far (their chain above all), gives what is stored of their ledger."""


def nothing_stored(_parsed: Parsed) -> Known:
    """For files that speak for themselves."""
    return Nothing()
