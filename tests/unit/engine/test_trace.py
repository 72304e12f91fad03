"""Where a trace ends and why, one reason at a time."""

from __future__ import annotations

import pytest

from tests.unit.engine.ledgers import Chain, txid_of
from tracing.engine.balance import reconcile, sheet_of
from tracing.engine.ends import Status
from tracing.engine.forward import ForwardWalk
from tracing.engine.ledger import MemoryLedger, memory_ledger
from tracing.engine.resolve import trace_spec
from tracing.engine.spec import TraceParameters, TraceSpec
from tracing.engine.trace import TraceResult, trace
from tracing.errors import BalanceError, ParametersError, SeedError


def run(
    ledger: MemoryLedger,
    *seeds: str,
    walls: tuple[tuple[str, str], ...] = (),
    **wishes: object,
) -> TraceResult:
    parameters = TraceParameters("bitcoin-regtest", seeds, **wishes)  # type: ignore[arg-type]
    return trace(trace_spec(parameters, ledger, walls), ledger)


def statuses(result: TraceResult) -> dict[str, int]:
    sums: dict[str, int] = {}
    for end in result.ends:
        sums[end.status.value] = sums.get(end.status.value, 0) + end.amount
    return sums


def line() -> tuple[Chain, str]:
    """A coin of 1,000 that is paid on three times, leaving 100 behind each time."""
    chain = Chain()
    chain.mine("m", 1_000, height=1)
    chain.send("t1", [("m", 0)], [("a", 900), ("left1", 100)], height=2)
    chain.send("t2", [("t1", 0)], [("b", 800), ("left2", 100)], height=3)
    chain.send("t3", [("t2", 0)], [("c", 700), ("left3", 90)], height=4)
    return chain, chain.outpoint("m", 0)


def test_unspent_coins_and_fees_take_all_that_went_in() -> None:
    chain, seed = line()
    result = run(chain.ledger(), seed)
    assert statuses(result) == {"unspent": 990}
    assert result.json["balance_sheet"] == {
        "in": "1000", "ends": "990", "fees": "10", "cut": "0", "difference": "0",
    }  # fmt: skip
    assert [step["hops"] for step in result.json["steps"]] == [1, 2, 3]  # type: ignore[attr-defined, index]


def test_the_hop_limit_is_an_end_with_its_own_status() -> None:
    chain, seed = line()
    assert statuses(run(chain.ledger(), seed, max_hops=2)) == {"unspent": 200, "hop_limit": 800}


def test_coins_spent_after_the_horizon_end_there() -> None:
    chain, seed = line()
    result = run(chain.ledger(), seed, until_height=3)
    assert statuses(result) == {"unspent": 200, "after_horizon": 800}
    with pytest.raises(SeedError, match="later than block 2"):
        run(chain.ledger(), chain.outpoint("t2", 0), until_height=2)


def test_small_coins_are_cut_and_counted_by_reason() -> None:
    chain, seed = line()
    result = run(chain.ledger(), seed, min_value=100)
    assert result.cut == {"below_dust": 90}
    assert statuses(result) == {"unspent": 900}


def test_an_exchange_address_is_a_wall_and_outranks_a_service() -> None:
    chain, seed = line()
    walls = (("b", "exchange_deposit"), ("left1", "service"), ("b", "service"))
    result = run(chain.ledger(), seed, walls=walls)
    assert statuses(result) == {"service": 100, "exchange_boundary": 800, "unspent": 100}
    assert statuses(run(chain.ledger(), seed, stops=("a",))) == {"service": 900, "unspent": 100}


def test_a_stop_that_is_no_address_is_refused_and_one_never_seen_stops_nothing() -> None:
    chain, seed = line()
    with pytest.raises(ParametersError, match=r"junk is no address to stop at: too short"):
        run(chain.ledger(), seed, stops=("a", "junk"))
    unseen = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
    assert statuses(run(chain.ledger(), seed, stops=(unseen,))) == statuses(
        run(chain.ledger(), seed)
    )


def test_a_seed_at_a_wall_goes_nowhere_forward_but_can_be_explained_backward() -> None:
    chain, _ = line()
    walls = (("b", "exchange_deposit"),)
    there = run(chain.ledger(), chain.outpoint("t2", 0), walls=walls)
    assert statuses(there) == {"exchange_boundary": 800}
    back = run(chain.ledger(), chain.outpoint("t2", 0), walls=walls, mode="source")
    assert statuses(back) == {"coinbase": 800}


