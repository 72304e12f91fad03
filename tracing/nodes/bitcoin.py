"""Bitcoin nodes: blocks by height, each as its own bytes, and the coins it spent.

Two dialects, which differ in how a block and its spent coins are asked for:

    core    getblock HASH 0; getblock HASH 3, where each input has its `prevout` (version 23 on)
    bcoin   getblock HASH false; REST /block/HASH, where each input has its `coin`

The bytes of a block prove themselves (hash, merkle root, work, witness commitment), so that a node
can withhold but not invent. Spent coins do not: they are compared with the block's own inputs.
Sources: Bitcoin Core 0.23 to 30 `doc/JSON-RPC-interface.md` and RPC help; bcoin 1.0 `lib/node`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

from tracing.engine.base58 import sha256d
from tracing.engine.blocks import MAX_MONEY, parse_blocks
from tracing.engine.columns import BlockColumns
from tracing.engine.spentcoins import SpentCoins, spent_coins_of
from tracing.errors import BlockFileError, NodeAnswerWrong, NodeRefused
from tracing.ledgers import names
from tracing.nodes.wire import Json, RpcError, Wire

T = TypeVar("T")

NOT_FOUND: Final = (-5, -8)
"""Codes for a block or height that there is not (any more)."""
NETWORKS: Final = {"main": "bitcoin", "test": "bitcoin-test", "regtest": "bitcoin-regtest"}
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_COIN: Final = 100_000_000


class ReorganisedMeanwhile(Exception):
    """The node has no such block any more: its chain changed between two questions."""


@dataclass(frozen=True)
class NodeTip:
    """The end of the node's best chain."""

    height: int
    hash: str


@dataclass(frozen=True)
class NodeBlock:
    """A block that proved itself; `coins` is None where the node does not know all of them."""

    hash: str
    previous: str
    size: int
    columns: BlockColumns
    coins: SpentCoins | None


class BitcoinNode:
    """What following needs of a node. Every method raises NodeError or ReorganisedMeanwhile."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.ledger = wire.node.ledger

    def tip(self) -> NodeTip:
        """The node's tip. Raises NodeRefused if the node is of another network."""

        def read(result: Json) -> tuple[str, NodeTip]:
            if not isinstance(result, dict):
                raise NodeAnswerWrong("it does not say which chain it has")
            tip = NodeTip(_height(result.get("blocks")), _hash(result.get("bestblockhash")))
            return str(result.get("chain")), tip

        network, tip = self._call("getblockchaininfo", [], read)
        if NETWORKS.get(network) != self.ledger:
            raise NodeRefused(
                f"the node {self.wire.node.name} is of the network {network[:20]!r}; "
                f"the ledger {self.ledger} follows another"
            )
        return tip

    def block_hash(self, height: int) -> str:
        """Hash of the block of this height on the node's best chain."""
        return self._call("getblockhash", [height], _hash)

    def block(self, name: str, *, with_coins: bool) -> NodeBlock:
        """The block of this hash, checked to the last byte, with its spent coins where wanted."""

        def read(result: Json) -> tuple[int, str, BlockColumns]:
            raw = _bytes(result)
            if sha256d(raw[:80])[::-1].hex() != name:
                raise NodeAnswerWrong(f"it sent another block than {name}")
            try:
                columns = parse_blocks(raw, ((0, len(raw)),), names.NETWORK[self.ledger])
            except BlockFileError as error:
                raise NodeAnswerWrong(
                    f"the block {name} is refused at byte {error.offset}: {error.reason}"
                ) from None
            return len(raw), raw[4:36][::-1].hex(), columns

        size, previous, columns = self._call("getblock", self._raw_params(name), read)
        coins = self._coins(name, columns) if with_coins else None
        return NodeBlock(name, previous, size, columns, coins)

    def _raw_params(self, name: str) -> list[Json]:
        return [name, 0]

    def _coins(self, name: str, columns: BlockColumns) -> SpentCoins | None:
        return self._call(
            "getblock", [name, 3], lambda result: _read_coins(result, columns, _core_input)
        )

    def _call(self, method: str, params: list[Json], read: Callable[[Json], T]) -> T:
        try:
            return self.wire.rpc(method, params, read)
        except RpcError as error:
            who = f"the node {self.wire.node.name} ({self.wire.node.host})"
            if error.code in NOT_FOUND or "not found" in error.message.lower():
                raise ReorganisedMeanwhile from None
            raise NodeRefused(f"{who} refuses {method}: {error.message} ({error.code})") from None


