"""Follows a node: from the last block that both share, in batches, until the ledger is level.

A batch is fetched whole, proves itself, hangs on the block before it, and is then stored as files
are: with one manifest written last. So what is stored stays when this is killed, and what is not
stored leaves nothing. A node that reorganises within a batch loses the batch, and following begins
again at the fork; a longer branch that is stored becomes the chain by its work.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.conf import settings

from tracing.engine.columns import BlockColumns
from tracing.errors import (
    BlockFileError,
    LedgerError,
    NodeAnswerWrong,
    NodeNotConfigured,
    TracingError,
)
from tracing.following import Following, Told
from tracing.ledgers import (
    Snapshot,
    names,
    open_ledger,
    store_blocks,
    stored_block_hashes,
)
from tracing.ledgers.batches import BatchReader, CoinColumns, no_coins
from tracing.ledgers.coins import match_coins, new_spenders
from tracing.lookups import note_following
from tracing.nodes import (
    BitcoinNode,
    EvmNode,
    NodeBlock,
    NodeSettings,
    NodeTip,
    ReorganisedMeanwhile,
    bitcoin_node,
)
from tracing.nodes.wire import Wire
from tracing.staleness import mark_stale_runs
from tracing.sync_accounts import AccountSync

logger = structlog.get_logger(__name__)

HEIGHTS_ARE_TRUE_FROM = {"bitcoin": 227_931, "bitcoin-test": 21_111, "bitcoin-regtest": 1}
"""From here on a block's own height (BIP-34) is enforced by the network."""


@dataclass(frozen=True)
class SyncReport:
    """What a sync added, and where ledger and node stand now.

    Attributes:
        orphaned: blocks that left the chain; stale_runs: done runs that rested on them.
        restarts: how often the node reorganised while it was asked.
        is_level: the ledger ends in the node's own tip.
    """

    node: str
    ledger: str
    blocks: int
    transactions: int
    spent_coins: int
    batches: int
    orphaned: int
    stale_runs: int
    restarts: int
    requests: int
    retries: int
    node_tip: NodeTip
    is_level: bool
    snapshot: Snapshot


def sync_chain(
    node: NodeSettings,
    *,
    first_height: int | None = None,
    until_height: int | None = None,
    told: Told = lambda _reached, _target: None,
    wire: Wire | None = None,
) -> SyncReport:
    """Bring the node's ledger level with the node.

    Args:
        first_height: where to begin if the ledger has nothing to go on from (else the node's
            setting); above the ledger's end it begins a segment of its own.
        until_height: ask for no block above.

    Raises:
        NodeError: the node does not answer, refuses or contradicts itself. LedgerError: the ledger
            cannot be written, or shares no block with the node.

    Cost: two questions a block, three where spent coins are needed; the arrays of coins are rebuilt
    at each batch, so that a batch may take twice the time of the last rebuild. Of an Ethereum-like
    node three batches of questions for `batch_calls` blocks.
    """
    if node.dialect == "esplora":
        raise NodeNotConfigured(
            f"{node.name} is a source for single addresses (look_up_address), not a node to follow"
        )
    with wire or Wire(node) as opened:
        sync: Following
        if names.is_account(node.ledger):
            sync = AccountSync(node, EvmNode(opened), told, until_height)
        else:
            sync = _Sync(node, bitcoin_node(opened), told, until_height)
        begin = node.first_height if first_height is None else first_height
        try:
            tip = sync.follow(begin)
            snapshot = sync.snapshot()
            if snapshot is None:
                raise LedgerError(
                    f"the node {node.name} has no block from height {begin} on; "
                    f"the ledger {node.ledger} stays empty"
                )
        except TracingError as error:
            if sync.orphaned:
                mark_stale_runs(node.ledger)
            sync.keep(problem=str(error))
            note_following(node, opened.num_requests, outcome=str(error))
            raise
        stale_runs = mark_stale_runs(node.ledger)
        is_level = snapshot.tip_hash == tip.hash
        sync.keep(is_level=is_level)
        note_following(node, opened.num_requests)
    logger.info("node_followed", node=node.name, blocks=sync.blocks, height=snapshot.height)
    return SyncReport(
        node=node.name,
        ledger=node.ledger,
        blocks=sync.blocks,
        transactions=sync.transactions,
        spent_coins=sync.spent_coins,
        batches=sync.batches,
        orphaned=sync.orphaned,
        stale_runs=stale_runs,
        restarts=sync.restarts,
        requests=opened.num_requests,
        retries=opened.num_retries,
        node_tip=tip,
        is_level=is_level,
        snapshot=snapshot,
    )