def test_a_backward_walk_does_not_cross_the_sweep() -> None:
    chain = Chain()
    chain.mine("m", 500, 700, height=1)
    chain.send("d1", [("m", 0)], [("deposit1", 500)], height=2)
    chain.send("d2", [("m", 1)], [("deposit2", 700)], height=2)
    chain.send("sweep", [("d1", 0), ("d2", 0)], [("hot", 1_190)], height=3)
    chain.send("out", [("sweep", 0)], [("customer", 300), ("hot", 880)], height=4)
    walls = (("deposit1", "exchange_deposit"), ("deposit2", "exchange_deposit"))
    result = run(chain.ledger(), "customer", walls=(*walls, ("hot", "exchange_own")), mode="source")
    assert [(end.status, end.hops) for end in result.ends] == [(Status.EXCHANGE_BOUNDARY, 1)]


def test_what_arrives_at_another_seed_ends_there() -> None:
    chain, seed = line()
    result = run(chain.ledger(), seed, chain.outpoint("t2", 0))
    assert statuses(result) == {"is_seed": 800, "unspent": 990}
    assert result.sheet.seeds == 1_800


def test_an_unknown_input_value_ends_the_trace_instead_of_a_guess() -> None:
    chain, seed = line()
    ghost = ("ff" * 32, 0)
    chain.txs.append((txid_of("mix"), 5, 0, [(txid_of("t3"), 0), ghost], [("d", 1_500)]))
    ledger = chain.ledger()
    result = run(ledger, seed)
    assert statuses(result) == {"unknown_input": 700, "unspent": 290}
    poisoned = run(ledger, seed, policy="poison")
    assert [(e.amount, e.low, e.high) for e in poisoned.ends][:1] == [(1_500, 0, 700)]
    back = run(ledger, "d", mode="source")
    assert statuses(back) == {"unknown_output": 1_500}


def test_a_spent_coin_that_is_known_but_not_held_is_an_end_backward() -> None:
    ghost = ("ff" * 32, 0)
    txs = [(txid_of("t"), 1, 0, [ghost], [("a", 900)])]
    result = run(memory_ledger(txs, coins={ghost: ("b", 1_000)}), "a", mode="source")
    row = result.json["ends"][0]  # type: ignore[index]
    assert (row["status"], row["address"], row["vout"]) == ("unknown_output", "b", None)
    assert row["outpoint"] == f"{txid_of('t')}:in0"


def test_a_window_ends_a_backward_walk() -> None:
    chain, _ = line()
    result = run(chain.ledger(), "c", mode="source", until_height=3)
    assert statuses(result) == {"before_horizon": 700}


def coinjoin() -> Chain:
    """Three parties mix 1,000,000 each."""
    chain = Chain()
    for name, value in (("x", 1_500_000), ("y", 1_200_000), ("z", 1_100_000)):
        chain.mine(name, value, height=1, to=name)
    mixed = [(f"mix{number}", 1_000_000) for number in range(3)]
    changes = [("cx", 499_000), ("cy", 199_000), ("cz", 99_000)]
    chain.send("cj", [("x", 0), ("y", 0), ("z", 0)], [*mixed, *changes], height=2)
    return chain


def test_a_coinjoin_stops_the_trace_unless_asked_to_go_through() -> None:
    chain = coinjoin()
    seed = chain.outpoint("x", 0)
    assert statuses(run(chain.ledger(), seed)) == {"coinjoin": 1_500_000}
    assert statuses(run(chain.ledger(), "mix0", mode="source")) == {"coinjoin": 1_000_000}
    through = statuses(run(chain.ledger(), seed, coinjoin="through"))
    assert set(through) == {"unspent"}


def test_poison_says_that_it_does_not_conserve() -> None:
    chain, seed = line()
    chain.send("merge", [("t3", 0), ("t2", 1)], [("d", 790)], height=5)
    result = run(chain.ledger(), seed, policy="poison")
    assert result.json["conserved"] is False
    assert result.json["balance_sheet"]["difference"] is None  # type: ignore[index, call-overload]


