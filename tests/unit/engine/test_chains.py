"""Addresses of every chain: told by the address, kept only with a right checksum."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import data_path
from tracing.engine.addresses import Network
from tracing.engine.chains import checksummed, decode_chain_address
from tracing.engine.keccak import keccak256, keccak256_many
from tracing.errors import AddressError

GOOD = [
    ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "", "bitcoin"),
    ("LWnbjLYUfqeokfbWM4FcU7uk2FP2DSxuWS", "LTC", "litecoin"),
    ("t1WSKwCDL1QYRRUrCCknEs5tDLhtGVYu9KM", "ZEC", "zcash"),
    ("XyARKoupuArYtToA2S6yMdnoquDCDaBsaT", "DASH", "dash"),
    ("rnXyVQzgxZe7TR1EPzTkGj2jxH4LMJYh66", "XRP", "xrp"),
    ("qqyuc9s700plhzr6awzru7g5z2d2p906uyrm6ht0r0", "BCH", "bitcoin-cash"),
    ("TMStbg5fgb4uTV7fK1gEYF9hKAzP3siPsG", "XBT", "tron"),
    ("0x2f389ce8bd8ff92de3402ffce4691d17fc4f6535", "USDT", "evm"),
    (
        "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoog"
        "Davup3H",
        "",
        "monero",
    ),
]


def test_keccak_is_not_the_later_standard() -> None:
    """Source: Keccak team's known answers for no bytes and for abc."""
    assert keccak256(b"").hex() == (
        "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    )
    assert keccak256(b"abc").hex() == (
        "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
    )
    assert keccak256(b"") != hashlib.sha3_256(b"").digest()


def test_many_short_messages_are_hashed_as_one_by_one() -> None:
    messages = [bytes([n]) * n for n in (0, 1, 20, 32, 134, 135)]
    assert keccak256_many(messages) == [keccak256(message) for message in messages]
    assert keccak256_many([]) == []
    with pytest.raises(ValueError, match="at most 135 bytes"):
        keccak256_many([bytes(136)])


def test_the_vectors_of_eip_55_have_their_case() -> None:
    content = json.loads(data_path("vectors/eip55.json").read_text())
    vectors = content if isinstance(content, list) else next(iter(content.values()))
    assert len(vectors) >= 4
    for text in vectors:
        assert checksummed(bytes.fromhex(text[2:])) == text
        assert decode_chain_address(text).checksum_state == "ok"


@pytest.mark.parametrize(("text", "currency", "family"), GOOD)
def test_the_address_tells_its_chain_whatever_the_label(
    text: str, currency: str, family: str
) -> None:
    assert decode_chain_address(text, currency).family == family


@pytest.mark.parametrize(("text", "currency", "family"), GOOD)
def test_no_changed_character_passes(text: str, currency: str, family: str) -> None:
    if family == "evm":
        text = checksummed(bytes.fromhex(text[2:]))
    for place in range(2, len(text)):
        other = "2" if text[place] != "2" else "3"
        with pytest.raises(AddressError):
            decode_chain_address(text[:place] + other + text[place + 1 :], currency)


@given(st.binary(min_size=20, max_size=20))
def test_an_evm_address_is_found_by_any_case(payload: bytes) -> None:
    shown = checksummed(payload)
    forms = (shown, shown.lower(), "0x" + shown[2:].upper())
    assert {decode_chain_address(form).canonical for form in forms} == {f"0x{payload.hex()}"}


def test_a_mixed_case_typing_error_shows_the_right_form() -> None:
    with pytest.raises(AddressError, match="0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"):
        decode_chain_address("0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed")


def test_the_label_chooses_only_among_chains_of_one_form() -> None:
    address = "12sjrrhoFEsedNRhtgwvvRqjFTh8fZTDX9"
    assert decode_chain_address(address).family == "bitcoin"
    assert decode_chain_address(address, "BSV").family == "bitcoin-sv"
    assert decode_chain_address(address, "ETH").family == "bitcoin"
    evm = "0x2f389ce8bd8ff92de3402ffce4691d17fc4f6535"
    assert decode_chain_address(evm, "BSC").chain == "eip155:56"
    assert decode_chain_address(evm, "XBT").chain == "eip155:1"


@pytest.mark.parametrize(
    ("text", "currency", "reason"),
    [
        ("5be5543ff73456ab9f2d207887e2af87322c651ea1a873c5b25b7ffae456c320", "XMR", "64 hexadec"),
        ("884Bz8UH63aYsjVdkfWfScRYWZGGNbjFL7pztqvWNSrtYT4reFSwyvkCj9KEGUtheHh", "XMR", "has 67"),
        ("GPwg61XoHqQPNmAucFACuQ5H9sGCDv9TpS", "BTG", "Bitcoin Gold"),
        ("1EXPSwtbaSsWuXpVW8vaHvXm5Xgh2Xf4oA", "", "checksum does not match"),
        ("", "", "no address"),
    ],
)
def test_what_is_no_address_is_refused_in_a_sentence(text: str, currency: str, reason: str) -> None:
    with pytest.raises(AddressError, match=reason):
        decode_chain_address(text, currency)


def test_base58_test_addresses_go_to_the_network_that_comes_first() -> None:
    text = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"
    found = decode_chain_address(text, networks=(Network.REGTEST, Network.TEST))
    assert found.family == "bitcoin-regtest"
    assert decode_chain_address(text).family == "bitcoin-test"


def test_a_tron_address_in_hex_is_the_same_address() -> None:
    shown = decode_chain_address("TMStbg5fgb4uTV7fK1gEYF9hKAzP3siPsG")
    again = decode_chain_address("41" + shown.payload_hex)
    assert (again.canonical, again.checksum_state) == (shown.canonical, "absent")
