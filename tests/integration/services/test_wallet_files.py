"""Wallets out of STIX, MISP and FollowTheMoney files, and own tags into a pack for others."""

import json
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from cases.exports import ftm, misp, stix
from cases.models import Case, Evidence, Wallet
from cases.policy import PermissionDenied
from cases.services.errors import CaseworkError
from cases.services.instruments import UploadedBytes
from cases.services.wallet_files import import_wallets, read_wallet_file
from tests.casework import LEDGER, make_case, person
from tests.packs import DOSSIER
from tests.unit.exports.test_exports import ADDRESS
from tracing.jobs import HouseTag, publish_tag

pytestmark = pytest.mark.django_db
MODULES = {"STIX 2.1": stix, "MISP": misp, "FollowTheMoney": ftm}


@pytest.fixture
def case() -> Case:
    return make_case()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_file_becomes_an_exhibit_and_its_addresses_wallets(name: str, case: Case) -> None:
    content = MODULES[name].render(DOSSIER)
    by = person("analyst")
    document = UploadedBytes("from-the-cert.json", content)
    told, report = import_wallets(case, document=document, role="unknown", source="CERT", by=by)
    assert (told, len(report.added), report.rejected) == (name, 1, [])
    wallet = Wallet.objects.get(case=case)
    assert (wallet.ledger, wallet.address) == (LEDGER, ADDRESS)
    assert wallet.provenance_note == "E-001, CERT"
    assert Evidence.objects.get(case=case).size == len(content)


def test_what_is_no_address_comes_back_with_its_reason(case: Case) -> None:
    event = {"Event": {"info": "x", "Attribute": [
        {"type": "btc", "value": ADDRESS}, {"type": "btc", "value": "not an address"},
    ]}}  # fmt: skip
    _name, report = import_wallets(
        case, document=UploadedBytes("e.json", json.dumps(event).encode()), role="unknown",
        source="CERT", by=person("analyst"),
    )  # fmt: skip
    assert [line.text for line in report.rejected] == ["not an address"]
    assert report.rejected[0].reason


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a":1,"a":2}', "twice"), (b"\xff", "UTF-8"), (b"[" * 100_000, "deeply"),
        ('{"Event":{"info":"\u202e"}}'.encode(), "direction"), (b'{"Event":{}}', "no wallet"),
        (b"a,b", "no file of"), (b" " * (5 * 1024 * 1024 + 1), "5 MB"),
        (b'{"Event":{"Attribute":[{"type":"btc","value":"a\\nb"}]}}', "line break"),
        (b'{"Event":{"info":' + b"9" * 5_000 + b"}}", "no file of"),
        (b'{"Event":{"Attribute":[{"type":"btc","value":"\\ud800"}]}}', "cannot be read"),
        (b'{"schema":"A"}\n{"schema":"CryptoWallet","schema":"B"}', "twice"),
    ],
    ids=["twice", "bytes", "deep", "bidi", "empty", "other", "large", "line", "digits", "half",
         "later"],
)  # fmt: skip
def test_another_file_is_refused_in_a_sentence(content: bytes, words: str) -> None:
    with pytest.raises(CaseworkError, match=words):
        read_wallet_file(content)


def test_who_may_not_add_wallets_takes_none_out_of_a_file(case: Case) -> None:
    document = UploadedBytes("e.json", misp.render(DOSSIER))
    with pytest.raises(PermissionDenied):
        import_wallets(case, document=document, role="unknown", source="x", by=person("auditor"))
    assert not Evidence.objects.exists()


def test_own_published_tags_become_a_pack_without_their_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.yaml"
    words = {"creator": "Unit", "source": "https://u.example", "verbosity": 0}
    with pytest.raises(CommandError, match="no tag"):
        call_command("export_tags", str(file), **words)
    publish_tag(HouseTag(LEDGER, ADDRESS, "Lanternbox", "market", "forensic", "a secret source"))
    call_command("export_tags", str(file), json=True, **words)
    assert json.loads(capsys.readouterr().out) == {"file": str(file), "num_tags": 1}
    [tag] = yaml.safe_load(file.read_bytes())["tags"]
    assert (tag["address"], tag["label"], tag["currency"]) == (ADDRESS, "Lanternbox", "BTC")
    assert "secret" not in file.read_text()
