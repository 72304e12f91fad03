"""A case on a token ledger: paste, address page, trace by form, result, flow, finding."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from cases.models import Case, Cohort, ExchangeAccount, ExchangeRecord, Finding, Wallet
from cases.policy import Actor
from cases.queries.cases import case_shell
from cases.queries.exposures import case_exposure, customer_exposure
from cases.queries.flow import case_flow
from cases.services.cases import start_case
from cases.services.cohorts import build_cohort
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


# Cohorts


def paid(ref: str, uid: str, number: int, *, txid: str = "", base: int = 0, fee: int = 0) -> None:
    """A withdrawal to an account, as the exchange wrote it: with capitals, without 0x."""
    ledger = open_account_ledger(settings.FIU_HOME, LEDGER)
    found = ledger.find_address(account(number))
    assert found is not None
    rows = ledger.rows_of_address(found)
    row = int(rows[(ledger.row_recipient[rows] == found) & (ledger.row_failed[rows] == 0)][0])
    ExchangeRecord.objects.create(
        ref=ref, kind="withdrawal", account=make_account(uid), status="completed",
        asset=make_asset(ASSET, "TUSD", 18), base=base or ledger.amount(row),
        at="2025-01-06T00:10Z",
        address=checksummed(bytes.fromhex(account(number)[2:])), fee_base=fee or None,
        fee_asset_id=ASSET if fee else None,
        txid=txid or ledger.txid(int(ledger.row_tx[row])).removeprefix("0x").upper(),
    )  # fmt: skip


def members(cohort: Cohort) -> list[tuple[str, int, int]]:
    rows = cohort.members.select_related("account").order_by("account__uid")
    return [(row.account.uid, row.tier, row.amount) for row in rows]


def test_who_paid_a_platform_in_a_token_is_found_by_the_form(room: Room) -> None:
    pasted(room, f"{account(HOP)}\n{account(OTHER)}")
    paid("W1", "NQ-1", HOP)
    paid("W2", "NQ-2", OTHER)
    paid("W3", "NQ-3", HOP, txid="00" * 32)  # went to the address in no transaction that there is
    url = reverse("cohort_new", args=[room.case.public_id])
    asked = {
        "platform": "Lanternbox", "asset": "TUSD",
        "wallets": [str(wallet.public_id) for wallet in room.case.wallets.all()],
    }  # fmt: skip
    refused = room.client.post(url, asked | {"asset": "NONE"})
    assert (refused.status_code, "has no asset" in refused.content.decode()) == (422, True)
    assert room.client.post(url, asked).status_code == 302
    cohort = Cohort.objects.get()
    assert (cohort.asset, cohort.num_payments, cohort.num_addresses) == (ASSET, 2, 2)
    assert members(cohort) == [("NQ-1", 1, 2 * BIG), ("NQ-2", 1, BIG)]
    page = text_of(room, reverse("case_cohorts", args=[room.case.public_id]))
    assert "14,000,000,000,000.00 TUSD" in page
    assert page.count("path of 1 transaction") == 2
    assert "Payments by month" in page
    few = build_cohort(room.case, platform="X", packages=(BIG,), by=room.by)
    assert (few.asset, members(few)) == (ASSET, [("NQ-2", 1, BIG)])


def test_a_wallet_between_names_one_customer_or_nobody(room: Room) -> None:
    """The hop got twice as much as it passed on: whose it was is a pattern alone."""
    pasted(room, account(DEPOSIT))
    paid("W1", "NQ-1", HOP)
    cohort = build_cohort(room.case, platform="Lanternbox", by=room.by)
    assert members(cohort) == [("NQ-1", 3, BIG)]
    member = cohort.members.get()
    assert (member.is_exportable, member.path_length) == (False, 2)
    page = text_of(room, reverse("cohort_member", args=[member.public_id]))
    assert "to the wallet between" in page
    paid("W2", "NQ-2", HOP)  # in the same transaction and of the same amount: nobody can say
    assert members(build_cohort(room.case, platform="Lanternbox", by=room.by)) == []
    ExchangeRecord.objects.filter(ref="W2").delete()
    tagged(HOP, "coinswap_exchange")  # what came to a service says nothing of who it paid for
    assert members(build_cohort(room.case, platform="Lanternbox", by=room.by)) == []


def test_two_withdrawals_in_one_transaction_are_told_apart_by_amount(room: Room) -> None:
    pasted(room, account(HOP))
    paid("W1", "NQ-1", HOP, base=5)
    paid("W2", "NQ-2", HOP, base=2 * BIG + 7, fee=7)
    cohort = build_cohort(room.case, platform="Lanternbox", by=room.by)
    assert members(cohort) == [("NQ-2", 1, 2 * BIG)]


def test_a_transfer_inside_our_books_to_the_platforms_account_counts(room: Room) -> None:
    """The platform has a deposit address here; its own account moving money is no payment."""
    pasted(room, account(DEPOSIT))
    platform = ExchangeAccount.objects.get(uid="NQ-0004417")
    payer, asset = make_account("NQ-8"), make_asset(ASSET, "TUSD", 18)
    own = make_account("NQ-9", customer=platform.customer)
    for number, (who, base, state) in enumerate(
        ((payer, 110, "completed"), (payer, 50, "completed"), (payer, 110, "stopped"),
         (own, 110, "completed"))
    ):  # fmt: skip
        ExchangeRecord.objects.create(
            ref=f"I{number}", kind="internal_transfer", account=who, counter_account=platform,
            asset=asset, base=base, fee_asset=asset, fee_base=10, at="2025-02-01T00:00Z",
            status=state,
        )  # fmt: skip
    cohort = build_cohort(
        room.case, platform="Lanternbox", packages=(100,), from_at=datetime(2025, 1, 1, tzinfo=UTC),
        by=room.by,
    )  # fmt: skip
    assert members(cohort) == [("NQ-8", 1, 100)]
    member = cohort.members.get()
    assert "Inside our books" in text_of(room, reverse("cohort_member", args=[member.public_id]))
    assert [payment.is_inside for payment in member.payments.all()] == [True]
    late = build_cohort(
        room.case, platform="Lanternbox", to_at=datetime(2025, 1, 31, tzinfo=UTC), by=room.by
    )
    assert members(late) == []
