"""Every tag and entry of one chain, read once for a ledger, with the clusters that they guard.

A tag on one address of a co-spend cluster holds for the others by inference only, so the two are
kept apart. Nothing of that is stored: it follows the newest tags, walls and blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.guard import Owners, Pair
from tracing.engine.tagging import names_an_owner, same_name
from tracing.ledgers import StoredLedger
from tracing.ledgers.clusters import StoredClusters, guarded_clusters
from tracing.models import (
    AttributionTag,
    OverruledClaim,
    SanctionsEntry,
    SanctionsList,
    TagPack,
    TagSet,
    TwoOwners,
    WallVersion,
)
from tracing.states import LabelState
from tracing.tag_sets import HOUSE, PUBLISHED
from tracing.walls import seen_walls


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


@dataclass
class TagIndex:
    """Tags and entries of one chain by address id and by cluster of one ledger snapshot.

    Args:
        by_anchor: addresses that are tagged or listed, by the name of their cluster as it would be
            with merges made that tags withhold: what a person has to look at together.
        separations: decisions by the pairs of addresses that they hold for two owners'.
        clusters: those of the ledger, under the walls of now and under these tags; None for
            accounts, each of which stands for itself.
    """

    tags: dict[int, list[TagView]] = field(default_factory=dict)
    overruled: dict[int, list[TagView]] = field(default_factory=dict)  # counts nowhere
    sanctions: dict[int, list[SanctionView]] = field(default_factory=dict)
    by_anchor: dict[int, list[int]] = field(default_factory=dict)  # tagged addresses
    clusters: StoredClusters | None = None
    separations: dict[Pair, UUID] = field(default_factory=dict)

    def part(self, number: int) -> int:
        """The name of the cluster that an address is in under the guard."""
        return number if self.clusters is None else self.clusters.anchor(number)

    def whole(self, number: int) -> int:
        """The name of its cluster with what tags withhold made, the key of `by_anchor`."""
        return number if self.clusters is None else self.clusters.whole(number)

    def mates(self, number: int) -> list[int]:
        """Tagged addresses of its cluster, without itself."""
        part = self.part(number)
        near = self.by_anchor.get(self.whole(number), ())
        return [mate for mate in near if mate != number and self.part(mate) == part]

    def across(self, number: int) -> list[int]:
        """Tagged addresses of the clusters with which tags withhold a merge of its own."""
        if self.clusters is None:
            return []
        here, parts = self.part(number), set()
        for each in self.clusters.withheld_at(number):
            if each.ruled is None:
                parts |= {self.part(each.a), self.part(each.b)} - {here}
        near = self.by_anchor.get(self.whole(number), ()) if parts else ()
        return [mate for mate in near if self.part(mate) in parts]


_VERSIONS = f"""
SELECT packs.*, lists.*, walls.*, house.*, ruled.*, apart.* FROM
  (SELECT COUNT(*), MAX(id), MIN(sha256), MAX(sha256)
     FROM {TagPack._meta.db_table} WHERE state = %s) packs,
  (SELECT COUNT(*), MAX(id) FROM {SanctionsList._meta.db_table} WHERE state = %s) lists,
  (SELECT MAX(stamp) FROM {WallVersion._meta.db_table} WHERE ledger = %s) walls,
  (SELECT COUNT(*), MAX(tag.id), SUM(tag.id) FROM {AttributionTag._meta.db_table} tag
     JOIN {TagPack._meta.db_table} pack ON pack.id = tag.pack_id
     WHERE pack.sha256 = %s AND tag.state = %s) house,
  (SELECT COUNT(*), SUM(id) FROM {OverruledClaim._meta.db_table} WHERE is_active) ruled,
  (SELECT COUNT(*), SUM(id) FROM {TwoOwners._meta.db_table} WHERE is_active) apart
