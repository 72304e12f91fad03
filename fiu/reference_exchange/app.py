"""The WSGI application over the books, and the faults that tests ask for."""

import hmac
import itertools
import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fiu.reference_exchange.books import Answer, Books

MAXIMUM_BODY = 16_384
SECONDS_OF_SILENCE = 15.0
KEY = re.compile(r"[0-9a-zA-Z-]{8,255}")
CHANGES: dict[str, Callable[[Books, str, dict[str, Any]], Answer]] = {
    "/holds": Books.hold,
    "/releases": Books.release,
    "/seizures": Books.seize,
    "/transfers": Books.transfer,
}
FAULTS = ("none", "silent", "error", "garbage", "drop")

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Exchange:
    """POST /holds, /releases, /seizures, /transfers, GET /operations/KEY, /balances/ACCOUNT.

    With a bearer token.

    `faults` are taken in turn, one a changing call, **after** the change: the caller cannot know
    whether it happened. "silent" answers late, "error" with 500, "garbage" with no JSON, "drop"
    with nothing.
    """

    def __init__(
        self, books: Books, token: str, *, balances: Path | None = None, faults: Sequence[str] = ()
    ) -> None:
        self.books = books
        self.token = token
        self.balances = balances
        self._faults = itertools.chain(faults, itertools.repeat("none"))
        self._loaded_at = 0

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        self._load_if_new()
        if not self._is_authorised(environ):
            return _send(start_response, (401, {"error": "token"}))
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if method == "GET" and path.startswith("/operations/"):
            return _send(start_response, self.books.find(path.removeprefix("/operations/")))
        if method == "GET" and path.startswith("/balances/"):
            return _send(start_response, self.books.balances(path.removeprefix("/balances/")))
        if method == "POST" and path in CHANGES:
            return self._change(environ, start_response, path)
        return _send(start_response, (404, {"error": "no_such_address"}))

    def _change(
        self, environ: dict[str, Any], start_response: StartResponse, path: str
    ) -> Iterable[bytes]:
        key = environ.get("HTTP_IDEMPOTENCY_KEY", "")
        if not KEY.fullmatch(key):
            return _send(start_response, (400, {"error": "idempotency_key"}))
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > MAXIMUM_BODY:
            return _send(start_response, (413, {"error": "too_long"}))
        try:
            body = json.loads(environ["wsgi.input"].read(length))
        except ValueError:
            return _send(start_response, (400, {"error": "no_json"}))
        answer = CHANGES[path](self.books, key, body)
        fault = next(self._faults)
        if fault == "silent":
            time.sleep(SECONDS_OF_SILENCE)
        elif fault == "error":
            return _send(start_response, (500, {"error": "internal"}))
        elif fault == "garbage":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [b'{"executed": ']
        elif fault == "drop":
            raise ConnectionAbortedError
        return _send(start_response, answer)

    def _is_authorised(self, environ: dict[str, Any]) -> bool:
        given = environ.get("HTTP_AUTHORIZATION", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode())

    def _load_if_new(self) -> None:
        if self.balances is None or not self.balances.exists():
            return
        changed_at = self.balances.stat().st_mtime_ns
        if changed_at != self._loaded_at:
            self.books.load(self.balances)
            self._loaded_at = changed_at


def _send(start_response: StartResponse, answer: Answer) -> Iterable[bytes]:
    status, content = answer
    body = json.dumps(content).encode()
    start_response(
        f"{status} {HTTPStatus(status).phrase}",
        [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
    )
    return [body]
