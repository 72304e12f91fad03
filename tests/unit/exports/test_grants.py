"""What a release grants, one by one: each account and personal field, or why not."""

import csv as stdlib_csv
import io
import json
from dataclasses import replace

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from cases import report_words
from cases.dossier import DossierSuspect, Redaction, from_json, redactions_in, to_json
from cases.dossier_grants import accounts_granted, grants_of
from cases.exports import canonical_json, csv, html
from cases.request_words import DATASETS, INSTRUMENTS
from tests.packs import DOSSIER, LINE, REQUEST

FREEZE = DOSSIER.freezes[0]
HIDDEN = replace(LINE, account=Redaction("ongoing"), holder=Redaction("personal"))
MIXED = replace(
    DOSSIER,
    freezes=(replace(FREEZE, lines=(LINE, HIDDEN, replace(LINE, account="••5", holder=""))),),
    suspects=(*DOSSIER.suspects, DossierSuspect("S2", "Person", "Witness", Redaction("personal"))),
)


def rows(content: bytes) -> list[dict[str, str]]:
    return list(stdlib_csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_each_account_and_personal_field_is_granted_or_says_why_not() -> None:
    told = [(g.number, g.about, g.field, g.decision, g.code) for g in grants_of(MIXED)]
    assert told == [
        ("G1", REQUEST.reference, "Balances", "granted", ""),
        ("G2", REQUEST.reference, "Devices", "refused", "not_accepted"),
        ("G3", "Z1", "Account", "granted", ""),
        ("G4", "Z1", "Account holder", "granted", ""),
        ("G5", "Z1", "Account", "left out", "ongoing"),
        ("G6", "Z1", "Account holder", "left out", "personal"),
        ("G7", "Z1", "Account", "granted", ""),
        ("G8", "S1", "Names", "granted", ""),
        ("G9", "S2", "Names", "left out", "personal"),
    ]


def test_the_table_says_law_request_and_office_beside_each_grant() -> None:
    table = rows(csv.render_tables(MIXED)["grants.csv"])
    assert len(table) == 9
    [refused] = [row for row in table if row["decision"] == "refused"]
    assert refused["reason"] == "Asked for, and not granted by that decision"
    assert [row["account"] for row in table[2:7:2]] == ["••1234", "[redacted: ongoing]", "••5"]
    for row in table:
        assert row["recipient"] == "FNTF"
        assert row["legal_gateway"] == "Art. 1"
        assert (row["request"], row["instrument"]) == (REQUEST.reference, "Court order")
        assert (row["agency_reference"], row["instrument_number"]) == (
            "FNTF-2025-0417", "25-MJ-0417",
        )  # fmt: skip
        assert row["request_decided_by"] == "compliance"
        assert (row["cleared_by"], row["cleared_at"][:10]) == ("compliance", "2025-05-20")
        assert row["approved_by"] == ""
    assert "grants.csv" not in csv.render_tables(
        replace(DOSSIER, request=None, freezes=(), suspects=())
    )


def test_what_nobody_asked_for_is_granted_under_the_gateway_alone() -> None:
    table = rows(csv.render_grants(replace(DOSSIER, request=None)))
    assert {row["request"] for row in table} == {""}
    assert {row["legal_gateway"] for row in table} == {"Art. 1"}


def test_a_dossier_with_request_and_decisions_comes_back_as_it_was() -> None:
    content = canonical_json.render(MIXED)
    assert from_json(json.loads(content)) == MIXED
    assert list(to_json(MIXED)["release"]["decisions"]) == [
        {"step": "clear_referral", "office": "compliance", "at": "2025-05-20T10:00:00.000Z"}
    ]
    assert "request" not in replace(DOSSIER, request=None).content()


def test_no_field_is_told_as_left_out_twice() -> None:
    paths = [path for path, _code in redactions_in(MIXED)]
    assert not [path for path in paths if path.startswith("G")]


def test_the_page_and_the_portal_show_one_row_for_each_account() -> None:
    assert [(each.about, each.granted) for each in accounts_granted(MIXED)] == [
        (REQUEST.reference, ("Balances",)), ("Z1", ("Account", "Account holder")), ("Z1", ()),
        ("Z1", ("Account",)), ("S1", ("Names",)), ("S2", ()),
    ]  # fmt: skip
    twice = replace(MIXED, freezes=(replace(FREEZE, lines=(HIDDEN, HIDDEN)),))
    [row] = [each for each in accounts_granted(twice) if each.about == "Z1"]
    assert [each.field for each in row.withheld] == ["Account", "Account holder"]
    page = html.render(MIXED).decode()
    portal = render_to_string("liaison/dossier.html", {"dossier": MIXED})
    for text in (page, portal):
        assert "Accounts granted" in text
        assert "Asked for, and not granted by that decision" in text
        for words in ("REQ-2025-000001", "FNTF-2025-0417", "25-MJ-0417", "Cleared by law by"):
            assert words in text


@pytest.mark.parametrize(("language", "words"), [("fr", "Conformité"), ("zh-Hant", "法遵")])
def test_offices_and_fields_are_said_in_the_language_of_the_reader(
    language: str, words: str
) -> None:
    page = html.render(replace(MIXED, language=language)).decode()
    assert words in page
    with translation.override(language.lower()):
        portal = render_to_string("liaison/dossier.html", {"dossier": MIXED})
    assert words in portal
    for text in (page, portal):
        for english in ("Account holder", "Devices", "Accounts granted", "clear_referral"):
            assert english not in text


def test_every_dataset_and_instrument_is_known_to_the_report() -> None:
    with translation.override("en"):
        words = [str(each) for each in (*DATASETS.values(), *INSTRUMENTS.values())]
    assert [each for each in words if not report_words.is_known(each)] == []
