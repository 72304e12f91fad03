"""Bech32 and bech32m, and the witness addresses written in them (BIP-173, BIP-350)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, reduce
from operator import xor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracing.errors import AddressError

ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_BYTES: Final = np.frombuffer(ALPHABET.encode(), np.uint8)
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
BECH32_CONST: Final = 1
BECH32M_CONST: Final = 0x2BC830A3
MAX_PROGRAM: Final = 40


# What the five bits that leave the register add to it, for each of their 32 values.
_FED_BACK: Final = tuple(
    reduce(xor, (_GENERATOR[i] for i in range(5) if top >> i & 1), 0) for top in range(32)
)
# Value of each byte of an address, 255 where it is not in the alphabet.
_VALUE_OF_BYTE: Final = bytes(
    ALPHABET.find(chr(byte)) if chr(byte) in ALPHABET else 255 for byte in range(256)
)


def _polymod(values: Iterable[int], check: int = 1) -> int:
    """The checksum register after these values, going on from `check`."""
    for value in values:
        check = (check & 0x1FFFFFF) << 5 ^ value ^ _FED_BACK[check >> 25]
    return check


@lru_cache(maxsize=64)  # prefixes come from the text, so their number is bounded here
def _begun(hrp: str) -> int:
    """The register after the prefix."""
    return _polymod([ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp])


def bech32_encode(hrp: str, data: list[int], const: int) -> str:
    """Bech32 (const 1) or bech32m of 5-bit values."""
    check = _polymod([*data, 0, 0, 0, 0, 0, 0], _begun(hrp)) ^ const
    tail = [check >> 5 * (5 - i) & 31 for i in range(6)]
    return hrp + "1" + "".join(ALPHABET[d] for d in data + tail)


def bech32_decode(text: str) -> tuple[str, list[int], int]:
    """Human-readable part, 5-bit values without checksum, and the checksum constant.

    Raises AddressError. Source: BIP-173, BIP-350.
    """
    if not (text.isascii() and text.isprintable()) or " " in text:
        position, char = next(
            (position, char) for position, char in enumerate(text, 1) if not "!" <= char <= "~"
        )
        raise AddressError(f"character {position} ({char!r}) is not used in Bitcoin addresses")
    if text != text.lower() and text != text.upper():
        raise AddressError("upper and lower case are mixed; this form uses one case only")
    if len(text) > 90:
        raise AddressError(f"too long: {len(text)} characters, the most is 90")
    text = text.lower()
    hrp, separator, tail = text.rpartition("1")
    if not separator:
        raise AddressError("no separator `1` between prefix and data")
    if not hrp:
        raise AddressError("the prefix before `1` is missing")
    if len(tail) < 6:
        raise AddressError("too short: the checksum is incomplete")
    data = list(tail.encode().translate(_VALUE_OF_BYTE))
    if 255 in data:
        at = data.index(255)
        raise AddressError(
            f"character {len(hrp) + 2 + at} ({tail[at]!r}) is not used in this form of address"
        )
    const = _polymod(data, _begun(hrp))
    if const not in (BECH32_CONST, BECH32M_CONST):
        raise AddressError("the checksum does not match: at least one character is wrong")
    return hrp, data[:-6], const


def segwit_encode(hrp: str, version: int, program: bytes) -> str:
    """Address of a witness program."""
    bits = int.from_bytes(program, "big")
    width = len(program) * 8
    pad = -width % 5
    bits <<= pad
    data = [bits >> shift & 31 for shift in range(width + pad - 5, -1, -5)]
    return bech32_encode(hrp, [version, *data], BECH32M_CONST if version else BECH32_CONST)


def segwit_decode(text: str) -> tuple[str, int, bytes]:
    """Human-readable part, witness version and program of any network. Raises AddressError."""
    hrp, data, const = bech32_decode(text)
    if not data:
        raise AddressError("the data part is empty")
    version = data[0]
    if version > 16:
        raise AddressError(f"witness version {version} does not exist; the highest is 16")
    pad = (len(data) - 1) * 5 % 8
    bits = 0
    for value in data[1:]:
        bits = bits << 5 | value
    if pad > 4 or bits & ((1 << pad) - 1):
        raise AddressError("the padding at the end of the data is not zero")
    program = (bits >> pad).to_bytes((len(data) - 1) * 5 // 8, "big")
    if not 2 <= len(program) <= MAX_PROGRAM:
        raise AddressError(f"a witness program has 2 to 40 bytes, this one {len(program)}")
    if version == 0 and len(program) not in (20, 32):
        raise AddressError(f"a version 0 program has 20 or 32 bytes, this one {len(program)}")
    if (const == BECH32M_CONST) != (version > 0):
        wanted = "bech32m (BIP-350)" if version else "bech32 (BIP-173)"
        raise AddressError(f"witness version {version} needs the {wanted} checksum")
    return hrp, version, program


def segwit_encode_many(hrp: str, version: int, programs: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Addresses of many witness programs of one version and length, as an array of byte strings.

    Args:
        programs: u8[n, 20 or 32] (any 2 to 40).

    Cost: about 0.3 us an address in bulk, a hundredth of one at a time.
    """
    n, length = programs.shape
    groups = -(-length * 8 // 5)
    bits = np.zeros((n, groups * 5), np.uint8)
    bits[:, : length * 8] = np.unpackbits(programs, axis=1)
    weights = np.array([16, 8, 4, 2, 1], np.uint8)
    data = np.empty((n, 1 + groups + 6), np.uint8)
    data[:, 0] = version
    data[:, 1 : 1 + groups] = bits.reshape(n, groups, 5) @ weights
    data[:, 1 + groups :] = 0
    check = _polymod_many(hrp, data)
    check ^= np.uint32(BECH32M_CONST if version else BECH32_CONST)
    for i in range(6):
        data[:, 1 + groups + i] = check >> np.uint32(5 * (5 - i)) & np.uint32(31)
    head = (hrp + "1").encode()
    text = np.empty((n, len(head) + data.shape[1]), np.uint8)
    text[:, : len(head)] = np.frombuffer(head, np.uint8)
    text[:, len(head) :] = _BECH32_BYTES[data]
    return text.view(f"S{text.shape[1]}").reshape(n)


def segwit_decode_many(
    hrp: str, texts: NDArray[np.bytes_]
) -> tuple[NDArray[np.bool_], NDArray[np.uint8], NDArray[np.uint8]]:
    """Which of many texts of one length are lower-case addresses with this prefix, and of what.

    Args:
        texts: byte strings of the array's width each.

    Returns a mask bool[n], versions u8[n] and programs u8[n, length]; rows outside of the mask mean
    nothing. What it accepts `segwit_decode` does, with the same answer; capitals are left to that.
    Cost: about 0.5 us an address in bulk, a fiftieth of one at a time.
    """
    head = (hrp + "1").encode()
    n, groups = len(texts), texts.itemsize - len(head) - 7
    pad = groups * 5 % 8
    length = groups * 5 // 8
    if groups < 0 or texts.itemsize > 90 or pad > 4 or not 2 <= length <= MAX_PROGRAM:
        return np.zeros(n, np.bool_), np.zeros(n, np.uint8), np.zeros((n, 0), np.uint8)
    text = np.ascontiguousarray(texts).view(np.uint8).reshape(n, texts.itemsize)
    data = np.frombuffer(_VALUE_OF_BYTE, np.uint8)[text[:, len(head) :]]
    fits = (text[:, : len(head)] == np.frombuffer(head, np.uint8)).all(1) & (data < 32).all(1)
    check = _polymod_many(hrp, data & np.uint8(31))
    version = data[:, 0]
    fits &= (version <= 16) & (check == np.where(version > 0, BECH32M_CONST, BECH32_CONST))
    if length not in (20, 32):
        fits &= version > 0
    shifts = np.array([4, 3, 2, 1, 0], np.uint8)
    bits = (data[:, 1 : 1 + groups, None] >> shifts & np.uint8(1)).reshape(n, groups * 5)
    fits &= ~bits[:, length * 8 :].any(1)
    return fits, version, np.packbits(bits[:, : length * 8], axis=1)


def _polymod_many(hrp: str, data: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The checksum register of each row of 5-bit values after the prefix."""
    check = np.full(len(data), _begun(hrp), np.uint32)
    table = np.array(_FED_BACK, np.uint32)
    for column in range(data.shape[1]):
        check = (
            ((check & np.uint32(0x1FFFFFF)) << np.uint32(5)) ^ data[:, column] ^ table[check >> 25]
        )
    return check
