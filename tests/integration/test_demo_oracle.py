"""The engine over the demo ledger finds the planted truth, to the satoshi."""

import numpy as np
import pytest

from fiu.demo.exchange import USDT
from tests.demo_accuracy import (
    AT_THE_FREEZE,
    FEES,
    HEAD,
    PAGE,
    POLICIES,
    TAINT,
    bound_counts,
    follow_freeze,
    section,
)
from tests.demo_ledger import DemoLedger
from tracing.engine import clusters, coinjoin
from tracing.engine.clusters import Clusters
from tracing.engine.paths import find_paths
from tracing.engine.resolve import paths_spec
from tracing.engine.spec import TraceParameters

pytestmark = pytest.mark.xdist_group("demo_ledger")
SEEDS = 3_169_000_000


# Clusters


@pytest.fixture(scope="session")
def cospent(demo: DemoLedger) -> Clusters:
    return clusters.cospend(demo.ledger, coinjoin.flags(demo.ledger))


@pytest.fixture(scope="session")
def cospent_through_coinjoins(demo: DemoLedger) -> Clusters:
    return clusters.cospend(demo.ledger)


def members(demo: DemoLedger, partition: Clusters, address: str) -> frozenset[str]:
    found = demo.ledger.find_address(address)
    assert found is not None
    return frozenset(demo.ledger.address_texts(partition.members(partition.anchor(found))))


def test_the_only_coinjoins_are_the_two_planted(demo: DemoLedger) -> None:
    flagged = np.flatnonzero(coinjoin.flags(demo.ledger))
    assert [demo.ledger.txid(int(tx)) for tx in flagged] == demo.oracle["coinjoins"]
    assert [demo.height_of(txid) for txid in demo.oracle["coinjoins"]] == [9_372, 11_388]


@pytest.mark.parametrize("place", [0, 1, 777, 2_345, 4_546, 4_547, 4_665])
def test_any_bank_address_leads_to_all_that_are_swept(
    demo: DemoLedger, cospent: Clusters, place: int
) -> None:
    truth = demo.oracle["clusters"]["bank"]
    found = members(demo, cospent, truth[place])
    assert len(found) == 4_666
    assert found == frozenset(truth)


def test_the_bank_has_46_addresses_that_no_spending_reveals(
    demo: DemoLedger, cospent: Clusters
) -> None:
    unswept = demo.oracle["clusters"]["bank_unswept"]
    assert len(unswept) == 46
    assert len(demo.oracle["clusters"]["bank"]) + len(unswept) == 4_712
    assert all(len(members(demo, cospent, address)) == 1 for address in unswept)
    assert round(4_666 / 4_712, 4) == 0.9902


def test_without_coinjoin_detection_strangers_join_the_bank(
    demo: DemoLedger, cospent_through_coinjoins: Clusters
) -> None:
    truth = demo.oracle["clusters"]
    found = members(demo, cospent_through_coinjoins, truth["bank"][0])
    assert len(found) == 5_170
    strangers = found - frozenset(truth["bank"])
    assert strangers == frozenset(truth["copperdice"]) | frozenset(truth["coinjoin_strangers"])
    assert round(4_666 / 5_170, 4) == 0.9025


def test_25_seeds_find_all_of_lanternbox(demo: DemoLedger, cospent: Clusters) -> None:
    truth = demo.oracle["clusters"]["lanternbox"]
    found = frozenset[str]().union(
        *(members(demo, cospent, address) for address in truth[7 : 7 + 200 * 25 : 200])
    )
    assert len(found) == 5_201
    assert found == frozenset(truth)


def test_copperdice_is_one_cluster_of_500(demo: DemoLedger, cospent: Clusters) -> None:
    truth = demo.oracle["clusters"]["copperdice"]
    assert members(demo, cospent, truth[0]) == frozenset(truth)
    assert len(truth) == 500


def test_one_transaction_alone_joins_the_operators_two_addresses(
    demo: DemoLedger, cospent: Clusters
) -> None:
    known = demo.oracle["addresses"]
    first, second = (demo.ledger.find_address(known[name]) for name in ("a1.0", "a1.1"))
    assert first is not None
    assert second is not None
    assert members(demo, cospent, known["a1.0"]) == {known["a1.0"], known["a1.1"]}
    why = cospent.why_together(first, second)
    assert why is not None
    [edge] = why
    assert demo.ledger.txid(edge.tx) == demo.oracle["operator"]["txids"]["K"]
    excluded = coinjoin.flags(demo.ledger)
    excluded[edge.tx] = True
    assert members(demo, clusters.cospend(demo.ledger, excluded), known["a1.0"]) == {known["a1.0"]}


