"""A case on a token ledger: paste, address page, trace by form, result, flow, finding."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from cases.models import Case, ExchangeRecord, Finding, Wallet
from cases.policy import Actor
from cases.queries.cases import case_shell
from cases.queries.exposures import case_exposure, customer_exposure
from cases.queries.flow import case_flow
from cases.services.cases import start_case
from cases.services.exchange_rows import canonical_address
from cases.services.findings import collect_findings
from tests.casework import (
    make_account,
    make_actor,
    make_asset,
    make_case,
    make_deposit_address,
    make_suspect,
    make_user,
)
from tests.conftest import client_of
from tests.unit.engine.accounts.replies import TOKEN, account, block, file, log, receipt, tx
from tracing import reads
from tracing.engine.chains import checksummed
from tracing.follow import follow
from tracing.jobs import BoundaryRow, set_boundaries
from tracing.ledger_views import AssetUnit
from tracing.ledgers.accounts import load_evm, open_account_ledger
from tracing.models import AttributionTag, TagPack, TraceRun
from tracing.pattern_views import address_patterns, dust_of
from tracing.runner import run

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("account-chains")]  # made once a file

LEDGER = "ethereum-dev"
ASSET = f"eip155:31337/erc20:{TOKEN}"
BANK, HOP, OTHER, DEPOSIT = 0xA1B2C3D4E5F6, 0xA2, 0xA3, 0xA4
BIG = 7 * 10**30
"""Base units of a token of 18 decimals: far above 64 bits."""


@dataclass(frozen=True)
class Room:
    case: Case
    by: Actor
    client: Client


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The token is made for the bank; that pays a hop, the hop a deposit, and one call fails."""
    folder = tmp_path_factory.mktemp("tokens")
    rows: list[object] = [{"type": "token", "address": TOKEN, "symbol": "TUSD", "decimals": 18}]
    moves = [(0, BANK, 3 * BIG), (BANK, HOP, 2 * BIG), (OTHER, HOP, BIG), (HOP, DEPOSIT, BIG)]
    for number, (payer, payee, units) in enumerate(moves):
        if number == 2:
            moves[2] = (BANK, OTHER, BIG)
            payer, payee = BANK, OTHER
        sent = tx(number + 1, payer or BANK, None if not number else int(TOKEN, 16))
        mined = block(number, sent | {"chainId": "0x7a69"})
        sent |= {key: mined["transactions"][0][key] for key in ("blockHash", "blockNumber")}
        sent["transactionIndex"] = "0x0"
        told = receipt(sent, log(0, payer, payee, units), gas=21)
        rows += [mined, told | ({"contractAddress": TOKEN} if not number else {})]
    failed = tx(9, HOP, OTHER, 5)
    mined = block(len(moves), failed)
    rows += [mined, receipt(failed, status=0)]
    path = folder / "replies.json"
    path.write_bytes(file(*rows)[1])
    load_evm(folder, "ethereum", [path])
    return folder


