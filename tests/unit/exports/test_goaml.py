"""goAML: the golden report is valid in both engines, its mutations in neither, traps are known."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cases.exports.suspicion import goaml
from cases.exports.suspicion.letters import missing_of
from cases.exports.suspicion.profiles import load_profile
from cases.exports.suspicion.schema import NoSchema, repaired, validate
from cases.exports.suspicion.values import (
    CannotRender,
    CustomerAccount,
    Institution,
    Movement,
    Person,
    Rendered,
    Report,
)
from tests.shared_data import schema_path

pytestmark = pytest.mark.xdist_group("receiver")  # the schema is compiled once a process
PROFILE = load_profile("ae-5.0.2")
PERSON = Person(
    first_name="Kai-Wen", last_name="Demoson", original_name="", gender="-",
    birth_on=date(1980, 4, 3), id_number="X1234567", id_type="PASSP",
    id_issued_on=date(2020, 1, 1), id_expires_on=date(2030, 1, 1), id_country="TW",
    nationality="TW", residence="TW", phone="+886 900 000 000",
)  # fmt: skip
ACCOUNT = CustomerAccount("NQ-7001-OP-1", "CU-000801", date(2020, 5, 1), "active", "TW", PERSON)
AT = datetime(2025, 5, 15, 15, 10, tzinfo=UTC)


def movement(kind: str, **fields: Any) -> Movement:
    values: dict[str, Any] = {
        "ref": f"NQ-{kind}", "kind": kind, "uid": "NQ-7001-OP-1", "at": AT, "symbol": "BTC",
        "base": 460_000_000, "decimals": 8, "fiat": Decimal("460000.00"),
    }  # fmt: skip
    return Movement(**(values | fields))


GOLDEN = Report(
    reference="REP-2026-000001",
    code="STR",
    submitted_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
    institution=Institution(
        4711, "Northquay", "NORTHQUAY", "Head office", "AE", "Nora", "Sample"
    ),
    reason="A transparent coin came in and was swapped at once into a privacy coin.",
    action="The account is watched.",
    indicators=("CRYMX", "MACCA"),
    accounts=(ACCOUNT,),
    movements=(
        movement("deposit", txid="ab" * 32, chain="bip122:0f9188f13cb7b2c71f2a335e3a4fc328"),
        movement("withdrawal", txid="cd" * 32, chain="bip122:0f91", address="bcrt1q" + "q" * 38),
        movement("withdrawal", ref="NQ-M-3", symbol="XMR", decimals=12, base=7 * 10**12,
                 address="4" * 95),
        movement("conversion", symbol="ETH", decimals=18, base=159_840_000_000_000_000_001,
                 symbol_out="XMR", base_out=10**12, decimals_out=12),
        movement("internal_in", counter_uid="NQ-7001-OP-3"),
        movement("fiat_in", symbol="USDT", decimals=6, base=9_500_000_000),
    ),
    currency="USD",
    local_rate=Decimal("3.6725"),
)  # fmt: skip


@pytest.fixture(scope="module", params=["assets-goAMLSchema.xsd", "goAMLSchema.xsd"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The receiver's schema as issued, and the same with two repairs by somebody else."""
    source = schema_path(f"goaml/vyttah-5.0.2/{request.param}")
    home = tmp_path_factory.mktemp("xsd")
    (home / "ae-5.0.2.xsd").write_bytes(source.read_bytes())
    return home


def golden() -> bytes:
    return goaml.render(GOLDEN, PROFILE).content


def test_the_golden_report_is_valid_in_both_engines(folder: Path) -> None:
    verdict = validate(golden(), folder, "ae-5.0.2.xsd")
    assert verdict.errors == {"lxml": (), "xmlschema": ()}
    assert verdict.is_valid


