"""The exchange's records, imported from a folder of CSV files, and the walls they mean for traces.

One transaction: a fault in any line leaves everything as it was. Loading a folder twice changes
nothing; rows already known are brought up to date.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from uuid import uuid4

from django.db import models, transaction

from cases.models import (
    AccountLink,
    Asset,
    Balance,
    DepositAddress,
    ExchangeAccount,
    ExchangeRecord,
    OwnAddress,
    Price,
)
from cases.policy import SYSTEM
from cases.services.audit import record_event
from cases.services.errors import ImportRefused
from cases.services.exchange_rows import REQUIRED, RowReader, check_address, once
from cases.services.upserts import Row, upsert
from tracing import jobs
from tracing.jobs import BoundaryRow

BATCH = 5000
BOUNDARY_SOURCE = "exchange-records"
_NEVER = datetime.max.replace(tzinfo=UTC)

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Rows read per file, and the addresses that are walls for traces now."""

    rows: dict[str, int]
    num_boundaries: int


@dataclass(slots=True)
class _Import:
    """One import: the numbers of accounts and assets by their outside names."""

    folder: Path
    progress: Progress | None
    accounts: dict[str, int] = field(default_factory=dict)
    assets: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def load(
        self,
        file: str,
        model: type[models.Model],
        make: Callable[[RowReader, Row], Row],
        key: tuple[str, ...],
        renewed: tuple[str, ...],
    ) -> None:
        """Read a file row by row and write it in batches; known keys get `renewed` columns."""
        path = self.folder / file
        if not path.exists():
            if file in REQUIRED:
                raise ImportRefused(file, 0, "the folder does not have this file.")
            return
        rows = self._made(RowReader(path), make, key)
        count = 0
        while batch := list(islice(rows, BATCH)):
            upsert(model, batch, key, renewed)
            count += len(batch)
            if self.progress:
                self.progress(file, count)
        self.counts[file] = count

    @staticmethod
    def _made(
        reader: RowReader, make: Callable[[RowReader, Row], Row], key: tuple[str, ...]
    ) -> Iterator[Row]:
        """The rows of the file by attribute of their model, each key once."""
        seen: set[Hashable] = set()
        what = " and ".join(name.removesuffix("_id").replace("_", " ") for name in key)
        for row in reader.rows():
            made = make(reader, row)
            once(reader, seen, tuple(made[name] for name in key), what)
            yield made

    def account(self, reader: RowReader, uid: str) -> int:
        """The number of an account by its uid."""
        try:
            return self.accounts[uid]
        except KeyError:
            raise reader.refuse(f"account {uid!r} is in no accounts.csv.") from None

    def asset(self, reader: RowReader, name: str) -> str:
        """The asset's name, if the exchange has it."""
        if name not in self.assets:
            raise reader.refuse(f"asset {name!r} is in no assets.csv.")
        return name


def import_exchange(folder: Path, progress: Progress | None = None) -> ImportReport:
    """Import accounts, addresses, balances, movements, prices and links from a folder.

    Files: assets.csv and accounts.csv, and any of deposit_addresses, own_addresses, balances,
    movements, prices and links; their first lines name the columns. Other files are left alone.
    `progress(file, rows)` is called after each batch. Raises ImportRefused with file and line;
    nothing is kept then. Cost: one pass, one batch of 5,000 rows in memory beside the keys.
    """
    if not folder.is_dir():
        raise ImportRefused(str(folder.name), 0, "there is no such folder.")
    with transaction.atomic():
        work = _Import(folder, progress)
        _load_accounts(work)
        _load_addresses(work)
        _load_books(work)
        num_boundaries = jobs.set_boundaries(BOUNDARY_SOURCE, _boundaries())
        record_event(
            None, "import_exchange", "exchange", by=SYSTEM,
            data={"rows": work.counts, "num_boundaries": num_boundaries},
        )  # fmt: skip
    return ImportReport(work.counts, num_boundaries)


def _load_accounts(work: _Import) -> None:
    work.load("assets.csv", Asset, lambda _reader, row: row, ("asset",), ("symbol",))
    work.assets = set(Asset.objects.values_list("asset", flat=True))
    _refuse_other_decimals(work)
    work.load(
        "accounts.csv",
        ExchangeAccount,
        lambda _reader, row: {"public_id": uuid4(), **row},
        ("uid",),
        ("customer", "holder_name", "country", "kind", "opened_on", "state", "kyc_level"),
    )
    work.accounts = dict(ExchangeAccount.objects.values_list("uid", "pk"))


def _refuse_other_decimals(work: _Import) -> None:
    """The decimals of an asset never change: every stored amount would mean something else."""
    known = dict(Asset.objects.values_list("asset", "decimals"))
    reader = RowReader(work.folder / "assets.csv")
    for row in reader.rows():
        if known[row["asset"]] != row["decimals"]:
            raise reader.refuse(f"asset {row['asset']!r} has other decimals in the records.")


