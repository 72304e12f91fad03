"""Figures of all customers at once, on DuckDB or Spark, where their rows outgrow one machine.

The movements go into one Parquet file under FIU_HOME; the engine finds the same whole numbers as
cases/detection/features.py does row by row. What wallets met and what is around a person is of few
rows and stays with the run of the rules.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings

from cases.detection import Movement
from cases.detection.features import LIMITS, MONEY, PRIVACY, cents, money_figures
from cases.queries.detection import Inputs
from tracing import reads

ACCOUNTS_AT_ONCE: Final = 5_000
FILE: Final = "cache/customer_movements.parquet"
SCHEMA: Final = pa.schema(
    [("account", pa.int64()), ("seq", pa.int64()), ("at", pa.int64()), ("kind", pa.string()),
     ("asset", pa.string()), ("asset_out", pa.string()), ("cents", pa.int64()),
     ("cents_out", pa.int64())]
)  # fmt: skip
NAMES: Final = tuple(feature.name for feature in MONEY)


@dataclass(frozen=True, slots=True)
class FiguresReport:
    """What one computation found; the hash is over all accounts in order."""

    num_accounts: int
    sha256: str
    seconds: float


def movement_table(rows: Sequence[tuple[int, Movement]]) -> pa.Table:
    """Movements of accounts, sorted by account and time, as the engine reads them."""
    told = [
        (account, seq, int(row.at.timestamp()), row.kind, row.asset, row.asset_out,
         None if row.fiat is None else cents(row.fiat),
         None if row.fiat_out is None else cents(row.fiat_out))
        for seq, (account, row) in enumerate(rows)
    ]  # fmt: skip
    columns = zip(*told, strict=True) if told else [[]] * len(SCHEMA)
    return pa.table([pa.array(column, field.type) for column, field in
                     zip(columns, SCHEMA, strict=True)], schema=SCHEMA)  # fmt: skip


def write_movements(path: Path) -> int:
    """Put every movement with its value into one file, batch by batch; how many accounts moved."""
    inputs, moved = Inputs(), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for batch in inputs.batches(ACCOUNTS_AT_ONCE):
            rows = []
            for pk, _account, mine in inputs.histories(batch):
                moved += bool(mine)
                rows += [(pk, row) for row in mine]
            writer.write_table(movement_table(rows))
    return moved


def figures_on_engine() -> FiguresReport:
    """Write the movements and compute on the engine of FIU_COMPUTE_URL, or DuckDB here.

    Raises ComputeError.
    """
    path = settings.FIU_HOME / FILE
    write_movements(path)
    home = settings.COMPUTE_HOME or str(settings.FIU_HOME)
    place = reads.Place(
        folder=settings.FIU_HOME / "cache", url=settings.COMPUTE_URL,
        seen_home=settings.COMPUTE_HOME, memory=settings.COMPUTE_MEMORY,
    )  # fmt: skip
    try:
        return _report(computed_figures(f"{home}/{FILE}", place))
    finally:
        path.unlink()


def computed_figures(path: str, place: reads.Place) -> Iterator[dict[str, Any]]:
    """Each account with its figures, over a file as the engine sees it. Raises ComputeError."""
    return reads.customer_jobs().customer_figures(path, place, LIMITS, tuple(sorted(PRIVACY)))


def figures_by_rows() -> FiguresReport:
    """The same without an engine, account by account: what the engine is held against."""
    inputs = Inputs()
    return _report(
        {"account": pk, **money_figures(rows)}
        for batch in inputs.batches(ACCOUNTS_AT_ONCE)
        for pk, _account, rows in inputs.histories(batch)
        if rows
    )


def _report(rows: Iterator[dict[str, Any]]) -> FiguresReport:
    begun, digest, number = perf_counter(), hashlib.sha256(), 0
    for row in rows:
        number += 1
        digest.update(" ".join(str(row[name]) for name in ("account", *NAMES)).encode() + b"\n")
    return FiguresReport(number, digest.hexdigest(), perf_counter() - begun)
