"""Output scripts nobody has a key for, and their regtest addresses.

A program is the first 20 bytes of SHA-256("tracehold-demo|seed|role|n"), so each address can be
recomputed from its role and no private key for it can be known.
"""

from functools import lru_cache
from hashlib import sha256

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_HRP = "bcrt"
_PREFIX = b"\x16\x00\x14"  # length of the script, version 0, push of 20 bytes


class Scripts:
    """The output scripts of one seed, as they stand in a transaction (length byte included)."""

    def __init__(self, seed: int) -> None:
        self._base = sha256(f"tracehold-demo|{seed}|".encode())
        self.seed = seed

    def of(self, role: str, number: int = 0) -> bytes:
        """The script of the n-th address of a role."""
        name = self._base.copy()
        name.update(f"{role}|{number}".encode())
        return _PREFIX + name.digest()[:20]

    def address(self, role: str, number: int = 0) -> str:
        """The same as text."""
        return encode(self.of(role, number))

    def lookalike(self, script: bytes, role: str) -> bytes:
        """A script whose address equals another in its first 4 data characters and its last 2.

        The first 20 bits are copied, the others are those of the first address of the role whose
        checksum fits: about a thousand attempts.
        """
        wanted = encode(script)
        own = script[3:]
        for number in range(1 << 16):
            drawn = self.of(role, number)[3:]
            forged = own[:2] + bytes([own[2] & 0xF0 | drawn[2] & 0x0F]) + drawn[3:]
            text = encode(_PREFIX + forged)
            if text[-2:] == wanted[-2:] and text != wanted:
                return _PREFIX + forged
        raise ValueError("no address looks alike")


def identifier(seed: int, role: str, number: int) -> str:
    """64 hex digits for what has no ledger here: Monero transactions and the like."""
    return sha256(f"tracehold-demo|{seed}|{role}|{number}".encode()).hexdigest()


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, term in enumerate(_GENERATOR):
            if top >> place & 1:
                check ^= term
    return check


def _expanded_prefix() -> list[int]:
    return [ord(c) >> 5 for c in _HRP] + [0] + [ord(c) & 31 for c in _HRP]


@lru_cache(maxsize=1)
def _tables() -> tuple[int, list[list[int]]]:
    """The checksum is linear over bits: one table of 256 for each byte, joined by exclusive or.

    A byte at a time makes 20,000 addresses cost 0.1 s instead of 1 s.
    """
    empty = [*_expanded_prefix(), 0] + [0] * 38
    constant = _polymod(empty) ^ 1
    zero = _polymod(empty)
    bits = []
    for bit in range(160):
        values = list(empty)
        values[len(_expanded_prefix()) + 1 + bit // 5] = 1 << (4 - bit % 5)
        bits.append(_polymod(values) ^ zero)
    tables = []
    for place in range(20):
        row = [0] * 256
        for byte in range(256):
            for bit in range(8):
                if byte >> (7 - bit) & 1:
                    row[byte] ^= bits[place * 8 + bit]
        tables.append(row)
    return constant, tables


_PAIRS = [_CHARSET[value >> 5] + _CHARSET[value & 31] for value in range(1024)]


def encode(script: bytes) -> str:
    """The `bcrt1q...` address of a version 0 script with 20 bytes (BIP-173)."""
    constant, tables = _tables()
    program = script[3:]
    check = constant
    for row, byte in zip(tables, program, strict=True):
        check ^= row[byte]
    whole = int.from_bytes(program, "big") << 30 | check
    body = "".join([_PAIRS[whole >> shift & 1023] for shift in range(180, -1, -10)])
    return f"{_HRP}1q{body}"
