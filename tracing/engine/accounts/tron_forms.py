"""Addresses, hashes and token names as TRON's replies and their exporters write them."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from tracing.engine.accounts.replies import RowError, hexed
from tracing.engine.base58 import base58check_decode, base58check_encode
from tracing.errors import AddressError

PREFIX: Final = b"\x41"


def tron_address(payload: bytes) -> str:
    """20 bytes as people write them: T and 33 characters."""
    return base58check_encode(PREFIX + payload)


def token_name(payload: bytes) -> str:
    """Reference of a TRC-20 token by its contract."""
    return f"trc20:{tron_address(payload)}"


def address(value: object, name: str) -> bytes:
    """20 bytes of an address in any form these replies use. Raises RowError."""
    text = value if isinstance(value, str) else ""
    if len(text) == 34 and text[0] == "T":
        try:
            data = base58check_decode(text)
        except AddressError as error:
            raise RowError(f"{name}: {error}") from None
        if len(data) == 21 and data[:1] == PREFIX:
            return data[1:]
    if len(text) == 42 and text[:2] == "41":
        return hexed(text[2:], name, 20)
    if len(text) in (40, 42) and not text.endswith("="):
        return hexed(text, name, 20)
    return base64_bytes(text, name, 20)


def base64_bytes(value: object, name: str, length: int) -> bytes:
    """So many bytes in base64, as exporters write them. Raises RowError."""
    try:
        found = base64.b64decode(value if isinstance(value, str) else "", validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != length:
        raise RowError(f"{name} is not {length} bytes")
    return found


def asset_words(value: object) -> str:
    """The name of a TRC-10 token: digits, given as they are or in hex."""
    text = value if isinstance(value, str) else ""
    if text.isdigit() and len(text) == 7:
        return text
    try:
        name = bytes.fromhex(text).decode("ascii")
    except ValueError:
        name = text
    if not name or not name.isalnum():
        raise RowError("asset_name is no name of a token")
    return name
