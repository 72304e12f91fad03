"""Where jobs run: DuckDB inside this process, or a server that speaks Spark Connect.

Both take the same Ibis expressions. What differs is how a table comes in, how one is kept between
two steps, and how rows come out: one by one, so that the caller never holds a result whole.
"""

from __future__ import annotations

import re
import socket
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import duckdb
import ibis
import pyarrow as pa
from ibis.common.exceptions import IbisError

from tracing.compute.canonical import GROUP_DIGITS, hash_of_groups
from tracing.errors import ComputeError

Expr: TypeAlias = Any  # ibis builds its methods at run time; its types say little
Columns: TypeAlias = Mapping[str, Any]  # numpy or arrow columns
Row: TypeAlias = dict[str, Any]

ADDRESS: Final = re.compile(r"^sc://(\[[0-9a-fA-F:]+\]|[^:/?#\[\]@]+):(\d{1,5})(/.*)?$")
CONNECT_SECONDS: Final = 5


class Engine(Protocol):
    """What jobs need of an engine. Names of kept tables are its own; they go when it is closed."""

    name: str
    errors: tuple[type[Exception], ...]
    """What its packages raise."""

    def read(self, path: str) -> Expr:
        """A Parquet file, by the path under which the engine sees it."""

    def upload(self, columns: Columns) -> Expr:
        """A small table of the caller's, such as the blocks of the chain."""

    def keep(self, name: str, expr: Expr) -> Expr:
        """Compute a table now and keep it, so that what follows starts from its rows."""

    def drop(self, name: str) -> None:
        """Let go of a kept table."""

    def rows(self, expr: Expr) -> Iterator[Row]:
        """Rows one by one, whole numbers exact."""

    def close(self) -> None:
        """Let go of everything."""


class DuckEngine:
    """DuckDB in this process, its tables in a file of its own that goes with it."""

    errors: tuple[type[Exception], ...] = (duckdb.Error, IbisError)

    def __init__(self, folder: Path, memory: str, threads: int | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="compute-", dir=folder)
        scratch = Path(self._folder.name)
        settings: dict[str, Any] = {"memory_limit": memory, "temp_directory": str(scratch)}
        if threads is not None:
            settings["threads"] = threads
        # Rows are sorted where order counts; keeping the files' own would cost memory.
        settings["preserve_insertion_order"] = False
        self._con: Expr = ibis.duckdb.connect(str(scratch / "tables.duckdb"), **settings)
        self.name = f"DuckDB {self._con.version}"
        self._uploads = 0

    def read(self, path: str) -> Expr:
        return self._con.read_parquet(path)

    def upload(self, columns: Columns) -> Expr:
        self._uploads += 1
        return self._con.create_table(f"upload_{self._uploads}", pa.table(dict(columns)))

    def keep(self, name: str, expr: Expr) -> Expr:
        return self._con.create_table(name, expr, overwrite=True)

    def drop(self, name: str) -> None:
        self._con.drop_table(name)

    def rows(self, expr: Expr) -> Iterator[Row]:
        for batch in self._con.to_pyarrow_batches(expr, chunk_size=100_000):
            yield from batch.to_pylist()

    def close(self) -> None:
        self._con.disconnect()
        self._folder.cleanup()


class SparkEngine:
    """A Spark Connect server: Apache Spark, or Sail. It reads and keeps tables on its own disks."""

    def __init__(self, url: str) -> None:
        sql = import_module("pyspark.sql")
        self.errors: tuple[type[Exception], ...] = spark_errors()
        self._session: Expr = sql.SparkSession.builder.remote(url).create()
        self._con: Expr = ibis.pyspark.connect(self._session)
        self.name = f"Spark Connect {self._session.version}"
        self._prefix = f"tracehold_{uuid.uuid4().hex[:12]}"
        self._kept: set[str] = set()
        self._uploads = 0

    def read(self, path: str) -> Expr:
        return self._con.read_parquet(path)

    def upload(self, columns: Columns) -> Expr:
        # Not ibis.memtable: ibis sends it through pandas, where whole numbers may turn to floats.
        self._uploads += 1
        name = f"{self._prefix}_upload_{self._uploads}"
        frame = self._session.createDataFrame(pa.table(dict(columns)))
        frame.createOrReplaceTempView(name)
        return self._con.table(name)

    def keep(self, name: str, expr: Expr) -> Expr:
        # A table, not a cached plan: plans that grow from round to round never come to an end.
        full = f"{self._prefix}_{name}"
        self._kept.add(full)
        return self._con.create_table(full, expr, overwrite=True)

    def drop(self, name: str) -> None:
        full = f"{self._prefix}_{name}"
        self._con.drop_table(full)
        self._kept.discard(full)

    def rows(self, expr: Expr) -> Iterator[Row]:
        # As for uploads: ibis itself would collect everything, and by way of pandas.
        for row in self._session.sql(self._con.compile(expr)).toLocalIterator():
            yield row.asDict()

    def close(self) -> None:
        for name in sorted(self._kept):
            self._con.drop_table(name, force=True)
        self._session.stop()


