"""Merges that tags speak against are named, not made; what is left over is only probable."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.engine.ledgers import Chain, txid_of
from tests.unit.engine.test_together import ring
from tracing.engine import guard
from tracing.engine.change import change_of, probable_changes
from tracing.engine.clusters import cospend
from tracing.engine.guard import guarded
from tracing.engine.ledger import MemoryLedger

X, Y = frozenset({"x"}), frozenset({"y"})
P2WPKH, P2PKH = 4, 2


def ids(ledger: MemoryLedger, names: str) -> dict[str, int]:
    return {name: ledger.find_address(name) or 0 for name in names}


def test_a_merge_of_two_owners_is_refused_and_counted_again() -> None:
    ledger = ring().ledger()  # a+b, b+c, c+d, then a+c
    at = ids(ledger, "abcd")
    found = guarded(ledger, cospend(ledger), at["b"], {at["a"]: X, at["c"]: Y})
    assert found is not None
    assert found.parts == ((at["a"], at["b"]), (at["c"], at["d"]))
    (refused,) = found.refused
    assert (ledger.txid(refused.tx), refused.again) == (txid_of("bc"), 1)
    assert {refused.owners_a, refused.owners_b} == {X, Y}
    assert sorted([refused.size_a, refused.size_b]) == [1, 2]
    assert found.part_of(at["d"]) == (at["c"], at["d"])


def test_one_owner_or_a_name_in_common_keeps_a_cluster_whole() -> None:
    ledger = ring().ledger()
    at = ids(ledger, "abcd")
    for owners in ({}, {at["a"]: X}, {at["a"]: X, at["d"]: X}, {at["a"]: X, at["d"]: X | Y}):
        found = guarded(ledger, cospend(ledger), at["a"], owners)
        assert found is not None
        assert (len(found.parts), found.refused) == (1, ())


def test_a_cluster_beyond_the_limit_is_not_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "GUARD_LIMIT", 3)
    ledger = ring().ledger()
    assert guarded(ledger, cospend(ledger), 0, {}) is None


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
