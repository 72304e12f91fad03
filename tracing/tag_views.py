"""What labels say of addresses, read through reads.py: direct tags, those of the cluster, lists.

A tag on one address of a co-spend cluster holds for the others by inference only, so the two are
kept apart. Nothing of that is stored: it follows the newest tags, walls and blocks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache

from django.conf import settings
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, Subquery, Sum, Value

from tracing.account_views import opened_accounts
from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.tagging import (
    contradicting,
    names_an_owner,
    same_name,
)
from tracing.ledger_views import clusters_under_walls, opened_ledger
from tracing.ledgers import StoredLedger, names
from tracing.models import (
    AttributionTag,
    Boundary,
    OverruledClaim,
    SanctionsEntry,
    SanctionsList,
    TagPack,
    TagSet,
)
from tracing.states import LabelState
from tracing.tag_sets import HOUSE, PUBLISHED


@dataclass(frozen=True)
class TagView:
    """A tag as screens show it. `num_addresses` counts those of the cluster that carry it too.

    `via` names the tagged address where the tag is inherited, empty where it is direct.
    """

    label: str
    category: str
    concepts: tuple[str, ...]
    abuse: str
    actor: str
    confidence: str
    level: int
    source: str
    creator: str
    licence: str
    pack: str
    pack_sha256: str
    lastmod: date | None
    valid_from: datetime
    is_cluster_definer: bool
    via: str = ""
    num_addresses: int = 1
    is_overruled: bool = False

    @property
    def is_counted(self) -> bool:
        """Whether it says anything: the house did not decide against it."""
        return not self.is_overruled

    @property
    def is_service(self) -> bool:
        """Whether it names a service, behind which a trace says nothing."""
        return self.is_counted and names_an_owner(self)


@dataclass(frozen=True)
class SanctionView:
    """An entry of a sanctions list; `via` as for a tag."""

    list: str
    sha256: str
    entry: str
    listed_on: date | None
    as_of: date | None
    loaded_at: datetime
    via: str = ""


@dataclass(frozen=True)
class AddressTags:
    """All that labels say of one address.

    `overruled` holds the claims, direct and inherited, that the house decided against: they are
    shown and count for nothing.
    """

    address: str
    direct: tuple[TagView, ...] = ()
    inherited: tuple[TagView, ...] = ()
    sanctions: tuple[SanctionView, ...] = ()
    inherited_sanctions: tuple[SanctionView, ...] = ()
    overruled: tuple[TagView, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (
            self.direct or self.inherited or self.sanctions or self.inherited_sanctions
            or self.overruled
        )  # fmt: skip

    @property
    def conflict(self) -> tuple[TagView, ...]:
        """Tags that name different owners, the most confident first; empty where they agree."""
        return tuple(contradicting((*self.direct, *self.inherited)))

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


@dataclass
class TagIndex:
    """Tags and entries of one chain by address id and by cluster of one ledger snapshot."""

    tags: dict[int, list[TagView]] = field(default_factory=dict)
    overruled: dict[int, list[TagView]] = field(default_factory=dict)  # counts nowhere
    sanctions: dict[int, list[SanctionView]] = field(default_factory=dict)
    by_anchor: dict[int, list[int]] = field(default_factory=dict)  # tagged addresses


def tag_packs() -> list[PackView]:
    """The versions that hold now: 1 query."""
    return [
        PackView(pack.name, pack.sha256, pack.lastmod, pack.num_tags)
        for pack in TagPack.objects.active().order_by("name", "creator")
    ]


def tags_of(ledger: str, addresses: Iterable[str]) -> dict[str, AddressTags]:
    """What labels say of addresses on a ledger's chain: at most 9 queries, any number of them.

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

    Addresses without any are left out. At most 9 queries.
    """
    texts = sorted(set(addresses))
    chain = names.CHAIN.get(ledger, "")
    found: dict[str, AddressTags] = {}
    if ledger in _loaded() and not names.is_account(ledger):
        opened = opened_ledger(ledger)
        index = _index_then(opened, kept.sha256, *versions_of(opened))
        found, texts = _told_under(opened, index, texts)
    direct: dict[str, list[TagView]] = {}
    for text, tag in tag_rows_of(kept, Q(chain=chain, address__in=texts)):
        direct.setdefault(text, []).append(tag)
    return found | {text: AddressTags(text, tuple(tags)) for text, tags in direct.items()}


def _told_under(
    opened: StoredLedger, index: TagIndex, texts: Sequence[str]
) -> tuple[dict[str, AddressTags], list[str]]:
    """What an index says of addresses, and those that the ledger has not seen."""
    clusters = clusters_under_walls(opened) if index.by_anchor else None
    found: dict[str, AddressTags] = {}
    unseen = []
    for text, number in zip(texts, opened.find_addresses(texts), strict=True):
        if number is None:
            unseen.append(text)
            continue
        mates: list[int] = []
        if clusters is not None and (near := index.by_anchor.get(clusters.anchor(number))):
            mates = [mate for mate in near if mate != number]
        told = _told(opened, index, text, number, mates)
        if not told.is_empty:
            found[text] = told
    return found, unseen


def sides_of(ledger: str, address: str) -> list[Side]:
    """Who is said to keep an address or its cluster, where tags disagree: the surest first.

    Empty where they agree, or where only claims that were overruled say otherwise. Queries as
    `tags_of`; O(tagged addresses of the cluster).
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
        index, clusters = index_now(opened), clusters_under_walls(opened)
        mates = index.by_anchor.get(clusters.anchor(number), [])
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


