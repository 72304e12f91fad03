"""Whole-ledger jobs: written once as Ibis expressions over the Parquet truth.

They run inside this process on DuckDB, or on a server that speaks Spark Connect; either way the
result is that of the kernels, to the unit, and its hash says so. This module says what can be asked
and loads the rest by name, as that needs the packages of requirements-scale.txt: web processes have
no use for them and never load them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol, cast

from tracing.engine.accounts.ledger import AccountLedger
from tracing.errors import ComputeError
from tracing.ledgers.stored import StoredLedger

JOBS: Final = ("coinjoins", "clusters", "exposure", "statistics")
ACCOUNT_JOBS: Final = ("exposure", "statistics")
"""Those a ledger of accounts has: accounts are never spent together."""
NEEDED: Final = ("ibis", "duckdb", "pandas", "sqlglot")


@dataclass(frozen=True)
class Known:
    """What jobs are told beside the ledger.

    Args:
        walls: addresses that merge nobody; categories: category by address, for exposure.
        of_cluster: the category that an address without one takes over from the addresses of its
            cluster that have one, given these; None where nothing is taken over.
    """

    walls: Sequence[str] = ()
    categories: Mapping[str, str] = field(default_factory=dict)
    of_cluster: Callable[[Sequence[str]], str] | None = None


@dataclass(frozen=True)
class Place:
    """Where to compute.

    Args:
        url: `sc://host:port` of a Spark Connect server, empty for DuckDB in this process.
        seen_home: FIU_HOME as the server sees it, empty where it is the same path.
        folder, memory: where DuckDB may write what passes this much memory, such as `4GB`.
    """

    folder: Path
    url: str = ""
    seen_home: str = ""
    memory: str = "4GB"


@dataclass(frozen=True)
class Outcome:
    """What a job found: the result's hash, its figures, and seconds without preparing."""

    job: str
    sha256: str
    figures: dict[str, Any]  # JSON values
    seconds: float


@dataclass(frozen=True)
class Computed:
    """What jobs over one ledger found; `prepared` are the seconds for what all of them share."""

    ledger: str
    height: int
    tip_hash: str
    engine: str
    prepared: float
    outcomes: tuple[Outcome, ...]


class Jobs(Protocol):
    """What `tracing.compute.jobs` offers."""

    def compute(
        self, home: Path, ledger: str, jobs: Sequence[str], known: Known, place: Place
    ) -> Computed:
        """Run jobs over one ledger, one after another over the same tables."""

    def kernel_hash(self, ledger: StoredLedger | AccountLedger, job: str, known: Known) -> str:
        """The hash of the same result by the kernels."""


class CustomerJobs(Protocol):
    """What `tracing.compute.customers` offers."""

    def customer_figures(
        self, path: str, place: Place, limits: Mapping[str, int], privacy: tuple[str, ...]
    ) -> Iterator[dict[str, Any]]:
        """Figures of each account over a Parquet file of movements."""


def loaded_jobs() -> Jobs:
    """The jobs. Raises ComputeError where their packages are not installed."""
    _require()
    return cast("Jobs", import_module("tracing.compute.jobs"))


def customer_jobs() -> CustomerJobs:
    """The job over customers' movements. Raises ComputeError as `loaded_jobs`."""
    _require()
    return cast("CustomerJobs", import_module("tracing.compute.customers"))


def _require() -> None:
    if any(find_spec(name) is None for name in NEEDED):
        raise ComputeError("Whole-ledger jobs need packages of their own: run make scale once.")
