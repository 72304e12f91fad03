"""The exchange's records, from a folder of files or sent by a program, and the walls they mean.

One transaction: a fault in any line leaves everything as it was. Loading a folder twice changes
nothing; rows already known are brought up to date.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from uuid import uuid4

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _t

from cases.models import (
    AccountEvent,
    AccountLink,
    Asset,
    Balance,
    CustomerProfile,
    DepositAddress,
    ExchangeAccount,
    ExchangeRecord,
    ImportMark,
    OwnAddress,
    Price,
    Provider,
)
from cases.policy import SYSTEM, Action, Actor, require
from cases.services.audit import record_event
from cases.services.errors import CaseworkError, ImportRefused
from cases.services.exchange_rows import (
    REQUIRED,
    Batch,
    Columns,
    ExchangeFile,
    Source,
    canonical_address,
)
from cases.services.exchange_sources import STEMS, ParquetFile, SentRows, sources_of
from tracing import jobs, reads
from tracing.jobs import BoundaryRow
from tracing.upserts import upsert

BATCH = 5000
BOUNDARY_SOURCE = "exchange-records"
MOST_SENT = 5000  # rows of one call: some seconds
ACCOUNT_COLUMNS = ("uid", "account", "counter_account", "other_account")
ADDRESS_STEMS = ("deposit_addresses", "own_addresses")
LONG = ("movements.csv", "events.csv")  # what a resumable import keeps as it goes
_NEVER = datetime.max.replace(tzinfo=UTC)

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Rows read per file, and the addresses that are walls for traces now."""

    rows: dict[str, int]
    num_boundaries: int


@dataclass(slots=True)
class _Import:
    """One import: the numbers of accounts and assets by their outside names.

    Args:
        sent: of rows that a program sent, what they name: nothing else is looked up then.
    """

    sources: Mapping[str, Source]
    progress: Progress | None = None
    sent: "_Named | None" = None
    is_resumable: bool = False
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
        source = self.sources.get(file.removesuffix(".csv"))
        if source is None:
            if file in REQUIRED and self.sent is None:
                raise ImportRefused(file, 0, "the folder does not have this file.")
            return
        seen: set[Hashable] = set()
        mark = self.mark_of(source) if self.is_resumable and file in LONG else None
        count = 0
        for batch in source.batches(BATCH):
            columns = make(batch)
            _refuse_seen(batch, columns, key, seen)
            count += len(columns[key[0]])
            if mark is None:
                upsert(model, columns, key, renewed)
            elif count > mark.num_rows:
                with transaction.atomic():  # of its own: what is kept is kept with its mark
                    upsert(model, columns, key, renewed)
                    ImportMark.objects.filter(pk=mark.pk).update(num_rows=count)
            if self.progress:
                self.progress(source.name, count)
        if mark is not None:
            mark.delete()
        self.counts[source.name] = count

    def mark_of(self, source: Source) -> ImportMark:
        """How far an earlier import of this very file came."""
        assert isinstance(source, ExchangeFile | ParquetFile)  # a program's rows are few
        with source.path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        return ImportMark.objects.get_or_create(file_sha256=digest)[0]

    def account_ids(self, batch: Batch, column: str = "account") -> list[int | None]:
        """The numbers of accounts by their uids."""
        return batch.look_up(column, self.accounts, "accounts.csv")

    def asset_ids(self, batch: Batch, column: str = "asset") -> list[str | None]:
        """The assets' names, if the exchange has them."""
        return batch.look_up(column, self.assets, "assets.csv")


@dataclass(frozen=True, slots=True)
class _Named:
    """What the rows of one call name."""

    accounts: set[str]
    addresses: set[str]


def _refuse_seen(batch: Batch, columns: Columns, key: tuple[str, ...], seen: set[Hashable]) -> None:
    """Each key once in a file: of two rows nobody can say which one holds."""
    one = columns[key[0]] if len(key) == 1 else None  # a tuple for each doubles the memory
    for index, values in enumerate(one or zip(*(columns[name] for name in key), strict=True)):
        if values in seen:
            what = " and ".join(name.removesuffix("_id").replace("_", " ") for name in key)
            raise batch.refuse(index, f"{what} stands twice in this file.")
        seen.add(values)


def import_exchange(
    folder: Path, progress: Progress | None = None, *, is_resumable: bool = False
) -> ImportReport:
    """Import accounts, addresses, balances, movements, prices and what is around them.

    Files: assets.csv and accounts.csv, and any of deposit_addresses, own_addresses, balances,
    movements, prices, links, profiles, events and providers; their first lines name the columns.
    Each may be a Parquet file of the same columns instead. Other files are left alone.
    `progress(file, rows)` is called after each batch. Raises ImportRefused with file and line;
    nothing is kept then.

    With `is_resumable` what others hang on (accounts, addresses, walls) still comes whole or not at
    all, and first; movements and events are kept batch by batch, and the same folder goes on where
    it was cut off. What stands before a fault is kept then, and the error says so.

    Cost: one pass, one batch of 5,000 rows in memory beside the keys; about
    40 us a movement on SQLite.
    """
    if not folder.is_dir():
        raise ImportRefused(str(folder.name), 0, "there is no such folder.")
    work = _Import(sources_of(folder), progress, is_resumable=is_resumable)
    if is_resumable:
        return _import_in_parts(work)
    with transaction.atomic():
        _load_all(work)
        num_boundaries = jobs.set_boundaries(BOUNDARY_SOURCE, _boundaries())
        _note_import("import_exchange", work, num_boundaries)
    return ImportReport(work.counts, num_boundaries)