def versions_of(ledger: StoredLedger | AccountLedger) -> tuple[object, ...]:
    """What the index hangs on besides the snapshot: packs, lists, walls, own tags. 4 queries.

    Rows of a loaded version never change, and a replaced set of walls has new ids; tags of the
    house, and claims that it overruled, come one by one and go again.
    """
    ruled = OverruledClaim.objects.filter(is_active=True).order_by().annotate(one=Value(1))
    packs = TagPack.objects.active().aggregate(
        num=Count("pk"), last=Max("pk"), first=Min("sha256"), hash=Max("sha256"),
        ruled=Max(Subquery(ruled.values("one").annotate(told=Count("pk")).values("told"))),
        rulings=Max(Subquery(ruled.values("one").annotate(told=Sum("pk")).values("told"))),
    )  # fmt: skip
    lists = SanctionsList.objects.filter(state=LabelState.ACTIVE)
    entries = lists.aggregate(num=Count("pk"), last=Max("pk"))
    walls = Boundary.objects.of_ledger(ledger.name).aggregate(num=Count("pk"), last=Max("pk"))
    house = AttributionTag.objects.filter(pack__sha256=HOUSE).aggregate(
        num=Count("pk", filter=Q(state=PUBLISHED)), last=Max("pk", filter=Q(state=PUBLISHED)),
        all=Sum("pk", filter=Q(state=PUBLISHED)),
    )  # fmt: skip
    known = (packs, entries, walls, house)
    told = (row[key] for row in known for key in ("num", "last"))
    hashes = (packs["first"], packs["hash"])  # numbers come again where rows were rolled back
    return (*told, house["all"], packs["ruled"], packs["rulings"], *hashes)


def index_now(ledger: StoredLedger | AccountLedger) -> TagIndex:
    """The index of what holds now; queries as `versions_of`."""
    return index_under(ledger, *versions_of(ledger))


@lru_cache(maxsize=4)
def _index_then(ledger: StoredLedger, sha256: str, *_versions_now: object) -> TagIndex:
    kept = TagSet.objects.get(sha256=sha256)
    return _indexed(ledger, tag_rows_of(kept, Q(chain=ledger.chain)), ())


