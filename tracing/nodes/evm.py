"""Ethereum-like nodes over JSON-RPC: whole blocks with receipts and, where offered, traces.

Blocks are asked for in batches of calls. A node cannot be proven right here as a Bitcoin node is:
its answers must fit together (height, hash, parent, one receipt for each transaction of the same
block, the logs counted through and just those that the block's bloom filter tells of), and what
does not fit is asked again and then refused whole.

Sources: Ethereum execution API specification; `trace_block` as Erigon, Nethermind, Reth and Anvil
offer it; JSON-RPC 2.0, section 6 (batches).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Final, TypeVar

from tracing.engine.accounts.bloom import bloom_of
from tracing.errors import NodeAnswerWrong, NodeRefused
from tracing.ledgers import names
from tracing.nodes.bitcoin import NodeTip, ReorganisedMeanwhile
from tracing.nodes.wire import Call, Json, RpcError, Wire

T = TypeVar("T")

MOST_HEIGHT: Final = 0xFFFFFFFE
_HASH: Final = re.compile(r"0x[0-9a-f]{64}")
_BLOOM: Final = re.compile(r"0x[0-9a-fA-F]{512}")
_WORD: Final = re.compile(r"0x(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})")
_NUMBER: Final = re.compile(r"0x[0-9a-f]{1,16}")
_DECIMALS: Final = "0x313ce567"
_SYMBOL: Final = "0x95d89b41"


@dataclass(frozen=True)
class EvmBlock:
    """A block whose parts fit together; `replies` is what the node said about it, in JSON."""

    height: int
    hash: str
    previous: str
    num_tx: int
    replies: bytes


@dataclass(frozen=True)
class TokenWords:
    """What a token's contract answers; None where it does not."""

    contract: str
    decimals: Json
    symbol: Json


