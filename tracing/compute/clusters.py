"""Co-spend clusters of a whole ledger: connected components by alternating stars.

An edge joins two addresses spent together. A large star hangs every greater neighbour of an address
on the least address around it, a small star the lesser ones; neither joins what was apart nor parts
what was joined. When no address that others hang on hangs itself, and each hangs on one, the edges
are stars around the least address of each component: that is asked after each round, so the end is
proven by what stands there and not by a number of rounds.

Source: Kiveris and others, "Connected Components in MapReduce and Beyond" (2014), algorithm 3 and
theorem 1: O(log^2 n) rounds; edges never grow beyond the first ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tracing.compute.engines import Engine, Expr, only_row, whole
from tracing.compute.tables import Tables
from tracing.engine.clusters import Clusters, cospend
from tracing.engine.coinjoin import flags
from tracing.engine.ledger import Ledger
from tracing.errors import ComputeError

MOST_ROUNDS: Final = 100
"""A billion addresses need some ten; one that needs this many does not end."""


@dataclass(frozen=True)
class WholeClusters:
    """Clusters of two addresses or more.

    Args:
        members: table of (key, anchor), the anchor's own row included.
        edges: distinct edges of the first round; rounds: how often large and small star ran.
    """

    members: Expr
    clusters: int
    addresses: int
    largest: int
    edges: int
    rounds: int


def find_clusters(
    engine: Engine, tables: Tables, mixes: Expr, walls: Iterable[str]
) -> WholeClusters:
    """Cluster what was spent together, without mixes and without what spends from a wall.

    Raises ComputeError where it comes to no end. Cost: in the engine, two groupings and two joins
    of the edges a round, and a join to see whether it was the last; single rows come here.
    """
    edges = engine.keep("edges", _edges(engine, tables, mixes, sorted(set(walls))))
    stars, rounds = components(engine, edges)
    anchors = stars.select(key="low", anchor="low").distinct()
    members = engine.keep("members", ibis.union(stars.select(key="high", anchor="low"), anchors))
    first = only_row(engine, edges.agg(num=edges.count()))["num"]
    sizes = members.group_by("anchor").agg(size=members.count())
    sums = only_row(
        engine,
        sizes.agg(
            clusters=sizes.count(),
            addresses=whole(sizes["size"].sum().fill_null(0)),
            largest=sizes["size"].max().fill_null(0),
        ),
    )
    return WholeClusters(members=members, edges=first, rounds=rounds, **sums)


def components(engine: Engine, edges: Expr) -> tuple[Expr, int]:
    """Stars (high, low) around the least node of each component of edges of the same form, and the
    number of rounds it took.

    Raises ComputeError where it comes to no end. Cost: see `find_clusters`.
    """
    stars, rounds = edges, 0
    while not _are_stars(engine, stars):
        rounds += 1
        if rounds > MOST_ROUNDS:
            raise ComputeError(f"the clusters came to no end in {MOST_ROUNDS} rounds")
        hung = engine.keep("hung", _large_star(stars))
        # The table of the round before is what this round is made of, so two take turns.
        stars = engine.keep(f"stars_{rounds % 2}", _small_star(hung))
        engine.drop("hung")
    return stars, rounds


def cluster_rows(tables: Tables, members: Expr) -> Expr:
    """(address, cluster) by their texts."""
    names = tables.address.select("key", address="text")
    anchors = tables.address.select(anchor="key", cluster="text")
    return members.join(names, "key").join(anchors, "anchor").select("address", "cluster")


def cluster_lines(rows: Expr) -> Expr:
    """One line for each address, for the hash."""
    return rows.select(line=rows.address.concat(" ", rows.cluster))


def kernel_clusters(ledger: Ledger, walls: Sequence[str]) -> Clusters:
    """The clusters by the kernel, CoinJoins left out."""
    wall: NDArray[np.bool_] = np.zeros(ledger.num_addresses, np.bool_)
    wall[[address for address in ledger.find_addresses(walls) if address is not None]] = True
    return cospend(ledger, flags(ledger), wall)


def kernel_cluster_lines(ledger: Ledger, walls: Sequence[str]) -> list[str]:
    """The same lines by the kernel."""
    found = kernel_clusters(ledger, walls)
    sizes = found.sizes()
    members = np.flatnonzero(sizes[found.parent] > 1)
    texts = ledger.address_texts(members.tolist())
    anchors = ledger.address_texts(found.parent[members].tolist())
    return [f"{text} {anchor}" for text, anchor in zip(texts, anchors, strict=True)]


def _edges(engine: Engine, tables: Tables, mixes: Expr, walls: list[str]) -> Expr:
    """(high, low): the first known input address of each transaction with each other one."""
    spent = tables.input.filter(tables.input.address.notnull())
    if walls:
        named = engine.upload({"text": pa.array(walls, pa.string())})
        shut = tables.address.join(named, "text").select(address="key")
        swept = spent.join(shut, "address").select("tx").distinct()
        spent = spent.anti_join(swept, "tx")
    spent = spent.anti_join(mixes, "tx").select("tx", "address").distinct()
    least = spent.group_by("tx").agg(low=spent.address.min())
    pairs = spent.join(least, "tx").select(high="address", low="low")
    return pairs.filter(pairs.high != pairs.low).distinct()


def _are_stars(engine: Engine, edges: Expr) -> bool:
    """Whether each address hangs on one, and none of those hangs itself."""
    counts = edges.agg(num=edges.count(), high=edges.high.nunique())
    row = only_row(engine, counts)
    if row["num"] != row["high"]:
        return False
    hung = edges.view().select(hung="high")
    hanging = edges.semi_join(hung, edges.low == hung.hung)
    return bool(only_row(engine, hanging.agg(num=hanging.count()))["num"] == 0)


def _large_star(edges: Expr) -> Expr:
    """Hang every greater neighbour on the least address around: (high, low)."""
    both = ibis.union(edges.select(at="high", near="low"), edges.select(at="low", near="high"))
    least = both.group_by("at").agg(low=both.near.min())
    least = least.select("at", low=ibis.least(least.at, least.low))
    # An address with lesser neighbours alone has none to hang.
    greater = both.filter(both.near > both["at"])
    return greater.join(least, "at").select(high="near", low="low").distinct()


def _small_star(edges: Expr) -> Expr:
    """Hang each address and its lesser neighbours on the least of them: (high, low)."""
    least = edges.group_by("high").agg(least=edges.low.min())
    own = least.select("high", low="least")
    near = edges.join(least, "high").select(high="low", low="least")
    return ibis.union(own, near.filter(near.high != near.low)).distinct()
