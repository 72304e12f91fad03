"""Drift: sealed runs that would say something else today, after new blocks, walls or tags.

A run is asked again only when the ledger's snapshot, its walls or its tags are others than at the
last look. What counts as a conclusion is what reached a wall (the exchange or a service), which
paths there are, and whose the addresses are where money rests; coins that merely moved on are
counted beside it.

Each look is a row, claimed by compare and set, so the watch may be hinted, doubled or killed: what
was not looked at to the end is due again, behind the others.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now

from tracing.engine.difference import Change
from tracing.engine.tagging import same_name
from tracing.errors import LedgerError, ParametersError, SeedError
from tracing.ledgers import ledger_snapshot
from tracing.models import DriftCheck, TagSet, TraceRun
from tracing.replay import replay
from tracing.run_views import result
from tracing.states import RunState
from tracing.tag_sets import keep_tag_set
from tracing.tag_views import AddressTags, tags_of, tags_then
from tracing.walls import walls_sha256

AT_WALLS = ("exchange_boundary", "service")
MOST_KEPT = 50
"""Changed conclusions that a check lists; all of them are counted."""
OWNER = "owner"
"""Kind of a row that sums what conclusions said of one owner; it is none of its own."""
UNFINISHED_SECONDS = 60
"""A look that did not end is not begun again before."""
OF_THE_LOOK = ("tip_hash", "walls_sha256", "tag_set")
"""Empty while the first look has not ended."""


@dataclass(frozen=True)
class Drift:
    """What a sealed run would say otherwise today.

    Args:
        num_conclusions: ends at walls and paths that came, went or hold another amount, addresses
            of the answer that a tag gives to another owner, and seeds that are no more.
        num_moved: other ends that stand otherwise, such as coins spent since.
        changes: the first conclusions: {kind, key, address, before, after}; amounts are strings in
            base units, None where there is nothing; `label` names the owner of a tag.
        totals: what came to rest with each owner of whom tags now say something else, in all, in
            the same form; empty under poison, whose amounts do not add up.
    """

    run: UUID
    case: UUID
    ledger: str
    height: int
    num_conclusions: int
    num_moved: int
    changes: tuple[dict[str, Any], ...]
    totals: tuple[dict[str, Any], ...]
    noticed_at: datetime


@dataclass(frozen=True)
class _Now:
    """What an answer hangs on today."""

    epoch: int
    tip_hash: str
    walls: str
    tag_set: str

    def is_checked(self) -> Q:
        return Q(
            drift__epoch=self.epoch, drift__tip_hash=self.tip_hash,
            drift__walls_sha256=self.walls, drift__tag_set=self.tag_set,
        )  # fmt: skip

    def is_resting(self, pause: float) -> Q:
        """Looked at a short time ago, and only blocks came since."""
        same = Q(drift__walls_sha256=self.walls, drift__tag_set=self.tag_set)
        return same & Q(drift__checked_at__gt=Now() - timedelta(seconds=pause))


def watch_runs(runs: Iterable[UUID], *, pause: float = 0, seconds: float | None = None) -> int:
    """Ask those done runs again whose ledger, walls or tags changed; how many were asked.

    Args:
        pause: seconds for which a run is left alone where only blocks came since its last look.
        seconds: after so many no further run is begun; those least lately looked at come first.

    A run whose ledger is gone is left as it was. Cost: that of the runs, and few queries a ledger.
    """
    began = time.monotonic()
    asked = 0
    done = TraceRun.objects.filter(public_id__in=list(runs), state=RunState.DONE)
    tag_set = keep_tag_set()
    for ledger in sorted(set(done.order_by().values_list("ledger", flat=True))):
        try:
            snapshot = ledger_snapshot(settings.FIU_HOME, ledger)
        except LedgerError:
            continue
        walls = walls_sha256(ledger)
        now = _Now(snapshot.epoch, snapshot.tip_hash, walls, tag_set)
        unfinished = Now() - timedelta(seconds=UNFINISHED_SECONDS)
        due = (
            done.filter(ledger=ledger)
            .exclude(now.is_checked())
            .exclude(now.is_resting(pause))
            .exclude(drift__tip_hash="", drift__checked_at__gt=unfinished)
            .order_by(F("drift__checked_at").asc(nulls_first=True), "pk")
        )
        for number in list(due.values_list("pk", flat=True)):
            if seconds is not None and time.monotonic() - began > seconds:
                return asked
            asked += _look(TraceRun.objects.get(pk=number), now)
    return asked


def _look(run: TraceRun, now: _Now) -> bool:
    """Look at one run, unless another process does; whether it was asked again."""
    check, is_new = DriftCheck.objects.get_or_create(
        run=run,
        defaults={
            "epoch": 0, "height": 0, "num_conclusions": 0, "num_moved": 0,
            "checked_at": Now(), "noticed_at": Now(), **dict.fromkeys(OF_THE_LOOK, ""),
        },
    )  # fmt: skip
    if not is_new:
        mine = DriftCheck.objects.filter(pk=check.pk, num_looks=check.num_looks)
        if not mine.update(checked_at=Now(), num_looks=F("num_looks") + 1):
            return False
    stored = result(run.public_id)
    if stored is None:
        return False
    if is_new and _as_sealed(stored["seal"]) == now:
        _keep(check, now, stored["seal"]["snapshot"]["height"], [], 0, [])
        return False
    try:
        again = replay(run.public_id, of_now=True)
    except LedgerError:
        return False
    except (SeedError, ParametersError) as error:
        lost = {"kind": "seed", "key": str(error), "address": "", "before": None, "after": None}
        _keep(check, now, stored["seal"]["snapshot"]["height"], [lost], 0, [])
        return True
    found = [_told(change) for change in again.changes if _is_conclusion(change)]
    ended = sum(change.kind == "end" for change in again.changes)
    moved = ended - sum(change["kind"] == "end" for change in found)
    owned, totals = changed_owners(stored, now.tag_set)
    _keep(check, now, again.again["seal"]["snapshot"]["height"], found + owned, moved, totals)
    return True


def _as_sealed(seal: Mapping[str, Any]) -> _Now:
    snapshot = seal["snapshot"]
    return _Now(
        snapshot["epoch"], snapshot["block_hash"],
        seal["boundaries_sha256"], seal.get("tag_set", ""),
    )  # fmt: skip


def changed_owners(
    stored: Mapping[str, Any], tag_set: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Addresses of a sealed answer that tags gave to other owners then, the largest amount first,
    and what came to rest with each of these owners in all, then and now.

    Nothing where the run was sealed before seals cited their tags. Amounts are those sealed.
    """
    seal = stored["seal"]
    kept = TagSet.objects.filter(sha256=seal.get("tag_set", "")).exclude(sha256=tag_set).first()
    if kept is None:
        return [], []
    amounts: Counter[str] = Counter()
    for end in stored.get("ends", ()):
        amounts[end["address"] or ""] += int(end["amount"])
    is_sum = bool(amounts) and seal["parameters"]["policy"] != "poison"
    for path in stored.get("paths", ()):
        for address in set(path["addresses"]):
            amounts[address] += int(path["amount"])
    amounts.pop("", None)
    ledger = seal["snapshot"]["ledger"]
    then, today = tags_then(ledger, amounts, kept), tags_of(ledger, amounts)
    found = []
    moved: dict[str, str] = {}  # folded name -> name, of owners that an address came to or left
    sums: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for address, amount in sorted(amounts.items(), key=lambda pair: (-pair[1], pair[0])):
        before, after = _owners(then.get(address)), _owners(today.get(address))
        for total, owners in zip(sums, (before, after), strict=True):
            if len(owners) == 1:  # of two who are named, neither has it for certain
                total.update(dict.fromkeys(owners, amount))
        if before.keys() != after.keys():
            moved |= after | before
            found.append({
                "kind": "tag", "key": address, "address": address,
                "before": _owned(before, amount), "after": _owned(after, amount),
            })  # fmt: skip
    totals = [
        {
            "kind": OWNER, "key": name, "address": "",
            "before": _owned({name: label}, sums[0][name]),
            "after": _owned({name: label}, sums[1][name]),
        }
        for name, label in sorted(moved.items())
        if sums[0][name] != sums[1][name]
    ]  # fmt: skip
    return found, totals if is_sum else []


