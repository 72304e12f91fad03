"""Compiled kernels against their plain-Python twins on random ledgers: the same, to the satoshi."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from tests.bench.generator import generate
from tracing.engine.clusters import Clusters, cospend
from tracing.engine.kernels import Kernels
from tracing.engine.ledger import UNSPENT, MemoryLedger
from tracing.engine.paths import find_paths
from tracing.engine.spec import (
    DIRECTIONS,
    EXCHANGE_BOUNDARY,
    POLICIES,
    SERVICE,
    VISIT_LIMIT,
    Json,
    PathsSpec,
    TraceSpec,
)
from tracing.engine.trace import trace
from tracing.engine.walk import Progress

PER_LEDGER = 40


def random_specs(rng: random.Random, ledger: MemoryLedger, num: int) -> Iterator[TraceSpec]:
    """Runs of every kind: policies, limits, walls, CoinJoins passed or stopped at."""
    for _ in range(num):
        addresses = rng.sample(range(ledger.num_addresses), rng.choice((0, 0, 3, 40)))
        yield TraceSpec(
            seeds=tuple(rng.randrange(ledger.num_outputs) for _ in range(rng.randint(1, 6))),
            policy=rng.choice(POLICIES),
            direction=rng.choice(DIRECTIONS),
            max_hops=rng.choice((None, None, 1, 3, 12)),
            min_value=rng.choice((0, 0, 546, 1_000_000)),
            until_height=rng.choice((None, None, rng.randrange(ledger.height + 1))),
            coinjoin=rng.choice(("stop", "through")),
            walls={a: rng.choice((SERVICE, EXCHANGE_BOUNDARY)) for a in addresses},
        )


def compare_traces(num: int, cache: Path, *, num_tx: int = 1_500, seed: int = 1) -> int:
    """Run `num` random traces both ways, stopping at the first difference; returns coins reached.

    A third of them are cut at a random checkpoint that the other twin resumes.
    """
    rng = random.Random(seed)
    coins = 0
    for start in range(0, num, PER_LEDGER):
        ledger = generate(num_tx, seed=seed * 1_000 + start)
        for spec in random_specs(rng, ledger, min(PER_LEDGER, num - start)):
            kernels = Kernels(cache, run_from=rng.choice((0, 0, 5)))
            plain = trace(spec, ledger)
            fast = trace(spec, ledger, kernels=kernels)
            if plain.json != fast.json or plain.cut != fast.cut:
                raise AssertionError(f"the twins differ: {spec}")
            if rng.random() < 1 / 3 and plain.num_transactions > 1:
                at = rng.randrange(1, plain.num_transactions)
                for first, second in ((kernels, Kernels()), (Kernels(), kernels)):
                    state = _checkpoint(spec, ledger, first, at)
                    if trace(spec, ledger, state=state, kernels=second).json != plain.json:
                        raise AssertionError(f"a checkpoint does not carry over: {spec}")
            coins += len(plain.ends) + len(plain.possible)
    return coins


def compare_paths(num: int, cache: Path, *, num_tx: int = 1_500, seed: int = 1) -> int:
    """Search `num` random pairs of wallets both ways, up to a difference; returns the paths."""
    rng = random.Random(seed)
    paths = 0
    for start in range(0, num, PER_LEDGER):
        ledger = generate(num_tx, seed=seed * 2_000 + start)
        for spec in random_pairs(rng, ledger, min(PER_LEDGER, num - start)):
            kernels = Kernels(cache, paths_from=rng.choice((0, 0, 20, 60)))
            plain = find_paths(spec, ledger)
            if find_paths(spec, ledger, kernels=kernels) != plain:
                raise AssertionError(f"the searches differ: {spec}")
            paths += len(plain.paths)
    return paths


def random_pairs(rng: random.Random, ledger: MemoryLedger, num: int) -> Iterator[PathsSpec]:
    """Searches of every kind, from any coins to those they led to and to others."""
    for _ in range(num):
        sources = rng.sample(range(ledger.num_outputs // 2), rng.choice((1, 3, 30)))
        targets = {led_to(rng, ledger, coin) for coin in sources}
        targets |= {rng.randrange(ledger.num_outputs) for _ in range(rng.choice((0, 3, 30)))}
        addresses = rng.sample(range(ledger.num_addresses), rng.choice((0, 0, 3, 40)))
        yield PathsSpec(
            sources=tuple(sources),
            targets=tuple(sorted(targets)),
            max_depth=rng.choice((1, 2, 5, 8, 8, 13)),
            num_best=rng.choice((1, 3, 10)),
            walls=dict.fromkeys(addresses, SERVICE),
            coinjoin=rng.choice(("stop", "through")),
            min_value=rng.choice((0, 0, 546, 1_000_000)),
            until_height=rng.choice((None, None, rng.randrange(ledger.height + 1))),
            visit_limit=rng.choice((VISIT_LIMIT, VISIT_LIMIT, 40)),
        )


def led_to(rng: random.Random, ledger: MemoryLedger, coin: int, most: int = 8) -> int:
    """The coin at the end of a random walk of 1 to `most` transactions, of fewer at a rest."""
    for _ in range(1 + int(rng.random() * most)):
        spent = int(ledger.out_spent_in[coin])
        if spent == UNSPENT:
            break
        tx = int(ledger.in_tx[spent])
        first, end = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
        coin = first + int(rng.random() * (end - first))
    return coin


class _Stopped(Exception):
    pass


def _checkpoint(spec: TraceSpec, ledger: MemoryLedger, kernels: Kernels, at: int) -> Json:
    """The last state a run showed before it had taken more than `at` transactions."""
    states: list[Json] = []

    def keep(progress: Progress) -> None:
        if progress.transactions > at:
            raise _Stopped
        states[:] = [progress.checkpoint()] if progress.transactions > at - 40 else states

    with suppress(_Stopped):
        trace(spec, ledger, keep, every=1, kernels=kernels)
    return states[0]


def compare_clusters(num: int, cache: Path, *, num_tx: int = 2_000, seed: int = 1) -> int:
    """Cluster `num` random ledgers both ways; returns the merges compared."""
    rng = random.Random(seed)
    kernels = Kernels(cache, cospend_from=0)
    merges = 0
    for number in range(num):
        ledger = generate(num_tx, seed=seed * 1_000 + number)
        shut = np.array([rng.random() < 0.1 for _ in range(ledger.num_tx)])
        walls = np.array([rng.random() < 0.02 for _ in range(ledger.num_addresses)])
        for excluded, wall in ((None, None), (shut, None), (None, walls), (shut, walls)):
            plain = cospend(ledger, excluded, wall)
            fast = kernels.cospend(ledger, excluded, wall)
            if not _same(plain, fast):
                raise AssertionError(f"the clusters of ledger {seed * 1_000 + number} differ")
            merges += len(plain.edge_tx)
    return merges


def _same(plain: Clusters, fast: Clusters) -> bool:
    return all(
        getattr(plain, name).dtype == getattr(fast, name).dtype
        and np.array_equal(getattr(plain, name), getattr(fast, name))
        for name in ("parent", "edge_tx", "edge_a", "edge_b")
    )
