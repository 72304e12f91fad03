"""Sanctions lists in every form: who is listed, since when, and what is not taken."""

import io
from datetime import date

import pytest

from tests.sanctions_files import ADVANCED, BITCOIN, ENTITIES, ETHEREUM, PLAIN, TRON, WITNESS
from tracing.engine.sanctions import ParsedList, parse_list
from tracing.errors import TagFileError


def parse(text: str) -> ParsedList:
    return parse_list(io.BytesIO(text.encode()))


def test_the_advanced_form_names_party_program_and_first_day_of_listing() -> None:
    found = parse(ADVANCED)
    assert found.as_of == date(2025, 5, 20)
    assert [
        (row.number, row.address.canonical, row.currency, row.entry, row.listed_on)
        for row in found.rows
    ] == [
        (1, BITCOIN, "XBT", "Sample Party (SDN 36001, CYBER2)", date(2022, 4, 14)),
        (2, TRON, "USDT", "Sample Party (SDN 36001, CYBER2)", date(2022, 4, 14)),
    ]
    assert [(row.number, row.reason.split(":")[0]) for row in found.rejected] == [
        (3, "repeats address 1"), (4, "the checksum does not match"),
    ]  # fmt: skip


@pytest.mark.parametrize("year", ["9" * 30, "0", "-1", "two"])
def test_a_day_that_no_calendar_has_is_none(year: str) -> None:
    found = parse(ADVANCED.replace("<Year>2025</Year>", f"<Year>{year}</Year>"))
    assert found.as_of is None
    assert len(found.rows) == 2


def test_the_plain_form_names_party_and_program_but_no_day_of_listing() -> None:
    found = parse(PLAIN)
    assert found.as_of == date(2025, 5, 20)
    assert [(row.address.canonical, row.currency, row.listed_on) for row in found.rows] == [
        (WITNESS, "XBT", None), (ETHEREUM.lower(), "ETH", None),
    ]  # fmt: skip
    assert {row.entry for row in found.rows} == {"Sample PARTY (SDN 36001, CYBER2)"}


def test_entities_list_a_wallet_by_its_holder_across_lines_and_inside_of_it() -> None:
    found = parse(ENTITIES)
    assert [
        (row.number, row.address.canonical, row.currency, row.entry, row.listed_on)
        for row in found.rows
    ] == [
        (1, BITCOIN, "XBT", "Sample Party (sample)", date(2022, 4, 14)),
        (6, TRON, "USDT", "Nested Party (sample)", date(2024, 1, 2)),
    ]
    [left_out] = found.rejected
    assert (left_out.number, left_out.text) == (4, WITNESS)
    assert "neither the wallet nor its holder" in left_out.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<html></html>", "no sanctions list"),
        ("<Sanctions><Date", "no XML"),
        ('<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><sdnList>&e;', "no XML"),
        ('{"id": "a"}', "line 1 is no entity"),
        ('{"id": "a",', "line 1 is no JSON"),
        ('{"id": "p", "schema": "Person", "properties": {}}', "CryptoWallet"),
    ],
    ids=["html", "cut", "entity", "fields", "json", "no-wallet"],
)
def test_what_is_no_list_is_refused_in_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(TagFileError, match=reason):
        parse(text)


def test_an_external_entity_is_never_read() -> None:
    text = PLAIN.replace(
        "<sdnList", f'<!DOCTYPE sdnList [<!ENTITY e SYSTEM "file://{__file__}">]><sdnList', 1
    ).replace("<lastName>PARTY", "<lastName>&e;PARTY")
    assert {row.entry for row in parse(text).rows} <= {
        "Sample (SDN 36001, CYBER2)",
        "Sample PARTY (SDN 36001, CYBER2)",
    }
