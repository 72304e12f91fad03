"""The compiled kernels: equal to their plain-Python twins, and never loaded by the web."""

from __future__ import annotations

import inspect
import random
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.bench.account_twins import compare_pools
from tests.bench.generator import generate
from tests.bench.stored import LEDGER, store_generated
from tests.bench.twins import compare_clusters, compare_paths, compare_traces
from tests.unit.engine.ledgers import Chain, txid_of
from tests.unit.engine.worlds import random_world
from tracing.engine import clusters, kernels
from tracing.engine.kernels import PLAIN, Kernels
from tracing.engine.paths import find_paths
from tracing.engine.pools import walk_rows
from tracing.engine.search import Search
from tracing.engine.spec import (
    DIRECTIONS,
    EXCHANGE_BOUNDARY,
    POLICIES,
    SERVICE,
    PathsSpec,
    TraceSpec,
)
from tracing.engine.trace import trace
from tracing.engine.walk import Walk
from tracing.errors import BalanceError
from tracing.ledgers import open_ledger

ROOT = Path(__file__).resolve().parents[3]
CACHE = Path(sys.prefix) / "compiled-kernels"  # kept between test runs, gone with the environment
FAST = Kernels(CACHE, run_from=0, paths_from=0, cospend_from=0)

pytestmark = pytest.mark.xdist_group("compiled")  # one process compiles


@pytest.fixture(scope="module")
def fast() -> ModuleType:
    pytest.importorskip("numba")
    found = kernels.compiled(CACHE)
    assert isinstance(found, ModuleType)
    return found


def test_twins_have_the_same_signature(fast: ModuleType) -> None:
    def names(function: object) -> list[tuple[str, object]]:
        assert callable(function)
        found = inspect.signature(function).parameters.values()
        return [(one.name if one.name != "self" else "walk", one.default) for one in found]

    assert names(fast.cospend) == names(clusters.cospend)
    assert names(fast.run) == names(Walk.run)
    for name in ("widen", "best"):
        assert names(getattr(fast.search.Search, name)) == names(getattr(Search, name))
    assert names(fast.walk_rows) == names(walk_rows)


@pytest.mark.usefixtures("fast")
def test_random_traces_are_equal_to_the_satoshi() -> None:
    assert compare_traces(160, CACHE) > 5_000


@pytest.mark.usefixtures("fast")
def test_random_searches_find_the_same_paths() -> None:
    assert compare_paths(80, CACHE) > 100


@pytest.mark.usefixtures("fast")
def test_random_traces_over_accounts_are_equal_to_the_base_unit_beyond_64_bits_too() -> None:
    assert compare_pools(160, CACHE) > 200


@pytest.mark.usefixtures("fast")
def test_random_clusters_and_their_merges_are_equal() -> None:
    assert compare_clusters(6, CACHE) > 1_000


@pytest.mark.usefixtures("fast")
def test_worlds_of_single_satoshi_are_equal() -> None:
    for number in range(60):
        world = random_world(number)
        for policy, direction in product(POLICIES, DIRECTIONS):
            spec = world.spec(policy, direction=direction, coinjoin="through")
            ours = trace(spec, world.ledger(), kernels=FAST)
            assert ours.json == trace(spec, world.ledger()).json


def test_shares_are_exact_up_to_the_limit(fast: ModuleType) -> None:
    share, most = fast.walk.kernel.floor_share, fast.walk.kernel.MOST
    rng = random.Random(5)
    for _ in range(20_000):
        total = rng.choice((most, most - 1, rng.randint(1, most), rng.randint(1, 50)))
        taint, position = (
            rng.choice((0, 1, total, total - 1, rng.randint(0, total))) for _ in range(2)
        )
        assert share(taint, position, total) == taint * position // total
    assert share(0, 0, 0) == 0


@pytest.mark.usefixtures("fast")
def test_amounts_beyond_the_limit_are_left_to_the_twin() -> None:
    chain = Chain()
    chain.mine("a", 1 << 60, 7, height=0)
    chain.send("b", [("a", 0), ("a", 1)], [("x", (1 << 60) - 5), ("y", 9)], height=1)
    chain.send("c", [("b", 1)], [("z", 5), ("z", 3)], height=2)
    ledger = chain.ledger()
    for policy, (seed, direction) in product(POLICIES, ((1, "forward"), (4, "backward"))):
        spec = TraceSpec(seeds=(seed,), policy=policy, direction=direction)
        assert trace(spec, ledger, kernels=FAST).json == trace(spec, ledger).json


@pytest.mark.usefixtures("fast")
def test_a_transaction_that_makes_money_is_refused() -> None:
    chain = Chain()
    chain.mine("a", 7, height=0)
    chain.send("b", [("a", 0)], [("x", 17)], height=1)
    with pytest.raises(BalanceError, match=txid_of("b")):
        trace(TraceSpec(seeds=(0,)), chain.ledger(), kernels=FAST)


