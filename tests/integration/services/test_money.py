"""The money of cases: exact per account and asset, and sums that are the sums of their rows."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cases.models import (
    Case,
    CaseRun,
    ExchangeAccount,
    ExchangeRecord,
    FreezeLine,
    FreezeRequest,
    Price,
    ReachedAccount,
)
from cases.policy import Actor
from cases.queries import money_facts
from cases.queries.money import (
    CaseMoney,
    MoneyPart,
    MoneyRow,
    case_money,
    latest_prices,
    money_by_case,
    money_by_group,
    price_at,
    value_of,
)
from cases.queries.money_facts import Account, Amount
from cases.queries.money_parts import account_parts, unit_account
from cases.queries.totals import ending_soon, freeze_kpis, freezes_by_month, unit_money, unit_totals
from cases.services import outbox
from cases.services.cases import block_user
from cases.services.freezes import LineSpec, place_hold, request_freeze, submit_freeze
from cases.services.suspects import link_account
from tests.casework import (
    BTC,
    USDT,
    make_account,
    make_approved_finding,
    make_asset,
    make_case,
    make_price,
    make_suspect,
    person,
)
from tests.fakes import FakeExchange

ETH = "eip155:1/slip44:60"
XMR = "monero:418015bb9ae982a1975da7d79277c270/slip44:128"


@pytest.fixture
def analyst(db: None) -> Actor:
    return person("analyst")


@pytest.fixture
def case(analyst: Actor) -> Case:
    for asset, symbol, decimals, price in (
        (BTC, "BTC", 8, "100000"),
        (USDT, "USDT", 6, "1"),
        (ETH, "ETH", 18, "2500"),
        (XMR, "XMR", 12, "200"),
    ):
        make_asset(asset, symbol, decimals)
        make_price(asset, price)
    return make_case(analyst)


def reach(case: Case, account: ExchangeAccount, base: int, *, lead: bool = True) -> None:
    run, _ = CaseRun.objects.get_or_create(
        case=case, is_lead=lead, defaults={"run": uuid4(), "requested_at": timezone.now()}
    )
    ReachedAccount.objects.create(
        case_run=run, account=account, asset=BTC, outpoint=f"{uuid4().hex}:0", address="a",
        at=timezone.now(), value=base, base=base, low=0, high=base,
    )  # fmt: skip


def record(account: ExchangeAccount, base: int, asset: str = BTC, **fields: Any) -> None:
    values = {"kind": "deposit", "status": "completed", "at": timezone.now(), "ref": uuid4().hex}
    ExchangeRecord.objects.create(account=account, asset_id=asset, base=base, **(values | fields))


def own(case: Case, account: ExchangeAccount, by: Actor) -> None:
    link_account(make_suspect(case, by, uuid4().hex), account.uid, "Own name.", by=by)


def hold(case: Case, account: ExchangeAccount, base: int, asset: str = BTC) -> FreezeRequest:
    freeze = place_hold(
        case, lines=[LineSpec(account.pk, asset, base)], urgency="urgent", reason="R.",
        by=person("supervisor"),
    )  # fmt: skip
    outbox.send_due_messages(FakeExchange(free={(account.uid, asset): base}))
    return freeze


def ask(case: Case, account: ExchangeAccount, base: int, by: Actor) -> FreezeRequest:
    finding = make_approved_finding(case, by)
    freeze = request_freeze(
        case, legal_basis="internal_suspicion", restriction="all", urgency="routine",
        agency_id=None, reason="R.", lines=[LineSpec(account.pk, BTC, base, finding.pk)], by=by,
    )  # fmt: skip
    return submit_freeze(freeze, by=by)


def assert_adds_up(money: CaseMoney) -> None:
    """Reached = frozen + elsewhere + pending + left, to the cent and to the base unit."""
    held = (money.frozen, money.elsewhere, money.pending)
    assert money.reached.fiat == sum(part.fiat for part in held) + money.left.fiat
    assert money.left.fiat == money.left_fiat - money.gain_fiat
    for part in (money.reached, money.frozen, money.pending, money.left):
        assert part.fiat == sum((row.fiat or Decimal(0) for row in part.rows), Decimal("0.00"))
        assert sum(each.base for each in part.by_asset) == sum(row.base for row in part.rows)
    base = {row.asset: 0 for part in (money.reached, *held) for row in part.rows}
    for sign, part in ((1, money.reached), *((-1, part) for part in held)):
        for row in part.rows:
            base[row.asset] += sign * row.base
    left = {each.asset: each.base for each in money.left.by_asset}
    assert {asset: amount for asset, amount in base.items() if amount} == {
        asset: amount for asset, amount in left.items() if amount
    }


def test_reached_is_frozen_pending_and_left(case: Case, analyst: Actor) -> None:
    first, second = make_account(), make_account()
    reach(case, first, 300_000_000)
    reach(case, first, 20_180_000)
    reach(case, second, 100_000_000)
    hold(case, first, 250_000_000)
    ask(case, second, 40_000_000, analyst)
    money = case_money([case.pk], analyst)
    assert (money.reached.fiat, money.frozen.fiat) == (Decimal("420180.00"), Decimal("250000.00"))
    assert (money.pending.fiat, money.left_fiat) == (Decimal("40000.00"), Decimal("130180.00"))
    assert money.gain_fiat == 0
    assert [row.base for row in money.left.rows] == [70_180_000, 60_000_000]
    assert money.reached.rows[0].num_parts == 2
    assert money.frozen.at_execution == Decimal("250000.00")
    assert_adds_up(money)


def test_an_asset_changed_into_another_is_a_loss_here_and_a_gain_there(
    case: Case, analyst: Actor
) -> None:
    account = make_account()
    reach(case, account, 100_000_000)
    hold(case, account, 120_000_000_000, USDT)
    money = case_money([case.pk], analyst)
    assert {row.symbol: row.base for row in money.left.rows} == {
        "BTC": 100_000_000, "USDT": -120_000_000_000,
    }  # fmt: skip
    assert (money.left_fiat, money.gain_fiat) == (Decimal(0), Decimal("20000.00"))
    assert_adds_up(money)


def test_the_freeze_of_the_demo_world_is_exact(case: Case, analyst: Actor) -> None:
    """Six lines; one is over 64 bits. 3,500,000 then, 3,477,426 at later prices."""
    one, two, three = make_account(), make_account(), make_account()
    lines = [
        (one, BTC, 300_000_000),
        (one, USDT, 249_540_000_000),
        (two, XMR, 7_255_800_000_000_000),
        (two, USDT, 549_700_000_000),
        (two, ETH, 159_840_000_000_000_000_000),
        (three, BTC, 550_000_000),
    ]
    for account, asset, base in lines:
        hold(case, account, base, asset)
    for asset, price in ((BTC, "104000"), (XMR, "190"), (ETH, "2600")):
        Price.objects.create(
            asset_id=asset, currency="USD", price=price, at=timezone.now(), source="Later"
        )
    money = case_money([case.pk], analyst)
    assert money.frozen.at_execution == Decimal("3500000.00")
    assert money.frozen.fiat == Decimal("3477426.00")
    eth = next(each for each in money.frozen.by_asset if each.symbol == "ETH")
    assert eth.base == 159_840_000_000_000_000_000
    assert {price.source for price in money.prices} == {"Later", "Test market"}


def test_records_of_suspects_count_where_no_lead_run_reached(case: Case, analyst: Actor) -> None:
    covered, plain, stranger = make_account(), make_account(), make_account()
    own(case, covered, analyst)
    own(case, plain, analyst)
    reach(case, covered, 90)
    record(covered, 100)  # the run says 90 of it by its policy
    record(covered, 40_000_000_000, USDT)
    record(plain, 7)
    record(plain, 5, status="failed")
    record(plain, 5, kind="withdrawal")
    record(stranger, 1000)
    reached = {(r.masked, r.symbol): r.base for r in case_money([case.pk], analyst).reached.rows}
    assert reached == {
        (covered.masked, "BTC"): 90,
        (covered.masked, "USDT"): 40_000_000_000,
        (plain.masked, "BTC"): 7,
    }


def test_only_the_lead_run_counts(case: Case, analyst: Actor) -> None:
    account = make_account()
    reach(case, account, 50, lead=False)
    assert not case_money([case.pk], analyst).reached
    reach(case, account, 60)
    money = case_money([case.pk], analyst)
    assert [row.base for row in money.reached.rows] == [60]
    assert len(money.lead_runs) == 1


def test_what_two_cases_both_know_counts_once(case: Case, analyst: Actor) -> None:
    account, other = make_account(), make_case(analyst)
    own(case, account, analyst)
    own(other, account, analyst)
    record(account, 10)
    together = case_money([case.pk, other.pk], analyst)
    each = money_by_case([case.pk, other.pk], analyst)
    assert [row.base for row in together.reached.rows] == [10]
    assert [m.reached.rows[0].base for m in each.values()] == [10, 10]


def test_a_coin_traced_by_one_case_and_recorded_for_another_counts_once(
    case: Case, analyst: Actor
) -> None:
    """As when a case is opened from an alert about an account that another case traced to."""
    account, other = make_account(), make_case(analyst)
    own(other, account, analyst)
    for base in (90, 60):
        reach(case, account, base)
    for txid, base in (*traced_transactions(case, 100), ("ab" * 32, 7)):
        record(account, base, txid=txid)
    cases = [case.pk, other.pk]
    each = {pk: money.reached.rows[0].base for pk, money in money_by_case(cases, analyst).items()}
    assert each == {case.pk: 150, other.pk: 207}
    for money in (case_money(cases, analyst), unit_money(analyst), *of_both(cases, analyst)):
        assert [row.base for row in money.reached.rows] == [207]
        assert money.reached.rows[0].num_parts == 3
        assert_adds_up(money)
    found = unit_account(account.public_id, BTC, analyst)
    assert found is not None
    assert sum(coin.fact.base for coin in found.coins) == found.rows["reached"].base == 207
    assert [len(coin.cases) for coin in found.coins] == [2, 2, 1]
    assert unit_account(account.public_id, ETH, analyst) is None


def traced_transactions(case: Case, base: int) -> list[tuple[str, int]]:
    outpoints = ReachedAccount.objects.filter(case_run__case=case).values_list(
        "outpoint", flat=True
    )
    return [(outpoint.partition(":")[0], base) for outpoint in outpoints]


def of_both(cases: list[int], analyst: Actor) -> list[CaseMoney]:
    return list(money_by_group({1: cases}, analyst).values())


def test_what_another_case_holds_is_said_and_not_called_not_held(
    case: Case, analyst: Actor
) -> None:
    account, other, blocked = make_account(), make_case(analyst), person("analyst")
    own(case, account, analyst)
    own(other, account, analyst)
    record(account, 500_000_000)
    hold(case, account, 300_000_000)
    hold(case, make_account(), 7)  # of an account that the other case does not know
    money = case_money([other.pk], analyst)
    assert [row.base for row in money.elsewhere.rows] == [300_000_000]
    assert (money.frozen.rows, money.left_fiat) == ((), Decimal("200000.00"))
    assert_adds_up(money)
    both = money_by_case([case.pk, other.pk], analyst)
    assert both[other.pk] == money
    assert not both[case.pk].elsewhere
    assert not case_money([case.pk, other.pk], analyst).elsewhere
    parts = account_parts(other, money, account.public_id, BTC, analyst)
    assert parts is not None
    assert [line.freeze.case for line in parts.lines] == [case]
    block_user(case, blocked.person, "Conflict.", by=person("supervisor"))
    assert not case_money([other.pk], blocked).elsewhere


def test_what_a_case_not_asked_for_holds_is_held_elsewhere_in_every_reading(
    case: Case, analyst: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, third = make_account(), make_case(analyst)
    own(case, account, analyst)
    record(account, 500_000_000)
    hold(third, account, 300_000_000)
    money = case_money([case.pk], analyst)
    assert [row.base for row in money.elsewhere.rows] == [300_000_000]
    other = make_case(analyst)
    assert money_by_case([case.pk, other.pk], analyst)[case.pk] == money
    monkeypatch.setattr(money_facts, "MOST_NUMBERS", 0)  # as where 500 accounts were reached
    assert case_money([case.pk], analyst) == money


def test_rows_of_one_worth_stand_by_account_and_asset(case: Case, analyst: Actor) -> None:
    accounts = [make_account(f"2000{number}") for number in (3004, 3001, 3005, 3002, 3003)]
    for account in accounts:
        own(case, account, analyst)
        for asset, base in ((USDT, 100_000 * 10**6), (BTC, 10**8), (ETH, 40 * 10**18)):
            record(account, base, asset)
    money = case_money([case.pk], analyst)
    for part in (money.reached, money.left):
        places = [(row.masked, row.asset) for row in part.rows]
        assert len(places) == 15
        assert places == sorted(places)


def test_more_came_in_where_an_amount_is_left_or_only_its_worth(case: Case, analyst: Actor) -> None:
    one = MoneyRow(uuid4(), "", BTC, "BTC", 8, 0, None)
    empty = case_money([case.pk], analyst)
    for base, fiat, is_more in (
        (1, None, True), (0, Decimal(5), True), (0, Decimal(0), False), (0, None, False),
        (0, Decimal(-5), False), (-1, Decimal(5), False),
    ):  # fmt: skip
        row = replace(one, base=base, fiat=fiat)
        assert bool(replace(empty, left=MoneyPart((row,))).not_held) is is_more, (base, fiat)


def test_two_facts_without_a_transaction_are_not_one_coin() -> None:
    account = Account(1, uuid4(), "")
    traced = Amount(1, account, BTC, 5, "a:0")
    recorded = Amount(1, account, BTC, 5, "deposit-1", is_recorded=True)
    assert not traced.is_same_as(recorded)
    assert replace(traced, tx="a").is_same_as(replace(recorded, tx="a"))
    assert not replace(traced, tx="a").is_same_as(replace(recorded, tx="b"))


def test_the_money_of_a_case_one_may_not_see_is_nothing(case: Case, analyst: Actor) -> None:
    account, blocked = make_account(), person("analyst")
    own(case, account, analyst)
    record(account, 10)
    hold(case, account, 10)
    block_user(case, blocked.person, "Conflict.", by=person("supervisor"))
    for actor in (blocked, person("auditor"), person("liaison")):
        money = case_money([case.pk], actor)
        parts = (money.reached, money.frozen, money.pending, money.left)
        assert not any(parts)
        assert unit_money(actor).frozen.fiat == 0
        assert freeze_kpis(actor).num_waiting == 0
        assert not ending_soon(actor).exists()
        assert all(month.num_lines == 0 for month in freezes_by_month(actor))


def test_an_asset_without_a_price_is_named_and_in_no_total(case: Case, analyst: Actor) -> None:
    account = make_account()
    own(case, account, analyst)
    record(account, 5, make_asset("x:1/slip44:9", "ODD", 2).pk)
    money = case_money([case.pk], analyst)
    assert (money.unvalued, money.reached.fiat) == (("ODD",), Decimal("0.00"))
    assert money.reached.rows[0].fiat is None


def test_cash_is_worth_its_face(case: Case, analyst: Actor) -> None:
    account = make_account()
    own(case, account, analyst)
    record(account, 123_45, make_asset("iso4217:USD", "USD", 2).pk, kind="fiat_in")
    assert case_money([case.pk], analyst).reached.fiat == Decimal("123.45")


@pytest.mark.django_db
def test_the_price_is_the_latest_at_or_before() -> None:
    make_asset()
    at = datetime(2025, 5, 20, 14, 7, tzinfo=UTC)
    for minutes, price in ((-10, "1"), (0, "2"), (1, "3")):
        Price.objects.create(
            asset_id=BTC, currency="USD", price=price, at=at + timedelta(minutes=minutes),
            source="T",
        )  # fmt: skip
    found = price_at(BTC, at)
    assert found is not None
    assert found.price == 2
    assert price_at(BTC, at - timedelta(days=1)) is None
    assert price_at(BTC, at, "EUR") is None


@given(
    st.integers(0, 10**78 - 1),
    st.integers(0, 24),
    st.decimals("0.0000000001", "99999999", places=10),
)
def test_a_value_is_exact_before_it_is_rounded(base: int, decimals: int, price: Decimal) -> None:
    exact = base * int(f"{price:.10f}".replace(".", ""))  # in 10^-(decimals + 10)
    cents = int(f"{value_of(base, decimals, price):.2f}".replace(".", ""))
    assert abs(cents * 10 ** (decimals + 8) - exact) * 2 <= 10 ** (decimals + 8)


def test_case_money_asks_a_fixed_number_of_queries(
    case: Case, analyst: Actor, django_assert_num_queries: Any
) -> None:
    for _ in range(3):
        account = make_account()
        own(case, account, analyst)
        record(account, 10)
        reach(case, account, 5)
        hold(case, account, 10)
    with django_assert_num_queries(8):
        case_money([case.pk], analyst)
    with django_assert_num_queries(8):
        money_by_case([case.pk], analyst)
    with django_assert_num_queries(7):
        every_case = case_money(None, analyst)
    assert every_case == case_money([case.pk], analyst)
    assert every_case.reached
    assert every_case.lead_runs == tuple(
        case.runs.filter(is_lead=True).order_by("pk").values_list("run", flat=True)
    )
    assert len(every_case.lead_runs) == 1
    assert money_by_group({7: [case.pk]}, analyst) == {7: every_case}
    with django_assert_num_queries(10):
        freeze_kpis(analyst)
        ending_soon(analyst)
    with django_assert_num_queries(1):
        freezes_by_month(analyst)


@pytest.mark.parametrize("seed", [1, 2])
def test_totals_are_those_of_the_rows(case: Case, analyst: Actor, seed: int) -> None:
    """Coins and records that several cases know, in part of one transaction, in every way."""
    dice = random.Random(seed)
    make_asset("x:1/slip44:9", "ODD", 2)  # without a price
    assets = [BTC, USDT, "x:1/slip44:9"]
    accounts = [make_account() for _ in range(3)]
    cases = [case, make_case(analyst), make_case(analyst), make_case(person("analyst"))]
    for each in cases:
        for account in dice.sample(accounts, 2):
            own(each, account, analyst)
    runs = [
        CaseRun.objects.create(case=each, is_lead=is_lead, run=uuid4(), requested_at=timezone.now())
        for each in cases
        for is_lead in (True, False)
    ]
    txids = [f"{n:064x}" for n in range(4)]

    def base() -> int:
        return dice.choice([dice.randrange(1, 99), dice.randrange(10**30), 10**78 - 1])

    ReachedAccount.objects.bulk_create(
        ReachedAccount(
            case_run=run, account=dice.choice(accounts), asset=dice.choice(assets), address="a",
            outpoint=f"{txid}:{n}", at=timezone.now(), value=1, base=base(), low=0, high=1,
        )
        for run in runs
        for txid in dice.sample(txids, 3)
        for n in range(2)
    )  # fmt: skip
    ExchangeRecord.objects.bulk_create(
        ExchangeRecord(
            ref=f"R{n}", kind=dice.choice(["deposit", "deposit", "withdrawal"]),
            status=dice.choice(["completed", "completed", "failed"]), at=timezone.now(),
            account=dice.choice(accounts), asset_id=dice.choice(assets), base=base(),
            txid=dice.choice([*txids, "AB" * 32, ""]),
        )
        for n in range(30)
    )  # fmt: skip
    hold(case, accounts[0], 300_000_007)
    hold(cases[1], accounts[1], 5, USDT)
    ask(case, accounts[2], 40_000_000, analyst)
    block_user(cases[1], (blocked := person("analyst")).person, "C.", by=person("supervisor"))
    for actor in (analyst, blocked, person("auditor")):
        with localcontext(prec=200):  # the rows are summed in the context's digits
            rows, totals = unit_money(actor), unit_totals(actor)
            assert totals.left_fiat == rows.left_fiat
            for part, total in (
                (rows.reached, totals.reached), (rows.frozen, totals.frozen),
                (rows.pending, totals.pending),
            ):  # fmt: skip
                assert total.fiat == part.fiat
                assert total.by_asset == part.by_asset
                assert total.at_execution == part.at_execution
    assert unit_totals(analyst).pending.fiat == Decimal("40000.00")


def test_cash_has_its_face_value_and_an_unknown_asset_its_name_and_no_price(db: None) -> None:
    make_asset("fiat:USD", "USD", 2)
    found = latest_prices({"fiat:USD", "eip155:1/slip44:60"})
    cash, unknown = found["fiat:USD"], found["eip155:1/slip44:60"]
    assert (cash.price, cash.source, cash.at, cash.decimals) == (1, "face value", None, 2)
    assert (unknown.symbol, unknown.decimals, unknown.price) == ("slip44:60", 0, None)
    assert (unknown.source, unknown.at) == ("", None)


@pytest.mark.once  # the words of SQLite's plans
def test_the_latest_price_is_found_without_reading_the_older_ones(db: None) -> None:
    make_asset()
    make_price()
    with CaptureQueriesContext(connection) as asked:
        assert latest_prices({BTC})[BTC].price == 100_000
    with connection.cursor() as cursor:
        for query in asked:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            steps = [step for *_, step in cursor.fetchall()]
            assert steps
            assert not [step for step in steps if step.startswith("SCAN")]


def test_the_board_counts_what_waits_and_what_ends(case: Case, analyst: Actor) -> None:
    account = make_account()
    held = hold(case, make_account(), 100_000_000)
    ask(case, account, 5, analyst)
    FreezeRequest.objects.filter(pk=held.pk).update(
        submitted_at=timezone.now() - timedelta(minutes=10)
    )
    kpis = freeze_kpis(analyst)
    assert (kpis.num_waiting, kpis.num_ending, kpis.num_unknown) == (2, 1, 0)
    assert [(each.symbol, each.base) for each in kpis.frozen] == [("BTC", 100_000_000)]
    assert kpis.frozen_fiat == Decimal("100000.00")
    assert kpis.median_seconds is not None
    assert 595 <= kpis.median_seconds <= 660
    months = freezes_by_month(analyst)
    assert len(months) == 12
    assert months[-1].held == Decimal("100000.00")
    assert sum(month.held for month in months[:-1]) == 0
    assert FreezeLine.objects.filter(state="held").count() == 1
