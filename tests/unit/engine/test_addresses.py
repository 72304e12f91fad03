"""Address codecs against the public vectors, and as properties."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import data_json, data_path, schema_json
from tracing.engine import hash160 as hashes
from tracing.engine.addresses import (
    HRP,
    Network,
    ScriptKind,
    address_of_script,
    classify_script,
    decode_address,
    encode_address,
    revealed_address,
)
from tracing.engine.base58 import base58_decode, base58_encode, base58check_encode
from tracing.engine.bech32 import (
    BECH32_CONST,
    BECH32M_CONST,
    bech32_decode,
    bech32_encode,
    segwit_decode,
    segwit_decode_many,
    segwit_encode,
    segwit_encode_many,
)
from tracing.errors import AddressError

# These three were issued before BIP-350 changed the checksum of versions 1 and up.
OVERTAKEN_BY_BIP350 = {
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7k7grplx",
    "bc1sw50qa3jx3s",
    "bc1zw508d6qejxtdg4y5r3zarvaryvg6kdaj",
}


def _wiki() -> str:
    return data_path("vectors/bip-0173.mediawiki").read_text()


def test_every_base58_vector_goes_both_ways() -> None:
    for raw, text in data_json("vectors/base58_encode_decode.json"):
        assert base58_encode(bytes.fromhex(raw)) == text
        assert base58_decode(text) == bytes.fromhex(raw)


def test_every_key_io_address_gives_its_script_and_back() -> None:
    seen = 0
    for text, script, meta in data_json("vectors/key_io_valid.json"):
        if meta["isPrivkey"]:
            with pytest.raises(AddressError, match="private key"):
                decode_address(text)
            continue
        if text in OVERTAKEN_BY_BIP350:
            with pytest.raises(AddressError, match="bech32m"):
                decode_address(text)
            continue
        address = decode_address(text)
        network = Network(meta["chain"])
        assert address.script_pubkey.hex() == script
        assert network in address.networks
        assert address_of_script(bytes.fromhex(script), network) == address.text
        flipped = text.swapcase()
        if meta.get("tryCaseFlip"):
            assert decode_address(flipped) == address
        else:
            with pytest.raises(AddressError):
                decode_address(flipped)
        seen += 1
    assert seen > 25


def test_every_bip350_vector_is_read_or_refused() -> None:
    vectors = schema_json("addr/bip350_segwit_vectors.json")
    for row in vectors["valid"]:
        address = decode_address(row["address"])
        assert address.script_pubkey.hex() == row["scriptpubkey"]
        assert address_of_script(address.script_pubkey, address.networks[0]) == address.text
    for text in vectors["invalid"]:
        with pytest.raises(AddressError):
            decode_address(text)
    assert (len(vectors["valid"]), len(vectors["invalid"])) == (8, 15)


def test_every_bip173_string_is_read_or_refused() -> None:
    text = _wiki()
    part = text[text.index("are valid Bech32:") : text.index("are not valid Bech32")]
    valid = re.findall(r"^\* <tt>(.+?)</tt>", part, re.M)
    assert len(valid) == 7
    for string in valid:
        bech32_decode(string)
    part = text[text.index("are not valid Bech32") : text.index("valid segwit addresses and")]
    invalid = re.findall(r"^\* (?:(0x\w\w) \+ )?<tt>(.+?)</tt>(?: \+ (0x\w\w))?:", part, re.M)
    assert len(invalid) == 12
    for before, string, after in invalid:
        edges = [chr(int(code, 16)) if code else "" for code in (before, after)]
        with pytest.raises(AddressError):
            bech32_decode(edges[0] + string + edges[1])


def test_every_bip173_address_is_read_or_refused() -> None:
    text = _wiki()
    start = text.index("valid segwit addresses and")
    part = text[start : text.index("list gives invalid segwit")]
    valid = re.findall(r"^\* <tt>(.+?)</tt>: <tt>(.+?)</tt>", part, re.M)
    assert len(valid) == 6
    for string, script in valid:
        if string.lower() in OVERTAKEN_BY_BIP350:
            with pytest.raises(AddressError, match="bech32m"):
                decode_address(string)
        else:
            assert decode_address(string).script_pubkey.hex() == script
    part = text[text.index("list gives invalid segwit") : text.index("===Checksum design")]
    invalid = re.findall(r"^\* <tt>(.+?)</tt>:", part, re.M)
    assert len(invalid) == 10
    for string in invalid:
        with pytest.raises(AddressError):
            decode_address(string)


KINDS = st.sampled_from(
    [
        (ScriptKind.P2PKH, 0, 20),
        (ScriptKind.P2SH, 0, 20),
        (ScriptKind.P2WPKH, 0, 20),
        (ScriptKind.P2WSH, 0, 32),
        (ScriptKind.P2TR, 1, 32),
        (ScriptKind.WITNESS, 1, 20),
        (ScriptKind.WITNESS, 16, 2),
        (ScriptKind.WITNESS, 2, 40),
    ]
)
NETWORKS = st.sampled_from(list(Network))


@st.composite
def addresses(draw: st.DrawFn) -> tuple[str, ScriptKind, int, bytes, Network]:
    kind, version, length = draw(KINDS)
    payload = draw(st.binary(min_size=length, max_size=length))
    network = draw(NETWORKS)
    return encode_address(kind, payload, network, version), kind, version, payload, network


@given(addresses())
def test_an_address_survives_the_way_to_its_script_and_back(
    made: tuple[str, ScriptKind, int, bytes, Network],
) -> None:
    text, kind, version, payload, network = made
    address = decode_address(text)
    assert (address.kind, address.version, address.payload) == (kind, version, payload)
    assert network in address.networks
    assert classify_script(address.script_pubkey) == (kind, version, payload)
    assert address_of_script(address.script_pubkey, network) == text


@given(addresses(), st.data())
def test_any_flipped_character_is_refused(
    made: tuple[str, ScriptKind, int, bytes, Network], data: st.DataObject
) -> None:
    text = made[0]
    at = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(
        st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != text[at])
    )
    with pytest.raises(AddressError):
        decode_address(text[:at] + char + text[at + 1 :])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no address"),
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3", "checksum does not match"),
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN0", "not used in Bitcoin addresses"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "checksum does not match"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4", "mixed"),
        ("tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty", "unknown prefix 'tc'"),
        ("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045", "Ethereum-style"),
        ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TRON"),
        (base58check_encode(b"\x99" + bytes(20)), "version byte 99"),
        (base58check_encode(b"\x00" + bytes(19)), "20 bytes"),
        ("x" * 200, "too long"),
    ],
)
def test_each_reason_for_refusal_is_told(text: str, reason: str) -> None:
    with pytest.raises(AddressError, match=re.escape(reason)):
        decode_address(text)


@given(st.sampled_from([(0, 20), (0, 32), (1, 32), (3, 17)]), NETWORKS, st.data())
def test_bulk_encoding_equals_one_by_one(
    form: tuple[int, int], network: Network, data: st.DataObject
) -> None:
    version, length = form
    programs = data.draw(
        st.lists(st.binary(min_size=length, max_size=length), min_size=1, max_size=9)
    )
    many = segwit_encode_many(
        HRP[network], version, np.frombuffer(b"".join(programs), np.uint8).reshape(-1, length)
    )
    assert [text.decode() for text in many] == [
        segwit_encode(HRP[network], version, program) for program in programs
    ]


CHANGES = st.sampled_from(["keep", "swap", "upper", "other"])


@given(
    st.sampled_from([0, 4, 5, 27, 32, 33, 52, 53, 60, 65, 66]),
    st.lists(st.tuples(st.randoms(), st.booleans(), CHANGES), min_size=1, max_size=6),
)
def test_bulk_decoding_equals_one_by_one(
    length: int, drawn: list[tuple[random.Random, bool, str]]
) -> None:
    texts = []
    for chance, is_proper, change in drawn:
        data = [chance.choice([0, 0, 1, 16, 17]), *(chance.randrange(32) for _ in range(length))]
        if is_proper and length:
            data[-1] &= 0b10000  # padding is zero then, as often as not
        const = BECH32M_CONST if bool(data[0]) == is_proper else BECH32_CONST
        text = bech32_encode("tb" if change == "other" else "bc", data, const)
        if change == "swap":
            text = text[:-3] + chance.choice("qpzb1") + text[-2:]
        texts.append(text.upper() if change == "upper" else text)
    fits, versions, programs = segwit_decode_many("bc", np.array(texts, "S"))
    for i, text in enumerate(texts):
        try:
            wanted = segwit_decode(text)
        except AddressError:
            assert not fits[i]
            continue
        assert fits[i] == (wanted[0] == "bc" and text == text.lower())
        if fits[i]:
            assert (versions[i], programs[i].tobytes()) == wanted[1:]


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20))
def test_own_ripemd160_equals_openssl(digests: list[bytes]) -> None:
    if not hashes._HAS_RIPEMD160:
        pytest.skip("this OpenSSL has no RIPEMD-160 to compare with")
    own = hashes.ripemd160_of_digests(np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32))
    assert [row.tobytes() for row in own] == [
        hashes.hashlib.new("ripemd160", digest).digest() for digest in digests
    ]


def test_own_ripemd160_gives_a_known_address() -> None:
    # The public key of BIP-173's examples; its HASH160 is in every one of them.
    key = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
    digest = hashes.hashlib.sha256(key).digest()
    own = hashes.ripemd160_of_digests(np.frombuffer(digest, np.uint8).reshape(1, 32))
    assert own[0].tobytes().hex() == "751e76e8199196d454941c45d1b3a323f1433bd6"


SIGNATURE = bytes([0x30]) + bytes(70)
KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
HASH = bytes.fromhex("751e76e8199196d454941c45d1b3a323f1433bd6")


def test_inputs_reveal_key_hash_forms_only() -> None:
    signed_key = bytes([len(SIGNATURE)]) + SIGNATURE + bytes([33]) + KEY
    nested = bytes([22, 0, 20]) + HASH
    p2pkh = encode_address(ScriptKind.P2PKH, HASH, Network.MAIN)
    p2wpkh = encode_address(ScriptKind.P2WPKH, HASH, Network.MAIN)
    p2sh = encode_address(ScriptKind.P2SH, hashes.hash160(nested[1:]), Network.MAIN)
    assert revealed_address(signed_key, [], Network.MAIN) == p2pkh
    assert revealed_address(b"", [SIGNATURE, KEY], Network.MAIN) == p2wpkh
    assert revealed_address(nested, [SIGNATURE, KEY], Network.MAIN) == p2sh
    assert revealed_address(b"", [bytes(64)], Network.MAIN) is None  # taproot key path
    assert revealed_address(bytes([71]) + SIGNATURE, [], Network.MAIN) is None  # bare key
    assert revealed_address(b"", [], Network.MAIN) is None
    assert revealed_address(b"\x00" + signed_key, [], Network.MAIN) is None  # script hash
