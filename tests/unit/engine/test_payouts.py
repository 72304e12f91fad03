"""Whom a platform paid: outputs to others, where no other's coin was in the transaction."""

from __future__ import annotations

from tests.unit.engine.ledgers import Chain, txid_of
from tracing.engine.ledger import MemoryLedger
from tracing.engine.payers import payouts_from


def world() -> MemoryLedger:
    """A platform p pays once, once with a stranger's coin beside its own, once itself."""
    chain = Chain()
    for name in "pqs":
        chain.mine(name, 100, 100, 100, height=1, to=name)
    chain.send("pay", [("p", 0)], [("once", 60), ("q", 30)], height=2)  # q is the platform's too
    chain.send("both", [("p", 1), ("s", 0)], [("x", 190)], height=3)
    chain.send("move", [("p", 2), ("q", 0)], [("q", 190)], height=4)
    chain.send("on", [("pay", 0)], [("end", 50)], height=5)
    chain.send("late", [("q", 1)], [("y", 90)], height=6)
    return chain.ledger()


def test_change_and_shared_transactions_are_no_payouts() -> None:
    ledger = world()
    own = {ledger.find_address(name) or 0 for name in "pq"}
    first, second = payouts_from(ledger, own)
    assert (first.paid.outpoint, first.by, first.is_single_use) == (
        f"{txid_of('pay')}:0", ("p",), True,
    )  # fmt: skip
    assert [each.outpoint for each in first.passed_on] == [f"{txid_of('on')}:0"]
    assert (second.paid.outpoint, second.passed_on, second.is_single_use) == (
        f"{txid_of('late')}:0", (), False,
    )  # fmt: skip


def test_the_window_is_that_of_the_payout() -> None:
    ledger = world()
    own = {ledger.find_address(name) or 0 for name in "pq"}
    late = int(ledger.tx_time[ledger.find_tx(txid_of("late")) or 0])
    assert [each.paid.txid for each in payouts_from(ledger, own, from_time=late)] == [
        txid_of("late")
    ]
    assert len(payouts_from(ledger, own, to_time=late - 1)) == 1
    assert payouts_from(ledger, []) == []
