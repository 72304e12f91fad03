"""The exchange's records, imported from a folder of CSV files, and the walls they mean for traces.

One transaction: a fault in any line leaves everything as it was. Loading a folder twice changes
nothing; rows already known are brought up to date.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from django.db import models, transaction
from django.utils import timezone

from cases.models import (
    AccountEvent,
    AccountLink,
    Asset,
    Balance,
    CustomerProfile,
    DepositAddress,
    ExchangeAccount,
    ExchangeRecord,
    OwnAddress,
    Price,
    Provider,
)
from cases.policy import SYSTEM
from cases.services.audit import record_event
from cases.services.errors import ImportRefused
from cases.services.exchange_rows import REQUIRED, Batch, Columns, ExchangeFile
from tracing import jobs
from tracing.jobs import BoundaryRow
from tracing.upserts import upsert

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
    assets: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def load(
        self,
        file: str,
        model: type[models.Model],
        make: Callable[[Batch], Columns],
        key: tuple[str, ...],
        renewed: tuple[str, ...],
    ) -> None:
        """Read a file in batches and write them; known keys get `renewed` columns."""
        path = self.folder / file
        if not path.exists():
            if file in REQUIRED:
                raise ImportRefused(file, 0, "the folder does not have this file.")
            return
        seen: set[Hashable] = set()
        count = 0
        for batch in ExchangeFile(path).batches(BATCH):
            columns = make(batch)
            _refuse_seen(batch, columns, key, seen)
            upsert(model, columns, key, renewed)
            count += len(columns[key[0]])
            if self.progress:
                self.progress(file, count)
        self.counts[file] = count

    def account_ids(self, batch: Batch, column: str = "account") -> list[int | None]:
        """The numbers of accounts by their uids."""
        return batch.look_up(column, self.accounts, "accounts.csv")

    def asset_ids(self, batch: Batch, column: str = "asset") -> list[str | None]:
        """The assets' names, if the exchange has them."""
        return batch.look_up(column, self.assets, "assets.csv")


def _refuse_seen(batch: Batch, columns: Columns, key: tuple[str, ...], seen: set[Hashable]) -> None:
    """Each key once in a file: of two rows nobody can say which one holds."""
    for index, values in enumerate(zip(*(columns[name] for name in key), strict=True)):
        if values in seen:
            what = " and ".join(name.removesuffix("_id").replace("_", " ") for name in key)
            raise batch.refuse(index, f"{what} stands twice in this file.")
        seen.add(values)


def import_exchange(folder: Path, progress: Progress | None = None) -> ImportReport:
    """Import accounts, addresses, balances, movements, prices and what is around them.

    Files: assets.csv and accounts.csv, and any of deposit_addresses, own_addresses, balances,
    movements, prices, links, profiles, events and providers; their first lines name the columns.
    Other files are left alone.
    `progress(file, rows)` is called after each batch. Raises ImportRefused with file and line;
    nothing is kept then. Cost: one pass, one batch of 5,000 rows in memory beside the keys; about
    40 us a movement on SQLite.
    """
    if not folder.is_dir():
        raise ImportRefused(str(folder.name), 0, "there is no such folder.")
    with transaction.atomic():
        work = _Import(folder, progress)
        _load_accounts(work)
        _load_addresses(work)
        _load_books(work)
        _load_surroundings(work)
        num_boundaries = jobs.set_boundaries(BOUNDARY_SOURCE, _boundaries())
        record_event(
            None, "import_exchange", "exchange", by=SYSTEM,
            data={"rows": work.counts, "num_boundaries": num_boundaries},
        )  # fmt: skip
    return ImportReport(work.counts, num_boundaries)


def _load_accounts(work: _Import) -> None:
    def account(batch: Batch) -> Columns:
        return {"public_id": [uuid4() for _uid in batch.columns["uid"]], **batch.columns}

    work.load("assets.csv", Asset, lambda batch: batch.columns, ("asset",), ("symbol",))
    work.assets = {asset: asset for asset in Asset.objects.values_list("asset", flat=True)}
    _refuse_other_decimals(work)
    work.load(
        "accounts.csv", ExchangeAccount, account, ("uid",),
        ("customer", "holder_name", "country", "kind", "opened_on", "state", "kyc_level"),
    )  # fmt: skip
    work.accounts = dict(ExchangeAccount.objects.values_list("uid", "pk"))


def _refuse_other_decimals(work: _Import) -> None:
    """The decimals of an asset never change: every stored amount would mean something else."""
    known = dict(Asset.objects.values_list("asset", "decimals"))
    for batch in ExchangeFile(work.folder / "assets.csv").batches(BATCH):
        for index, (asset, decimals) in enumerate(batch.rows("asset", "decimals")):
            if known[asset] != decimals:
                raise batch.refuse(index, f"asset {asset!r} has other decimals in the records.")


