"""What single movements met on the ledger, and that rules hear of it."""

from pathlib import Path

import pytest
from django.conf import settings

from cases.detection import SPECS
from cases.models import Alert, DepositAddress, Price, Provider, Rule
from cases.policy import SYSTEM
from cases.queries.detection import Inputs
from cases.services.detection import install_rules
from cases.services.detection_runs import detect_now
from tests.blockmaker import SUBSIDY, BlockChain, address, pay
from tests.casework import BTC, make_asset
from tests.integration.web.conftest import BANK, DEPOSIT, HOPS, REST, Room, ledger_home, room
from tests.integration.web.test_exposures import LEDGER, record, tag
from tracing.ledgers import load_blocks

__all__ = ["ledger_home", "room"]
pytestmark = pytest.mark.django_db


def test_a_movement_tells_what_it_met_and_who_paid_it(
    room: Room, ledger_home: Path, tmp_path: Path
) -> None:
    tag(tmp_path, HOPS[2], "Mixmaster", "mixing_service")
    tag(tmp_path, BANK, "Obelisk", "market")
    Provider.objects.create(name="obelisk", rating="none", is_registered=False)
    record(room, ledger_home, "deposit", DEPOSIT)
    record(room, ledger_home, "withdrawal", BANK)
    [(_pk, _account, rows)] = Inputs(with_ledger=True).histories([room.account.pk])
    by_kind = {row.kind: row for row in rows}
    touches = {touch.category: touch for touch in by_kind["deposit"].touches}
    assert touches["mixing_service"].label == "Mixmaster"
    assert 1 <= touches["mixing_service"].hops <= 4
    assert by_kind["deposit"].sources
    [sent] = by_kind["withdrawal"].touches
    assert (sent.category, sent.hops, sent.share_pct) == ("market", 1, 100)
    assert (sent.rating, sent.is_registered, sent.is_ruled) == ("none", False, None)
    [(_pk, _account, plain)] = Inputs().histories([room.account.pk])
    assert all(not row.touches for row in plain)


def test_an_address_is_named_by_the_tag_of_its_cluster(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FIU_HOME", tmp_path)
    tagged, mate = address(21), address(22)
    chain, fee, part = BlockChain(), 1_000, 1_000_000_000
    first, second = ((chain.add().txs[0].txid, 0) for _ in range(2))
    one = pay([first], [(tagged, SUBSIDY - fee)])
    other = pay([second], [(mate, part), (mate, SUBSIDY - part - fee)])
    chain.add(one, other)
    chain.add(pay([(one.txid, 0), (other.txid, 0)], [(REST, SUBSIDY + part - 2 * fee)]))
    chain.add(pay([(other.txid, 1)], [(DEPOSIT, SUBSIDY - part - 2 * fee)]))
    file = tmp_path / "blk00000.dat"
    file.write_bytes(b"".join(block.record for block in chain.blocks))
    load_blocks(tmp_path, LEDGER, [file])
    tag(tmp_path, tagged, "Obelisk", "market")
    record(room, tmp_path, "deposit", DEPOSIT)
    [(_pk, _account, [row])] = Inputs(with_ledger=True).histories([room.account.pk])
    [touch] = row.touches
    assert (touch.category, touch.hops, touch.label) == ("market", 1, "Obelisk")


def test_a_rule_about_the_ledger_raises_an_alert_once_it_is_on(
    room: Room, ledger_home: Path, tmp_path: Path
) -> None:
    tag(tmp_path, BANK, "Obelisk", "market")
    make_asset()
    Price.objects.create(
        asset_id=BTC, currency="USD", price="90000", at="2025-01-01T00:00:00Z", source="Test"
    )
    DepositAddress.objects.get_or_create(
        ledger=LEDGER, address=BANK, assigned_from_at="2024-01-01T00:00:00Z",
        defaults={"account": room.account},
    )  # fmt: skip
    paid = record(room, ledger_home, "withdrawal", BANK)
    assert {rule.code for rule in install_rules()} == {
        code for code, spec in SPECS.items() if spec.is_on
    }
    detect_now(by=SYSTEM)
    assert not Alert.objects.filter(rule__code="tied_to_crime").exists()
    Rule.objects.filter(code="tied_to_crime").update(is_on=True)
    detect_now(by=SYSTEM)
    [alert] = Alert.objects.filter(rule__code="tied_to_crime")
    assert [row.ref for row in alert.records.all()] == [paid.ref]
    assert {value["name"]: value["found"] for value in alert.values}["named"] == "Obelisk"
    assert alert.severity == "severe"
    [(_pk, account, _rows)] = Inputs(with_ledger=True).histories([room.account.pk])
    assert account.named == ((BANK, "market", 5),)
