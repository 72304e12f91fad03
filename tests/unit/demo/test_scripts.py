"""The demo's addresses: recomputable, valid for the product's own decoder, nobody's."""

from hashlib import sha256

import pytest

from fiu.demo.scripts import Scripts, encode
from tracing.engine.addresses import decode_address


def test_a_program_is_the_start_of_a_hash_of_its_role() -> None:
    expected = sha256(b"tracehold-demo|7|bank-day|3").digest()[:20]
    assert Scripts(7).of("bank-day", 3) == b"\x16\x00\x14" + expected


@pytest.mark.parametrize("number", range(40))
def test_addresses_satisfy_the_decoder_of_the_product(number: int) -> None:
    scripts = Scripts(7)
    decoded = decode_address(scripts.address("sample", number))
    assert decoded.payload == scripts.of("sample", number)[3:]


def test_the_known_vector_of_bip_173_comes_out() -> None:
    program = bytes.fromhex("751e76e8199196d454941c45d1b3a323f1433bd6")
    assert encode(b"\x16\x00\x14" + program) == "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


def test_a_lookalike_shares_the_characters_people_compare() -> None:
    scripts = Scripts(7)
    true = scripts.of("pharos-a1", 0)
    forged = scripts.lookalike(true, "dust-sender")
    assert forged != true
    assert encode(forged)[:10] == encode(true)[:10]
    assert encode(forged)[-2:] == encode(true)[-2:]
    decode_address(encode(forged))
