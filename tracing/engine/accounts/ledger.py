"""An account ledger as the walks see it: transfers in chain order, and the rows of each address.

Amounts are 256-bit numbers, kept as 32 bytes and read as Python integers, so nothing overflows and
nothing is rounded. Whether an account's balance is known from its first unit on is a property of
the asset: see `is_whole`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracing.engine.accounts.index import NO_ACCOUNT, NOT_THERE, Index, Level
from tracing.engine.accounts.rows import (
    NATIVE,
    Kind,
    TokenRow,
)
from tracing.engine.accounts.tron_forms import tron_address
from tracing.engine.chains import TRON, ChainAddress, checksummed, decode_chain_address
from tracing.errors import AddressError

U8: TypeAlias = NDArray[np.uint8]
U32: TypeAlias = NDArray[np.uint32]
Arrays: TypeAlias = dict[str, NDArray[Any]]  # arrays of several types under their names

SLIP44: Final = {"tron": 195}
"""Coin type of the native asset by CAIP-2 namespace; Ethereum-like ones have 60, but see below."""
SLIP44_OF_CHAIN: Final = {"eip155:56": 714, "eip155:137": 966}


@dataclass(frozen=True)
class AssetFacts:
    """An asset of a ledger. `decimals` is None where no file says; `created` is the block height
    at which the ledger saw its contract made, None where it did not.
    """

    reference: str
    symbol: str
    decimals: int | None
    created: int | None


KNOWN_TOKENS: Final = {
    ("eip155:1", "erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"): ("USDT", 6),
    ("eip155:1", "erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"): ("USDC", 6),
    ("eip155:1", "erc20:0x6b175474e89094c44da98b954eedeac495271d0f"): ("DAI", 18),
    ("eip155:1", "erc20:0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"): ("WETH", 18),
    ("eip155:1", "erc20:0x2260fac5e5542a773aa44fbcfedf7c193bc2c599"): ("WBTC", 8),
    (TRON[1], "trc20:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"): ("USDT", 6),
}
"""What the issuers' contracts answer to `symbol()` and `decimals()`; contracts never change it."""
NATIVE_COIN: Final = {"eip155:56": ("BNB", 18), "eip155:137": ("POL", 18), TRON[1]: ("TRX", 6)}


def native_reference(chain: str) -> str:
    """The asset part of CAIP-19 of a chain's own coin."""
    number = SLIP44_OF_CHAIN.get(chain) or SLIP44.get(chain.partition(":")[0], 60)
    return f"slip44:{number}"


def asset_facts(
    chain: str, assets: Sequence[str], tokens: Mapping[str, TokenRow], created: Mapping[str, int]
) -> list[AssetFacts]:
    """Facts of the assets by number: what files said first, then the known tokens."""
    found = []
    for name in assets:
        if name == NATIVE:
            symbol, decimals = NATIVE_COIN.get(chain, ("ETH", 18))
            found.append(AssetFacts(native_reference(chain), symbol, decimals, None))
            continue
        told = tokens.get(name)
        known = KNOWN_TOKENS.get((chain, name), ("", None))
        words, places = (told.symbol, told.decimals) if told else known
        found.append(AssetFacts(name, words or "", places, created.get(name)))
    return found


