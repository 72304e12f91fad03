"""The one way to a host outside: where it lies is looked at before the first question (S12).

Redirects are never followed, and no proxy of the environment is used.
"""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult

from tracing.reads import require_peer

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0


@contextmanager
def connected(
    parts: SplitResult, read_seconds: float = READ_SECONDS
) -> Iterator[http.client.HTTPConnection]:
    """A connection to the host of an address, closed afterwards; https:// checks its certificate.

    Waits 3 s for the host and `read_seconds` for each part of its answer. Raises OSError, also
    where the name leads into a network where such a host may not lie.
    """
    host = str(parts.hostname)
    connection = (
        http.client.HTTPSConnection(
            host, parts.port, timeout=CONNECT_SECONDS, context=ssl.create_default_context()
        )
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=CONNECT_SECONDS)
    )
    try:
        connection.connect()
        require_peer(host, connection.sock)
        connection.sock.settimeout(read_seconds)
        yield connection
    finally:
        connection.close()