@lru_cache(maxsize=4)
def index_under(ledger: StoredLedger | AccountLedger, *_versions_now: object) -> TagIndex:
    """Every tag and entry of the chain that the ledger has seen: 2 queries, then clusters.

    Accounts have no clusters: each is its own anchor.
    """
    which = Q(chain=ledger.chain)
    return _indexed(ledger, tag_rows(which), sanction_rows(which))


def _indexed(
    ledger: StoredLedger | AccountLedger,
    tags: Sequence[tuple[str, TagView]],
    entries: Sequence[tuple[str, SanctionView]],
) -> TagIndex:
    found = TagIndex()
    texts = list({address for address, _ in [*tags, *entries]})
    seen = dict(zip(texts, ledger.find_addresses(texts), strict=True))
    for address, tag in tags:
        if (number := seen[address]) is not None:
            rows = found.overruled if tag.is_overruled else found.tags
            rows.setdefault(number, []).append(tag)
    for address, entry in entries:
        if (number := seen[address]) is not None:
            found.sanctions.setdefault(number, []).append(entry)
    tagged = sorted(found.tags.keys() | found.overruled.keys() | found.sanctions.keys())
    if isinstance(ledger, AccountLedger):
        found.by_anchor = {number: [number] for number in tagged}
    elif tagged:
        clusters = clusters_under_walls(ledger)
        for number in tagged:
            found.by_anchor.setdefault(clusters.anchor(number), []).append(number)
    return found


def tag_rows(which: Q) -> list[tuple[str, TagView]]:
    """Tags of active packs, the most confident first, overruled ones among them: 1 query."""
    return _told_rows(which & Q(pack__state=LabelState.ACTIVE, state=PUBLISHED), Q(is_active=True))


def tag_rows_of(kept: TagSet, which: Q) -> list[tuple[str, TagView]]:
    """Tags as they held in a kept set, the most confident first: 1 query."""
    packs = [sha256 for sha256 in kept.packs if sha256 != HOUSE]
    return _told_rows(
        which & (Q(pack__sha256__in=packs) | Q(pk__in=kept.house)), Q(ruling__in=kept.rulings)
    )


def _told_rows(which: Q, ruled: Q) -> list[tuple[str, TagView]]:
    against = OverruledClaim.objects.filter(
        ruled, chain=OuterRef("chain"), address=OuterRef("address"), label=OuterRef("label")
    )
    rows = AttributionTag.objects.filter(which).annotate(is_overruled=Exists(against))
    return [
        (
            row.address,
            TagView(
                label=row.label, category=row.category, concepts=tuple(row.concepts),
                abuse=row.abuse, actor=row.actor, confidence=row.confidence, level=row.level,
                source=row.source, creator=row.pack.creator, licence=row.pack.licence,
                pack=row.pack.name, pack_sha256=row.pack.sha256,
                lastmod=row.lastmod or row.pack.lastmod, valid_from=row.pack.loaded_at,
                is_cluster_definer=row.is_cluster_definer, is_overruled=row.is_overruled,
            ),
        )
        for row in rows.select_related("pack").order_by("-level", "label", "pk")
    ]  # fmt: skip


def sanction_rows(which: Q) -> list[tuple[str, SanctionView]]:
    """Entries of active lists: 1 query."""
    rows = SanctionsEntry.objects.filter(which, list__state=LabelState.ACTIVE)
    return [
        (
            row.address,
            SanctionView(
                list=row.list.name, sha256=row.list.sha256, entry=row.entry,
                listed_on=row.listed_on, as_of=row.list.as_of, loaded_at=row.list.loaded_at,
            ),
        )
        for row in rows.select_related("list").order_by("list__name", "number")
    ]  # fmt: skip


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


def _told(
    ledger: StoredLedger, index: TagIndex, text: str, number: int, mates: Sequence[int]
) -> AddressTags:
    """Direct and inherited tags of one address; equal inherited ones are told once, counted."""
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
