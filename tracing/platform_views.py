"""A platform's addresses on a ledger, who paid them and whom they paid, read through reads.py.

Its addresses are those it is started from, on a ledger of coins each with its co-spend cluster, and
those that a tag gives to its name. An address that tags give to somebody else counts as disputed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.accounts.payers import account_payments_to, account_payouts_from, main_asset
from tracing.engine.payers import PlatformPayment, PlatformPayout, payments_to, payouts_from
from tracing.engine.tagging import same_name
from tracing.errors import SeedError
from tracing.ledgers import names
from tracing.open_ledgers import opened_accounts, opened_ledger
from tracing.tag_index import TagIndex, clusters_now, index_now
from tracing.walls import seen_walls

LARGEST_COIN = 2**63 - 1


@dataclass(frozen=True)
class Platform:
    """A platform's addresses, those that a tag gives another owner, who paid them, whom they paid.

    Args:
        asset: what the payments are in, by its CAIP-19 name.
    """

    addresses: list[str]
    disputed: frozenset[str]
    payments: list[PlatformPayment]
    payouts: list[PlatformPayout]
    asset: str


def platform_payments(
    ledger: str,
    starts: Iterable[str],
    label: str,
    values: Iterable[int] = (),
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    asset: str = "",
) -> Platform:
    """What others paid a platform and what it paid them: few queries, O(its coins or transfers).

    Args:
        starts: addresses that stand for their clusters; label: addresses tagged so belong to it.
        values: amounts that count as payments, empty for any; from_at, to_at: block times.
        asset: on a ledger of accounts, the one paid in: by contract, CAIP-19 name or symbol;
            without it the one that the platform was paid in most often.

    Raises SeedError for an asset that the ledger does not have.
    """
    window = (
        int(from_at.timestamp()) if from_at else 0,
        int(to_at.timestamp()) if to_at else 2**32,
    )
    amounts = frozenset(values)
    if names.is_account(names.resolve(settings.FIU_HOME, ledger)):
        return _of_accounts(ledger, list(starts), same_name(label), amounts, window, asset)
    if asset:
        raise SeedError("a ledger of coins has one asset: leave the asset empty")
    return _of_coins(ledger, starts, same_name(label), amounts, window)


def _of_coins(
    ledger: str, starts: Iterable[str], wanted: str, values: frozenset[int],
    window: tuple[int, int],
) -> Platform:  # fmt: skip
    opened = opened_ledger(ledger)
    index, clusters = index_now(opened), clusters_now(opened)
    own: set[int] = set()
    for text in starts:
        number = opened.find_address(text)
        if number is not None and number not in own:
            own.update(clusters.members(number).tolist())
    own |= _named(index, wanted)
    rival = _rivals(index, wanted)
    numbers = sorted(own)
    texts = opened.address_texts(numbers)
    # No coin holds more, and the arrays no larger number: such an amount matches nothing.
    few = frozenset(value for value in values if value <= LARGEST_COIN)
    is_any = not values
    return Platform(
        addresses=sorted(texts),
        disputed=frozenset(
            text
            for number, text in zip(numbers, texts, strict=True)
            if index.whole(number) in rival
        ),
        payments=payments_to(opened, own, values=few, from_time=window[0], to_time=window[1])
        if is_any or few
        else [],
        payouts=payouts_from(opened, own, from_time=window[0], to_time=window[1]),
        asset=f"{opened.chain}/slip44:0",
    )


def _of_accounts(
    ledger: str, starts: list[str], wanted: str, values: frozenset[int], window: tuple[int, int],
    asset: str,
) -> Platform:  # fmt: skip
    """Accounts are never spent together: an address stands for itself alone."""
    opened = opened_accounts(ledger)
    index = index_now(opened)
    own = {number for number in opened.find_addresses(starts) if number is not None}
    own |= _named(index, wanted)
    paid_in = opened.find_asset(asset) if asset else main_asset(opened, own)
    if asset and paid_in is None:
        raise SeedError(f"the ledger {opened.name} has no asset {asset!r}")
    rival = _rivals(index, wanted)
    numbers = sorted(own)
    payments = [] if paid_in is None else account_payments_to(
        opened, own, paid_in, services=_services(opened, index) - own, values=values,
        from_time=window[0], to_time=window[1],
    )  # fmt: skip
    return Platform(
        addresses=sorted({*(opened.address_text(number) for number in numbers), *starts}),
        disputed=frozenset(opened.address_text(number) for number in numbers if number in rival),
        payments=payments,
        payouts=[]
        if paid_in is None
        else account_payouts_from(opened, own, paid_in, from_time=window[0], to_time=window[1]),
        asset=opened.asset_name(paid_in if paid_in is not None else opened.find_asset("") or 0),
    )


def _named(index: TagIndex, wanted: str) -> set[int]:
    """Addresses that a tag gives to the platform."""
    return {
        number
        for number, tags in index.tags.items()
        if any(tag.is_service and same_name(tag.label) == wanted for tag in tags)
    }


def _rivals(index: TagIndex, wanted: str) -> set[int]:
    """Anchors of the addresses that a tag gives to another service, withheld merges made.

    A merge that tags speak against is withheld, not refuted: until somebody decided, the addresses
    on either side of it may be the other's.
    """
    return {
        anchor
        for anchor, mates in index.by_anchor.items()
        for mate in mates
        if any(
            tag.is_service and same_name(tag.label) != wanted for tag in index.tags.get(mate, ())
        )
    }


def _services(ledger: AccountLedger, index: TagIndex) -> set[int]:
    """Accounts that hold the money of many: tagged services, and every wall."""
    return set(seen_walls(ledger).addresses.tolist()) | {
        number for number, tags in index.tags.items() if any(tag.is_service for tag in tags)
    }
