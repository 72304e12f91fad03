"""Which blocks form the chain: trees of blocks, the best branch of each, heights, segments.

Blocks that hang together form a tree; of its branches the one with the most work counts (the
earlier seen of equal ones), the others are stale and stay stored. A tree that reaches the first
block has certain heights; one that does not takes its height from a coinbase (BIP-34); without
either, its heights are the least ones its time allows, marked as not known until the missing
blocks arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Header:
    """What choosing a chain needs of a block; `claimed` is the BIP-34 height or -1."""

    hash: bytes
    previous: bytes
    time: int
    work: int
    claimed: int


@dataclass(frozen=True)
class Segment:
    """A run of connected blocks of the chain.

    Attributes:
        blocks: indices of its headers, in order.
        first_height: height of the first one; known: whether that is certain.
    """

    blocks: tuple[int, ...]
    first_height: int
    known: bool
    work: int

    @property
    def height(self) -> int:
        """Height of the last block."""
        return self.first_height + len(self.blocks) - 1


@dataclass(frozen=True)
class Chain:
    """Segments in chain order, and the blocks outside of it."""

    segments: tuple[Segment, ...]
    stale: tuple[int, ...]


def choose_chain(headers: Sequence[Header], genesis: bytes) -> Chain:
    """Sort the blocks into segments and stale ones.

    Cost: O(blocks) Python steps, about 3 us each.
    """
    index = {header.hash: i for i, header in enumerate(headers)}
    parent = [index.get(header.previous, -1) for header in headers]
    children: dict[int, list[int]] = {}
    trees: dict[bytes, list[int]] = {}
    for i, header in enumerate(headers):
        if parent[i] >= 0:
            children.setdefault(parent[i], []).append(i)
        else:
            trees.setdefault(header.previous, []).append(i)
    segments = [
        _best_branch(headers, parent, children, roots, previous, genesis)
        for previous, roots in trees.items()
    ]
    return _arrange(headers, segments)


def _best_branch(
    headers: Sequence[Header],
    parent: Sequence[int],
    children: dict[int, list[int]],
    roots: Sequence[int],
    previous: bytes,
    genesis: bytes,
) -> Segment:
    work: dict[int, int] = {}
    best, stack = roots[0], list(roots)
    while stack:
        i = stack.pop()
        work[i] = work.get(parent[i], 0) + headers[i].work
        if (work[i], -i) > (work.get(best, 0), -best):
            best = i
        stack.extend(children.get(i, ()))
    path, i = [], best
    while i >= 0:
        path.append(i)
        i = parent[i]
    path.reverse()
    if headers[path[0]].hash == genesis:
        return Segment(tuple(path), 0, True, work[best])
    if previous == genesis:
        return Segment(tuple(path), 1, True, work[best])
    # Late blocks first: some early ones of version 2 name a wrong height.
    for depth in range(len(path) - 1, -1, -1):
        claimed = headers[path[depth]].claimed
        if claimed > depth:
            return Segment(tuple(path), claimed - depth, True, work[best])
    return Segment(tuple(path), 1, False, work[best])


def _arrange(headers: Sequence[Header], found: Sequence[Segment]) -> Chain:
    placed: list[Segment] = []
    for segment in sorted((s for s in found if s.known), key=lambda s: (-s.work, s.blocks[0])):
        if all(s.height < segment.first_height or segment.height < s.first_height for s in placed):
            placed.append(segment)
    for segment in sorted(
        (s for s in found if not s.known), key=lambda s: headers[s.blocks[0]].time
    ):
        start = headers[segment.blocks[0]].time
        least = 1 + max((_height_at(headers, s, start) for s in placed), default=0)
        placed.append(Segment(segment.blocks, least, False, segment.work))
    placed.sort(key=lambda s: (s.first_height, headers[s.blocks[0]].time))
    kept = {i for segment in placed for i in segment.blocks}
    return Chain(tuple(placed), tuple(i for i in range(len(headers)) if i not in kept))


def _height_at(headers: Sequence[Header], segment: Segment, time: int) -> int:
    """Height of the segment's last block not later than `time`, 0 if all are later."""
    below = 0
    for depth, i in enumerate(segment.blocks):
        if headers[i].time <= time:
            below = segment.first_height + depth
    return below
