"""Wilson's interval: the published values, the ends, and that it never leaves 0 to 1."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.proportions import share_of

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("yes", "of", "low", "high"),
    [  # R 4: prop.test(..., correct = FALSE)$conf.int, rounded outward
        (20, 20, "0.838", "1.000"), (19, 20, "0.763", "0.992"), (10, 20, "0.299", "0.701"),
        (0, 20, "0.000", "0.162"), (1, 1, "0.206", "1.000"),
    ],
)  # fmt: skip
def test_the_interval_is_wilsons(yes: int, of: int, low: str, high: str) -> None:
    found = share_of(yes, of)
    assert (found.low, found.high) == (Decimal(low), Decimal(high))


def test_a_tier_that_was_looked_at_whole_is_known_and_nothing_is_not() -> None:
    whole = share_of(2, 3, population=3)
    assert (whole.low, whole.point, whole.high) == (
        Decimal("0.666"), Decimal("0.667"), Decimal("0.667"),
    )  # fmt: skip
    nothing = share_of(0, 0, population=9)
    assert (nothing.point, nothing.low, nothing.high) == (None, 0, 1)
    with pytest.raises(ValueError, match="no share"):
        share_of(4, 3)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_share_lies_in_its_interval_and_more_answers_narrow_it(pair: tuple[int, int]) -> None:
    yes, of = pair
    found = share_of(yes, of)
    assert 0 <= found.low <= Decimal(yes) / of <= found.high <= 1
    more = share_of(yes * 10, of * 10)
    assert more.high - more.low <= found.high - found.low