def test_coins_the_policy_gives_nothing_are_kept_apart_with_their_bounds() -> None:
    chain = Chain()
    chain.mine("clean", 100, height=1)
    chain.mine("dirty", 100, height=1)
    chain.send("mix", [("clean", 0), ("dirty", 0)], [("a", 100), ("b", 100)], height=2)
    result = run(chain.ledger(), chain.outpoint("dirty", 0), policy="fifo")
    assert [(end.amount, end.low, end.high) for end in result.ends] == [(100, 0, 100)]
    assert [(end.amount, end.low, end.high) for end in result.possible] == [(0, 0, 100)]


def test_one_satoshi_too_many_fails_the_run() -> None:
    with pytest.raises(BalanceError, match="off by -1 base units"):
        reconcile(seeds=10, ends=6, fees=3, cut={"below_dust": 2}, conserved=True)
    chain, seed = line()
    ledger = chain.ledger()
    spec = trace_spec(TraceParameters("bitcoin", (seed,)), ledger)
    walk = ForwardWalk(spec, ledger)
    walk.start()
    walk.run(None, 1)
    walk.fees += 1
    with pytest.raises(BalanceError):
        sheet_of(walk)


def test_money_made_from_nothing_in_the_ledger_is_refused() -> None:
    chain = Chain()
    chain.mine("m", 10, height=1)
    chain.send("t", [("m", 0)], [("a", 15)], height=2)
    with pytest.raises(BalanceError, match="pays out more than it spends"):
        run(chain.ledger(), chain.outpoint("m", 0))


@pytest.mark.parametrize(
    ("seed", "reason"),
    [
        ("00" * 32 + ":0", "has no transaction"),
        (f"{txid_of('m')}:1", "has 1 outputs, none of number 1"),
        ("bcrt1qqlxxeyqj0ka4kqpzajv27l8px06neuqcwxg62e", "has never seen the address"),
        ("bcrt1qqlxxeyqj0ka4kqpzajv27l8px06neuqcwxg62f", "is no address"),
    ],
)
def test_a_seed_the_ledger_lacks_is_named_in_one_sentence(seed: str, reason: str) -> None:
    chain, _ = line()
    with pytest.raises(SeedError, match=reason):
        run(chain.ledger(), seed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seeds": []},
        {"seeds": ["a b"]},
        {"seeds": ["12:zz"]},
        {"seeds": "abc"},
        {"policy": "fair"},
        {"max_hops": 0},
        {"max_hops": 33},
        {"max_hops": True},
        {"min_value": -1},
        {"min_value": "1.5"},
        {"until_height": "7"},
        {"coinjoin": "maybe"},
        {"mode": "paths"},
        {"targets": ["b"]},
        {"stops": ["ab:cd"]},
        {"ledger": ""},
        {"ledger": 7},
        {"colour": "red"},
    ],
)
def test_unusable_parameters_are_refused_with_a_sentence(wrong: dict[str, object]) -> None:
    with pytest.raises(ParametersError):
        TraceParameters.from_json({"ledger": "bitcoin", "seeds": ["a"], **wrong})


def test_parameters_survive_json_and_equal_questions_have_one_hash() -> None:
    first = TraceParameters("bitcoin", ("b", "a", "b"), min_value=5, stops=("s",))
    assert TraceParameters.from_json(first.to_json()) == first
    assert (
        first.params_hash
        == TraceParameters("bitcoin", ("a", "b"), min_value=5, stops=("s",)).params_hash
    )


def test_a_checkpoint_of_another_run_is_refused() -> None:
    chain, seed = line()
    ledger = chain.ledger()
    states: list[dict[str, object]] = []
    spec = trace_spec(TraceParameters("bitcoin", (seed,)), ledger)
    trace(spec, ledger, lambda progress: states.append(progress.checkpoint()))
    other = TraceSpec(seeds=spec.seeds, policy="fifo")
    with pytest.raises(ParametersError, match="another run"):
        trace(other, ledger, state=states[0])


def test_raising_in_the_tick_stops_the_run() -> None:
    chain, seed = line()
    ledger = chain.ledger()

    def stop(progress: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        trace(trace_spec(TraceParameters("bitcoin", (seed,)), ledger), ledger, stop)


def test_progress_counts_what_was_reached() -> None:
    chain, seed = line()
    ledger = chain.ledger()
    seen = []
    spec = trace_spec(TraceParameters("bitcoin", (seed,)), ledger)
    trace(spec, ledger, seen.append, every=1)
    assert [(p.transactions, p.frontier, p.depth, p.explained_pct) for p in seen] == [
        (0, 1, 0, 0), (1, 1, 1, 10), (2, 1, 2, 20),
    ]  # fmt: skip
