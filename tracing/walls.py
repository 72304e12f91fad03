"""The walls that a snapshot has seen, kept as a small file so that a process need not find them.

A large exchange has millions of addresses, of which each is a wall; to read them all and look them
up takes seconds. What was found is kept with the installation by the stamp of the walls, and the
next stamp goes on from there where walls only came. No stamp is ever used twice, so a file left by
a change that was rolled back, or by another database, is never taken for one that holds.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import uuid4

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Max

from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.clusters import Bools
from tracing.engine.ledger import U32
from tracing.engine.seal import boundaries_sha256
from tracing.ledgers import StoredLedger
from tracing.ledgers.arrays import save_arrays
from tracing.models import Boundary, WallRows, WallVersion
from tracing.states import BoundaryKind
from tracing.upserts import upsert

KEPT: Final = 4
"""Files of a ledger that stay: of the newest stamps, and of snapshots that others still read."""
REMEMBERED: Final = 64
"""Earlier stamps from which the walls only grew."""
BATCH: Final = 50_000
DELETED: Final = 900  # rows of one statement: SQLite takes no more values in some builds

WallRow = tuple[str, str, str, str]
"""(ledger, address, kind, label)."""


@dataclass(frozen=True)
class SeenWalls:
    """The walls among the addresses of a snapshot.

    Args:
        addresses: u32, their ids, ascending; is_service: whether only tags say so; labels: of each
            service, empty where the exchange itself keeps the address.
    """

    addresses: U32
    is_service: Bools
    labels: tuple[str, ...]


def write_walls(source: str, rows: Iterable[WallRow], *, is_whole: bool) -> None:
    """Add walls of one source; `is_whole` takes away those that it does not name any more.

    Whoever reads walls asks for their stamp: it changes in the same transaction, and only where a
    row came, went or says something else. Writers of one ledger wait for each other.
    """
    wanted: dict[tuple[str, str], tuple[str, str]] = {}
    for ledger, address, kind, label in rows:
        wanted.setdefault((ledger, address), (kind, label))
    with transaction.atomic():
        mine = Boundary.objects.filter(source=source)
        ledgers = {ledger for ledger, _ in wanted}
        if is_whole:
            ledgers |= set(mine.order_by().values_list("ledger", flat=True).distinct())
        versions = _locked(ledgers)
        shrunk = _take_away(source, wanted) if is_whole else set()
        newest = Boundary.objects.aggregate(newest=Max("pk"))["newest"] or 0
        upsert(
            Boundary,
            {
                "ledger": [ledger for ledger, _ in wanted],
                "address": [address for _, address in wanted],
                "kind": [kind for kind, _ in wanted.values()],
                "label": [label for _, label in wanted.values()],
                "source": [source] * len(wanted),
            },
            ("ledger", "address", "source"),
            (),
        )
        came = mine.filter(pk__gt=newest, ledger__in=ledgers).order_by()
        grown = set(came.values_list("ledger", flat=True).distinct())
        for version in versions:
            if version.ledger in shrunk | grown:
                before = [] if version.ledger in shrunk else [*version.earlier, version.stamp]
                version.earlier = before[-REMEMBERED:]
                version.stamp, version.sha256 = uuid4().hex, ""
                version.save(update_fields=["stamp", "earlier", "sha256"])


def _locked(ledgers: Iterable[str]) -> list[WallVersion]:
    """The versions of these ledgers, held until the transaction ends: numbers of rows ascend."""
    names = sorted(ledgers)
    new = [WallVersion(ledger=name, stamp=uuid4().hex) for name in names]
    WallVersion.objects.bulk_create(new, ignore_conflicts=True)
    rows = WallVersion.objects.select_for_update().filter(ledger__in=names)
    return list(rows.order_by("ledger"))


def _take_away(source: str, wanted: Mapping[tuple[str, str], tuple[str, str]]) -> set[str]:
    """Delete rows that are not wanted as they are; the ledgers that lost one."""
    rows = Boundary.objects.filter(source=source).order_by()
    gone: list[int] = []
    shrunk: set[str] = set()
    told = rows.values_list("pk", "ledger", "address", "kind", "label")
    for number, ledger, address, kind, label in told.iterator(chunk_size=BATCH):
        if wanted.get((ledger, address)) != (kind, label):
            gone.append(number)
            shrunk.add(ledger)
    if len(gone) > len(wanted):
        rows.delete()
    else:
        for start in range(0, len(gone), DELETED):
            Boundary.objects.filter(pk__in=gone[start : start + DELETED]).delete()
    return shrunk


def seen_walls(ledger: StoredLedger | AccountLedger) -> SeenWalls:
    """The walls of now among the addresses of a snapshot: 1 query, and 1 more in the first process.

    Cost: reads a file of some bytes a wall; who comes first after a change reads and looks up the
    walls that came, about 5 us each, or all of them where some went.
    """
    row = WallVersion.objects.filter(ledger=ledger.name).first()
    if row is None:  # no wall was ever written by the door
        return _found(ledger, None, 0)[0]
    return _seen(ledger, row.stamp, tuple(row.earlier))


@lru_cache(maxsize=4)
def _seen(ledger: StoredLedger | AccountLedger, stamp: str, earlier: tuple[str, ...]) -> SeenWalls:
    snapshot = f"{ledger.epoch:06d}-{ledger.tip_hash[:16]}"
    folder = settings.FIU_HOME / "cache" / "walls" / ledger.name
    path = folder / f"{snapshot}-{stamp}"
    if (kept := _read(path)) is not None:
        return kept[0]
    for each in reversed(earlier):
        if (kept := _read(folder / f"{snapshot}-{each}")) is not None:
            break
    found, newest = _found(ledger, *(kept or (None, 0)))
    _write(path, found, newest)
    return found


def _found(
    ledger: StoredLedger | AccountLedger, before: SeenWalls | None, newest: int
) -> tuple[SeenWalls, int]:
    """The walls with those of later rows than `newest`, and the number of the last row."""
    told: dict[int, str | None] = {}  # label of a service, None where the exchange keeps it
    if before is not None:
        told = {
            number: label if is_service else None
            for number, is_service, label in zip(
                before.addresses.tolist(), before.is_service.tolist(), before.labels, strict=True
            )
        }
    came = Boundary.objects.of_ledger(ledger.name).filter(pk__gt=newest).order_by("pk")
    rows = came.values_list("pk", "address", "kind", "label").iterator(chunk_size=BATCH)
    while part := list(islice(rows, BATCH)):
        newest = part[-1][0]
        numbers = ledger.find_addresses([row[1] for row in part])
        for number, (_, _, kind, label) in zip(numbers, part, strict=True):
            if number is None:
                continue
            if kind != BoundaryKind.SERVICE.value:
                told[number] = None
            else:
                told.setdefault(number, label)
    order = sorted(told)
    labels = [told[number] for number in order]
    return SeenWalls(
        np.array(order, np.uint32),
        np.array([label is not None for label in labels], np.bool_),
        tuple(label or "" for label in labels),
    ), newest


def _read(path: Path) -> tuple[SeenWalls, int] | None:
    try:
        addresses, is_service, labels, newest = (
            np.load(path / f"{name}.npy")
            for name in ("addresses", "is_service", "labels", "newest")
        )
    except FileNotFoundError:
        return None
    return SeenWalls(addresses, is_service, tuple(json.loads(labels.tobytes()))), int(newest[0])


def _write(path: Path, walls: SeenWalls, newest: int) -> None:
    """Keep what was found, and let go of the oldest."""
    save_arrays(path, {
        "addresses": walls.addresses,
        "is_service": walls.is_service,
        "labels": np.frombuffer(json.dumps(walls.labels).encode(), np.uint8),
        "newest": np.array([newest], np.int64),
    })  # fmt: skip
    kept = [each for each in path.parent.iterdir() if not each.name.startswith(".")]
    kept.sort(key=lambda each: each.stat().st_mtime_ns)
    for each in kept[:-KEPT]:
        shutil.rmtree(each, ignore_errors=True)


def walls_now(ledger: str) -> WallRows:
    """(address, kind) of the walls there are now: 1 query."""
    return tuple(sorted(Boundary.objects.walls(ledger).items()))


def walls_sha256(ledger: str) -> str:
    """Hash over the walls of now, as seals cite it: 1 query, and 2 more once after a change.

    Cost: what it takes to read all walls, once for all processes.
    """
    row = WallVersion.objects.filter(ledger=ledger).first()
    if row is not None and row.sha256:
        return row.sha256
    found = boundaries_sha256(walls_now(ledger))
    if row is not None:
        WallVersion.objects.filter(ledger=ledger, stamp=row.stamp).update(sha256=found)
    return found
