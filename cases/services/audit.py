"""The audit chain: every change writes one event that carries the hash of the one before.

    hash = SHA-256("tracehold-audit-v1\\0" + prev_hash + RFC 8785 form of the event), hex

One chain per case and one of the system (case NULL). The database refuses to change or skip an
event (cases/guards/); `verify_chains` finds what was changed behind its back.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import rfc8785
from django.conf import settings
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from cases.acting import acting_as
from cases.models import AuditEvent, Case, ReadEvent, SharedRelease
from cases.policy import SYSTEM, Actor
from cases.states import FindingAction, FreezeAction, ReferralAction, RequestAction

PREFIX = b"tracehold-audit-v1\0"
FIRST_PREVIOUS = "0" * 64
SYSTEM_CHAIN_LOCK = 7_411_208  # advisory lock of the chain without a case row
MAXIMUM_BREAKS = 100
# What a release may tell of, by kind of object (services/custody.py). These keep the office of who
# acted: people change theirs, and an agency reads which it was.
OF_FINDINGS = ("draft_finding", FindingAction.SUBMIT.value, FindingAction.APPROVE.value)
OF_FREEZES = (
    FreezeAction.APPROVE.value, FreezeAction.RATIFY.value, FreezeAction.SETTLE.value,
    FreezeAction.EXTEND.value,
)  # fmt: skip
OF_REFERRAL = (
    "draft_referral", "edit_referral", ReferralAction.REDACT.value, ReferralAction.RETURN.value,
    ReferralAction.APPROVE.value, ReferralAction.CLEAR.value,
)  # fmt: skip
OFFICE_KEPT = frozenset((*OF_FINDINGS, *OF_FREEZES, *OF_REFERRAL, RequestAction.ACCEPT.value))


def canonical(value: object) -> bytes:
    """RFC 8785 form. Amounts go in as strings: an integer above 2^53-1 raises."""
    return rfc8785.dumps(value)  # type: ignore[arg-type]  # checked by rfc8785 itself


def content_digest(value: object) -> str:
    """SHA-256 of the RFC 8785 form, hex: the `content_hash` of what is approved (E4)."""
    return hashlib.sha256(canonical(value)).hexdigest()


def keyed(value: str) -> str:
    """Keyed hash of a personal value, so that erasing the value keeps the chain whole (H8)."""
    return hmac.new(settings.SECRET_KEY.encode(), value.encode(), hashlib.sha256).hexdigest()[:32]


def _canonical_flat(event: Mapping[str, str | int | None]) -> bytes:
    """RFC 8785 form of an object of texts, small integers and nulls with ASCII names.

    For such objects json.dumps writes the same bytes (a test holds them equal), ten times faster.
    """
    return json.dumps(
        event, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _at_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_hash(
    prev_hash: str,
    *,
    case: str | None,
    seq: int,
    at: datetime,
    actor: int | None,
    actor_ip: str,
    action: str,
    object: str,  # noqa: A002  # the column's name
    reason: str,
    data: str,
) -> str:
    """The hash of one event; `case` is the public id, `data` canonical JSON text."""
    event = {
        "case": case,
        "seq": seq,
        "at": _at_text(at),
        "actor": actor,
        "actor_ip": actor_ip,
        "action": action,
        "object": object,
        "reason": reason,
        "data": data,
    }
    return hashlib.sha256(PREFIX + prev_hash.encode() + _canonical_flat(event)).hexdigest()


def record_event(
    case: Case | None,
    action: str,
    object: str,  # noqa: A002
    *,
    by: Actor,
    reason: str = "",
    data: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Append one event to the chain of `case`, or of the system: 3 queries.

    The case rises to the top of the lists: every change of a case passes here.

    Call it last, in the transaction of the change, with the case row locked. `data` must be
    canonical: strings, small integers, lists, objects; amounts as strings.
    Raises TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("an audit event belongs into the change's transaction")
    with acting_as(SYSTEM):  # the last event may be one that the actor must not read
        return _append(case, action, object, by, reason, data)


def _append(
    case: Case | None,
    action: str,
    object: str,  # noqa: A002
    by: Actor,
    reason: str,
    data: Mapping[str, Any] | None,
) -> AuditEvent:
    if case is None and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SYSTEM_CHAIN_LOCK])
    last = AuditEvent.objects.filter(case=case).order_by("-seq").values_list("seq", "hash").first()
    seq, prev_hash = (last[0] + 1, last[1]) if last else (1, FIRST_PREVIOUS)
    now = timezone.now()
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    office = {"office": by.role.value} if action in OFFICE_KEPT else {}
    text = canonical({**(data or {}), **office}).decode()
    if case is not None:
        Case.objects.filter(pk=case.pk).update(updated_at=at)
    return AuditEvent.objects.create(
        case=case,
        seq=seq,
        at=at,
        actor_id=by.user_id,
        actor_ip=by.address,
        action=action,
        object=object,
        reason=reason,
        data=text,
        prev_hash=prev_hash,
        hash=event_hash(
            prev_hash,
            case=str(case.public_id) if case else None,
            seq=seq,
            at=at,
            actor=by.user_id,
            actor_ip=by.address,
            action=action,
            object=object,
            reason=reason,
            data=text,
        ),
    )


def record_refusal(
    *,
    by: Actor,
    action: str,
    object: str,  # noqa: A002
    reason: str,
) -> AuditEvent:
    """Keep a refused permission in the system's chain, in a transaction of its own (H8).

    For the one place that turns PermissionDenied into an answer, after the rollback: inside an
    open transaction it raises RuntimeError.
    """
    with transaction.atomic(durable=True):
        return record_event(
            None, "permission_refused", object[:60], by=by, reason=reason, data={"asked": action}
        )


def record_read(
    case: Case | None,
    action: str,
    object: str,  # noqa: A002
    *,
    by: Actor,
    purpose: str = "",
) -> ReadEvent:
    """Keep a look at protected data with its purpose (H4): 1 query, no lock. People only."""
    if by.user_id is None:
        raise ValueError("a read has a reader")
    return ReadEvent.objects.create(
        case=case,
        at=timezone.now(),
        actor_id=by.user_id,
        actor_ip=by.address,
        action=action,
        object=object[:120],
        purpose=purpose[:200],
    )


Witness = tuple[int, str, str]
"""Number and hash of an event that somebody outside saw, and who."""


@dataclass(frozen=True, slots=True)
class Break:
    """One place where a chain does not hold; `case` is empty for the system's chain."""

    case: str
    seq: int
    reason: str


