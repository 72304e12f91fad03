"""Nodes of hand-made blocks, and a proxy that spoils what passes.

`FakeNode` answers as Bitcoin Core and bcoin document it, both on one port: JSON-RPC `getblockhash`,
`getblock` in the forms of either, and bcoin's REST block. `FakeEvmNode` answers as
the execution API of Ethereum documents it, batches too. The proxy stands before it, or
before a live node, and does to chosen answers what networks and broken nodes do.
"""

import base64
import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.blockmaker import GENESIS, Block, script_of

PASSWORD = "correct horse"
Json = Any  # what goes over the wire


class FakeNode:
    """A node whose chain a test may change at any time; `blocks` are those behind the first."""

    def __init__(
        self, blocks: Sequence[Block], network: str = "regtest", first: str = GENESIS
    ) -> None:
        self.blocks = list(blocks)
        self.first = first
        self.known = {block.hash: block for block in blocks}
        self.refusal = ""  # of every question, in these words
        self.network = network
        self.gives_coins = True
        self.change_coin: Callable[[Json], Json] = lambda coin: coin
        self.num_requests = 0

    def replace(self, blocks: Sequence[Block]) -> None:
        """A reorganisation: from now on the chain is this one; old blocks stay readable."""
        self.blocks = list(blocks)
        self.known |= {block.hash: block for block in blocks}

    def answer(self, method: str, params: list[Json]) -> Json:
        """The result of a call, or an RpcFailure."""
        if self.refusal:
            raise RpcFailure(-32603, self.refusal)
        if method == "getblockchaininfo":
            tip = self.blocks[-1].hash if self.blocks else self.first
            return {"chain": self.network, "blocks": len(self.blocks), "bestblockhash": tip}
        if method == "getblockhash":
            if params[0] > len(self.blocks):
                raise RpcFailure(-8, "Block height out of range")
            return ([self.first] + [block.hash for block in self.blocks])[params[0]]
        if method == "getblock":
            if params[0] not in self.known:
                raise RpcFailure(-5, "Block not found")
            block = self.known[params[0]]
            return self._core_block(block) if params[1] == 3 else block.raw.hex()
        raise RpcFailure(-32601, "Method not found")

    def rest_block(self, name: str) -> Json:
        """bcoin's /block/HASH."""
        block = self.known.get(name)
        if block is None:
            return None
        sides = [
            {
                "inputs": [
                    {"prevout": {"hash": txid, "index": vout}, **self._bcoin_coin(txid, vout)}
                    for txid, vout, _ in tx.inputs
                ]
            }
            for tx in block.txs
        ]
        return {"hash": block.hash, "txs": sides}

    def _core_block(self, block: Block) -> Json:
        return {
            "hash": block.hash,
            "tx": [
                {
                    "vin": [
                        {"txid": txid, "vout": vout, **self._core_coin(txid, vout)}
                        for txid, vout, _ in tx.inputs
                    ]
                }
                for tx in block.txs
            ],
        }

    def _coin(self, txid: str, vout: int) -> tuple[str, int] | None:
        for block in self.known.values():
            for tx in block.txs:
                if tx.txid == txid:
                    text, value = tx.outputs[vout]
                    return script_of(text).hex(), value
        return None

    def _core_coin(self, txid: str, vout: int) -> Json:
        coin = self._coin(txid, vout) if self.gives_coins else None
        if coin is None:
            return {}
        whole, part = divmod(coin[1], 100_000_000)
        value = _Number(f"{whole}.{part:08d}")
        found = {"generated": False, "value": value, "scriptPubKey": {"hex": coin[0]}}
        return {"prevout": self.change_coin(found)}

    def _bcoin_coin(self, txid: str, vout: int) -> Json:
        coin = self._coin(txid, vout) if self.gives_coins else None
        return {"coin": coin and self.change_coin({"value": coin[1], "script": coin[0]})}


class _Number(float):
    """An amount that goes out with eight decimals, as Bitcoin Core writes it."""

    def __new__(cls, text: str) -> "_Number":
        made = super().__new__(cls, text)
        made.text = text
        return made

    text: str

    def __repr__(self) -> str:
        return self.text


