"""Replies of a node that never was: small blocks built by hand, for tests."""

from __future__ import annotations

import json
from typing import Any

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TOKEN = "0x" + "70" * 20


def account(number: int) -> str:
    """An address by number."""
    return f"0x{number:040x}"


def digest(number: int) -> str:
    """A hash by number."""
    return f"0x{number:064x}"


def word(address: str) -> str:
    """An address as a topic."""
    return "0x" + address[2:].rjust(64, "0")


def block(number: int, *txs: dict[str, Any], parent: int | None = None, salt: int = 0) -> Any:
    """A block with whole transactions; `salt` makes another block of the same height."""
    name = digest(0xB0000 + salt * 0x100 + number)
    above = digest(0xB0000 + (number - 1 if parent is None else parent))
    for index, tx in enumerate(txs):
        tx |= {"blockHash": name, "blockNumber": hex(number), "transactionIndex": hex(index)}
    return {
        "number": hex(number), "hash": name, "parentHash": above,
        "timestamp": hex(1_700_000_000 + 12 * number), "transactions": list(txs),
    }  # fmt: skip


def tx(number: int, sender: int, to: int | None, value: int = 0, data: str = "0x") -> Any:
    """A transaction; its block fills in where it stands."""
    return {
        "hash": digest(number), "nonce": "0x0", "from": account(sender),
        "to": None if to is None else account(to), "value": hex(value), "input": data,
    }  # fmt: skip


def receipt(sent: dict[str, Any], *logs: dict[str, Any], status: int = 1, gas: int = 0) -> Any:
    """A receipt of a transaction that stands in a block already."""
    where = {
        "blockHash": sent["blockHash"], "blockNumber": sent["blockNumber"],
        "transactionHash": sent["hash"], "transactionIndex": sent["transactionIndex"],
    }  # fmt: skip
    return {
        **where, "status": hex(status), "gasUsed": hex(gas), "effectiveGasPrice": "0x1",
        "cumulativeGasUsed": "0x0", "logs": [{**log, **where} for log in logs],
    }  # fmt: skip


def log(index: int, sender: int, to: int, amount: int, *more: str, token: str = TOKEN) -> Any:
    """A Transfer event; one more topic makes it one of an NFT."""
    topics = [TRANSFER, word(account(sender)), word(account(to)), *more]
    return {"address": token, "topics": topics, "data": f"0x{amount:064x}", "logIndex": hex(index)}


def file(*rows: object, name: str = "rows.json") -> tuple[str, bytes]:
    """The rows as a file of JSON lines."""
    return name, "\n".join(json.dumps(row) for row in rows).encode()
