"""Traces over accounts: the policies, the bounds and the books, against every unit's own truth."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.bench.accounts import account_haircut, compare_accounts
from tests.unit.engine.accounts.worlds import (
    POLICIES,
    Move,
    any_of,
    ledger_of,
    newest,
    oldest,
    outpoint,
    played,
    text,
    traced,
    worlds,
)
from tracing.engine.accounts.resolve import account_trace_spec
from tracing.engine.accounts.trace import trace_accounts
from tracing.engine.seal import is_intact
from tracing.engine.spec import TraceParameters
from tracing.engine.walk import Progress
from tracing.errors import ParametersError, SeedError

CHAIN: list[Move] = [(0, 1, 100), (0, 2, 100), (1, 3, 60), (2, 3, 40), (3, 4, 50), (3, 5, 50)]


def ends(result: Any) -> dict[str, int]:
    found: Counter[str] = Counter()
    for end in result.json["ends"]:
        found[end["address"]] += int(end["amount"])
    return {address: amount for address, amount in found.items() if amount}


def seeds_of(moves: list[Move]) -> list[int]:
    return [n for n, (payer, payee, _units) in enumerate(moves) if payer != payee]


def test_haircut_shares_what_was_mixed() -> None:
    result = traced(ledger_of(CHAIN), outpoint(2))
    assert ends(result) == {text(4): 30, text(5): 30}
    assert result.json["balance_sheet"] == {
        "in": "60", "ends": "60", "fees": "0", "cut": "0", "difference": "0",
    }  # fmt: skip
    assert is_intact(result.json)


def test_fifo_pays_with_the_oldest_and_lifo_with_the_newest_units() -> None:
    assert ends(traced(ledger_of(CHAIN), outpoint(2), policy="fifo")) == {text(4): 50, text(5): 10}
    assert ends(traced(ledger_of(CHAIN), outpoint(2), policy="lifo")) == {text(4): 10, text(5): 50}


def test_bounds_hold_whatever_the_order() -> None:
    rows = {end["address"]: end for end in traced(ledger_of(CHAIN), outpoint(2)).json["ends"]}
    assert {a: (r["low"], r["high"]) for a, r in rows.items()} == {
        text(4): ("10", "50"), text(5): ("10", "50"),
    }  # fmt: skip


def test_an_unknown_balance_leaves_nothing_certain() -> None:
    result = traced(ledger_of(CHAIN, whole=False), outpoint(2))
    assert {end["low"] for end in result.json["ends"]} == {"0"}
    assert result.json["asset"]["whole"] is False
    assert result.json["counts"]["unknown_openings"] == 3


def test_the_least_opening_balance_counts_as_other_money() -> None:
    """3 pays 50 more than it is seen to receive: it held 50 before, and FIFO pays with them."""
    moves = [(0, 1, 10), (1, 3, 10), (3, 4, 60)]
    result = traced(ledger_of(moves, whole=False), outpoint(1), policy="fifo")
    assert ends(result) == {text(4): 10}
    assert {"address": text(3), "least": "50"} in result.json["openings"]


def test_a_wall_ends_the_trace_and_a_horizon_too() -> None:
    ledger = ledger_of(CHAIN)
    parameters = TraceParameters(ledger=ledger.name, seeds=(outpoint(0),))
    spec = account_trace_spec(parameters, ledger, [(text(3), "exchange_deposit")])
    rows = {end["status"]: end for end in trace_accounts(spec, ledger).json["ends"]}
    assert rows["exchange_boundary"]["address"] == text(3)
    assert (rows["exchange_boundary"]["amount"], rows["unspent"]["amount"]) == ("60", "40")
    early = traced(ledger, outpoint(0), until_height=3)
    assert {(e["address"], e["status"]) for e in early.json["ends"]} == {
        (text(1), "unspent"), (text(3), "after_horizon"),
    }  # fmt: skip
    short = traced(ledger, outpoint(0), max_hops=1)
    assert ("hop_limit", "60") in {(e["status"], e["amount"]) for e in short.json["ends"]}


def test_a_stop_that_is_no_address_is_refused() -> None:
    with pytest.raises(ParametersError, match="junk is no address to stop at"):
        traced(ledger_of(CHAIN), outpoint(0), stops=("junk",))


def test_issued_and_destroyed_units_end_as_such() -> None:
    ledger = ledger_of([(0, 1, 9), (1, 2, 9), (2, 0, 4)])
    forward = {e["status"]: e["amount"] for e in traced(ledger, outpoint(1)).json["ends"]}
    assert forward == {"burned": "4", "unspent": "5"}
    (back,) = traced(ledger, outpoint(2), mode="source").json["ends"]
    assert (back["status"], back["amount"], back["hops"]) == ("minted", "4", 3)


def test_amounts_of_256_bits_stay_exact() -> None:
    most = 2**256 - 1
    ledger = ledger_of([(0, 1, most), (1, 2, most - 1), (2, 3, most // 3)])
    for policy in POLICIES[:3]:
        result = traced(ledger, outpoint(0), policy=policy)
        assert sum(ends(result).values()) == most
        json.dumps(result.json)


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        (outpoint(99), "has no transaction"),
        (outpoint(0)[:-1] + "7", "none of number 7"),
        (text(77), "has never seen the address"),
        ("0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "EIP-55"),
        (text(1), "never|no transfer of"),
        (f"{text(1)}@TUSD", "no transfer of TUSD"),
        (f"{text(4)}@{'0x' + '70' * 20}#0-1", "has not received any"),
    ],
)
def test_a_seed_that_names_nothing_is_told_in_one_sentence(seed: str, said: str) -> None:
    with pytest.raises(SeedError, match=said):
        traced(ledger_of(CHAIN), seed)


def test_an_address_with_token_and_blocks_means_what_it_received() -> None:
    token = "0x" + "70" * 20
    assert traced(ledger_of(CHAIN), f"{text(3)}@{token}").json["totals"]["seeds"] == "100"
    assert traced(ledger_of(CHAIN), f"{text(3)}@{token}#3-3").json["totals"]["seeds"] == "40"
    assert traced(ledger_of(CHAIN), f"{text(3)}@{token}#-2").json["totals"]["seeds"] == "60"


@settings(max_examples=60)
@given(worlds(), st.data())
def test_value_is_conserved_and_bounded(moves: list[Move], data: st.DataObject) -> None:
    """Seeds = ends + fees + cut, to the unit; low <= haircut, FIFO, LIFO <= high <= poison."""
    possible = seeds_of(moves)
    assume(possible)
    picked = data.draw(st.lists(st.sampled_from(possible), min_size=1, max_size=3, unique=True))
    fields = {
        "mode": data.draw(st.sampled_from(["destination", "source"])),
        "max_hops": data.draw(st.sampled_from([None, 1, 2])),
        "min_value": data.draw(st.sampled_from([0, 0, 3])),
    }
    ledger = ledger_of(moves, whole=data.draw(st.booleans()))
    held: dict[str, dict[tuple[str, str, str], tuple[int, int, int]]] = {}
    for policy in POLICIES:
        result = traced(ledger, *[outpoint(n) for n in picked], policy=policy, **fields).json
        sheet = result["balance_sheet"]
        assert sheet["difference"] == (None if policy == "poison" else "0")
        assert int(sheet["in"]) == sum(moves[n][2] for n in picked)
        held[policy] = {
            (end["outpoint"], end["address"], end["status"]): (
                int(end["low"]), int(end["amount"]), int(end["high"]),
            )
            for end in (*result["ends"], *result["possible"])
        }  # fmt: skip
    for policy in POLICIES:
        for key, (low, amount, high) in held[policy].items():
            assert low <= amount
            assert amount <= high or policy == "poison"
            if not fields["min_value"]:
                assert held["poison"][key][1] >= high
                assert held["haircut"][key][0::2] == (low, high)


@settings(max_examples=60)
@given(worlds(), st.data())
def test_fifo_and_lifo_equal_units_moved_one_by_one(moves: list[Move], data: st.DataObject) -> None:
    possible = seeds_of(moves)
    assume(possible)
    seed = data.draw(st.sampled_from(possible))
    for policy, choose in (("fifo", oldest), ("lifo", newest)):
        held, units = played(moves, choose)
        rest = {
            text(account): sum(seed in unit.moves for unit in mine)
            for account, mine in held.items()
        }
        rest = {account: number for account, number in rest.items() if number}
        burned = sum(seed in unit.moves and moves[unit.moves[-1]][1] == 0 for unit in units)
        if burned:
            rest[text(0)] = burned
        assert ends(traced(ledger_of(moves), outpoint(seed), policy=policy)) == rest
        asked = [unit for unit in units if seed in unit.moves]
        came = Counter(outpoint(unit.moves[0]) for unit in asked)
        back = traced(ledger_of(moves), outpoint(seed), policy=policy, mode="source").json
        assert {e["outpoint"]: int(e["amount"]) for e in back["ends"]} == came


@settings(max_examples=60)
@given(worlds(), st.data())
def test_a_hidden_truth_never_leaves_the_bounds(moves: list[Move], data: st.DataObject) -> None:
    """In each mix any units may go; what no ledger shows may lie in any account beforehand."""
    possible = seeds_of(moves)
    assume(possible)
    seed = data.draw(st.sampled_from(possible))
    whole = data.draw(st.booleans())
    hidden = {} if whole else {n: data.draw(st.integers(0, 9)) for n in range(1, 6)}
    held, units = played(moves, any_of(data.draw(st.integers(0, 999))), hidden)
    ledger = ledger_of(moves, whole=whole)
    result = traced(ledger, outpoint(seed)).json
    rows = [*result["ends"], *result["possible"]]
    bounds = {
        row["address"]: (int(row["low"]), int(row["high"]))
        for row in rows
        if row["status"] == "unspent"
    }
    for account, mine in held.items():
        low, high = bounds.get(text(account), (0, 0))
        assert low <= sum(seed in unit.moves for unit in mine) <= high
    back = traced(ledger, outpoint(seed), mode="source").json
    asked = Counter(
        outpoint(u.moves[0]) for u in units if seed in u.moves and moves[u.moves[0]][0] == 0
    )
    for row in (*back["ends"], *back["possible"]):
        if row["status"] == "minted":
            assert int(row["low"]) <= asked[row["outpoint"]] <= int(row["high"])


@settings(max_examples=25)
@given(worlds(), st.integers(0, 99), st.integers(2, 10**30))
def test_neither_order_nor_scale_matters(moves: list[Move], shuffle: int, times: int) -> None:
    """Rows in any order give the same bytes; amounts times k give FIFO, LIFO and bounds times k."""
    possible = seeds_of(moves)
    assume(possible)
    places = [outpoint(n) for n in possible[:3]]
    for policy in POLICIES:
        plain = traced(ledger_of(moves), *places, policy=policy)
        mixed = traced(ledger_of(moves, shuffle=shuffle), *reversed(places), policy=policy)
        assert plain.json == mixed.json
        if policy == "haircut":
            continue
        large = traced(
            ledger_of([(a, b, units * times) for a, b, units in moves]), *places, policy=policy
        ).json
        for one, many in zip(plain.json["ends"], large["ends"], strict=True):
            for name in ("amount", "low", "high", "value"):
                assert int(one[name]) * times == int(many[name])


class Halt(Exception):
    """Stops a run in the middle."""


@settings(max_examples=20)
@given(worlds(), st.integers(1, 6), st.sampled_from(POLICIES))
def test_a_run_goes_on_from_its_checkpoint_to_the_same_bytes(
    moves: list[Move], after: int, policy: str
) -> None:
    possible = seeds_of(moves)
    assume(possible)
    ledger = ledger_of(moves)
    parameters = TraceParameters(ledger=ledger.name, seeds=(outpoint(possible[0]),), policy=policy)
    spec = account_trace_spec(parameters, ledger)
    kept: list[Any] = []

    def tick(progress: Progress) -> None:
        kept.append(json.loads(json.dumps(progress.checkpoint())))
        if len(kept) == after:
            raise Halt

    whole = trace_accounts(spec, ledger)
    try:
        trace_accounts(spec, ledger, tick, every=1)
    except Halt:
        again = trace_accounts(spec, ledger, state=kept[-1])
        assert again.json == whole.json


def test_random_traces_are_exact_whatever_the_policy() -> None:
    """The nightly size is `python -m tests.bench --accounts 12000`."""
    assert compare_accounts(40, seed=5) > 50
    for row in account_haircut(1_000):
        assert row.ratio > 0  # it raises where the peer finds other amounts
