"""Exposure of a wallet by category, read through reads.py: amounts, bounds and their coins.

An address's own tags decide its category; without any, those of its co-spend cluster do; what the
exchange says of its own addresses stands above both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tracing.engine.ends import Place, place_of
from tracing.engine.exposure import Codes, Exposure, address_of, exposure
from tracing.engine.tagging import OWN, SANCTIONED, UNKNOWN, UNTAGGED_SERVICE, category_of
from tracing.ledger_views import clusters_under_walls, opened_ledger
from tracing.ledgers import StoredLedger, names
from tracing.models import Boundary
from tracing.states import BoundaryKind
from tracing.tag_views import index_under, versions_of


@dataclass(frozen=True)
class ContactView:
    """One coin of an exposure: where money of the wallet met a category."""

    place: Place
    amount: int
    low: int
    high: int
    hops: int
    label: str


@dataclass(frozen=True)
class ExposureRow:
    """One category in one direction at one distance, with the coins it is the sum of."""

    direction: str  # sent or received
    category: str
    is_direct: bool
    amount: int
    low: int
    high: int
    contacts: tuple[ContactView, ...]


@dataclass(frozen=True)
class ExposureView:
    """Exposure of a wallet in both directions; `rest` and `limits` say what met no category."""

    rows: tuple[ExposureRow, ...]
    turnover: dict[str, int]
    rest: dict[str, dict[str, int]]
    fees: dict[str, int]
    max_hops: dict[str, int]
    is_cut: bool
    seeds_left_out: int
    num_addresses: int
    height: int


def wallet_exposure(ledger: str, address: str, *, whole: bool = False) -> ExposureView | None:
    """Direct and indirect exposure of an address or its whole cluster; None if never seen, and on
    an account ledger.

    Kept for the same snapshot, tags and walls; else it takes two traces or more.
    """
    if names.is_account(ledger):
        return None
    opened = opened_ledger(ledger)
    number = opened.find_address(address)
    if number is None:
        return None
    numbers = clusters_under_walls(opened).members(number).tolist() if whole else [number]
    return _exposure(opened, tuple(numbers), *versions_of(opened))


@dataclass(frozen=True)
class _Categories:
    """The category of every address of a snapshot: codes into `names`, 0 for none."""

    codes: Codes
    names: tuple[str, ...]
    labels: dict[int, str]  # by address or, negative less one, by cluster anchor


@lru_cache(maxsize=4)
def _categories(ledger: StoredLedger, *versions: object) -> _Categories:
    """An address's own tags decide; without any, those of its cluster. The exchange knows best."""
    index, clusters = index_under(ledger, *versions), clusters_under_walls(ledger)
    codes = np.zeros(ledger.num_addresses, np.uint16)
    known: dict[str, int] = {"": 0}
    labels: dict[int, str] = {}

    def code(category: str) -> int:
        return known.setdefault(category, len(known))

    def judged(numbers: Sequence[int]) -> tuple[int, str]:
        tags = [tag for number in numbers for tag in index.tags.get(number, ())]
        is_listed = any(number in index.sanctions for number in numbers)
        category = SANCTIONED if is_listed else category_of(tags)
        best = max(tags, key=lambda tag: (tag.is_service, tag.level), default=None)
        return code(category or UNKNOWN), best.label if best else ""

    for anchor, numbers in index.by_anchor.items():
        value, labels[-1 - anchor] = judged(numbers)
        codes[clusters.members(anchor)] = value
        for number in numbers:
            codes[number], labels[number] = judged([number])
    rows = Boundary.objects.of_ledger(ledger.name).order_by("kind", "pk")
    for address, kind, label in rows.values_list("address", "kind", "label"):
        wall = ledger.find_address(address)
        if wall is None:
            continue
        if kind != BoundaryKind.SERVICE.value:
            codes[wall], labels[wall] = code(OWN), ""
        elif not codes[wall]:
            codes[wall], labels[wall] = code(UNTAGGED_SERVICE), label
    return _Categories(codes, tuple(known), labels)


@lru_cache(maxsize=64)
def _exposure(ledger: StoredLedger, numbers: tuple[int, ...], *versions: object) -> ExposureView:
    categories = _categories(ledger, *versions)
    found = {
        name: exposure(ledger, numbers, categories.codes, direction)
        for name, direction in (("received", "backward"), ("sent", "forward"))
    }
    rows = [row for name, each in found.items() for row in _rows(ledger, name, each, categories)]
    return ExposureView(
        rows=tuple(rows),
        turnover={name: each.turnover for name, each in found.items()},
        rest={name: dict(each.rest) for name, each in found.items()},
        fees={name: each.fees for name, each in found.items()},
        max_hops={name: each.max_hops for name, each in found.items()},
        is_cut=any(each.is_cut for each in found.values()),
        seeds_left_out=sum(each.seeds_left_out for each in found.values()),
        num_addresses=len(numbers),
        height=ledger.height,
    )


def _rows(
    ledger: StoredLedger, direction: str, found: Exposure, categories: _Categories
) -> list[ExposureRow]:
    """Contacts by category and distance, direct ones first, then by amount."""
    clusters = clusters_under_walls(ledger)
    groups: dict[tuple[int, bool], list[ContactView]] = {}
    for contact in found.contacts:
        address = address_of(ledger, contact.coin)
        label = categories.labels.get(address)
        if label is None:
            label = categories.labels.get(-1 - clusters.anchor(address), "")
        groups.setdefault((contact.code, contact.is_direct), []).append(
            ContactView(
                place_of(ledger, contact.coin), contact.amount, contact.low, contact.high,
                contact.hops, label,
            )
        )  # fmt: skip
    rows = [
        ExposureRow(
            direction=direction,
            category=categories.names[code],
            is_direct=is_direct,
            amount=sum(contact.amount for contact in contacts),
            low=sum(contact.low for contact in contacts),
            high=min(sum(contact.high for contact in contacts), found.seeds),
            contacts=tuple(contacts),
        )
        for (code, is_direct), contacts in groups.items()
    ]
    return sorted(rows, key=lambda row: (not row.is_direct, -row.amount, row.category))
