"""Jobs over a whole ledger on DuckDB, beside the kernels: same hashes, or the benchmark stops."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.bench.rows import Row, timed
from tests.bench.stored import LEDGER, store_generated
from tracing.compute import NEEDED, Known, Place, loaded_jobs
from tracing.engine.ledger import MemoryLedger
from tracing.ledgers import open_ledger

JOBS: Final = ("coinjoins", "clusters", "statistics")
"""Exposure is left out: the kernel answers one address at a time."""


def whole_ledger(ledger: MemoryLedger) -> list[Row]:
    """The kernels over mapped arrays beside DuckDB over Parquet; empty where it is not installed.

    Both times hold the naming and hashing of the result; the peer's loading is what it makes of the
    batches for all jobs, which the kernels have in their arrays.
    """
    if any(find_spec(name) is None for name in NEEDED):
        return []
    jobs, known = loaded_jobs(), Known()
    with TemporaryDirectory() as folder:
        home = Path(folder)
        store_generated(ledger, home)
        found = jobs.compute(home, LEDGER, JOBS, known, Place(home))
        stored = open_ledger(home, LEDGER)
        rows = []
        for each in found.outcomes:
            sha256, ours = timed(lambda job=each.job: jobs.kernel_hash(stored, job, known))  # type: ignore[misc]
            if sha256 != each.sha256:
                raise AssertionError(f"the kernels and DuckDB differ: {each.job}")
            rows.append(
                Row(
                    f"whole ledger: {each.job}",
                    ledger.num_tx,
                    f"{sha256[:16]} from both",
                    "numpy",
                    ours,
                    found.engine,
                    found.prepared,
                    each.seconds,
                )
            )
        return rows