def _load_all(work: _Import) -> None:
    """Each kind of rows after those that it names."""
    _load_accounts(work)
    _load_addresses(work)
    _load_books(work)
    _load_surroundings(work)


def _import_in_parts(work: _Import) -> ImportReport:
    """First what the rest hangs on with its walls, in one transaction; then row by row."""
    with transaction.atomic():
        _load_accounts(work)
        _load_addresses(work)
        num_boundaries = jobs.set_boundaries(BOUNDARY_SOURCE, _boundaries())
    try:
        _load_books(work)
        _load_surroundings(work)
    except ImportRefused as error:
        raise ImportRefused(
            error.file, error.line, error.reason,
            "What stands before it was kept: mend the file and import the folder again.",
        ) from None  # fmt: skip
    with transaction.atomic():
        _note_import("import_exchange", work, num_boundaries)
    return ImportReport(work.counts, num_boundaries)


def _note_import(event: str, work: _Import, num_boundaries: int, *, by: Actor = SYSTEM) -> None:
    record_event(
        None, event, "exchange", by=by,
        data={"rows": work.counts, "num_boundaries": num_boundaries},
    )  # fmt: skip


def push_records(rows: Mapping[str, Sequence[Mapping[str, str]]], *, by: Actor) -> ImportReport:
    """Take records that a program sends, by the names and columns of the files, as text.

    All of a call or nothing of it. Costs what it sends: nothing else is looked up. Walls are added
    and none is taken away: an address that was ours stays one until the next import of a folder.

    Raises PermissionDenied; ImportRefused with the row, counted from 1; CaseworkError for none or
    too many rows.
    """
    require(by, Action.PUSH_RECORDS)
    sources = {stem: SentRows(stem, rows[stem]) for stem in STEMS if rows.get(stem)}
    number = sum(len(source.rows) for source in sources.values())
    if not 0 < number <= MOST_SENT:
        raise CaseworkError(_t("Send 1 to %(most)d rows in one call.") % {"most": MOST_SENT})
    named = _Named(
        {uid for each in sources.values() for uid in each.named(*ACCOUNT_COLUMNS)},
        {
            _canonical(row)
            for stem in ADDRESS_STEMS
            for row in (sources[stem].rows if stem in sources else ())
        },
    )
    with transaction.atomic():
        work = _Import(sources, sent=named)
        _load_all(work)
        num_boundaries = jobs.add_boundaries(BOUNDARY_SOURCE, _boundaries(named.addresses))
        _note_import("push_records", work, num_boundaries, by=by)
    return ImportReport(work.counts, num_boundaries)


def _canonical(row: Mapping[str, str]) -> str:
    """The address of a row as it is kept; of a wrong one nothing: its row is refused later."""
    try:
        return canonical_address(row.get("ledger", ""), row.get("address", ""))
    except reads.AddressError:
        return ""


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
    accounts = ExchangeAccount.objects.all()
    if work.sent is not None:
        accounts = accounts.filter(uid__in=work.sent.accounts)
    work.accounts = dict(accounts.values_list("uid", "pk"))


def _refuse_other_decimals(work: _Import) -> None:
    """The decimals of an asset never change: every stored amount would mean something else."""
    known = dict(Asset.objects.values_list("asset", "decimals"))
    if "assets" not in work.sources:
        return
    for batch in work.sources["assets"].batches(BATCH):
        for index, (asset, decimals) in enumerate(batch.rows("asset", "decimals")):
            if known[asset] != decimals:
                raise batch.refuse(index, f"asset {asset!r} has other decimals in the records.")


def _load_addresses(work: _Import) -> None:
    periods: dict[tuple[str, str], list[tuple[datetime, datetime, int]]] = {}
    deposits, owned = DepositAddress.objects.all(), OwnAddress.objects.all()
    if work.sent is not None:
        deposits = deposits.filter(address__in=work.sent.addresses)
        owned = owned.filter(address__in=work.sent.addresses)
    for ledger, address, account, start, end in deposits.values_list(
        "ledger", "address", "account_id", "assigned_from_at", "assigned_to_at"
    ).iterator(BATCH):
        periods.setdefault((ledger, address), []).append((start, end or _NEVER, account))

    ours = set(owned.values_list("ledger", "address"))

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


def _boundaries(only: set[str] | None = None) -> Iterable[BoundaryRow]:
    """Each address of the exchange once, or of these: its own ones and those of its customers."""
    owned, deposits = OwnAddress.objects.all(), DepositAddress.objects.all()
    if only is not None:
        owned, deposits = owned.filter(address__in=only), deposits.filter(address__in=only)
    for ledger, address, kind in owned.values_list("ledger", "address", "kind"):
        yield BoundaryRow(ledger, address, "exchange_own", kind)
    for ledger, address in (
        deposits.values_list("ledger", "address").distinct().order_by().iterator()
    ):
        yield BoundaryRow(ledger, address, "exchange_deposit")