class _Sync(Following):
    """The steps of one sync of a Bitcoin ledger."""

    def __init__(
        self, node: NodeSettings, source: BitcoinNode, told: Told, until: int | None
    ) -> None:
        super().__init__(node, told, until)
        self.source = source

    def check(self) -> None:
        self.source.tip()  # says whether it is of the ledger's network
        if self.source.block_hash(0) != names.GENESIS[self.node.ledger]:
            raise NodeAnswerWrong(
                f"the node {self.node.name} has another first block than {self.node.ledger}"
            )

    def tip(self) -> NodeTip:
        return self.source.tip()

    def has(self, height: int, name: str | None) -> bool:
        return self.source.block_hash(height) == name

    def fetch_up_to(self, tip: NodeTip, first_height: int) -> bool:
        """Fetch and store what is missing up to the tip; False when nothing was."""
        target = tip.height if self.until is None else min(tip.height, self.until)
        height, previous, known = self._start(tip, first_height)
        self.told(height - 1, target)
        with_coins = not self._has_all_before(height)
        stored = False
        while height <= target:
            batch: list[NodeBlock] = []
            size, begun = 0, time.monotonic()
            while height <= target and not self.is_full(len(batch), size, begun):
                name = self.source.block_hash(height)
                if name not in known:  # else it lies on a branch that was stored before
                    block = self._next(height, name, previous, with_coins)
                    name = block.hash
                    batch.append(block)
                    size += block.size
                previous, height = name, height + 1
                self.told(height - 1, target)
            if batch:
                self._store(batch)
                stored = True
        return stored

    def _start(self, tip: NodeTip, first_height: int) -> tuple[int, str | None, set[str]]:
        """Next height, the block it must follow (None: any), and hashes not to fetch again."""
        genesis = names.GENESIS[self.node.ledger]
        snapshot = self.snapshot()
        if snapshot is None or first_height > snapshot.segments[-1].height + 1:
            return first_height, genesis if first_height == 1 else None, set()
        segment = snapshot.segments[-1]
        if not segment.known:
            raise LedgerError(
                f"the heights of the last blocks of {self.node.ledger} are not known; "
                "load the blocks before them first, or begin above them with --from"
            )
        if tip.height < segment.first_height:
            return tip.height + 1, None, set()  # it is still catching up: nothing to fetch
        if tip.height >= segment.height and self.has(segment.height, segment.tip_hash):
            return segment.height + 1, segment.tip_hash, set()
        ledger = open_ledger(settings.FIU_HOME, self.node.ledger)
        fork = self.fork(ledger, segment, tip)
        if fork is not None:
            known = stored_block_hashes(settings.FIU_HOME, self.node.ledger)
            return fork + 1, ledger.hash_at(fork), known
        if segment.first_height <= 1:
            return 1, genesis, stored_block_hashes(settings.FIU_HOME, self.node.ledger)
        if first_height > segment.height:
            return first_height, None, set()
        raise LedgerError(
            f"the node {self.node.name} shares no block with {self.node.ledger} from height "
            f"{segment.first_height} to {segment.height}: it follows another chain, or all of "
            "these blocks left it; begin above them with --from"
        )

    def _has_all_before(self, height: int) -> bool:
        """Whether the ledger holds every coin that a block of this height can spend."""
        snapshot = self.snapshot()
        if snapshot is None:
            return height <= 1
        first = snapshot.segments[0]
        return first.known and first.first_height <= 1 and height <= first.height + 1

    def _next(self, height: int, name: str, previous: str | None, with_coins: bool) -> NodeBlock:
        """The block of this height, behind the one before it.

        Raises ReorganisedMeanwhile where the one before it has gone; NodeAnswerWrong where it has
        not, so that the node contradicts itself, at every try.
        """
        for attempt in range(1, self.node.tries + 1):
            if name != previous:
                block = self.source.block(name, with_coins=with_coins)
                claimed = int(block.columns.block_height[0])
                is_claim_true = height < HEIGHTS_ARE_TRUE_FROM[self.node.ledger] or claimed in (
                    -1,
                    height,
                )
                if previous == block.previous or (previous is None and is_claim_true):
                    return block
            if previous is not None and not self.has(height - 1, previous):
                raise ReorganisedMeanwhile
            if attempt < self.node.tries:
                self.source.wire.pause(attempt)
                name = self.source.block_hash(height)
        raise NodeAnswerWrong(
            f"the node {self.node.name} ({self.node.host}) names block {name} for height {height}, "
            "which does not belong there; nothing of it was stored"
        )

    def _store(self, batch: Sequence[NodeBlock]) -> None:
        def coins(new: BlockColumns | None, _before: BatchReader | None) -> CoinColumns:
            return _coins_of(batch, new, self.node)

        report = self.stored(
            lambda: store_blocks(
                settings.FIU_HOME,
                self.node.ledger,
                [block.columns for block in batch],
                coins,
                lambda _stage, _done, _total: None,
            )
        )
        self.blocks += report.blocks
        self.transactions += report.transactions
        self.spent_coins += report.spent_coins
        self.batches += 1
        self.orphaned += len(report.snapshot.orphaned) if report.blocks else 0
        self.keep()


def _coins_of(
    batch: Sequence[NodeBlock], new: BlockColumns | None, node: NodeSettings
) -> CoinColumns:
    """The spent coins of the blocks that are new."""
    if new is None:
        return no_coins()
    wanted = {name.tobytes() for name in new.block_hash}
    records = [b.coins for b in batch if b.coins is not None and b.coins.block in wanted]
    try:
        return match_coins(records, [new_spenders(new)], set(), node.name)
    except BlockFileError:
        raise NodeAnswerWrong(
            f"the node {node.name} ({node.host}) sent spent coins that contradict the inputs of "
            "their block; nothing of it was stored"
        ) from None
