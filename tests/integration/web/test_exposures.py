"""Exposure of a case and of a customer: their coins alone, each amount with its transactions."""

from pathlib import Path

import pytest

from cases.models import ExchangeRecord
from cases.queries.exposures import account_of_case, case_exposure, customer_exposure
from cases.services.attribution import import_tags
from cases.services.suspects import link_account
from cases.services.wallets import add_wallet
from tests.casework import make_account, make_asset
from tests.integration.web.conftest import BANK, DEPOSIT, HOPS, REST, Room, ledger_home, room
from tracing.ledgers import open_ledger
from tracing.reads import ExposureRow

__all__ = ["ledger_home", "room"]
pytestmark = pytest.mark.django_db
LEDGER = "bitcoin-regtest"


def tag(folder: Path, address: str, label: str, category: str) -> None:
    file = folder / f"{label}.yaml"
    file.write_text(
        f"title: {label}\ncreator: c\nsource: https://packs.sample.example\ncurrency: BTC\n"
        f"tags:\n- address: {address}\n  label: {label}\n  category: {category}\n"
    )
    import_tags(file)


def record(room: Room, home: Path, kind: str, address: str) -> ExchangeRecord:
    """A movement of the account, at the first coin that the ledger pays to this address."""
    ledger = open_ledger(home, LEDGER)
    number = ledger.find_address(address)
    assert number is not None
    coin = int(ledger.outputs_of_address(number)[0])
    return ExchangeRecord.objects.create(
        ref=f"{kind}-{address[-6:]}", kind=kind, account=room.account, asset=make_asset(),
        base=int(ledger.out_value[coin]), at="2025-01-06T00:10:00Z", address=address,
        txid=ledger.txid(int(ledger.out_tx[coin])), status="completed",
    )  # fmt: skip


def rows(found: list[object] | object) -> dict[tuple[str, str, bool], ExposureRow]:
    [one] = found  # type: ignore[misc]  # a list of one ledger
    assert one.view is not None
    return {(row.direction, row.category, row.is_direct): row for row in one.view.rows}


def test_a_customers_coins_are_followed_both_ways(
    room: Room, ledger_home: Path, tmp_path: Path
) -> None:
    tag(tmp_path, HOPS[2], "Mixmaster", "mixing_service")
    tag(tmp_path, HOPS[0], "Obelisk", "market")
    record(room, ledger_home, "deposit", DEPOSIT)
    record(room, ledger_home, "withdrawal", BANK)
    met = rows(customer_exposure(room.account))
    assert met.keys() == {("received", "mixing_service", False), ("sent", "market", False)}
    assert met["received", "mixing_service", False].amount == 2_000_000_000
    assert [c.place.address for c in met["sent", "market", False].contacts] == [HOPS[0]]
    other = make_account(customer=room.account.customer)
    assert rows(customer_exposure(other)).keys() == met.keys()
    assert customer_exposure(make_account()) == []


def test_a_withdrawal_straight_to_a_service_is_direct(
    room: Room, ledger_home: Path, tmp_path: Path
) -> None:
    tag(tmp_path, BANK, "Obelisk", "market")
    paid = record(room, ledger_home, "withdrawal", BANK)
    [(key, row)] = rows(customer_exposure(room.account)).items()
    assert (key, row.amount, row.low) == (("sent", "market", True), paid.base, paid.base)


def test_what_the_wallets_of_a_case_pay_each_other_is_nobodys_exposure(
    room: Room, tmp_path: Path
) -> None:
    tag(tmp_path, HOPS[1], "Mixmaster", "mixing_service")
    assert ("sent", "mixing_service", False) in rows(case_exposure(room.case))
    for address in HOPS[:2]:
        add_wallet(
            room.case, address=address, role="bank", label="", provenance="document",
            provenance_note="List", by=room.by,
        )  # fmt: skip
    met = rows(case_exposure(room.case))
    assert not [key for key in met if key[1] == "mixing_service"]


def test_the_pages_open_the_transactions_and_hide_from_outsiders(
    room: Room, ledger_home: Path, tmp_path: Path
) -> None:
    tag(tmp_path, REST, "Eastmere", "exchange")
    record(room, ledger_home, "deposit", DEPOSIT)
    page = f"/cases/{room.case.public_id}/exposure/"
    assert "direction=sent" in room.client.get(page).content.decode()
    asked = {"direction": "sent", "category": "exchange", "distance": "indirect", "ledger": LEDGER}
    shown = room.client.get(page, asked)
    assert shown.status_code == 200
    assert "Eastmere" in shown.content.decode()
    assert room.client.get(page, asked | {"category": "market"}).status_code == 404
    assert room.outsider.get(page).status_code == 404
    customer = f"/cases/{room.case.public_id}/accounts/{room.account.public_id}/exposure/"
    assert account_of_case(room.case, room.account.public_id) is None
    assert room.client.get(customer).status_code == 404
    link_account(room.case.suspects.get(), room.account.uid, "Order 12", by=room.by)
    answer = room.client.get(customer)
    assert answer.status_code == 200
    assert room.account.holder_name not in answer.content.decode()
    told = room.client.get(f"/api/v1{customer}".rstrip("/"))
    assert told.status_code == 200
    assert told.json()["ledgers"][0]["view"]["rows"] == []
