"""What single movements met on a ledger, read through reads.py: kinds of addresses, hop by hop.

For many movements at once: two passes over the whole ledger say which transactions are near any
address with a category, and only movements near one are followed exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracing.engine.coinjoin import is_coinjoin
from tracing.engine.exposure import Contact, coin_exposure
from tracing.engine.ledger import UNKNOWN_OUTPUT
from tracing.engine.market_banks import MarketBank, find_market_banks
from tracing.engine.tagging import OWN
from tracing.exposure_views import Categories, categories_of, own_categories
from tracing.ledgers import StoredLedger, names
from tracing.open_ledgers import opened_ledger
from tracing.tag_index import clusters_now, versions_of

FARTHEST: Final = 4
"""Hops that a movement is followed over; beyond them a share says little."""
BUDGET: Final = 2_000
"""Transactions that one movement's search may look at before it is made narrower."""
MOST_SOURCES: Final = 3
LONGEST_PEEL: Final = 40
PASSED_ON_PCT: Final = 90  # of X4 in cases/detection/red_flags.yaml
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class MetKind:
    """A kind of address that a movement's money met: how far off, how much of it, and whose.

    `share_pct` is by haircut; `low_pct` must be of that origin and `high_pct` can be, whatever the
    policy: outward to whole percent.
    """

    category: str
    hops: int
    share_pct: int
    label: str
    low_pct: int = 0
    high_pct: int = 100


@dataclass(frozen=True)
class MovementContacts:
    """What one movement met. `sources` are the addresses that paid a deposit, three at most."""

    sources: tuple[str, ...] = ()
    met: tuple[MetKind, ...] = ()


def movement_contacts(
    ledger: str,
    paid_in: Sequence[tuple[str, str]],
    paid_out: Sequence[tuple[str, str]],
    *,
    with_banks: bool = False,
) -> dict[tuple[str, str], MovementContacts]:
    """What deposits and withdrawals met, by (txid, address); those that the ledger does not hold
    are left out.

    A deposit that a peel chain or a CoinJoin lies behind met the kind `peel_chain`, whose hops are
    the chain's length, or `coinjoin`. On a ledger of accounts only the address that a withdrawal
    went to is looked at, and what met nothing there is left out too: it was not followed.
    `with_banks` also looks for clusters that work like a market's bank: the kind `market_bank`,
    whose label says what the ledger shows of it. A sort of the ledger's outputs, kept likewise.

    Cost: two passes over the ledger, kept for the same blocks, tags and walls, and one bounded
    haircut trace for each movement that is near a tagged address.
    """
    if names.is_account(ledger):
        kinds = own_categories(ledger)
        return {
            place: MovementContacts(met=(MetKind(kinds[place[1]], 1, 100, "", 100),))
            for place in paid_out
            if kinds.get(place[1], OWN) != OWN
        }
    opened = opened_ledger(ledger)
    versions = versions_of(opened)
    categories = categories_of(opened, *versions)
    near_in, near_out = _near(opened, *versions)
    banks = _banks(opened, *versions) if with_banks else {}
    found: dict[tuple[str, str], MovementContacts] = {}
    for place, coin in _coins(opened, paid_in):
        tx = int(opened.out_tx[coin])
        met = _behind(opened, coin, tx)
        if near_in[tx]:
            met += _followed(opened, categories, coin, "backward")
        payer = np.asarray(opened.in_address[int(opened.in_off[tx]) : int(opened.in_off[tx]) + 1])
        met += _bank_of(opened, banks, *payer.tolist())
        found[place] = MovementContacts(_sources(opened, tx), tuple(met))
    for place, coin in _coins(opened, paid_out):
        tx = int(opened.out_tx[coin])
        met = _followed(opened, categories, coin, "forward") if near_out[tx] else []
        met += _bank_of(opened, banks, int(opened.out_address[coin]))
        found[place] = MovementContacts(met=tuple(met))
    return found


def _coins(
    ledger: StoredLedger, places: Sequence[tuple[str, str]]
) -> Iterable[tuple[tuple[str, str], int]]:
    """The first output of each transaction that pays the address."""
    numbers = ledger.find_addresses([address for _, address in places])
    for number, place in zip(numbers, places, strict=True):
        tx = None if number is None else ledger.find_tx(place[0])
        if tx is None:
            continue
        first, end = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
        paid = np.flatnonzero(np.asarray(ledger.out_address[first:end]) == number)
        if len(paid):
            yield place, first + int(paid[0])


@lru_cache(maxsize=2)
def _near(ledger: StoredLedger, *versions: object) -> tuple[Bools, Bools]:
    """Transactions behind which, or after which, an address with a category lies near enough.

    More than the exact search finds, never less: walls are not looked at. O(hops * ledger).
    """
    categories = categories_of(ledger, *versions)
    own = categories.names.index(OWN) if OWN in categories.names else -1
    tagged = (categories.codes != 0) & (categories.codes != own)
    if not tagged.any():
        none = np.zeros(ledger.num_tx, np.bool_)
        return none, none
    tagged = np.append(tagged, False)  # what stands for an address that is not known
    in_address, out_address = np.asarray(ledger.in_address), np.asarray(ledger.out_address)
    most = len(tagged) - 1
    in_tx, out_tx = np.asarray(ledger.in_tx), np.asarray(ledger.out_tx)
    behind = np.zeros(ledger.num_tx, np.bool_)
    behind[in_tx[tagged[np.minimum(in_address, most)]]] = True
    ahead = np.zeros(ledger.num_tx, np.bool_)
    ahead[out_tx[tagged[np.minimum(out_address, most)]]] = True
    spends = np.flatnonzero(np.asarray(ledger.in_out) != UNKNOWN_OUTPUT)
    later = in_tx[spends]
    earlier = out_tx[np.asarray(ledger.in_out)[spends]]
    for _hop in range(FARTHEST - 1):
        behind[later[behind[earlier]]] = True
        ahead[earlier[ahead[later]]] = True
    return behind, ahead