class AccountLedger:
    """A pinned snapshot of an account chain; arrays are read-only and may be memory-mapped.

    Attributes:
        row_height, row_time, row_tx, row_asset, row_kind, row_failed: of each transfer.
        row_sender, row_recipient: address ids or NO_ACCOUNT; row_amount: u8[n, 32], big endian.
        tx_off: first transfer of each transaction, one more at the end; tx_failed: u8.
        block_height, block_time, block_hash, block_whole: of each block; whole where the outcome of
            every transaction of it is known.
        assets: facts by asset id; index: finds transactions, addresses and their rows.
    """

    row_height: U32
    row_time: U32
    row_tx: U32
    row_asset: U32
    row_kind: U8
    row_failed: U8
    row_sender: U32
    row_recipient: U32
    row_amount: U8
    tx_off: NDArray[np.uint64]
    tx_failed: U8
    block_height: U32
    block_time: U32
    block_hash: U8
    block_whole: U8

    def __init__(
        self,
        arrays: Mapping[str, NDArray[Any]],  # arrays of several types
        levels: Sequence[Level],
        assets: Sequence[AssetFacts],
        *,
        name: str,
        chain: str,
        height: int,
        tip_hash: str,
        epoch: int,
    ) -> None:
        self.name = name
        self.chain = chain
        self.height = height
        self.tip_hash = tip_hash
        self.epoch = epoch
        self.assets = tuple(assets)
        for key in ARRAYS:
            setattr(self, key, arrays[key])
        self._txid, self._address = arrays["txid"], arrays["address"]
        self.num_rows = len(self.row_height)
        self.index = Index(levels, self._txid, self._address, self.num_rows)
        self.num_tx = len(self._txid)
        self.num_addresses = len(self._address)
        self._is_tron = chain == TRON[1]

    def amount(self, row: int) -> int:
        """Base units of a transfer."""
        return int.from_bytes(self.row_amount[row].tobytes(), "big")

    def amounts(self, rows: U32) -> list[int]:
        """Base units of many transfers. Cost: some 0.2 us each."""
        data = self.row_amount[rows].tobytes()
        return [int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)]

    def asset_name(self, asset: int) -> str:
        """The asset's CAIP-19 name."""
        return f"{self.chain}/{self.assets[asset].reference}"

    def find_asset(self, text: str) -> int | None:
        """An asset by CAIP-19 name, reference, contract address, or symbol where only one has it.

        Empty text means the chain's own coin. None if the ledger does not have it.
        """
        wanted = text.removeprefix(f"{self.chain}/")
        if not wanted or wanted.lower() == "native":
            wanted = native_reference(self.chain)
        for number, facts in enumerate(self.assets):
            reference = facts.reference
            same = wanted in (reference, reference.partition(":")[2])
            if same or (not self._is_tron and wanted.lower() in (reference, reference[6:])):
                return number
        symbols = [n for n, f in enumerate(self.assets) if f.symbol and f.symbol == wanted.upper()]
        return symbols[0] if len(symbols) == 1 else None

    def is_whole(self, asset: int) -> bool:
        """Whether every unit of the asset is in sight: its contract was made within the ledger, and
        no block and no outcome is missing since.
        """
        created = self.assets[asset].created
        if created is None:
            return False
        since = self.block_height >= created
        heights = self.block_height[since].astype(np.int64)
        return bool(
            len(heights)
            and heights[0] == created
            and (np.diff(heights) == 1).all()
            and self.block_whole[since].all()
        )

    def txid(self, tx: int) -> str:
        """The transaction's id as people write it."""
        return self.hash_text(self._txid[tx])

    def hash_text(self, digest: U8) -> str:
        """32 bytes as this chain writes them: with 0x on Ethereum-like ones."""
        text = digest.tobytes().hex()
        return text if self._is_tron else f"0x{text}"

    def hash_at(self, height: int) -> str | None:
        """Hash of the chain's block at a height, without 0x; None if there is none."""
        place = int(np.searchsorted(self.block_height, height))
        if place == len(self.block_height) or int(self.block_height[place]) != height:
            return None
        return str(self.block_hash[place].tobytes().hex())

    def find_tx(self, txid: str) -> int | None:
        """The transaction of this id, None if there is none."""
        try:
            wanted = bytes.fromhex(txid.lower().removeprefix("0x"))
        except ValueError:
            return None
        if len(wanted) != 32:
            return None
        return self.index.find_tx(wanted)

    def rows_of_tx(self, tx: int) -> range:
        """Transfers of a transaction, in order."""
        return range(int(self.tx_off[tx]), int(self.tx_off[tx + 1]))

    def numbered(self, tx: int) -> list[int]:
        """Transfers of a transaction that `txid:index` counts: all but gas, from 0."""
        return [row for row in self.rows_of_tx(tx) if self.row_kind[row] != Kind.GAS]

    def outpoint(self, row: int) -> str:
        """The name of a transfer: `txid:index`, or `txid:gas`."""
        tx = int(self.row_tx[row])
        index = self.index_of(row)
        return f"{self.txid(tx)}:{'gas' if index is None else index}"

    def index_of(self, row: int) -> int | None:
        """Number of a transfer in its transaction, None for gas."""
        if self.row_kind[row] == Kind.GAS:
            return None
        first = int(self.tx_off[int(self.row_tx[row])])
        gas = int((self.row_kind[first:row] == Kind.GAS).sum())
        return row - first - gas

    def address_text(self, address: int) -> str:
        """The canonical text of an address id: lower case, or base58 on TRON."""
        if address == NO_ACCOUNT:
            return self.payload_text(bytes(20))
        return self.payload_text(self.payload(address))

    def payload_text(self, payload: bytes) -> str:
        """20 bytes in the canonical form of this chain."""
        return tron_address(payload) if self._is_tron else f"0x{payload.hex()}"

    def shown(self, address: int) -> str:
        """The form people read: with the capitals of EIP-55."""
        text = self.address_text(address)
        return text if self._is_tron else checksummed(bytes.fromhex(text[2:]))

    def decode(self, text: str) -> ChainAddress:
        """An address of this chain's family. Raises AddressError."""
        found = decode_chain_address(text)
        if found.family != ("tron" if self._is_tron else "evm"):
            raise AddressError(f"an address of another chain ({found.family})")
        return found

    def find_address(self, text: str) -> int | None:
        """The id of an address text, None if it is none or the ledger has never seen it."""
        try:
            wanted = bytes.fromhex(self.decode(text).payload_hex)
        except AddressError:
            return None
        return self.index.find_address(wanted)

    def find_addresses(self, texts: Sequence[str]) -> list[int | None]:
        """The ids of many address texts, each as `find_address`."""
        payloads = np.zeros((len(texts), 20), np.uint8)
        known = np.zeros(len(texts), np.bool_)
        for i, text in enumerate(texts):
            with suppress(AddressError):
                payloads[i] = np.frombuffer(bytes.fromhex(self.decode(text).payload_hex), np.uint8)
                known[i] = True
        found = np.where(known, self.index.find_addresses(payloads), NOT_THERE)
        return [None if each == NOT_THERE else each for each in found.tolist()]

    def rows_of_address(self, address: int) -> U32:
        """Transfers from or to the address, ascending, failed ones too."""
        return self.index.rows_of(address)

    def payload(self, address: int) -> bytes:
        """The 20 bytes of an address id."""
        found: bytes = self._address[address].tobytes()
        return found


ARRAYS: Final = (
    *("row_height", "row_time", "row_tx", "row_asset", "row_kind", "row_failed", "row_sender"),
    *("row_recipient", "row_amount", "tx_off", "tx_failed", "block_height", "block_time"),
    *("block_hash", "block_whole"),
)