def _owners(told: AddressTags | None) -> dict[str, str]:
    """Who the tags say owns an address: folded name to name, one unless they contradict."""
    if told is None or told.best is None or not told.best.is_service:
        return {}
    return {same_name(tag.label): tag.label for tag in (told.conflict or (told.best,))}


def _owned(owners: Mapping[str, str], amount: int) -> dict[str, str] | None:
    if not owners:
        return None
    return {"amount": str(amount), "status": "", "label": " / ".join(sorted(owners.values()))}


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


def _keep(
    check: DriftCheck,
    now: _Now,
    height: int,
    found: list[dict[str, Any]],
    moved: int,
    totals: list[dict[str, Any]],
) -> None:
    """Write what the look saw; the same conclusions as at the last one are no news."""
    told = found[:MOST_KEPT] + totals[:MOST_KEPT]
    fields: dict[str, Any] = {
        "epoch": now.epoch,
        "tip_hash": now.tip_hash,
        "walls_sha256": now.walls,
        "tag_set": now.tag_set,
        "height": height,
        "num_conclusions": len(found),
        "num_moved": moved,
        "changes": told,
    }
    if (check.num_conclusions, check.changes) != (len(found), told):
        fields |= {"noticed_at": Now(), "told_at": None}
    DriftCheck.objects.filter(pk=check.pk).update(**fields)


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
        changes=tuple(each for each in row.changes if each["kind"] != OWNER),
        totals=tuple(each for each in row.changes if each["kind"] == OWNER),
        noticed_at=row.noticed_at,
    )