def test_the_exchange_as_a_wall_merges_no_customers(demo: DemoLedger) -> None:
    """Its sweep in block 18,199 spends coins of OP-1 and of V-1 together."""
    deposit = demo.oracle["addresses"]["deposit"]
    [sweep] = demo.oracle["exchange"]["shared_sweep"]
    spent, _ = demo.coins_of(sweep)
    assert demo.height_of(sweep) == 18_199
    assert {deposit["OP-1"], deposit["V-1"]} <= {address for address, _ in spent}
    walls = np.zeros(demo.ledger.num_addresses, np.bool_)
    for address, _ in demo.walls:
        found = demo.ledger.find_address(address)
        if found is not None:
            walls[found] = True
    partition = clusters.cospend(demo.ledger, coinjoin.flags(demo.ledger), walls)
    assert members(demo, partition, deposit["OP-1"]) == {deposit["OP-1"]}
    assert members(demo, partition, deposit["V-1"]) == {deposit["V-1"]}


# The bank's books


def test_the_bank_balances(demo: DemoLedger) -> None:
    bank = demo.oracle["bank"]
    assert bank["paid_in"] == 6_580_000_000
    assert bank["paid_out"] == 6_515_000_000
    never_swept = 46 * 20_000
    assert bank["paid_in"] == (
        never_swept + bank["paid_out"] + 50_010_000 + bank["fees"] + bank["left"]
    )


def test_the_ledger_says_the_same_of_the_bank(demo: DemoLedger) -> None:
    """What enters its deposit addresses, and what is left on all of its addresses."""
    ledger, truth = demo.ledger, demo.oracle["clusters"]
    paid_in = left = count = 0
    for address in truth["bank"] + truth["bank_unswept"]:
        found = ledger.find_address(address)
        assert found is not None
        coins = np.asarray(ledger.outputs_of_address(found))
        values = ledger.out_value[coins]
        left += int(values[ledger.out_spent_in[coins] >= ledger.num_inputs].sum())
        if address not in truth["bank"][-119:]:
            paid_in += int(values.sum())
            count += len(coins)
    assert (count, paid_in) == (9_186, 6_580_000_000)
    assert left == demo.oracle["bank"]["left"] + 46 * 20_000


# Paths


def paths(demo: DemoLedger, sources: list[str], targets: list[str], depth: int) -> list[list[str]]:
    asked = TraceParameters(
        ledger=demo.ledger.name, mode="paths", seeds=tuple(sources), targets=tuple(targets),
        max_hops=depth,
    )  # fmt: skip
    found = find_paths(paths_spec(asked, demo.ledger, demo.walls), demo.ledger).json["paths"]
    assert isinstance(found, list)
    return [path["txids"] for path in found]


def test_the_bank_paid_the_registrar_in_three_hops_in_time_order(demo: DemoLedger) -> None:
    known, operator = demo.oracle["addresses"], demo.oracle["operator"]
    fee_payments = [seed.partition(":")[0] for seed in demo.oracle["bank"]["seeds_fee_wallet"]]
    found = paths(demo, demo.oracle["clusters"]["bank"], [known["namewharf"]], 6)
    tail = [operator["txids"]["F1"], operator["txids"]["REG"]]
    assert sorted(found) == sorted([payment, *tail] for payment in fee_payments[:4])


def test_the_last_shares_come_too_late_for_the_registrar(demo: DemoLedger) -> None:
    known = demo.oracle["addresses"]
    assert paths(demo, demo.oracle["bank"]["seeds_operator"], [known["namewharf"]], 32) == []


def test_the_peel_chain_is_14_transactions_long(demo: DemoLedger) -> None:
    known, operator = demo.oracle["addresses"], demo.oracle["operator"]
    found = paths(demo, [known["peel"][0]], operator["ends"]["P14"], 14)
    assert found == [[operator["txids"][f"peel{number}"] for number in range(1, 15)]]


def test_the_withdrawal_closes_the_circle_at_the_end_of_the_peel_chain(demo: DemoLedger) -> None:
    known, operator = demo.oracle["addresses"], demo.oracle["operator"]
    _, made = demo.coins_of(operator["returned"].partition(":")[0])
    assert made[0] == (known["peel"][14], 49_980_000)
    assert demo.height_of(operator["returned"].partition(":")[0]) == 18_900


def test_no_path_leads_through_the_exchange(demo: DemoLedger) -> None:
    """OP-3's withdrawal is paid from the hot wallet that swept the operator's deposits."""
    returned = demo.oracle["operator"]["returned"]
    assert paths(demo, demo.oracle["operator"]["seeds"], [returned], 32) == []


# Taint


