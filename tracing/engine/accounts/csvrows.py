"""Transfers of an account chain out of CSV, by a column map that says what stands where.

An export of a block explorer or of an exchange knows neither block hashes nor the order within a
block. Both are made here from what it says, always the same for the same row, so that files may
overlap and be loaded twice.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tracing.engine.accounts.ledger import KNOWN_TOKENS, NATIVE_COIN
from tracing.engine.accounts.replies import RowError
from tracing.engine.accounts.rows import (
    MAX_AMOUNT,
    NATIVE,
    NO_PARENT,
    PLACE_INTERNAL,
    PLACE_LOG,
    BlockRow,
    Kind,
    Parsed,
    Refusal,
    Stored,
    TokenRow,
    TransferRow,
    TxRow,
    nothing_stored,
)
from tracing.engine.accounts.tron_forms import token_name
from tracing.engine.chains import TRON, decode_chain_address
from tracing.errors import AddressError, BlockFileError, ParametersError

MOST_FIELD: Final = 10_000
U31: Final = 0x7FFFFFFF
_TXID: Final = re.compile(r"(?:0[xX])?([0-9a-fA-F]{64})")
_HEIGHT: Final = re.compile(r"[0-9]{1,9}")
_PLACES: Final = re.compile(r"[0-9]{1,2}")
_AMOUNT: Final = re.compile(r"[0-9]{1,78}(?:\.[0-9]{1,77})?")


@dataclass(frozen=True)
class ColumnMap:
    """What stands in which column; empty where the file has no such column.

    Args:
        txid, block, time, sender, recipient, amount: must be there. `time` is seconds since 1970,
            or ISO 8601, read as UTC where it names no zone.
        token: contract; an empty cell, or no such column, is the chain's own coin.
        symbol, decimals: of the token. tx_index: number of the transaction in its block.
        status: outcome; failed: words of it that mean that nothing moved.
        in_base_units: whether amounts are base units, else they are decimals of the token.
        thousands: a sign to leave out of amounts, such as a comma. delimiter: between cells.
    """

    txid: str
    block: str
    time: str
    sender: str
    recipient: str
    amount: str
    token: str = ""
    symbol: str = ""
    decimals: str = ""
    tx_index: str = ""
    status: str = ""
    failed: tuple[str, ...] = ()
    in_base_units: bool = False
    thousands: str = ""
    delimiter: str = ","

    @property
    def columns(self) -> list[str]:
        """Every column the map names."""
        told = (self.txid, self.block, self.time, self.sender, self.recipient, self.amount,
                self.token, self.symbol, self.decimals, self.tx_index, self.status)  # fmt: skip
        return [name for name in told if name]


def column_map(text: str) -> ColumnMap:
    """Read a map from TOML. Raises ParametersError naming what cannot be used."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ParametersError(f"The column map is not TOML: {error}.") from None
    known = {each.name: str(each.type) for each in fields(ColumnMap)}
    for name, value in table.items():
        if name not in known:
            raise ParametersError(f"The column map has the unknown key {name!r}.")
        wanted: type | tuple[type, ...] = {"bool": bool, "str": str}.get(known[name], list)
        if not isinstance(value, wanted):
            raise ParametersError(f"The column map has a {name} that cannot be used: {value!r}.")
    missing = [n for n in list(known)[:6] if not table.get(n)]
    if missing:
        raise ParametersError(f"The column map does not name {', '.join(missing)}.")
    table["failed"] = tuple(str(word).lower() for word in table.get("failed", ()))
    found = ColumnMap(**table)
    if len(found.delimiter) != 1:
        raise ParametersError("The delimiter of the column map is one sign.")
    return found


def parse_csv(
    files: Iterable[tuple[str, bytes]],
    columns: ColumnMap,
    chain: str,
    stored: Stored = nothing_stored,
) -> Parsed:
    """Every row of the files, accepted or refused with its reason.

    Args:
        chain: CAIP-2 key; stored: what the ledger holds, so that no block of another source is
            mixed with these rows.

    Raises BlockFileError: a file is no UTF-8 text or lacks a column; then nothing of any counts.

    Cost: about 20 us a row.
    """
    parsed = Parsed()
    taken = stored(parsed).blocks
    reader = _Reader(columns, chain, {block.number: block.hash for block in taken.values()})
    for source, data in files:
        for number, row in _rows(data, source, columns):
            try:
                reader.take(parsed, row)
            except RowError as error:
                parsed.refused.append(Refusal(source, number, "row", str(error)))
            else:
                parsed.num_accepted += 1
        reader.end_file()
    return parsed