@dataclass(slots=True)
class VerifyReport:
    """What `verify_chains` saw. `breaks` holds at most the first of each chain."""

    num_chains: int = 0
    num_events: int = 0
    breaks: list[Break] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not self.breaks

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.is_whole,
            "num_chains": self.num_chains,
            "num_events": self.num_events,
            "breaks": [asdict(each) for each in self.breaks],
        }


_COLUMNS = (
    "case_id", "seq", "at", "actor_id", "actor_ip", "action", "object", "reason", "data",
    "prev_hash", "hash",
)  # fmt: skip


def _rows() -> Iterator[tuple[Any, ...]]:
    return AuditEvent.objects.order_by("case_id", "seq", "pk").values_list(*_COLUMNS).iterator(5000)


def verify_chains(checkpoint: Mapping[str, Witness] | None = None) -> VerifyReport:
    """Recompute every chain and report the first break of each (H7).

    Found: a changed, missing, doubled or moved event, a case without any, and a chain that is
    shorter than, or differs from, what a release sealed of it or a checkpoint saw: `checkpoint` has
    number, hash and the checkpoint's name by the case's public id, "" for the system's chain.
    Cost: one pass over all events, O(cases) memory.
    """
    report = VerifyReport()
    cases = {pk: (str(uuid), ref) for pk, uuid, ref in _case_names()}
    witnesses, gone = _witnesses(checkpoint or {}, cases)
    report.breaks += gone
    unseen = set(cases)
    broken: set[int | None] = set()
    chain: object = report  # no chain yet
    seq, last_hash = 0, FIRST_PREVIOUS
    for row in _rows():
        case_id, row_hash = row[0], row[10]
        report.num_events += 1
        if case_id != chain:
            chain, seq, last_hash = case_id, 0, FIRST_PREVIOUS
            report.num_chains += 1
            unseen.discard(case_id)
        seq += 1
        seen = witnesses.get(case_id, {}).pop(row[1], ())
        if case_id in broken:
            continue
        reason = _fault(row, cases[case_id][0] if case_id else None, seq, last_hash)
        if not reason:
            other = next((who for sealed, who in seen if sealed != row_hash), "")
            reason = f"differs from what {other} sealed" if other else ""
        if reason:
            broken.add(case_id)
            report.breaks.append(Break(_reference(cases, case_id), min(seq, row[1]), reason))
        last_hash = row_hash
    for case_id in unseen:
        report.breaks.append(Break(cases[case_id][1], 0, "the case has no event"))
    for chain_id, left in witnesses.items():
        if left and chain_id not in broken:
            who = left[min(left)][0][1]
            reason = f"the end that {who} sealed is missing"
            report.breaks.append(Break(_reference(cases, chain_id), min(left), reason))
    report.breaks = sorted(report.breaks, key=lambda each: (each.case, each.seq))[:MAXIMUM_BREAKS]
    return report


def _reference(cases: Mapping[int, tuple[str, str]], case_id: int | None) -> str:
    return cases[case_id][1] if case_id is not None else ""


def _witnesses(
    checkpoint: Mapping[str, Witness], cases: Mapping[int, tuple[str, str]]
) -> tuple[dict[int | None, dict[int, list[tuple[str, str]]]], list[Break]]:
    """Chain to number to (hash, who saw it); and the cases of the checkpoint that are gone."""
    found: dict[int | None, dict[int, list[tuple[str, str]]]] = {}
    for case_id, seq, sealed in SharedRelease.objects.values_list(
        "referral__case_id", "audit_seq", "audit_hash"
    ):
        found.setdefault(case_id, {}).setdefault(seq, []).append((sealed, "a release"))
    by_name: dict[str, int | None] = {uuid: pk for pk, (uuid, _) in cases.items()} | {"": None}
    gone = []
    for chain, (seq, sealed, who) in checkpoint.items():
        if chain in by_name:
            found.setdefault(by_name[chain], {}).setdefault(seq, []).append((sealed, who))
        else:
            gone.append(Break(chain, 0, f"the case that {who} sealed is gone"))
    return found, gone


def _case_names() -> Iterator[tuple[int, object, str]]:
    return Case.objects.order_by("pk").values_list("pk", "public_id", "reference").iterator()


def _fault(row: tuple[Any, ...], case: str | None, seq: int, last_hash: str) -> str:
    """Why this event does not follow the one before; empty where it does."""
    _, row_seq, at, actor, actor_ip, action, obj, reason, data, prev_hash, row_hash = row
    if row_seq != seq:
        return "an event is missing before it" if row_seq > seq else "the number stands twice"
    if prev_hash != last_hash:
        return "it does not continue the event before"
    if at.microsecond % 1000:
        return "its time was changed"
    expected = event_hash(
        prev_hash,
        case=case,
        seq=seq,
        at=at,
        actor=actor,
        actor_ip=actor_ip,
        action=action,
        object=obj,
        reason=reason,
        data=data,
    )
    return "" if expected == row_hash else "it was changed"
