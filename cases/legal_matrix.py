"""Which instrument from which country may obtain what: a table that counsel edits, not code.

It is where an installation begins; rows that two people put in force come before it
(queries/legal_rows.py).
"""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cases.request_words import DATASETS, INSTRUMENTS

NAME = "legal_matrix.toml"
SHIPPED = Path(__file__).with_name(NAME)


class MatrixError(Exception):
    """The table cannot be read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """What one kind of instrument obtains; `country` is "*" for any."""

    instrument: str
    country: str
    datasets: frozenset[str]
    note: str
    verify_with_counsel: bool


def table_of(home: Path) -> tuple[MatrixRow, ...]:
    """Every row of the installation's own table, or of the shipped one. Raises MatrixError."""
    own = home / NAME
    path = own if own.exists() else SHIPPED
    return _rows(path, path.stat().st_mtime_ns)


def what_may_be_obtained(home: Path, instrument: str, country: str) -> MatrixRow:
    """The first row that fits, of the installation's own table or of the shipped one.

    Without one nothing may be obtained. Raises MatrixError.
    """
    for row in table_of(home):
        if row.instrument == instrument and row.country in ("*", country):
            return row
    return MatrixRow(instrument, country, frozenset(), "", True)


@lru_cache(maxsize=4)
def _rows(path: Path, _changed_at: int) -> tuple[MatrixRow, ...]:
    """The table of a file; kept until the file's time changes."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        rows = [
            MatrixRow(
                instrument=str(each["instrument"]),
                country=str(each["country"]),
                datasets=frozenset(each["datasets"]),
                note=str(each.get("note", "")),
                verify_with_counsel=bool(each.get("verify_with_counsel", True)),
            )
            for each in table["row"]
        ]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise MatrixError(f"{path.name} cannot be read: {error}") from error
    for row in rows:
        unknown = sorted(row.datasets - set(DATASETS))
        if row.instrument not in INSTRUMENTS or unknown:
            raise MatrixError(f"{path.name} names {unknown or row.instrument}, which is not known")
    return tuple(rows)
