"""Every label file of the shared data, loaded by the commands with exact counts."""

import json
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cases.models import AuditEvent
from tests.sanctions_files import ADVANCED
from tests.shared_data import data_path
from tracing.models import AttributionTag, SanctionsEntry, SanctionsList, TagPack

pytestmark = pytest.mark.django_db

TAGS = {
    "tags/darknet-market-addresses.csv": ({"bitcoin": 186}, 1),
    "tags/exchange-tier1-addresses.csv": ({"bitcoin": 98}, 0),
    "tags/mixer-addresses.csv": ({"bitcoin": 107}, 0),
    "tags/p2p-platform-addresses.csv": ({"bitcoin": 4}, 0),
    "tags/scam-ponzi-addresses.csv": ({"bitcoin": 32}, 0),
    "tags/graphsense/etherscan-wordcloud-exchange.yaml": ({"evm": 646}, 0),
    "tags/graphsense/hydra.yaml": ({"bitcoin": 117}, 0),
    "tags/graphsense/walletexplorer.yaml": ({"bitcoin": 386}, 0),
    "tags/graphsense/ofac.yaml": (
        {
            "bitcoin": 387, "bitcoin-cash": 7, "bitcoin-sv": 1, "dash": 3, "evm": 150,
            "litecoin": 8, "tron": 7, "xrp": 1, "zcash": 3,
        },
        5,
    ),
}  # fmt: skip
SANCTIONS = {
    "XBT": {"bitcoin": 434, "tron": 1},
    "USDT": {"bitcoin": 7, "evm": 8, "tron": 11},
    "TRX": {"tron": 6},
    "BSC": {"evm": 1},
}


def load(command: str, *files: Path) -> list[Any]:
    out = StringIO()
    call_command(command, *map(str, files), "--json", stdout=out)
    answer: list[Any] = json.loads(out.getvalue())["files"]
    return answer


@pytest.mark.parametrize("name", sorted(TAGS))
def test_a_file_of_tags_is_stored_by_chain_and_its_bad_rows_named(name: str) -> None:
    chains, num_rejected = TAGS[name]
    [report] = load("load_tags", data_path(name))
    assert (report["chains"], report["num_rejected"]) == (chains, num_rejected)
    assert report["added"] == report["stored"] == AttributionTag.objects.count()
    assert report["stored"] == sum(chains.values())


@pytest.mark.parametrize("currency", sorted(SANCTIONS))
def test_a_list_is_filed_by_the_addresses_not_by_its_name(currency: str) -> None:
    [report] = load("load_sanctions", data_path(f"tags/ofac/sanctioned_addresses_{currency}.txt"))
    assert (report["chains"], report["rejected"]) == (SANCTIONS[currency], [])
    assert SanctionsEntry.objects.count() == sum(SANCTIONS[currency].values())


def test_the_one_tron_address_of_the_bitcoin_list_is_filed_as_tron() -> None:
    load("load_sanctions", data_path("tags/ofac/sanctioned_addresses_XBT.txt"))
    [entry] = SanctionsEntry.objects.filter(chain="tron:0x2b6653dc")
    assert (entry.address[0], entry.currency) == ("T", "XBT")


def test_the_row_with_a_bad_checksum_is_reported_and_not_stored() -> None:
    [report] = load("load_tags", data_path("tags/darknet-market-addresses.csv"))
    [row] = report["rejected"]
    assert row["text"] == "1EXPSwtbaSsWuXpVW8vaHvXm5Xgh2Xf4oA"
    assert "checksum" in row["reason"]
    assert not AttributionTag.objects.filter(address=row["text"]).exists()


def test_loading_twice_changes_nothing() -> None:
    files = [data_path(name) for name in TAGS]
    lists = [data_path(f"tags/ofac/sanctioned_addresses_{name}.txt") for name in SANCTIONS]
    first = load("load_tags", *files) + load("load_sanctions", *lists)
    rows = list(AttributionTag.objects.order_by("pk").values())
    events = AuditEvent.objects.count()
    again = load("load_tags", *files) + load("load_sanctions", *lists)
    assert [report["added"] for report in again] == [0] * len(again)
    same = ("chains", "stored", "rejected", "sha256")
    assert [[r[key] for key in same] for r in again] == [[r[key] for key in same] for r in first]
    assert list(AttributionTag.objects.order_by("pk").values()) == rows
    assert AuditEvent.objects.count() == events == len(again)


PACK = """title: T
creator: C
source: https://s.example
lastmod: {day}
tags:
- address: 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa
  label: {label}
"""


def test_a_later_version_supersedes_and_an_older_one_is_refused(tmp_path: Path) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(PACK.format(day="2025-01-01", label="Ferryswap"))
    new.write_text(PACK.format(day="2025-02-01", label="Eastmere"))
    load("load_tags", old)
    [report] = load("load_tags", new)
    assert report["supersedes"] == TagPack.objects.get(state="superseded").sha256[:8]
    assert TagPack.objects.active().get().tags.get().label == "Eastmere"
    assert AttributionTag.objects.count() == 2
    older = tmp_path / "older.yaml"
    older.write_text(PACK.format(day="2024-12-01", label="Nobody"))
    with pytest.raises(CommandError, match="this version is older"):
        load("load_tags", older)


def test_a_list_without_addresses_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "list_XBT.txt"
    path.write_text("no address\n")
    with pytest.raises(CommandError, match="no line holds an address"):
        load("load_sanctions", path)
    for command in ("load_tags", "load_sanctions"):
        with pytest.raises(CommandError, match=r"^absent\.yaml: it cannot be read: No such file"):
            load(command, tmp_path / "absent.yaml")
    assert not SanctionsList.objects.exists()


def test_a_list_in_xml_keeps_its_day_and_those_of_its_entries(tmp_path: Path) -> None:
    file = tmp_path / "sdn_advanced.xml"
    file.write_text(ADVANCED, encoding="utf-8")
    [report] = load("load_sanctions", file)
    assert (report["chains"], report["num_rejected"]) == ({"bitcoin": 1, "tron": 1}, 2)
    stored = SanctionsList.objects.get()
    assert (stored.name, stored.as_of) == ("sdn_advanced", date(2025, 5, 20))
    assert set(stored.entries.values_list("listed_on", flat=True)) == {date(2022, 4, 14)}
    assert load("load_sanctions", file)[0]["added"] == 0
