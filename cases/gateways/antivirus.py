"""A virus scanner of the house: clamd, asked over its socket by the INSTREAM command (S8).

    ScanError
    ├── Infected       the scanner names something in the file
    └── NotScanned     no clear answer: the file is not taken, since nobody looked at it

Where `FIU_CLAMD` is empty nothing is asked: types, sizes and the form of serving protect alone.
"""

import socket
import struct
from contextlib import closing
from urllib.parse import urlsplit

from django.conf import settings

from tracing.reads import require_peer

CONNECT_SECONDS = 3.0
READ_SECONDS = 30.0
CHUNK = 65_536
LONGEST_ANSWER = 1_024


class ScanError(Exception):
    """The file cannot be taken."""


class Infected(ScanError):
    """The scanner found something; the message is its name for it."""


class NotScanned(ScanError):
    """The scanner did not answer, or said that it could not look."""


def is_configured() -> bool:
    """Whether a scanner is set."""
    return bool(settings.CLAMD)


def scan(content: bytes) -> None:
    """Ask the scanner about these bytes: 33 s at most. Raises Infected, NotScanned.

    Outside of any transaction. The bytes go to the scanner alone, which lies in our own network.
    """
    try:
        with closing(_connect()) as connection:
            connection.settimeout(READ_SECONDS)
            connection.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), CHUNK):
                part = content[start : start + CHUNK]
                connection.sendall(struct.pack("!L", len(part)) + part)
            connection.sendall(struct.pack("!L", 0))
            answer = _read(connection)
    except OSError as error:
        raise NotScanned(type(error).__name__) from error
    words = answer.rstrip(b"\0\n").decode("ascii", "replace").removeprefix("stream: ")
    if words.endswith(" FOUND"):
        raise Infected(words.removesuffix(" FOUND")[:120])
    if words != "OK":
        raise NotScanned(words[:120] or "no answer")


def _connect() -> socket.socket:
    place = urlsplit(settings.CLAMD)
    if place.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(CONNECT_SECONDS)
        try:
            connection.connect(place.path)
        except OSError:
            connection.close()
            raise
        return connection
    host = place.hostname or ""
    connection = socket.create_connection((host, place.port or 3310), CONNECT_SECONDS)
    try:
        require_peer(host, connection)
    except OSError:
        connection.close()
        raise
    return connection


def _read(connection: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < LONGEST_ANSWER:
        part = connection.recv(LONGEST_ANSWER)
        if not part:
            break
        answer += part
    return answer
