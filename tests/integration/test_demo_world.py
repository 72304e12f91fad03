"""The planted structure of the demo world, number by number, as the files tell it."""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest

from fiu.demo.chain import rule_fee
from fiu.demo.exchange import BTC, ETH, USDT, XMR
from tests.demo_ledger import NOW, DemoLedger
from tracing.engine.addresses import decode_address
from tracing.errors import AddressError
from tracing.ledgers import load_blocks, open_ledger

pytestmark = pytest.mark.xdist_group("demo_ledger")
XMR_UNIT = 10**12


def in_sat(spent: list[tuple[str, int]], made: list[tuple[str, int]]) -> int:
    """The fee of a transaction."""
    return sum(value for _, value in spent) - sum(value for _, value in made)


# The chain


def test_the_chain_has_its_blocks_and_about_the_planned_transactions(demo: DemoLedger) -> None:
    snapshot = demo.ledger.snapshot
    assert (snapshot.height, snapshot.num_blocks, snapshot.num_stale) == (20_159, 20_160, 0)
    assert snapshot.tip_hash == demo.oracle["tip"]["hash"]
    assert snapshot.tip_time == 1_736_121_600 + 600 * 20_159
    assert snapshot.num_tx == demo.oracle["num_transactions"]
    assert 135_000 <= snapshot.num_tx <= 145_000


def test_no_transaction_spends_what_the_chain_does_not_hold(demo: DemoLedger) -> None:
    """Every fee is known, so every input is, and none is negative."""
    fees = demo.ledger.tx_fee[demo.ledger.tx_coinbase == 0]
    assert int(fees.min()) > 0


