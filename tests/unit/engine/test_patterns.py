"""Patterns of one address: what fits, what just fails to, and what they rest on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.engine.ledgers import Chain
from tracing.engine.patterns import (
    DAY,
    DEFAULT,
    Movement,
    Pattern,
    patterns_of,
    peel_chains,
    peel_pattern,
)

OWN = "bcrt1qour5aaaaaaaaaaaaaaaaaaaaaaaaaaaaa77"


def came(number: int, amount: int, *others: str, at: int = 0, paid: int = 1) -> Movement:
    return Movement(f"in{number}", at or number * 60, amount, 0, others, paid)


def went(number: int, amount: int, *others: str, at: int = 0) -> Movement:
    return Movement(f"out{number}", at or number * 60, 0, amount, others)


def kinds(moves: list[Movement]) -> dict[str, Pattern]:
    ordered = sorted(moves, key=lambda each: each.time)
    return {each.kind: each for each in patterns_of(OWN, ordered)}


def test_many_payers_within_a_day_are_a_fan_in_and_the_same_over_a_week_are_not() -> None:
    day = [came(n, 50_000, f"p{n}") for n in range(1, 11)]
    found = kinds(day)["fan_in"]
    assert dict(found.facts) == {
        "payers": "10", "seconds": "540", "amount": "500000", "movements": "10",
    }  # fmt: skip
    assert (found.confidence, found.places[0], len(found.places)) == ("medium", "in1", 10)
    week = [came(n, 50_000, f"p{n}", at=n * DAY) for n in range(1, 11)]
    assert "fan_in" not in kinds(week)
    assert "fan_in" not in kinds([came(n, 50_000, "one payer") for n in range(1, 30)])


def test_the_busiest_window_is_told_of_a_fan_out() -> None:
    moves = [went(n, 9, f"a{n}") for n in range(1, 13)]
    moves += [went(n, 9, f"b{n}", at=5 * DAY + n) for n in range(60)]
    found = kinds(moves)["fan_out"]
    assert (dict(found.facts)["payees"], found.confidence) == ("60", "high")


@pytest.mark.parametrize(("seconds", "fits"), [(3_000, True), (4_000, False)])
def test_what_leaves_within_the_hour_passed_through(seconds: int, fits: bool) -> None:
    moves = []
    for n in range(1, 5):
        moves.append(came(n, 100_000, f"p{n}", at=n * DAY))
        moves.append(went(n, 95_000, "next", at=n * DAY + seconds))
    found = kinds(moves).get("pass_through")
    assert (found is not None) == fits
    if found is not None:
        assert dict(found.facts)["permille"] == "950"


def test_an_address_with_many_on_both_sides_for_long_is_like_a_service() -> None:
    moves = [came(n, 100_000, f"p{n % 40}", at=n * 7_200) for n in range(1, 81)]
    moves += [went(n, 100_000, f"q{n % 25}", at=n * 7_200 + 100_000) for n in range(1, 81)]
    found = kinds(moves)["service_like"]
    assert dict(found.facts) == {"movements": "160", "payers": "40", "payees": "25", "days": "7"}
    few = [replace(each, others=("one",)) for each in moves]
    assert "service_like" not in kinds(few)


def test_crumbs_from_strangers_are_dust_but_change_and_first_payments_are_not() -> None:
    used = [came(1, 90_000, "friend"), came(2, 546, "friend"), came(3, 546, "stranger", paid=12)]
    found = kinds(used)["dust"]
    assert (dict(found.facts)["crumbs"], found.confidence, found.places) == ("1", "high", ("in3",))
    assert "dust" not in kinds([came(1, 546, "stranger")])
    assert "dust" not in kinds([came(1, 90_000, "friend"), came(2, 1_001, "stranger")])


def test_a_forged_address_is_told_with_the_one_it_imitates() -> None:
    friend, forged = "bcrt1qabcdzzzzzzzz99", "bcrt1qabcdyyyyyyyy99"
    moves = [went(1, 90_000, friend), came(2, 546, forged)]
    found = kinds(moves)["address_poisoning"]
    assert dict(found.facts) == {"forged": forged, "looks_like": friend, "forgeries": "1"}
    assert "address_poisoning" not in kinds([went(1, 90_000, friend), came(2, 546, friend)])
    assert "address_poisoning" not in kinds([went(1, 90_000, friend), came(2, 90_000, forged)])
    # A transfer of nothing in our name, which tokens allow anybody to make.
    spoofed = [went(1, 90_000, "0xabcd00000011"), went(2, 0, "0xabcd99999911")]
    assert "address_poisoning" in kinds(spoofed)
    assert "address_poisoning" in kinds([came(2, 546, "bcrt1qour5bbbbb77")])


def peeled(length: int, keep: int = 95, shops: int = 99) -> Chain:
    chain = Chain()
    chain.mine("t0", 10**9)
    value, coin = 10**9, ("t0", 0)
    for number in range(1, length + 1):
        large = value * keep // 100
        outs = [(f"shop{number % shops}", value - large), (f"c{number}", large)]
        chain.send(f"t{number}", [coin], outs, height=number)
        value, coin = large, (f"t{number}", 1)
    return chain


@pytest.mark.parametrize(("length", "keep", "found"), [(6, 95, 1), (5, 95, 0), (9, 89, 0)])
def test_a_chain_that_peels_small_parts_off_is_found_whole(
    length: int, keep: int, found: int
) -> None:
    ledger = peeled(length, keep).ledger()
    chains = peel_chains(ledger)
    assert len(chains) == found
    if found:
        assert chains[0].tolist() == list(range(1, length + 1))
        told = peel_pattern(ledger, chains[0])
        assert dict(told.facts)["transactions"] == dict(told.facts)["payees"] == str(length)
        assert told.confidence == "low"  # a purse that pays strangers looks alike
        assert told.places[0] == ledger.txid(1)


@pytest.mark.parametrize(("shops", "confidence"), [(3, "high"), (8, "medium")])
def test_peels_to_the_same_payees_make_it_more_than_a_shape(shops: int, confidence: str) -> None:
    ledger = peeled(9, shops=shops).ledger()
    told = peel_pattern(ledger, peel_chains(ledger)[0])
    assert (dict(told.facts)["payees"], told.confidence) == (str(shops), confidence)


def test_a_pinned_snapshot_cuts_the_chain_and_no_ledger_has_none() -> None:
    ledger = replace(peeled(8).ledger(), num_inputs=5)
    assert peel_chains(ledger, replace(DEFAULT, peel_length=3))[0].tolist() == [1, 2, 3, 4]
    chain = Chain()
    chain.mine("only", 5)
    assert peel_chains(chain.ledger()) == []
    assert np.array_equal(peel_chains(peeled(7).ledger())[0], np.arange(1, 8))