@pytest.mark.usefixtures("fast")
def test_a_wide_transaction_and_a_wide_frontier_find_room() -> None:
    chain = Chain()
    chain.mine("a", 5_000_000, height=0)
    wide = [(f"w{number}", 500) for number in range(5_000)]
    chain.send("b", [("a", 0)], wide, height=1)
    for number in range(5_000):
        chain.send(f"c{number}", [("b", number)], [(f"v{number}", 499)], height=2)
    ledger = chain.ledger()
    for policy in ("haircut", "fifo"):
        spec = TraceSpec(seeds=(0,), policy=policy)
        ours = trace(spec, ledger, kernels=FAST)
        assert len(ours.ends) == 5_000
        assert ours.json == trace(spec, ledger).json


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("policy", ["fifo", "lifo"])
def test_tapes_of_many_pieces_find_room(policy: str) -> None:
    """Two thousand seeds in one coin, cut in two and put together again over and over."""
    chain = Chain()
    chain.mine("m", *([3] * 2_000), height=0)
    chain.send("c", [("m", number) for number in range(2_000)], [("w", 6_000)], height=1)
    coins = [("c", 0)]
    for number in range(12):
        half = 1_000 + 307 * number
        made: list[tuple[str | None, int]] = [("w", half), ("v", 6_000 - half)]
        chain.send(f"s{number}", coins, made, height=2 + number)
        coins = [(f"s{number}", 1), (f"s{number}", 0)]
    ledger = chain.ledger()
    spec = TraceSpec(seeds=tuple(range(2_000)), policy=policy)
    ours = trace(spec, ledger, kernels=FAST)
    assert ours.json == trace(spec, ledger).json
    assert ours.sheet.seeds == 6_000
    back = replace(spec, seeds=(ours.ends[0].coin,), direction="backward")
    assert trace(back, ledger, kernels=FAST).json == trace(back, ledger).json


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("policy", ["fifo", "lifo"])
def test_the_exchange_wall_keeps_the_lots(policy: str) -> None:
    chain = Chain()
    chain.mine("a", 100, 40, height=0)
    chain.send("b", [("a", 0), ("a", 1)], [("dep", 70), ("x", 65)], height=1)
    ledger = chain.ledger()
    walls = {int(ledger.out_address[2]): EXCHANGE_BOUNDARY, int(ledger.out_address[3]): SERVICE}
    spec = TraceSpec(seeds=(1,), policy=policy, walls=walls)
    ours = trace(spec, ledger, kernels=FAST)
    assert ours.ends == trace(spec, ledger).ends
    at_wall = [end for end in ours.ends if end.status.value == EXCHANGE_BOUNDARY]
    assert all(end.lots for end in at_wall)
    assert bool(at_wall) is (policy == "lifo")


@pytest.mark.usefixtures("fast")
def test_a_pinned_snapshot_ends_before_later_spends() -> None:
    ledger = generate(800, seed=3)
    pinned = replace(ledger, num_inputs=ledger.num_inputs // 2)
    spec = TraceSpec(seeds=tuple(range(0, 300, 7)), policy="poison")
    assert trace(spec, pinned, kernels=FAST).json == trace(spec, pinned).json
    assert trace(spec, pinned).json != trace(spec, ledger).json


@pytest.mark.usefixtures("fast")
def test_mapped_arrays_of_a_stored_ledger_give_the_same(tmp_path: Path) -> None:
    store_generated(generate(1_500), tmp_path)
    ledger = open_ledger(tmp_path, LEDGER)
    seeds = tuple(range(0, ledger.num_outputs, 97))
    for policy, direction in product(POLICIES, DIRECTIONS):
        spec = TraceSpec(seeds=seeds, policy=policy, direction=direction, max_hops=6)
        assert trace(spec, ledger, kernels=FAST).json == trace(spec, ledger).json
    asked = PathsSpec(seeds[:5], seeds[5:])
    found = find_paths(asked, ledger, kernels=FAST)
    assert found.json == find_paths(asked, ledger).json
    assert found.paths


def test_small_work_stays_in_plain_python(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.bench.generator import generate\n"
        "from tracing.engine.kernels import Kernels\n"
        "from tracing.engine.paths import find_paths\n"
        "from tracing.engine.spec import PathsSpec, TraceSpec\n"
        "from tracing.engine.trace import trace\n"
        "ledger, kernels = generate(2_000), Kernels(Path(sys.argv[1]))\n"
        "kernels.cospend(ledger)\n"
        "trace(TraceSpec(seeds=(5, 9), policy='fifo'), ledger, kernels=kernels)\n"
        "trace(TraceSpec(seeds=(900,), direction='backward'), ledger, kernels=kernels)\n"
        "find_paths(PathsSpec((5,), (900,)), ledger, kernels=kernels)\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=True, timeout=60)
    assert not list(tmp_path.iterdir())


def test_web_processes_never_load_numba_nor_engines_of_whole_ledgers() -> None:
    code = (
        "import sys\n"
        "import django; django.setup()\n"  # each command does
        "assert not {'numpy', 'cases.detection', 'cases.dossier'} & set(sys.modules)\n"
        "import fiu.wsgi\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"  # imports every view
        "from tracing import ledger_views\n"
        "assert 'tracing.engine.kernels' in sys.modules\n"
        "assert 'numba' not in sys.modules\n"
        "assert 'tracing.engine.compiled' not in sys.modules\n"
        "assert not {'ibis', 'duckdb', 'pandas', 'tracing.compute.engines'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_nothing_imports_numba_but_the_compiled_kernels() -> None:
    named = "numba"
    found = [
        path.relative_to(ROOT).as_posix()
        for package in ("fiu", "cases", "tracing")
        for path in (ROOT / package).rglob("*.py")
        if f"import {named}" in path.read_text() or f"from {named}" in path.read_text()
    ]
    assert all(name.startswith("tracing/engine/compiled/") for name in found)
    assert found


def test_without_a_cache_every_size_is_plain() -> None:
    assert PLAIN.cache is None
    ledger = generate(500)
    assert np.array_equal(PLAIN.cospend(ledger).parent, clusters.cospend(ledger).parent)
