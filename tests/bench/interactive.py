"""What people wait for: `python -m tests.bench.interactive [--million N] [--demo HOME]`.

The page of an address at N million transactions (20), each address asked for the first time with
the ledger's files out of the page cache; one hop, the first path and six hops on the demo (of the
installation under HOME, else one made now); and five thousand groups of a money flow. The ledger is
one generated million laid N times one behind the other, each with ids of its own. With all of it
the last section of docs/benchmarks.md is written.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

from tests.bench.generator import generate
from tests.bench.load import REPORT
from tests.bench.stored import LEDGER, store_generated
from tests.bench.tiled import forget_pages, tile
from tracing.ledgers import open_ledger
from tracing.ledgers.clusters import stored_clusters
from tracing.ledgers.names import folder as ledger_folder

HEADING: Final = "## At the desk"
MILLION: Final = 1_000_000
FULL: Final = 20
ASKED: Final = 1_000
HISTORY: Final = 50
WALKS: Final = 60
DEPTH: Final = 6


@dataclass(frozen=True)
class Waited:
    """One operation: what was asked, its times in milliseconds, and the target."""

    operation: str
    about: str
    times: tuple[float, ...]
    target: str
    goal: float
    at: int
    """Which percentile the target is of."""

    def percentile(self, at: int) -> float:
        return float(np.percentile(self.times, at))

    @property
    def is_met(self) -> bool:
        return self.percentile(self.at) < self.goal

    def row(self) -> str:
        figures = " | ".join(f"{self.percentile(at):,.1f}" for at in (50, 95, 99, 100))
        met = "met" if self.is_met else "**missed**"
        return (
            f"| {self.operation} | {self.about} | {len(self.times):,} | {figures} "
            f"| {self.target} | {met} |"
        )


def waited(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = perf_counter()
    work()
    return (perf_counter() - begun) * 1_000


def make_ledger(home: Path, million: int) -> dict[str, list[str]]:
    """The tiled ledger under FIU_HOME, and addresses to ask for, by how they were chosen."""
    store_generated(generate(MILLION), home)
    small = open_ledger(home, LEDGER)
    stored_clusters(small, ())
    arrays = small.folder
    sizes = (small.num_tx, small.num_outputs, small.num_inputs, small.num_addresses)
    tile(arrays, sizes, len(small.block_height), million)
    del small
    ledger = open_ledger(home, LEDGER)
    assert ledger.num_tx == million * MILLION
    draw = random.Random(7)
    anybody = [draw.randrange(ledger.num_addresses) for _ in range(ASKED)]
    paid = [int(ledger.out_address[draw.randrange(ledger.num_outputs)]) for _ in range(ASKED)]
    chosen = {
        "any address": ledger.address_texts(dict.fromkeys(anybody)),
        "as often as it was paid": ledger.address_texts(dict.fromkeys(paid)),
    }
    folder = ledger_folder(home, LEDGER)
    del ledger
    forget_pages(folder)
    return chosen


def address_pages(chosen: dict[str, list[str]], million: int) -> Iterable[Waited]:
    """Summary, newest history with counterparties, and cluster, by an address's text."""
    for how, texts in chosen.items():
        forget_pages(ledger_folder(settings.FIU_HOME, LEDGER))
        reads.address_summary(LEDGER, texts[0])  # the ledger is open, its pages are not read

        def ask(text: str) -> None:
            assert reads.address_summary(LEDGER, text) is not None
            assert reads.address_history(LEDGER, text, limit=HISTORY)
            assert reads.cluster(LEDGER, text) is not None

        times = tuple(waited(lambda text=text: ask(text)) for text in texts[1:])  # type: ignore[misc]
        about = f"{million} million transactions, first touch, {how}"
        yield Waited("address page", about, times, "p99 < 10 ms", 10, 99)


def on_the_demo() -> Iterable[Waited]:
    """One hop from an address, and paths along six hops of random walks over the demo's coins."""
    ledger = open_ledger(settings.FIU_HOME, LEDGER)
    draw = random.Random(7)
    walks = [walk for walk in (_walk(ledger, draw) for _ in range(WALKS * 20)) if len(walk) > DEPTH]
    walks = walks[:WALKS]
    texts = [ledger.address_text(int(ledger.out_address[walk[0]])) for walk in walks]

    known = Known(walls_now(LEDGER))

    def trace_of(text: str) -> object:
        return repeat(TraceParameters(LEDGER, (text,), max_hops=1), known=known)

    trace_of(texts[0])
    times = tuple(waited(lambda text=text: trace_of(text)) for text in texts)  # type: ignore[misc]
    yield Waited("one-hop expand", "demo", times, "< 300 ms", 300, 100)
    for name, hops, goal, target in (
        ("first path", 1, 500, "< 500 ms"), ("path", DEPTH, 2_000, "< 2 s"),
    ):  # fmt: skip
        spent, num_found = [], 0
        for walk in walks:
            ends = [_outpoint(ledger, walk[0]), _outpoint(ledger, walk[hops])]
            asked = TraceParameters(
                LEDGER, (ends[0],), mode="paths", targets=(ends[1],), max_hops=hops,
                coinjoin="through",
            )  # fmt: skip
            begun = perf_counter()
            num_found += bool(repeat(asked, known=known)["paths"])
            spent.append((perf_counter() - begun) * 1_000)
        # A walk may lead over a wall, where no path does.
        about = f"demo, all to depth {hops}; between {num_found} of them there are some"
        yield Waited(name, about, tuple(spent), target, goal, 100)


