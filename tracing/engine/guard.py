"""Merges that would join addresses which tags give to different owners: a warning, not a merge.

One transaction of two strangers, or one detector that missed a mix, collapses two services into one
cluster. Tags see that: where a merge would join a part of one tagged owner with a part of another,
either the merge or a tag is wrong, and a person has to say which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from tracing.engine.clusters import Clusters
from tracing.engine.ledger import Ledger
from tracing.engine.together import joined

GUARD_LIMIT: Final = 20_000
"""Addresses of a cluster that is merged again under the guard; larger ones are not."""
Owners = frozenset[str]
NOBODY: Final[Owners] = frozenset()


@dataclass(frozen=True)
class Refused:
    """A transaction that the guard merges nobody by: it would join `a` with `b`, and their owners.

    `size_a` and `size_b` are the parts as they were then; `again` counts later transactions that
    would have joined parts of the same owners.
    """

    tx: int
    a: int
    b: int
    owners_a: Owners
    owners_b: Owners
    size_a: int
    size_b: int
    again: int = 0


@dataclass(frozen=True)
class Guarded:
    """A cluster merged again under the guard: its parts, the largest first, what was refused."""

    parts: tuple[tuple[int, ...], ...]
    refused: tuple[Refused, ...]

    def part_of(self, address: int) -> tuple[int, ...]:
        """The part that an address of the cluster is in."""
        return next(part for part in self.parts if address in part)


def guarded(
    ledger: Ledger, clusters: Clusters, address: int, owners: Mapping[int, Owners]
) -> Guarded | None:
    """Merge the cluster of an address again, transaction by transaction, under the guard.

    Args:
        owners: whom tags name, by address; an address with two names belongs to either.

    Returns:
        None for a cluster beyond `GUARD_LIMIT`. A cluster with one owner stays whole.

    Cost: O(inputs of the cluster's addresses).
    """
    members = clusters.members(address)
    if len(members) > GUARD_LIMIT:
        return None
    mine = members.tolist()
    of_tx, _ = joined(ledger, clusters, mine)
    parent = {each: each for each in mine}
    named = {each: owners.get(each, NOBODY) for each in mine}
    size = dict.fromkeys(mine, 1)

    def root(each: int) -> int:
        while parent[each] != each:
            parent[each] = parent[parent[each]]
            each = parent[each]
        return each

    refused: dict[tuple[Owners, Owners], Refused] = {}
    for tx in sorted(of_tx):
        spent = {root(each): each for each in reversed(of_tx[tx])}  # one address of each part
        tagged = [(at, each) for at, each in spent.items() if named[at]]
        apart = next(
            (
                (first, second)
                for first, second in combinations(tagged, 2)
                if not named[first[0]] & named[second[0]]
            ),
            None,
        )
        if apart is not None:
            # It spends coins of both owners, so it proves nothing about its other addresses either.
            (a, lead), (b, other) = sorted(apart)
            key = (named[a], named[b])
            old = refused.get(key) or refused.get(key[::-1])
            if old is None:
                refused[key] = Refused(tx, lead, other, named[a], named[b], size[a], size[b])
            else:
                refused[old.owners_a, old.owners_b] = replace(old, again=old.again + 1)
            continue
        least = min(spent, default=-1)
        for most in spent:
            if most != least:
                parent[most] = least
                named[least] |= named[most]
                size[least] += size[most]
    parts: dict[int, list[int]] = {}
    for each in mine:
        parts.setdefault(root(each), []).append(each)
    ranked = sorted(parts.values(), key=lambda part: (-len(part), part[0]))
    return Guarded(tuple(map(tuple, ranked)), tuple(refused.values()))
