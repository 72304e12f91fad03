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
from tracing.engine.ledger import MemoryLedger
from tracing.engine.spec import (
    DIRECTIONS,
    EXCHANGE_BOUNDARY,
    POLICIES,
    SERVICE,
    Json,
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