def _walk(ledger: Any, draw: random.Random) -> list[int]:
    """A coin, one that its spender made, one that the spender of this made, and so on."""
    coins = [draw.randrange(ledger.num_outputs)]
    while len(coins) <= DEPTH:
        spent = int(ledger.out_spent_in[coins[-1]])
        if spent >= ledger.num_inputs:
            break
        tx = int(ledger.in_tx[spent])
        coins.append(draw.randrange(int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])))
    return coins


def _outpoint(ledger: Any, coin: int) -> str:
    tx = int(ledger.out_tx[coin])
    return f"{ledger.txid(tx)}:{coin - int(ledger.out_off[tx])}"


def large_flow() -> Iterable[Waited]:
    """Five thousand groups folded and laid out, and the largest folded card opened in place."""
    draw = random.Random(3)
    groups = [Group(f"g{n}", "", lane=n % 5, amount=draw.randrange(10**9)) for n in range(5_000)]
    edges = [
        Edge(f"g{n}", f"g{m}", draw.randrange(1, 10**6))
        for n in range(5_000)
        for m in (draw.randrange(5_000), draw.randrange(5_000))
        if m != n
    ]
    cards, _links = summarise(groups, edges)
    fold = max(cards, key=lambda card: len(card.members))
    for words, opened in (("folded", []), ("one card opened", [fold.id])):
        drawn = summarise(groups, edges, opened=opened)
        assert len(drawn[0]) <= MOST_EXPANDED
        times = tuple(
            waited(lambda opened=opened: layout(*summarise(groups, edges, opened=opened)))  # type: ignore[misc]
            for _ in range(20)
        )
        about = f"5,000 groups, {words}: {len(drawn[0])} cards"
        yield Waited("money flow", about, times, "at most 300 cards, p95 < 1 s", 1_000, 95)


def section(rows: Iterable[Waited]) -> str:
    """The rows as the last section of the page."""
    return "\n".join([
        HEADING,
        "",
        "Written by `python -m tests.bench.interactive`. Times in milliseconds, without the web",
        "server. *First touch*: the ledger's files were dropped from the page cache, and each",
        "address is asked for once; a virtual machine's host may have kept what it read. The",
        "address page is summary, 50 newest transactions with the other sides, and cluster.",
        "",
        "| operation | of what | asked | median | p95 | p99 | longest | target | |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |",
        *(row.row() for row in rows),
        "",
    ])  # fmt: skip


def child(home: Path, *arguments: str) -> list[Waited]:
    """The rows of a part, measured by a process of its own over an installation."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    environment = {
        **clean, "FIU_HOME": str(home), "FIU_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "fiu.settings",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, *arguments],
        env=environment, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    rows = [
        Waited(**{**row, "times": tuple(row["times"])})
        for row in json.loads(done.stdout.splitlines()[-1])
    ]
    sys.stderr.write("".join(f"{row.row()}\n" for row in rows))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--million", type=int, default=FULL)
    parser.add_argument("--demo", type=Path, help="FIU_HOME of a loaded demo")
    parser.add_argument("--part", choices=("pages", "demo", "flow"), help="be one of the parts")
    parser.add_argument("--keep", type=Path, help="folder of the ledger, kept for the next time")
    options = parser.parse_args()
    if options.part:
        part(options.part, options.million)
        return
    with tempfile.TemporaryDirectory(prefix="fiu-bench-") as scratch:
        rows = []
        home = options.keep or Path(scratch) / "pages"
        if not (home / "chosen.json").exists():
            home.mkdir(parents=True, exist_ok=True)
            (home / "chosen.json").write_text(json.dumps(make_ledger(home, options.million)))
        rows += child(home, "--part", "pages", "--million", str(options.million))
        demo = options.demo
        if demo is None:
            demo = Path(scratch) / "demo"
            make_demo(demo)
        rows += child(demo, "--part", "demo")
        rows += child(demo, "--part", "flow")
    text = section(rows)
    sys.stdout.write(text)
    if options.million == FULL:
        before = REPORT.read_text().partition(HEADING)[0].rstrip()
        REPORT.write_text(f"{before}\n\n{text}")


def make_demo(home: Path) -> None:
    """A demo installation of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    for command in ("migrate", "demo"):
        subprocess.run(
            [sys.executable, "manage.py", command], check=True, stdout=subprocess.DEVNULL,
            env={**clean, "FIU_HOME": str(home)}, cwd=REPORT.parents[1],
        )  # fmt: skip


def part(name: str, million: int) -> None:
    """Measure one part and write its rows as JSON."""
    if name == "pages":
        call_command("migrate", verbosity=0, stdout=sys.stderr)
        chosen = json.loads((Path(settings.FIU_HOME) / "chosen.json").read_text())
        rows = list(address_pages(chosen, million))
    else:
        rows = list(on_the_demo() if name == "demo" else large_flow())
    sys.stdout.write(json.dumps([row.__dict__ for row in rows]) + "\n")


if os.environ.get("DJANGO_SETTINGS_MODULE"):
    import django

    django.setup()

    from django.conf import settings
    from django.core.management import call_command

    from cases.flow import Edge, Group, layout
    from cases.flow_groups import MOST_EXPANDED, summarise
    from tracing import reads
    from tracing.engine.spec import TraceParameters
    from tracing.follow import Known, repeat
    from tracing.walls import walls_now

if __name__ == "__main__":
    main()
