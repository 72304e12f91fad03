"""Questions to hosts outside: each written down with its purpose before it is asked.

A question that names an address can tip off its owner through whoever runs the server, so only
configured hosts are asked, for a stated purpose, and the log says who asked whom about what.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from tracing.engine.addresses import decode_address
from tracing.errors import (
    AddressError,
    LedgerError,
    NodeAnswerWrong,
    NodeNotConfigured,
    TracingError,
)
from tracing.ledgers import names, store_blocks
from tracing.ledgers.batches import no_coins
from tracing.models import OutsideLookup
from tracing.nodes import EsploraSource, EsploraTx, NodeSettings
from tracing.nodes.wire import Wire

logger = structlog.get_logger(__name__)

FOLLOWING: Final = "follow the chain"
LEAST_PURPOSE: Final = 5
MOST_TX: Final = 2_000
MOST_BLOCKS: Final = 50
SUBJECT: Final = 200
OUTCOME: Final = 500


@dataclass(frozen=True)
class AddressHistory:
    """What a source says of one address, newest first; amounts in satoshi.

    is_whole: whether no older transaction was left out. num_stored: blocks that were new.
    """

    source: str
    host: str
    ledger: str
    address: str
    num_tx: int
    txs: tuple[EsploraTx, ...]
    is_whole: bool
    num_stored: int


def look_up_address(
    node: NodeSettings,
    address: str,
    *,
    purpose: str,
    by: str,
    most: int = MOST_TX,
    store: bool = False,
    wire: Wire | None = None,
) -> AddressHistory:
    """Ask a source for the history of one address.

    Args:
        purpose: why, in words; it goes into the log before anything is asked. by: who asks.
        most: transactions to read; store: also load their blocks, at most MOST_BLOCKS.

    Raises:
        NodeNotConfigured: the source answers no such question, or there is no purpose.
        AddressError; NodeError; LedgerError where the blocks cannot be stored.
    """
    if node.dialect != "esplora":
        raise NodeNotConfigured(f"{node.name} is a node to follow, not a source for one address")
    if len(purpose.strip()) < LEAST_PURPOSE:
        raise NodeNotConfigured("Say why the address is looked up: it goes into the log.")
    decoded = decode_address(address)
    if names.NETWORK[node.ledger] not in decoded.networks:
        raise AddressError(f"{address} is no address of {node.ledger}")
    with (
        wire or Wire(node) as opened,
        noted(node, opened, purpose=purpose, subject=decoded.text, by=by),
    ):
        source = EsploraSource(opened)
        source.check_network()
        txs, num_tx = _history(source, decoded.text, most)
        num_stored = _store(source, txs) if store else 0
    return AddressHistory(
        node.name, node.host, node.ledger, decoded.text, num_tx, tuple(txs), len(txs) == num_tx,
        num_stored,
    )  # fmt: skip


@contextmanager
def noted(node: NodeSettings, wire: Wire, *, purpose: str, subject: str, by: str) -> Iterator[None]:
    """Write a question down, let it be asked, then write down how it went: 2 queries."""
    row = OutsideLookup.objects.create(
        source=node.name, host=node.host, purpose=purpose.strip()[:300], subject=subject[:SUBJECT],
        by=by[:150], outcome="no answer yet",
    )  # fmt: skip
    logger.info("outside_lookup", source=node.name, host=node.host, lookup=row.pk)
    before = wire.num_requests
    outcome = "broken off"
    try:
        yield
        outcome = ""
    except TracingError as error:
        outcome = str(error)[:OUTCOME]
        raise
    finally:
        OutsideLookup.objects.filter(pk=row.pk).update(
            outcome=outcome, num_requests=wire.num_requests - before
        )


def note_following(node: NodeSettings, num_requests: int, *, outcome: str = "") -> None:
    """Count the questions of following a chain, which name no address: one line a node and day.

    The line tells how the last time of the day went; empty where the node answered.
    """
    begun = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    todays = OutsideLookup.objects.filter(source=node.name, purpose=FOLLOWING, at__gte=begun)
    told = outcome[:OUTCOME]
    if not todays.update(num_requests=F("num_requests") + num_requests, outcome=told):
        OutsideLookup.objects.create(
            source=node.name, host=node.host, purpose=FOLLOWING, subject=node.ledger,
            by="sync_chain", num_requests=num_requests, outcome=told,
        )  # fmt: skip


def _history(source: EsploraSource, address: str, most: int) -> tuple[list[EsploraTx], int]:
    """The history, and how many transactions there are; read again where a block came between."""
    for _ in range(source.wire.node.tries):
        txs = source.history(address, most)
        num_tx = source.num_tx(address)
        if len(txs) == min(num_tx, most):
            return txs, num_tx
    raise NodeAnswerWrong(
        f"the source {source.wire.node.name} ({source.wire.node.host}) gave {len(txs)} transactions"
        f" of {num_tx}; nothing of them was used"
    )


def _store(source: EsploraSource, txs: Sequence[EsploraTx]) -> int:
    """Load the blocks of these transactions; each must hold what the history says."""
    wanted: dict[str, set[str]] = {}
    for tx in txs:
        wanted.setdefault(tx.block, set()).add(tx.txid)
    if len(wanted) > MOST_BLOCKS:
        raise LedgerError(
            f"the transactions lie in {len(wanted)} blocks, at most {MOST_BLOCKS} are loaded in one"
            " go; ask for fewer with --most"
        )
    parts = []
    for name, txids in wanted.items():
        columns = source.block(name)
        held = {row[::-1].tobytes().hex() for row in columns.txid}
        if not txids <= held:
            raise NodeAnswerWrong(f"block {name} does not hold the transactions it was named for")
        parts.append(columns)
    if not parts:
        return 0
    report = store_blocks(
        settings.FIU_HOME, source.ledger, parts, lambda _new, _before: no_coins(),
        lambda _stage, _done, _total: None,
    )  # fmt: skip
    return report.blocks