class EvmNode:
    """What following needs of a node. Every method raises NodeError or ReorganisedMeanwhile."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.ledger = wire.node.ledger
        # None until the node has said whether it offers the call.
        self._offers: dict[str, bool | None] = {"eth_getBlockReceipts": None, "trace_block": None}

    def check_chain(self) -> None:
        """Raises NodeRefused if the node is of another chain than the ledger."""
        found = self._one("eth_chainId", [], _number)
        if found != names.EVM[self.ledger]:
            raise NodeRefused(
                f"the node {self.wire.node.name} is of chain {found}; the ledger {self.ledger} is "
                f"chain {names.EVM[self.ledger]}"
            )

    def tip(self) -> NodeTip:
        """The node's newest block."""

        def read(result: Json) -> NodeTip:
            if not isinstance(result, dict):
                raise NodeAnswerWrong("it does not say which block is its newest")
            return NodeTip(_number(result.get("number")), _hash(result.get("hash")))

        return self._one("eth_getBlockByNumber", ["latest", False], read)

    def block_hash(self, height: int) -> str | None:
        """Hash of the block of this height, without 0x; None where the node has none."""

        def read(result: Json) -> str | None:
            if result is None:
                return None
            if not isinstance(result, dict) or _number(result.get("number")) != height:
                raise NodeAnswerWrong(f"it sent another block than that of height {height}")
            return _hash(result.get("hash"))

        return self._one("eth_getBlockByNumber", [hex(height), False], read)

    def blocks(self, first: int, last: int) -> list[EvmBlock]:
        """The blocks of these heights with all that belongs to them, each behind the one before.

        Raises ReorganisedMeanwhile where the node's chain changed between two questions.
        """
        heights = range(first, last + 1)
        calls = [("eth_getBlockByNumber", [hex(height), True]) for height in heights]
        bodies = self._many(calls, lambda results: _bodies(results, first))
        for before, body in pairwise(bodies):
            if body["parentHash"] != before["hash"]:
                raise ReorganisedMeanwhile
        try:
            receipts, traces = self._receipts(bodies), self._traces(bodies)
        except NodeAnswerWrong:
            # They are asked for by height: perhaps they are those of another branch by now.
            if self.block_hash(last) != bodies[-1]["hash"][2:]:
                raise ReorganisedMeanwhile from None
            raise
        return [
            EvmBlock(
                height,
                body["hash"][2:],
                body["parentHash"][2:],
                len(body["transactions"]),
                # A node may say anything, numbers with fractions too: they become texts.
                json.dumps([body, *receipts[place], *traces[place]], default=str).encode(),
            )
            for place, (height, body) in enumerate(zip(heights, bodies, strict=True))
        ]

    def token_words(self, contracts: Sequence[str]) -> list[TokenWords]:
        """What tokens say of themselves; a contract that does not answer is no error."""
        calls: list[Call] = [
            ("eth_call", [{"to": contract, "data": data}, "latest"])
            for contract in contracts
            for data in (_DECIMALS, _SYMBOL)
        ]
        answers = self._answers(calls, lambda found: found)
        said = [None if isinstance(answer, RpcError) else answer for answer in answers]
        return [
            TokenWords(contract, said[2 * place], said[2 * place + 1])
            for place, contract in enumerate(contracts)
        ]

    def _receipts(self, bodies: Sequence[Json]) -> list[list[Json]]:
        """Receipts by block: by one call a block where the node offers it, else one each."""
        found: list[list[Json]] = [[] for _ in bodies]
        wanted = [place for place, body in enumerate(bodies) if body["transactions"]]
        if not wanted:
            return found
        whole = self._offered(
            "eth_getBlockReceipts", [[bodies[place]["number"]] for place in wanted],
            lambda results: [
                self._whole(bodies[place], result)
                for place, result in zip(wanted, results, strict=True)
            ],
        )  # fmt: skip
        if whole is not None:
            for place, rows in zip(wanted, whole, strict=True):
                found[place] = rows
            return found
        for place in wanted:
            body = bodies[place]
            calls: list[Call] = [
                ("eth_getTransactionReceipt", [tx["hash"]]) for tx in body["transactions"]
            ]
            found[place] = self._many(calls, partial(self._whole, body))
        return found

    def _whole(self, body: Json, rows: Json) -> list[Json]:
        """The receipts of a block, once it is sure that none of its logs is missing."""
        receipts = _receipts_of(body, rows)
        # Polygon keeps the logs of its bridge out of the header.
        _check_logs(body, receipts, may_add=self.ledger == "polygon")
        return receipts

    def _traces(self, bodies: Sequence[Json]) -> list[list[Json]]:
        found: list[list[Json]] = [[] for _ in bodies]
        wanted = [place for place, body in enumerate(bodies) if body["transactions"]]
        told = self._offered(
            "trace_block", [[bodies[place]["number"]] for place in wanted],
            lambda results: [
                _traces_of(bodies[place], result)
                for place, result in zip(wanted, results, strict=True)
            ],
        ) if wanted else []  # fmt: skip
        for place, rows in zip(wanted, told or (), strict=False):
            found[place] = rows
        return found

    def _offered(
        self, method: str, params: Sequence[list[Json]], read: Callable[[list[Json]], T]
    ) -> T | None:
        """The answers of a call that not every node offers; None where this one does not.

        What it offered once it must go on offering: else a part of the money would be missing.
        """
        if self._offers[method] is False:
            return None
        try:
            found = self._many([(method, each) for each in params], read)
        except NodeRefused:
            if self._offers[method]:
                raise
            self._offers[method] = False
            return None
        self._offers[method] = True
        return found

    def _one(self, method: str, params: list[Json], read: Callable[[Json], T]) -> T:
        return self._many([(method, params)], lambda results: read(results[0]))

    def _many(self, calls: Sequence[Call], read: Callable[[list[Json]], T]) -> T:
        def results(answers: list[Json | RpcError]) -> T:
            for (method, _), answer in zip(calls, answers, strict=True):
                if isinstance(answer, RpcError):
                    raise _Refusal(method, answer)
            return read(answers)

        try:
            return self._answers(calls, results)
        except _Refusal as refusal:
            who = f"the node {self.wire.node.name} ({self.wire.node.host})"
            raise NodeRefused(f"{who} refuses {refusal.method}: {refusal.error}") from None

    def _answers(self, calls: Sequence[Call], read: Callable[[list[Json | RpcError]], T]) -> T:
        return self.wire.rpc_batch(calls, read)


class _Refusal(Exception):
    def __init__(self, method: str, error: RpcError) -> None:
        self.method, self.error = method, error
        super().__init__(str(error))


