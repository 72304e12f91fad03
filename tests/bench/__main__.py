"""Measure, print, and write `docs/benchmarks.md`.

`python -m tests.bench [--quick | --sizes N,N]`: every size writes a section of its own and leaves
the others as they are; without options these are 100,000 and a million transactions. Above a
million only what has a target there is measured: clustering up to 5 million, and haircut beside
our plain Python (20 million: 5 GB, some ten minutes). `--quick` runs the smallest size and writes
nothing. `--twins N` compares N random traces of coins, N searches for paths, and N traces over
accounts by the compiled kernels and by their plain twins instead, and `--accounts N` N random
traces over accounts with every unit's own way (nightly: 12000 each).
"""

from __future__ import annotations

import gc
import os
import platform
import re
import sys
from argparse import (
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Iterable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NoReturn

import numpy as np

from tests.bench.account_twins import compare_pools
from tests.bench.accounts import account_haircut, compare_accounts
from tests.bench.appending import append_block
from tests.bench.generator import generate
from tests.bench.ingest import ingest
from tests.bench.poison import poison
from tests.bench.routes import routes
from tests.bench.rows import Row, TxGraph, clustering, haircut, tapes_and_back, timed
from tests.bench.twins import compare_clusters, compare_paths, compare_traces
from tests.bench.whole import whole_ledger
from tracing.engine.kernels import Kernels, compiled
from tracing.engine.paths import find_paths
from tracing.engine.seal import ENGINE_VERSION
from tracing.engine.spec import DIRECTIONS, PathsSpec, TraceSpec
from tracing.engine.trace import trace

SIZES: Final = (100_000, 1_000_000)
MOST_GRAPH: Final = 1_000_000
"""Transactions up to which all is measured: networkx's graph of them takes 3 GB then."""
MOST_CLUSTERED: Final = 5_000_000
PEERS: Final = {
    "numba": "numba", "networkx": "networkx", "networkit": "networkit",
    "graphsense-clustering": "gs_clustering", "duckdb": "duckdb",
}  # fmt: skip
"""Packages by the module they are imported as."""
REPORT: Final = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
HEADINGS: Final = "## With "
"""How the heading of each size begins."""


def main() -> None:
    """Run every row at every size."""
    options = asked(sys.argv[1:])
    with TemporaryDirectory() as folder:
        cache = Path(folder)
        if options.twins:
            num = options.twins
            say(f"{compare_clusters(max(1, num // 100), cache):,} merges are the same")
            say(f"{num:,} traces are the same; {compare_traces(num, cache):,} ends and coins")
            say(f"{num:,} searches are the same; {compare_paths(num, cache):,} paths")
            say(f"{num:,} traces over accounts too; {compare_pools(num, cache):,} ends")
            return
        if options.accounts:
            num = options.accounts
            say(f"{num:,} traces over accounts are exact; {compare_accounts(num):,} ends")
            return
        kernels = ready(cache)
        for size in SIZES[:1] if options.quick else options.sizes:
            rows = measured(size, kernels)
            if not options.quick:
                REPORT.write_text(with_section(REPORT.read_text(), size, rows))


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message}; --help tells the options\n")


