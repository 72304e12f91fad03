"""A cluster looked at closely: its version to cite, the guard of tags, and what is probably theirs.

Read through reads.py, for ledgers of coins; accounts are never spent together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db.models import Q

from tracing.account_views import is_account_ledger
from tracing.engine.addresses import ScriptKind
from tracing.engine.change import probable_changes
from tracing.engine.guard import Pair, Withheld
from tracing.engine.kernels import Kernels
from tracing.engine.seal import ENGINE_VERSION, boundaries_sha256
from tracing.engine.tagging import same_name
from tracing.errors import LedgerError
from tracing.ledger_views import utc_time, why_together
from tracing.ledgers import StoredLedger, open_ledger
from tracing.ledgers.clusters import StoredClusters, guarded_clusters, seen_among
from tracing.models import WallSet
from tracing.open_ledgers import opened_ledger
from tracing.tag_index import (
    TagIndex,
    TagView,
    clusters_now,
    index_now,
    owners_of,
    separations_of,
    tag_rows_of,
)
from tracing.tag_sets import keep_tag_set, kept_tag_set, tag_set_now
from tracing.walls import walls_now, walls_sha256

HASHED: Final = 20_000
"""Addresses of which a page reckons the hash while somebody waits; the command does any number."""
SHOWN: Final = 100


@dataclass(frozen=True)
class ClusterVersion:
    """What a cluster was at one snapshot under one set of walls and tags, so that it can be cited.

    The same snapshot, walls, tags and engine make the same cluster: whoever cites it names these,
    and `manage.py cluster` finds it again. `members_sha256` is over its addresses, sorted, one a
    line; empty where a page did not reckon it.
    """

    ledger: str
    height: int
    tip_hash: str
    epoch: int
    walls_sha256: str
    tag_set: str
    engine: str
    anchor: str
    num_addresses: int
    members_sha256: str


@dataclass(frozen=True)
class WithheldMerge:
    """A merge that tags speak against, which was not made; see `engine.guard.Withheld`.

    `first` is an address of this cluster, `second` one of the other; the sizes are theirs, and the
    owners those whom tags name.
    """

    txid: str
    height: int
    at: datetime
    first: str
    second: str
    first_owners: tuple[str, ...]
    second_owners: tuple[str, ...]
    first_size: int
    second_size: int
    again: int


@dataclass(frozen=True)
class KeptApart:
    """A ruling that two addresses are two owners', as seen from the cluster of the first one.

    Args:
        txid: the first transaction that would join the two, None where none would; `again` counts
            later ones. It merges nobody.
        both: whether that transaction spends coins of these two addresses themselves, so that who
            made it had the keys of both, or two people made it together.
        second_owners, second_size: whom tags name on the other side, and its addresses.
    """

    ruling: UUID
    first: str
    second: str
    second_owners: tuple[str, ...]
    second_size: int
    txid: str | None = None
    height: int = 0
    at: datetime | None = None
    both: bool = False
    again: int = 0


@dataclass(frozen=True)
class ProbableChange:
    """An output that the cluster probably kept, with the facts that matched."""

    txid: str
    height: int
    at: datetime
    address: str
    value: int
    kind: str
    least_input: int
    num_outputs: int


@dataclass(frozen=True)
class ClusterLook:
    """Everything about the cluster of one address.

    Args:
        withheld: empty where no transaction joins it with addresses that tags give another owner.
        apart: rulings that one of its addresses and another are two owners'.
        whole_size: its addresses if the merges were made that tags withhold.
        probable: the newest first; `num_probable` counts those left out too.
    """

    version: ClusterVersion
    withheld: tuple[WithheldMerge, ...]
    apart: tuple[KeptApart, ...]
    whole_size: int
    probable: tuple[ProbableChange, ...]
    num_probable: int


def cluster_look(ledger: str, address: str) -> ClusterLook | None:
    """The cluster of an address with its guard and its probable layer; None where there is none.

    At most 12 queries. Cost: O(inputs of its addresses), up to `HASHED` of them; a larger one is
    not hashed.
    """
    if is_account_ledger(ledger):
        return None
    opened = opened_ledger(ledger)
    number = opened.find_address(address)
    if number is None:
        return None
    index, clusters = index_now(opened), clusters_now(opened)
    members = clusters.members(number).tolist()
    walls = walls_sha256(opened.name)
    version = _version(opened, clusters, number, walls, tag_set_now(), whole=len(members) <= HASHED)
    withheld = tuple(
        _merge(opened, index, clusters, each, clusters.anchor(number))
        for each in clusters.withheld_at(number)
        if each.ruled is None
    )
    changes = probable_changes(opened, opened.out_kind, clusters.clusters, members[:HASHED])
    probable = tuple(
        ProbableChange(
            txid=opened.txid(each.tx),
            height=int(opened.tx_height[each.tx]),
            at=utc_time(int(opened.tx_time[each.tx])),
            address=opened.address_text(each.address),
            value=each.value,
            kind=ScriptKind(each.kind).label,
            least_input=each.least_input,
            num_outputs=each.num_outputs,
        )
        for each in changes[:SHOWN]
    )
    whole = clusters.whole_size(number)
    mine = clusters.anchor(number)
    apart = tuple(
        _apart(opened, index, clusters, pair, here)
        for pair in index.separations
        for here in pair
        if clusters.anchor(here) == mine
    )
    return ClusterLook(version, withheld, apart, whole, probable, len(changes))


def kept_apart(ledger: str, first: str, second: str) -> KeptApart | None:
    """The ruling that the clusters of two addresses are two owners'; None where there is none.

    Rulings name addresses: each counts for the whole cluster that its address is in. Queries as
    `index_now`.
    """
    if is_account_ledger(ledger):
        return None
    opened = opened_ledger(ledger)
    one, other = opened.find_address(first), opened.find_address(second)
    if one is None or other is None:
        return None
    index, clusters = index_now(opened), clusters_now(opened)
    here, there = clusters.anchor(one), clusters.anchor(other)
    for pair in index.separations:
        sides = [clusters.anchor(each) for each in pair]
        if sorted(sides) == sorted([here, there]):
            return _apart(opened, index, clusters, pair, pair[sides.index(here)])
    return None


def joins_of(ledger: str, first: str, second: str) -> list[tuple[str, bool]]:
    """What joins two addresses now, and whether each spends coins of these two themselves.

    (txid, both) of the fewest transactions between them, or of the one that tags keep from joining
    them; empty where nothing would. Raises LedgerError for an address that the ledger has not seen,
    and where it is of accounts. Queries and cost as `why_together`.
    """
    if is_account_ledger(ledger):
        raise LedgerError("accounts are never spent together, so nothing joins them")
    opened = opened_ledger(ledger)
    pair = [opened.find_address(text) for text in (first, second)]
    for number, text in zip(pair, (first, second), strict=True):
        if number is None:
            raise LedgerError(f"the ledger has not seen {text}")
    found = why_together(ledger, first, second)
    if found is not None:
        return [
            (merge.txid, {merge.first, merge.second} == {first, second}) for merge in found.merges
        ]
    clusters = clusters_now(opened)
    sides = {clusters.anchor(number) for number in pair if number is not None}
    return [
        (opened.txid(each.tx), _spends_both(opened, each.tx, pair))
        for each in clusters.withheld
        if {clusters.anchor(each.a), clusters.anchor(each.b)} == sides
    ]


def _spends_both(ledger: StoredLedger, tx: int, pair: Sequence[int | None]) -> bool:
    first, end = int(ledger.in_off[tx]), int(ledger.in_off[tx + 1])
    return set(pair) <= set(np.asarray(ledger.in_address[first:end]).tolist())


def _apart(
    ledger: StoredLedger, index: TagIndex, clusters: StoredClusters, pair: Pair, here: int
) -> KeptApart:
    """A ruling as seen from one of its addresses."""
    there = pair[0] if here == pair[1] else pair[1]
    sides = {clusters.anchor(here), clusters.anchor(there)}
    told = KeptApart(
        ruling=index.separations[pair],
        first=ledger.address_text(here),
        second=ledger.address_text(there),
        second_owners=_owners(index, there),
        second_size=clusters.size(there),
    )
    for each in clusters.withheld:
        between = {clusters.anchor(each.a), clusters.anchor(each.b)}
        if each.ruled is None or (each.ruled != pair and between != sides):
            continue
        return replace(
            told,
            txid=ledger.txid(each.tx),
            height=int(ledger.tx_height[each.tx]),
            at=utc_time(int(ledger.tx_time[each.tx])),
            both=_spends_both(ledger, each.tx, pair),
            again=each.again,
        )
    return told


def _merge(
    ledger: StoredLedger, index: TagIndex, clusters: StoredClusters, merge: Withheld, here: int
) -> WithheldMerge:
    """A withheld merge as seen from the cluster of this name."""
    first, second = (merge.a, merge.b) if clusters.anchor(merge.a) == here else (merge.b, merge.a)
    return WithheldMerge(
        txid=ledger.txid(merge.tx),
        height=int(ledger.tx_height[merge.tx]),
        at=utc_time(int(ledger.tx_time[merge.tx])),
        first=ledger.address_text(first),
        second=ledger.address_text(second),
        first_owners=_owners(index, first),
        second_owners=_owners(index, second),
        first_size=clusters.size(first),
        second_size=clusters.size(second),
        again=merge.again,
    )


def _owners(index: TagIndex, number: int) -> tuple[str, ...]:
    """Whom tags name as keeper of a cluster, each once, as the surest of its tags writes it."""
    tags: list[TagView] = [
        tag
        for mate in [number, *index.mates(number)]
        for tag in index.tags.get(mate, ())
        if tag.is_service
    ]
    labels: dict[str, str] = {}
    for tag in sorted(tags, key=lambda tag: (-tag.level, tag.label)):
        labels.setdefault(same_name(tag.label), tag.label)
    return tuple(sorted(labels.values()))


def cluster_version(
    ledger: str, address: str, epoch: int | None = None, walls_sha256: str = "", tag_set: str = ""
) -> ClusterVersion:
    """The version of a cluster at a snapshot under walls and tags, today's where none are named.

    Walls and tags of today are kept, so that the version can be found again. Raises LedgerError
    where the ledger, the address, the snapshot, the walls or the tags are not there.

    Cost: clusters the ledger where nobody has yet, then O(the cluster's addresses).
    """
    opened = open_ledger(settings.FIU_HOME, ledger, epoch)
    if walls_sha256:
        walls = WallSet.objects.of(walls_sha256)
        if walls is None:
            raise LedgerError(f"no walls with the hash {walls_sha256} are kept here")
    else:
        walls = WallSet.objects.keep(walls_now(opened.name))
    kept = kept_tag_set(tag_set or keep_tag_set())
    if kept is None:
        raise LedgerError(f"no tags with the hash {tag_set} are kept here")
    number = opened.find_address(address)
    if number is None:
        raise LedgerError(f"{opened.name} has not seen {address} up to block {opened.height}")
    said: dict[int, list[TagView]] = {}
    rows = [row for row in tag_rows_of(kept, Q(chain=opened.chain)) if row[1].is_counted]
    for at, (_, tag) in zip(opened.find_addresses([text for text, _ in rows]), rows, strict=True):
        if at is not None:
            said.setdefault(at, []).append(tag)
    kernels = Kernels(settings.FIU_HOME / "cache")
    seen = seen_among(opened, [text for text, _ in walls])
    apart = list(separations_of(opened, Q(ruling__in=kept.rulings)))
    clusters = guarded_clusters(opened, seen, owners_of(said), kernels, apart)
    return _version(opened, clusters, number, boundaries_sha256(walls), kept.sha256, whole=True)


def _version(
    ledger: StoredLedger,
    clusters: StoredClusters,
    number: int,
    walls: str,
    tag_set: str,
    *,
    whole: bool,
) -> ClusterVersion:
    members = clusters.members(number)
    digest = ""
    if whole:
        lines = "".join(f"{text}\n" for text in sorted(ledger.address_texts(members)))
        digest = hashlib.sha256(lines.encode()).hexdigest()
    return ClusterVersion(
        ledger=ledger.name,
        height=ledger.height,
        tip_hash=ledger.tip_hash,
        epoch=ledger.epoch,
        walls_sha256=walls,
        tag_set=tag_set,
        engine=ENGINE_VERSION,
        anchor=ledger.address_text(clusters.anchor(number)),
        num_addresses=len(members),
        members_sha256=digest,
    )
