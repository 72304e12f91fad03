"""A cluster looked at closely: its version to cite, the guard of tags, and what is probably theirs.

Read through reads.py, for ledgers of coins; accounts are never spent together.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from tracing.account_views import is_account_ledger
from tracing.engine.addresses import ScriptKind
from tracing.engine.change import probable_changes
from tracing.engine.guard import Owners, guarded
from tracing.engine.kernels import Kernels
from tracing.engine.seal import ENGINE_VERSION, boundaries_sha256
from tracing.engine.tagging import same_name
from tracing.errors import LedgerError
from tracing.ledger_views import clusters_under_walls, opened_ledger, utc_time
from tracing.ledgers import StoredLedger, open_ledger
from tracing.ledgers.clusters import StoredClusters, stored_clusters
from tracing.models import Boundary, WallSet
from tracing.tag_views import index_under, versions_of

HASHED: Final = 20_000
"""Addresses of which a page reckons the hash while somebody waits; the command does any number."""
SHOWN: Final = 100


@dataclass(frozen=True)
class ClusterVersion:
    """What a cluster was at one snapshot under one set of walls, so that it can be cited.

    The same snapshot, walls and engine make the same cluster: whoever cites it names these, and
    `manage.py cluster` finds it again. `members_sha256` is over its addresses, sorted, one a line;
    empty where a page did not reckon it.
    """

    ledger: str
    height: int
    tip_hash: str
    epoch: int
    walls_sha256: str
    engine: str
    anchor: str
    num_addresses: int
    members_sha256: str


@dataclass(frozen=True)
class RefusedMerge:
    """A merge that tags speak against; see `engine.guard.Refused`."""

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
        refused: empty where tags do not disagree, or where the cluster is too large for the guard,
            which `is_guarded` tells; part_size: addresses that stay with this one under the guard.
        probable: the newest first; `num_probable` counts those left out too.
    """

    version: ClusterVersion
    is_guarded: bool
    refused: tuple[RefusedMerge, ...]
    part_size: int
    probable: tuple[ProbableChange, ...]
    num_probable: int


def cluster_look(ledger: str, address: str) -> ClusterLook | None:
    """The cluster of an address with its guard and its probable layer; None where there is none.

    At most 5 queries where labels changed. Cost: O(inputs of its addresses), up to `HASHED` of
    them; a larger one is neither hashed nor guarded.
    """
    if is_account_ledger(ledger):
        return None
    opened = opened_ledger(ledger)
    number = opened.find_address(address)
    if number is None:
        return None
    clusters = clusters_under_walls(opened)
    members = clusters.members(number).tolist()
    walls = tuple(sorted(Boundary.objects.walls(opened.name).items()))
    version = _version(opened, clusters, number, walls, whole=len(members) <= HASHED)
    index = index_under(opened, *versions_of(opened))
    mine = set(members)
    owners: dict[int, Owners] = {}
    labels: dict[str, str] = {}
    for tagged in index.by_anchor.get(clusters.anchor(number), []):
        tags = [tag for tag in index.tags.get(tagged, ()) if tag.is_service]
        if tagged in mine and tags:
            owners[tagged] = frozenset(same_name(tag.label) for tag in tags)
            labels |= {same_name(tag.label): tag.label for tag in reversed(tags)}
    found = guarded(opened, clusters.clusters, number, owners)
    refused = tuple(
        RefusedMerge(
            txid=opened.txid(each.tx),
            height=int(opened.tx_height[each.tx]),
            at=utc_time(int(opened.tx_time[each.tx])),
            first=opened.address_text(each.a),
            second=opened.address_text(each.b),
            first_owners=tuple(sorted(labels[name] for name in each.owners_a)),
            second_owners=tuple(sorted(labels[name] for name in each.owners_b)),
            first_size=each.size_a,
            second_size=each.size_b,
            again=each.again,
        )
        for each in (found.refused if found else ())
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
    part = len(found.part_of(number)) if found else len(members)
    return ClusterLook(version, found is not None, refused, part, probable, len(changes))


def cluster_version(
    ledger: str, address: str, epoch: int | None = None, walls_sha256: str = ""
) -> ClusterVersion:
    """The version of a cluster at a snapshot under a set of walls, today's where none is named.

    The walls of today are kept, so that the version can be found again. Raises LedgerError where
    the ledger, the address, the snapshot or the walls are not there.

    Cost: clusters the ledger where nobody has yet, then O(the cluster's addresses).
    """
    opened = open_ledger(settings.FIU_HOME, ledger, epoch)
    if walls_sha256:
        walls = WallSet.objects.of(walls_sha256)
        if walls is None:
            raise LedgerError(f"no walls with the hash {walls_sha256} are kept here")
    else:
        walls = WallSet.objects.keep(tuple(sorted(Boundary.objects.walls(opened.name).items())))
    number = opened.find_address(address)
    if number is None:
        raise LedgerError(f"{opened.name} has not seen {address} up to block {opened.height}")
    kernels = Kernels(settings.FIU_HOME / "cache")
    clusters = stored_clusters(opened, [text for text, _ in walls], kernels)
    return _version(opened, clusters, number, walls, whole=True)


def _version(
    ledger: StoredLedger,
    clusters: StoredClusters,
    number: int,
    walls: tuple[tuple[str, str], ...],
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
        walls_sha256=boundaries_sha256(walls),
        engine=ENGINE_VERSION,
        anchor=ledger.address_text(clusters.anchor(number)),
        num_addresses=len(members),
        members_sha256=digest,
    )