MUTATIONS: dict[str, tuple[str, str]] = {
    "an over-long field": ("<teller/>", ""),
    "an unknown indicator": ("<indicator>CRYMX<", "<indicator>NOSUCH<"),
    "an unknown currency": (">XBT<", ">BTC<"),
    "missing KYC": ("<birthdate>1980-04-03T00:00:00</birthdate>", ""),
    "14 fraction digits": ("<amount_local>1689350<", "<amount_local>0.12345678901234<"),
    "a wrong order": ("<submission_code>E</submission_code>", ""),
    "a name outside the receiver's letters": ("<first_name>Kai-Wen<", "<first_name>José<"),
    "an unknown report": ("<report_code>STR<", "<report_code>XYZ<"),
    "a word where a flag stands": ("<is_primary>1<", "<is_primary>yes<"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_invalid_in_both_engines(folder: Path, name: str) -> None:
    old, new = MUTATIONS[name]
    text = golden().decode()
    if name == "an over-long field":
        old, new = "<transactionnumber>NQ-fiat_in<", f"<transactionnumber>{'x' * 101}<"
    assert old in text
    verdict = validate(text.replace(old, new, 1).encode(), folder, "ae-5.0.2.xsd")
    assert all(verdict.errors.values()), (name, verdict.errors)


ELSEWHERE = {
    "generic-5.0.1": ("thecury-5.0.1/goAMLSchema.xsd", {"id_type": "-"}, ("-",)),
    "id-4.0.2": (
        "ppatk-4.0.2/goAMLSchemaPPATK-4.0.2.xsd", {"id_type": "PAS", "gender": "M"}, ("AAA001",),
    ),
}  # fmt: skip


def made_for(profile: str) -> Rendered:
    _schema, person, indicators = ELSEWHERE[profile]
    account = replace(ACCOUNT, person=replace(PERSON, **person))  # type: ignore[arg-type]  # texts
    report = replace(GOLDEN, accounts=(account,), indicators=indicators)
    return goaml.render(report, load_profile(profile))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schemas of the other receivers."""
    home = tmp_path_factory.mktemp("elsewhere")
    for profile, (source, _person, _indicators) in ELSEWHERE.items():
        schema = schema_path(f"goaml/{source}").read_bytes()
        (home / f"{profile}.xsd").write_bytes(schema)
    return home


@pytest.mark.parametrize("profile", ELSEWHERE)
def test_the_golden_report_is_valid_for_other_receivers(elsewhere: Path, profile: str) -> None:
    made = made_for(profile)
    verdict = validate(made.content, elsewhere, f"{profile}.xsd")
    assert verdict.errors == {"lxml": (), "xmlschema": ()}
    lost = {loss.field for loss in made.losses}
    assert "foreign currency of BTC" in lost
    assert "t_person/occupation" in lost


@pytest.mark.parametrize("profile", ELSEWHERE)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<birthdate>1980-04-03T00:00:00</birthdate>", ""),
        ("<submission_code>E</submission_code>", ""),
        ("<transactionnumber>NQ-fiat_in<", f"<transactionnumber>{'x' * 101}<"),
        ("<nationality1>TW<", "<nationality1>QQ<"),
    ],
    ids=["missing KYC", "a wrong order", "over-long", "unknown country"],
)
def test_a_mutation_is_invalid_for_other_receivers(
    elsewhere: Path, profile: str, old: str, new: str
) -> None:
    text = made_for(profile).content.decode()
    assert old in text
    verdict = validate(text.replace(old, new, 1).encode(), elsewhere, f"{profile}.xsd")
    assert all(verdict.errors.values())


def test_a_transaction_id_too_long_for_a_receiver_is_cut_and_told() -> None:
    made = made_for("id-4.0.2")
    assert any("cut to 50 of 64" in loss.what for loss in made.losses)
    assert b"is_suspected" not in made.content
    assert b"<report_code>LTKM</report_code>" in made.content


def test_a_receiver_without_codes_gets_the_flags_in_words_only() -> None:
    report = replace(GOLDEN, indicators=("CRYMX",))
    made = goaml.render(report, load_profile("generic-5.0.1"))
    assert made.content.count(b"<indicator>-</indicator>") == 1
    assert any(loss.field == "indicators" for loss in made.losses)


def test_the_file_is_the_same_bytes_twice() -> None:
    assert golden() == golden()


def test_the_schema_as_issued_is_mended_and_each_repair_told() -> None:
    text = schema_path("goaml/vyttah-5.0.2/assets-goAMLSchema.xsd").read_text("utf-8-sig")
    mended, repairs = repaired(text)
    assert any("^ and $" in repair for repair in repairs)
    assert any("range" in repair for repair in repairs)
    assert any("minVersion" in repair for repair in repairs)
    assert not re.search(r'<xs:pattern value="\^[^"]*\$"', mended)
    assert repaired(mended) == (mended, ())


def test_without_the_receivers_schema_nothing_is_validated(tmp_path: Path) -> None:
    with pytest.raises(NoSchema, match="FIU_GOAML_XSD_DIR"):
        validate(golden(), tmp_path, "ae-5.0.2.xsd")


def test_a_bare_transaction_id_goes_out_and_its_chain_in_a_comment() -> None:
    text = golden().decode()
    assert f"<transactionnumber>{'ab' * 32}</transactionnumber>" in text
    assert "chain bip122:0f9188f13cb7b2c71f2a335e3a4fc328" in text


def test_eighteen_decimals_are_rounded_and_the_exact_amount_kept() -> None:
    rendered = goaml.render(GOLDEN, PROFILE)
    text = rendered.content.decode()
    assert "<foreign_amount>159.84</foreign_amount>" in text
    assert "159840000000000000001 base units of ETH" in text
    assert any(loss.field == "amount of NQ-conversion" for loss in rendered.losses)


def test_an_asset_without_a_code_is_told_in_the_loss_list() -> None:
    losses = goaml.render(GOLDEN, PROFILE).losses
    assert any(loss.field == "foreign currency of USDT" for loss in losses)


def test_names_are_transliterated_and_the_original_goes_along(folder: Path) -> None:
    person = replace(PERSON, first_name="José", original_name="José Demoson")
    report = replace(GOLDEN, accounts=(replace(ACCOUNT, person=person),))
    rendered = goaml.render(report, PROFILE)
    assert "<first_name>Jose</first_name>" in rendered.content.decode()
    assert "<full_name_frn>José Demoson</full_name_frn>" in rendered.content.decode()
    assert any(loss.field == "first_name" for loss in rendered.losses)
    assert validate(rendered.content, folder, "ae-5.0.2.xsd").is_valid


def test_a_name_without_a_latin_letter_is_asked_for_again() -> None:
    assert "last_name" in missing_of(replace(PERSON, last_name="法羅斯"), PROFILE)


def test_what_kyc_lacks_is_listed_and_refused() -> None:
    person = replace(PERSON, birth_on=None, phone="")
    assert missing_of(person, PROFILE) == ["birth_on", "phone"]
    with pytest.raises(CannotRender, match="birth on, phone"):
        goaml.render(replace(GOLDEN, accounts=(replace(ACCOUNT, person=person),)), PROFILE)


def test_a_text_cut_to_the_receivers_length_is_told() -> None:
    rendered = goaml.render(replace(GOLDEN, reason="x" * 9_000), PROFILE)
    assert any(loss.field == "reason" and "8000" in loss.what for loss in rendered.losses)


def test_flags_are_written_as_ones(folder: Path) -> None:
    """For fixed="1" one engine refuses `true` and the other takes it."""
    text = golden().decode().replace("<is_primary>1<", "<is_primary>true<", 1).encode()
    verdict = validate(text, folder, "ae-5.0.2.xsd")
    assert verdict.errors["lxml"]
    assert not verdict.is_valid
    assert b"<is_primary>1<" in golden()
