"""Measure, print, and write `docs/benchmarks.md`: `python -m tests.bench [--quick]`."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Final

import networkx
import numpy as np

from tests.bench.generator import generate
from tests.bench.rows import Row, clustering, haircut, timed
from tracing.engine.seal import ENGINE_VERSION

SIZES: Final = (100_000, 1_000_000)
REPORT: Final = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


def main() -> None:
    """Run every row at every size; `--quick` only the smallest, without writing the document."""
    quick = "--quick" in sys.argv[1:]
    rows: list[Row] = []
    for size in SIZES[:1] if quick else SIZES:
        ledger, seconds = timed(lambda size=size: generate(size))  # type: ignore[misc]
        say(f"ledger of {size:,} transactions made in {seconds:.1f} s")
        for measure in (clustering, haircut):
            row = measure(ledger)
            rows.append(row)
            say(
                f"{row.operation:>10} {row.num_tx:>9,}  ours {row.ours:.3f} s, {row.peer} "
                f"{row.peer_load:.2f} + {row.peer_compute:.3f} s: {row.ratio:.1f}x "
                f"({row.ratio_compute:.1f}x once loaded); {row.found}"
            )
        del ledger
    if not quick:
        REPORT.write_text(document(rows))


def say(line: str) -> None:
    """One line to the reader at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def document(rows: list[Row]) -> str:
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
        "edges (clustering), and bounds, statuses and a balance sheet (haircut).",
        "",
        "| operation | transactions | ours | peer | peer loads | peer computes "
        "| ratio | once loaded | result |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    lines += [
        f"| {row.operation} | {row.num_tx:,} | {row.ours:.3f} s | {row.peer} "
        f"| {row.peer_load:.2f} s | {row.peer_compute:.3f} s "
        f"| {row.ratio:.1f}x | {row.ratio_compute:.1f}x | {row.found} |"
        for row in rows
    ]
    lines += ["", machine(), ""]
    return "\n".join(lines)


def machine() -> str:
    """Versions and the machine, in one paragraph."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Engine {ENGINE_VERSION} in plain Python over arrays; Python {platform.python_version()}, "
        f"numpy {np.__version__}, networkx {networkx.__version__}; {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB."
    )


if __name__ == "__main__":
    main()