def asked(words: list[str]) -> Namespace:
    """The options; ends the program with one sentence where there is no such option."""
    parser = _Parser(
        "python -m tests.bench", description=__doc__, formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--quick", action="store_true", help="the smallest size; writes nothing")
    one.add_argument("--sizes", type=numbers, default=SIZES, metavar="N,N", help="transactions")
    one.add_argument("--twins", type=number, metavar="N", help="compare the kernels instead")
    one.add_argument("--accounts", type=number, metavar="N", help="compare with single units")
    return parser.parse_args(words)


def number(word: str) -> int:
    """A whole number above zero. Raises ArgumentTypeError."""
    if not word.isdecimal() or not int(word):
        raise ArgumentTypeError(f"{word} is no whole number above zero")
    return int(word)


def numbers(words: str) -> tuple[int, ...]:
    """Whole numbers above zero with commas between. Raises ArgumentTypeError."""
    return tuple(map(number, words.split(",")))


def ready(cache: Path) -> Kernels | None:
    """The compiled kernels from the first row on, compiled; None where numba is absent."""
    fast = Kernels(cache, run_from=0, paths_from=0, cospend_from=0)
    if compiled(cache) is None:
        return None
    small = generate(2_000)

    def use() -> None:
        fast.cospend(small)
        for direction in DIRECTIONS:
            trace(TraceSpec(seeds=(5,), direction=direction), small, kernels=fast)
        find_paths(PathsSpec((5,), (900,)), small, kernels=fast)

    _, seconds = timed(use)
    say(f"the first use of the compiled kernels, with compiling, took {seconds:.1f} s")
    return fast


def measured(size: int, kernels: Kernels | None) -> list[Row]:
    """All rows of one size."""
    rows: list[Row] = []

    def keep(found: Iterable[Row]) -> None:
        for row in found:
            rows.append(row)
            say(in_words(row))

    ledger, seconds = timed(lambda: generate(size))
    say(f"ledger of {size:,} transactions made in {seconds:.1f} s")
    # What the ledger and the graph hold would be looked through by every collection of ours and of
    # the peers; a stored ledger is arrays.
    gc.freeze()
    if size <= MOST_CLUSTERED:
        keep(clustering(ledger, kernels))
    if size > MOST_GRAPH:
        keep(haircut(ledger, kernels, None))
        gc.unfreeze()
        return rows
    peer = TxGraph.of(ledger)
    gc.freeze()
    keep(haircut(ledger, kernels, peer))
    keep(tapes_and_back(ledger, kernels))
    keep(poison(ledger, kernels, peer))
    keep(routes(ledger, kernels, peer))
    del peer
    gc.unfreeze()
    keep(whole_ledger(ledger))
    keep(append_block(ledger))
    del ledger
    keep(account_haircut(size, kernels))
    if size == SIZES[0]:
        keep(ingest())
    return rows


def in_words(row: Row) -> str:
    """A row as one line."""
    beside = ""
    if row.peer:
        beside = (
            f", {row.peer} {span(row.peer_load)} + {span(row.peer_compute)}: {row.ratio:.1f}x "
            f"({row.ratio_compute:.1f}x once loaded)"
        )
    return (
        f"{row.operation:>34} {row.num_tx:>9,}  {row.kernel} {span(row.ours)}{beside}; {row.found}"
    )


def span(seconds: float) -> str:
    """Seconds in words, with two or three digits that count."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} µs"


def say(line: str) -> None:
    """One line to the reader at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def with_section(text: str, size: int, rows: list[Row]) -> str:
    """The page with the section of one size made anew; sizes in their order, then the rest."""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    of = {_size_of(part): part for part in parts if part.startswith(HEADINGS)}
    of[size] = section(size, rows)
    others = [part for part in parts if not part.startswith(HEADINGS)]
    return "\n".join(
        part.rstrip() + "\n" for part in (HEAD, *(of[each] for each in sorted(of)), *others)
    )


def _size_of(part: str) -> int:
    return int(part.removeprefix(HEADINGS).split()[0].replace(",", ""))


HEAD: Final = """# Benchmarks

Written by `make bench`. Each operation runs beside its peer on the same ledger in the same run, and
the results are compared first: a difference stops the benchmark. The ratio is how many times as
long the peer takes; above 1 we are faster. No test asserts a time.

The ledger is generated (`tests/bench/generator.py`, seed 7): reuse by power law, peel chains,
services that sweep, CoinJoins. Our times start from the ledger's arrays, which open in
milliseconds; a peer loads its graph or its tables first. Traces are of 200 coins of the last 5 % of
the chain. What ours makes besides: merge edges (clustering); bounds, statuses, steps and a balance
sheet (traces). Paths lead from a coin to one that it led to, as far as the fewest transactions
between the two: ours finds the ten best of that length by amount, the peers find one. The ledger of
accounts is one token whose transfers follow a power law (`tests/bench/accounts.py`). A whole-ledger
job (`docs/operate/scale.md`) has the same hash by both; what the peer loads are the tables that it
makes of Parquet for all jobs. Readers beside an append are processes that open the ledger 50 times
a second and check that its newest 200 transactions hang together.

`compiled` is the optional kernel of `make fast`, from the first transaction on; `plain` and `numpy`
are its twins, with the same result. A run takes the plain one first and changes over once it has
grown large. `gs_clustering` is GraphSense's Rust package graphsense-clustering.

What a trace finds stands in arrays of numbers, of which objects and JSON are made when somebody
reads them: on the page of a run, not here.

A target is that of the kernel which a run of this size uses, the compiled one. The rows of its
twins say what an installation without `make fast` has: there GraphSense's Rust clusters faster than
numpy, and what networkx walks takes plain Python as long.

Where a target is missed: `bfs_layers` of networkx only visits transactions, over lists that it has
made before. Of our time for poison the kernel takes about a half: it was 206 ms at a million
transactions while every end and step became an object, 53 ms without them, 31 ms since the kernel
is compiled as one piece, and 14 ms since it counts no holders of its arrays.

Short paths end after a handful of transactions: networkx and NetworKit then need microseconds, ours
some tenths of a millisecond to set itself up, without a graph to load; marks are fresh pages of
memory, so that it hardly grows with the ledger (859 µs at a million transactions before). What a
person would wait for is the longest. NetworKit finds one path by the number of transactions alone
and knows no amounts, walls or CoinJoins, so it cannot take the place of ours. Plain Python is
faster there until a search has seen some hundred transactions.

An appended block is durable when it is done: seven tables of Parquet, 28 columns, 13 arrays that
find things in it, the manifest, in 58 files and folders synced. At 55 ms it was mostly numpy
opening a hundred mapped files; heads are parsed once now and files synced four at a time. Of the 30
ms that are left, syncing takes 10, as the disk of this machine does one after the other, writing
and reading the tables 8, opening the ledger 3. Fewer files would need another format on disk;
trusting arrays that were not synced would need a check of all of them after a power cut. Beside
four readers the load shares two cores with them.
"""


def section(size: int, rows: list[Row]) -> str:
    """The rows of one size, and where they were measured."""
    lines = [
        f"{HEADINGS}{size:,} transactions",
        "",
        "| operation | kernel | ours | peer | peer loads | peer computes | ratio | once loaded "
        "| target | result |",
        "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for row in rows:
        beside = [""] * 4
        if row.peer:
            beside = [
                span(row.peer_load), span(row.peer_compute), f"{row.ratio:.1f}x",
                f"{row.ratio_compute:.1f}x",
            ]  # fmt: skip
        cells = [row.operation, row.kernel, span(row.ours), row.peer, *beside, row.target]
        lines.append(f"| {' | '.join((*cells, row.found))} |")
    return "\n".join([*lines, "", machine(), ""])


def machine() -> str:
    """Versions and the machine, in one paragraph."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    peers = ", ".join(
        f"{name} {version(name)}" for name, module in PEERS.items() if find_spec(module)
    )
    return (
        f"Engine {ENGINE_VERSION}; Python {platform.python_version()}, numpy {np.__version__}, "
        f"{peers}; {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB."
    )


if __name__ == "__main__":
    main()
