"""The demo's chance: the same on every machine, exact in its sums."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiu.demo.chance import Rationed, Stream


def test_a_stream_is_the_same_for_the_same_seed_and_name() -> None:
    first, second = Stream(7, "bank"), Stream(7, "bank")
    assert [first.index(1_000) for _ in range(50)] == [second.index(1_000) for _ in range(50)]


def test_streams_of_other_names_differ() -> None:
    assert [Stream(7, "bank").index(10**9)] != [Stream(7, "ordinary").index(10**9)]


def test_a_stream_gives_the_numbers_it_has_always_given() -> None:
    stream = Stream(7, "bank")
    assert [stream.index(1_000_000) for _ in range(3)] == [314585, 725063, 376463]


@given(
    count=st.integers(1, 60),
    least=st.integers(0, 1_000),
    free=st.integers(0, 10**15),
    seed=st.integers(0, 99),
)
def test_spread_amounts_add_up_to_the_total(count: int, least: int, free: int, seed: int) -> None:
    total = least * count + free
    amounts = Stream(seed, "test").spread(total, count, least, (1, 3, 10))
    assert sum(amounts) == total
    assert len(amounts) == count
    assert min(amounts) >= least


def test_spread_refuses_amounts_that_cannot_fit() -> None:
    with pytest.raises(ValueError, match="more than"):
        Stream(7, "test").spread(99, 10, 10, (1,))


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 99))
def test_rationed_says_yes_exactly_as_often_as_wanted(wanted: int, no: int, seed: int) -> None:
    rationed = Rationed(Stream(seed, "test"), wanted, wanted + no)
    assert sum(rationed.ask() for _ in range(wanted + no)) == wanted


def test_shuffled_keeps_every_value() -> None:
    assert sorted(Stream(7, "test").shuffled(range(100))) == list(range(100))


def test_moments_rise_within_their_bounds() -> None:
    moments = Stream(7, "test").moments(500, 1_008, 2_008)
    assert moments == sorted(moments)
    assert 1_008 <= moments[0] <= moments[-1] <= 2_008