class BcoinNode(BitcoinNode):
    """bcoin's dialect."""

    def _raw_params(self, name: str) -> list[Json]:
        return [name, False]

    def _coins(self, name: str, columns: BlockColumns) -> SpentCoins | None:
        def read(answer: Json) -> SpentCoins | None:
            if answer is None:
                raise ReorganisedMeanwhile
            if not isinstance(answer, dict) or answer.get("hash") != name:
                raise NodeAnswerWrong(f"it sent the coins of another block than {name}")
            return _read_coins(answer, columns, _bcoin_input)

        return self.wire.get(f"/block/{name}", "block", read)


def bitcoin_node(wire: Wire) -> BitcoinNode:
    """The node behind a connection, in its dialect."""
    return {"core": BitcoinNode, "bcoin": BcoinNode}[wire.node.dialect](wire)


# What an input says: (txid, output, value in satoshi and script, or None where it does not say).
_Input = tuple[str, int, tuple[int, bytes] | None]


def _read_coins(
    answer: Json, columns: BlockColumns, read_input: Callable[[Json], _Input]
) -> SpentCoins | None:
    """The coins in the order of the block's inputs, each at the input the block itself has."""
    found: list[tuple[int, bytes]] = []
    try:
        transactions = answer["tx"] if "tx" in answer else answer["txs"]
        sides = [tx["vin"] if "vin" in tx else tx["inputs"] for tx in transactions[1:]]
        inputs = [read_input(each) for side in sides for each in side]
    except (KeyError, TypeError, IndexError, ValueError, ArithmeticError):
        raise NodeAnswerWrong("the spent coins it sent cannot be read") from None
    first = int(columns.tx_in[1])
    prev, vout = columns.in_prev[first:], columns.in_vout[first:]
    own = [(wire[::-1].tobytes().hex(), int(place)) for wire, place in zip(prev, vout, strict=True)]
    if [(txid, place) for txid, place, _ in inputs] != own:
        raise NodeAnswerWrong("the spent coins it sent are not those of the block's inputs")
    for _txid, _place, coin in inputs:
        if coin is None:
            return None
        if not 0 <= coin[0] <= MAX_MONEY:
            raise NodeAnswerWrong("the value of a spent coin it sent is not possible")
        found.append(coin)
    if not found:
        return None
    per_tx = [int(n) for n in columns.tx_in[2:] - columns.tx_in[1:-1]]
    return spent_coins_of(columns.block_hash[0].tobytes(), per_tx, found)


def _core_input(each: Json) -> _Input:
    coin = each.get("prevout")
    if coin is None:
        return each["txid"], each["vout"], None
    value = Decimal(coin["value"]) * _COIN
    if value != value.to_integral_value():
        raise NodeAnswerWrong("the value of a spent coin it sent is not possible")
    return each["txid"], each["vout"], (int(value), _bytes(coin["scriptPubKey"]["hex"]))


def _bcoin_input(each: Json) -> _Input:
    coin = each.get("coin")
    source = each["prevout"]
    if coin is None:
        return source["hash"], source["index"], None
    if type(coin["value"]) is not int:
        raise NodeAnswerWrong("the value of a spent coin it sent is not possible")
    return source["hash"], source["index"], (coin["value"], _bytes(coin["script"]))


def _hash(value: Json) -> str:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise NodeAnswerWrong("it sent something that is no hash of a block")
    return value


def _height(value: Json) -> int:
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise NodeAnswerWrong("it sent something that is no height")
    return value


def _bytes(value: Json) -> bytes:
    try:
        found = bytes.fromhex(value)
    except (TypeError, ValueError):
        found = None
    if found is None or 2 * len(found) != len(value):  # fromhex passes over spaces
        raise NodeAnswerWrong("it sent something that is no hex")
    return found
