"""Base58 and base58check, as in Bitcoin's first release."""

from __future__ import annotations

import hashlib
from typing import Final

from tracing.errors import AddressError

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_VALUE: Final = {c: i for i, c in enumerate(_BASE58)}


def sha256d(data: bytes) -> bytes:
    """SHA-256 twice."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def base58_encode(data: bytes) -> str:
    """Base58 with one `1` for each leading zero byte."""
    number = int.from_bytes(data, "big")
    digits = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_BASE58[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(digits))


def base58_decode(text: str) -> bytes:
    """Inverse of `base58_encode`. Raises AddressError for a character outside the alphabet."""
    number = 0
    for position, char in enumerate(text, 1):
        digit = _BASE58_VALUE.get(char)
        if digit is None:
            raise AddressError(f"character {position} ({char!r}) is not used in Bitcoin addresses")
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def base58check_encode(data: bytes) -> str:
    """Base58 of the data and the first four bytes of its double SHA-256."""
    return base58_encode(data + sha256d(data)[:4])


def base58check_decode(text: str) -> bytes:
    """Data without its checksum. Raises AddressError if the checksum does not match."""
    data = base58_decode(text)
    if len(data) < 5:
        raise AddressError("too short for an address")
    if sha256d(data[:-4])[:4] != data[-4:]:
        raise AddressError("the checksum does not match: at least one character is wrong")
    return data[:-4]
