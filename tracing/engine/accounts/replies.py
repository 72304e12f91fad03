"""Files of recorded replies to objects: JSON, JSON lines, either of them gzipped.

A reply keeps its envelope (`{"jsonrpc": ..., "result": ...}`) or not; a list stands for its
members. A file that is no such thing is refused whole, with the byte where it goes wrong.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from tracing.errors import BlockFileError

Json: TypeAlias = dict[str, Any]  # a reply of a node: whatever it says

MAX_BYTES: Final = 4 << 30
MOST_UNPACKED: Final = 500 * 2**20
MOST_RATIO: Final = 100  # replies pack to a tenth or a twentieth
ALWAYS_UNPACKED: Final = 32 * 2**20
_HEX: Final = re.compile(r"0x[0-9a-fA-F]+")


class RowError(Exception):
    """One row is not usable; `str()` is the reason."""


class Unknown:
    """A JSON number with a fraction: no amount is one, so it may stand, but never be read."""

    def __init__(self, text: str) -> None:
        self.text = text


def objects_of(data: bytes, source: str) -> Iterator[tuple[int, object]]:
    """(number from 1, object) of every row of a file, envelopes taken off.

    Raises BlockFileError naming the file if it is cut off, not JSON, or names one key twice.
    """
    try:
        yield from _objects_of(data)
    except BlockFileError as error:
        raise error.named(source) from None
    except RecursionError:
        raise BlockFileError("nested too deeply", 0, source) from None


def _objects_of(data: bytes) -> Iterator[tuple[int, object]]:
    if data[:2] == b"\x1f\x8b":
        most = min(MOST_UNPACKED, max(ALWAYS_UNPACKED, MOST_RATIO * len(data)))
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                data = file.read(most + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise BlockFileError(f"the compressed file is damaged ({error})", 0) from None
        if len(data) > most:
            raise BlockFileError(f"the compressed file holds more than {most >> 20} MB", 0)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BlockFileError("not a text of UTF-8", error.start) from None
    if not text.strip():
        return
    number = 0
    for value in _documents(text):
        for row in _unwrapped(value):
            number += 1
            yield number, row


def _documents(text: str) -> Iterator[object]:
    decoder = json.JSONDecoder(object_pairs_hook=_once, parse_float=Unknown, parse_constant=Unknown)
    at, end = 0, len(text)
    while True:
        while at < end and text[at] in " \t\r\n":
            at += 1
        if at == end:
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            place = len(text[: error.pos].encode())
            raise BlockFileError(f"not JSON: {error.msg}", place) from None
        except _TwiceError as error:
            place = len(text[:at].encode())
            raise BlockFileError(f"the key {error} stands twice in one object", place) from None
        except ValueError:  # Python reads no number of more than 4,300 digits
            raise BlockFileError("a number is longer than any amount", at) from None
        yield value


class _TwiceError(Exception):
    pass


def _once(pairs: list[tuple[str, Any]]) -> Json:  # whatever the reply holds
    found = dict(pairs)
    if len(found) != len(pairs):
        [(name, _num)] = Counter(name for name, _ in pairs).most_common(1)
        raise _TwiceError(repr(name))
    return found


def _unwrapped(value: object) -> Iterator[object]:
    if isinstance(value, list):
        for each in value:
            yield from _unwrapped(each)
    elif isinstance(value, dict) and "jsonrpc" in value and value.get("result") is not None:
        yield from _unwrapped(value["result"])
    else:
        yield value


def number(value: object, name: str, most: int) -> int:
    """A whole number given as one, in decimal digits, or in hex. Raises RowError."""
    found = -1
    if isinstance(value, int) and not isinstance(value, bool):
        found = value
    elif isinstance(value, str) and _HEX.fullmatch(value) and len(value) <= 66:
        found = int(value, 16)
    elif isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 78:
        found = int(value)
    if not 0 <= found <= most:
        raise RowError(f"{name} is no whole number from 0 to {most}")
    return found


def listed(value: object, name: str) -> list[Json]:
    """A list; what is not there is an empty one. Raises RowError."""
    if not value:
        return []
    if not isinstance(value, list):
        raise RowError(f"{name} is no list")
    return value


def hexed(value: object, name: str, length: int) -> bytes:
    """So many bytes in hex, with or without 0x. Raises RowError."""
    text = value.removeprefix("0x") if isinstance(value, str) else ""
    try:
        # Spaces may stand in such a text for Python; then it holds too few bytes, and is refused.
        found = bytes.fromhex(text) if len(text) == 2 * length else b""
    except ValueError:
        found = b""
    if len(found) != length:
        raise RowError(f"{name} is not {length} bytes in hex")
    return found
