"""RIPEMD-160 of SHA-256, the hash inside most addresses.

OpenSSL ships RIPEMD-160 on some machines only, so a numpy version stands in where it is missing.
Both are checked against the same vectors. Source: Dobbertin, Bosselaers, Preneel, "RIPEMD-160"
(1996).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

U32 = NDArray[np.uint32]

_RL = (
    *range(16),
    *(7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8),
    *(3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12),
    *(1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2),
    *(4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13),
)
_RR = (
    *(5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12),
    *(6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2),
    *(15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13),
    *(8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14),
    *(12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11),
)
_SL = (
    *(11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8),
    *(7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12),
    *(11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5),
    *(11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12),
    *(9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6),
)
_SR = (
    *(8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6),
    *(9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11),
    *(9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5),
    *(15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8),
    *(8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11),
)
_KL = (0x00000000, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E)
_KR = (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0x00000000)
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)


def _mix(round_: int, x: U32, y: U32, z: U32) -> U32:
    if round_ == 0:
        return x ^ y ^ z
    if round_ == 1:
        return (x & y) | (~x & z)
    if round_ == 2:
        return (x | ~y) ^ z
    if round_ == 3:
        return (x & z) | (y & ~z)
    return x ^ (y | ~z)


def _turn(x: U32, by: int) -> U32:
    return (x << np.uint32(by)) | (x >> np.uint32(32 - by))


def ripemd160_of_digests(digests: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RIPEMD-160 of many 32-byte messages at once, u8[n, 32] to u8[n, 20].

    Cost: about 1 us each in bulk.
    """
    n = len(digests)
    block = np.zeros((n, 64), np.uint8)
    block[:, :32] = digests
    block[:, 32] = 0x80
    block[:, 57] = 1  # the length, 256 bits, little endian
    words = np.ascontiguousarray(block).view("<u4").astype(np.uint32)
    lines = []
    for order, shifts, consts, flip in ((_RL, _SL, _KL, False), (_RR, _SR, _KR, True)):
        a, b, c, d, e = (np.full(n, s, np.uint32) for s in _START)
        for step in range(80):
            round_ = step // 16
            mixed = _mix(4 - round_ if flip else round_, b, c, d)
            t = _turn(a + mixed + words[:, order[step]] + np.uint32(consts[round_]), shifts[step])
            a, e, d, c, b = e, d, _turn(c, 10), b, t + e
        lines.append((a, b, c, d, e))
    left, right = lines
    out = np.empty((n, 5), np.uint32)
    for i in range(5):
        start = np.uint32(_START[(i + 1) % 5])
        out[:, i] = start + left[(i + 2) % 5] + right[(i + 3) % 5]
    return out.astype("<u4").view(np.uint8).reshape(n, 20)


def _openssl_has_ripemd160() -> bool:
    try:
        hashlib.new("ripemd160", b"")
    except ValueError:
        return False
    return True


_HAS_RIPEMD160 = _openssl_has_ripemd160()


def hash160_many(messages: Sequence[bytes]) -> NDArray[np.uint8]:
    """HASH160 of each message as u8[n, 20]. Cost: about 2 us each."""
    sha256 = hashlib.sha256
    if _HAS_RIPEMD160:
        new = hashlib.new
        joined = b"".join([new("ripemd160", sha256(m).digest()).digest() for m in messages])
        return np.frombuffer(joined, np.uint8).reshape(-1, 20)
    joined = b"".join([sha256(m).digest() for m in messages])
    return ripemd160_of_digests(np.frombuffer(joined, np.uint8).reshape(-1, 32))


def hash160(message: bytes) -> bytes:
    """HASH160 of one message."""
    return bytes(hash160_many([message])[0])
