"""Looks at cases, suspects and the search, kept one by one (H4): 1 insert each, no lock.

What was looked for enters as a keyed hash: whether somebody searched for a certain name can be
answered, what somebody searched for cannot be read. Looks stand in no chain of their own, so that
none waits for another; every minute the new ones are sealed by one event of the system's chain.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from cases.checkpoints import root_of
from cases.models import AuditEvent, Case, ReadEvent, Suspect
from cases.policy import SYSTEM, Actor
from cases.services.audit import Break, keyed, record_event, record_read
from cases.services.self_lookups import watch_self, watch_suspects

BY_PROGRAM = "program"
SEAL = "seal_reads"
# A row is numbered when it is written and seen when its transaction ends: younger ones wait.
SETTLED = timedelta(seconds=60)
MOST_IN_A_SEAL = 10_000
_COLUMNS = ("pk", "case_id", "at", "actor_id", "actor_ip", "action", "object", "purpose")


def keep_case_look(
    case: Case,
    what: str,
    *,
    by: Actor,
    told: str = "",
    purpose: str = "",
) -> None:
    """Something of a case was opened; `what` is the route of its tab, or of the API's row."""
    name = what.removeprefix("case_").removesuffix("_detail")
    kind = f"view_{'case' if name == 'detail' else name}"
    record_read(case, kind[:24], told or case.reference, by=by, purpose=purpose)


def keep_suspects_look(suspects: Sequence[Suspect], *, by: Actor, purpose: str = "") -> None:
    """A page of the list over all cases, from its first suspect to its last."""
    if suspects:
        span = f"{suspects[0].reference} to {suspects[-1].reference}"
        record_read(None, "list_suspects", span, by=by, purpose=purpose)
        watch_suspects(suspects, by=by)


def keep_search(kind: str, text: str, *, by: Actor, purpose: str = "") -> None:
    """A text was looked up; `kind` is what it was taken for."""
    if text:
        record_read(None, "search", f"{kind}:{keyed(text.casefold())}", by=by, purpose=purpose)
        if kind == "words":
            watch_self("search", [text], by=by)


def keep_screening(addresses: Sequence[str], *, by: Actor, purpose: str = "") -> None:
    """A list of addresses was looked up: how many, and the keyed hash of the sorted list."""
    if addresses:
        told = f"{len(addresses)} addresses:{keyed(chr(10).join(sorted(addresses)))}"
        record_read(None, "screen_addresses", told, by=by, purpose=purpose)


@transaction.atomic
def seal_reads() -> int:
    """Seal the looks since the last seal by their Merkle root; returns how many.

    Twice at the same moment they are sealed twice, which is no harm.

    Cost: 3 queries when there is nothing to seal, else one event of the system's chain more.
    """
    last = _seals().order_by("-seq").first()
    after = json.loads(last.data)["last"] if last is not None else 0
    settled = timezone.now() - SETTLED
    rows = []
    for row in _rows(after, None)[:MOST_IN_A_SEAL]:
        if row[2] > settled:
            break
        rows.append(row)
    if not rows:
        return 0
    first, newest = rows[0][0], rows[-1][0]
    record_event(
        None, SEAL, f"reads:{first}-{newest}", by=SYSTEM,
        data={"first": first, "last": newest, "number": len(rows), "root": _root(rows)},
    )  # fmt: skip
    return len(rows)


def altered_reads() -> Iterator[Break]:
    """Seals whose looks are not what they sealed, by the seal's number in the system's chain.

    Cost: one pass over all sealed looks, a seal at a time.
    """
    for seal in _seals().order_by("seq").iterator(500):
        told = json.loads(seal.data)
        rows = list(_rows(told["first"] - 1, told["last"]))
        if len(rows) != told["number"] or _root(rows) != told["root"]:
            yield Break("", seal.seq, "the looks that it sealed were changed")


def _seals() -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(case=None, action=SEAL)


def _rows(after: int, last: int | None) -> QuerySet[ReadEvent, tuple[Any, ...]]:
    rows = ReadEvent.objects.filter(pk__gt=after)
    if last is not None:
        rows = rows.filter(pk__lte=last)
    return rows.order_by("pk").values_list(*_COLUMNS)


def _root(rows: Sequence[tuple[Any, ...]]) -> str:
    return root_of([each.isoformat() if name == "at" else each
                    for name, each in zip(_COLUMNS, row, strict=True)] for row in rows)  # fmt: skip
