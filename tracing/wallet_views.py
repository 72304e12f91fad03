"""Figures of wallets for the learned score, read through reads.py: of co-spend clusters of coins.

A wallet is a cluster as it is under the walls and tags of now. Accounts have no such wallets: one
that anybody can pay in any token would be judged by what others did to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from tracing.account_views import is_account_ledger
from tracing.engine.tagging import SANCTIONED, UNKNOWN, category_of, same_name
from tracing.engine.wallet_figures import NEVER, WalletFigures, wallet_figures
from tracing.exposure_views import Categories, categories_of
from tracing.ledger_views import utc_time
from tracing.ledgers import StoredLedger
from tracing.open_ledgers import opened_ledger
from tracing.tag_index import TagIndex, versions_of

TRIES: Final = 20
"""Addresses looked at for each wallet that is drawn: an address of a tagged one is passed over."""
Groups: TypeAlias = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class WalletLook:
    """The figures of one wallet; `category` and `owner` are what is said of itself, if anything.

    Nothing of what is said of itself is in the figures. `told_at` is when the newest of it came.
    """

    address: str
    num_addresses: int
    figures: dict[str, int]
    is_cut: bool
    first_at: datetime
    category: str = ""
    owner: str = ""
    told_at: datetime | None = None


def wallet_look(ledger: str, address: str, groups: Groups) -> WalletLook | None:
    """The wallet of an address; None where the ledger has not seen it paid, and of accounts.

    groups: name of a group to its categories. At most 9 queries, and O(the wallet's coins).
    """
    if is_account_ledger(ledger):
        return None
    opened = opened_ledger(ledger)
    number = opened.find_address(address)
    if number is None:
        return None
    return _look(opened, categories_of(opened, *versions_of(opened)), number, groups)


def named_wallets(ledger: str, groups: Groups) -> Iterator[WalletLook]:
    """Every wallet of which a tag or a list says something, by its earliest address.

    None of accounts. Cost: that of `wallet_look` for each.
    """
    if is_account_ledger(ledger):
        return
    opened = opened_ledger(ledger)
    categories = categories_of(opened, *versions_of(opened))
    index = categories.index
    told = index.tags.keys() | index.sanctions.keys()
    for anchor in sorted({index.part(number) for number in told}):
        look = _look(opened, categories, anchor, groups)
        if look is not None:
            yield look


def unnamed_wallets(ledger: str, number: int, groups: Groups) -> Iterator[WalletLook]:
    """At most so many wallets of which nobody says anything, drawn evenly by age.

    None of accounts. Cost: that of `wallet_look` for each.
    """
    if is_account_ledger(ledger) or number < 1:
        return
    opened = opened_ledger(ledger)
    categories = categories_of(opened, *versions_of(opened))
    seen: set[int] = set()
    step = max(opened.num_addresses // (number * TRIES), 1)
    places = range(0, opened.num_addresses, step)
    # Every twentieth first, then those beside them: even, and enough where most are passed over.
    for each in (place for first in range(TRIES) for place in places[first::TRIES]):
        anchor = categories.index.part(each)
        if anchor in seen or categories.codes[each] or categories.codes[anchor]:
            continue
        seen.add(anchor)
        look = _look(opened, categories, anchor, groups)
        if look is not None:
            yield look
            number -= 1
            if not number:
                return


def _look(
    ledger: StoredLedger, categories: Categories, number: int, groups: Groups
) -> WalletLook | None:
    index = categories.index
    assert index.clusters is not None  # a ledger of coins has them
    members = index.clusters.members(number)
    codes = {
        name: [code for code, each in enumerate(categories.names) if each in of_it]
        for name, of_it in groups.items()
    }
    found: WalletFigures | None = wallet_figures(ledger, members, categories.codes, codes, NEVER)
    if found is None:
        return None
    category, owner, told_at = _said(index, [number, *index.mates(number)])
    return WalletLook(
        ledger.address_text(index.part(number)), len(members), found.figures, found.is_cut,
        utc_time(found.first_at), category, owner, told_at,
    )  # fmt: skip


def _said(index: TagIndex, numbers: list[int]) -> tuple[str, str, datetime | None]:
    """The category of a wallet, the name of its owner as it is compared, and when that came."""
    tags = [tag for each in numbers for tag in index.tags.get(each, ())]
    listed = [entry for each in numbers for entry in index.sanctions.get(each, ())]
    if not tags and not listed:
        return "", "", None
    category = SANCTIONED if listed else category_of(tags) or UNKNOWN
    best = max(tags, key=lambda tag: (tag.is_service, tag.level, tag.label), default=None)
    times = [tag.valid_from for tag in tags] + [entry.loaded_at for entry in listed]
    return category, same_name(best.label) if best else listed[0].entry, max(times)
