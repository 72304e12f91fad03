"""Bitcoin addresses and scripts, both ways, with our own codecs.

Sources: base58check (Bitcoin's first release), BIP-173 (bech32), BIP-350 (bech32m), BIP-141
(witness programs), BIP-16 (script hash). The network is read from the address. An address is
accepted only with a correct checksum.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.hash160 import hash160
from tracing.errors import AddressError


class Network(StrEnum):
    """The three Bitcoin networks we keep ledgers of."""

    MAIN = "main"
    TEST = "test"
    REGTEST = "regtest"


class ScriptKind(IntEnum):
    """What an output script is; the number is stored, `label` is what people and statistics see."""

    NONSTANDARD = 0
    P2PK = 1
    P2PKH = 2
    P2SH = 3
    P2WPKH = 4
    P2WSH = 5
    P2TR = 6
    WITNESS = 7  # a witness program of a version or length without rules of its own
    MULTISIG = 8
    NULLDATA = 9

    @property
    def label(self) -> str:
        """Lower-case name, such as `p2wpkh`."""
        return self.name.lower()

    @property
    def has_address(self) -> bool:
        """Whether scripts of this kind have an address form."""
        return ScriptKind.P2PKH <= self <= ScriptKind.WITNESS


HRP: Final = {Network.MAIN: "bc", Network.TEST: "tb", Network.REGTEST: "bcrt"}
_NETWORKS_OF_HRP: Final = {"bc": (Network.MAIN,), "tb": (Network.TEST,), "bcrt": (Network.REGTEST,)}
_TESTS: Final = (Network.TEST, Network.REGTEST)
_OF_VERSION_BYTE: Final = {
    0x00: (ScriptKind.P2PKH, (Network.MAIN,)),
    0x05: (ScriptKind.P2SH, (Network.MAIN,)),
    0x6F: (ScriptKind.P2PKH, _TESTS),
    0xC4: (ScriptKind.P2SH, _TESTS),
}
_OTHER_VERSION_BYTES: Final = {
    0x80: "a private key of the main network, not an address; do not store or send it",
    0xEF: "a private key of a test network, not an address; do not store or send it",
    0x41: "a TRON address, not a Bitcoin one",
    0x30: "a Litecoin address, not a Bitcoin one",
    0x32: "a Litecoin address, not a Bitcoin one",
    0x1E: "a Dogecoin address, not a Bitcoin one",
    0x16: "a Dogecoin address, not a Bitcoin one",
    0x4C: "a Dash address, not a Bitcoin one",
}
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58_VALUE: Final = {c: i for i, c in enumerate(_BASE58)}
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_VALUE: Final = {c: i for i, c in enumerate(_BECH32)}
_BECH32_BYTES: Final = np.frombuffer(_BECH32.encode(), np.uint8)
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
BECH32_CONST: Final = 1
BECH32M_CONST: Final = 0x2BC830A3
MAX_PROGRAM: Final = 40


@dataclass(frozen=True, slots=True)
class BitcoinAddress:
    """A decoded address.

    Attributes:
        text: canonical form (bech32 in lower case, base58 as is).
        kind: script kind; version: witness version, 0 for base58; payload: hash or witness program.
        networks: where it is valid. A base58 test address is valid on test and regtest alike.
    """

    text: str
    kind: ScriptKind
    version: int
    payload: bytes
    networks: tuple[Network, ...]

    @property
    def script_pubkey(self) -> bytes:
        """The output script that pays this address."""
        return script_pubkey(self.kind, self.payload, self.version)


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


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i in range(5):
            if top >> i & 1:
                check ^= _GENERATOR[i]
    return check


def _expand(hrp: str) -> list[int]:
    return [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]


def bech32_encode(hrp: str, data: list[int], const: int) -> str:
    """Bech32 (const 1) or bech32m of 5-bit values."""
    check = _polymod([*_expand(hrp), *data, 0, 0, 0, 0, 0, 0]) ^ const
    tail = [check >> 5 * (5 - i) & 31 for i in range(6)]
    return hrp + "1" + "".join(_BECH32[d] for d in data + tail)


def bech32_decode(text: str) -> tuple[str, list[int], int]:
    """Human-readable part, 5-bit values without checksum, and the checksum constant.

    Raises AddressError. Source: BIP-173, BIP-350.
    """
    for position, char in enumerate(text, 1):
        if not 33 <= ord(char) <= 126:
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
    data = []
    for position, char in enumerate(tail, len(hrp) + 2):
        if char not in _BECH32_VALUE:
            raise AddressError(
                f"character {position} ({char!r}) is not used in this form of address"
            )
        data.append(_BECH32_VALUE[char])
    const = _polymod(_expand(hrp) + data)
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


def witness_kind(version: int, length: int) -> ScriptKind:
    """Kind of a witness program by version and length."""
    if version == 0 and length == 20:
        return ScriptKind.P2WPKH
    if version == 0 and length == 32:
        return ScriptKind.P2WSH
    if version == 1 and length == 32:
        return ScriptKind.P2TR
    return ScriptKind.WITNESS


def decode_address(text: str) -> BitcoinAddress:
    """Decode an address of any Bitcoin network.

    Raises AddressError with a sentence that says what is wrong with it.
    """
    lower = text.lower()
    if lower.startswith(("bc1", "tb1", "bcrt1")):
        hrp, version, program = segwit_decode(text)
        if hrp not in _NETWORKS_OF_HRP:
            raise AddressError(f"unknown prefix {hrp!r}; known are bc, tb and bcrt")
        kind = witness_kind(version, len(program))
        return BitcoinAddress(lower, kind, version, program, _NETWORKS_OF_HRP[hrp])
    if not text:
        raise AddressError("no address given")
    if lower.startswith("0x") and len(text) == 42:
        raise AddressError("an Ethereum-style address, not a Bitcoin one")
    if len(text) > 64:
        raise AddressError(f"too long for an address: {len(text)} characters")
    hrp = lower.rpartition("1")[0]
    if hrp and not set(lower) - set(_BECH32) - set(hrp) - {"1"} and len(lower) - len(hrp) > 7:
        _refuse_foreign_bech32(text)
    data = base58check_decode(text)
    found = _OF_VERSION_BYTE.get(data[0])
    if found is None:
        reason = _OTHER_VERSION_BYTES.get(data[0])
        raise AddressError(
            reason or f"unknown prefix: version byte {data[0]:02x} is no Bitcoin address"
        )
    if len(data) != 21:
        raise AddressError(f"an address of this kind holds 20 bytes, this one {len(data) - 1}")
    return BitcoinAddress(text, found[0], 0, data[1:], found[1])


def _refuse_foreign_bech32(text: str) -> None:
    """Raise the better reason if the text is bech32 of another chain;

    return if it is not bech32.
    """
    try:
        hrp, _data, _const = bech32_decode(text)
    except AddressError:
        return
    raise AddressError(f"unknown prefix {hrp!r}; known are bc, tb and bcrt")


def encode_address(kind: ScriptKind, payload: bytes, network: Network, version: int = 0) -> str:
    """Canonical text of an address. `version` is the witness version, ignored for base58 kinds."""
    if kind in (ScriptKind.P2PKH, ScriptKind.P2SH):
        main = network is Network.MAIN
        byte = (0x00 if main else 0x6F) if kind is ScriptKind.P2PKH else (0x05 if main else 0xC4)
        return base58check_encode(bytes([byte]) + payload)
    if not kind.has_address:
        raise AddressError(f"a script of kind {kind.label} has no address")
    return segwit_encode(HRP[network], version, payload)


def script_pubkey(kind: ScriptKind, payload: bytes, version: int = 0) -> bytes:
    """Output script of an address kind and payload."""
    if kind is ScriptKind.P2PKH:
        return b"\x76\xa9\x14" + payload + b"\x88\xac"
    if kind is ScriptKind.P2SH:
        return b"\xa9\x14" + payload + b"\x87"
    if not kind.has_address:
        raise AddressError(f"a script of kind {kind.label} has no address")
    return bytes([0x50 + version if version else 0, len(payload)]) + payload


def classify_script(script: bytes) -> tuple[ScriptKind, int, bytes]:
    """Kind, witness version and payload of an output script; payload is empty without address."""
    n = len(script)
    if n == 25 and script[:3] == b"\x76\xa9\x14" and script[23:] == b"\x88\xac":
        return ScriptKind.P2PKH, 0, script[3:23]
    if n == 23 and script[:2] == b"\xa9\x14" and script[22] == 0x87:
        return ScriptKind.P2SH, 0, script[2:22]
    if 4 <= n <= 42 and script[1] == n - 2 and (script[0] == 0 or 0x51 <= script[0] <= 0x60):
        version = script[0] - 0x50 if script[0] else 0
        if version or n in (22, 34):
            return witness_kind(version, n - 2), version, script[2:]
        return ScriptKind.NONSTANDARD, 0, b""
    if (
        n in (35, 67)
        and script[0] == n - 2
        and script[-1] == 0xAC
        and _looks_like_key(script[1:-1])
    ):
        return ScriptKind.P2PK, 0, b""
    if n and script[0] == 0x6A:
        return ScriptKind.NULLDATA, 0, b""
    if _is_multisig(script):
        return ScriptKind.MULTISIG, 0, b""
    return ScriptKind.NONSTANDARD, 0, b""


def address_of_script(script: bytes, network: Network) -> str | None:
    """The address an output script pays, None if it has no address form."""
    kind, version, payload = classify_script(script)
    return encode_address(kind, payload, network, version) if payload else None


def _looks_like_key(key: bytes) -> bool:
    if len(key) == 33:
        return key[0] in (2, 3)
    return len(key) == 65 and key[0] in (4, 6, 7)


def _is_multisig(script: bytes) -> bool:
    """`m key... n OP_CHECKMULTISIG` with 1 <= m <= n <= 16.

    Keys count by length alone: data hidden in key places does not change what the script is.
    """
    if len(script) < 37 or script[-1] != 0xAE or not 0x51 <= script[0] <= script[-2] <= 0x60:
        return False
    position, keys = 1, 0
    while position < len(script) - 2 and script[position] in (33, 65):
        position += 1 + script[position]
        keys += 1
    return position == len(script) - 2 and keys == script[-2] - 0x50


def revealed_key(script_sig: bytes, witness: list[bytes]) -> tuple[ScriptKind, bytes] | None:
    """What an input reveals of the address it spends: its kind and the bytes whose HASH160 is the
    payload.

    P2PKH shows its key in the script, P2WPKH in the witness, nested P2WPKH its program in the
    script. Everything else (taproot, script hashes, bare keys) stays unknown: None.
    """
    if script_sig:
        first = script_sig[0]
        if first == 22 and len(script_sig) == 23 and script_sig[1:3] == b"\x00\x14":
            return (ScriptKind.P2SH, script_sig[1:]) if witness else None
        if witness or not 9 <= first <= 73 or len(script_sig) < first + 35:
            return None
        length = script_sig[first + 1]
        key = script_sig[first + 2 :]
        if len(key) == length and script_sig[1] == 0x30 and _looks_like_key(key):
            return ScriptKind.P2PKH, key
        return None
    if len(witness) != 2 or len(witness[1]) != 33 or not 9 <= len(witness[0]) <= 73:
        return None
    if witness[0][0] == 0x30 and _looks_like_key(witness[1]):
        return ScriptKind.P2WPKH, witness[1]
    return None


def revealed_address(script_sig: bytes, witness: list[bytes], network: Network) -> str | None:
    """The address an input shows by itself, None where it shows none."""
    revealed = revealed_key(script_sig, witness)
    if revealed is None:
        return None
    return encode_address(revealed[0], hash160(revealed[1]), network)


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
    check = np.full(n, _polymod(_expand(hrp)), np.uint32)
    table = np.zeros(32, np.uint32)
    for top in range(32):
        for i in range(5):
            if top >> i & 1:
                table[top] ^= np.uint32(_GENERATOR[i])
    for column in range(data.shape[1]):
        check = (
            ((check & np.uint32(0x1FFFFFF)) << np.uint32(5)) ^ data[:, column] ^ table[check >> 25]
        )
    check ^= np.uint32(BECH32M_CONST if version else BECH32_CONST)
    for i in range(6):
        data[:, 1 + groups + i] = check >> np.uint32(5 * (5 - i)) & np.uint32(31)
    head = (hrp + "1").encode()
    text = np.empty((n, len(head) + data.shape[1]), np.uint8)
    text[:, : len(head)] = np.frombuffer(head, np.uint8)
    text[:, len(head) :] = _BECH32_BYTES[data]
    return text.view(f"S{text.shape[1]}").reshape(n)
