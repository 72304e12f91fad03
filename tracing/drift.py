"""Drift: sealed runs that would say something else today, after new blocks, walls or tags.

A run is asked again only when the ledger's snapshot or its walls are others than at the last look.
What counts as a conclusion is what reached a wall (the exchange or a service) and which paths
there are; coins that merely moved on are counted beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models.functions import Now

from tracing.engine.difference import Change
from tracing.engine.seal import boundaries_sha256
from tracing.errors import LedgerError
from tracing.follow import walls_now
from tracing.ledgers import ledger_snapshot
from tracing.models import DriftCheck, TraceRun
from tracing.replay import Replay, replay
from tracing.states import RunState

AT_WALLS = ("exchange_boundary", "service")
MOST_KEPT = 50
"""Changed conclusions that a check lists; all of them are counted."""


@dataclass(frozen=True)
class Drift:
    """What a sealed run would say otherwise today.

    Args:
        num_conclusions: ends at walls and paths that came, went or hold another amount.
        num_moved: other ends that stand otherwise, such as coins spent since.
        changes: the first conclusions: {kind, key, address, before, after}; amounts are strings in
            base units, None where there is nothing.
    """

    run: UUID
    case: UUID
    ledger: str
    height: int
    num_conclusions: int
    num_moved: int
    changes: tuple[dict[str, Any], ...]
    noticed_at: datetime


def watch_runs(runs: Iterable[UUID]) -> int:
    """Ask those done runs again whose ledger or walls changed; how many were asked.

    A run that cannot be asked (its ledger is gone) is left as it was. Cost: that of the runs.
    """
    asked = 0
    states: dict[str, tuple[int, str, str]] = {}
    wanted = TraceRun.objects.filter(public_id__in=list(runs), state=RunState.DONE)
    for run in wanted.select_related("drift").order_by("pk"):
        try:
            if run.ledger not in states:
                states[run.ledger] = _state_of(run.ledger)
            now = states[run.ledger]
            check = getattr(run, "drift", None)
            if check is not None and (check.epoch, check.tip_hash, check.walls_sha256) == now:
                continue
            again = replay(run.public_id, of_now=True)
        except LedgerError:
            continue
        _keep(run, check, again, now)
        asked += 1
    return asked


def drifts(runs: Iterable[UUID]) -> dict[UUID, Drift]:
    """Those of the runs whose conclusions drifted: 1 query."""
    wanted = list(runs)
    if not wanted:
        return {}
    rows = DriftCheck.objects.filter(run__public_id__in=wanted, num_conclusions__gt=0)
    return {row.run.public_id: _view(row) for row in rows.select_related("run")}


def untold_drifts(limit: int = 100) -> list[Drift]:
    """Drifted runs that the casework has not written down, oldest first: 1 query."""
    rows = DriftCheck.objects.filter(num_conclusions__gt=0, told_at=None).select_related("run")
    return [_view(row) for row in rows.order_by("noticed_at", "pk")[:limit]]


def mark_drift_told(run: UUID) -> bool:
    """Say that the casework wrote it down; True for the first caller only."""
    return bool(DriftCheck.objects.filter(run__public_id=run, told_at=None).update(told_at=Now()))


def _state_of(ledger: str) -> tuple[int, str, str]:
    """Epoch, tip and walls of now: what an answer hangs on."""
    snapshot = ledger_snapshot(settings.FIU_HOME, ledger)
    return snapshot.epoch, snapshot.tip_hash, boundaries_sha256(walls_now(ledger))


def _keep(
    run: TraceRun, before: DriftCheck | None, again: Replay, now: tuple[int, str, str]
) -> None:
    """Write the check; the same conclusions as at the last one are no news."""
    found = [_told(change) for change in again.changes if _is_conclusion(change)]
    moved = sum(change.kind == "end" for change in again.changes) - sum(
        change["kind"] == "end" for change in found
    )
    epoch, tip_hash, walls = now
    fields = {
        "epoch": epoch,
        "tip_hash": tip_hash,
        "walls_sha256": walls,
        "height": again.again["seal"]["snapshot"]["height"],
        "num_conclusions": len(found),
        "num_moved": moved,
        "changes": found[:MOST_KEPT],
        "checked_at": Now(),
    }
    is_news = before is None or (before.num_conclusions, before.changes) != (
        len(found),
        found[:MOST_KEPT],
    )
    if is_news:
        fields |= {"noticed_at": Now(), "told_at": None}
    DriftCheck.objects.update_or_create(run=run, defaults=fields)


def _is_conclusion(change: Change) -> bool:
    if change.kind == "path":
        return True
    ends = [each for each in (change.before, change.after) if each is not None]
    return change.kind == "end" and any(end["status"] in AT_WALLS for end in ends)


def _told(change: Change) -> dict[str, Any]:
    """The change in a form that pages show."""
    sides = (change.before, change.after)
    named = next(side for side in sides if side is not None)
    return {
        "kind": change.kind,
        "key": change.key,
        "address": named.get("address") or "",
        "before": None if change.before is None else _amount(change.before),
        "after": None if change.after is None else _amount(change.after),
    }


def _amount(row: dict[str, Any]) -> dict[str, str]:
    return {"amount": str(row["amount"]), "status": str(row.get("status", ""))}


def _view(row: DriftCheck) -> Drift:
    return Drift(
        run=row.run.public_id,
        case=row.run.case,
        ledger=row.run.ledger,
        height=row.height,
        num_conclusions=row.num_conclusions,
        num_moved=row.num_moved,
        changes=tuple(row.changes),
        noticed_at=row.noticed_at,
    )