def _load_addresses(work: _Import) -> None:
    periods: dict[tuple[str, str], list[tuple[datetime, datetime, int]]] = {}
    for ledger, address, account, start, end in DepositAddress.objects.values_list(
        "ledger", "address", "account_id", "assigned_from_at", "assigned_to_at"
    ).iterator(BATCH):
        periods.setdefault((ledger, address), []).append((start, end or _NEVER, account))

    ours = set(OwnAddress.objects.values_list("ledger", "address"))

    def deposit(batch: Batch) -> Columns:
        columns = batch.columns
        columns["address"] = batch.canonical_addresses()
        columns["account_id"] = work.account_ids(batch)
        del columns["account"]
        names = ("ledger", "address", "account_id", "assigned_from_at", "assigned_to_at")
        for index, (ledger, address, account, start, last) in enumerate(batch.rows(*names)):
            if (ledger, address) in ours:
                raise batch.refuse(index, f"address {address} is the exchange's own.")
            end = last or _NEVER
            if start >= end:
                raise batch.refuse(index, "the address is assigned to an end before its begin.")
            held = periods.setdefault((ledger, address), [])
            held[:] = [period for period in held if period[0] != start]
            if any(start < other_end and other < end for other, other_end, _account in held):
                raise batch.refuse(index, f"address {address} is assigned twice at the same time.")
            held.append((start, end, account))
        return columns

    def own(batch: Batch) -> Columns:
        batch.columns["address"] = batch.canonical_addresses()
        for index, place in enumerate(batch.rows("ledger", "address")):
            if place in periods:
                raise batch.refuse(index, f"address {place[1]} is a customer's deposit address.")
        return batch.columns

    work.load(
        "deposit_addresses.csv", DepositAddress, deposit,
        ("ledger", "address", "assigned_from_at"), ("account_id", "assigned_to_at"),
    )  # fmt: skip
    work.load("own_addresses.csv", OwnAddress, own, ("ledger", "address"), ("kind",))


def _load_books(work: _Import) -> None:
    def balance(batch: Batch) -> Columns:
        return {
            "account_id": work.account_ids(batch),
            "asset_id": work.asset_ids(batch),
            "base": batch.columns["base"],
            "at": batch.columns["at"],
        }

    def price(batch: Batch) -> Columns:
        columns = {"asset_id": work.asset_ids(batch), **batch.columns}
        columns["loaded_at"] = [timezone.now()] * len(columns.pop("asset"))
        return columns

    def link(batch: Batch) -> Columns:
        return {
            "account_id": work.account_ids(batch),
            "other_account_id": work.account_ids(batch, "other_account"),
            "link": batch.columns["link"],
            "basis": batch.columns["basis"],
        }

    work.load("balances.csv", Balance, balance, ("account_id", "asset_id"), ("base", "at"))
    work.load(
        "movements.csv", ExchangeRecord, lambda batch: _movements(work, batch), ("ref",),
        (
            "kind", "account_id", "counter_account_id", "asset_id", "base", "asset_out_id",
            "base_out", "fee_asset_id", "fee_base", "at", "txid", "address", "ip", "status",
        ),
    )  # fmt: skip
    # A price that a freeze was valued at stays as it was.
    work.load("prices.csv", Price, price, ("asset_id", "currency", "at", "source"), ())
    work.load(
        "links.csv", AccountLink, link, ("account_id", "other_account_id", "link"), ("basis",)
    )


def _load_surroundings(work: _Import) -> None:
    """What is around the money: profiles, events, and what is known of other providers."""

    def of_account(batch: Batch) -> Columns:
        columns = {"account_id": work.account_ids(batch), **batch.columns}
        del columns["account"]
        return columns

    work.load(
        "profiles.csv", CustomerProfile, of_account, ("account_id",),
        ("birth_on", "yearly_income", "monthly_volume"),
    )  # fmt: skip
    work.load(
        "events.csv", AccountEvent, of_account, ("ref",),
        ("account_id", "kind", "at", "ip", "country", "detail"),
    )  # fmt: skip
    work.load(
        "providers.csv", Provider, lambda batch: batch.columns, ("name",),
        ("country", "rating", "is_registered", "is_high_risk", "is_ruled"),
    )  # fmt: skip


def _movements(work: _Import, batch: Batch) -> Columns:
    """The columns of movements, each row's parts fitting its kind."""
    columns = dict(batch.columns)
    columns["ip"] = [ip or None for ip in columns["ip"]]
    for column in ("account", "counter_account"):
        columns[f"{column}_id"] = work.account_ids(batch, column)
        del columns[column]
    for column, amount in (("asset", "base"), ("asset_out", "base_out"), ("fee_asset", "fee_base")):
        columns[f"{column}_id"] = work.asset_ids(batch, column)
        del columns[column]
        for index, (asset, base) in enumerate(batch.rows(column, amount)):
            if (asset is None) != (base is None):
                raise batch.refuse(index, f"{column} and {amount} come together or not at all.")
    for index, (kind, counter_account, asset_out) in enumerate(
        batch.rows("kind", "counter_account", "asset_out")
    ):
        if kind == "internal_transfer" and counter_account is None:
            raise batch.refuse(index, "an internal transfer needs its counter account.")
        if kind == "conversion" and asset_out is None:
            raise batch.refuse(index, "a conversion needs the asset it gave.")
    return columns


def _boundaries() -> Iterable[BoundaryRow]:
    """Each address of the exchange once: its own ones and those of its customers."""
    for ledger, address, kind in OwnAddress.objects.values_list("ledger", "address", "kind"):
        yield BoundaryRow(ledger, address, "exchange_own", kind)
    for ledger, address in (
        DepositAddress.objects.values_list("ledger", "address").distinct().order_by().iterator()
    ):
        yield BoundaryRow(ledger, address, "exchange_deposit")
