"""Esplora's REST: the confirmed history of one address, and whole blocks as their own bytes.

The question names the address, so whoever runs the server learns of the interest in it. Amounts are
what the server says; a block that is asked for proves itself like any other.

Source: Esplora HTTP API (`/address/:address`, `/address/:address/txs/chain`, `/block/:hash/raw`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from tracing.engine.base58 import sha256d
from tracing.engine.blocks import MAX_MONEY, parse_blocks
from tracing.engine.columns import BlockColumns
from tracing.errors import BlockFileError, NodeAnswerWrong, NodeRefused
from tracing.ledgers import names
from tracing.nodes.wire import Json, Wire

PAGE: Final = 25
"""Transactions of one answer; a shorter one is the last."""
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class EsploraTx:
    """One confirmed transaction as one address sees it; amounts in satoshi.

    `others` are the addresses on the other side with what they paid or got, the largest first.
    """

    txid: str
    height: int
    block: str
    time: int
    received: int
    sent: int
    others: tuple[tuple[str, int], ...]


class EsploraSource:
    """What looking up an address needs. Every method raises NodeError."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.ledger = wire.node.ledger

    def check_network(self) -> None:
        """Raises NodeRefused where the first block is not the ledger's."""
        wanted = names.GENESIS[self.ledger]

        def read(answer: bytes | None) -> bool:
            return answer is not None and answer.strip().decode("ascii", "replace") == wanted

        if not self.wire.get_bytes("/block-height/0", "block-height", read):
            raise NodeRefused(
                f"the source {self.wire.node.name} has another first block than {self.ledger}"
            )

    def num_tx(self, address: str) -> int:
        """How many confirmed transactions the address has."""

        def read(answer: Json) -> int:
            stats = answer.get("chain_stats") if isinstance(answer, dict) else None
            if not isinstance(stats, dict) or answer.get("address") != address:
                raise NodeAnswerWrong("it sent the figures of another address")
            return _whole(stats.get("tx_count"), 1 << 40)

        return self.wire.get(f"/address/{address}", "address", read)

    def history(self, address: str, most: int) -> list[EsploraTx]:
        """Confirmed transactions of the address, newest first, at most so many.

        Raises NodeAnswerWrong where a page repeats, goes back up, or is of another address.
        """
        found: list[EsploraTx] = []
        while len(found) < most:
            seen = {tx.txid for tx in found}
            above = found[-1].height if found else 1 << 31

            def read(answer: Json, seen: set[str] = seen, above: int = above) -> list[EsploraTx]:
                if not isinstance(answer, list) or len(answer) > PAGE:
                    raise NodeAnswerWrong("its page of transactions cannot be read")
                page = [transaction_of(row, address) for row in answer]
                heights = [above, *(tx.height for tx in page)]
                if len({tx.txid for tx in page} | seen) != len(page) + len(seen):
                    raise NodeAnswerWrong("it sent one transaction twice")
                if heights != sorted(heights, reverse=True):
                    raise NodeAnswerWrong("its transactions are not in order")
                return page

            last = f"/{found[-1].txid}" if found else ""
            page = self.wire.get(f"/address/{address}/txs/chain{last}", "history", read)
            found += page
            if len(page) < PAGE:
                break
        return found[:most]

    def block(self, name: str) -> BlockColumns:
        """The block of this hash, checked to the last byte."""

        def read(raw: bytes | None) -> BlockColumns:
            if raw is None or len(raw) < 80 or sha256d(raw[:80])[::-1].hex() != name:
                raise NodeAnswerWrong(f"it sent another block than {name}")
            try:
                return parse_blocks(raw, ((0, len(raw)),), names.NETWORK[self.ledger])
            except BlockFileError as error:
                raise NodeAnswerWrong(
                    f"the block {name} is refused at byte {error.offset}: {error.reason}"
                ) from None

        return self.wire.get_bytes(f"/block/{name}/raw", "block", read)


def transaction_of(row: Any, address: str) -> EsploraTx:  # whatever the server sent
    """A transaction of its answer as an address sees it. Raises NodeAnswerWrong."""
    try:
        status = row["status"]
        paid = [(each.get("scriptpubkey_address"), _sat(each["value"])) for each in row["vout"]]
        took = [
            (each["prevout"].get("scriptpubkey_address"), _sat(each["prevout"]["value"]))
            for each in row["vin"]
            if not each.get("is_coinbase")
        ]
        txid, block = row["txid"], status["block_hash"]
        height, time = (
            _whole(status["block_height"], 1 << 31),
            _whole(status["block_time"], 1 << 32),
        )
        is_confirmed = status["confirmed"] is True
    except (KeyError, TypeError, AttributeError):
        raise NodeAnswerWrong("a transaction it sent cannot be read") from None
    if not is_confirmed or not _is_hash(txid) or not _is_hash(block):
        raise NodeAnswerWrong("a transaction it sent cannot be read")
    received = sum(value for owner, value in paid if owner == address)
    sent = sum(value for owner, value in took if owner == address)
    if not any(owner == address for owner, _ in (*paid, *took)):
        raise NodeAnswerWrong("it sent a transaction of another address")
    sums: dict[str, int] = {}
    for owner, value in paid if sent else took:
        if owner and owner != address:
            sums[owner] = sums.get(owner, 0) + value
    others = sorted(sums.items(), key=lambda side: (-side[1], side[0]))
    return EsploraTx(txid, height, block, time, received, sent, tuple(others))


def _is_hash(value: Any) -> bool:  # whatever the server sent
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _sat(value: Any) -> int:  # whatever the server sent
    return _whole(value, MAX_MONEY)


def _whole(value: Any, most: int) -> int:  # whatever the server sent
    if type(value) is not int or not 0 <= value <= most:
        raise NodeAnswerWrong("it sent a number that is not possible")
    return value