def _bodies(results: Sequence[Json], first: int) -> list[Json]:
    """Blocks with whole transactions, each of the height it was asked for by."""
    found = []
    for height, body in enumerate(results, first):
        if body is None:
            raise ReorganisedMeanwhile  # it was there when the tip was asked for
        if not isinstance(body, dict) or _number(body.get("number")) != height:
            raise NodeAnswerWrong(f"it sent another block than that of height {height}")
        _hash(body.get("hash"))
        _hash(body.get("parentHash"))
        txs = body.get("transactions")
        if not isinstance(txs, list) or not all(isinstance(tx, dict) for tx in txs):
            raise NodeAnswerWrong(f"block {height} came without its transactions")
        for tx in txs:
            _hash(tx.get("hash"))
            if tx.get("blockHash") != body["hash"]:
                raise NodeAnswerWrong(f"block {height} came with transactions of another one")
        found.append(body)
    return found


def _receipts_of(body: Json, rows: Json) -> list[Json]:
    """One receipt for each transaction, in its order, all of the same block."""
    height = int(body["number"], 16)
    txs = body["transactions"]
    if rows is None or (isinstance(rows, list) and None in rows):
        raise ReorganisedMeanwhile
    if not isinstance(rows, list) or len(rows) != len(txs):
        given = len(rows) if isinstance(rows, list) else 0
        raise NodeAnswerWrong(f"block {height} came with {given} receipts of {len(txs)}")
    for tx, row in zip(txs, rows, strict=True):
        if not isinstance(row, dict) or row.get("transactionHash") != tx["hash"]:
            raise NodeAnswerWrong(f"block {height} came with the receipts of other transactions")
        if row.get("blockHash") != body["hash"]:
            raise ReorganisedMeanwhile
    return rows


def _check_logs(body: Json, receipts: Sequence[Json], *, may_add: bool) -> None:
    """Raises NodeAnswerWrong where logs of a block are missing, or are not its own.

    A block without a filter, as some nodes for tests send it, is judged by the numbers alone.
    """
    height = int(body["number"], 16)
    logs = [log for row in receipts for log in row.get("logs") or ()]
    if not all(isinstance(log, dict) for log in logs):
        raise NodeAnswerWrong(f"the logs of block {height} cannot be read")
    numbers = [_number(log.get("logIndex")) for log in logs]
    counted = sorted(set(numbers)) if may_add else list(range(len(numbers)))
    if numbers != counted:
        raise NodeAnswerWrong(f"the logs of block {height} are not counted through")
    told = body.get("logsBloom")
    if not isinstance(told, str) or not _BLOOM.fullmatch(told):
        return
    words = {word for log in logs for word in _words_of(log, height)}
    wanted, found = int(told, 16), bloom_of(words)
    if wanted & ~found:
        raise NodeAnswerWrong(f"block {height} came without all of its logs")
    if found & ~wanted and not may_add:
        raise NodeAnswerWrong(f"block {height} came with logs that are not its own")


def _words_of(log: Json, height: int) -> Iterator[bytes]:
    """Address and topics of a log, as its bloom filter takes them."""
    topics = log.get("topics")
    for word in (log.get("address"), *(topics if isinstance(topics, list) else ())):
        if not isinstance(word, str) or not _WORD.fullmatch(word):
            raise NodeAnswerWrong(f"a log of block {height} cannot be read")
        yield bytes.fromhex(word[2:])


def _traces_of(body: Json, rows: Json) -> list[Json]:
    height = int(body["number"], 16)
    if rows is None:
        raise ReorganisedMeanwhile
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NodeAnswerWrong(f"the traces of block {height} cannot be read")
    if any(row.get("blockHash") not in (None, body["hash"]) for row in rows):
        raise ReorganisedMeanwhile
    return rows


def _hash(value: Any) -> str:  # whatever a node sent
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise NodeAnswerWrong("it sent something that is no hash")
    return value[2:]


def _number(value: Any) -> int:  # whatever a node sent
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise NodeAnswerWrong("it sent something that is no number")
    found = int(value, 16)
    if found > MOST_HEIGHT:
        raise NodeAnswerWrong("it sent a number that is too large")
    return found