@pytest.fixture
def room(home: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setattr(settings, "FIU_HOME", home)
    analyst = make_user("analyst")
    by = make_actor(analyst)
    case = start_case(make_case(by, visibility="team"), by=by)
    make_deposit_address(make_account("NQ-0004417"), account(DEPOSIT), ledger=LEDGER)
    set_boundaries("records", [BoundaryRow(LEDGER, account(DEPOSIT), "exchange_deposit")])
    make_suspect(case, by)
    return Room(case, by, client_of(analyst))


def pasted(room: Room, text: str) -> None:
    url = reverse("wallets_add", args=[room.case.public_id])
    room.client.post(
        url, {"text": text, "role": "bank", "provenance": "document", "provenance_note": "p. 4"}
    )


def text_of(room: Room, url: str) -> str:
    answer = room.client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_both_families_are_pasted_and_a_wrong_capital_is_refused(room: Room) -> None:
    shown = checksummed(bytes.fromhex(account(BANK)[2:]))
    wrong = shown.swapcase().replace("0X", "0x")
    pasted(room, f"{shown}\nTR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t\n{wrong}\n{account(BANK)}")
    wallets = set(room.case.wallets.values_list("ledger", "address"))
    assert wallets == {
        (LEDGER, account(BANK)), ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    }  # fmt: skip
    page = text_of(room, reverse("case_wallets", args=[room.case.public_id]))
    assert "unknown: ledger tron is not loaded" in page


def test_the_address_page_shows_each_asset_by_its_decimals(room: Room) -> None:
    pasted(room, account(HOP))
    wallet = Wallet.objects.get(case=room.case)
    page = text_of(room, reverse("address_detail", args=[wallet.public_id]))
    assert "14,000,000,000,000.00 TUSD" in page
    assert "7,000,000,000,000.00 TUSD" in page
    assert ASSET in page
    assert "network fee" in page
    assert "failed" in page
    assert "Accounts are never spent together" in page


def test_history_goes_on_behind_a_transfer(room: Room) -> None:
    first = reads.address_history(LEDGER, account(HOP), limit=2)
    rest = reads.address_history(LEDGER, account(HOP), after=first[-1].key)
    assert len(first) + len(rest) == len(reads.address_history(LEDGER, account(HOP)))
    assert first[0].is_failed
    assert room.case.wallets.count() == 0


def test_a_trace_runs_from_the_form_to_the_finding(room: Room) -> None:
    pasted(room, account(BANK))
    wallet = Wallet.objects.get(case=room.case)
    asked = {
        "mode": "destination", "ledger": LEDGER, "seed_wallets": [str(wallet.public_id)],
        "token": TOKEN, "policy": "fifo", "max_hops": "8", "min_value": "0", "coinjoin": "stop",
        "stop_at_services": "on",
    }  # fmt: skip
    url = reverse("trace_new", args=[room.case.public_id])
    estimate = room.client.post(url, asked | {"action": "estimate"}).content.decode()
    assert "21,000,000,000,000.00 TUSD" in estimate
    assert room.client.post(url, asked | {"action": "start"}).status_code == 302
    case_run = room.case.runs.get()
    waiting = reverse("trace_detail", args=[room.case.public_id, case_run.run])
    assert "base units" in text_of(room, waiting)
    assert run(TraceRun.objects.get(public_id=case_run.run).pk, follow) == "done"
    assert collect_findings(case_run.run) == 1
    page = text_of(room, waiting)
    assert "7,000,000,000,000.00 TUSD" in page
    assert "Reached this exchange" in page
    ends = text_of(room, reverse("trace_ends", args=[room.case.public_id, case_run.run, 1]))
    assert "TUSD" in ends
    finding = Finding.objects.get(case=room.case)
    assert "received 7000000000000.00 TUSD" in finding.statement
    (amount,) = finding.amounts.all()
    assert (amount.asset, amount.base, amount.value) == (ASSET, BIG, BIG)
    assert list(finding.wallets.all()) == [wallet]
    reads_ok = text_of(room, reverse("finding_detail", args=[finding.public_id]))
    assert "7,000,000,000,000.00" in reads_ok


def test_the_flow_draws_token_amounts_and_keeps_every_unit(room: Room) -> None:
    pasted(room, account(BANK))
    wallet = Wallet.objects.get(case=room.case)
    url = reverse("trace_new", args=[room.case.public_id])
    room.client.post(url, {
        "mode": "destination", "ledger": LEDGER, "seed_wallets": [str(wallet.public_id)],
        "token": TOKEN, "policy": "haircut", "min_value": "0", "coinjoin": "stop",
    })  # fmt: skip
    case_run = room.case.runs.get()
    run(TraceRun.objects.get(public_id=case_run.run).pk, follow)
    collect_findings(case_run.run)
    case_run.refresh_from_db()
    found = case_flow(room.case, case_run, case_shell(room.case, room.by).money)
    assert found is not None
    moved = {(m.source.label, m.target.label): m.amount for m in found.moves}
    assert sum(moved.values()) == 2 * BIG + BIG + BIG
    seeds = [place for place in found.places.values() if place.is_seed]
    assert [place.wallet for place in seeds] == [wallet]
    assert any(m.is_key for m in found.moves)
    page = text_of(room, reverse("case_flow", args=[room.case.public_id]))
    assert "TUSD" in page


def test_a_seed_of_nothing_is_told_beside_the_form(room: Room) -> None:
    url = reverse("trace_new", args=[room.case.public_id])
    answer = room.client.post(url, {
        "mode": "destination", "ledger": LEDGER, "seeds": account(0xDEAD), "policy": "fifo",
        "min_value": "0", "coinjoin": "stop",
    })  # fmt: skip
    assert answer.status_code == 422
    assert "has never seen the address" in answer.content.decode()


def test_the_exchanges_rows_take_the_canonical_form() -> None:
    """A deposit address written with its capitals must match what a run reaches."""
    shown = checksummed(bytes.fromhex(account(BANK)[2:]))
    assert canonical_address(LEDGER, shown) == account(BANK)
    with pytest.raises(reads.AddressError, match="EIP-55"):
        canonical_address(LEDGER, shown.swapcase().replace("0X", "0x"))
    assert canonical_address("monero", "4 anything") == "4 anything"


def test_search_knows_the_address(room: Room) -> None:
    page = room.client.post(reverse("search"), {"q": account(HOP)}).content.decode()
    assert "In the ledger" in page


def test_paths_of_a_token_are_found_from_the_form(room: Room) -> None:
    pasted(room, f"{account(BANK)}\n{account(DEPOSIT)}")
    bank, deposit = (room.case.wallets.get(address=account(n)) for n in (BANK, DEPOSIT))
    url = reverse("trace_new", args=[room.case.public_id])
    room.client.post(url, {
        "mode": "paths", "ledger": LEDGER, "seed_wallets": [str(bank.public_id)],
        "target_wallets": [str(deposit.public_id)], "token": TOKEN, "policy": "fifo",
        "min_value": "0", "coinjoin": "stop",
    })  # fmt: skip
    case_run = room.case.runs.get()
    assert run(TraceRun.objects.get(public_id=case_run.run).pk, follow) == "done"
    page = text_of(room, reverse("trace_detail", args=[room.case.public_id, case_run.run]))
    assert "7,000,000,000,000.00 TUSD" in page


def tagged(number: int, category: str) -> None:
    pack = TagPack.objects.create(
        name=f"pack {number}", creator="house", file_name="p.yaml", sha256=f"{number:064x}",
        num_tags=1,
    )  # fmt: skip
    AttributionTag.objects.create(
        pack=pack, number=1, chain="eip155:31337", address=account(number), family="evm",
        payload_hex=account(number)[2:], label="Swap Now", category=category, confidence="forensic",
        level=50,
    )  # fmt: skip


def test_exposure_of_an_account_stands_by_asset_and_opens_to_its_transfers(room: Room) -> None:
    pasted(room, account(HOP))
    tagged(BANK, "coinswap_exchange")
    wallet = Wallet.objects.get(case=room.case)
    url = reverse("address_exposure", args=[wallet.public_id])
    page = text_of(room, url)
    assert "14,000,000,000,000.00 TUSD" in page
    view = reads.wallet_exposure(LEDGER, account(HOP))
    assert view is not None
    assert [(r.direction, r.category, r.is_direct, r.amount, r.asset) for r in view.rows] == [
        ("received", "coinswap_exchange", True, 2 * BIG, ASSET),
        ("sent", "this_exchange", True, BIG, ASSET),
    ]
    parts = f"direction=received&category=coinswap_exchange&distance=direct&asset={ASSET}"
    assert "Swap Now" in text_of(room, f"{url}?{parts}")
    assert room.client.get(f"{url}?{parts}x").status_code == 404
    (side,) = [side for side in view.sides if side.direction == "sent"]
    assert (side.turnover, side.rest) == (BIG, {})


def test_patterns_are_told_by_asset(room: Room) -> None:
    found = address_patterns(LEDGER, account(HOP))
    assert (found.num_movements, found.is_cut, found.assets) == (2, False, ())
    assert [dust_of(AssetUnit("", "", places)) for places in (18, 6, 0)] == [10**13, 10_000, 0]
    assert room.case.wallets.count() == 0


def test_the_command_tells_exposure_beyond_the_first_payment(room: Room) -> None:
    out = StringIO()
    call_command("exposure", "ethereum", account(BANK), "--json", stdout=out)
    told = json.loads(out.getvalue())
    rows = [(r["direction"], r["category"], r["is_direct"], r["amount"]) for r in told["rows"]]
    assert rows == [("sent", "this_exchange", False, str(BIG))]
    assert room.case.wallets.count() == 0
    out = StringIO()
    call_command("exposure", "ethereum", account(BANK), stdout=out)
    assert "7,000,000,000,000.000000000000000000" in out.getvalue()
    with pytest.raises(CommandError, match="has never seen the address"):
        call_command("exposure", "ethereum", account(0xDEAD))


def test_a_case_and_a_customer_are_exposed_over_accounts_too(room: Room) -> None:
    """The bank paid the hop, and the hop our deposit address; it is tagged."""
    tagged(BANK, "coinswap_exchange")
    pasted(room, f"{account(HOP)}\n{account(OTHER)}")
    [whole] = case_exposure(room.case)
    assert whole.view is not None
    met = {(row.direction, row.category, row.is_direct): row for row in whole.view.rows}
    assert met["received", "coinswap_exchange", True].amount == 3 * BIG
    assert whole.view.num_addresses == 2
    url = reverse("case_exposure", args=[room.case.public_id])
    assert "21,000,000,000,000.00 TUSD" in text_of(room, url)
    holder = make_account("NQ-0004418")
    ledger = open_account_ledger(settings.FIU_HOME, LEDGER)
    for kind, address in (("deposit", DEPOSIT), ("withdrawal", BANK)):
        number = ledger.find_address(account(address))
        assert number is not None
        rows = ledger.rows_of_address(number)
        row = int(rows[ledger.row_recipient[rows] == number][0])
        ExchangeRecord.objects.create(
            ref=kind, kind=kind, account=holder, asset=make_asset(ASSET, "TUSD", 18),
            base=ledger.amount(row), at="2025-01-06T00:10:00Z", address=account(address),
            txid=ledger.txid(int(ledger.row_tx[row])), status="completed",
        )  # fmt: skip
    [found] = customer_exposure(holder)
    assert found.view is not None
    told = {(row.direction, row.category, row.is_direct): row.amount for row in found.view.rows}
    assert told == {
        ("received", "coinswap_exchange", False): BIG, ("sent", "coinswap_exchange", True): 3 * BIG,
    }  # fmt: skip
    ExchangeRecord.objects.update(asset=make_asset("eip155:31337/slip44:60", "ETH", 18))
    assert customer_exposure(holder)[0].view is None  # no such transfer of the chain's own coin