class FakeEvmNode:
    """An Ethereum-like node whose chain a test may change at any time.

    `blocks` are replies with whole transactions, by height from 0; `receipts` by transaction.
    """

    def __init__(self, blocks: Sequence[Json], receipts: dict[str, Json]) -> None:
        self.blocks = list(blocks)
        self.receipts = dict(receipts)
        self.chain_id = 31337
        self.offers = {"eth_getBlockReceipts", "trace_block"}
        self.takes_batches = True
        self.num_requests = 0
        self.asked: list[str] = []

    def answer(self, method: str, params: list[Json]) -> Json:
        """The result of a call, or an RpcFailure."""
        self.asked.append(method)
        if method == "eth_chainId":
            return hex(self.chain_id)
        if method == "eth_getBlockByNumber":
            return self._block(params[0])
        if method == "eth_getTransactionReceipt":
            return self.receipts.get(params[0])
        if method == "eth_call":
            if params[0]["data"] == "0x313ce567":
                return f"0x{6:064x}"
            return f"0x{32:064x}{4:064x}" + b"TUSD".hex().ljust(64, "0")
        if method in self.offers:
            block = self._block(params[0])
            if method == "trace_block":
                return block and []
            return block and [self.receipts[tx["hash"]] for tx in block["transactions"]]
        raise RpcFailure(-32601, "the method does not exist")

    def _block(self, number: str) -> Json:
        if number == "latest":
            return self.blocks[-1]
        height = int(number, 16)
        return self.blocks[height] if height < len(self.blocks) else None

    def rest_block(self, name: str) -> Json:
        """Nothing: it has no REST."""
        raise AssertionError(name)


class FakeEsplora:
    """An Esplora server over hand-made regtest blocks, the first at height 1."""

    def __init__(self, blocks: Sequence[Block], page: int = 25) -> None:
        self.blocks = list(blocks)
        self.first = GENESIS
        self.page = page
        self.num_requests = 0
        self.paths: list[str] = []
        self.change: Callable[[Json], Json] = lambda rows: rows

    def answer(self, method: str, _params: list[Json]) -> Json:
        """It has no RPC."""
        raise RpcFailure(-32601, method)

    def rest(self, path: str) -> Json:
        """JSON, or bytes for what is none; None for what does not exist."""
        self.paths.append(path)
        parts = path.strip("/").split("/")
        if path == "/block-height/0":
            return self.first.encode()
        if parts[0] == "block":
            return next((b.raw for b in self.blocks if b.hash == parts[1]), None)
        rows = self._history(parts[1])
        if len(parts) == 2:
            return {"address": parts[1], "chain_stats": {"tx_count": len(rows)}}
        if len(parts) > 4:
            rows = rows[[row["txid"] for row in rows].index(parts[4]) + 1 :]
        return self.change(rows[: self.page])

    def _history(self, address: str) -> list[Json]:
        paid = {
            (tx.txid, vout): side
            for block in self.blocks for tx in block.txs for vout, side in enumerate(tx.outputs)
        }  # fmt: skip

        def side(text: str | None, value: int) -> Json:
            return {"value": value} | ({"scriptpubkey_address": text} if text else {})

        rows = []
        for height, block in reversed(list(enumerate(self.blocks, 1))):
            for place, tx in reversed(list(enumerate(block.txs))):
                took = [paid.get((txid, vout), (None, 0)) for txid, vout, _ in tx.inputs]
                if address in {text for text, _ in (*took, *tx.outputs)}:
                    rows.append({
                        "txid": tx.txid,
                        "vin": [
                            {"is_coinbase": not place, "prevout": side(*each) if place else None}
                            for each in took
                        ],
                        "vout": [side(*each) for each in tx.outputs],
                        "status": {
                            "confirmed": True, "block_height": height, "block_hash": block.hash,
                            "block_time": 1_736_121_600 + height,
                        },
                    })  # fmt: skip
        return rows


class RpcFailure(Exception):
    """A node's error answer."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


ACCIDENTS = ("garbage", "cut", "hang-up", "busy", "not-an-answer")


class Fault:
    """What to do with an answer. The first that `fits` acts, `times` times."""

    def __init__(
        self,
        kind: str,
        *,
        method: str = "",
        after: int = 0,
        times: int = 1,
        act: Callable[[], None] | None = None,
        only: Json = None,
    ) -> None:
        self.kind, self.method, self.after, self.times, self.act = kind, method, after, times, act
        self.only = only  # the first parameter of the call

    def fits(self, method: str, params: list[Json]) -> bool:
        """Whether this one is due, counting down."""
        if self.method not in ("", method) or not self.times:
            return False
        if self.only is not None and params[:1] != [self.only]:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


def some_day(rng: random.Random, reorganise: Callable[[], None], most: int) -> list[Fault]:
    """Up to three reorganisations and two accidents, each at any of the first `most` questions."""
    faults = [
        Fault("", after=rng.randint(0, most), act=reorganise) for _ in range(rng.randint(0, 3))
    ]
    faults += [
        Fault(rng.choice(ACCIDENTS), after=rng.randint(0, most), times=rng.randint(1, 3))
        for _ in range(rng.choice([0, 0, 1, 2]))
    ]
    rng.shuffle(faults)
    return faults


@contextmanager
def serving(node: FakeNode | FakeEvmNode | FakeEsplora) -> Iterator[str]:
    """The address of the node while it answers."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one piece: else each answer waits 40 ms for the other side

        def do_POST(self) -> None:
            node.num_requests += 1
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self._may_enter():
                return
            if not isinstance(asked, list):
                answer = self._answer(asked)
                self._send(500 if answer["error"] else 200, answer)
            elif getattr(node, "takes_batches", False):
                self._send(200, [self._answer(call) for call in reversed(asked)])
            else:
                self._send(200, {"error": {"code": -32600, "message": "no batches"}, "id": None})

        def _answer(self, call: Json) -> Json:
            try:
                answer = {"result": node.answer(call["method"], call["params"]), "error": None}
            except RpcFailure as failure:
                error = {"code": failure.code, "message": failure.message}
                answer = {"result": None, "error": error}
            return {**answer, "id": call["id"]}

        def do_GET(self) -> None:
            node.num_requests += 1
            if self._may_enter():
                if isinstance(node, FakeEsplora):
                    found = node.rest(self.path)
                else:
                    found = node.rest_block(self.path.removeprefix("/block/"))
                self._send(404 if found is None else 200, found)

        def _may_enter(self) -> bool:
            name, _, word = (
                base64.b64decode((self.headers.get("Authorization") or "").removeprefix("Basic "))
                .decode()
                .partition(":")
            )
            if name and word == PASSWORD:
                return True
            self._send(401, None)
            return False

        def _send(self, status: int, answer: Json) -> None:
            body = b"" if status == 401 else answer
            if not isinstance(body, bytes):
                body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with _running(Door) as url:
        yield url


