"""The jobs by name: prepare a ledger, run them, give figures, hashes and times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from tracing.compute import Computed, Known, Outcome, Place
from tracing.compute.canonical import result_hash as hash_of_lines
from tracing.compute.clusters import (
    cluster_lines,
    cluster_rows,
    find_clusters,
    kernel_cluster_lines,
)
from tracing.compute.coinjoins import CoinJoins, coinjoin_lines, find_coinjoins
from tracing.compute.engines import Engine, Expr, open_engine, result_hash, whole
from tracing.compute.exposures import exposure_lines, find_exposures, kernel_exposure_lines
from tracing.compute.statistics import (
    find_statistics,
    kernel_statistics_lines,
    statistics_lines,
)
from tracing.compute.tables import Source, Tables, prepare, source_of
from tracing.ledgers.stored import StoredLedger


def compute(home: Path, ledger: str, jobs: Sequence[str], known: Known, place: Place) -> Computed:
    """Run jobs over a ledger's newest snapshot.

    Args:
        home: FIU_HOME; jobs: of `JOBS`.

    Raises ComputeError, LedgerError. Cost: see docs/operate/scale.md.
    """
    source = source_of(home, ledger, place.seen_home)
    with open_engine(place.url, place.folder, place.memory) as engine:
        begun = perf_counter()
        tables = prepare(engine, source)
        prepared = perf_counter() - begun
        # Two of the jobs rest on a third: flags are found once.
        mixes = find_coinjoins(engine, tables) if set(jobs) != {"statistics"} else None
        flagged = perf_counter() - begun - prepared
        outcomes = []
        for job in jobs:
            begun = perf_counter()
            sha256, figures = _run(engine, source, tables, job, known, mixes)
            seconds = perf_counter() - begun + (flagged if job == "coinjoins" else 0)
            outcomes.append(Outcome(job, sha256, figures, seconds))
        snapshot = source.snapshot
        return Computed(
            source.ledger, snapshot.height, snapshot.tip_hash, engine.name,
            prepared + (0 if "coinjoins" in jobs else flagged), tuple(outcomes),
        )  # fmt: skip


def kernel_hash(ledger: StoredLedger, job: str, known: Known) -> str:
    """The hash of the same result by the kernels over the memory-mapped arrays."""
    if job == "coinjoins":
        return hash_of_lines(coinjoin_lines(ledger))
    if job == "clusters":
        return hash_of_lines(kernel_cluster_lines(ledger, known.walls))
    if job == "exposure":
        return hash_of_lines(kernel_exposure_lines(ledger, known.categories))
    return hash_of_lines(kernel_statistics_lines(ledger))


def _run(
    engine: Engine,
    source: Source,
    tables: Tables,
    job: str,
    known: Known,
    mixes: CoinJoins | None,
) -> tuple[str, dict[str, Any]]:
    if mixes is None:
        figures = find_statistics(engine, source, tables)
        return hash_of_lines(statistics_lines(figures)), figures
    if job == "coinjoins":
        figures = {"mixes": len(mixes.lines), "kinds": mixes.kinds, "judged": mixes.candidates}
        return hash_of_lines(mixes.lines), figures
    if job == "clusters":
        clusters = find_clusters(engine, tables, mixes.mixes, known.walls)
        names = ("clusters", "addresses", "largest", "edges", "rounds")
        lines = cluster_lines(cluster_rows(tables, clusters.members))
        return result_hash(engine, lines), {name: getattr(clusters, name) for name in names}
    if job == "exposure":
        rows = find_exposures(engine, tables, mixes.mixes, known.categories)
        return result_hash(engine, exposure_lines(rows)), _exposure_sums(engine, rows)
    figures = find_statistics(engine, source, tables)
    return hash_of_lines(statistics_lines(figures)), figures


def _exposure_sums(engine: Engine, rows: Expr) -> dict[str, Any]:
    """Addresses and satoshi by direction and category."""
    sums = rows.group_by("direction", "category").agg(
        addresses=rows.count(), amount=whole(rows.amount.sum())
    )
    found = sorted(engine.rows(sums), key=lambda row: (row["direction"], row["category"]))
    return {
        "rows": sum(row["addresses"] for row in found),
        "categories": [{**row, "amount": str(row["amount"])} for row in found],
    }
