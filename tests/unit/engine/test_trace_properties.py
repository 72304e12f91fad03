"""What must hold for every ledger and every policy."""

from __future__ import annotations

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.worlds import (
    World,
    WorldTx,
    amounts,
    label_backward,
    label_forward,
    random_world,
    worlds,
)
from tracing.engine.ends import End
from tracing.engine.spec import POLICIES
from tracing.engine.trace import TraceResult, trace

CONSERVING = ("haircut", "fifo", "lifo")
some = settings(max_examples=80)


def rows(result: TraceResult) -> dict[int, End]:
    """Every end with bounds, by coin; what arrived at a seed is left out, its own end stays."""
    return {end.coin: end for end in (*result.possible, *result.ends) if end.status != "is_seed"}


@given(worlds(), st.sampled_from(CONSERVING))
@some
def test_forward_agrees_with_labelling_every_satoshi(world: World, policy: str) -> None:
    reference = label_forward(world, policy)
    result = world.trace(policy)
    assert amounts(world, result) == reference.ends
    assert result.sheet.fees == reference.fees


@given(worlds(), st.sampled_from(("fifo", "lifo")))
@some
def test_backward_agrees_with_labelling_every_satoshi(world: World, policy: str) -> None:
    assert amounts(world, world.trace(policy, direction="backward")) == label_backward(
        world, policy
    )


@given(
    worlds(),
    st.sampled_from(CONSERVING),
    st.sampled_from(("forward", "backward")),
    st.one_of(st.none(), st.integers(1, 4)),
    st.integers(0, 6),
    st.one_of(st.none(), st.integers(0, 14)),
)
@some
def test_books_reconcile_under_any_limit(
    world: World,
    policy: str,
    direction: str,
    max_hops: int | None,
    min_value: int,
    until: int | None,
) -> None:
    result = world.trace(
        policy, direction=direction, max_hops=max_hops, min_value=min_value, until_height=until
    )
    assert result.sheet.difference == 0
    assert sum(end.amount for end in result.ends) == result.sheet.ends
    assert all(end.amount >= max(1, min_value) for end in result.ends)
    assert max_hops is None or all(end.hops <= max_hops for end in result.ends)


def test_a_seed_worth_nothing_beside_another_takes_nothing_from_it() -> None:
    """Both start at one place of the transaction's axis; found by the property below."""
    txs = [((), (1,)), ((), (1, 1)), ((), (7, 15)), (((1, 1), (2, 0), (2, 1)), (0, 0, 2))]
    world = World(tuple(WorldTx(*tx) for tx in txs), ((0, 0), (3, 0), (3, 2)))
    for policy in CONSERVING:
        sheet = world.trace(policy, direction="backward").sheet
        assert (sheet.seeds, sheet.ends, sheet.difference) == (3, 3, 0)


@given(worlds(), st.sampled_from(("forward", "backward")))
@some
def test_bounds_hold_every_policy(world: World, direction: str) -> None:
    by_policy = {p: rows(world.trace(p, direction=direction)) for p in POLICIES}
    for coin, poisoned in by_policy["poison"].items():
        value = int(world.ledger().out_value[coin])
        for policy in CONSERVING:
            end = by_policy[policy][coin]
            assert 0 <= end.low <= end.amount <= end.high <= poisoned.amount <= value
            assert (end.low, end.high) == (poisoned.low, poisoned.high)


@given(worlds(), st.integers(0, 2**32))
@some
def test_a_hidden_truth_lies_within_the_bounds(world: World, seed: int) -> None:
    truth = label_forward(world, "truth", random.Random(seed)).ends
    for coin, end in rows(world.trace()).items():
        tx = int(world.ledger().out_tx[coin])
        place = (tx, coin - int(world.ledger().out_off[tx]))
        # A seed that is itself unspent also rests what arrived at it.
        if place not in world.seeds:
            assert end.low <= truth[place] <= end.high


