"""STIX, MISP and FollowTheMoney: valid for their makers' own programs, exact, and read back."""

import importlib
import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from cases.dossier import DossierSuspect, DossierWallet, Redaction
from cases.exports import ftm, misp, stix, tagpack
from cases.exports.stix import TLPS
from tests.packs import DOSSIER, RUN
from tests.unit.exports.test_exports import ADDRESS, FINDING

pytestmark = pytest.mark.once
ETHER = DossierWallet("W2", "ethereum", "0x" + "a1" * 20, "Suspect", Redaction("method"))
RICH = replace(
    DOSSIER,
    suspects=(
        *DOSSIER.suspects,
        DossierSuspect("S2", "Organisation", "Suspect", ("Pharos Ltd", "Pharos Trading")),
        DossierSuspect("S3", "Person", "Witness", Redaction("personal")),
        DossierSuspect("S4", "Person", "Suspect", ("Ada Example",)),
    ),
    wallets=(*DOSSIER.wallets, ETHER),
    caveats="Do not contact the account holders.",
)


@pytest.fixture(scope="module")
def stix2validator() -> Any:
    """Loaded where it is asked for: it takes a second of every process that collects."""
    return importlib.import_module("stix2validator")


@pytest.fixture(scope="module")
def pymisp() -> Any:
    return importlib.import_module("pymisp")


def errors_of(content: bytes, stix2validator: Any) -> list[str]:
    options = stix2validator.ValidationOptions(version="2.1")
    return [str(each) for each in stix2validator.validate_string(content.decode(), options).errors]


@pytest.mark.parametrize("tlp", sorted(TLPS))
def test_the_makers_of_stix_call_the_bundle_valid(tlp: str, stix2validator: Any) -> None:
    content = stix.render(replace(RICH, tlp=tlp))
    assert errors_of(content, stix2validator) == []


def test_two_customers_with_one_masked_number_stay_two_in_every_tool() -> None:
    def accounts(number: str) -> list[dict[str, Any]]:
        freeze, seal = DOSSIER.freezes[0], DOSSIER.seal
        assert seal is not None
        twice = replace(freeze, lines=(freeze.lines[0], freeze.lines[0]))
        made = replace(DOSSIER, freezes=(twice,), seal=replace(seal, number=number))
        objects = json.loads(stix.render(made))["objects"]
        return [each for each in objects if each["type"] == "user-account"]

    found = accounts("R-2025-000001") + accounts("R-2025-000002")
    assert len({each["id"] for each in found}) == len({each["user_id"] for each in found}) == 4
    assert len({each["display_name"] for each in found}) == 1


def test_the_makers_of_stix_refuse_what_is_wrong(stix2validator: Any) -> None:
    content = stix.render(RICH).replace(b'"confidence":80', b'"confidence":101')
    assert len(errors_of(content, stix2validator)) == 1


def test_pymisp_reads_the_event_strictly(pymisp: Any) -> None:
    event = pymisp.MISPEvent(strict_validation=True)
    event.from_dict(**json.loads(misp.render(RICH))["Event"])
    again = pymisp.MISPEvent(strict_validation=True)
    for each in event.objects:
        # Made anew by the maker's own template: every relation and type must be one of it.
        made = again.add_object(name=each.name, strict=True)
        for attribute in each.attributes:
            made.add_attribute(attribute.object_relation, value=attribute.value)
        assert made._validate()
    assert {each.name for each in event.objects} == {
        "coin-address", "cryptocurrency-transaction", "person", "legal-entity", "bank-account",
    }  # fmt: skip
    assert [tag.name for tag in event.tags] == ["tlp:amber", 'tracehold:handling="H1"']


@pytest.mark.parametrize("module", [stix, misp, ftm], ids=["stix", "misp", "ftm"])
def test_a_format_is_the_same_bytes_gives_its_wallets_back_and_names_its_losses(
    module: object,
) -> None:
    content = module.render(RICH)  # type: ignore[attr-defined]
    assert content == module.render(RICH)  # type: ignore[attr-defined]
    found = [address for address, _words in module.wallets_in(content)]  # type: ignore[attr-defined]
    assert found == [ADDRESS, ETHER.address]
    assert all(module.loss_list(RICH))  # type: ignore[attr-defined]
    assert "Ada Example" in content.decode()
    assert "S3" not in json.dumps([line for line in content.decode().splitlines() if "name" in line
                                   and module is ftm])  # fmt: skip


@pytest.mark.parametrize("module", [stix, misp], ids=["stix", "misp"])
def test_amounts_are_exact_as_text_and_what_is_left_out_stays_out(module: object) -> None:
    content = module.render(RICH).decode()  # type: ignore[attr-defined]
    assert "820180000" in content
    hidden = replace(RICH, findings=(replace(FINDING, amounts=Redaction("ongoing")),), runs=())
    assert "820180000" not in module.render(hidden).decode()  # type: ignore[attr-defined]


def test_the_chain_of_an_address_and_its_asset_are_named_exactly() -> None:
    content = stix.render(RICH).decode()
    assert f"{RUN.chain}:{ADDRESS}" in content
    assert RUN.asset in content


@pytest.mark.parametrize(
    ("module", "content"),
    [
        (stix, b'{"type":"report"}'), (stix, b"no json"), (misp, b'{"event":1}'), (misp, b"[]"),
        (ftm, b"[1]"), (ftm, b'{"id":"x"}'),
    ],
    ids=["stix-type", "stix-text", "misp-event", "misp-list", "ftm-list", "ftm-schema"],
)  # fmt: skip
def test_another_file_is_refused(module: object, content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        module.wallets_in(content)  # type: ignore[attr-defined]


def test_a_pack_of_own_tags_is_the_same_bytes_in_whatever_order_they_come() -> None:
    tags = [
        tagpack.OwnTag("eip155:1", "0x1", "Ferryswap", "", "forensic", ""),
        tagpack.OwnTag(RUN.chain, ADDRESS, "Lanternbox: a = b", "market", "forensic", "2025-01-01"),
    ]
    content = tagpack.render("T", "Unit", "https://u.example", tags)
    assert content == tagpack.render("T", "Unit", "https://u.example", reversed(tags))
    pack = yaml.safe_load(content)
    assert [(tag["currency"], tag["label"]) for tag in pack["tags"]] == [
        ("BTC", "Lanternbox: a = b"), ("ETH", "Ferryswap"),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no word for the chain solana"):
        tagpack.currency_of("solana:x")
