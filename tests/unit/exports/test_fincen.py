"""FinCEN SAR: the golden report is valid in both engines, its mutations in neither."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from cases.exports.suspicion import fincen, goaml
from cases.exports.suspicion.fincen_acknowledgement import NotAcknowledgement, read_acknowledgement
from cases.exports.suspicion.profiles import load_profile
from cases.exports.suspicion.schema import validate
from cases.exports.suspicion.values import CannotRender
from tests.shared_data import schema_path
from tests.unit.exports.test_goaml import ACCOUNT, GOLDEN, PERSON, movement

pytestmark = pytest.mark.xdist_group("receiver")
PROFILE = load_profile("us-sarx-1.2")
US = {
    "tin": "458985215", "tcc": "PABC1234", "street": "1 Harbour Road", "city": "Arlington",
    "state": "VA", "zip": "22201", "phone": "+1 703 555 0100",
}  # fmt: skip
PEOPLE = (replace(ACCOUNT, person=replace(PERSON, id_type="6", gender="M")),)
SAR = replace(
    GOLDEN, code="SAR", institution=replace(GOLDEN.institution, country="US", us=US),
    indicators=("1/113", "9/925", "1/113"), accounts=PEOPLE, local_rate=Decimal(1),
)  # fmt: skip
NAME = "us-sarx-1.2.xsd"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("fincen")
    (home / NAME).write_bytes(schema_path("fincen/EFL_SARXBatchSchema.xsd").read_bytes())
    return home


def text() -> str:
    return fincen.render(SAR, PROFILE).content.decode()


def test_the_golden_report_is_valid_in_both_engines(folder: Path) -> None:
    verdict = validate(text().encode(), folder, NAME)
    assert verdict.errors == {"lxml": (), "xmlschema": ()}


@pytest.mark.parametrize("kind", ["amendment", "continuing"])
def test_a_report_on_an_earlier_one_names_its_number(folder: Path, kind: str) -> None:
    made = fincen.render(replace(SAR, kind=kind, prior="31000055053784"), PROFILE).content
    assert b"<fc2:EFilingPriorDocumentNumber>31000055053784<" in made
    assert b"InitialReportIndicator" not in made
    assert validate(made, folder, NAME).is_valid


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (">NQ-7001-OP-1<", f">0x{'a' * 40}<"),
        ("<fc2:ActivityNarrativeText>", "<fc2:ActivityNarrativeText>" + "x" * 4001),
        ("<fc2:SuspiciousActivitySubtypeID>113<", "<fc2:SuspiciousActivitySubtypeID>9113<"),
        ("<fc2:FormTypeCode>SARX<", "<fc2:FormTypeCode>CTRX<"),
    ],
    ids=["account of 42", "narrative of 4001", "unknown subtype", "another form"],
)
def test_a_mutation_is_invalid_in_both_engines(folder: Path, old: str, new: str) -> None:
    made = text()
    assert old in made
    verdict = validate(made.replace(old, new, 1).encode(), folder, NAME)
    assert all(verdict.errors.values())


def test_a_blank_at_the_start_is_seen_by_one_engine_and_that_is_enough(folder: Path) -> None:
    """libxml2 takes any text for the pattern's empty branch: two engines for a reason."""
    verdict = validate(text().replace(">1 Harbour", "> 1 Harbour", 1).encode(), folder, NAME)
    assert not verdict.is_valid
    blank = replace(SAR, institution=replace(SAR.institution, us={**US, "street": " 1 Road\n"}))
    assert validate(fincen.render(blank, PROFILE).content, folder, NAME).is_valid


def test_the_published_sample_is_not_valid(folder: Path) -> None:
    sample = schema_path("fincen/sar_batch.xml").read_bytes()
    assert all(validate(sample, folder, NAME).errors.values())


def test_dollars_are_whole_codes_stand_once_and_addresses_have_their_place() -> None:
    made = text()
    assert "<fc2:TotalSuspiciousAmountText>2760000<" in made
    assert made.count("<fc2:SuspiciousActivityClassification ") == 2
    assert made.count("VIRTUAL CURRENCY ADDRESS") == 2
    cents = replace(SAR, movements=(movement("deposit", fiat=Decimal("10.01")),))
    rounded = fincen.render(cents, PROFILE)
    assert b"<fc2:TotalSuspiciousAmountText>11<" in rounded.content
    assert any(loss.field == "amount" for loss in rounded.losses)
    assert b"USD 10.01" in rounded.content


def test_a_long_narrative_is_split_and_what_does_not_fit_is_told(folder: Path) -> None:
    made = fincen.render(replace(SAR, reason="A fact.\n" * 3_000), PROFILE)
    assert made.content.count(b"<fc2:ActivityNarrativeText>") == 5
    assert any(loss.field == "narrative" for loss in made.losses)
    assert validate(made.content, folder, NAME).is_valid


def test_a_form_feed_pasted_with_the_words_is_a_blank_in_every_form() -> None:
    pasted = replace(SAR, reason="One page.\x0cAnother\ufffe.")
    assert b"One page. Another ." in fincen.render(pasted, PROFILE).content
    made = goaml.render(replace(GOLDEN, reason="One page.\x0cAnother."), load_profile("ae-5.0.2"))
    assert b"One page. Another." in made.content
    assert any(loss.field == "reason" for loss in made.losses)


def test_what_the_filer_or_the_form_lacks_is_said_in_a_sentence() -> None:
    with pytest.raises(CannotRender, match="tin, tcc"):
        fincen.render(replace(SAR, institution=GOLDEN.institution), PROFILE)
    with pytest.raises(CannotRender, match="no type and subtype"):
        fincen.render(replace(SAR, indicators=("CRYMX",)), PROFILE)


def test_an_acknowledgement_tells_the_number_and_the_warnings() -> None:
    first, second, _third = read_acknowledgement(
        schema_path("fincen/sar_acknowledgement.xml").read_bytes()
    )
    assert (first.state, first.number) == ("accepted_with_warnings", "31000055053784")
    assert first.errors[0]["level"] == "WARN"
    assert first.errors[0]["code"] == "C21"
    assert (second.state, second.errors) == ("accepted", ())


def test_a_remark_inside_an_acknowledgement_is_passed_over() -> None:
    content = (
        b'<EFilingBatchXML StatusCode="A"><EFilingActivityXML><BSAID>31000055053784</BSAID>'
        b"<EFilingActivityErrorXML><!-- why --><ErrorTypeCode>C21</ErrorTypeCode>"
        b"</EFilingActivityErrorXML></EFilingActivityXML></EFilingBatchXML>"
    )
    [told] = read_acknowledgement(content)
    assert told.errors == ({"code": "C21"},)


@pytest.mark.parametrize(
    "content",
    [
        b"no xml", b"<a/>", b'<EFilingBatchXML StatusCode="A"/>',
        b'<!DOCTYPE a><EFilingBatchXML StatusCode="A"/>',
        b'<EFilingBatchXML StatusCode="A"><EFilingActivityXML/></EFilingBatchXML>',
    ],
    ids=["text", "other", "empty", "doctype", "numberless"],
)  # fmt: skip
def test_another_file_is_no_acknowledgement(content: bytes) -> None:
    with pytest.raises(NotAcknowledgement):
        read_acknowledgement(content)
