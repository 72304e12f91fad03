"""Exposure of a wallet by category, read through reads.py: amounts, bounds and their coins.

An address's own tags decide its category; without any, those of its co-spend cluster do; what the
exchange says of its own addresses stands above both. On account ledgers each asset stands apart:
amounts of different assets do not add up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
from django.db.models import Q

from tracing.account_views import unit_of
from tracing.engine.accounts.exposure import (
    accounts_exposure,
    assets_of,
    ranked_assets,
    transfer_place,
    transfers_exposure,
)
from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.accounts.rows import Kind
from tracing.engine.ends import Place, place_of
from tracing.engine.exposure import (
    MAX_TRANSACTIONS,
    Codes,
    Contact,
    Exposure,
    coin_exposure,
    exposure,
)
from tracing.engine.tagging import OWN, SANCTIONED, UNKNOWN, UNTAGGED_SERVICE, category_of
from tracing.exposure_values import ContactView, ExposureRow, ExposureSide, ExposureView
from tracing.ledger_views import BITCOIN_UNIT, AssetUnit
from tracing.ledgers import StoredLedger, names
from tracing.models import Boundary
from tracing.open_ledgers import opened_accounts, opened_ledger
from tracing.states import BoundaryKind
from tracing.tag_index import (
    TagIndex,
    TagView,
    clusters_now,
    index_under,
    sanction_rows,
    tag_rows,
    versions_of,
)
from tracing.walls import seen_walls

MOST_ASSETS: Final = 8
"""Assets of one account that are followed; anybody can send it thousands more."""
Movement: TypeAlias = tuple[str, str, str]
"""A deposit or withdrawal: its transaction, the address that it pays, and its asset (CAIP-19)."""
DIRECTIONS: Final = (("received", "backward"), ("sent", "forward"))


def wallet_exposure(ledger: str, address: str, *, whole: bool = False) -> ExposureView | None:
    """Direct and indirect exposure of an address or its whole cluster; None if never seen.

    An account stands for itself. Kept for the same snapshot, tags and walls; else it takes two
    traces or more for each asset.
    """
    if names.is_account(ledger):
        accounts = opened_accounts(ledger)
        account = accounts.find_address(address)
        if account is None:
            return None
        return _account_exposure(accounts, (account,), *versions_of(accounts))
    opened = opened_ledger(ledger)
    number = opened.find_address(address)
    if number is None:
        return None
    numbers = clusters_now(opened).members(number).tolist() if whole else [number]
    return _exposure(opened, tuple(numbers), *versions_of(opened))


def wallets_exposure(ledger: str, wallets: Sequence[tuple[str, bool]]) -> ExposureView | None:
    """Exposure of several wallets as one: what they pay each other is nobody's exposure.

    Args:
        wallets: (address, whether it stands for its whole cluster, which no account does), of one
            ledger.

    None where none was ever seen. Kept and priced as `wallet_exposure`.
    """
    if names.is_account(ledger):
        accounts = opened_accounts(ledger)
        seen = accounts.find_addresses([address for address, _ in wallets])
        known = tuple(sorted({account for account in seen if account is not None}))
        return _account_exposure(accounts, known, *versions_of(accounts)) if known else None
    opened = opened_ledger(ledger)
    clusters = clusters_now(opened)
    texts = [address for address, _ in wallets]
    numbers: set[int] = set()
    for number, (_, whole) in zip(opened.find_addresses(texts), wallets, strict=True):
        if number is not None:
            numbers.update(clusters.members(number).tolist() if whole else [number])
    if not numbers:
        return None
    return _exposure(opened, tuple(sorted(numbers)), *versions_of(opened))


def movements_exposure(
    ledger: str, paid_in: Sequence[Movement], paid_out: Sequence[Movement]
) -> ExposureView | None:
    """Exposure of an account's deposits and withdrawals, by the records of the exchange.

    The exchange's own wallets pay for everybody, so the coins or transfers that its records name
    are followed, never its addresses. None where the ledger holds none of them. Kept as
    `wallet_exposure`.
    """
    if names.is_account(ledger):
        accounts = opened_accounts(ledger)
        rows_in, rows_out = _transfers(accounts, paid_in), _transfers(accounts, paid_out)
        if not rows_in and not rows_out:
            return None
        return _transfer_exposure(accounts, rows_in, rows_out, *versions_of(accounts))
    opened = opened_ledger(ledger)
    coins_in, coins_out = _coins(opened, paid_in), _coins(opened, paid_out)
    if not coins_in and not coins_out:
        return None
    return _movements(opened, coins_in, coins_out, *versions_of(opened))


def _coins(ledger: StoredLedger, places: Sequence[Movement]) -> tuple[int, ...]:
    """The outputs of these transactions that pay these addresses."""
    found: set[int] = set()
    numbers = ledger.find_addresses([address for _, address, _ in places])
    for number, (txid, _, _) in zip(numbers, places, strict=True):
        tx = None if number is None else ledger.find_tx(txid)
        if tx is None:
            continue
        first, end = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
        paid: list[int] = np.asarray(ledger.out_address[first:end]).tolist()
        found.update(first + place for place, address in enumerate(paid) if address == number)
    return tuple(sorted(found))


def _transfers(ledger: AccountLedger, places: Sequence[Movement]) -> tuple[int, ...]:
    """The transfers of these transactions that pay these addresses in these assets."""
    found: set[int] = set()
    numbers = ledger.find_addresses([address for _, address, _ in places])
    for number, (txid, _, asset) in zip(numbers, places, strict=True):
        tx = None if number is None else ledger.find_tx(txid)
        for row in () if tx is None else ledger.rows_of_tx(tx):
            if ledger.row_recipient[row] != number or ledger.row_sender[row] == number:
                continue
            if ledger.row_failed[row] or ledger.row_kind[row] == Kind.GAS:
                continue
            name = unit_of(ledger, int(ledger.row_asset[row])).asset
            if name.casefold() == asset.casefold() and ledger.amount(row):
                found.add(row)
    return tuple(sorted(found))


@lru_cache(maxsize=64)
def _transfer_exposure(
    ledger: AccountLedger, paid_in: tuple[int, ...], paid_out: tuple[int, ...], *versions: object
) -> ExposureView:
    rows = np.asarray([*paid_in, *paid_out], np.uint32)
    assets = ranked_assets(ledger, rows)
    followed = assets[:MOST_ASSETS]
    categories = categories_of(ledger, *versions)
    found = []
    for asset in followed:
        for transfers, direction in ((paid_in, "backward"), (paid_out, "forward")):
            each = transfers_exposure(
                ledger, [row for row in transfers if ledger.row_asset[row] == asset],
                categories.codes, direction, budget=MAX_TRANSACTIONS // len(followed),
            )  # fmt: skip
            if each is not None:
                found.append((unit_of(ledger, asset), each))
    return _view(
        found, categories, _of_accounts(ledger, categories), height=ledger.height,
        num_addresses=len(np.unique(ledger.row_recipient[rows])),
        assets_left_out=len(assets) - len(followed),
    )  # fmt: skip


@lru_cache(maxsize=64)
def _movements(
    ledger: StoredLedger,
    paid_in: tuple[int, ...],
    paid_out: tuple[int, ...],
    *versions: object,
) -> ExposureView:
    categories = categories_of(ledger, *versions)
    unit, seen = _of_coins(ledger, categories)
    found = [
        (unit, coin_exposure(ledger, coins, categories.codes, direction))
        for coins, direction in ((paid_in, "backward"), (paid_out, "forward"))
        if coins
    ]
    addresses = np.asarray(ledger.out_address)[[*paid_in, *paid_out]]
    return _view(
        found, categories, seen, num_addresses=len(np.unique(addresses)), height=ledger.height
    )


@dataclass(frozen=True)
class Categories:
    """The category of every address of a snapshot: codes into `names`, 0 for none."""

    codes: Codes
    names: tuple[str, ...]
    labels: dict[int, str]  # by address or, negative less one, by cluster anchor
    index: TagIndex


@lru_cache(maxsize=4)
def categories_of(ledger: StoredLedger | AccountLedger, *versions: object) -> Categories:
    """An address's own tags decide; without any, those of its cluster. The exchange knows best."""
    index = index_under(ledger, *versions)
    clusters = index.clusters
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

    told: dict[int, list[int]] = {}
    for number in sorted(index.tags.keys() | index.sanctions.keys()):
        told.setdefault(index.part(number), []).append(number)
    for anchor, numbers in told.items():
        value, labels[-1 - anchor] = judged(numbers)
        codes[anchor if clusters is None else clusters.members(anchor)] = value
        for number in numbers:
            codes[number], labels[number] = judged([number])
    walls = seen_walls(ledger)
    own = walls.addresses[~walls.is_service]
    codes[own] = code(OWN)
    labels |= dict.fromkeys(own.tolist(), "")
    for at in np.flatnonzero(walls.is_service).tolist():
        wall = int(walls.addresses[at])
        if not codes[wall]:
            codes[wall], labels[wall] = code(UNTAGGED_SERVICE), walls.labels[at]
    return Categories(codes, tuple(known), labels, index)


