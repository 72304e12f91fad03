"""The exchange's records from elsewhere than CSV: Parquet files, and what a program sends."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cases.services.errors import ImportRefused
from cases.services.exchange_rows import COLUMNS, Batch, ExchangeFile, Source

STEMS = tuple(name.removesuffix(".csv") for name in COLUMNS)


def sources_of(folder: Path) -> dict[str, Source]:
    """The files of a folder by what they hold: `NAME.csv`, else `NAME.parquet`.

    Raises ImportRefused where one thing stands in both forms. Other files are left alone.
    """
    found: dict[str, Source] = {}
    for stem in STEMS:
        text, columns = folder / f"{stem}.csv", folder / f"{stem}.parquet"
        if text.exists() and columns.exists():
            raise ImportRefused(columns.name, 0, f"{text.name} is there too: leave one of them.")
        if text.exists():
            found[stem] = ExchangeFile(text)
        elif columns.exists():
            found[stem] = ParquetFile(columns)
    return found


@dataclass(frozen=True, slots=True)
class ParquetFile(Source):
    """One Parquet file; cells are taken as the text that a CSV file would have."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def batches(self, size: int) -> Iterator[Batch]:
        wanted = list(self.parsers)
        before = 0
        try:
            with pq.ParquetFile(self.path) as file:
                if sorted(file.schema_arrow.names) != sorted(wanted):
                    raise self.refuse(None, f"its columns must be {','.join(wanted)}.")
                for part in file.iter_batches(size, columns=wanted):
                    columns = [part.column(name).to_pylist() for name in wanted]
                    rows = [list(cells) for cells in zip(*(map(_cell, c) for c in columns),
                                                         strict=True)]  # fmt: skip
                    if rows:
                        yield Batch(self, before, self.typed(before, rows))
                    before += len(rows)
        except (pa.ArrowException, OSError) as error:
            raise self.refuse(None, f"it cannot be read: {error}.") from None

    def refuse(self, row: int | None, reason: str) -> ImportRefused:
        """Its rows have no lines: they are counted from 1."""
        return ImportRefused(self.name, 0 if row is None else row + 1, reason)


@dataclass(frozen=True, slots=True)
class SentRows(Source):
    """Rows that a program sends, each a mapping of the columns as text."""

    stem: str
    rows: Sequence[Mapping[str, str]]

    @property
    def name(self) -> str:
        return self.stem

    def batches(self, size: int) -> Iterator[Batch]:
        wanted = list(self.parsers)
        for number, row in enumerate(self.rows):
            if unknown := sorted(set(row) - set(wanted)):
                raise self.refuse(number, f"it has no column {unknown[0][:40]!r}.")
        for before in range(0, len(self.rows), size):
            part = self.rows[before : before + size]
            cells = [[row.get(name, "") for name in wanted] for row in part]
            yield Batch(self, before, self.typed(before, cells))

    def refuse(self, row: int | None, reason: str) -> ImportRefused:
        """Counted from 1."""
        return ImportRefused(self.stem, 0 if row is None else row + 1, reason)

    def named(self, *columns: str) -> set[str]:
        """What stands in some columns."""
        return {row[name] for row in self.rows for name in columns if row.get(name)}


def _cell(value: Any) -> str:  # what Arrow gives for a cell
    """A value as the text of a CSV cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):  # a time without a zone is refused like one in a CSV file
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)
