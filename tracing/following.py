"""What following a node means for ledgers of either kind: counts, restarts, the fork, patience.

Subclasses say how a stretch of blocks is fetched, checked and stored.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from django.conf import settings
from django.utils import timezone

from tracing.errors import LedgerBusy, LedgerMissing, NodeAnswerWrong
from tracing.ledgers import SegmentInfo, Snapshot, ledger_snapshot
from tracing.models import FollowedNode
from tracing.nodes import NodeSettings, NodeTip, ReorganisedMeanwhile

T = TypeVar("T")

MOST_RESTARTS: Final = 10
"""Reorganisations within one sync before the node is called contradictory."""
LEAST_BATCH_SECONDS: Final = 20.0
BUSY_SECONDS: Final = 60.0
"""How long a batch waits for another load into the same ledger."""

Told = Callable[[int, int], None]
"""Told (height reached, height of the node)."""


class WithHashes(Protocol):
    """A ledger that knows which block it has at a height."""

    def hash_at(self, height: int) -> str | None:
        """Its hash as a snapshot names it, None where there is none."""


class Following:
    """The steps of one sync, and its counts."""

    def __init__(self, node: NodeSettings, told: Told, until: int | None) -> None:
        self.node, self.told, self.until = node, told, until
        self.blocks = self.transactions = self.spent_coins = self.batches = 0
        self.orphaned = self.restarts = 0
        self.node_height: int | None = None
        self._store_seconds = 0.0

    def check(self) -> None:
        """Raises NodeError where the node is of another chain than the ledger."""
        raise NotImplementedError

    def tip(self) -> NodeTip:
        """The node's tip, asked anew."""
        raise NotImplementedError

    def fetch_up_to(self, tip: NodeTip, first_height: int) -> bool:
        """Fetch and store what is missing up to the tip; False when nothing was."""
        raise NotImplementedError

    def has(self, height: int, name: str | None) -> bool:
        """Whether the node's block of this height is this one."""
        raise NotImplementedError

    def snapshot(self) -> Snapshot | None:
        """The ledger now, None while it is empty."""
        try:
            return ledger_snapshot(settings.FIU_HOME, self.node.ledger)
        except LedgerMissing:
            return None

    def follow(self, first_height: int) -> NodeTip:
        """Fetch until nothing is left; the tip is asked anew each time, nodes go on meanwhile."""
        self.check()
        while True:
            try:
                tip = self.tip()
                self.node_height = tip.height
                if not self.fetch_up_to(tip, first_height):
                    return tip
            except ReorganisedMeanwhile:
                self.restarts += 1
                if self.restarts > MOST_RESTARTS:
                    raise NodeAnswerWrong(
                        f"the node {self.node.name} changed its chain {self.restarts} times while "
                        "it was asked; nothing of the last batch was stored"
                    ) from None

    def keep(self, *, is_level: bool = False, problem: str = "") -> None:
        """Keep for the screens how far ledger and node are: 2 or 3 queries."""
        snapshot, now = self.snapshot(), timezone.now()
        row = {
            "ledger": self.node.ledger,
            "ledger_height": snapshot.height if snapshot else None,
            "asked_at": now,
            "problem": problem[:500],
        }
        if self.node_height is not None:
            row["node_height"] = self.node_height
        if is_level:
            row["synced_at"] = now
        FollowedNode.objects.update_or_create(name=self.node.name, defaults=row)

    def fork(self, ledger: WithHashes, segment: SegmentInfo, tip: NodeTip) -> int | None:
        """Height of the segment's last block that the node has: by doubling steps, then halves."""
        first, missing, step = segment.first_height, min(segment.height, tip.height) + 1, 1
        shared = None
        while shared is None and missing > first:
            height = max(first, missing - step)
            if self.has(height, ledger.hash_at(height)):
                shared = height
            else:
                missing, step = height, step * 2
        while shared is not None and missing - shared > 1:
            middle = (shared + missing) // 2
            if self.has(middle, ledger.hash_at(middle)):
                shared = middle
            else:
                missing = middle
        return shared

    def is_full(self, num_blocks: int, size: int, begun: float) -> bool:
        """Whether a batch of so many blocks and bytes, begun then, is stored now."""
        return num_blocks > 0 and (
            num_blocks >= self.node.batch_blocks
            or size >= self.node.batch_megabytes * 1_000_000
            or time.monotonic() - begun >= max(LEAST_BATCH_SECONDS, 2 * self._store_seconds)
        )

    def stored(self, store: Callable[[], T]) -> T:
        """Store a batch, waiting a while where another load is under way."""
        begun = time.monotonic()
        while True:
            try:
                found = store()
                break
            except LedgerBusy:
                if time.monotonic() - begun > BUSY_SECONDS:
                    raise
                time.sleep(1.0)
        self._store_seconds = time.monotonic() - begun
        return found