def own_categories(ledger: str) -> dict[str, str]:
    """The category of every address that has one of its own, without opening the ledger: 3 queries.

    As `categories_of`; what an address takes over from its cluster `cluster_category` says.
    """
    tags, listed = _claims(ledger)
    found = {address: category_of(each) or UNKNOWN for address, each in tags.items()}
    found |= dict.fromkeys(listed, SANCTIONED)
    for address, kind in Boundary.objects.walls(ledger).items():
        if kind != BoundaryKind.SERVICE.value:
            found[address] = OWN
        else:
            found.setdefault(address, UNTAGGED_SERVICE)
    return found


def cluster_category(ledger: str) -> Callable[[Sequence[str]], str]:
    """The rule by which addresses take a category over from those of their cluster: 2 queries.

    As `categories_of`: a listed address decides, else the tags of all of them together.
    """
    tags, listed = _claims(ledger)

    def judged(addresses: Sequence[str]) -> str:
        if not listed.isdisjoint(addresses):
            return SANCTIONED
        return category_of([tag for each in addresses for tag in tags.get(each, ())]) or UNKNOWN

    return judged


def _claims(ledger: str) -> tuple[dict[str, list[TagView]], frozenset[str]]:
    """Tags that count by address, and the addresses that a list names."""
    chain = names.CHAIN[ledger]
    tags: dict[str, list[TagView]] = {}
    for address, tag in tag_rows(Q(chain=chain)):
        if tag.is_counted:
            tags.setdefault(address, []).append(tag)
    return tags, frozenset(address for address, _entry in sanction_rows(Q(chain=chain)))


