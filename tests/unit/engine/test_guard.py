"""Merges that tags speak against are withheld; what is left over is only probable."""

from __future__ import annotations

import random
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.generator import generate
from tests.unit.engine.ledgers import Chain, txid_of
from tests.unit.engine.test_together import ring
from tracing.engine.change import change_of, probable_changes
from tracing.engine.clusters import Bools, Clusters, cospend
from tracing.engine.coinjoin import flags
from tracing.engine.guard import NOBODY, Pair, guarded, torn_clusters, torn_pairs
from tracing.engine.ledger import NO_ADDRESS, Ledger, MemoryLedger

X, Y = frozenset({"x"}), frozenset({"y"})
P2WPKH, P2PKH = 4, 2


def ids(ledger: MemoryLedger, names: str) -> dict[str, int]:
    return {name: ledger.find_address(name) or 0 for name in names}


def partition(found: Clusters) -> list[list[int]]:
    """Clusters of two or more addresses."""
    sizes = found.sizes()
    return [found.members(anchor).tolist() for anchor in np.flatnonzero(sizes > 1).tolist()]


def test_a_transaction_of_two_owners_merges_nobody_and_later_ones_are_counted() -> None:
    ledger = ring().ledger()  # a+b, b+c, c+d, then a+c
    at = ids(ledger, "abcd")
    found, (withheld,) = guarded(ledger, cospend(ledger), {at["a"]: X, at["c"]: Y})
    assert partition(found) == [[at["a"], at["b"]], [at["c"], at["d"]]]
    assert [ledger.txid(int(tx)) for tx in found.edge_tx] == [txid_of("ab"), txid_of("cd")]
    assert (ledger.txid(withheld.tx), withheld.again) == (txid_of("bc"), 1)
    assert (withheld.a, withheld.b) == (at["b"], at["c"])
    assert found.why_together(at["a"], at["c"]) is None


def test_one_owner_or_a_name_in_common_keeps_a_cluster_whole() -> None:
    ledger = ring().ledger()
    at = ids(ledger, "abcd")
    plain = cospend(ledger)
    for owners in ({}, {at["a"]: X}, {at["a"]: X, at["d"]: X}, {at["a"]: X, at["d"]: X | Y}):
        assert guarded(ledger, plain, owners) == (plain, ())
        assert not torn_clusters(plain, owners)


def test_what_was_set_aside_is_merged_once_a_name_in_common_joins_its_sides() -> None:
    """First x with y, then y with both names: the first is one owner's after all."""
    chain = Chain()
    for name in "abc":
        chain.mine(name, 10, 10, height=1, to=name)
    chain.send("ab", [("a", 0), ("b", 0)], [("z", 19)], height=2)
    chain.send("bc", [("b", 1), ("c", 0)], [("z", 19)], height=3)
    ledger = chain.ledger()
    at = ids(ledger, "abc")
    owners = {at["a"]: X, at["b"]: Y, at["c"]: X | Y}
    found, withheld = guarded(ledger, cospend(ledger), owners)
    assert (partition(found), withheld) == ([sorted(at.values())], ())
    assert found.edge_tx.tolist() == sorted(found.edge_tx.tolist())


def test_of_a_withheld_transaction_nobody_is_merged() -> None:
    chain = Chain()
    for name in "abc":
        chain.mine(name, 10, 10, height=1, to=name)
    chain.send("abc", [("a", 0), ("b", 0), ("c", 0)], [("z", 29)], height=2)
    ledger = chain.ledger()
    at = ids(ledger, "abc")
    found, (withheld,) = guarded(ledger, cospend(ledger), {at["a"]: X, at["c"]: Y})
    assert (partition(found), withheld.again) == ([], 0)


@pytest.mark.parametrize("seed", range(6))
def test_no_cluster_holds_two_owners_and_none_but_the_torn_ones_change(seed: int) -> None:
    """On generated ledgers, against a plain second way: merge in order, skip what is torn."""
    ledger = generate(1_500, seed=seed)
    shut = flags(ledger)
    plain = cospend(ledger, shut)
    rng = random.Random(seed)
    large = np.flatnonzero(plain.sizes() > 4).tolist()
    owners = {
        address: frozenset({rng.choice("xyz")})
        for anchor in rng.sample(large, min(12, len(large)))
        for address in rng.sample(plain.members(anchor).tolist(), 3)
    }
    found, withheld = guarded(ledger, plain, owners, shut)
    torn = torn_clusters(plain, owners)
    assert torn
    assert withheld
    for anchor in np.unique(found.parent).tolist():
        named = {owners[each] for each in found.members(anchor).tolist() if each in owners}
        assert len(named) < 2
        assert anchor == found.members(anchor)[0]
    same = ~np.isin(plain.parent, sorted(torn))
    assert np.array_equal(found.parent[same], plain.parent[same])
    for each in withheld:
        assert plain.parent[each.a] == plain.parent[each.b]
        assert found.parent[each.a] != found.parent[each.b]
    # The forest spans exactly the partition: an edge less than addresses in each cluster.
    assert len(found.edge_tx) == ledger.num_addresses - len(np.unique(found.parent))
    assert np.array_equal(found.parent[found.edge_a], found.parent[found.edge_b])
    assert (np.diff(found.edge_tx.astype(np.int64)) >= 0).all()
    assert slowly(ledger, shut, owners) == found.parent.tolist()
    again, _ = guarded(ledger, plain, dict(reversed(owners.items())), shut)
    assert np.array_equal(again.parent, found.parent)


