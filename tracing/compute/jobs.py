"""The jobs by name: prepare a ledger, run them, give figures, hashes and times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Final, TypeAlias

from tracing.compute import ACCOUNT_JOBS, Computed, Known, Outcome, Place
from tracing.compute.accounts import (
    account_exposure_lines,
    account_exposure_sums,
    find_account_exposures,
    find_account_statistics,
    kernel_account_exposure_lines,
    kernel_account_statistics,
    prepare_accounts,
)
from tracing.compute.canonical import result_hash as hash_of_lines
from tracing.compute.clusters import (
    cluster_lines,
    cluster_rows,
    find_clusters,
    kernel_cluster_lines,
)
from tracing.compute.coinjoins import coinjoin_lines, find_coinjoins
from tracing.compute.engines import Engine, Expr, open_engine, result_hash, whole
from tracing.compute.exposures import exposure_lines, find_exposures, kernel_exposure_lines
from tracing.compute.statistics import (
    find_statistics,
    kernel_statistics_lines,
    statistics_lines,
)
from tracing.compute.tables import Source, prepare, source_of
from tracing.engine.accounts.ledger import AccountLedger
from tracing.errors import ComputeError
from tracing.ledgers import names
from tracing.ledgers.stored import StoredLedger

CLUSTER_FIGURES: Final = ("clusters", "addresses", "largest", "edges", "rounds")


def compute(home: Path, ledger: str, jobs: Sequence[str], known: Known, place: Place) -> Computed:
    """Run jobs over a ledger's newest snapshot.

    Args:
        home: FIU_HOME; jobs: of `JOBS`.

    Raises ComputeError, LedgerError. Cost: see docs/operate/scale.md.
    """
    source = source_of(home, ledger, place.seen_home)
    are_accounts = names.is_account(source.ledger)
    refused = sorted(set(jobs) - set(ACCOUNT_JOBS)) if are_accounts else []
    if refused:
        raise ComputeError(
            f"{source.ledger} holds accounts, which have no {' and no '.join(refused)}."
        )
    with open_engine(place.url, place.folder, place.memory) as engine:
        begun = perf_counter()
        run = _of_accounts if are_accounts else _of_coins
        ready, found = run(engine, source, jobs, known)
        outcomes = tuple(
            Outcome(job, sha256, figures, seconds) for job, sha256, figures, seconds in found
        )
        snapshot = source.snapshot
        return Computed(
            source.ledger,
            snapshot.height,
            snapshot.tip_hash,
            engine.name,
            ready - begun,
            outcomes,
        )


def kernel_hash(ledger: StoredLedger | AccountLedger, job: str, known: Known) -> str:
    """The hash of the same result by the kernels over the memory-mapped arrays."""
    return hash_of_lines(_kernel_lines(ledger, job, known))


def _kernel_lines(ledger: StoredLedger | AccountLedger, job: str, known: Known) -> Iterable[str]:
    if isinstance(ledger, AccountLedger):
        if job == "exposure":
            return kernel_account_exposure_lines(ledger, known.categories)
        return kernel_account_statistics(ledger)
    if job == "coinjoins":
        return coinjoin_lines(ledger)
    if job == "clusters":
        return kernel_cluster_lines(ledger, known.walls)
    if job == "exposure":
        return kernel_exposure_lines(ledger, known)
    return kernel_statistics_lines(ledger)


Found: TypeAlias = tuple[str, str, dict[str, Any], float]
"""Job, hash, figures, seconds."""


def _of_coins(
    engine: Engine, source: Source, jobs: Sequence[str], known: Known
) -> tuple[float, list[Found]]:
    """When the tables stood, and what the jobs found."""
    tables = prepare(engine, source)
    ready = perf_counter()
    mixes = None
    if set(jobs) - {"statistics"}:
        mixes = find_coinjoins(engine, tables)  # what clusters and exposure rest on too
    flagged = perf_counter() - ready
    found = []
    clusters = None
    for job in jobs:
        begun = perf_counter()
        if job == "statistics":
            figures = find_statistics(engine, source, tables)
            sha256 = hash_of_lines(statistics_lines(figures))
        elif mixes is None:
            continue
        elif job == "coinjoins":
            begun -= flagged
            figures = {"mixes": len(mixes.lines), "kinds": mixes.kinds, "judged": mixes.candidates}
            sha256 = hash_of_lines(mixes.lines)
        elif job == "clusters":
            clusters = find_clusters(engine, tables, mixes.mixes, known.walls)
            figures = {name: getattr(clusters, name) for name in CLUSTER_FIGURES}
            sha256 = result_hash(engine, cluster_lines(cluster_rows(tables, clusters.members)))
        else:
            if clusters is None and known.of_cluster is not None:
                clusters = find_clusters(engine, tables, mixes.mixes, known.walls)
            members = None if clusters is None else clusters.members
            rows = find_exposures(engine, tables, mixes.mixes, known, members)
            figures = _exposure_sums(engine, rows)
            sha256 = result_hash(engine, exposure_lines(rows))
        found.append((job, sha256, figures, perf_counter() - begun))
    return ready + (0 if "coinjoins" in jobs else flagged), found


def _of_accounts(
    engine: Engine, source: Source, jobs: Sequence[str], known: Known
) -> tuple[float, list[Found]]:
    tables = prepare_accounts(engine, source)
    ready = perf_counter()
    found = []
    for job in jobs:
        begun = perf_counter()
        figures: dict[str, Any]
        if job == "statistics":
            lines = find_account_statistics(engine, source, tables)
            shown = [line.partition(" ") for line in lines if not line.startswith("token ")]
            figures = {name: value for name, _, value in shown}
            figures["tokens"] = len(lines) - len(shown)
            sha256 = hash_of_lines(lines)
        else:
            rows = find_account_exposures(engine, tables, known.categories)
            figures = account_exposure_sums(engine, tables, rows)
            sha256 = result_hash(engine, account_exposure_lines(rows))
        found.append((job, sha256, figures, perf_counter() - begun))
    return ready, found


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