@contextmanager
def spoiling(upstream: str, faults: Sequence[Fault]) -> Iterator[str]:
    """The address of a proxy before `upstream` that commits the faults, in their order."""
    target = urlsplit(upstream)

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one piece: else each answer waits 40 ms for the other side

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            call = json.loads(body)
            first = call[0] if isinstance(call, list) else call
            self._pass(body, first["method"], first["params"])

        def do_GET(self) -> None:
            self._pass(None, "rest", [])

        def _pass(self, body: bytes | None, method: str, params: list[Json]) -> None:
            fault = next((fault for fault in faults if fault.fits(method, params)), None)
            kind = fault.kind if fault else ""
            if fault and fault.act:
                fault.act()
            if kind == "other-height":
                body = self._changed(body, lambda params: [_moved(params[0], 1)])
            elif kind == "same-height":
                body = self._changed(body, lambda params: [_moved(params[0], -1)])
            connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=10)
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            content, status = response.read(), response.status
            connection.close()
            if kind == "time-out":
                time.sleep(1.3)
                self.close_connection = True
                return
            if kind == "hang-up":
                self.close_connection = True
                return
            if kind == "garbage":
                content = b"\x00<html>\xff"
            elif kind == "not-an-answer":
                content = b'[1, "two"]'
            elif kind == "half":
                content = json.dumps(json.loads(content)[:-1]).encode()
            elif kind == "limited":
                row = {"id": 0, "error": {"code": -32005, "message": "limit exceeded"}}
                content = json.dumps([row, *json.loads(content)[1:]]).encode()
            elif kind == "no-hash":
                content = self._answer(body, "zz" * 32)
            elif kind == "flipped":
                raw = bytearray(bytes.fromhex(json.loads(content)["result"]))
                raw[-5] ^= 1  # in the last transaction: the header still fits
                content = self._answer(body, raw.hex())
            elif kind == "short":
                content = self._answer(body, json.loads(content)["result"][:-20])
            elif kind == "busy":
                content, status = b"Work queue depth exceeded", 503
            elif kind == "starting":
                error = {"code": -28, "message": "Loading block index..."}
                content, status = json.dumps({"result": None, "error": error}).encode(), 500
            elif kind == "redirect":
                content, status = b"", 302
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if kind == "redirect":
                self.send_header("Location", "http://198.51.100.7/")
            self.end_headers()
            if kind == "cut":
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                self.close_connection = True
            else:
                self.wfile.write(content)

        def _changed(self, body: bytes | None, change: Callable[[Json], Json]) -> bytes:
            call = json.loads(body or b"{}")
            calls = call if isinstance(call, list) else [call]
            params = calls[0]["params"]
            calls[0]["params"] = [*change(params), *params[1:]]
            changed = json.dumps(call).encode()
            del self.headers["Content-Length"]
            self.headers["Content-Length"] = str(len(changed))
            return changed

        def _answer(self, body: bytes | None, result: Json) -> bytes:
            call = json.loads(body or b"{}")
            return json.dumps({"result": result, "error": None, "id": call["id"]}).encode()

        def log_message(self, *_: object) -> None:
            pass

    with _running(Proxy) as url:
        yield url


def _moved(height: Json, by: int) -> Json:
    """A height so many blocks away, as a number or in hex as it came."""
    return hex(int(height, 16) + by) if isinstance(height, str) else height + by


@contextmanager
def _running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