def slowly(ledger: Ledger, shut: Bools, owners: dict[int, frozenset[str]]) -> list[int]:
    """The same by sets alone, over every transaction again and again until nothing changes."""
    spent = [
        {int(each) for each in ledger.in_address[first:end] if each != NO_ADDRESS}
        for tx, (first, end) in enumerate(pairwise(ledger.in_off.tolist()))
        if not shut[tx]
    ]
    return _by_owners(ledger.num_addresses, spent, owners)


def _by_owners(num: int, waits: list[set[int]], owners: dict[int, frozenset[str]]) -> list[int]:
    part = {address: {address} for address in range(num)}
    while True:
        aside = []
        for spent in waits:
            parts = {id(part[each]): part[each] for each in spent}.values()
            named = [frozenset().union(*(owners.get(a, NOBODY) for a in p)) for p in parts]
            said = [names for names in named if names]
            if any(not one & other for one, other in combinations(said, 2)):
                aside.append(spent)
                continue
            whole = set().union(*parts)
            part.update(dict.fromkeys(whole, whole))
        if len(aside) == len(waits):
            return [min(part[address]) for address in range(num)]
        waits = aside


def apart(ledger: Ledger, owners: dict[int, frozenset[str]], pairs: list[Pair]) -> list[int]:
    """Rulings and then tags by sets alone: what `guarded` has to find."""
    part = {address: {address} for address in range(ledger.num_addresses)}
    made = []
    for first, end in pairwise(ledger.in_off.tolist()):
        spent = {int(each) for each in ledger.in_address[first:end] if each != NO_ADDRESS}
        whole = set().union(*(part[each] for each in spent))
        if not any(a in whole and b in whole for a, b in pairs):
            part.update(dict.fromkeys(whole, whole))
            made.append(spent)
    return _by_owners(ledger.num_addresses, made, owners)


def is_joined_by_names(named: list[frozenset[str]]) -> bool:
    """Whether x and y, of whom no address bears both names, are joined by those that bear two."""
    first, *rest = named
    known = set(first)
    while near := [names for names in rest if names & known]:
        known.update(*near)
        rest = [names for names in rest if not names & known]
    return not rest


@st.composite
def ruled_ledgers(
    draw: st.DrawFn,
) -> tuple[MemoryLedger, dict[int, frozenset[str]], list[Pair]]:
    """Up to ten addresses spent together by chance, some tagged, some ruled to be two owners'."""
    names = "abcdefghij"[: draw(st.integers(2, 10))]
    groups = draw(st.lists(st.sets(st.sampled_from(names), min_size=2, max_size=4), max_size=14))
    chain, used = Chain(), dict.fromkeys(names, 0)
    for name in names:
        chain.mine(name, *([10] * 15), height=1, to=name)
    for number, group in enumerate(groups):
        coins = []
        for name in sorted(group):
            coins.append((name, used[name]))
            used[name] += 1
        chain.send(f"t{number}", coins, [("x", 10 * len(coins) - 1)], height=number + 2)
    ledger = chain.ledger()
    numbers = [ledger.find_address(name) or 0 for name in names]
    marks = st.frozensets(st.sampled_from("xyz"), max_size=2)
    owners = draw(st.dictionaries(st.sampled_from(numbers), marks, max_size=4))
    two = st.lists(st.sampled_from(numbers), min_size=2, max_size=2, unique=True)
    pairs = [(min(pair), max(pair)) for pair in draw(st.lists(two, max_size=4))]
    return ledger, owners, pairs


