"""Money through the exchange's records: on the page, by program and by command, masked."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from cases.models import (
    Balance,
    BookRun,
    Case,
    CaseRun,
    ExchangeAccount,
    ExchangeRecord,
    ReachedAccount,
)
from cases.queries import book_traces
from cases.queries.book_traces import account_books, case_books
from cases.services.suspects import link_account
from tests.casework import (
    BTC,
    make_account,
    make_actor,
    make_asset,
    make_case,
    make_suspect,
    make_user,
)
from tests.conftest import client_of
from tests.integration.api.conftest import made, program_of, told
from tracing.engine import books
from tracing.models import TraceRun

pytestmark = pytest.mark.django_db
START = datetime(2025, 3, 1, tzinfo=UTC)
USDT = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"


def write(account: ExchangeAccount, kind: str, base: int, **fields: Any) -> str:
    number = ExchangeRecord.objects.count() + 1
    make_asset(USDT, "USDT", 6)
    values = {"asset": make_asset(), "status": "completed", "at": START + timedelta(hours=number)}
    ExchangeRecord.objects.create(
        ref=f"R{number}", kind=kind, account=account, base=base, **(values | fields)
    )
    return f"R{number}"


@pytest.fixture
def main() -> ExchangeAccount:
    """1,000 come in; 400 are changed, of that 10,000 go to another, who withdraws with a fee."""
    main, mule = make_account("NQ-111111"), make_account("NQ-222222")
    write(main, "deposit", 1_000)
    write(main, "withdrawal", 300, status="stopped")
    write(
        main, "conversion", 400, asset_out_id=USDT, base_out=39_960, fee_asset_id=USDT, fee_base=40
    )
    write(main, "internal_transfer", 10_000, asset_id=USDT, counter_account=mule)
    write(mule, "withdrawal", 4_000, asset_id=USDT, fee_asset_id=USDT, fee_base=25, address="T9yx")
    write(mule, "withdrawal", 50, asset_id=USDT, fee_asset_id=BTC, fee_base=0)
    Balance.objects.create(account=main, asset_id=BTC, base=600, at=START + timedelta(days=2))
    return main


@pytest.fixture
def case(main: ExchangeAccount) -> Case:
    by = make_actor(make_user("analyst"))
    case = make_case(by, started=True)
    link_account(make_suspect(case, by), main.uid, "Same mail.", by=by)
    return case


def test_hops_are_typed_and_each_asset_reconciles(
    main: ExchangeAccount, django_assert_num_queries: Any
) -> None:
    view = account_books(main, "fifo")
    assert [(row.hop.line.kind, row.hop.to_amount, row.hop.status) for row in view.hops] == [
        ("deposit", 1_000, "passed_on"), ("conversion", 39_960, "passed_on"),
        ("internal_transfer", 10_000, "passed_on"), ("withdrawal", 3_975, "left"),
        ("withdrawal", 50, "left"),
    ]  # fmt: skip
    assert {(row.account.masked, row.held.amount, row.held.low) for row in view.held} == {
        ("••1111", 600, 600), ("••1111", 29_960, 29_960), ("••2222", 5_950, 5_950),
    }  # fmt: skip
    assert {row.sheet.difference for row in view.sheets} == {0}
    [wish] = view.asked
    assert (wish.hop.line.ref, wish.hop.to_amount, wish.hop.status) == ("R2", 300, "stopped")
    with django_assert_num_queries(5 + 3 * 2):
        account_books(main, "haircut")
    assert account_books(main, "fifo", ["R1"]).trace.unmet == ()
    assert account_books(main, "fifo", ["R9"]).trace.unmet == ("R9",)


def test_a_fee_in_a_third_asset_is_a_line_of_its_own(main: ExchangeAccount) -> None:
    eth = make_asset("eip155:1/slip44:60", "ETH", 18)
    ref = write(main, "deposit", 10**18, asset=eth)
    write(main, "withdrawal", 100, fee_asset=eth, fee_base=10**15)
    view = account_books(main, "haircut", [ref])
    assert [(row.hop.line.kind, row.hop.fee, row.hop.status) for row in view.hops] == [
        ("deposit", 0, "passed_on"), ("fee", 10**15, "fee"),
    ]  # fmt: skip
    assert view.trace.sheets[eth.asset].fees == 10**15


def test_what_the_lead_run_reached_goes_on_by_its_policy(case: Case, main: ExchangeAccount) -> None:
    """Of the deposit 250 units are traced; the coin of another transaction has no record."""
    run = TraceRun.objects.create(
        case=case.public_id, requested_by=1, ledger="bitcoin-regtest", mode="destination",
        parameters={"policy": "lifo"}, params_hash="0" * 64,
    )  # fmt: skip
    lead = CaseRun.objects.create(
        case=case, run=run.public_id, is_lead=True, requested_at=START, collected_at=START
    )
    ExchangeRecord.objects.filter(ref="R1").update(txid="ab" * 32)
    for outpoint, low in ((f"{'AB' * 32}:1", 200), (f"{'cd' * 32}:0", 0)):
        ReachedAccount.objects.create(
            case_run=lead, account=main, asset=BTC, outpoint=outpoint, address="a", at=START,
            value=1_000, base=250, low=low, high=1_000,
        )  # fmt: skip
    view = case_books(case)
    assert view is not None
    assert (view.trace.policy, view.num_unrecorded, view.run) == ("lifo", 1, run.public_id)
    first, conversion = view.hops[0].hop, view.hops[1].hop
    assert (first.to_low, first.to_amount, first.to_high) == (200, 250, 1_000)
    assert (conversion.low, conversion.amount, conversion.high) == (0, 250, 400)  # the newest
    assert conversion.to_amount == 39_960 - 150 * 39_960 // 400
    assert {row.sheet.difference for row in view.sheets} == {0}
    assert case.owner_by is not None
    page = client_of(case.owner_by).get(reverse("case_books", args=[case.public_id]))
    assert "1 coin of the run has no record of ours." in page.content.decode()
    client, url = client_of(case.owner_by), reverse("case_books", args=[case.public_id])
    assert "What the run reached" in client.get(url, {"run": str(run.public_id)}).text
    for stranger in ("x", str(uuid4())):
        assert client.get(url, {"run": stranger}).status_code == 404
    assert client.post(url, {"run": str(run.public_id)}).status_code == 302
    assert BookRun.objects.get().run == run.public_id


def test_the_page_and_the_program_tell_it_masked(case: Case, main: ExchangeAccount) -> None:
    user = case.owner_by
    assert user is not None
    client, program = client_of(user), program_of(user)
    url = reverse("account_books", args=[case.public_id, main.public_id])
    page = client.get(url, {"policy": "lifo"}).content.decode()
    for words in ("Internal transfer", "••2222", "Left the exchange", "Balance sheet"):
        assert words in page
    assert page.count("Asked for, stopped") == 1
    assert "NQ-2" not in page
    assert client.get(url, {"policy": "none"}).status_code == 404
    whole = reverse("case_books", args=[case.public_id])
    assert "No run leads this case yet" in client.get(whole).content.decode()
    assert whole in client.get(reverse("case_suspects", args=[case.public_id])).content.decode()
    links = reverse("account_links", args=[case.public_id, main.public_id])
    assert url in client.get(links).content.decode()
    path = f"cases/{case.public_id}/accounts/{main.public_id}/books"
    answer = made(program.get(path, policy="fifo"), 200)
    assert answer["hops"][1]["to_amount"] == "39960"
    assert {sheet["difference"] for sheet in answer["sheets"]} == {"0"}
    assert made(program.get(path, policy="poison"), 200)["sheets"][0]["difference"] is None
    told(program.get(path, policy="none"), 400, "invalid")
    told(program.get(f"cases/{case.public_id}/books"), 404, "not-found")


def test_an_account_of_too_many_records_is_said_to_be_a_services(
    case: Case, main: ExchangeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_traces, "MOST_LINES", 2)
    assert case.owner_by is not None
    url = reverse("account_books", args=[case.public_id, main.public_id])
    page = client_of(case.owner_by).get(url).content.decode()
    assert "more records than are read" in page
    words = io.StringIO()
    call_command("trace_books", main.uid, stdout=words)
    assert "not followed, the account has more records than are read" in words.getvalue()
    monkeypatch.setattr(book_traces, "MOST_LINES", 3)
    monkeypatch.setattr(books, "MOST_LINES", 3)
    view = account_books(main, "haircut")
    assert view.trace.sheets[USDT].cut == {"line_limit": 10_000}


def test_no_more_records_are_read_than_are_followed(
    main: ExchangeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        write(main, "deposit", 10, txid=f"AB{number}", address="a")
    monkeypatch.setattr(book_traces, "MOST_LINES", 2)
    assert len(book_traces.account_question(main, "haircut").seeds) == 3
    named = book_traces.account_question(main, "haircut", refs=["R7", "R8", "R9", "R10"])
    assert all(seed.units for seed in named.seeds)
    assert len(named.seeds) == 4
    monkeypatch.setattr(book_traces, "ASKED_AT_ONCE", 1)
    found = book_traces._deposits({main.pk}, {"ab1", "ab3", "", "other"})
    assert [mark for _account, _asset, mark in found] == ["ab1", "ab3"]


def test_the_command_tells_the_same(main: ExchangeAccount) -> None:
    out = io.StringIO()
    call_command("trace_books", main.uid, "--policy", "fifo", "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert answer["result_sha256"] == account_books(main, "fifo").trace.result_sha256
    assert answer["sheets"][BTC]["difference"] == "0"
    words = io.StringIO()
    call_command("trace_books", main.uid, "--deposit", "R1", stdout=words)
    assert "internal_transfer R4: ••1111 to ••2222, 10000 of 10000" in words.getvalue()
    assert "(off by 0)" in words.getvalue()
    for arguments in (["NQ-9"], [main.uid, "--deposit", "R2"], ["--case", "CASE-2025-999999"]):
        with pytest.raises(CommandError, match=r"There is no account|no completed|is not known"):
            call_command("trace_books", *arguments, stdout=io.StringIO())


def test_what_is_held_leads_back_to_its_deposits(case: Case, main: ExchangeAccount) -> None:
    assert account_books(main, "fifo", what="withdrawals").rows == []
    Balance.objects.filter(account=main).delete()
    assert account_books(main, "fifo", what="held").rows == []
    Balance.objects.create(account=main, asset_id=USDT, base=29_960, at=START + timedelta(days=9))
    view = account_books(main, "fifo", what="held")
    assert [(row.hop.line.kind, row.hop.status) for row in view.hops] == [
        ("held", "passed_on"), ("conversion", "passed_on"), ("deposit", "came_in"),
    ]  # fmt: skip
    assert view.hops[0].at is None
    assert {row.sheet.difference for row in view.sheets} == {0}
    assert case.owner_by is not None
    client = client_of(case.owner_by)
    url = reverse("account_books", args=[case.public_id, main.public_id])
    page = client.get(url, {"policy": "fifo", "what": "held"}).content.decode()
    for words in ("Held now", "Came in from outside", "at the end"):
        assert words in page
    assert "held:" not in page
    assert client.get(url, {"what": "nothing"}).status_code == 404


def test_an_answer_is_sealed_repeated_and_a_changed_record_is_named(
    case: Case, main: ExchangeAccount
) -> None:
    user = case.owner_by
    assert user is not None
    client, program = client_of(user), program_of(user)
    url = reverse("account_books", args=[case.public_id, main.public_id])
    answer = client.post(url, {"policy": "fifo", "what": "deposits"})
    kept = BookRun.objects.get()
    assert answer.status_code == 302
    assert kept.result_sha256 == kept.result["seal"]["result_sha256"]
    page = reverse("book_run", args=[kept.public_id])
    write(main, "deposit", 7)  # a later record is not among those of then
    assert "Identical" in client.get(page, {"repeat": "then"}).content.decode()
    assert client.get(page, {"repeat": "once"}).status_code == 404
    out = io.StringIO()
    call_command("rerun", kept.result_sha256[:12], stdout=out)
    assert "identical: result sha256" in out.getvalue()
    ExchangeRecord.objects.filter(ref="R4").update(base=9_000)
    told = client.get(page, {"repeat": "then"}).content.decode()
    assert "R4" in told
    assert "Identical" not in told
    assert "NQ-" not in told
    with pytest.raises(CommandError, match="does not come out as it was sealed"):
        call_command("rerun", str(kept.public_id), stdout=(out := io.StringIO()))
    assert "record  R4:" in out.getvalue()
    path = f"book-runs/{kept.public_id}"
    changes = made(program.get(f"{path}/repeat"), 200)["changes"]
    assert (changes[0]["kind"], changes[0]["key"]) == ("record", "R4")
    assert made(program.get(f"{path}/repeat", now="true"), 200)["identical"] is False
    detail = made(program.get(path), 200)
    assert detail["answer"]["hops"][2]["units"] == "10000"  # as it was sealed
    assert made(program.get("book-runs"), 200)["rows"][0]["id"] == str(kept.public_id)
    assert program_of(make_user("auditor")).get(path).status_code == 404
    stranger = client_of(make_user("analyst"))
    Case.objects.filter(pk=case.pk).update(visibility="sealed")
    assert stranger.get(page).status_code == 404


def test_a_program_seals_what_there_is_and_nothing_else(case: Case, main: ExchangeAccount) -> None:
    assert case.owner_by is not None
    program = program_of(case.owner_by)
    path = f"cases/{case.public_id}/book-runs"
    told(program.post(path, {}), 422, "not-possible")  # no run leads
    told(program.post(path, {"account": str(case.public_id)}), 400, "invalid")
    body = {"account": str(main.public_id), "policy": "lifo", "what": "held"}
    made_run = made(program.post(path, body, key="one"))
    assert (made_run["direction"], made_run["policy"]) == ("backward", "lifo")
    assert made(program.post(path, body, key="one")) == made_run
    assert BookRun.objects.count() == 1
    told(program.post(path, body | {"what": "withdrawals"}), 422, "not-possible")


def test_fifo_takes_the_very_units_that_a_run_names() -> None:
    """Two coins of one deposit: units 10 to 30 of the first are followed, the second whole."""

    def row(outpoint: str, value: int, base: int) -> ReachedAccount:
        return ReachedAccount(outpoint=outpoint, address="a", value=value, base=base)

    rows = [row("t:2", 40, 40), row("t:1", 60, 20)]
    lots = {("t:1", "a"): [(10, 20)]}
    assert book_traces._tape(rows, 100, lots) == ((10, False), (20, True), (30, False), (40, True))
    assert book_traces._tape(rows, 99, lots) == ()  # more came than our record says
    assert book_traces._tape(rows, 100, {}) == ()  # sealed before places were kept
    assert book_traces._tape(rows, 100, None) == ()
    assert book_traces._tape([row("t:0", 5, 0)], 5, {}) == ((5, False),)
