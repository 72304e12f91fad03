"""One node over HTTP: patient with accidents, strict with answers, and never to another host.

A question is asked again after a time-out, a cut or unreadable answer, or when the node is busy,
with a growing pause; what the node refuses is not asked again. No redirect is followed, no proxy
of the environment used. Messages and logs name host and reason, never credentials or content.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

import structlog

from tracing.errors import (
    NodeAnswerWrong,
    NodeError,
    NodeNotConfigured,
    NodeRefused,
    NodeUnreachable,
)
from tracing.nodes.configured import NodeSettings
from tracing.peers import PeerRefused, require_peer

logger = structlog.get_logger(__name__)

T = TypeVar("T")
Json = Any  # whatever a node sends; every use checks it
Call: TypeAlias = tuple[str, list[Json]]
"""A method and its parameters."""

MAXIMUM_ANSWER: Final = 256 * 1024 * 1024
"""Bytes of one answer: a full block of 4 MB with all spent coins in JSON stays below 60 MB."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
BUSY: Final = {408, 425, 429, 502, 503, 504}
STARTING: Final = -28
"""Bitcoin Core's code while it loads its block index."""
LIMITED: Final = (-32005, 429)
"""Codes by which providers of Ethereum-like nodes say that questions come too fast."""


class RpcError(Exception):
    """The node answered a call with an error; the dialect knows what it means."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{code}: {message}")


class Wire:
    """A connection that is opened when needed and again after every accident.

    `clock` and `sleep` are given so that tests need not wait.
    """

    def __init__(
        self,
        node: NodeSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.node = node
        self.num_requests = 0
        self.num_retries = 0
        self._clock, self._sleep = clock, sleep
        parts = urlsplit(node.url)
        self._secure, self._hostname = parts.scheme == "https", str(parts.hostname)
        self._port, self._base = parts.port, parts.path.rstrip("/")
        self._connection: http.client.HTTPConnection | None = None
        self._next_at = 0.0
        self._most_calls = node.batch_calls

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def pause(self, attempt: int, *, at_least: float = 0.0) -> None:
        """Wait before another try: 0.5 s after the first, then twice as long each time."""
        self._sleep(max(at_least, min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE)))

    def rpc(self, method: str, params: list[Json], read: Callable[[Json], T]) -> T:
        """The result of a JSON-RPC call, as `read` makes of it.

        Raises RpcError; NodeUnreachable, NodeRefused; NodeAnswerWrong, also from `read`, after
        every try.
        """
        body = json.dumps({"jsonrpc": "1.0", "id": method, "method": method, "params": params})

        def result(answer: Json) -> T:
            if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
                raise NodeAnswerWrong("its answer is no answer to a call")
            error = answer.get("error")
            if error is not None:
                code = error.get("code") if isinstance(error, dict) else None
                if not isinstance(code, int):
                    raise NodeAnswerWrong("its answer is an error without a code")
                if code == STARTING:
                    raise _Busy("is still starting")
                raise RpcError(code, str(error.get("message"))[:200])
            if answer.get("id") != method:
                raise NodeAnswerWrong("it answered another question")
            return read(answer.get("result"))

        return self._ask("POST", self._base + "/", body, method, result)

    def rpc_batch(self, calls: Sequence[Call], read: Callable[[list[Json | RpcError]], T]) -> T:
        """Several JSON-RPC 2.0 calls at once, answers in their order, as `read` makes of them.

        At most `batch_calls` go out together; a node that takes no batches is asked one by one.
        An error of one call stands in its place. Raises as `rpc`, RpcError apart.
        """
        while True:
            most = self._most_calls
            try:
                if len(calls) <= most:
                    return self._batch(calls, read)
                found: list[Json | RpcError] = []
                for at in range(0, len(calls), most):
                    found += self._batch(calls[at : at + most], list)
                return read(found)
            except _NoBatches:
                self._most_calls = 1

    def _batch(self, calls: Sequence[Call], read: Callable[[list[Json | RpcError]], T]) -> T:
        rows = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(calls)
        ]

        def results(answer: Json) -> T:
            if len(rows) == 1:
                answer = [answer]
            elif isinstance(answer, dict) and answer.get("error") is not None:
                raise _NoBatches
            if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
                raise NodeAnswerWrong("its answer is no answer to a call")
            by_id = {row.get("id"): row for row in answer if type(row.get("id")) is int}
            if by_id.keys() != set(range(len(rows))) or len(answer) != len(rows):
                raise NodeAnswerWrong(f"it answered {len(by_id)} of {len(rows)} questions")
            return read([_result(by_id[number]) for number in range(len(rows))])

        body = json.dumps(rows if len(rows) > 1 else rows[0])
        return self._ask("POST", self._base or "/", body, calls[0][0], results)

    def get(self, path: str, what: str, read: Callable[[Json], T]) -> T:
        """A REST resource; `read` gets None for one that does not exist. Raises as `rpc`."""
        return self._ask("GET", self._base + path, None, what, read)

    def get_bytes(self, path: str, what: str, read: Callable[[bytes | None], T]) -> T:
        """A REST resource that is no JSON; as `get`."""
        return self._ask("GET", self._base + path, None, what, read, is_json=False)

    def _ask(
        self,
        verb: str,
        path: str,
        body: str | None,
        what: str,
        read: Callable[[Json], T],
        is_json: bool = True,
    ) -> T:
        who = f"the node {self.node.name} ({self.node.host})"
        failure: NodeError
        for attempt in range(1, self.node.tries + 1):
            try:
                return read(self._once(verb, path, body, is_json))
            except _Busy as error:
                self.close()
                reason, failure = str(error), NodeUnreachable(f"{who} {error}")
                pause = error.seconds
            except NodeAnswerWrong as error:
                self.close()
                reason, pause = str(error), 0.0
                failure = NodeAnswerWrong(f"{who}: {error}; nothing of it was stored")
            except NodeRefused as error:
                self.close()
                raise NodeRefused(f"{who} {error}") from None
            except (OSError, http.client.HTTPException) as error:
                self.close()
                reason, pause = _in_words(error), 0.0
                failure = NodeUnreachable(f"{who} does not answer: {reason}")
            if attempt == self.node.tries:
                raise failure
            self.num_retries += 1
            logger.warning("node_asked_again", node=self.node.name, what=what, reason=reason)
            self.pause(attempt, at_least=pause)
        raise AssertionError("unreachable")

    def _once(self, verb: str, path: str, body: str | None, is_json: bool) -> Json:
        wait = self._next_at - self._clock()
        if wait > 0:
            self._sleep(wait)
        self._next_at = max(self._clock(), self._next_at) + 1 / self.node.requests_per_second
        self.num_requests += 1
        headers = {"Accept": "application/json", **self._credentials()}
        if self._connection is None:
            self._connection = self._connect()
        if body is not None:
            headers["Content-Type"] = "application/json"
        self._connection.request(verb, path, body=body, headers=headers)
        response = self._connection.getresponse()
        status = response.status
        content = self._content(response)
        if status in (401, 403):
            raise NodeRefused("refuses the user or password: see its settings in FIU_NODES_FILE")
        if 300 <= status < 400:
            raise NodeRefused("answers with a redirect, which is never followed: give its own url")
        if status in BUSY:
            raise _Busy(f"is busy ({status})", _seconds(response.getheader("Retry-After", "")))
        if status == 500 and content.startswith(b"Work queue"):
            raise _Busy("is busy (its work queue is full)")
        if status == 404 and verb == "GET":
            return None
        if not is_json:
            if status != 200:
                raise NodeAnswerWrong(f"its answer ({status}) is none")
            return content
        try:
            return json.loads(content, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise NodeAnswerWrong(f"its answer ({status}) cannot be read") from None

    def _connect(self) -> http.client.HTTPConnection:
        seconds = self.node.connect_seconds
        connection = (
            http.client.HTTPSConnection(
                self._hostname, self._port, timeout=seconds, context=ssl.create_default_context()
            )
            if self._secure
            else http.client.HTTPConnection(self._hostname, self._port, timeout=seconds)
        )
        connection.connect()
        try:
            require_peer(self._hostname, connection.sock)
        except PeerRefused as error:
            connection.close()
            raise NodeRefused(f"is not asked: {error}") from None
        connection.sock.settimeout(self.node.read_seconds)
        return connection

    def _content(self, response: http.client.HTTPResponse) -> bytes:
        """The body, whole and in time: a trickle is no answer."""
        end = self._clock() + self.node.read_seconds
        parts, size = [], 0
        while part := response.read1(1 << 20):
            parts.append(part)
            size += len(part)
            if size > MAXIMUM_ANSWER:
                raise NodeAnswerWrong("its answer is larger than any block")
            if self._clock() > end:
                raise TimeoutError
        if response.length:
            raise NodeAnswerWrong(f"its answer is cut off, {response.length} bytes are missing")
        response.close()  # only now does the connection take another question
        return b"".join(parts)

    def _credentials(self) -> dict[str, str]:
        """The header, read anew: a node makes a new cookie at each start."""
        name = self.node.cookie_file or self.node.password_file
        if not name:
            return {}
        try:
            secret = (self.node.folder / name).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NodeNotConfigured(
                f"the node {self.node.name}: its password or cookie file cannot be read: "
                f"{type(error).__name__}"
            ) from None
        pair = secret if self.node.cookie_file else f"{self.node.user or 'x'}:{secret}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


class _NoBatches(Exception):
    """The node answered a batch with one error."""


def _result(row: Json) -> Json | RpcError:
    """The result of one call of a batch, or its error."""
    error = row.get("error")
    if error is None:
        if "result" not in row:
            raise NodeAnswerWrong("its answer is no answer to a call")
        return row["result"]
    code = error.get("code") if isinstance(error, dict) else None
    if not isinstance(code, int):
        raise NodeAnswerWrong("its answer is an error without a code")
    if code in LIMITED:
        raise _Busy("asks for fewer questions")
    return RpcError(code, str(error.get("message"))[:200])


class _Busy(Exception):
    """The node asks for patience; at least so many seconds."""

    def __init__(self, reason: str, seconds: float = 0.0) -> None:
        self.seconds = seconds
        super().__init__(reason)


def _seconds(asked: str) -> float:
    """What a busy node asks to wait, within reason."""
    return min(float(asked), LONGEST_PAUSE) if asked.isdecimal() and asked.isascii() else 0.0


def _in_words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, http.client.IncompleteRead):
        return "its answer was cut off"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
