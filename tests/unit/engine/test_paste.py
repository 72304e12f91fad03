"""The paste box: every line accepted or reported with its number and reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracing.engine.paste import parse_address_text, parse_paste
from tracing.errors import AddressError

LEGACY = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


def test_each_line_is_accepted_or_reported_with_its_reason() -> None:
    paste = parse_paste(
        f"{LEGACY}\n"
        "\n"
        f"  {SEGWIT.upper()} , seller wallet\n"
        f"{LEGACY[:-1]}3\n"
        "# from the report of May\n"
        "hello there\n"
        f"bitcoin:{SEGWIT}?amount=0.5&label=x\n"
    )
    assert [(line.number, line.address.text if line.address else None) for line in paste.lines] == [
        (1, LEGACY),
        (3, SEGWIT),
        (4, None),
        (5, None),
        (6, None),
        (7, SEGWIT),
    ]
    assert [line.number for line in paste.accepted] == [1, 3]
    assert [line.reason for line in paste.rejected] == [
        f"{LEGACY[:-1]}3: the checksum does not match: at least one character is wrong",
        "a comment line",
        "no address found in this line",
    ]
    assert [(line.number, line.repeats) for line in paste.repeated] == [(7, 3)]


def test_the_reason_stays_a_sentence_when_a_whole_file_was_pasted_as_one_word() -> None:
    (line,) = parse_paste("x" * 5_000).rejected
    assert line.reason.startswith(f"{'x' * 20}…xxxx (5,000 signs): ")
    assert len(line.reason) < 150


@pytest.mark.parametrize(
    "line",
    [
        f"\ufeff{LEGACY}",
        f"{LEGACY[:9]}\u200b{LEGACY[9:]}",
        f"https://explorer.example/address/{LEGACY}?page=2",
        f"hxxps://explorer[.]example/address/{LEGACY}",
        f'"{LEGACY}";"cash-out wallet"',
        f"bitcoin[:]{LEGACY}",
        f"BITCOIN:{LEGACY}",
        f"1) {LEGACY}.",
        f"\u00a0{LEGACY}\t2024-05-01 12:00",
    ],
)
def test_an_address_is_found_in_real_life_text(line: str) -> None:
    paste = parse_paste(line)
    assert [row.address.text for row in paste.lines if row.address] == [LEGACY]
    assert not paste.rejected


def test_two_addresses_in_one_line_are_two() -> None:
    paste = parse_paste(f"{LEGACY} -> {SEGWIT}")
    assert [row.address.text for row in paste.accepted if row.address] == [LEGACY, SEGWIT]


def test_a_bad_address_beside_a_good_one_is_reported() -> None:
    paste = parse_paste(f"{LEGACY} {LEGACY[:-1]}3")
    assert (len(paste.accepted), len(paste.rejected)) == (1, 1)


def test_direction_controls_and_lookalikes_are_refused() -> None:
    paste = parse_paste(f"\u202e{LEGACY}\nbc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t\u0430")
    assert "direction controls" in paste.lines[0].reason
    assert "CYRILLIC SMALL LETTER A" in paste.lines[1].reason


def test_a_single_field_takes_a_uri_and_refuses_words() -> None:
    assert parse_address_text(f" bitcoin:{SEGWIT}?amount=1 ").text == SEGWIT
    with pytest.raises(AddressError):
        parse_address_text("not an address")


@given(st.text(max_size=300))
def test_no_line_with_visible_text_is_lost(text: str) -> None:
    paste = parse_paste(text)
    numbers = {line.number for line in paste.lines}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not any(
            ord(c) in (0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF) for c in line
        ):
            assert number in numbers
    assert all(line.reason or line.address for line in paste.lines)
