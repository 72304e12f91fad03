"""The compiled pools against their plain-Python twin: the same results, to the base unit."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.bench.accounts import random_moves
from tests.unit.engine.accounts.worlds import POLICIES, Move, ledger_of, outpoint
from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.accounts.resolve import account_trace_spec
from tracing.engine.accounts.trace import trace_accounts
from tracing.engine.kernels import PLAIN, Kernels
from tracing.engine.spec import Json, TraceParameters, TraceSpec
from tracing.engine.walk import Progress

FACTORS: Final = (1, 999_983, 3**33, 3**36, 3**37 + 2, 10**18, 1 << 90)
"""Amounts are multiplied by these: products beyond 64 bits, and sums that no 64 bits hold."""
PER_LEDGER: Final = 8


def compare_pools(num: int, cache: Path, *, most: int = 60, seed: int = 1) -> int:
    """Run `num` random traces both ways, stopping at the first difference; returns ends compared.

    A quarter of them are cut at a random checkpoint that the other twin resumes.
    """
    rng = random.Random(seed)
    kernels = Kernels(cache, pool_from=0, few_rows=1)
    ends = 0
    for start in range(0, num, PER_LEDGER):
        moves = _wider(random_moves(rng, most), rng)
        ledger = ledger_of(moves, whole=rng.random() < 0.5)
        for number in range(min(PER_LEDGER, num - start)):
            spec = _random_spec(rng, ledger, moves, POLICIES[number % len(POLICIES)])
            plain = trace_accounts(spec, ledger)
            fast = trace_accounts(spec, ledger, kernels=kernels)
            if plain.json != fast.json or plain.openings != fast.openings:
                raise AssertionError(f"the twins differ: {spec} of {moves}")
            if rng.random() < 0.25 and plain.num_transfers > 1:
                at = rng.randrange(1, plain.num_transfers)
                for first, second in ((kernels, PLAIN), (PLAIN, kernels)):
                    state = _checkpoint(spec, ledger, first, at)
                    found = trace_accounts(spec, ledger, state=state, kernels=second)
                    if found.json != plain.json:
                        raise AssertionError(f"a checkpoint does not carry over: {spec}")
            ends += len(plain.ends) + len(plain.possible)
    return ends


def _wider(moves: list[Move], rng: random.Random) -> list[Move]:
    factor = rng.choice(FACTORS)
    return [(payer, payee, units * factor) for payer, payee, units in moves]


def _random_spec(
    rng: random.Random, ledger: AccountLedger, moves: list[Move], policy: str
) -> TraceSpec:
    """Runs of every kind: both directions, limits, one or more seeds."""
    possible = [n for n, (payer, payee, _) in enumerate(moves) if payer != payee]
    seeds = rng.sample(possible, min(len(possible), rng.choice((1, 1, 3))))
    parameters = TraceParameters(
        ledger=ledger.name,
        seeds=tuple(map(outpoint, seeds)),
        policy=policy,
        mode=rng.choice(("destination", "source")),
        max_hops=rng.choice((1, 4, 32)),
        min_value=rng.choice((0, 0, moves[seeds[0]][2] // 3)),
    )
    return account_trace_spec(parameters, ledger)


class _Stopped(Exception):
    pass


def _checkpoint(spec: TraceSpec, ledger: AccountLedger, kernels: Kernels, at: int) -> Json:
    """The state a run showed before it took transfer number `at`."""
    states: list[Json] = []

    def keep(progress: Progress) -> None:
        states.append(progress.checkpoint())
        if progress.transactions >= at:
            raise _Stopped

    with suppress(_Stopped):
        trace_accounts(spec, ledger, keep, every=1, kernels=kernels)
    return states[-1]