@given(ruled_ledgers())
def test_no_cluster_holds_what_was_ruled_apart_and_tags_only_take_apart_what_is_left(
    told: tuple[MemoryLedger, dict[int, frozenset[str]], list[Pair]],
) -> None:
    ledger, owners, pairs = told
    plain = cospend(ledger)
    found, withheld = guarded(ledger, plain, owners, apart=pairs)
    ruled, alone = guarded(ledger, plain, {}, apart=pairs)
    assert found.parent.tolist() == apart(ledger, owners, pairs)
    assert ruled.parent.tolist() == apart(ledger, {}, pairs)
    assert not torn_pairs(found, pairs)
    for named in torn_clusters(found, owners).values():
        assert is_joined_by_names(list(named.values()))
    # Tags take apart what the rulings left, and never join across one.
    for finer, coarser in ((found, ruled), (ruled, plain)):
        assert all(
            coarser.parent[a] == coarser.parent[anchor]
            for a, anchor in enumerate(finer.parent.tolist())
        )
    assert len(found.edge_tx) == ledger.num_addresses - len(np.unique(found.parent))
    # Each withheld merge names a transaction that spends from both, and the ruling if it is one.
    assert [each for each in withheld if each.ruled] == list(alone)
    for each in withheld:
        spent = ledger.in_address[int(ledger.in_off[each.tx]) : int(ledger.in_off[each.tx + 1])]
        assert {each.a, each.b} <= set(spent.tolist())
        if each.ruled is not None:
            sides = {int(ruled.parent[each.a]), int(ruled.parent[each.b])}
            assert {int(ruled.parent[a]) for a in each.ruled} == sides
            assert each.ruled in pairs
    # What no ruling or tag tears is as it was, and neither order nor repetition matters.
    again, _ = guarded(ledger, plain, owners, apart=[*reversed(pairs), *pairs])
    assert np.array_equal(again.parent, found.parent)
    assert guarded(ledger, plain, {}, apart=[]) == (plain, ())


def test_a_ruling_names_the_transaction_that_spends_from_both_and_ends_a_conflict_of_tags() -> None:
    ledger = ring().ledger()  # a+b, b+c, c+d, then a+c
    at = ids(ledger, "abcd")
    pair = (at["a"], at["c"])
    found, (withheld,) = guarded(ledger, cospend(ledger), {}, apart=[pair])
    assert partition(found) == [[at["a"], at["b"]], [at["c"], at["d"]]]
    assert (ledger.txid(withheld.tx), withheld.again, withheld.ruled) == (txid_of("bc"), 1, pair)
    # Tags of two owners on the two sides have nothing left to withhold.
    same, told = guarded(ledger, cospend(ledger), {at["a"]: X, at["d"]: Y}, apart=[pair])
    assert np.array_equal(same.parent, found.parent)
    assert [each.ruled for each in told] == [pair]


def payment(*outputs: tuple[str, int]) -> MemoryLedger:
    """a spends a coin of 100,000 and one of 90,000 on these outputs; old has been paid before."""
    chain = Chain()
    chain.mine("a", 100_000, 90_000, height=1, to="a")
    chain.mine("old", 5_000, height=1, to="old")
    chain.send("pay", [("a", 0), ("a", 1)], list(outputs), height=2)
    return chain.ledger()


def test_what_is_left_over_goes_to_one_new_address() -> None:
    ledger = payment(("shop", 120_000), ("new", 69_001))
    kinds = np.full(ledger.num_outputs, P2WPKH, np.uint8)
    pay = ledger.find_tx(txid_of("pay")) or 0
    found = change_of(ledger, kinds, pay)
    assert found is not None
    assert ledger.address_text(found.address) == "new"
    assert (found.value, found.least_input, found.num_outputs) == (69_001, 90_000, 2)
    parts = cospend(ledger)
    assert probable_changes(ledger, kinds, parts, [ledger.find_address("a") or 0]) == [found]
    assert parts.parent[found.address] == found.address  # nothing is merged
    assert probable_changes(ledger, kinds, parts, [ledger.find_address("shop") or 0]) == []


@pytest.mark.parametrize(
    "outputs",
    [
        (("shop", 61_001), ("new", 69_001)),  # either of them
        (("shop", 120_000), ("new", 69_000)),  # a round amount
        (("shop", 80_000), ("new", 95_001)),  # more than the least coin spent
        (("shop", 120_000), ("old", 69_001)),  # seen before
        (("shop", 120_000), ("a", 69_001)),  # its own address
        (("shop", 120_000), ("new", 30_001), ("new", 30_002)),  # paid twice
        (("new", 69_001),),  # no payment at all
    ],
    ids=["two fit", "round", "too large", "old", "own", "twice", "alone"],
)
def test_an_output_that_may_be_the_payment_is_no_change(
    outputs: tuple[tuple[str, int], ...],
) -> None:
    ledger = payment(*outputs)
    kinds = np.full(ledger.num_outputs, P2WPKH, np.uint8)
    assert change_of(ledger, kinds, ledger.find_tx(txid_of("pay")) or 0) is None


def test_another_kind_of_script_and_mined_coins_are_no_change() -> None:
    ledger = payment(("shop", 120_000), ("new", 69_001))
    kinds = np.full(ledger.num_outputs, P2WPKH, np.uint8)
    pay = ledger.find_tx(txid_of("pay")) or 0
    kinds[int(ledger.out_off[pay]) + 1] = P2PKH
    assert change_of(ledger, kinds, pay) is None
    assert change_of(ledger, kinds, 0) is None
