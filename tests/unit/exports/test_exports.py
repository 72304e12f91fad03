"""Exports: the same dossier gives the same bytes, and nothing in a cell runs or is lost."""

import csv as stdlib_csv
import hashlib
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import report_words
from cases.dossier import (
    MASKED,
    REDACTION_CODES,
    CounterPoint,
    Dossier,
    DossierAmount,
    DossierChange,
    DossierCustomer,
    DossierFinding,
    DossierFreeze,
    DossierLine,
    DossierSuspect,
    DossierWallet,
    Redaction,
    Seal,
    from_json,
    redactions_in,
    to_json,
)
from cases.dossier_difference import OF_FINDINGS, WORDS
from cases.exports import canonical_json, csv, html, manifest, pdf

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
BTC = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328/slip44:0"
WEI = 10**77 + 1

AMOUNT = DossierAmount(
    label="Deposits of OP-1",
    asset=BTC,
    symbol="BTC",
    decimals=8,
    value="860000000",
    base="820180000",
    low="620000000",
    high="860000000",
    policy="fifo",
    address=ADDRESS,
    outpoint="ab" * 32 + ":0",
    result_sha256="cd" * 32,
)
FINDING = DossierFinding(
    number="F1",
    kind="Exposure",
    severity="High",
    statement='=HYPERLINK("http://x") <script>alert(1)</script> received 8.60 BTC.',
    tier=2,
    tier_name="Deterministic inference with proof",
    confidence=80,
    confidence_reason="Sealed run.",
    assumptions=Redaction("method"),
    alternatives="Sale of goods.",
    amounts=(AMOUNT,),
    counter_evidence=(CounterPoint("commingling", "-1+2 Low is below high."),),
    suspects=("S1",),
    wallets=("W1",),
)
LINE = DossierLine(
    account="••1234",
    holder="法羅斯",
    asset="eip155:1/slip44:60",
    symbol="ETH",
    decimals=18,
    requested=str(WEI),
    executed=str(WEI),
    held=str(WEI),
    executed_at="2025-05-20T14:07:00.000Z",
    fiat_value="399600.00",
    fiat_currency="USD",
    price="2500",
    price_source="Test market",
    price_at="2025-05-20T14:00:00.000Z",
)
DOSSIER = Dossier(
    referral="REF-2025-000001",
    agency="FNTF",
    agency_name="Federal Narcotics Task Force",
    kind="Spontaneous",
    subject="Proceeds of a market",
    summary="One paragraph.\nAnd another.",
    purpose="Criminal proceedings",
    legal_gateway="Art. 1",
    caveats="",
    tlp="AMBER",
    handling_code="H1",
    findings=(FINDING,),
    suspects=(DossierSuspect("S1", "Persona", "Suspect", ("Pharos", "法羅斯")),),
    wallets=(DossierWallet("W1", "bitcoin-regtest", ADDRESS, "Administrator", "a1.0"),),
    freezes=(
        DossierFreeze(
            "Z1", "Own suspicion", "Withdrawals", "active", "2025-05-20T14:07:00.000Z", "", (LINE,)
        ),
    ),
    seal=Seal("R-2025-000001", 1, "2025-05-20T15:00:00.000Z", 42, "ef" * 32),
)


