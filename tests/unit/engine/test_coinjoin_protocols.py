"""Detectors of Wasabi 2, Whirlpool and its Tx0, on transactions made after the descriptions."""

from __future__ import annotations

import pytest

from tracing.engine.coinjoin import (
    HIGH,
    MEDIUM,
    STANDARD_AMOUNTS,
    WASABI_2,
    WHIRLPOOL,
    WHIRLPOOL_TX0,
    classify,
)
from tracing.engine.ledger import NO_ADDRESS

POOL = 5_000_000
PREPARED = POOL + 9_000


def own(values: list[int], start: int = 0) -> range:
    """Every coin of another address."""
    return range(start, start + len(values))


def test_five_equal_coins_of_one_pool_are_whirlpool() -> None:
    ins, outs = [POOL, POOL, PREPARED, PREPARED, POOL], [POOL] * 5
    match = classify(ins, own(ins), outs, own(outs, 50))
    assert match is not None
    assert (match.kind, match.confidence, match.is_mix) == (WHIRLPOOL, HIGH, True)
    assert match.facts["fresh_inputs"] == 2
    unknown = classify([-1] * 5, [NO_ADDRESS] * 5, outs, own(outs))
    assert unknown is not None
    assert (unknown.kind, unknown.confidence) == (WHIRLPOOL, MEDIUM)


@pytest.mark.parametrize(
    ("ins", "outs"),
    [
        ([POOL, POOL, POOL, POOL, PREPARED], [POOL + 1] * 5),  # no amount of a pool
        ([POOL, POOL, POOL, PREPARED], [POOL] * 4),  # too few
        ([POOL] * 5, [POOL] * 5),  # nobody pays the miners
        ([POOL - 1, POOL, POOL, PREPARED, PREPARED], [POOL] * 5),  # an input below the amount
        ([4 * POOL, POOL, POOL, POOL, POOL + 9], [POOL] * 5),  # an input far above it
    ],
)
def test_what_only_looks_like_whirlpool(ins: list[int], outs: list[int]) -> None:
    assert classify(ins, own(ins), outs, own(outs, 50)) is None


def test_two_whirlpool_inputs_of_one_owner_are_no_mix() -> None:
    ins, outs = [POOL, POOL, PREPARED, PREPARED, POOL], [POOL] * 5
    assert classify(ins, [1, 1, 2, 3, 4], outs, own(outs, 50)) is None


def test_a_tx0_prepares_and_does_not_mix() -> None:
    outs = [0, 175_000, 3_141_592, *[PREPARED] * 4]
    match = classify([30_000_000], [1], outs, [NO_ADDRESS, *range(2, 8)])
    assert match is not None
    assert (match.kind, match.confidence, match.is_mix) == (WHIRLPOOL_TX0, HIGH, False)
    assert match.facts["prepared_coins"] == 4
    voucher = classify([30_000_000], [1], [0, 87_500, *outs[2:]], [NO_ADDRESS, *range(2, 8)])
    assert voucher is not None
    assert voucher.confidence == MEDIUM


@pytest.mark.parametrize(
    "outs",
    [
        [1, 175_000, 3_141_592, *[PREPARED] * 4],  # no marker
        [0, 175_000, 3_141_592, *[POOL] * 4],  # paid out, not prepared
        [0, 900_000, 3_141_592, PREPARED],  # no fee, one coin
    ],
)
def test_what_only_looks_like_a_tx0(outs: list[int]) -> None:
    assert classify([30_000_000], [1], outs, [NO_ADDRESS, *range(2, 1 + len(outs))]) is None


def wasabi_2() -> tuple[list[int], list[int]]:
    """60 inputs, 40 outputs: 8 amounts four times each, and 8 changes between them."""
    amounts = sorted(STANDARD_AMOUNTS)[20:28]
    outs = sorted([*amounts * 4, *(amounts[0] + 17 * n for n in range(1, 9))], reverse=True)
    each = (sum(outs) + 60_000) // 60
    return sorted((each + 100 * (n - 30) for n in range(60)), reverse=True), outs


def test_many_standard_amounts_sorted_are_wasabi_2() -> None:
    ins, outs = wasabi_2()
    match = classify(ins, own(ins), outs, own(outs, 100))
    assert match is not None
    assert (match.kind, match.confidence) == (WASABI_2, HIGH)
    assert match.facts["standard_outputs"] == 32
    turned = classify(ins[::-1], own(ins), outs, own(outs, 100))
    assert turned is not None
    assert (turned.kind, turned.confidence) == (WASABI_2, MEDIUM)


def test_a_payout_of_one_owner_in_standard_amounts_is_no_wasabi_2() -> None:
    ins, outs = wasabi_2()
    assert classify(ins, [1] * len(ins), outs, own(outs, 100)) is None
    assert classify(ins, own(ins), outs[::-1], own(outs, 100)) is None


def test_standard_amounts_are_those_of_the_description() -> None:
    assert {5_000, 6_561, 8_192, 10_000, 13_122, 20_000, 50_000, 3_188_646} <= STANDARD_AMOUNTS
    assert min(STANDARD_AMOUNTS) == 5_000
    assert 4_096 not in STANDARD_AMOUNTS
