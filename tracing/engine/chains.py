"""Addresses of every chain that labels name: which chain, told by the address and its checksum.

A list's currency never gives the chain: a list named USDT holds Bitcoin, EVM and TRON addresses.
Only where two chains share one form (Bitcoin and its forks, the EVM chains) does the currency
choose between them. Our own decoders; sources: CAIP-2 namespaces, EIP-55, the cashaddr
specification, TRON's and Monero's address formats (base58check 41; blockwise base58, Keccak).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tracing.engine.addresses import HRP, BitcoinAddress, Network, decode_address
from tracing.engine.base58 import base58_decode, base58check_decode, sha256d
from tracing.engine.bech32 import ALPHABET, segwit_decode
from tracing.engine.keccak import keccak256
from tracing.errors import AddressError

BITCOIN_CHAIN: Final[Mapping[Network, str]] = {
    Network.MAIN: "bip122:000000000019d6689c085ae165831e93",
    Network.TEST: "bip122:000000000933ea01ad0ee984209779ba",
    Network.REGTEST: "bip122:0f9188f13cb7b2c71f2a335e3a4fc328",
}
BITCOIN_FAMILY: Final[Mapping[Network, str]] = {
    Network.MAIN: "bitcoin",
    Network.TEST: "bitcoin-test",
    Network.REGTEST: "bitcoin-regtest",
}
CASH: Final = ("bitcoin-cash", "bip122:000000000000000000651ef99cb9fcbe")
SV: Final = ("bitcoin-sv", "bip122:000000000000000001d956714215d96f")
LITECOIN: Final = ("litecoin", "bip122:12a765e31ffd4059bada1e25190f6e98")
DOGECOIN: Final = ("dogecoin", "bip122:1a91e3dace36e2be3bf030a65679fe82")
DASH: Final = ("dash", "bip122:00000ffd590b1485b3caadc19b22e637")
ZCASH: Final = ("zcash", "bip122:00040fe8ec8471911baa1db1266ea15d")
TRON: Final = ("tron", "tron:0x2b6653dc")
XRP: Final = ("xrp", "xrpl:0")
MONERO: Final = ("monero", "monero:418015bb9ae982a1975da7d79277c270")
EVM_CHAIN: Final[Mapping[str, str]] = {
    "ETH": "eip155:1", "ETC": "eip155:61", "BSC": "eip155:56", "BNB": "eip155:56",
    "POL": "eip155:137", "MATIC": "eip155:137", "ARB": "eip155:42161",
}  # fmt: skip

_SHARED_BASE58: Final = {"BCH": CASH, "BSV": SV}
_NOT_KEPT: Final = {"XVG": "Verge", "BTG": "Bitcoin Gold"}
_VERSIONS: Final[Mapping[bytes, tuple[str, str]]] = {
    b"\x30": LITECOIN, b"\x32": LITECOIN, b"\x1e": DOGECOIN, b"\x16": DOGECOIN, b"\x4c": DASH,
    b"\x10": DASH, b"\x41": TRON, b"\x1c\xb8": ZCASH, b"\x1c\xbd": ZCASH,
}  # fmt: skip
_HEX40: Final = re.compile(r"0[xX][0-9a-fA-F]{40}")
_TRON_HEX: Final = re.compile(r"41[0-9a-fA-F]{40}")
_HEX64: Final = re.compile(r"(0[xX])?[0-9a-fA-F]{64}")
_BITCOIN58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE58: Final = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_FROM_RIPPLE: Final = str.maketrans(_RIPPLE58, _BITCOIN58)
_CASH_GENERATOR: Final = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
_MONERO_LENGTHS: Final = (95, 106)
_MONERO_KINDS: Final = {(18, 69): "standard", (19, 77): "integrated", (42, 69): "subaddress"}
_MONERO_BLOCK: Final = {11: 8, 7: 5, 2: 1, 3: 2, 5: 3, 6: 4, 9: 6, 10: 7}
"""Characters of a block -> bytes it holds."""


@dataclass(frozen=True, slots=True)
class ChainAddress:
    """A decoded address of any chain.

    Args:
        family: a word for counts, such as `evm`; chain: its CAIP-2 key.
        canonical: the form it is found by; display: the form people read.
        checksum_state: `ok`, or `absent` where the form carries none.
    """

    family: str
    chain: str
    canonical: str
    display: str
    checksum_state: str
    payload_hex: str

    @property
    def text(self) -> str:
        """The canonical form, as other decoded addresses name it."""
        return self.canonical


def decode_chain_address(
    text: str, currency: str = "", networks: Sequence[Network] = (Network.TEST, Network.REGTEST)
) -> ChainAddress:
    """Decode an address of any chain we know the rules of.

    Args:
        currency: the label beside it, which chooses only between chains that share one form.
        networks: which test network base58 test addresses belong to, first come first.

    Raises AddressError with a sentence; so nothing with a wrong checksum ever passes.
    """
    text = text.strip()
    label = currency.strip().upper()
    if not text:
        raise AddressError("no address given")
    for applies, decode in _FORMS:
        if applies(text, label):
            return decode(text, label)
    lower = text.lower()
    if lower.startswith(tuple(f"{hrp}1" for hrp in HRP.values())):
        return _bitcoin(text, label, networks)
    data = base58check_decode(text)
    found = _VERSIONS.get(data[:2]) if len(data) == 22 else None
    found = found or (_VERSIONS.get(data[:1]) if len(data) == 21 else None)
    if found is None:
        return _bitcoin(text, label, networks)
    if label in _NOT_KEPT:
        raise AddressError(f"labelled {_NOT_KEPT[label]}, a chain that is not kept")
    prefix = len(data) - 20
    return ChainAddress(*found, text, text, "ok", data[prefix:].hex())


def decode_kept_address(text: str) -> BitcoinAddress | ChainAddress:
    """Decode an address of a chain we keep ledgers of: Bitcoin, an Ethereum-like one, or TRON.

    Raises AddressError with a sentence; the zero address is nobody's, so it is no address here.
    """
    if _HEX40.fullmatch(text) or _TRON_HEX.fullmatch(text):
        found = decode_chain_address(text)
    elif len(text) == 34 and text[0] == "T":
        found = decode_chain_address(text)
        if found.family != TRON[0]:
            raise AddressError(f"an address of {found.family}, a chain that is not kept")
    elif len(text) in _MONERO_LENGTHS:
        # Said as such: an answer about what no ledger shows would read like "nothing is there".
        _monero(text, "")
        raise AddressError("a Monero address: there is no ledger of it, so nothing can be told")
    else:
        return decode_address(text)
    if not int(found.payload_hex, 16):
        raise AddressError("the zero address, which belongs to nobody")
    return found


def _bitcoin(text: str, label: str, networks: Sequence[Network]) -> ChainAddress:
    if label in _NOT_KEPT:
        raise AddressError(f"labelled {_NOT_KEPT[label]}, a chain that is not kept")
    address = decode_address(text)
    payload = address.payload.hex()
    if label in _SHARED_BASE58 and Network.MAIN in address.networks and text[0] in "13":
        return ChainAddress(*_SHARED_BASE58[label], text, text, "ok", payload)
    wanted = [network for network in networks if network in address.networks]
    network = (wanted or list(address.networks))[0]
    family, chain = BITCOIN_FAMILY[network], BITCOIN_CHAIN[network]
    return ChainAddress(family, chain, address.text, address.text, "ok", payload)


def checksummed(payload: bytes) -> str:
    """The mixed-case form of 20 bytes. Source: EIP-55."""
    digits = payload.hex()
    digest = keccak256(digits.encode()).hex()
    pairs = zip(digits, digest, strict=False)
    return "0x" + "".join(d.upper() if int(h, 16) >= 8 else d for d, h in pairs)


def _evm(text: str, label: str) -> ChainAddress:
    digits = text[2:]
    payload = bytes.fromhex(digits)
    display = checksummed(payload)
    is_mixed = digits not in (digits.lower(), digits.upper())
    if is_mixed and digits != display[2:]:
        raise AddressError(
            f"upper and lower case do not match the checksum of EIP-55; if the digits are right, "
            f"it is {display}"
        )
    chain = EVM_CHAIN.get(label, "eip155:1")
    state = "ok" if is_mixed else "absent"
    return ChainAddress("evm", chain, f"0x{payload.hex()}", display, state, payload.hex())


def _tron_hex(text: str, _label: str) -> ChainAddress:
    data = bytes.fromhex(text)
    number = int.from_bytes(data + sha256d(data)[:4], "big")
    shown = ""
    while number:
        number, digit = divmod(number, 58)
        shown = _BITCOIN58[digit] + shown
    return ChainAddress(*TRON, shown, shown, "absent", data[1:].hex())


def _litecoin(text: str, _label: str) -> ChainAddress:
    _hrp, _version, program = segwit_decode(text)
    return ChainAddress(*LITECOIN, text.lower(), text.lower(), "ok", program.hex())


def _ripple(text: str, _label: str) -> ChainAddress:
    data = base58check_decode(text.translate(_FROM_RIPPLE))
    if len(data) != 21 or data[0]:
        raise AddressError("not an XRP account: the version byte or the length is wrong")
    return ChainAddress(*XRP, text, text, "ok", data[1:].hex())


def _cash(text: str, _label: str) -> ChainAddress:
    """Source: the cashaddr specification of 2018; a checksum of 40 bits over the prefix too."""
    if text not in (text.lower(), text.upper()):
        raise AddressError("upper and lower case are mixed; this form uses one case only")
    body = text.lower().removeprefix("bitcoincash:")
    if set(body) - set(ALPHABET):
        raise AddressError("a character is not used in this form of address")
    values = [ALPHABET.index(char) for char in body]
    check = 1
    for value in [*(ord(char) & 31 for char in "bitcoincash"), 0, *values]:
        top = check >> 35
        check = (check & 0x07FFFFFFFF) << 5 ^ value
        for bit, generator in enumerate(_CASH_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    if check != 1:
        raise AddressError("the checksum does not match: at least one character is wrong")
    bits = 0
    for value in values[:-8]:
        bits = bits << 5 | value
    width = 5 * (len(values) - 8)
    data = (bits >> width % 8).to_bytes(width // 8, "big")
    if len(data) != 21 or data[0] not in (0x00, 0x08):
        raise AddressError("not an address of 20 bytes for a key or a script")
    return ChainAddress(*CASH, body, body, "ok", data[1:].hex())


def _monero(text: str, _label: str) -> ChainAddress:
    if _HEX64.fullmatch(text):
        raise AddressError("64 hexadecimal digits: a transaction id or a key, not an address")
    if len(text) not in _MONERO_LENGTHS:
        raise AddressError(f"a Monero address has 95 or 106 characters, this has {len(text)}")
    data = b"".join(_monero_block(text[at : at + 11]) for at in range(0, len(text), 11))
    if keccak256(data[:-4])[:4] != data[-4:]:
        raise AddressError("the checksum does not match: at least one character is wrong")
    if (data[0], len(data)) not in _MONERO_KINDS:
        raise AddressError(f"unknown prefix: network byte {data[0]} is no Monero main address")
    return ChainAddress(*MONERO, text, text, "ok", data[1:-4].hex())


def _monero_block(block: str) -> bytes:
    size = _MONERO_BLOCK.get(len(block))
    number = int.from_bytes(base58_decode(block), "big")
    if size is None or number >= 1 << 8 * size:
        raise AddressError("a block of this Monero address holds no bytes")
    return number.to_bytes(size, "big")


def _refuse_hex64(_text: str, _label: str) -> ChainAddress:
    raise AddressError("64 hexadecimal digits: a transaction id or a key, not an address")


def _solana(text: str, _label: str) -> ChainAddress:
    data = base58_decode(text)
    if len(data) != 32:
        raise AddressError(f"a Solana address holds 32 bytes, this one {len(data)}")
    chain = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
    return ChainAddress("solana", chain, text, text, "absent", data.hex())


def _is_cash(text: str, _label: str) -> bool:
    lower = text.lower()
    return lower.startswith("bitcoincash:") or (
        len(text) == 42 and lower[0] in "qp" and not set(lower) - set(ALPHABET)
    )


_Test = Callable[[str, str], bool]
_Decode = Callable[[str, str], ChainAddress]
_FORMS: Final[tuple[tuple[_Test, _Decode], ...]] = (
    (lambda text, _label: bool(_HEX40.fullmatch(text)), _evm),
    (lambda text, _label: bool(_TRON_HEX.fullmatch(text)), _tron_hex),
    (lambda text, label: label == "XMR" or len(text) in _MONERO_LENGTHS, _monero),
    (lambda text, _label: bool(_HEX64.fullmatch(text)), _refuse_hex64),
    (lambda text, _label: text.lower().startswith("ltc1"), _litecoin),
    (_is_cash, _cash),
    (lambda text, _label: text[0] == "r" and 25 <= len(text) <= 35, _ripple),
    (lambda _text, label: label == "SOL", _solana),
)
"""The first form that fits decides; Bitcoin and the base58check chains follow."""
