"""The recurrences of the bounds, against every possible truth."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracing.engine.bounds import Holding, of_part, of_total


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_a_part_of_a_mix_is_bounded_tightly(part: int, rest: int, tainted: int) -> None:
    total = part + rest
    tainted = min(tainted, total)
    possible = [t for t in range(part + 1) if 0 <= tainted - t <= rest]
    assert of_part(part, total, tainted, tainted) == (min(possible), max(possible))


moves = st.lists(
    st.tuples(st.booleans(), st.integers(0, 20), st.integers(0, 20), st.integers(0, 99)),
    max_size=30,
)


@given(moves)
def test_a_hidden_truth_stays_within_a_holdings_bounds(
    steps: list[tuple[bool, int, int, int]],
) -> None:
    holding, truth = Holding(), 0
    for into, amount, dirt, pick in steps:
        if into:
            tainted = min(dirt, amount)
            holding = holding.put(amount, max(0, tainted - 1), min(amount, tainted + 1))
            truth += tainted
        else:
            amount = min(amount, holding.balance)
            least, most = max(0, amount - (holding.balance - truth)), min(amount, truth)
            moved = least + pick % (most - least + 1)
            (low, high), holding = holding.take(amount)
            assert low <= moved <= high
            truth -= moved
        assert 0 <= holding.low <= truth <= holding.high <= holding.balance


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_splitting_an_outflow_never_tightens_the_summed_bounds(
    balance: int, low: int, spread: int, cut: int
) -> None:
    low = min(low, balance)
    holding = Holding(balance, low, min(balance, low + spread))
    amount = balance // 2
    first = min(cut, amount)
    whole, _ = holding.take(amount)
    part, rest = holding.take(first)
    other, _ = rest.take(amount - first)
    assert part[0] + other[0] <= whole[0]
    assert part[1] + other[1] >= whole[1]


def test_a_total_is_never_more_than_the_seeds() -> None:
    assert of_total([(1, 5), (2, 6)], 8) == (3, 8)