@lru_cache(maxsize=2)
def _banks(ledger: StoredLedger, *_versions: object) -> dict[int, MarketBank]:
    """Clusters that work like a market's bank, by their earliest address; walls merge nobody."""
    parent = np.asarray(clusters_now(ledger).clusters.parent).astype(np.int64)
    return {bank.anchor: bank for bank in find_market_banks(ledger, parent)}


def _bank_of(
    ledger: StoredLedger, banks: Mapping[int, MarketBank], *addresses: int
) -> list[MetKind]:
    """The bank that an address belongs to, with what the ledger shows of it."""
    if not banks:
        return []
    clusters = clusters_now(ledger)
    found = (banks.get(clusters.anchor(each)) for each in addresses if each < ledger.num_addresses)
    return [
        MetKind(
            "market_bank", 1, 100,
            f"deposits={bank.num_deposits} hours={bank.hours} fee_bp={bank.fee_bp}", 100,
        )
        for bank in found if bank is not None
    ]  # fmt: skip


def _followed(
    ledger: StoredLedger, categories: Categories, coin: int, direction: str
) -> list[MetKind]:
    """Kinds that one coin met, nearest first; what the exchange itself keeps is none."""
    value = int(ledger.out_value[coin])
    seen = coin_exposure(
        ledger, [coin], categories.codes, direction, hops=(FARTHEST, 2, 1), budget=BUDGET
    )
    groups: dict[tuple[int, int], list[Contact]] = {}
    for contact in seen.contacts:
        if categories.names[contact.code] != OWN and contact.hops <= FARTHEST:
            groups.setdefault((contact.hops, contact.code), []).append(contact)
    return [
        MetKind(
            categories.names[code],
            max(hops, 1),
            min(sum(each.amount for each in contacts) * 100 // max(value, 1), 100),
            _label(ledger, categories, contacts[0].address),
            min(sum(each.low for each in contacts) * 100 // max(value, 1), 100),
            min(-(-sum(each.high for each in contacts) * 100 // max(value, 1)), 100),
        )
        for (hops, code), contacts in sorted(groups.items())
    ]


def _behind(ledger: StoredLedger, coin: int, tx: int) -> list[MetKind]:
    """A peel chain or a CoinJoin that a deposit came out of."""
    met = []
    if (length := _peel_length(ledger, coin, tx)) > 1:
        met.append(MetKind("peel_chain", length, 100, ""))
    near = [tx]
    for hops in (1, 2):
        first = [(int(ledger.in_off[t]), int(ledger.in_off[t + 1])) for t in near]
        values: dict[int, int] = {}
        for start, end in first:
            for spent, value in zip(
                np.asarray(ledger.in_out[start:end]).tolist(),
                np.asarray(ledger.in_value[start:end]).tolist(),
                strict=True,
            ):
                if spent != UNKNOWN_OUTPUT:
                    before = int(ledger.out_tx[spent])
                    values[before] = values.get(before, 0) + max(value, 0)
        mixed = sum(value for before, value in values.items() if is_coinjoin(ledger, before))
        if mixed:
            met.append(MetKind("coinjoin", hops, mixed * 100 // sum(values.values()), ""))
            break
        near = list(values)[:50]
    return met


def _peel_length(ledger: StoredLedger, coin: int, tx: int) -> int:
    """How many links of a peel chain lie behind a coin that was split off it; 0 for none."""
    length = 0
    while length < LONGEST_PEEL:
        first, end = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
        start = int(ledger.in_off[tx])
        if end - first != 2 or int(ledger.in_off[tx + 1]) - start != 1:
            return length
        values = np.asarray(ledger.out_value[first:end]).tolist()
        large = first + (1 if values[1] > values[0] else 0)
        if max(values) * 100 < sum(values) * PASSED_ON_PCT or (length == 0 and coin == large):
            return length
        spent = int(ledger.in_out[start])
        length += 1
        if spent == UNKNOWN_OUTPUT:
            return length
        tx = int(ledger.out_tx[spent])
        if spent != _largest(ledger, tx):
            return length
    return length


def _largest(ledger: StoredLedger, tx: int) -> int:
    first, end = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
    return first + int(np.argmax(np.asarray(ledger.out_value[first:end])))


def _sources(ledger: StoredLedger, tx: int) -> tuple[str, ...]:
    """Addresses that paid a transaction, as its inputs name them first."""
    first, end = int(ledger.in_off[tx]), int(ledger.in_off[tx + 1])
    numbers = np.asarray(ledger.in_address[first:end]).tolist()
    known = dict.fromkeys(number for number in numbers if number < ledger.num_addresses)
    return tuple(ledger.address_texts(list(known)[:MOST_SOURCES]))


def _label(ledger: StoredLedger, categories: Categories, address: int) -> str:
    """Whose the address is: by its own tag, else by that of its cluster."""
    label = categories.labels.get(address)
    if label is None:
        anchor = clusters_now(ledger).anchor(address)
        label = categories.labels.get(-1 - anchor, "")
    return label
