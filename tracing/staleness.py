"""Results that a reorganisation made stale: found by the ledger's own record, written once.

A ledger's manifest says which blocks left the chain at which epoch, in the same file that makes the
new chain visible, so nothing is forgotten if a process dies between the two. A done run is stale
when its snapshot held such a block: its transactions may be gone, and what it calls unspent may
have been spent otherwise.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from tracing.ledgers import OrphanedBlock, ledger_manifest, names, open_ledger, txids_of_blocks
from tracing.ledgers.accounts import open_account_ledger, txids_of_account_blocks
from tracing.models import StaleRun, TraceResult

logger = structlog.get_logger(__name__)

_TXID = re.compile(rb"(?:\b|0x)[0-9a-f]{64}\b")


@dataclass(frozen=True)
class Staleness:
    """Why a run is stale. `txids`: transactions it names in orphaned blocks, `num_gone` of them
    in no block of the chain when it was noticed.
    """

    run: UUID
    case: UUID
    ledger: str
    fork_height: int
    num_blocks: int
    txids: tuple[str, ...]
    num_gone: int
    noticed_at: datetime

    @property
    def num_transactions(self) -> int:
        return len(self.txids)


def mark_stale_runs(ledger: str | None = None) -> int:
    """Write down every done run that rests on orphaned blocks; returns how many are new.

    Idempotent, and cheap without a reorganisation: one small file a ledger, no query.
    """
    found = 0
    for name in names.present(settings.FIU_HOME) if ledger is None else [ledger]:
        manifest = ledger_manifest(settings.FIU_HOME, name)
        spans = {
            (block.since, snapshot.epoch)
            for snapshot in manifest.snapshots
            for block in snapshot.orphaned
        }
        if not spans:
            continue
        touched = Q()
        for since, epoch in spans:
            touched |= Q(epoch__gte=since, epoch__lt=epoch)
        results = TraceResult.objects.filter(touched, ledger=name, run__stale__isnull=True)
        orphaned: dict[int, tuple[tuple[OrphanedBlock, ...], set[str]]] = {}
        for pk in list(results.order_by("pk").values_list("pk", flat=True)):
            result = TraceResult.objects.get(pk=pk)  # one at a time: results are large
            if result.epoch not in orphaned:
                blocks = manifest.orphaned_since(result.epoch)
                of_blocks = txids_of_account_blocks if names.is_account(name) else txids_of_blocks
                txids = of_blocks(settings.FIU_HOME, name, blocks)
                orphaned[result.epoch] = (blocks, txids)
            found += _mark(name, result, *orphaned[result.epoch])
    return found


def is_overtaken(ledger: str, epoch: int) -> bool:
    """Whether blocks of this epoch's snapshot have left the chain. Reads one small file."""
    return bool(ledger_manifest(settings.FIU_HOME, ledger).orphaned_since(epoch))


def stale_runs(runs: Iterable[UUID]) -> dict[UUID, Staleness]:
    """Those of the runs that are stale: 1 query."""
    wanted = list(runs)
    if not wanted:
        return {}
    rows = StaleRun.objects.filter(run__public_id__in=wanted).select_related("run")
    return {row.run.public_id: _view(row) for row in rows}


def untold_stale_runs(limit: int = 100) -> list[Staleness]:
    """Stale runs that the casework has not written down, oldest first: 1 query."""
    rows = StaleRun.objects.filter(told_at=None).select_related("run").order_by("noticed_at", "pk")
    return [_view(row) for row in rows[:limit]]


def mark_stale_told(run: UUID) -> bool:
    """Say that the casework wrote it down; True for the first caller only."""
    return bool(StaleRun.objects.filter(run__public_id=run, told_at=None).update(told_at=Now()))


def _mark(
    ledger: str, result: TraceResult, blocks: tuple[OrphanedBlock, ...], orphaned: set[str]
) -> int:
    named = {text.decode() for text in _TXID.findall(zlib.decompress(bytes(result.result)))}
    txids = sorted(named & orphaned)
    opened = open_account_ledger if names.is_account(ledger) else open_ledger
    now = opened(settings.FIU_HOME, ledger)
    try:
        with transaction.atomic():
            StaleRun.objects.create(
                run_id=result.run_id,
                fork_height=min(block.height for block in blocks) - 1,
                num_blocks=len(blocks),
                txids=txids,
                num_gone=sum(now.find_tx(txid) is None for txid in txids),
            )
    except IntegrityError:
        return 0  # another process noticed it at the same time
    logger.warning("run_turned_stale", run=result.run_id, transactions=len(txids))
    return 1


def _view(row: StaleRun) -> Staleness:
    return Staleness(
        run=row.run.public_id,
        case=row.run.case,
        ledger=row.run.ledger,
        fork_height=row.fork_height,
        num_blocks=row.num_blocks,
        txids=tuple(row.txids),
        num_gone=row.num_gone,
        noticed_at=row.noticed_at,
    )
