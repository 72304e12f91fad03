"""Why two addresses are in one cluster: the fewest transactions between them, each put to test."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from tracing.engine.clusters import Clusters
from tracing.engine.coinjoin import is_coinjoin
from tracing.engine.ledger import NO_ADDRESS, Ledger

LOOK_LIMIT: Final = 50_000
"""Addresses a search looks at before it takes the stored chain of merges instead."""
TEST_LIMIT: Final = 5_000
"""Addresses of a cluster whose merges are put to test one by one."""
LINKS_TESTED: Final = 20


@dataclass(frozen=True)
class Link:
    """One transaction of the chain: it spent coins of `a` and of `b` together.

    Attributes:
        sides: without it, how many addresses stay with the chain's first address, how many with its
            last, and how many with neither; None where that was not computed.
        holds: True where the two stay together by other transactions.
    """

    tx: int
    a: int
    b: int
    sides: tuple[int, int, int] | None = None
    holds: bool = False


def why_together(ledger: Ledger, clusters: Clusters, a: int, b: int) -> list[Link] | None:
    """The shortest chain of merging transactions from `a` to `b`; None if nothing joins them.

    Each link of a cluster that is not too large says what becomes of the cluster without it. Where
    the search passes its limit, the chain is the stored one: it joins the two, but a shorter one
    may exist.

    Cost: O(inputs of the addresses looked at), and the same again for each link tested.
    """
    if clusters.parent[a] != clusters.parent[b]:
        return None
    chain = _shortest(ledger, clusters, a, b)
    if chain is None:
        stored = clusters.why_together(a, b) or []
        return [Link(edge.tx, edge.a, edge.b) for edge in stored]
    members = clusters.members(a)
    if len(members) > TEST_LIMIT:
        return chain
    every = joined(ledger, clusters, members.tolist())
    return [
        _tested(link, every, a, b, len(members)) if number < LINKS_TESTED else link
        for number, link in enumerate(chain)
    ]


def merges(ledger: Ledger, clusters: Clusters, tx: int) -> list[int]:
    """Addresses that a transaction joins, none where it proves nothing.

    A transaction at a wall joins nobody: a wall is a cluster by itself, so its input addresses do
    not share one.
    """
    first, end = int(ledger.in_off[tx]), int(ledger.in_off[tx + 1])
    known = ledger.in_address[first:end]
    found: list[int] = np.unique(known[known != NO_ADDRESS]).tolist()
    if len(found) < 2 or len({int(clusters.parent[address]) for address in found}) > 1:
        return []
    return [] if is_coinjoin(ledger, tx) else found


def _spends(ledger: Ledger, address: int) -> Iterator[int]:
    """Transactions that spend from an address, in chain order."""
    inputs = ledger.inputs_of_address(address)
    yield from np.unique(ledger.in_tx[inputs]).tolist()


def _shortest(ledger: Ledger, clusters: Clusters, a: int, b: int) -> list[Link] | None:
    """Breadth first from `a`, older transactions first; None past the limit."""
    came: dict[int, Link | None] = {a: None}
    queue = deque([a])
    done: set[int] = set()
    while queue and b not in came:
        address = queue.popleft()
        for tx in _spends(ledger, address):
            if tx in done:
                continue
            done.add(tx)
            for other in merges(ledger, clusters, tx):
                if other not in came:
                    came[other] = Link(tx, address, other)
                    queue.append(other)
        if len(came) > LOOK_LIMIT:
            return None
    path = []
    link = came.get(b)
    while link is not None:
        path.append(link)
        link = came[link.a]
    return path[::-1]


_Joined = tuple[dict[int, list[int]], dict[int, list[int]]]
"""Addresses of each merging transaction, and merging transactions of each address."""


def joined(ledger: Ledger, clusters: Clusters, members: list[int]) -> _Joined:
    """What each transaction of a cluster joins, and by which each of its addresses is joined."""
    of_tx: dict[int, list[int]] = {}
    of_address: dict[int, list[int]] = {}
    for address in members:
        for tx in _spends(ledger, address):
            if tx not in of_tx:
                of_tx[tx] = merges(ledger, clusters, tx)
            if of_tx[tx]:
                of_address.setdefault(address, []).append(tx)
    return of_tx, of_address


def _tested(link: Link, every: _Joined, a: int, b: int, size: int) -> Link:
    near = _reached(every, a, link.tx)
    if b in near:
        return Link(link.tx, link.a, link.b, holds=True)
    far = _reached(every, b, link.tx)
    return Link(link.tx, link.a, link.b, (len(near), len(far), size - len(near) - len(far)))


def _reached(every: _Joined, start: int, without: int) -> set[int]:
    """Addresses joined to one, one transaction left out."""
    of_tx, of_address = every
    found, used, queue = {start}, {without}, [start]
    while queue:
        for tx in of_address.get(queue.pop(), ()):
            if tx not in used:
                used.add(tx)
                new = [address for address in of_tx[tx] if address not in found]
                found.update(new)
                queue += new
    return found
