"""Who paid a platform over accounts, against a plain reading of the moves."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.accounts.worlds import (
    Move,
    ledger_of,
    newest,
    oldest,
    outpoint,
    played,
    text,
    worlds,
)
from tracing.engine.accounts import payers
from tracing.engine.accounts.payers import (
    account_payments_to,
    account_payouts_from,
    main_asset,
)
from tracing.engine.payers import PlatformPayment

PLATFORM = 5


def paid(moves: list[Move], *, whole: bool = True, **fields: int) -> list[PlatformPayment]:
    ledger = ledger_of(moves, whole=whole)
    own = ledger.find_address(text(PLATFORM))
    if own is None:
        return []
    return account_payments_to(ledger, {own}, 0, **fields)


def told(moves: list[Move], *, whole: bool = True) -> list[tuple[str, list[str], bool]]:
    return [
        (each.paid.outpoint, [source.outpoint for source in each.sources], each.is_single_use)
        for each in paid(moves, whole=whole)
    ]


def test_a_wallet_used_once_is_the_payers_own() -> None:
    once = [(0, 1, 90), (1, 2, 40), (2, PLATFORM, 40)]
    assert told(once) == [(outpoint(2), [outpoint(1)], True)]
    # Nobody knows what it held before: it may have paid with that.
    assert told(once, whole=False) == [(outpoint(2), [outpoint(1)], False)]
    for more in (
        [(0, 1, 90), (1, 2, 40), (2, PLATFORM, 30)],
        [(0, 1, 90), (1, 2, 40), (1, 2, 5), (2, PLATFORM, 40)],
        [(0, 1, 90), (1, 2, 40), (2, PLATFORM, 40), (1, 2, 40)],
    ):
        assert [single for _paid, _sources, single in told(more)] == [False]


def test_what_left_the_wallet_before_paid_nothing() -> None:
    """40 of one payer left before 50 of another came: the payment can be of the second alone."""
    moves = [(0, 1, 90), (0, 4, 90), (1, 2, 40), (2, 3, 40), (4, 2, 50), (2, PLATFORM, 50)]
    assert told(moves) == [(outpoint(5), [outpoint(4)], False)]
    assert told(moves, whole=False) == [(outpoint(5), [outpoint(2), outpoint(4)], False)]


def test_what_nobody_paid_is_no_payment() -> None:
    moves = [(0, PLATFORM, 10), (0, 1, 90), (PLATFORM, PLATFORM, 5), (1, PLATFORM, 7)]
    assert [each.paid.value for each in paid(moves)] == [7]
    assert [each.paid.value for each in paid(moves, to_time=2)] == []
    assert paid([(0, 1, 90)]) == []
    ledger = ledger_of(moves)
    own = ledger.find_address(text(PLATFORM))
    assert own is not None
    assert account_payments_to(ledger, {own}, 0, values={6}) == []
    assert main_asset(ledger, {own}) == 0
    assert main_asset(ledger, set()) is None
    payer = ledger.find_address(text(1))
    assert payer is not None
    [closed] = account_payments_to(ledger, {own}, 0, services={payer})
    assert closed.sources == ()


def test_a_wallet_of_many_transfers_is_a_services() -> None:
    many = [(0, 1, 10_000), *[(1, 2, 1)] * payers.MAX_ROWS, (2, PLATFORM, 1)]
    assert [(each.sources, each.is_single_use) for each in paid(many)] == [((), False)]
    some = [(0, 1, 10_000), *[(1, 2, 1)] * (payers.MAX_INPUTS + 1), (2, PLATFORM, 1)]
    assert [each.sources for each in paid(some)] == [()]


@settings(max_examples=60)
@given(worlds(), st.booleans())
def test_whoever_really_paid_is_among_the_sources(moves: list[Move], is_newest: bool) -> None:
    """Whatever units a payer takes: what brought them is never left out."""
    _held, units = played(moves, newest if is_newest else oldest)
    found = {each.paid.outpoint: each for each in paid(moves)}
    assert set(found) == {
        outpoint(n)
        for n, (payer, payee, units_moved) in enumerate(moves)
        if payee == PLATFORM and payer not in (0, PLATFORM) and units_moved
    }
    for unit in units:
        for before, number in zip(unit.moves, unit.moves[1:], strict=False):
            payer, payee, _units = moves[number]
            if payee == PLATFORM and payer != PLATFORM:
                sources = {source.outpoint for source in found[outpoint(number)].sources}
                assert outpoint(before) in sources
                if found[outpoint(number)].is_single_use:
                    assert sources == {outpoint(before)}


def test_payouts_are_what_the_platform_paid_to_others() -> None:
    ledger = ledger_of([(0, PLATFORM, 90), (PLATFORM, 2, 40), (2, PLATFORM, 5), (PLATFORM, 3, 7)])
    own = ledger.find_address(text(PLATFORM))
    assert own is not None
    paid = account_payouts_from(ledger, {own}, 0)
    assert [(each.paid.outpoint, each.paid.value, each.by) for each in paid] == [
        (outpoint(1), 40, (text(PLATFORM),)),
        (outpoint(3), 7, (text(PLATFORM),)),
    ]
    assert account_payouts_from(ledger, set(), 0) == []
