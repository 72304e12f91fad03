"""Blocks of a live Ethereum-like node, asked for by JSON-RPC, into a stored ledger.

Whoever syncs a chain brings `ask`: one call of the node, with its own host check, retries and rate
limit, and a line in the log of outside look-ups. Here is only which calls a block needs, and where
the stored chain and the node's part ways.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

from tracing.engine.accounts.evm import parse_evm
from tracing.engine.accounts.replies import RowError, hexed, number
from tracing.engine.accounts.rows import NATIVE, Parsed, TokenRow
from tracing.errors import LedgerError
from tracing.ledgers import names
from tracing.ledgers.accounts.load import AccountLoadReport, load_rows, open_account_ledger

Ask: TypeAlias = Callable[..., Any]
"""`ask(method, *params)` answers the call's result; it raises NodeRefused where the node says no,
and whatever the transport raises where there is no answer.
"""

BATCH: Final = 200
"""Blocks stored at once: a sync that is stopped loses at most these."""
U32: Final = 0xFFFFFFFE
_DECIMALS: Final = "0x313ce567"
_SYMBOL: Final = "0x95d89b41"


class NodeRefused(LedgerError):
    """The node answered a call with an error; `str()` is its own words."""


def load_from_node(
    home: Path, name: str, ask: Ask, first: int = 0, last: int | None = None
) -> list[AccountLoadReport]:
    """Bring a ledger up to the node's tip, or to block `last`, in batches of blocks.

    Starts behind the last stored block that the node still has, so a reorganisation is read anew
    and what it replaced goes stale; `first` counts for an empty ledger. Internal transfers come
    where the node offers `trace_block`.

    Raises LedgerError: the node is of another chain, or contradicts what is stored. NodeRefused:
    it refuses a call that every node answers.

    Cost: two to three calls a block and one more for each transaction, where the node does not
    offer `eth_getBlockReceipts`.
    """
    chain_id = number_of(ask("eth_chainId"), "eth_chainId")
    ledger = names.choose_evm(home, name, chain_id)
    tip = number_of(ask("eth_blockNumber"), "eth_blockNumber")
    until = tip if last is None else min(last, tip)
    at = next_height(home, ledger, ask, first)
    reports = []
    while at <= until:
        end = min(at + BATCH - 1, until)
        parsed = read_blocks(ask, at, end)
        _name_tokens(home, ledger, ask, parsed)
        reports.append(load_rows(home, ledger, parsed))
        at = end + 1
    return reports


def next_height(home: Path, ledger: str, ask: Ask, first: int) -> int:
    """The first block to ask for: behind the highest stored one that the node still has."""
    if ledger not in names.present(home):
        return first
    stored = open_account_ledger(home, ledger)
    heights, hashes = stored.block_height.tolist(), stored.block_hash
    for place in range(len(heights) - 1, -1, -1):
        block = ask("eth_getBlockByNumber", hex(heights[place]), False)
        if block and str(block.get("hash")) == f"0x{hashes[place].tobytes().hex()}":
            return int(heights[place]) + 1
    return first


def read_blocks(ask: Ask, first: int, last: int) -> Parsed:
    """Blocks with their receipts and, where the node offers them, traces."""
    rows: list[Any] = []  # replies of the node
    for height in range(first, last + 1):
        block = ask("eth_getBlockByNumber", hex(height), True)
        if not isinstance(block, dict) or number_of(block.get("number"), "number") != height:
            raise LedgerError(f"the node has no block {height}, or answered with another one")
        rows.append(block)
        rows += _receipts(ask, block)
        rows += _offered(ask, "trace_block", hex(height)) or []
    parsed = parse_evm([("node", json.dumps(rows).encode())])
    missing = [each for each in parsed.refused if each.what in ("block", "transaction", "receipt")]
    if missing:
        # A node that reorganises between two calls gives halves that do not fit: ask again later.
        raise LedgerError(f"blocks {first} to {last} do not fit together: {missing[0].reason}")
    return parsed


def _receipts(ask: Ask, block: dict[str, Any]) -> list[Any]:  # replies of the node
    sent = [tx["hash"] for tx in block.get("transactions") or () if isinstance(tx, dict)]
    if not sent:
        return []
    found = _offered(ask, "eth_getBlockReceipts", block["number"])
    if found is None:
        found = [ask("eth_getTransactionReceipt", txid) for txid in sent]
    if len(found) != len(sent) or not all(found):
        raise LedgerError(f"the node gave {len(found)} receipts of {len(sent)}: a half reply")
    return list(found)


def _offered(ask: Ask, method: str, *params: object) -> Any:  # a reply of the node
    """The answer, or None where the node does not offer the method."""
    try:
        return ask(method, *params)
    except NodeRefused:
        return None


def _name_tokens(home: Path, ledger: str, ask: Ask, parsed: Parsed) -> None:
    """Ask tokens not known yet for their decimals; those that do not answer stay unknown."""
    seen = {transfer.asset for transfer in parsed.transfers.values()} - {NATIVE}
    if ledger in names.present(home):
        stored = open_account_ledger(home, ledger)
        seen -= {facts.reference for facts in stored.assets if facts.decimals is not None}
    for asset in sorted(seen):
        contract = asset.partition(":")[2]
        places = _offered(ask, "eth_call", {"to": contract, "data": _DECIMALS}, "latest")
        words = _offered(ask, "eth_call", {"to": contract, "data": _SYMBOL}, "latest")
        try:
            decimals = int.from_bytes(hexed(places, "decimals", 32), "big")
        except RowError:
            continue
        if decimals <= 77:
            parsed.tokens[asset] = TokenRow(asset, symbol_of(words), decimals)


def symbol_of(answer: object) -> str:
    """The text in an ABI answer, at most 20 plain characters: a contract may say anything."""
    text = answer.removeprefix("0x") if isinstance(answer, str) else ""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return ""
    if len(data) >= 64:
        length = int.from_bytes(data[32:64], "big")
        data = data[64 : 64 + min(length, 20)]
    shown = data.rstrip(b"\0").decode("ascii", "replace")[:20]
    return shown if shown.isascii() and shown.isprintable() else ""


def number_of(value: object, name: str) -> int:
    """A number the node must know. Raises LedgerError."""
    try:
        return number(value, name, U32)
    except RowError as error:
        raise LedgerError(f"the node's answer makes no sense: {error}") from None
