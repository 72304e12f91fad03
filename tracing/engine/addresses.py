"""Bitcoin addresses and scripts, both ways, with our own codecs.

Sources: base58check (Bitcoin's first release), BIP-173 (bech32), BIP-350 (bech32m), BIP-141
(witness programs), BIP-16 (script hash). The network is read from the address. An address is
accepted only with a correct checksum.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from tracing.engine.base58 import base58check_decode, base58check_encode
from tracing.engine.bech32 import ALPHABET, bech32_decode, segwit_decode, segwit_encode
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
    if hrp and not set(lower) - set(ALPHABET) - set(hrp) - {"1"} and len(lower) - len(hrp) > 7:
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