def test_the_same_seed_builds_the_same_bytes(demo: DemoLedger, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from fiu.demo.scale import DEMO;"
        f"from fiu.demo.world import build; build(Path(sys.argv[1]), DEMO, 7, {NOW})"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    again = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert again == json.loads((demo.built.folder / "manifest.json").read_text("utf-8"))


def test_the_manifest_names_every_table_with_its_hash(demo: DemoLedger) -> None:
    manifest = json.loads((demo.built.folder / "manifest.json").read_text("utf-8"))
    for name, entry in manifest.items():
        content = (demo.built.folder / name).read_bytes()
        assert sha256(content).hexdigest() == entry["sha256"]
    assert manifest["exchange/accounts.csv"]["rows"] == 20_000 + 50
    blocks = [entry["rows"] for name, entry in manifest.items() if name.startswith("blocks/")]
    assert sum(blocks) == 20_160


def test_the_other_branch_replaces_two_blocks(demo: DemoLedger, tmp_path: Path) -> None:
    load_blocks(tmp_path, "bitcoin-regtest", demo.built.blocks)
    before = open_ledger(tmp_path, "bitcoin-regtest").snapshot
    load_blocks(tmp_path, "bitcoin-regtest", [demo.built.other_branch])
    ledger = open_ledger(tmp_path, "bitcoin-regtest")
    assert ledger.snapshot.height == 20_160
    assert ledger.snapshot.num_stale == 2
    assert ledger.snapshot.epoch > before.epoch
    assert ledger.find_tx(demo.oracle["operator"]["v2_to_v4"]) is None
    assert demo.height_of(demo.oracle["operator"]["v2_to_v4"]) == 20_158


# The operator's table


def operator_rows(demo: DemoLedger) -> dict[str, tuple[int, list[tuple[str, int]], int]]:
    """name -> block, outputs without change, fee."""
    a = demo.oracle["addresses"]
    first, fee_wallet = a["a1.0"], a["fee_wallet"]
    return {
        "C1": (1_000, [(first, 15_000_000)], 564),
        "C2": (9_172, [(first, 25_000_000)], 564),
        "F1": (5_033, [(first, 77_400_000), (fee_wallet, 5_500)], 2_500),
        "F2": (9_065, [(first, 77_400_000), (fee_wallet, 11_000)], 2_500),
        "F3": (13_097, [(first, 77_400_000), (fee_wallet, 16_500)], 2_500),
        "F4": (18_137, [(first, 96_790_000)], 2_500),
        "REG": (6_548, [(a["namewharf"], 180_000), (first, 92_217_500)], 2_500),
        "ZZ": (12_596, [(a["z"], 75_000_000), (first, 2_397_500)], 2_500),
        "K": (18_150, [(a["peel"][0], 3_133_797_500)], 7_500),
    }


@pytest.mark.parametrize("name", ["C1", "C2", "F1", "F2", "F3", "F4", "REG", "ZZ", "K"])
def test_a_row_of_the_operators_table_stands_in_the_ledger(demo: DemoLedger, name: str) -> None:
    height, outputs, fee = operator_rows(demo)[name]
    txid = demo.oracle["operator"]["txids"][name]
    spent, made = demo.coins_of(txid)
    assert demo.height_of(txid) == height
    assert made[: len(outputs)] == outputs
    assert in_sat(spent, made) == fee
    is_eastmere = name.startswith("C")
    assert len(made) == len(outputs) + is_eastmere


def test_the_gathering_spends_its_inputs_in_order(demo: DemoLedger) -> None:
    spent, _ = demo.coins_of(demo.oracle["operator"]["txids"]["K"])
    assert [value for _, value in spent] == [
        25_000_000, 92_217_500, 2_397_500, 77_400_000, 96_790_000, *[710_000_000] * 4,
    ]  # fmt: skip


def test_fees_come_weekly_and_shares_at_the_end(demo: DemoLedger) -> None:
    bank, known = demo.oracle["bank"], demo.oracle["addresses"]
    weekly = [seed.partition(":") for seed in bank["seeds_fee_wallet"]]
    assert [demo.height_of(txid) for txid, _, _ in weekly] == [
        1_008 * week + 1_000 for week in range(1, 18)
    ]
    paid = [demo.coins_of(txid)[1][int(vout)] for txid, _, vout in weekly]
    assert paid == [(known["fee_wallet"], 19_352_000)] * 16 + [(known["fee_wallet"], 19_368_000)]
    shares = [seed.partition(":") for seed in bank["seeds_operator"]]
    assert [demo.height_of(txid) for txid, _, _ in shares] == [18_144, 18_145, 18_146, 18_147]
    assert [demo.coins_of(txid)[1][int(vout)] for txid, _, vout in shares] == (
        [(known["a1.1"], 710_000_000)] * 4
    )


def test_the_peels_pay_the_listed_amounts_in_the_listed_order(demo: DemoLedger) -> None:
    a, txids = demo.oracle["addresses"], demo.oracle["operator"]["txids"]
    sums = [
        21864, 19042, 20985, 17531, 16195, 17524, 13476, 12827, 13961, 9793, 10188, 11530, 7395,
        7689,
    ]  # fmt: skip
    swaps = iter(a["ferryswap"])
    for number, amount in enumerate(sums, start=1):
        spent, made = demo.coins_of(txids[f"peel{number}"])
        assert demo.height_of(txids[f"peel{number}"]) == 18_150 + 36 * number
        assert in_sat(spent, made) == 1_000
        if number in (3, 6, 9, 12):
            target = next(swaps)
        else:
            target = a["deposit"]["OP-1" if number in (1, 4, 5, 8, 11, 13) else "OP-3"]
        paid, kept = made if number % 2 else made[::-1]
        assert paid == (target, amount * 10_000)
        assert kept[0] == a["peel"][number]


def test_v1_is_paid_twelve_times_and_deposits_three_times(demo: DemoLedger) -> None:
    operator, known = demo.oracle["operator"], demo.oracle["addresses"]
    payouts = [outpoint.partition(":") for outpoint in operator["v1_payouts"]]
    assert [demo.coins_of(txid)[1][int(vout)] for txid, _, vout in payouts] == (
        [(known["sellers"]["V-1"], 2_500_000)] * 12
    )
    assert demo.height_of(payouts[-1][0]) == 18_143
    deposits = [outpoint.partition(":")[0] for outpoint in operator["v1_deposits"]]
    assert demo.height_of(deposits[-1]) == 18_180
    for txid in deposits:
        spent, made = demo.coins_of(txid)
        assert len(spent) == 4
        assert made == [(known["deposit"]["V-1"], 9_998_000)]


def test_212_customers_withdrew_straight_to_the_bank(demo: DemoLedger) -> None:
    bank = frozenset(demo.oracle["clusters"]["bank"])
    buyers = {
        row["account"]
        for row in demo.rows("exchange/movements.csv")
        if row["kind"] == "withdrawal" and row["address"] in bank
    }
    assert buyers == set(demo.oracle["bank"]["buyers"])
    assert len(buyers) == 212


# CoinJoins


def test_the_first_coinjoin_has_the_shape_of_joinmarket(demo: DemoLedger) -> None:
    spent, made = demo.coins_of(demo.oracle["coinjoins"][0])
    truth = demo.oracle["clusters"]
    assert [value for _, value in spent] == [
        80_000_000, 70_000_000, 60_000_000, 60_000_000, 30_000_000, 30_000_000, 50_010_000,
    ]  # fmt: skip
    assert len({address for address, _ in spent}) == 7
    assert spent[0][0] in truth["bank"]
    assert {spent[2][0], spent[3][0]} == set(demo.oracle["addresses"]["copperdice_hot"])
    assert [value for _, value in made] == (
        [50_000_000] * 5 + [29_990_000, 19_990_000, 69_990_000, 9_990_000]
    )
    assert made[5][0] in truth["bank"]
    assert made[7][0] in truth["copperdice"]


def test_the_second_coinjoin_has_the_shape_of_wasabi_1(demo: DemoLedger) -> None:
    spent, made = demo.coins_of(demo.oracle["coinjoins"][1])
    assert len(spent) == 50
    assert demo.oracle["addresses"]["sellers"]["V-3"] in {address for address, _ in spent}
    values = Counter(value for _, value in made)
    assert values[10_000_000] == 40
    assert len(made) == 40 + 39 + 1
    assert in_sat(spent, made) == rule_fee(50, 80)


# Lanternbox and Copperdice


def test_lanternbox_sold_its_packages(demo: DemoLedger) -> None:
    ledger, received = demo.ledger, Counter[int]()
    for address in demo.oracle["clusters"]["lanternbox"][:-1]:
        found = ledger.find_address(address)
        assert found is not None
        [coin] = ledger.outputs_of_address(found).tolist()
        received[int(ledger.out_value[coin])] += 1
        height = int(ledger.tx_height[ledger.out_tx[coin]])
        assert 3 * 1_008 <= height < 17 * 1_008
    assert received == {10_000: 1_300, 25_000: 2_000, 50_000: 1_300, 100_000: 600}
    assert demo.oracle["cohort"]["num_payers"] == 4_000


def test_the_cohort_has_its_tiers_packages_and_countries(demo: DemoLedger) -> None:
    cohort = demo.oracle["cohort"]
    assert {tier: len(uids) for tier, uids in cohort["tiers"].items()} == {
        "1": 101, "2": 19, "3": 3,
    }  # fmt: skip
    assert Counter(tier for _, tier, _ in cohort["payments"]) == {1: 139, 2: 23, 3: 5}
    proved = Counter(sat for _, tier, sat in cohort["payments"] if tier < 3)
    assert [proved[package] for package in (10_000, 25_000, 50_000, 100_000)] == [39, 64, 41, 18]
    assert sum(sat * count for sat, count in proved.items()) == 5_840_000
    assert list(cohort["countries"].values()) == [30, 21, 17, 13, 11, 9, 7, 5, 4, 2, 1]
    country = {row["uid"]: row["country"] for row in demo.rows("exchange/accounts.csv")}
    members = cohort["tiers"]["1"] + cohort["tiers"]["2"]
    assert Counter(country[uid] for uid in members) == cohort["countries"]


def test_direct_members_withdrew_to_the_platform_itself(demo: DemoLedger) -> None:
    cohort = demo.oracle["cohort"]
    platform = frozenset(demo.oracle["clusters"]["lanternbox"])
    paid = Counter(
        row["account"]
        for row in demo.rows("exchange/movements.csv")
        if row["kind"] == "withdrawal" and row["address"] in platform
    )
    assert sorted(paid) == sorted(cohort["tiers"]["1"])
    assert paid.total() == 139


def test_members_of_tier_2_paid_through_a_wallet_used_once(demo: DemoLedger) -> None:
    ledger, cohort = demo.ledger, demo.oracle["cohort"]
    own = frozenset(cohort["tiers"]["2"])
    steps = 0
    for row in demo.rows("exchange/movements.csv"):
        if row["kind"] != "withdrawal" or row["account"] not in own:
            continue
        found = ledger.find_address(row["address"])
        assert found is not None
        [coin] = ledger.outputs_of_address(found).tolist()
        spent, made = demo.coins_of(ledger.txid(int(ledger.in_tx[ledger.out_spent_in[coin]])))
        assert (len(spent), len(made)) == (1, 1)
        assert made[0][0] in cohort["addresses"][row["account"]]
        steps += 1
    assert steps == 23


def test_copperdice_has_310_payers_nine_of_them_ours(demo: DemoLedger) -> None:
    cohort = demo.oracle["cohort"]
    assert cohort["copperdice_payers"] == 310
    assert len(cohort["copperdice_customers"]) == 9
    members = {uid for uids in cohort["tiers"].values() for uid in uids}
    assert not members & set(cohort["copperdice_customers"])


# The exchange


def test_balances_are_the_sum_of_the_movements_and_never_negative(demo: DemoLedger) -> None:
    balances: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in demo.rows("exchange/movements.csv"):
        if row["status"] != "completed":
            continue
        own, base = (row["account"], row["asset"]), int(row["base"])
        if row["kind"] == "deposit":
            balances[own] += base
            continue
        balances[own] -= base
        assert balances[own] >= 0, row["ref"]
        if row["kind"] == "conversion":
            balances[row["account"], row["asset_out"]] += int(row["base_out"])
        elif row["kind"] == "internal_transfer":
            balances[row["counter_account"], row["asset"]] += base
    listed = {
        (row["account"], row["asset"]): int(row["base"])
        for row in demo.rows("exchange/balances.csv")
    }
    assert listed == {key: base for key, base in balances.items() if base}


def test_the_six_lines_of_the_freeze_are_worth_three_and_a_half_million(demo: DemoLedger) -> None:
    held = {
        (row["account"], row["asset"]): int(row["base"])
        for row in demo.rows("exchange/balances.csv")
        if row["account"].startswith("OP-")
    }
    assert held == {
        ("OP-1", BTC): 300_000_000,
        ("OP-1", USDT): 249_540_000_000,
        ("OP-2", XMR): 7_255_800_000_000_000,
        ("OP-2", USDT): 549_700_000_000,
        ("OP-2", ETH): 159_840_000_000_000_000_000,
        ("OP-3", BTC): 550_000_000,
    }
    decimals = {row["asset"]: int(row["decimals"]) for row in demo.rows("exchange/assets.csv")}
    prices = sorted(
        [*demo.rows("exchange/prices.csv"), *demo.rows("later_prices.csv")],
        key=lambda row: row["at"],
    )
    assert max(row["at"] for row in demo.rows("exchange/prices.csv")) == "2025-05-20T14:07:00Z"

    def worth(at: str) -> Decimal:
        price = {row["asset"]: Decimal(row["price"]) for row in prices if row["at"] <= at}
        values = (
            Decimal(base) / 10 ** decimals[asset] * price[asset]
            for (_, asset), base in held.items()
        )
        return sum(values, Decimal(0))

    assert worth("2025-05-20T14:07:00Z") == Decimal("3500000.00")
    assert worth("2025-05-26T09:00:00Z") == Decimal("3477426.00")


def test_the_stopped_withdrawal_is_part_of_what_the_account_holds(demo: DemoLedger) -> None:
    [stopped] = [row for row in demo.rows("exchange/movements.csv") if row["status"] == "stopped"]
    assert (stopped["account"], stopped["base"]) == ("OP-3", "400000000")
    assert stopped["at"] == "2025-05-20T13:56:00Z"


def test_the_internal_ledger_follows_all_deposits_in_order(demo: DemoLedger) -> None:
    rows = [row for row in demo.rows("exchange/movements.csv") if row["account"][:3] == "OP-"]
    inside = [row for row in rows if row["kind"] != "deposit"]
    assert [
        (row["account"], row["kind"], row["base"], row["base_out"]) for row in inside
    ] == [
        ("OP-1", "conversion", "460000000", "459540000000"),
        ("OP-1", "internal_transfer", "100000000", ""),
        ("OP-1", "internal_transfer", "250000000000", ""),
        ("OP-2", "conversion", str(2_000 * XMR_UNIT), "159840000000000000000"),
        ("OP-2", "conversion", str(1_500 * XMR_UNIT), "299700000000"),
        ("OP-3", "withdrawal", "50000000", ""),
        ("OP-3", "withdrawal", "400000000", ""),
    ]  # fmt: skip
    assert max(row["at"] for row in rows if row["kind"] == "deposit") < inside[0]["at"]


def test_accounts_share_a_device_and_a_withdrawal_address(demo: DemoLedger) -> None:
    links = {
        (row["account"], row["other_account"], row["link"])
        for row in demo.rows("exchange/links.csv")
    }
    assert {("OP-1", "OP-3", "device"), ("OP-2", "OP-3", "withdrawal_address")} <= links


def test_deposits_are_credited_to_who_held_the_address_then(demo: DemoLedger) -> None:
    periods = defaultdict(list)
    for row in demo.rows("exchange/deposit_addresses.csv"):
        end = row["assigned_to_at"] or "9999"
        periods[row["address"]].append((row["assigned_from_at"], end, row["account"]))
    assert sum(len(held) == 2 for held in periods.values()) == 40
    for row in demo.rows("exchange/movements.csv"):
        if row["kind"] == "deposit" and row["address"]:
            [holder] = [
                uid for start, end, uid in periods[row["address"]] if start <= row["at"] < end
            ]
            assert holder == row["account"]


# Monero


def test_the_swaps_are_matched_by_their_decoys_and_nobody_else(demo: DemoLedger) -> None:
    deposits = [
        row
        for row in demo.rows("exchange/movements.csv")
        if row["kind"] == "deposit" and row["asset"] == XMR
    ]
    found: Counter[str] = Counter()
    sizes = []
    for swap in demo.oracle["swaps"]:
        start = 1_736_121_600 + 600 * (18_150 + 36 * swap["order"])
        whole = swap["sat"] * 5 * 10**6  # 500 XMR a bitcoin
        near = [
            row["account"]
            for row in deposits
            if 10 * 60 <= _seconds(row["at"]) - start <= 120 * 60
            and whole * 980 <= int(row["base"]) * 1_000 <= whole * 998
        ]
        sizes.append(len(near))
        found.update(near)
        assert swap["base"] in {int(row["base"]) for row in deposits if row["account"] == "OP-2"}
    assert [swap["base"] for swap in demo.oracle["swaps"]] == [
        1_042_954_500_000_000, 868_314_200_000_000, 689_673_400_000_000, 567_852_500_000_000,
    ]  # fmt: skip
    assert sizes == [3, 4, 5, 6]
    assert found.pop("OP-2") == 4
    assert len(found) == 14
    assert set(found.values()) == {1}


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def test_the_seized_log_adds_up_and_meets_our_records(demo: DemoLedger) -> None:
    log = demo.rows("bank_log_xmr.csv")
    incoming = [int(row["base"]) for row in log if row["direction"] == "in"]
    outgoing = [int(row["base"]) for row in log if row["direction"] == "out"]
    assert (len(incoming), sum(incoming)) == (9_096, 148_047 * XMR_UNIT // 10)
    assert (len(outgoing), sum(outgoing)) == (4_173, 147_317 * XMR_UNIT // 10)
    ours = {
        row["txid"]: (row["account"], row["base"])
        for row in demo.rows("exchange/movements.csv")
        if row["asset"] == XMR and row["kind"] == "deposit"
    }
    matched = [ours[row["txid"]] for row in log if row["txid"] in ours]
    assert all(ours[row["txid"]][1] == row["base"] for row in log if row["txid"] in ours)
    accounts = Counter(account for account, _ in matched)
    assert accounts["OP-2"] == 14
    assert sum(accounts[f"V-{number}"] for number in range(1, 6)) == 31
    assert accounts.total() == 45
    operator = [int(base) for account, base in matched if account == "OP-2"]
    assert sum(operator) == 75_870_054 * XMR_UNIT // 10_000
    assert operator[:2] == [4_785 * XMR_UNIT // 10, 48_825 * XMR_UNIT // 100]


# What comes from outside


def test_the_agencys_list_has_new_repeated_and_broken_lines(demo: DemoLedger) -> None:
    lines = [row["address"] for row in demo.rows("agency_list.csv")]
    broken, seen, repeated = 0, set(), 0
    for address in lines:
        try:
            decode_address(address)
        except AddressError:
            broken += 1
            continue
        repeated += address in seen
        seen.add(address)
    assert (len(lines), len(seen), repeated, broken) == (400, 390, 7, 3)
    assert seen <= frozenset(demo.oracle["clusters"]["bank"])


def test_the_packs_disagree_about_copperdice_and_change_their_mind_about_z(
    demo: DemoLedger,
) -> None:
    folder = demo.built.folder / "tagpacks"
    z, dice = demo.oracle["addresses"]["z"], demo.oracle["clusters"]["copperdice"][0]
    texts = {path.name: path.read_text("utf-8") for path in folder.glob("*.yaml")}
    assert f"- address: {z}\n  label: Ferryswap\n" in texts["pack_a_v1.yaml"]
    assert f"- address: {z}\n  label: Eastmere\n" in texts["pack_a_v2.yaml"]
    assert "lastmod: 2025-05-25" in texts["pack_a_v2.yaml"]
    assert f"- address: {dice}\n  label: Copperdice\n" in texts["pack_a_v1.yaml"]
    assert f"- address: {dice}\n  label: Lanternbox\n" in texts["pack_b_v1.yaml"]
