"""The one way to a host outside: where it lies is looked at before the first question (S12).

Redirects are never followed, and no proxy of the environment is used.
"""

import http.client
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext as _

from tracing.reads import require_peer

LOOPBACK = ("localhost", "127.0.0.1", "::1")
CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0


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