def rows(content: bytes) -> list[dict[str, str]]:
    return list(stdlib_csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_json_comes_back_as_the_same_dossier() -> None:
    content = canonical_json.render(DOSSIER)
    assert from_json(json.loads(content)) == DOSSIER
    assert canonical_json.render(from_json(json.loads(content))) == content
    preview = replace(DOSSIER, seal=None)
    assert from_json(json.loads(canonical_json.render(preview))) == preview


def test_customers_of_a_cohort_stand_in_every_form_and_only_where_there_are_any() -> None:
    customer = DossierCustomer(
        number="C1", holder="=Ada", account="••1234", country="AA", platform="Lanternbox", tier=1,
        tier_name="Exchange record", asset=LINE.asset, symbol="ETH", decimals=18, base="5",
        first_at="2025-01-01T00:00:00.000Z", last_at="2025-01-02T00:00:00.000Z",
        transactions=("ab" * 32 + ":0",), alternative="Somebody else used the account.",
    )  # fmt: skip
    named = replace(DOSSIER, customers=(customer, replace(customer, holder=Redaction("personal"))))
    assert from_json(json.loads(canonical_json.render(named))) == named
    assert "customers" not in DOSSIER.content()
    assert "customers.csv" not in csv.render_tables(DOSSIER)
    first, second = rows(csv.render_tables(named)["customers.csv"])
    assert (first["holder"], second["holder"]) == ("'=Ada", "[redacted: personal]")
    page = html.render(named).decode()
    assert "Customers who paid the platform" in page
    assert "0.000000000000000005 ETH" in page
    assert [each.holder for each in named.masked().customers] == [MASKED, Redaction("personal")]


def test_json_of_another_format_is_refused() -> None:
    values = to_json(DOSSIER)
    for change in ({"format": "x"}, {"format_version": 2}):
        with pytest.raises(ValueError, match="format"):
            from_json(values | change)
    with pytest.raises(TypeError):
        from_json(values | {"report": "a field that no dossier has"})


def test_what_is_approved_does_not_depend_on_the_seal() -> None:
    assert DOSSIER.content() == replace(DOSSIER, seal=None).content()
    assert "seal" not in DOSSIER.content()


def test_amounts_are_text_in_json_whatever_their_size() -> None:
    values = json.loads(canonical_json.render(DOSSIER))
    line = values["freezes"][0]["lines"][0]
    assert (line["held"], type(line["held"])) == (str(WEI), str)


@pytest.mark.parametrize("name", sorted(csv.TABLES))
def test_tables_are_the_same_bytes_each_time(name: str) -> None:
    assert csv.TABLES[name](DOSSIER) == csv.TABLES[name](from_json(to_json(DOSSIER)))
    assert csv.TABLES[name](DOSSIER).endswith(b"\r\n")


def test_text_that_a_spreadsheet_would_run_is_guarded_and_numbers_are_not() -> None:
    finding = rows(csv.render_findings(DOSSIER))[0]
    assert finding["statement"].startswith("'=HYPERLINK")
    assert finding["speaks_against"].startswith("'-1+2")
    assert csv.cell(-5) == "-5"
    assert csv.cell(Decimal("-0.00000001")) == "-0.00000001"


@given(st.text())
def test_no_text_cell_starts_like_a_formula(text: str) -> None:
    assert not csv.cell(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(st.text(), st.integers(min_value=0, max_value=10**78 - 1))
def test_a_table_reads_back_cell_by_cell(text: str, number: int) -> None:
    content = csv.write(("a", "b"), [(text, number)])
    [header, *found] = list(stdlib_csv.reader(io.StringIO(content.decode(), newline="")))
    assert header == ["a", "b"]
    assert found == [[csv.cell(text), str(number)]]


def test_exact_amounts_stand_beside_exact_decimals() -> None:
    line = rows(csv.render_freezes(DOSSIER))[0]
    assert line["held_base"] == str(WEI)
    assert line["held"] == f"{WEI // 10**18}.{WEI % 10**18:018d}"
    amount = rows(csv.render_amounts(DOSSIER))[0]
    assert (amount["amount_base"], amount["amount"]) == ("820180000", "8.20180000")


@pytest.mark.parametrize("text", ["1_1", "١", "-1e3", "1.0", "", "9" * 79])
def test_what_is_no_amount_never_becomes_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="base units"):
        csv.number(text)


def test_a_redaction_is_a_labelled_box_everywhere() -> None:
    assert redactions_in(DOSSIER) == [("F1.assumptions", "method")]
    page = html.render(DOSSIER).decode()
    assert "[left out: method]" in page
    assert "Would betray a method" in page
    hidden = replace(DOSSIER, findings=(replace(FINDING, amounts=Redaction("ongoing")),))
    assert "820180000" not in csv.render_amounts(hidden).decode()
    assert "[left out: ongoing]" in html.render(hidden).decode()
    assert from_json(to_json(hidden)) == hidden


def test_the_page_stands_alone_and_runs_nothing() -> None:
    page = html.render(DOSSIER, "TH7K2M9QX4").decode()
    assert page == html.render(DOSSIER, "TH7K2M9QX4").decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "src=" not in page
    assert "href=" not in page
    assert "url(" not in page
    for text in ("TH7K2M9QX4", "R-2025-000001", "REF-2025-000001", ADDRESS, "法羅斯", "ef" * 32):
        assert text in page


def test_the_page_speaks_three_languages_and_says_every_fixed_word_in_each() -> None:
    """The texts that people wrote stay as they were approved."""
    template = Path("templates/exports/release.html").read_text()
    said = set(re.findall(r'{% say "([^"]+)" %}', template))
    assert len(said) > 50
    assert [words for words in sorted(said) if not report_words.is_known(words)] == []
    tiers = ("Ledger fact", "Exchange record", FINDING.tier_name, "Heuristic", "Outside claim")
    fixed = [*tiers, *REDACTION_CODES.values(), FINDING.severity, DOSSIER.kind]
    fixed += html.CHANGED.values()
    assert [words for words in fixed if not report_words.is_known(words)] == []
    for language, words in (("fr", "Constats"), ("zh-Hant", "調查結果")):
        spoken = replace(DOSSIER, language=language)
        page = html.render(spoken).decode()
        assert page == html.render(from_json(to_json(spoken))).decode()
        assert f'<html lang="{language}">' in page
        assert f"<h2>{words}</h2>" in page
        assert "<h2>Findings</h2>" not in page
        assert "Sale of goods." in page
    assert "language" not in DOSSIER.content()


def test_what_changed_since_is_named_in_words() -> None:
    fields = {*WORDS, *OF_FINDINGS, "amounts", "against", "finding"}
    assert fields <= set(html.CHANGED)
    change = DossierChange("F1", "confidence_reason", "One path.", "Two paths.")
    page = html.render(replace(DOSSIER, replaces="R-1", changes=(change,))).decode()
    assert "F1 Why this confidence" in page
    assert "confidence_reason" not in page


def test_a_preview_is_the_same_page_without_number() -> None:
    page = html.render(replace(DOSSIER, seal=None)).decode()
    assert "preview, not sealed" in page
    assert ADDRESS in page


def test_totals_are_the_sum_of_their_lines() -> None:
    twice = replace(DOSSIER.freezes[0], lines=(LINE, LINE))
    [total] = html.asset_totals(replace(DOSSIER, freezes=(twice,)))
    assert total.held.replace(".", "") == str(2 * WEI)


def test_the_manifest_names_every_file_by_its_hash() -> None:
    files = {"b.csv": b"2", "a.json": b"1"}
    listing = json.loads(manifest.render(DOSSIER, files, watermark="W", notes=["N"]))
    assert [entry["name"] for entry in listing["files"]] == ["a.json", "b.csv"]
    assert listing["files"][0]["sha256"] == hashlib.sha256(b"1").hexdigest()
    assert listing["audit"] == {"seq": 42, "hash": "ef" * 32}
    assert (listing["watermark"], listing["notes"]) == ("W", ["N"])


@pytest.fixture
def pango() -> None:
    """Asked for when a test needs it: to look takes a second of every process that collects."""
    if not pdf.is_available():
        pytest.skip("Pango is not installed")


@pytest.mark.usefixtures("pango")
def test_the_pdf_is_the_same_bytes_each_time_and_another_per_recipient() -> None:
    first = pdf.render(DOSSIER, "TH7K2M9QX4")
    assert first == pdf.render(DOSSIER, "TH7K2M9QX4")
    assert first.startswith(b"%PDF-")
    assert first != pdf.render(DOSSIER, "OTHER")
    spoken = replace(DOSSIER, language="zh-Hant")
    assert pdf.render(spoken, "TH7K2M9QX4") == pdf.render(spoken, "TH7K2M9QX4") != first


@pytest.mark.usefixtures("pango")
def test_the_pdf_carries_each_address_unbroken(tmp_path) -> None:  # type: ignore[no-untyped-def]
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    file = tmp_path / "release.pdf"
    file.write_bytes(pdf.render(DOSSIER, "TH7K2M9QX4"))
    text = subprocess.run(
        ["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True
    ).stdout
    for expected in (ADDRESS, "法羅斯", "TH7K2M9QX4", "REF-2025-000001"):
        assert expected in text


@pytest.mark.usefixtures("pango")
@pytest.mark.parametrize("outside", ["file:///etc/passwd", "http://127.0.0.1:1/x.png"])
def test_a_page_that_loads_anything_ends_the_export(outside: str) -> None:
    page = f'<html lang="en"><title>x</title><img src="{outside}" alt="x"></html>'
    with pytest.raises(pdf.PdfRefused):
        pdf.from_page(page.encode(), DOSSIER)
