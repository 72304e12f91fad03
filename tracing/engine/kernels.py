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

import numpy as np

from tracing.engine.clusters import Bools, Clusters, cospend
from tracing.engine.ledger import Ledger
from tracing.engine.pools import NARROW, Pool, Units, walk_rows
from tracing.engine.seal import code_hash
from tracing.engine.search import Search, Searching
from tracing.engine.walk import Tick, Walk

RUN_FROM: Final = 10_000
"""Transactions a run walks in plain Python first: as long as loading the compiled kernel takes."""
PATHS_FROM: Final = 5_000
"""Transactions a search for paths looks at in plain Python first."""
COSPEND_FROM: Final = 3_000_000
"""Inputs from which clustering is compiled; below, vectorised numpy takes less than loading."""
POOL_FROM: Final = 300_000
"""Rows of accounts that a run walks in plain Python first, for the same reason."""
FEW_ROWS: Final = 64
"""Rows at a time for which handing a pool over costs more than walking them."""


class Compiled(Protocol):
    """What `tracing.engine.compiled` offers, each with the signature of its twin."""

    def cospend(
        self, ledger: Ledger, excluded_tx: Bools | None = None, wall_address: Bools | None = None
    ) -> Clusters:
        """The twin of `clusters.cospend`."""

    def run(self, walk: Walk, tick: Tick | None, every: int, most: int | None = None) -> None:
        """The twin of `Walk.run`."""

    def walk_rows(self, pool: Pool, amounts: Units, end: int, policy: str) -> None:
        """The twin of `pools.walk_rows`."""

    def take_over(self, begun: Search) -> Searching:
        """The twin of `search.Search`, going on where that one stands."""


def compiled(cache: Path) -> Compiled | None:
    """The compiled kernels, None where numba is not installed.

    Machine code is kept under `cache` by numba, which keys it by the source file's time and size
    and by the processor. It does not see that a function or a number of another file has changed,
    so there is a folder for each state of the engine's sources: stale code is never run.
    """
    if find_spec("numba") is None:
        return None
    # Numba reads this once, when it is first imported.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache / code_hash()[:12]))
    return cast("Compiled", import_module("tracing.engine.compiled"))


@dataclass(frozen=True)
class Kernels:
    """Chooses by size.

    Args:
        cache: where machine code is kept between processes; None means plain Python only.
        run_from, paths_from, cospend_from, pool_from: sizes from which the compiled twins take
            over.
        few_rows: rows at a time that stay in plain Python whatever the size of the run.
    """

    cache: Path | None = None
    run_from: int = RUN_FROM
    paths_from: int = PATHS_FROM
    cospend_from: int = COSPEND_FROM
    pool_from: int = POOL_FROM
    few_rows: int = FEW_ROWS

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
        if self.cache is not None:
            walk.run(tick, every, self.run_from)
            fast = compiled(self.cache) if walk.heap else None
            if fast is not None:
                fast.run(walk, tick, every)
        walk.run(tick, every)

    def search(self, search: Searching) -> Searching:
        """What a search for paths goes on with: itself, or its twin once it has grown large."""
        if self.cache is None or not isinstance(search, Search):
            return search
        fast = compiled(self.cache) if search.num_seen >= self.paths_from else None
        return search if fast is None else fast.take_over(search)

    def walk_rows(self, pool: Pool, amounts: Units, end: int, policy: str, walked: int) -> None:
        """Move a pool over rows of its account; `walked` is how many the run has behind it."""
        many = end - pool.place >= self.few_rows and walked >= self.pool_from
        # Amounts are 64-bit numbers only where the account's sums fit; see `moved.units_of`.
        if many and self.cache is not None and amounts.dtype == np.int64 and _is_narrow(pool):
            fast = compiled(self.cache)
            if fast is not None:
                fast.walk_rows(pool, amounts, end, policy)
                return
        walk_rows(pool, amounts, end, policy)


def _is_narrow(pool: Pool) -> bool:
    """Whether a pool can be walked in 64 bits, whatever its account's rows add to it."""
    return max(pool.balance, pool.high, pool.amount) <= NARROW // 2


PLAIN: Final = Kernels()
"""Plain Python and numpy for every size."""