def test_the_truth_leaves_the_span_of_the_policies() -> None:
    outside = checked = 0
    for number in range(60):
        world = random_world(number)
        truth = label_forward(world, "truth", random.Random(number)).ends
        found = [rows(world.trace(policy)) for policy in CONSERVING]
        for coin, end in found[0].items():
            tx = int(world.ledger().out_tx[coin])
            held = truth[tx, coin - int(world.ledger().out_off[tx])]
            span = [by_coin[coin].amount for by_coin in found]
            assert end.low <= held <= end.high
            checked += 1
            outside += not min(span) <= held <= max(span)
    assert outside * 20 > checked, "the worlds are too tame"


@given(worlds(), st.sampled_from(POLICIES), st.randoms(use_true_random=False))
@some
def test_order_and_repetition_of_seeds_do_not_matter(
    world: World, policy: str, rng: random.Random
) -> None:
    seeds = list(world.seeds) * 2
    rng.shuffle(seeds)
    again = World(world.txs, tuple(seeds))
    assert again.trace(policy).json == world.trace(policy).json


@given(worlds(), st.sampled_from(POLICIES), st.sampled_from(("forward", "backward")), st.data())
@settings(max_examples=50)
def test_a_restart_anywhere_changes_nothing(
    world: World, policy: str, direction: str, data: st.DataObject
) -> None:
    states: list[str] = []
    spec = world.spec(policy, direction=direction)
    whole = trace(
        spec, world.ledger(), lambda p: states.append(json.dumps(p.checkpoint())), every=1
    )
    if states:
        state = json.loads(data.draw(st.sampled_from(states)))
        assert trace(spec, world.ledger(), state=state).json == whole.json


@given(worlds(), st.integers(2, 1_000), st.sampled_from(("fifo", "lifo", "poison")))
@some
def test_amounts_times_k_give_k_times_the_result(world: World, k: int, policy: str) -> None:
    spec = world.spec(policy)
    small, large = rows(trace(spec, world.ledger())), rows(trace(spec, world.ledger(k)))
    for coin, end in small.items():
        grown = large[coin]
        assert (grown.amount, grown.low, grown.high) == (end.amount * k, end.low * k, end.high * k)


@given(worlds(), st.sampled_from(POLICIES))
@some
def test_no_seed_gives_nothing(world: World, policy: str) -> None:
    result = World(world.txs, ()).trace(policy)
    assert (result.ends, result.possible, result.sheet.seeds) == ((), (), 0)


@given(worlds(all_roots=True), st.sampled_from(POLICIES))
@some
def test_all_money_as_seed_gives_the_whole_value(world: World, policy: str) -> None:
    for end in world.trace(policy).ends:
        value = int(world.ledger().out_value[end.coin])
        assert end.low == end.high == end.amount == value


@given(worlds(), st.randoms(use_true_random=False))
@some
def test_output_order_changes_no_bound(world: World, rng: random.Random) -> None:
    txs, moved = [], {}
    for number, tx in enumerate(world.txs):
        order = list(range(len(tx.values)))
        rng.shuffle(order)
        moved.update({(number, old): (number, new) for new, old in enumerate(order)})
        inputs = tuple(moved[coin] for coin in tx.inputs)
        txs.append(WorldTx(inputs, tuple(tx.values[old] for old in order)))
    turned = World(tuple(txs), tuple(moved[coin] for coin in world.seeds))
    found = rows(turned.trace())
    for old, new in moved.items():
        end = rows(world.trace()).get(world.output_id(old))
        if end is not None:
            twin = found[turned.output_id(new)]
            assert (end.low, end.high, end.hops) == (twin.low, twin.high, twin.hops)


@given(worlds(), st.sampled_from(("fifo", "lifo")))
@some
def test_forward_and_backward_tell_the_same_story(world: World, policy: str) -> None:
    root, last = (0, 0), (len(world.txs) - 1, 0)
    there = amounts(world, World(world.txs, (root,)).trace(policy))[last]
    back = World(world.txs, (last,)).trace(policy, direction="backward")
    assert amounts(world, back)[root] == there