def test_the_seeds_are_what_the_bank_paid_the_operator(demo: DemoLedger) -> None:
    result = demo.trace(demo.oracle["operator"]["seeds"], "haircut")
    assert result["totals"]["seeds"] == str(SEEDS)
    assert len(demo.oracle["operator"]["seeds"]) == 21


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("end", sorted(TAINT))
def test_an_end_holds_what_the_policy_says(demo: DemoLedger, end: str, policy: str) -> None:
    value, low, haircut, fifo, lifo, high = TAINT[end]
    result = demo.trace(demo.oracle["operator"]["seeds"], policy)
    rows = {row["outpoint"]: row for row in result["ends"] + result["possible"]}
    found = [rows[outpoint] for outpoint in demo.oracle["operator"]["ends"][end]]
    amount = {"haircut": haircut, "fifo": fifo, "lifo": lifo}[policy]
    assert sum(int(row["value"]) for row in found) == value
    assert sum(int(row["amount"]) for row in found) == amount
    assert sum(int(row["low"]) for row in found) == low
    assert sum(int(row["high"]) for row in found) == high


@pytest.mark.parametrize("policy", POLICIES)
def test_ends_and_network_fees_add_up_to_the_seeds(demo: DemoLedger, policy: str) -> None:
    result = demo.trace(demo.oracle["operator"]["seeds"], policy)
    column = 2 + POLICIES.index(policy)
    assert int(result["totals"]["fees"]) == FEES[policy]
    assert sum(row[column] for row in TAINT.values()) + FEES[policy] == SEEDS
    assert result["balance_sheet"]["difference"] == "0"
    ends = {outpoint for group in demo.oracle["operator"]["ends"].values() for outpoint in group}
    assert {row["outpoint"] for row in result["ends"] + result["possible"]} <= ends


def test_poison_reaches_the_same_ends_whole(demo: DemoLedger) -> None:
    result = demo.trace(demo.oracle["operator"]["seeds"], "poison")
    amounts = {row["outpoint"]: int(row["amount"]) for row in result["ends"]}
    for end, outpoints in demo.oracle["operator"]["ends"].items():
        assert sum(amounts[outpoint] for outpoint in outpoints) == TAINT[end][0]


@pytest.mark.parametrize("policy", POLICIES)
def test_all_that_v1_was_paid_reaches_its_account(demo: DemoLedger, policy: str) -> None:
    operator = demo.oracle["operator"]
    result = demo.trace(operator["v1_payouts"], policy)
    assert {row["outpoint"] for row in result["ends"]} == set(operator["v1_deposits"])
    for column in ("amount", "low", "high", "value"):
        assert sum(int(row[column]) for row in result["ends"]) == 29_994_000
    assert {row["status"] for row in result["ends"]} == {"exchange_boundary"}


def test_dust_is_never_spent_and_changes_nothing(demo: DemoLedger) -> None:
    known = demo.oracle["addresses"]
    assert len(demo.oracle["operator"]["dust"]) == 3
    sender = known["dust_sender"]
    assert (sender[6:10], sender[-2:]) == (known["a1.0"][6:10], known["a1.0"][-2:])
    for outpoint in demo.oracle["operator"]["dust"]:
        txid = outpoint.partition(":")[0]
        spent, made = demo.coins_of(txid)
        assert [address for address, _ in spent] == [sender]
        assert made[0] == (known["a1.0"], 546)


# Behind the exchange's wall


@pytest.mark.parametrize("policy", POLICIES)
def test_what_was_there_at_the_freeze_is_told_to_the_unit(demo: DemoLedger, policy: str) -> None:
    """Deposits -> conversion -> transfers, from what the run says reached OP-1 and OP-3."""
    found = follow_freeze(demo, policy)
    assert found.unmet == ()
    rests = {(each.account, each.asset): each for each in found.held}
    column = 2 + POLICIES.index(policy)
    for key, told in AT_THE_FREEZE.items():
        rest = rests[key]
        assert (rest.value, rest.low, rest.amount, rest.high) == (
            told[0], told[1], told[column], told[5],
        )  # fmt: skip
    assert {sheet.difference for sheet in found.sheets.values()} == {0}
    assert ("OP-2", USDT) in rests
    [stopped] = found.asked  # bank -> A1 -> OP-1 -> OP-3 -> the withdrawal that was stopped
    assert (stopped.line.account, stopped.line.units) == ("OP-3", 400_000_000)
    assert stopped.low <= stopped.amount <= stopped.high == 400_000_000


# The page


def test_the_bounds_hold_every_hidden_truth_and_the_span_of_policies_does_not(
    demo: DemoLedger,
) -> None:
    total, inside, in_span = bound_counts(demo)
    assert inside == total > 1_000
    assert in_span < total


def test_the_accuracy_page_says_what_the_engine_finds_today(demo: DemoLedger) -> None:
    text, is_right = section(demo)
    assert is_right
    assert PAGE.read_text().startswith(HEAD + text)
