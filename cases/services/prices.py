"""Prices of assets, taken row by row with their source and time; none is ever changed.

A row that is there already changes nothing; one that says something else under the same source and
time is refused, because freezes were valued at what stands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Asset, Price
from cases.policy import SYSTEM, Action, Actor, require
from cases.services.audit import content_digest, record_event
from cases.services.command_files import read_command_file
from cases.services.errors import CaseworkError, ImportRefused
from cases.services.exchange_rows import COLUMNS

FILE = "prices.csv"  # the columns of a file of prices, as in the exchange's folder
COLUMN_NAMES = tuple(COLUMNS[FILE])
BEYOND = "beyond"  # a cell under no column
MOST = 200_000  # rows of one import
AHEAD = timedelta(minutes=5)  # two clocks may differ by as much
BATCH = 2000


@dataclass(frozen=True, slots=True)
class RefusedPrice:
    """A row that was not taken; `number` counts from 1, the line of the names left out."""

    number: int
    reason: str


@dataclass(slots=True)
class PriceReport:
    """What became of the rows; every one is in exactly one of the three."""

    num_added: int = 0
    num_known: int = 0
    refused: list[RefusedPrice] = field(default_factory=list)


def import_prices(path: Path) -> PriceReport:
    """Load a CSV file of prices by command.

    Columns: asset (CAIP-19), currency, price, at, source, method. Bad rows are named and the others
    taken. Raises ImportRefused where the file is none.
    """
    file = read_command_file(path, MOST)
    if file.head != COLUMN_NAMES:
        raise ImportRefused(path.name, 1, f"the first line must be {','.join(COLUMN_NAMES)}.")
    return _load(
        (dict(zip((*COLUMN_NAMES, BEYOND), cells, strict=False)) for cells in file.rows),
        origin=path.name[:120], sha256=file.sha256, by=SYSTEM,
    )  # fmt: skip


def add_prices(*, prices: list[Mapping[str, str]], by: Actor) -> PriceReport:
    """Take prices that a program sends, each a mapping of the columns as text.

    Raises PermissionDenied.
    """
    require(by, Action.LOAD_PRICES)
    rows = [dict(row) for row in prices]
    return _load(rows, origin="api", sha256=content_digest({"prices": rows}), by=by)


@transaction.atomic
def _load(rows: Iterable[Mapping[str, str]], *, origin: str, sha256: str, by: Actor) -> PriceReport:
    report, good = PriceReport(), dict[tuple[Any, ...], tuple[int, Price]]()
    assets = set(Asset.objects.values_list("asset", flat=True))
    now = timezone.now()
    for number, row in enumerate(rows, 1):
        try:
            price = _price_of(row, assets, now, by.user_id)
        except ValueError as error:
            report.refused.append(RefusedPrice(number, str(error)))
            continue
        key = (price.asset_id, price.currency, price.at, price.source)
        if key in good:
            if _same(good[key][1], price):
                report.num_known += 1
            else:
                report.refused.append(RefusedPrice(number, _("It contradicts an earlier row.")))
            continue
        good[key] = (number, price)
    _store(list(good.values()), report)
    report.refused.sort(key=lambda each: each.number)
    if report.num_added:
        record_event(
            None, "import_prices", f"prices:{sha256[:16]}", by=by,
            data={
                "origin": origin, "sha256": sha256, "num_added": report.num_added,
                "num_known": report.num_known, "num_refused": len(report.refused),
                "sources": sorted({price.source for _number, price in good.values()})[:50],
            },
        )  # fmt: skip
    return report


def _price_of(row: Mapping[str, str], assets: set[str], now: datetime, person: int | None) -> Price:
    """The price that a row tells. Raises ValueError with one sentence."""
    if BEYOND in row:
        raise ValueError(_("It has more cells than there are columns."))
    values: dict[str, Any] = {}
    for name, parse in COLUMNS[FILE].items():
        cell = row.get(name)
        if cell is None:
            raise ValueError(_("%(name)s is missing.") % {"name": name})
        try:
            values[name] = parse(cell)
        except ValueError as error:
            raise ValueError(f"{name} {cell[:40]!r} {error}") from None
    asset = values.pop("asset")
    if asset not in assets:
        raise ValueError(_("No asset is called %(asset)s.") % {"asset": asset})
    currency = values["currency"]
    if len(currency) != 3 or not currency.isalpha() or not currency.isupper():
        raise ValueError(_("A currency is three capital letters, such as USD."))
    if values["at"] > now + AHEAD:
        raise ValueError(_("The time lies in the future: nobody knows that price yet."))
    return Price(asset_id=asset, loaded_at=now, loaded_by_id=person, **values)


def _same(one: Price, other: Price) -> bool:
    return Decimal(one.price) == Decimal(other.price) and one.method == other.method


def _store(found: list[tuple[int, Price]], report: PriceReport) -> None:
    """Write what is not there yet, 2 queries for each 2,000 rows."""
    for start in range(0, len(found), BATCH):
        part = found[start : start + BATCH]
        standing = {
            (each.asset_id, each.currency, each.at, each.source): each
            for each in Price.objects.filter(
                asset_id__in={price.asset_id for _number, price in part},
                at__gte=min(price.at for _number, price in part),
                at__lte=max(price.at for _number, price in part),
            )
        }
        fresh = []
        for number, price in part:
            old = standing.get((price.asset_id, price.currency, price.at, price.source))
            if old is None:
                fresh.append(price)
            elif _same(old, price):
                report.num_known += 1
            else:
                report.refused.append(
                    RefusedPrice(
                        number,
                        _("This source stands at this time with another price already: %(old)s.")
                        % {"old": f"{old.price.normalize():f}"},
                    )
                )
        try:
            Price.objects.bulk_create(fresh)
        except IntegrityError as error:  # all of this one is rolled back
            raise CaseworkError(
                _("Another import of the same prices ended first. Load them again.")
            ) from error
        report.num_added += len(fresh)