def _rows(data: bytes, source: str, columns: ColumnMap) -> Iterable[tuple[int, Mapping[str, Any]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BlockFileError("not a text of UTF-8", error.start, source) from None
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=columns.delimiter, strict=True)
    try:
        lacking = [name for name in columns.columns if name not in (rows.fieldnames or ())]
        if lacking:
            raise BlockFileError(f"it has no column {', '.join(lacking)}", 0, source)
        yield from enumerate(rows, 2)  # the head is row 1
    except csv.Error as error:
        raise BlockFileError(f"row {rows.line_num} cannot be read: {error}", 0, source) from None


class _Reader:
    """Rows to transfers; remembers what stands in each block, so that no two ids collide."""

    def __init__(self, columns: ColumnMap, chain: str, stored: Mapping[int, bytes]) -> None:
        self.columns, self.chain, self._stored = columns, chain, stored
        self._is_tron = chain == TRON[1]
        self._txids: dict[tuple[int, int], bytes] = {}
        self._same: Counter[bytes] = Counter()

    def end_file(self) -> None:
        """The next file may repeat rows of this one."""
        self._same.clear()

    def take(self, parsed: Parsed, row: Mapping[str, Any]) -> None:
        """Add one row. Raises RowError."""
        if None in row or None in row.values():
            raise RowError("it has more or fewer cells than the head")
        if any(len(cell) > MOST_FIELD for cell in row.values()):
            raise RowError("a cell is too long")
        cells = {name: row[name].strip() for name in self.columns.columns}
        height, time = self._height(cells), self._time(cells)
        block = hashlib.sha256(f"csv:{self.chain}:{height}".encode()).digest()
        if self._stored.get(height, block) != block:
            raise RowError(f"block {height} is stored from another source")
        txid = self._txid(cells)
        index = self._index(cells, height, txid)
        asset, units, token = self._amount(cells)
        failed = cells.get(self.columns.status, "").lower() in self.columns.failed
        sender = self._address(cells[self.columns.sender], "sender")
        recipient = self._address(cells[self.columns.recipient], "recipient")
        parsed.blocks.setdefault(block, BlockRow(height, block, NO_PARENT, time, None))
        if self.columns.status:
            parsed.txs[txid] = TxRow(height, block, index, txid, failed)
        if token is not None:
            parsed.tokens[asset] = token
        transfer = TransferRow(
            height, block, index, self._place(txid, asset, sender, recipient, units), txid, asset,
            sender, recipient, units, Kind.TOKEN if asset else Kind.NATIVE, failed,
        )  # fmt: skip
        parsed.transfers[transfer.key] = transfer

    def _height(self, cells: Mapping[str, str]) -> int:
        text = cells[self.columns.block]
        if not _HEIGHT.fullmatch(text):
            raise RowError(f"the block is no number: {text[:40]!r}")
        return int(text)

    def _time(self, cells: Mapping[str, str]) -> int:
        text = cells[self.columns.time]
        try:
            if text.isascii() and text.isdigit():
                found = int(text)
            else:
                at = datetime.fromisoformat(text)
                found = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            found = -1
        if not 0 <= found < 1 << 32:
            raise RowError(f"the time cannot be read: {text[:40]!r}")
        return found

    def _txid(self, cells: Mapping[str, str]) -> bytes:
        found = _TXID.fullmatch(cells[self.columns.txid])
        if found is None:
            raise RowError("the transaction id is not 64 hex digits")
        return bytes.fromhex(found[1])

    def _index(self, cells: Mapping[str, str], height: int, txid: bytes) -> int:
        """The number the file gives, else one made of the id, which is not the block's order."""
        text = cells.get(self.columns.tx_index, "")
        if text and not _HEIGHT.fullmatch(text):
            raise RowError(f"the number of the transaction is none: {text[:40]!r}")
        index = int(text) if text else int.from_bytes(txid[-4:], "big") & U31
        if self._txids.setdefault((height, index), txid) != txid:
            raise RowError("another transaction has the same number in this block")
        return index

    def _address(self, text: str, name: str) -> bytes:
        try:
            found = decode_chain_address(text)
        except AddressError as error:
            raise RowError(f"the {name} is no address: {error}") from None
        if found.family != ("tron" if self._is_tron else "evm"):
            raise RowError(f"the {name} is an address of another chain")
        return bytes.fromhex(found.payload_hex)

    def _amount(self, cells: Mapping[str, str]) -> tuple[str, int, TokenRow | None]:
        """Asset, base units, and what the row says of the token. Nothing is rounded."""
        asset, told = NATIVE, None
        symbol, places = NATIVE_COIN.get(self.chain, ("ETH", 18))
        contract = cells.get(self.columns.token, "")
        decimals: int | None = places
        if contract:
            payload = self._address(contract, "token")
            asset = token_name(payload) if self._is_tron else f"erc20:0x{payload.hex()}"
            known = KNOWN_TOKENS.get((self.chain, asset))
            decimals = known[1] if known else None
            text = cells.get(self.columns.decimals, "")
            if text:
                if not _PLACES.fullmatch(text) or int(text) > 77:
                    raise RowError(f"the decimals are no number: {text[:40]!r}")
                decimals = int(text)
                symbol = cells.get(self.columns.symbol, "")[:20]
                told = TokenRow(asset, symbol, decimals)
        text = cells[self.columns.amount].replace(self.columns.thousands or "\0", "")
        if not _AMOUNT.fullmatch(text):
            raise RowError(f"the amount is no number: {text[:40]!r}")
        if self.columns.in_base_units:
            decimals = 0
        if decimals is None:
            raise RowError(f"nobody says how many decimals {contract} has")
        try:
            sign, digits, exponent = Decimal(text).as_tuple()
        except InvalidOperation:
            raise RowError(f"the amount is no number: {text[:40]!r}") from None
        assert sign == 0
        assert isinstance(exponent, int)
        units = int("".join(map(str, digits)) or "0")
        scale = decimals + exponent
        whole, rest = (units * 10**scale, 0) if scale >= 0 else divmod(units, 10**-scale)
        if rest:
            raise RowError(f"the amount has more decimals than the {decimals} there are")
        if whole > MAX_AMOUNT:
            raise RowError("the amount is larger than 2^256")
        return asset, whole, told

    def _place(self, txid: bytes, asset: str, sender: bytes, recipient: bytes, units: int) -> int:
        """A place within the transaction, made of the row; equal rows of one file are counted."""
        key = b"".join((txid, asset.encode(), sender, recipient, units.to_bytes(32, "big")))
        self._same[key] += 1
        digest = hashlib.sha256(key + self._same[key].to_bytes(4, "big")).digest()
        return PLACE_LOG + int.from_bytes(digest[:4], "big") % (PLACE_INTERNAL - PLACE_LOG)
