"""What labels say of addresses, read through reads.py: direct tags, those of the cluster, lists.

What holds for an address by its cluster, and what tags say across a merge that they speak against,
stand apart from what is said of the address itself; see tag_index.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.conf import settings
from django.db.models import Q

from tracing.engine.tagging import contradicting, same_name
from tracing.ledgers import StoredLedger, names
from tracing.models import AttributionTag, TagPack, TagSet
from tracing.open_ledgers import opened_accounts, opened_ledger
from tracing.tag_index import (
    SanctionView,
    TagIndex,
    TagView,
    index_now,
    index_then,
    sanction_rows,
    tag_rows,
    tag_rows_of,
)
from tracing.tag_sets import HOUSE, PUBLISHED


@dataclass(frozen=True)
class AddressTags:
    """All that labels say of one address.

    Args:
        overruled: the claims, direct and inherited, that the house decided against: they are shown
            and count for nothing.
        across: what is said of clusters with which a merge was withheld because tags speak against
            it: nothing is inherited from there, and until somebody decided the names disagree.
    """

    address: str
    direct: tuple[TagView, ...] = ()
    inherited: tuple[TagView, ...] = ()
    sanctions: tuple[SanctionView, ...] = ()
    inherited_sanctions: tuple[SanctionView, ...] = ()
    overruled: tuple[TagView, ...] = ()
    across: tuple[TagView, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (
            self.direct or self.inherited or self.sanctions or self.inherited_sanctions
            or self.overruled
        )  # fmt: skip

    @property
    def conflict(self) -> tuple[TagView, ...]:
        """Tags that name different owners, the most confident first; empty where they agree."""
        return tuple(contradicting((*self.direct, *self.inherited, *self.across)))

    @property
    def best(self) -> TagView | None:
        """The tag to show where there is room for one: direct before inherited, then by level."""
        for tags in (self.direct, self.inherited):
            if tags:
                return max(tags, key=lambda tag: (tag.is_service, tag.level))
        return None


@dataclass(frozen=True)
class Side:
    """One of the names that tags of an address and its cluster give to its keeper.

    Args:
        label: the most confident tag's; the other fields but `claims` are its own.
        claims: every (address, label) that says so.
    """

    label: str
    category: str
    confidence: str
    level: int
    pack: str
    pack_sha256: str
    claims: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PackView:
    """A loaded version of a tag pack, as a record can cite it."""

    name: str
    sha256: str
    lastmod: date | None
    num_tags: int


def tag_packs() -> list[PackView]:
    """The versions that hold now: 1 query."""
    return [
        PackView(pack.name, pack.sha256, pack.lastmod, pack.num_tags)
        for pack in TagPack.objects.active().order_by("name", "creator")
    ]


def tags_of(ledger: str, addresses: Iterable[str]) -> dict[str, AddressTags]:
    """What labels say of addresses on a ledger's chain: at most 8 queries, any number of them.

    Addresses without any are left out. Where the ledger is not loaded there are direct ones only.
    """
    texts = sorted(set(addresses))
    chain = names.CHAIN.get(ledger, "")
    if ledger not in _loaded() or names.is_account(ledger):
        return _direct_only(chain, texts)
    opened = opened_ledger(ledger)
    found, unseen = _told_under(opened, index_now(opened), texts)
    return found | _direct_only(chain, unseen)


def direct_tags(ledger: str, addresses: Iterable[str]) -> dict[str, tuple[TagView, ...]]:
    """What counted tags say of the addresses themselves, the most confident first: 1 query.

    Nothing is said of their clusters, so no ledger is opened. Addresses without any are left out.
    """
    which = Q(chain=names.CHAIN.get(ledger, ""), address__in=sorted(set(addresses)))
    found: dict[str, list[TagView]] = {}
    for address, tag in tag_rows(which):
        if tag.is_counted:
            found.setdefault(address, []).append(tag)
    return {address: tuple(tags) for address, tags in found.items()}


def own_tags() -> list[tuple[str, str, TagView]]:
    """(chain, address, tag) of what this unit published and did not overrule: 1 query a chain."""
    chains = AttributionTag.objects.filter(pack__sha256=HOUSE, state=PUBLISHED)
    found = []
    for chain in sorted(set(chains.values_list("chain", flat=True))):
        which = Q(pack__sha256=HOUSE, chain=chain)
        found += [(chain, address, tag) for address, tag in tag_rows(which) if tag.is_counted]
    return found


def tag_levels(ledger: str, addresses: Collection[str]) -> list[tuple[str, int, str]]:
    """(address, confidence, category) of the tags that these addresses carry themselves.

    3 queries, whatever their number: the tags of the chain are read, not the addresses asked.
    """
    rows = tag_rows(Q(chain=names.CHAIN.get(ledger, "")))
    return [
        (address, tag.level, tag.category)
        for address, tag in rows
        if address in addresses and tag.is_counted
    ]


def tags_then(ledger: str, addresses: Iterable[str], kept: TagSet) -> dict[str, AddressTags]:
    """What the tags of a kept set say of addresses, clusters as they are today. No sanctions.

    Addresses without any are left out. At most 8 queries.
    """
    texts = sorted(set(addresses))
    chain = names.CHAIN.get(ledger, "")
    found: dict[str, AddressTags] = {}
    if ledger in _loaded() and not names.is_account(ledger):
        opened = opened_ledger(ledger)
        found, texts = _told_under(opened, index_then(opened, kept), texts)
    direct: dict[str, list[TagView]] = {}
    for text, tag in tag_rows_of(kept, Q(chain=chain, address__in=texts)):
        direct.setdefault(text, []).append(tag)
    return found | {text: AddressTags(text, tuple(tags)) for text, tags in direct.items()}


def _told_under(
    opened: StoredLedger, index: TagIndex, texts: Sequence[str]
) -> tuple[dict[str, AddressTags], list[str]]:
    """What an index says of addresses, and those that the ledger has not seen."""
    found: dict[str, AddressTags] = {}
    unseen = []
    for text, number in zip(texts, opened.find_addresses(texts), strict=True):
        if number is None:
            unseen.append(text)
            continue
        told = _told(opened, index, text, number)
        if not told.is_empty:
            found[text] = told
    return found, unseen


def sides_of(ledger: str, address: str) -> list[Side]:
    """Who is said to keep an address or its cluster, where tags disagree: the surest first.

    The cluster is meant with withheld merges made: whoever decides has to look at all of it. Empty
    where they agree, or where only claims that were overruled say otherwise. Queries as `tags_of`;
    O(tagged addresses of the cluster).
    """
    claims: list[tuple[str, TagView]] = []
    number = None
    if ledger in _loaded() and not names.is_account(ledger):
        opened = opened_ledger(ledger)
        number = opened.find_address(address)
    if number is None:
        chain = names.CHAIN.get(ledger, "")
        claims = [row for row in tag_rows(Q(chain=chain, address=address)) if row[1].is_counted]
    else:
        index = index_now(opened)
        mates = index.by_anchor.get(index.whole(number), [])
        for mate in dict.fromkeys([number, *mates]):
            text = opened.address_text(mate)
            claims += [(text, tag) for tag in index.tags.get(mate, ())]
    if not contradicting(tag for _, tag in claims):
        return []
    found: dict[str, list[tuple[str, TagView]]] = {}
    for text, tag in claims:
        if tag.is_service:
            found.setdefault(same_name(tag.label), []).append((text, tag))
    sides = []
    for rows in found.values():
        _text, best = min(rows, key=lambda row: (-row[1].level, row[1].label, row[0]))
        said = tuple(sorted({(text, tag.label) for text, tag in rows}))
        sides.append(
            Side(
                best.label, best.category, best.confidence, best.level, best.pack,
                best.pack_sha256, said,
            )
        )  # fmt: skip
    return sorted(sides, key=lambda side: (-side.level, side.label))


def tagged_services(ledger: str) -> list[str]:
    """Addresses of a loaded ledger that a tag gives to a service: where a trace may stop.

    Where there are no coins there are no clusters: the direct tags alone count.
    """
    if names.is_account(names.resolve(settings.FIU_HOME, ledger)):
        accounts = opened_accounts(ledger)
        rows = tag_rows(Q(chain=accounts.chain))
        services = {text for text, tag in rows if tag.is_service}
        return sorted(text for text in services if accounts.find_address(text) is not None)
    opened = opened_ledger(ledger)
    index = index_now(opened)
    numbers = [n for n, tags in index.tags.items() if any(tag.is_service for tag in tags)]
    return opened.address_texts(sorted(numbers))


def _loaded() -> list[str]:
    return names.present(settings.FIU_HOME)


def _direct_only(chain: str, texts: Sequence[str]) -> dict[str, AddressTags]:
    """Tags of addresses that no loaded ledger has seen: 2 queries."""
    if not texts:
        return {}
    which = Q(chain=chain, address__in=texts)
    tags: dict[str, list[TagView]] = {}
    against: dict[str, list[TagView]] = {}
    entries: dict[str, list[SanctionView]] = {}
    for text, tag in tag_rows(which):
        (against if tag.is_overruled else tags).setdefault(text, []).append(tag)
    for text, entry in sanction_rows(which):
        entries.setdefault(text, []).append(entry)
    return {
        text: AddressTags(
            text,
            tuple(tags.get(text, ())),
            sanctions=tuple(entries.get(text, ())),
            overruled=tuple(against.get(text, ())),
        )
        for text in sorted(tags.keys() | against.keys() | entries.keys())
    }


def _told(ledger: StoredLedger, index: TagIndex, text: str, number: int) -> AddressTags:
    """Direct and inherited tags of one address; equal inherited ones are told once, counted."""
    mates = index.mates(number)
    listed: dict[str, tuple[int, SanctionView]] = {}
    for mate in mates:
        for entry in index.sanctions.get(mate, ()):
            listed.setdefault(entry.sha256, (mate, entry))
    return AddressTags(
        address=text,
        direct=tuple(index.tags.get(number, ())),
        inherited=_inherited(ledger, index.tags, mates),
        sanctions=tuple(index.sanctions.get(number, ())),
        inherited_sanctions=tuple(
            replace(entry, via=ledger.address_text(mate)) for mate, entry in listed.values()
        ),
        overruled=(
            *index.overruled.get(number, ()), *_inherited(ledger, index.overruled, mates),
        ),
        across=_inherited(ledger, index.tags, index.across(number)),
    )  # fmt: skip


def _inherited(
    ledger: StoredLedger, tags: dict[int, list[TagView]], mates: Sequence[int]
) -> tuple[TagView, ...]:
    """What stands on the other addresses of a cluster, equal ones once, the surest first."""
    groups: dict[tuple[str, str, str], list[tuple[int, TagView]]] = {}
    for mate in mates:
        for tag in tags.get(mate, ()):
            groups.setdefault((tag.label, tag.category, tag.pack_sha256), []).append((mate, tag))
    found = [
        replace(
            rows[0][1], via=ledger.address_text(rows[0][0]), num_addresses=len(rows),
            is_cluster_definer=any(tag.is_cluster_definer for _, tag in rows),
        )
        for rows in groups.values()
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda tag: (-tag.level, tag.label)))
