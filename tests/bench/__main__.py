"""Measure, print, and write `docs/benchmarks.md`.

`python -m tests.bench [--quick] [--large]`: `--quick` runs the smallest size and writes nothing,
`--large` adds 5 million transactions. `--twins N` compares N random traces of coins, and N over
accounts, by the compiled kernels and by their plain twins instead, and `--accounts N` N random
traces over accounts with every unit's own way (nightly: 12000 each).
"""

from __future__ import annotations

import gc
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from tests.bench.account_twins import compare_pools
from tests.bench.accounts import account_haircut, compare_accounts
from tests.bench.appending import append_block
from tests.bench.generator import generate
from tests.bench.load import HEADING
from tests.bench.rows import Row, clustering, haircut, timed
from tests.bench.twins import compare_clusters, compare_traces
from tests.bench.whole import whole_ledger
from tracing.engine.kernels import Kernels, compiled
from tracing.engine.seal import ENGINE_VERSION
from tracing.engine.spec import TraceSpec
from tracing.engine.trace import trace

SIZES: Final = (100_000, 1_000_000)
LARGE: Final = (5_000_000,)
MODULES: Final = {
    "numba": "numba", "networkx": "networkx", "graphsense-clustering": "gs_clustering"
}  # fmt: skip
REPORT: Final = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


def main() -> None:
    """Run every row at every size."""
    options = sys.argv[1:]
    with TemporaryDirectory() as folder:
        cache = Path(folder)
        if "--twins" in options:
            num = int(options[options.index("--twins") + 1])
            say(f"{compare_clusters(max(1, num // 100), cache):,} merges are the same")
            say(f"{num:,} traces are the same; {compare_traces(num, cache):,} ends and coins")
            say(f"{num:,} traces over accounts too; {compare_pools(num, cache):,} ends")
            return
        if "--accounts" in options:
            num = int(options[options.index("--accounts") + 1])
            say(f"{num:,} traces over accounts are exact; {compare_accounts(num):,} ends")
            return
        sizes = SIZES[:1] if "--quick" in options else SIZES
        rows, first_use = measured((*sizes, *LARGE) if "--large" in options else sizes, cache)
    if "--quick" not in options:
        _before, heading, load = REPORT.read_text().partition(HEADING)
        REPORT.write_text(document(rows, first_use) + (f"\n{heading}{load}" if heading else ""))


def measured(sizes: Sequence[int], cache: Path) -> tuple[list[Row], str]:
    """All rows, and what the first use of the compiled kernels costs, in words."""
    fast = Kernels(cache, run_from=0, cospend_from=0)
    kernels = fast if compiled(cache) is not None else None
    first_use = "numba is not installed: nothing was compiled."
    if kernels is not None:
        small = generate(2_000)
        spec = TraceSpec(seeds=(5,))
        _, seconds = timed(lambda: (fast.cospend(small), trace(spec, small, kernels=fast)))
        first_use = f"The first use of the compiled kernels, with compiling, took {seconds:.1f} s."
    rows: list[Row] = []
    for size in sizes:
        ledger, seconds = timed(lambda size=size: generate(size))  # type: ignore[misc]
        say(f"ledger of {size:,} transactions made in {seconds:.1f} s")
        # A stored ledger is arrays; the names that this one keeps as Python texts would be looked
        # through by every collection of ours and of the peers.
        gc.freeze()
        for measure in (clustering, haircut):
            for row in measure(ledger, kernels):
                rows.append(row)
                say(in_words(row))
        for row in (*whole_ledger(ledger), *append_block(ledger)):
            rows.append(row)
            say(in_words(row))
        del ledger
        gc.unfreeze()
        for row in account_haircut(size, kernels):
            rows.append(row)
            say(in_words(row))
    return rows, first_use


def in_words(row: Row) -> str:
    """A row as one line."""
    return (
        f"{row.operation:>24} {row.num_tx:>9,}  {row.kernel} {row.ours:.3f} s, "
        f"{row.peer} {row.peer_load:.2f} + {row.peer_compute:.3f} s: {row.ratio:.1f}x "
        f"({row.ratio_compute:.1f}x once loaded); {row.found}"
    )


def say(line: str) -> None:
    """One line to the reader at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def document(rows: list[Row], first_use: str) -> str:
    """The rows as a page."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Each operation runs beside its peer on the same ledger in the",
        "same run, and the results are compared: a difference stops the benchmark. The ratio is",
        "how many times as long the peer takes; above 1 we are faster. No test asserts a time.",
        "",
        "The ledger is generated (`tests/bench/generator.py`, seed 7): reuse by power law, peel",
        "chains, services that sweep, CoinJoins. Our times start from the ledger's arrays,",
        "which open in milliseconds; the peer loads its graph first. Ours also makes merge",
        "edges (clustering), and bounds, statuses and a balance sheet (haircut). The ledger of",
        "accounts is one token whose transfers follow a power law (`tests/bench/accounts.py`).",
        "A whole-ledger job (`docs/operate/scale.md`) has the same hash by both; what the peer",
        "loads are the tables that it makes of Parquet for all jobs.",
        "",
        "`compiled` is the optional kernel of `make fast`, `plain` and `numpy` its twins, with the",
        "same result. `gs_clustering` is GraphSense's Rust package graphsense-clustering.",
        first_use,
        "",
        "| operation | transactions | kernel | ours | peer | peer loads | peer computes "
        "| ratio | once loaded | result |",
        "| --- | ---: | --- | ---: | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    lines += [
        f"| {row.operation} | {row.num_tx:,} | {row.kernel} | {row.ours:.3f} s | {row.peer} "
        f"| {row.peer_load:.2f} s | {row.peer_compute:.3f} s "
        f"| {row.ratio:.1f}x | {row.ratio_compute:.1f}x | {row.found} |"
        for row in rows
    ]
    lines += ["", machine(), ""]
    return "\n".join(lines)


def machine() -> str:
    """Versions and the machine, in one paragraph."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = ("numba", "networkx", "graphsense-clustering")
    peers = ", ".join(f"{name} {version(name)}" for name in names if find_spec(MODULES[name]))
    return (
        f"Engine {ENGINE_VERSION}; Python {platform.python_version()}, numpy {np.__version__}, "
        f"{peers}; {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB."
    )


if __name__ == "__main__":
    main()
