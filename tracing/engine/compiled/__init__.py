"""Kernels compiled by numba: the same signatures and results as their plain-Python twins.

Importing this package imports numba, so nothing imports it by name: `kernels.compiled` loads it
where a caller asked for it, and a process that never asks never pays. The twins are
`clusters.cospend`, `walk.Walk.run`, `search.Search` and `pools.walk_rows`.
"""

from tracing.engine.compiled.clusters import cospend
from tracing.engine.compiled.pools import walk_rows
from tracing.engine.compiled.search import take_over
from tracing.engine.compiled.walk import run

__all__ = ["cospend", "run", "take_over", "walk_rows"]
