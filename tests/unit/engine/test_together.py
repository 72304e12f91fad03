"""Why two addresses are together: the shortest chain, and what each merge holds."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.bench.generator import generate
from tests.unit.engine.ledgers import Chain, txid_of
from tracing.engine import coinjoin, together
from tracing.engine.clusters import cospend
from tracing.engine.together import why_together


def ring() -> Chain:
    """a+b, b+c, c+d, and later a+c: two ways from a to c."""
    chain = Chain()
    for name in "abcd":
        chain.mine(name, 10, 10, 10, height=1, to=name)
    chain.send("ab", [("a", 0), ("b", 0)], [("x", 19)], height=2)
    chain.send("bc", [("b", 1), ("c", 0)], [("x", 19)], height=3)
    chain.send("cd", [("c", 1), ("d", 0)], [("x", 19)], height=4)
    chain.send("ac", [("a", 1), ("c", 2)], [("x", 19)], height=5)
    return chain


def test_the_shortest_chain_is_taken_and_a_second_way_is_seen() -> None:
    ledger = ring().ledger()
    ids = {name: ledger.find_address(name) or 0 for name in "abcd"}
    chain = why_together(ledger, cospend(ledger), ids["a"], ids["d"])
    assert chain is not None
    assert [ledger.txid(link.tx) for link in chain] == [txid_of("ac"), txid_of("cd")]
    assert [link.holds for link in chain] == [True, False]
    assert [link.sides for link in chain] == [None, (3, 1, 0)]


def test_past_the_limit_the_stored_chain_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ring().ledger()
    ids = {name: ledger.find_address(name) or 0 for name in "abcd"}
    monkeypatch.setattr(together, "LOOK_LIMIT", 2)
    chain = why_together(ledger, cospend(ledger), ids["a"], ids["d"])
    assert chain is not None
    assert [ledger.txid(link.tx) for link in chain] == [txid_of(n) for n in ("ab", "bc", "cd")]
    assert {link.sides for link in chain} == {None}


def test_every_answer_agrees_with_clustering_anew() -> None:
    ledger = generate(1_500, seed=5)
    shut = coinjoin.flags(ledger)
    clusters = cospend(ledger, shut)
    rng = random.Random(3)
    anchors = np.flatnonzero((clusters.sizes() > 3) & (clusters.sizes() < 80)).tolist()
    tested = 0
    for anchor in rng.sample(anchors, 12):
        a, b = rng.sample(clusters.members(anchor).tolist(), 2)
        chain = why_together(ledger, clusters, a, b)
        stored = clusters.why_together(a, b)
        assert chain is not None
        assert stored is not None
        assert 0 < len(chain) <= len(stored)
        assert (chain[0].a, chain[-1].b) == (a, b)
        for link in chain:
            without = shut.copy()
            without[link.tx] = True
            anew = cospend(ledger, without)
            if link.holds:
                assert anew.parent[a] == anew.parent[b]
                continue
            near, far = len(anew.members(a)), len(anew.members(b))
            assert anew.parent[a] != anew.parent[b]
            assert link.sides == (near, far, len(clusters.members(a)) - near - far)
            tested += 1
    assert tested > 10