def _load_addresses(work: _Import) -> None:
    periods: dict[tuple[str, str], list[tuple[datetime, datetime, int]]] = {}
    for ledger, address, account, start, end in DepositAddress.objects.values_list(
        "ledger", "address", "account_id", "assigned_from_at", "assigned_to_at"
    ).iterator(BATCH):
        periods.setdefault((ledger, address), []).append((start, end or _NEVER, account))

    ours = set(OwnAddress.objects.values_list("ledger", "address"))

    def deposit(reader: RowReader, row: Row) -> Row:
        row["address"] = check_address(reader, row["ledger"], row["address"])
        row["account_id"] = work.account(reader, row.pop("account"))
        if (row["ledger"], row["address"]) in ours:
            raise reader.refuse(f"address {row['address']} is the exchange's own.")
        start, end = row["assigned_from_at"], row["assigned_to_at"] or _NEVER
        if start >= end:
            raise reader.refuse("the address is assigned to an end before its begin.")
        held = periods.setdefault((row["ledger"], row["address"]), [])
        held[:] = [period for period in held if period[0] != start]
        if any(start < other_end and other < end for other, other_end, _account in held):
            raise reader.refuse(f"address {row['address']} is assigned twice at the same time.")
        held.append((start, end, row["account_id"]))
        return row

    def own(reader: RowReader, row: Row) -> Row:
        row["address"] = check_address(reader, row["ledger"], row["address"])
        if (row["ledger"], row["address"]) in periods:
            raise reader.refuse(f"address {row['address']} is a customer's deposit address.")
        return row

    work.load(
        "deposit_addresses.csv", DepositAddress, deposit,
        ("ledger", "address", "assigned_from_at"), ("account_id", "assigned_to_at"),
    )  # fmt: skip
    work.load("own_addresses.csv", OwnAddress, own, ("ledger", "address"), ("kind",))


def _load_books(work: _Import) -> None:
    def balance(reader: RowReader, row: Row) -> Row:
        return {
            "account_id": work.account(reader, row["account"]),
            "asset_id": work.asset(reader, row["asset"]),
            "base": row["base"],
            "at": row["at"],
        }

    def movement(reader: RowReader, row: Row) -> Row:
        row.pop("ip")  # not used yet, so not stored
        for column in ("account", "counter_account"):
            uid = row.pop(column)
            row[f"{column}_id"] = None if uid is None else work.account(reader, uid)
        for column, amount in (("asset", "base"), ("asset_out", "base_out"),
                               ("fee_asset", "fee_base")):  # fmt: skip
            name = row.pop(column)
            row[f"{column}_id"] = None if name is None else work.asset(reader, name)
            if (row[f"{column}_id"] is None) != (row[amount] is None):
                raise reader.refuse(f"{column} and {amount} come together or not at all.")
        if row["kind"] == "internal_transfer" and row["counter_account_id"] is None:
            raise reader.refuse("an internal transfer needs its counter account.")
        if row["kind"] == "conversion" and row["asset_out_id"] is None:
            raise reader.refuse("a conversion needs the asset it gave.")
        return row

    def price(reader: RowReader, row: Row) -> Row:
        row["asset_id"] = work.asset(reader, row.pop("asset"))
        return row

    def link(reader: RowReader, row: Row) -> Row:
        return {
            "account_id": work.account(reader, row["account"]),
            "other_account_id": work.account(reader, row["other_account"]),
            "link": row["link"],
            "basis": row["basis"],
        }

    work.load("balances.csv", Balance, balance, ("account_id", "asset_id"), ("base", "at"))
    work.load(
        "movements.csv", ExchangeRecord, movement, ("ref",),
        (
            "kind", "account_id", "counter_account_id", "asset_id", "base", "asset_out_id",
            "base_out", "fee_asset_id", "fee_base", "at", "txid", "address", "status",
        ),
    )  # fmt: skip
    # A price that a freeze was valued at stays as it was.
    work.load("prices.csv", Price, price, ("asset_id", "currency", "at", "source"), ())
    work.load(
        "links.csv", AccountLink, link, ("account_id", "other_account_id", "link"), ("basis",)
    )


def _boundaries() -> Iterable[BoundaryRow]:
    """Each address of the exchange once: its own ones and those of its customers."""
    for ledger, address, kind in OwnAddress.objects.values_list("ledger", "address", "kind"):
        yield BoundaryRow(ledger, address, "exchange_own", kind)
    for ledger, address in (
        DepositAddress.objects.values_list("ledger", "address").distinct().order_by().iterator()
    ):
        yield BoundaryRow(ledger, address, "exchange_deposit")
