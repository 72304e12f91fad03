"""The way to hosts outside: none of them holds a worker longer than agreed."""

import socket
import time
from collections.abc import Iterator
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest

from cases.gateways.connections import connected

pytestmark = pytest.mark.once


@pytest.fixture
def slow_host() -> Iterator[int]:
    """The port of a host that answers one byte at a time, for as long as it is listened to."""
    is_over = Event()
    server = socket.create_server(("127.0.0.1", 0))

    def trickle() -> None:
        line, _address = server.accept()
        with line:
            while not is_over.wait(0.01):
                try:
                    line.sendall(b"H")
                except OSError:
                    return

    thread = Thread(target=trickle, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    is_over.set()
    thread.join(2)
    server.close()


def ask(url: str) -> None:
    with connected(urlsplit(url), 5.0, 0.15) as connection:
        connection.request("GET", "/")
        connection.getresponse()


def assert_left(url: str) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="in time"):
        ask(url)
    assert time.monotonic() - began < 1.5


def test_a_host_that_sends_a_byte_now_and_then_is_left(slow_host: int) -> None:
    assert_left(f"http://127.0.0.1:{slow_host}/")


def test_a_host_that_never_ends_the_handshake_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert_left(f"https://127.0.0.1:{silent.getsockname()[1]}/")


def test_a_refused_connection_stays_what_it_was() -> None:
    with (
        pytest.raises(ConnectionRefusedError),
        connected(urlsplit("http://127.0.0.1:9/"), 1.0, 1.0),
    ):
        pass
