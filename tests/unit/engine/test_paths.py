"""Paths between two wallet sets."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.ledgers import Chain, txid_of
from tests.unit.engine.operator_world import operator_ledger
from tests.unit.engine.worlds import World, worlds
from tracing.engine.ledger import MemoryLedger
from tracing.engine.paths import PathsResult, find_paths
from tracing.engine.resolve import paths_spec
from tracing.engine.seal import is_intact
from tracing.engine.spec import PathsSpec, TraceParameters


def search(
    ledger: MemoryLedger,
    source: str,
    target: str,
    walls: tuple[tuple[str, str], ...] = (),
    **wishes: object,
) -> PathsResult:
    parameters = TraceParameters(
        "bitcoin-regtest",
        (source,),
        mode="paths",
        targets=(target,),
        **wishes,  # type: ignore[arg-type]
    )
    return find_paths(paths_spec(parameters, ledger, walls), ledger)


def names(ledger: MemoryLedger, result: PathsResult) -> list[list[str]]:
    known = {txid_of(name): name for name in ("W1", "F1", "REG", "a", "b", "c", "d", "K")}
    return [[known.get(ledger.txid(tx), "?") for tx in path.txs] for path in result.paths]


def test_the_money_reaches_the_registrar_in_three_steps_in_time_order() -> None:
    ledger, _ = operator_ledger()
    result = search(ledger, "bank-W1", "Namewharf")
    assert (result.searched_depth, result.truncated) == (8, False)
    row = result.json["paths"][0]  # type: ignore[index]
    assert row["txids"] == [txid_of("W1"), txid_of("F1"), txid_of("REG")]
    assert row["addresses"] == ["bank-W1", "F", "a1.0", "Namewharf"]
    assert (row["amount"], row["hops"]) == ("180000", 3)
    assert is_intact(result.json)


def test_money_that_came_too_late_took_no_part() -> None:
    ledger, _ = operator_ledger()
    assert search(ledger, "bank-X1", "Namewharf").paths == ()


def test_the_peel_chain_is_one_path_of_fourteen() -> None:
    ledger, _ = operator_ledger()
    start = f"{txid_of('K')}:0"
    result = search(ledger, start, f"{txid_of('peel14')}:0", max_hops=14)
    assert [path.hops for path in result.paths] == [14]
    short = search(ledger, start, f"{txid_of('peel14')}:0", max_hops=13)
    assert (short.paths, short.searched_depth) == ((), 13)


def fork() -> MemoryLedger:
    """Two ways from s to t: 60 directly through b, 40 in two steps through c and d."""
    chain = Chain()
    chain.mine("m", 100, height=1, to="s")
    chain.send("a", [("m", 0)], [("p", 60), ("q", 40)], height=2)
    chain.send("b", [("a", 0)], [("t", 60)], height=6)
    chain.send("c", [("a", 1)], [("r", 40)], height=3)
    chain.send("d", [("c", 0)], [("t", 40)], height=4)
    return chain.ledger()


def test_the_path_with_the_larger_bottleneck_comes_first() -> None:
    ledger = fork()
    result = search(ledger, "s", "t")
    assert names(ledger, result) == [["a", "b"], ["a", "c", "d"]]
    assert [path.amount for path in result.paths] == [60, 40]


def test_least_amount_window_and_depth_limit_a_search() -> None:
    ledger = fork()
    assert names(ledger, search(ledger, "s", "t", min_value=50)) == [["a", "b"]]
    assert names(ledger, search(ledger, "s", "t", until_height=5)) == [["a", "c", "d"]]
    limited = search(ledger, "s", "t", max_hops=2)
    assert (names(ledger, limited), limited.searched_depth) == ([["a", "b"]], 2)


def test_no_path_crosses_a_wall_but_one_may_end_there() -> None:
    ledger = fork()
    walls = (("p", "exchange_own"),)
    assert names(ledger, search(ledger, "s", "t", walls)) == [["a", "c", "d"]]
    assert names(ledger, search(ledger, "s", "p", walls)) == [["a"]]
    assert names(ledger, search(ledger, "s", "t", stops=("p", "r"))) == []


def test_a_search_cut_short_says_how_deep_it_looked() -> None:
    ledger, _ = operator_ledger()
    source = f"{txid_of('K')}:0"
    parameters = TraceParameters("bitcoin", (source,), mode="paths", targets=("P",), max_hops=32)
    full = paths_spec(parameters, ledger)
    target = (full.targets[-1],)
    cut = PathsSpec(sources=full.sources, targets=target, max_depth=20, visit_limit=6)
    result = find_paths(cut, ledger)
    assert result.truncated
    assert result.searched_depth < 20


def test_more_paths_than_asked_for_are_said_to_be_there() -> None:
    ledger = fork()
    parameters = TraceParameters("bitcoin", ("s",), mode="paths", targets=("t",))
    full = paths_spec(parameters, ledger)
    one = PathsSpec(sources=full.sources, targets=full.targets, num_best=1)
    result = find_paths(one, ledger)
    assert (len(result.paths), result.truncated) == (1, True)


def brute(
    world: World, source: tuple[int, int], target: tuple[int, int], depth: int
) -> list[tuple[int, ...]]:
    """Every chain of transactions from coin to coin, by plain recursion."""
    spenders = world.spenders()
    found: set[tuple[int, ...]] = set()

    def walk(coin: tuple[int, int], txs: tuple[int, ...]) -> None:
        tx = spenders.get(coin)
        if tx is None or len(txs) == depth:
            return
        for vout, value in enumerate(world.txs[tx].values):
            made = (tx, vout)
            if not value:
                continue
            if made == target:
                found.add((*txs, tx))
            elif made != source:
                walk(made, (*txs, tx))

    if world.value(source) and world.value(target):
        walk(source, ())
    return sorted(found)


@given(worlds(), st.integers(1, 6))
@settings(max_examples=100)
def test_every_path_up_to_the_depth_is_found(world: World, depth: int) -> None:
    source, target = (0, 0), (len(world.txs) - 1, 0)
    spec = PathsSpec(
        sources=(world.output_id(source),),
        targets=(world.output_id(target),),
        max_depth=depth,
        num_best=500,
    )
    result = find_paths(spec, world.ledger())
    assert sorted(path.txs for path in result.paths) == brute(world, source, target, depth)
    assert not result.truncated
