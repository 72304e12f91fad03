"""The one way to a host outside: where it lies is looked at before the first question (S12).

Redirects are never followed, and no proxy of the environment is used.
"""

import http.client
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Timer
from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext as _

from tracing.reads import require_peer

LOOPBACK = ("localhost", "127.0.0.1", "::1")
CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
WHOLE_SECONDS = 20.0


def fault_of_address(url: str, hosts: Iterable[str], setting: str, wanted: str = "") -> str:
    """Why nothing may be sent to this address, in one sentence; "" where it may be asked.

    `hosts` are those that `setting` allows; `wanted` says what to give in place of another scheme.
    Plain http:// goes to this machine alone.
    """
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return _("This address cannot be read.")
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        return wanted or _("Give an address that begins with https://.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        return _("The address may hold no user, password or fragment.")
    if not url.isascii() or any(sign.isspace() for sign in url):
        return _("This address cannot be read.")
    if host not in {each.lower() for each in hosts}:
        return _("The host %(host)s is not among %(setting)s.") % {"host": host, "setting": setting}
    return ""


@contextmanager
def connected(
    parts: SplitResult, read_seconds: float = READ_SECONDS, whole_seconds: float = WHOLE_SECONDS
) -> Iterator[http.client.HTTPConnection]:
    """A connection to the host of an address, closed afterwards; https:// checks its certificate.

    Waits 3 s for the host, `read_seconds` for each part of its answer and `whole_seconds` for all
    that follows the connection: a host that sends a byte now and then holds no worker. Raises
    OSError, TimeoutError of it after that time, also where the name leads into a network where
    such a host may not lie.
    """
    host = str(parts.hostname)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(host, parts.port, timeout=CONNECT_SECONDS)
    is_over = Event()
    line: socket.socket | None = None
    try:
        http.client.HTTPConnection.connect(connection)  # without TLS, which a host may stretch too
        line = connection.sock.dup()
        timer = Timer(whole_seconds, _hang_up, (line, is_over))
        timer.daemon = True
        timer.start()
        try:
            require_peer(host, connection.sock)
            if parts.scheme == "https":
                context = ssl.create_default_context()
                connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
            connection.sock.settimeout(read_seconds)
            yield connection
        except (OSError, http.client.HTTPException):
            if not is_over.is_set():
                raise
        finally:
            timer.cancel()
        if is_over.is_set():  # what was read until then may look whole
            raise TimeoutError("no whole answer in time")
    finally:
        if line is not None:
            line.close()
        connection.close()


def _hang_up(line: socket.socket, is_over: Event) -> None:
    """End the connection under whoever waits for it: a waiting read returns at once."""
    is_over.set()
    with suppress(OSError):  # it ended by itself in this moment
        line.shutdown(socket.SHUT_RDWR)
