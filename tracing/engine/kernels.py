"""Which kernel does the work: plain Python, or its compiled twin where the work is large.

A compiled kernel costs 0.3 to 0.6 s to load and some seconds to compile on first use, so small
work is faster in plain Python. Both give the same result to the unit; nothing of this module is a
parameter of a run. Numba is loaded here and only here, by name, when a caller that has a cache
asks for large work: web processes ask with `PLAIN` and never load it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol, cast

from tracing.engine.clusters import Bools, Clusters, cospend
from tracing.engine.forward import ForwardWalk
from tracing.engine.ledger import Ledger
from tracing.engine.walk import Tick, Walk

RUN_FROM: Final = 10_000
"""Transactions a run walks in plain Python first: as long as loading the compiled kernel takes."""
COSPEND_FROM: Final = 3_000_000
"""Inputs from which clustering is compiled; below, vectorised numpy takes less than loading."""
COMPILED_POLICIES: Final = ("haircut", "poison")


class Compiled(Protocol):
    """What `tracing.engine.compiled` offers, each with the signature of its twin."""

    def cospend(
        self, ledger: Ledger, excluded_tx: Bools | None = None, wall_address: Bools | None = None
    ) -> Clusters:
        """The twin of `clusters.cospend`."""

    def run(self, walk: Walk, tick: Tick | None, every: int, most: int | None = None) -> None:
        """The twin of `Walk.run`."""


def compiled(cache: Path) -> Compiled | None:
    """The compiled kernels, None where numba is not installed.

    Machine code is kept under `cache` by numba, which keys it by the source file's time and size
    and by the processor, so an upgrade compiles anew and stale code is never run.
    """
    if find_spec("numba") is None:
        return None
    # Numba reads this once, when it is first imported.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache))
    return cast("Compiled", import_module("tracing.engine.compiled"))


@dataclass(frozen=True)
class Kernels:
    """Chooses by size.

    Args:
        cache: where machine code is kept between processes; None means plain Python only.
        run_from, cospend_from: sizes from which the compiled twins take over.
    """

    cache: Path | None = None
    run_from: int = RUN_FROM
    cospend_from: int = COSPEND_FROM

    def cospend(
        self, ledger: Ledger, excluded_tx: Bools | None = None, wall_address: Bools | None = None
    ) -> Clusters:
        """Clusters of the ledger; see `clusters.cospend`."""
        if self.cache is not None and ledger.num_inputs >= self.cospend_from:
            fast = compiled(self.cache)
            if fast is not None:
                return fast.cospend(ledger, excluded_tx, wall_address)
        return cospend(ledger, excluded_tx, wall_address)

    def run(self, walk: Walk, tick: Tick | None, every: int) -> None:
        """Carry a walk to its end: plain at first, compiled once it has shown to be large."""
        if self.cache is not None and can_compile(walk):
            walk.run(tick, every, self.run_from)
            fast = compiled(self.cache) if walk.heap else None
            if fast is not None:
                fast.run(walk, tick, every)
        walk.run(tick, every)


def can_compile(walk: Walk) -> bool:
    """Whether a walk has a compiled twin: forward, by a policy without tapes."""
    return isinstance(walk, ForwardWalk) and walk.spec.policy in COMPILED_POLICIES


PLAIN: Final = Kernels()
"""Plain Python and numpy for every size."""