@contextmanager
def open_engine(url: str, folder: Path, memory: str) -> Iterator[Engine]:
    """The engine that a setting names: `sc://host:port`, or nothing for DuckDB.

    Args:
        folder: where DuckDB may write what does not fit into `memory`, such as `4GB`.

    Raises:
        ComputeError: a package is missing, the server does not answer, or a job failed there.
    """
    engine: Engine = _spark(url) if url else DuckEngine(folder, memory)
    try:
        yield engine
    except engine.errors as error:
        raise ComputeError(f"{engine.name} could not do it: {_first_line(error)}") from error
    finally:
        with suppress(*engine.errors):  # it may be what failed; its tables carry our prefix
            engine.close()


def _spark(url: str) -> SparkEngine:
    match = ADDRESS.match(url)
    if match is None:
        raise ComputeError("FIU_COMPUTE_URL must look like sc://host:port.")
    if find_spec("pyspark") is None:
        raise ComputeError("A Spark Connect server needs its client: run make scale once.")
    host, port = match[1].strip("[]"), int(match[2])
    try:
        # The client itself would go on trying for ten minutes.
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = f"Nothing answers at {host}:{port}, where FIU_COMPUTE_URL points."
        raise ComputeError(reason) from error
    try:
        _shake_hands(f"{match[1]}:{port}", tls="use_ssl=true" in url)
        return SparkEngine(url)
    except spark_errors() as error:
        reason = f"{host}:{port} does not speak Spark Connect: {_first_line(error)}"
        raise ComputeError(reason) from error


def _shake_hands(target: str, *, tls: bool) -> None:
    """Raise where what listens does not speak the protocol below Spark Connect."""
    grpc = import_module("grpc")
    channel = (
        grpc.secure_channel(target, grpc.ssl_channel_credentials())
        if tls
        else grpc.insecure_channel(target)
    )
    try:
        grpc.channel_ready_future(channel).result(timeout=CONNECT_SECONDS)
    except grpc.FutureTimeoutError as error:
        raise ComputeError(f"What listens at {target} does not speak Spark Connect.") from error
    finally:
        channel.close()


def spark_errors() -> tuple[type[Exception], ...]:
    """What the client raises; it is loaded only where a server is asked for."""
    errors, grpc = import_module("pyspark.errors"), import_module("grpc")
    return (errors.PySparkException, grpc.RpcError, IbisError)


def _first_line(error: Exception) -> str:
    lines = (line.strip() for line in str(error).splitlines())
    return next(filter(None, lines), type(error).__name__)[:300]


def result_hash(engine: Engine, lines: Expr) -> str:
    """The canonical hash of a table with the text column `line`; see `canonical.result_hash`.

    Cost: one sort within groups; 4,096 rows come to the caller.
    """
    digests = lines.select(digest=lines.line.hexdigest("sha256"))
    grouped = digests.group_by(name=digests.digest.substr(0, GROUP_DIGITS)).agg(
        digest=digests.digest.collect().sort().join("").hexdigest("sha256")
    )
    return hash_of_groups((row["name"], row["digest"]) for row in engine.rows(grouped))


def whole(values: Expr) -> Expr:
    """A number as int64 where an engine has another width than ibis believes, so that a plain cast
    is left out: DuckDB sums in 128 bits, Spark finds places in 32. No amount passes 64.

    Of an expression over a window too; null where there is nothing to sum.
    """
    return values.cast("decimal(38, 0)").cast("int64")


def only_row(engine: Engine, expr: Expr) -> Row:
    """The one row of an aggregate."""
    (row,) = engine.rows(expr)
    return row
