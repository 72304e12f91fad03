"""Files of labels: heads are inherited, bad rows are named, contradictions are found."""

from dataclasses import dataclass

import pytest

from tracing.engine.sanctions import parse_sanctions
from tracing.engine.tagging import (
    CONCEPTS,
    CONFIDENCE,
    DISPUTED,
    SANCTIONED,
    category_of,
    contradicting,
    same_name,
)
from tracing.engine.tagpacks import parse_tag_csv, parse_tagpack
from tracing.errors import TagFileError

A, B = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"


@dataclass(frozen=True)
class Tag:
    label: str
    category: str = ""
    level: int = 50


def pack(tags: str, head: str = "") -> bytes:
    return f"title: T\nlabel: L\nsource: https://s.example\n{head}tags:\n{tags}".encode()


def test_tags_inherit_from_the_head_and_may_say_otherwise() -> None:
    found = parse_tagpack(
        pack(f"- address: {A}\n- address: {B}\n  label: M\n", "confidence: forensic\n")
    )
    assert [row.label for row in found.rows] == ["L", "M"]
    assert {row.confidence for row in found.rows} == {"forensic"}
    assert found.rejected == ()


def test_a_pack_without_confidence_is_unknown_unless_who_loads_it_says() -> None:
    content = pack(f"- address: {A}\n")
    assert parse_tagpack(content).rows[0].confidence == "unknown"
    given = parse_tagpack(content, confidence="authority_data")
    assert given.rows[0].confidence == "authority_data"
    assert given.notes == ("confidence authority_data as given by who loads it",)


def test_every_row_is_accepted_or_named_with_its_reason() -> None:
    tags = f"- address: {A}\n- address: {A}\n- address: {A[:-1]}b\n- 7\n- tx_hash: ab\n"
    found = parse_tagpack(pack(tags))
    assert [row.number for row in found.rows] == [1]
    assert [(row.number, row.reason.split(":")[0]) for row in found.rejected] == [
        (2, "repeats row 1"),
        (3, "the checksum does not match"),
        (4, "no tag"),
        (5, "tags on transactions are not kept"),
    ]


def test_concepts_outside_of_the_taxonomy_are_kept_and_listed() -> None:
    found = parse_tagpack(pack(f"- address: {A}\n", "category: coinswap_exchange\n"))
    assert found.rows[0].category == "coinswap_exchange"
    assert found.unknown_concepts == ("coinswap_exchange",)
    assert len(CONCEPTS) == 86
    assert len(CONFIDENCE) == 14


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"- a",
        b"title: T",
        b"a: [",
        b"title: T\nx: &a 1\ny: *a\ntags: []",
        b"!!python/x",
    ],
)
def test_what_is_no_tag_pack_is_refused_whole(content: bytes) -> None:
    with pytest.raises(TagFileError):
        parse_tagpack(content)


def test_a_csv_keeps_its_line_numbers_through_comments() -> None:
    text = f"# head\naddress,entity,source\n# more\n{A},Bisq,wiki\n{B[:-1]}a,Bisq,wiki\n{B},,wiki\n"
    found = parse_tag_csv(text.encode(), name="p2p-platform-addresses")
    assert [(row.number, row.label, row.category) for row in found.rows] == [
        (4, "Bisq", "exchange")
    ]
    assert [row.number for row in found.rejected] == [5, 6]


def test_a_sanctions_list_reports_what_it_cannot_read() -> None:
    found = parse_sanctions(f"# list\n{A}\nnothing\n{A}\n".encode())
    assert [row.number for row in found.rows] == [2]
    assert [row.number for row in found.rejected] == [3, 4]


def test_spellings_of_one_name_are_one_name() -> None:
    assert same_name("Binance.com") == same_name("binance (hot wallet)") == same_name("Binance")


def test_two_owners_contradict_and_two_spellings_do_not() -> None:
    dice, lantern = Tag("Copperdice", "gambling", 50), Tag("Lanternbox", "market", 20)
    assert contradicting([lantern, dice]) == [dice, lantern]
    assert category_of([lantern, dice]) == DISPUTED
    assert contradicting([Tag("Kraken", "exchange"), Tag("Kraken.com", "exchange")]) == []


def test_what_an_address_is_does_not_contradict_whose_it_is() -> None:
    assert contradicting([Tag("Hydra", "market"), Tag("On a list", "user", 60)]) == []
    assert category_of([Tag("Hydra", "market"), Tag("On a list", "user", 60)]) == "market"
    assert category_of([Tag("Hydra", "market"), Tag("x", SANCTIONED)]) == SANCTIONED
    assert category_of([]) == ""