@lru_cache(maxsize=64)
def _exposure(ledger: StoredLedger, numbers: tuple[int, ...], *versions: object) -> ExposureView:
    categories = categories_of(ledger, *versions)
    unit, seen = _of_coins(ledger, categories)
    found = [
        (unit, exposure(ledger, numbers, categories.codes, direction))
        for _, direction in DIRECTIONS
    ]
    return _view(found, categories, seen, num_addresses=len(numbers), height=ledger.height)


def _of_coins(
    ledger: StoredLedger, categories: Categories
) -> tuple[AssetUnit, Callable[[Contact], ContactView]]:
    """The unit of a ledger of coins, and how one of its contacts is told."""
    unit = AssetUnit(
        f"{ledger.chain}/{BITCOIN_UNIT.asset}", BITCOIN_UNIT.symbol, BITCOIN_UNIT.decimals
    )

    def seen(contact: Contact) -> ContactView:
        label = categories.labels.get(contact.address)
        if label is None:
            label = categories.labels.get(-1 - categories.index.part(contact.address), "")
        return _contact(contact, place_of(ledger, contact.coin), label)

    return unit, seen


def _of_accounts(ledger: AccountLedger, categories: Categories) -> Callable[[Contact], ContactView]:
    """How a contact of a ledger of accounts is told."""

    def seen(contact: Contact) -> ContactView:
        place = transfer_place(ledger, contact.coin, contact.address)
        return _contact(contact, place, categories.labels.get(contact.address, ""))

    return seen


@lru_cache(maxsize=64)
def _account_exposure(
    ledger: AccountLedger, accounts: tuple[int, ...], *versions: object
) -> ExposureView:
    categories = categories_of(ledger, *versions)
    assets = assets_of(ledger, *accounts)
    followed = assets[:MOST_ASSETS]
    found = []
    for asset in followed:
        for _, direction in DIRECTIONS:
            each = accounts_exposure(
                ledger, accounts, asset, categories.codes, direction,
                budget=MAX_TRANSACTIONS // len(followed),
            )  # fmt: skip
            if each is not None:
                found.append((unit_of(ledger, asset), each))
    return _view(
        found, categories, _of_accounts(ledger, categories), num_addresses=len(accounts),
        height=ledger.height, assets_left_out=len(assets) - len(followed),
    )  # fmt: skip


def _view(
    found: Sequence[tuple[AssetUnit, Exposure]],
    categories: Categories,
    seen: Callable[[Contact], ContactView],
    *,
    num_addresses: int,
    height: int,
    assets_left_out: int = 0,
) -> ExposureView:
    name_of = {direction: name for name, direction in DIRECTIONS}
    return ExposureView(
        rows=tuple(
            row
            for unit, each in found
            for row in _rows(name_of[each.direction], unit, each, categories, seen)
        ),
        sides=tuple(
            ExposureSide(
                name_of[each.direction], unit, each.turnover, dict(each.rest), each.fees,
                each.max_hops,
            )
            for unit, each in found
        ),
        is_cut=any(each.is_cut for _, each in found),
        seeds_left_out=sum(each.seeds_left_out for _, each in found),
        assets_left_out=assets_left_out,
        num_addresses=num_addresses,
        height=height,
    )  # fmt: skip


def _contact(contact: Contact, place: Place, label: str) -> ContactView:
    return ContactView(place, contact.amount, contact.low, contact.high, contact.hops, label)


def _rows(
    direction: str,
    unit: AssetUnit,
    found: Exposure,
    categories: Categories,
    seen: Callable[[Contact], ContactView],
) -> list[ExposureRow]:
    """Contacts by category and distance, direct ones first, then by amount."""
    groups: dict[tuple[int, bool], list[Contact]] = {}
    for contact in found.contacts:
        groups.setdefault((contact.code, contact.is_direct), []).append(contact)
    rows = [
        ExposureRow(
            direction=direction,
            category=categories.names[code],
            is_direct=is_direct,
            amount=sum(contact.amount for contact in contacts),
            low=sum(contact.low for contact in contacts),
            high=min(sum(contact.high for contact in contacts), found.seeds),
            contacts=tuple(seen(contact) for contact in contacts),
            unit=unit,
        )
        for (code, is_direct), contacts in groups.items()
    ]
    return sorted(rows, key=lambda row: (not row.is_direct, -row.amount, row.category))
