"""Co-spend clusters: who belongs together, and because of which transaction."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.ledgers import Chain, txid_of
from tests.unit.engine.worlds import World, worlds
from tracing.engine import coinjoin
from tracing.engine.clusters import Clusters, MergeEdge, cospend
from tracing.engine.coinjoin import JOINMARKET, WASABI_1, classify
from tracing.engine.ledger import NO_ADDRESS, MemoryLedger, memory_ledger


def twin(
    ledger: MemoryLedger, excluded: set[int], walls: set[int]
) -> tuple[list[int], list[MergeEdge]]:
    """The same clusters by plain union-find in chain order."""
    parent = list(range(ledger.num_addresses))

    def root(address: int) -> int:
        while parent[address] != address:
            address = parent[address]
        return address

    edges = []
    for tx in range(ledger.num_tx):
        mine = ledger.in_address[int(ledger.in_off[tx]) : int(ledger.in_off[tx + 1])].tolist()
        mine = [address for address in mine if address != NO_ADDRESS]
        if tx in excluded or walls & set(mine):
            continue
        for address in mine[1:]:
            a, b = sorted((root(mine[0]), root(address)))
            if a != b:
                parent[b] = a
                edges.append(MergeEdge(tx, mine[0], address))
    return [root(address) for address in range(ledger.num_addresses)], edges


def edges_of(clusters: Clusters) -> list[MergeEdge]:
    columns = (clusters.edge_tx, clusters.edge_a, clusters.edge_b)
    return [MergeEdge(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


@given(worlds(), st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_clusters_and_merges_equal_plain_union_find(world: World, rng: random.Random) -> None:
    ledger = world.ledger()
    excluded = {tx for tx in range(ledger.num_tx) if rng.random() < 0.2}
    walls = {a for a in range(ledger.num_addresses) if rng.random() < 0.2}
    found = cospend(
        ledger,
        np.isin(np.arange(ledger.num_tx), list(excluded)),
        np.isin(np.arange(ledger.num_addresses), list(walls)),
    )
    parent, edges = twin(ledger, excluded, walls)
    assert found.parent.tolist() == parent
    assert edges_of(found) == edges
    assert all(found.anchor(a) == min(found.members(a).tolist()) for a in range(len(parent)))


def test_a_large_random_ledger_equals_plain_union_find() -> None:
    rng = random.Random(7)
    txs = [
        (txid_of(str(n)), n, 0, [("ff" * 32, 3 * n + i) for i in range(rng.randint(1, 4))], [])
        for n in range(1_500)
    ]
    coins = {spent: (f"a{rng.randrange(3_000)}", 1) for tx in txs for spent in tx[3]}
    ledger = memory_ledger(txs, coins=coins)
    parent, edges = twin(ledger, set(), set())
    found = cospend(ledger)
    assert found.parent.tolist() == parent
    assert edges_of(found) == edges


def family() -> tuple[MemoryLedger, dict[str, int]]:
    """a+b, c+d, then b+c: one cluster whose two halves hang together by the last transaction."""
    chain = Chain()
    for name in "abcde":
        chain.mine(name, 10, 10, height=1, to=name)
    chain.send("ab", [("a", 0), ("b", 0)], [("x", 19)], height=2)
    chain.send("cd", [("c", 0), ("d", 0)], [("y", 19)], height=3)
    chain.send("bc", [("b", 1), ("c", 1)], [("z", 19)], height=4)
    ledger = chain.ledger()
    ids = {name: ledger.find_address(name) or 0 for name in "abcde"}
    return ledger, ids


def test_why_together_is_the_path_of_merges() -> None:
    ledger, ids = family()
    path = cospend(ledger).why_together(ids["a"], ids["d"])
    assert path is not None
    assert [ledger.txid(edge.tx) for edge in path] == [txid_of("ab"), txid_of("bc"), txid_of("cd")]
    assert (path[0].a, path[-1].b) == (ids["a"], ids["d"])
    assert all(left.b == right.a for left, right in pairwise(path))
    assert cospend(ledger).why_together(ids["a"], ids["e"]) is None
    assert cospend(ledger).why_together(ids["a"], ids["a"]) == []


def test_without_a_merge_the_cluster_splits_as_predicted() -> None:
    ledger, ids = family()
    without = np.zeros(ledger.num_tx, np.bool_)
    cut = ledger.find_tx(txid_of("bc"))
    assert cut is not None
    without[cut] = True
    split = cospend(ledger, without)
    assert split.members(ids["a"]).tolist() == sorted([ids["a"], ids["b"]])
    assert split.members(ids["d"]).tolist() == sorted([ids["c"], ids["d"]])
    assert split.sizes()[ids["a"]] == 2


def test_the_sweep_of_an_exchange_never_merges_customers() -> None:
    ledger, ids = family()
    walls = np.zeros(ledger.num_addresses, np.bool_)
    walls[ids["b"]] = True
    found = cospend(ledger, wall_address=walls)
    assert found.anchor(ids["a"]) == ids["a"]
    assert found.anchor(ids["c"]) == ids["c"] == found.anchor(ids["d"])


CJ_1 = (
    [80_000_000, 70_000_000, 60_000_000, 60_000_000, 30_000_000, 30_000_000, 50_010_000],
    [50_000_000] * 5 + [29_990_000, 19_990_000, 69_990_000, 9_990_000],
)


def test_a_joinmarket_shape_is_a_coinjoin() -> None:
    ins, outs = CJ_1
    match = classify(ins, range(7), outs, range(10, 19))
    assert match is not None
    assert (match.kind, match.participants, match.changes) == (JOINMARKET, 5, 4)


def test_a_wasabi_shape_is_a_coinjoin() -> None:
    ins = [10_100_000 + 7_000 * n for n in range(30)] + [6_000_000 + 900 * n for n in range(20)]
    equal = [10_000_000] * 40
    left = sum(ins) - sum(equal) - 60_000
    changes = [left // 40 + n for n in range(39)]
    outs = equal + changes + [left - sum(changes)]
    match = classify(ins, range(50), outs, range(100, 180))
    assert match is not None
    assert match.participants == 40
    assert match.kind in (JOINMARKET, WASABI_1)


@pytest.mark.parametrize(
    ("ins", "owners", "outs"),
    [
        # A payout in equal amounts from one wallet of many coins, with one change.
        ([30_000_000] * 6, range(6), [20_000_000] * 8 + [19_000_000]),
        # The same outputs as a mix, but nobody's inputs pay for one share and one change.
        ([200_000_000, 91_000_000, 89_060_000, 20_000, 10_000], range(5), CJ_1[1]),
        # Enough inputs, all of one address.
        (CJ_1[0], [1] * 7, CJ_1[1]),
        # A payout to which each coin fits, but what is left over is in amounts people choose.
        (
            [15_010_000, 14_010_000, 13_500_000],
            range(3),
            [10_000_000] * 3 + [5_000_000, 4_000_000, 3_490_000],
        ),
        # Dust of other protocols.
        ([10_000, 10_000, 10_000], range(3), [546] * 3 + [9_000, 9_000]),
        # Two equal outputs are no mix.
        ([60_000, 70_000], range(2), [50_000, 50_000, 9_000, 19_000]),
    ],
)
def test_payouts_are_no_coinjoins(
    ins: list[int], owners: range | list[int], outs: list[int]
) -> None:
    assert classify(ins, owners, outs, range(100, 100 + len(outs))) is None


def test_a_mix_of_unknown_inputs_is_taken_for_one() -> None:
    match = classify([-1] * 7, [NO_ADDRESS] * 7, CJ_1[1], range(9))
    assert match is not None


def test_flags_mark_the_mix_and_not_the_equal_payout_after_it() -> None:
    chain = Chain()
    for number, value in enumerate(CJ_1[0]):
        chain.mine(f"in{number}", value, height=1, to=f"w{number}")
    outs = [(f"o{number}", value) for number, value in enumerate(CJ_1[1])]
    chain.send("cj", [(f"in{number}", 0) for number in range(7)], outs, height=2)
    equal = [(f"p{number}", 10_000_000) for number in range(4)]
    chain.send("pay", [("cj", 0)], [*equal, ("rest", 9_000_000)], height=3)
    ledger = chain.ledger()
    mix = ledger.find_tx(txid_of("cj"))
    assert np.flatnonzero(coinjoin.flags(ledger)).tolist() == [mix]
