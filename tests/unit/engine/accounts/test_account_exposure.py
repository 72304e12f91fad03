"""Exposure of an account against a plain reading of the moves, forward and backward."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.accounts.worlds import Move, ledger_of, text, worlds
from tracing.engine.accounts.exposure import (
    account_exposure,
    accounts_exposure,
    assets_of,
    transfers_exposure,
)
from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.exposure import Exposure


@dataclass
class Reference:
    """What was met by (category, direct), what came home, and what met nothing."""

    met: Counter[tuple[int, bool]] = field(default_factory=Counter)
    own: int = 0
    elsewhere: int = 0
    seeds: int = 0


def reference(
    moves: list[Move], wallets: frozenset[int], category: dict[int, int], direction: str
) -> Reference:
    """The haircut over running balances; backward the moves are read from their end."""
    found = Reference()
    balance: Counter[int] = Counter()
    followed: Counter[int] = Counter()
    if direction == "backward":
        for payer, payee, units in moves:
            balance[payer] -= units
            balance[payee] += units
        moves = [(payee, payer, units) for payer, payee, units in reversed(moves)]
    for giver, taker, units in moves:
        if giver == taker or wallets >= {giver, taker}:
            balance[giver] -= units
            balance[taker] += units
            continue
        part = followed[giver] * units // balance[giver] if giver and balance[giver] else 0
        if giver in wallets:
            part = units
            found.seeds += units
        else:
            followed[giver] -= part
        balance[giver] -= units
        balance[taker] += units
        if taker in wallets:
            found.own += part
        elif category.get(taker):
            found.met[category[taker], giver in wallets] += part
        else:
            # Value that reaches nobody comes from there no more.
            found.elsewhere += part if not taker else 0
            followed[taker] += part if taker else 0
    found.elsewhere += sum(followed.values())
    return found


def told(
    moves: list[Move],
    wallets: frozenset[int],
    category: dict[int, int],
    direction: str,
    hops: int = 64,
) -> Exposure | None:
    ledger = ledger_of(moves)
    codes = np.zeros(ledger.num_addresses, np.uint16)
    for number, code in category.items():
        if (account := ledger.find_address(text(number))) is not None:
            codes[account] = code
    found = ledger.find_addresses([text(wallet) for wallet in sorted(wallets)])
    own = [account for account in found if account is not None]
    if len(own) == 1:
        return account_exposure(ledger, own[0], 0, codes, direction, hops=(hops,))
    return accounts_exposure(ledger, own, 0, codes, direction, hops=(hops,)) if own else None


# A busy machine makes the drawing slow, which says nothing of the code.
@settings(max_examples=50)
@given(
    worlds(), st.frozensets(st.integers(1, 5), min_size=1, max_size=3),
    st.dictionaries(st.integers(1, 5), st.integers(1, 3), max_size=3),
)  # fmt: skip
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_it_is_what_the_moves_say(
    direction: str, moves: list[Move], wallets: frozenset[int], category: dict[int, int]
) -> None:
    found = told(moves, wallets, category, direction)
    wanted = reference(moves, wallets, category, direction)
    if found is None:
        assert wanted.seeds == 0
        return
    met: Counter[tuple[int, bool]] = Counter()
    for contact in found.contacts:
        met[contact.code, contact.is_direct] += contact.amount
        assert 0 <= contact.low <= contact.amount <= contact.high
    assert +met == +wanted.met
    assert (found.seeds, found.own, found.fees) == (wanted.seeds, wanted.own, 0)
    assert sum(found.rest.values()) == wanted.elsewhere
    assert found.seeds == met.total() + sum(found.rest.values()) + found.own


MOVES: list[Move] = [(0, 1, 100), (1, 4, 30), (1, 2, 70), (2, 4, 50), (2, 1, 20), (3, 1, 0)]


def test_direct_indirect_and_what_came_home_are_told_apart() -> None:
    found = told(MOVES, frozenset({1}), {4: 1}, "forward")
    assert found is not None
    contacts = [(c.amount, c.low, c.high, c.is_direct) for c in found.contacts]
    assert contacts == [(50, 50, 50, False), (30, 30, 30, True)]
    assert (found.seeds, found.own, found.turnover, found.rest) == (100, 20, 80, {})


@pytest.mark.parametrize(("direction", "rest"), [("forward", 70), ("backward", 120)])
def test_a_limit_of_one_hop_leaves_direct_contacts_alone(direction: str, rest: int) -> None:
    found = told(MOVES, frozenset({1}), {4: 1}, direction, hops=1)
    assert found is not None
    assert all(contact.is_direct for contact in found.contacts)
    assert sum(found.rest.values()) == rest


def test_assets_that_nobody_described_come_last() -> None:
    ledger: AccountLedger = ledger_of(MOVES)
    own = ledger.find_address(text(1))
    assert own is not None
    assert assets_of(ledger, own) == [0]


def test_given_transfers_are_followed_whoever_made_them() -> None:
    """2 paid 50 to 4 out of what 1 gave it: asked about these, nothing is 2's own."""
    ledger = ledger_of(MOVES)
    codes = np.zeros(ledger.num_addresses, np.uint16)
    rows = ledger.rows_of_address(ledger.find_address(text(4)) or 0).tolist()
    service = ledger.find_address(text(4))
    assert service is not None
    codes[service] = 1
    sent = transfers_exposure(ledger, rows, codes, "forward")
    assert sent is not None
    assert [(each.amount, each.is_direct) for each in sent.contacts] == [(50, True), (30, True)]
    came = transfers_exposure(ledger, rows, codes, "backward")
    assert came is not None
    assert (came.seeds, came.contacts, came.own) == (80, (), 0)  # from nobody with a category
    assert transfers_exposure(ledger, [], codes, "forward") is None
