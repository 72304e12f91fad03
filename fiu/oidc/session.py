"""How the provider is asked: by its own address, with an end to time and size (S12)."""

import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from tracing.reads import require_peer

MAXIMUM_ANSWER = 1024 * 1024  # bytes
CONNECT_SECONDS, READ_SECONDS = 3, 10


class CarefulSession(requests.Session):
    """Only what was configured is asked, where it may lie, and never redirected."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, _CarefulAdapter())

    def request(self, *args: Any, **given: Any) -> requests.Response:
        given |= {
            "timeout": (CONNECT_SECONDS, READ_SECONDS), "allow_redirects": False, "stream": True,
        }  # fmt: skip
        answer = super().request(*args, **given)
        content = answer.raw.read(MAXIMUM_ANSWER + 1, decode_content=True)
        if len(content) > MAXIMUM_ANSWER:
            raise requests.RequestException("the answer is too large")
        answer._content = content  # what `.json()` and `.text` read
        return answer


class _CarefulPeer:
    """Looks where the connection led before anything is sent, TLS included."""

    host: str

    def _new_conn(self) -> socket.socket:
        connection: socket.socket = super()._new_conn()  # type: ignore[misc]  # of urllib3's own
        try:
            require_peer(self.host, connection)
        except OSError:
            connection.close()
            raise
        return connection


class _PlainConnection(_CarefulPeer, HTTPConnection):
    pass


class _SecureConnection(_CarefulPeer, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _CarefulAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **given: Any) -> None:
        super().init_poolmanager(*args, **given)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