"""  # noqa: S608  constants: names of tables


def versions_of(ledger: StoredLedger | AccountLedger) -> tuple[object, ...]:
    """What the index hangs on besides the snapshot: packs, lists, walls, own tags: 1 query.

    Rows of a loaded version never change, and walls have a stamp; tags of the house, and what its
    people ruled, come one by one and go again. Numbers come again where
    rows were rolled back, so the least and the largest hash stand beside them. Every page of an
    address asks; by the ORM writing the query takes longer than answering it.
    """
    active = LabelState.ACTIVE.value
    with connection.cursor() as cursor:
        cursor.execute(_VERSIONS, [active, active, ledger.name, HOUSE, PUBLISHED])
        return tuple(cursor.fetchone())


def clusters_now(ledger: StoredLedger) -> StoredClusters:
    """Clusters under the walls and under the guard of the tags known now; queries as `index_now`.

    A merge of two tagged owners is not made in them but withheld; see `engine.guard`.
    """
    clusters = index_now(ledger).clusters
    assert clusters is not None  # a ledger of coins has them
    return clusters


def index_now(ledger: StoredLedger | AccountLedger) -> TagIndex:
    """The index of what holds now: 1 query, and 4 or 5 more where anything changed."""
    return index_under(ledger, *versions_of(ledger))


def index_then(ledger: StoredLedger, kept: TagSet) -> TagIndex:
    """The index of what a kept set of tags said, under the walls of now. No sanctions."""
    return _index_then(ledger, kept.sha256, *versions_of(ledger))


@lru_cache(maxsize=4)
def _index_then(ledger: StoredLedger, sha256: str, *_versions_now: object) -> TagIndex:
    kept = TagSet.objects.get(sha256=sha256)
    tags = tag_rows_of(kept, Q(chain=ledger.chain))
    return _indexed(ledger, tags, (), Q(ruling__in=kept.rulings))


@lru_cache(maxsize=4)
def index_under(ledger: StoredLedger | AccountLedger, *_versions_now: object) -> TagIndex:
    """Every tag and entry of the chain that the ledger has seen: 4 queries, then clusters.

    Accounts have no clusters: each is its own anchor.
    """
    which = Q(chain=ledger.chain)
    return _indexed(ledger, tag_rows(which), sanction_rows(which), Q(is_active=True))


def _indexed(
    ledger: StoredLedger | AccountLedger,
    tags: Sequence[tuple[str, TagView]],
    entries: Sequence[tuple[str, SanctionView]],
    ruled: Q,
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
    if not isinstance(ledger, AccountLedger):
        found.separations = separations_of(ledger, ruled)
        found.clusters = guarded_clusters(
            ledger, seen_walls(ledger).addresses, owners_of(found.tags),
            apart=list(found.separations),
        )  # fmt: skip
    for number in sorted(found.tags.keys() | found.overruled.keys() | found.sanctions.keys()):
        found.by_anchor.setdefault(found.whole(number), []).append(number)
    return found


def owners_of(tags: Mapping[int, Sequence[TagView]]) -> dict[int, Owners]:
    """Whom tags name as keeper of each address, in the form in which names are compared."""
    named = {
        number: frozenset(same_name(tag.label) for tag in rows if tag.is_service)
        for number, rows in tags.items()
    }
    return {number: names for number, names in named.items() if names}


def separations_of(ledger: StoredLedger, ruled: Q) -> dict[Pair, UUID]:
    """What these rulings hold apart, as far as the ledger saw it, the oldest first: 1 query."""
    rows = TwoOwners.objects.filter(ruled, chain=ledger.chain).order_by("pk")
    told = list(rows.values_list("first", "second", "ruling"))
    seen = ledger.find_addresses([text for first, second, _ in told for text in (first, second)])
    found: dict[Pair, UUID] = {}
    for (_, _, ruling), one, other in zip(told, seen[::2], seen[1::2], strict=True):
        if one is not None and other is not None:
            found.setdefault((min(one, other), max(one, other)), ruling)
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
