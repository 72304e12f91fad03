"""The audit trail as its readers may see it: rows by role, texts and values by role as well."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from cases.models import AuditEvent
from cases.policy import OF_WALLS, Action, Actor, Role, may
from cases.queries.keyset import PAGE_ROWS, Page, newest_first

User = get_user_model()
UUID_LENGTH = 36


@dataclass(frozen=True)
class AuditFilter:
    """What of the trail is asked for; empty means everything."""

    case: str = ""
    actor: UUID | None = None
    action: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class AuditRow:
    """One event as this reader sees it.

    `case_id` is set where the reader may open the case. Reason and values are free text and may
    name customers: a reader of every chain gets neither.
    """

    event: AuditEvent
    object: str
    case_reference: str
    case_id: UUID | None
    reason: str
    data: str
    is_withheld: bool


@dataclass(frozen=True)
class AuditTrail:
    """A page of rows and the newest event that this reader sees under the same case."""

    page: Page
    newest: AuditEvent | None


def audit_trail(
    actor: Actor, wanted: AuditFilter, after: str = "", size: int = PAGE_ROWS
) -> AuditTrail:
    """A page of events that the actor may see, newest first: 2 queries."""
    if not may(actor, Action.READ_AUDIT):
        return AuditTrail(Page([], "", True), None)
    events = AuditEvent.objects.visible_to(actor).select_related("case", "actor")
    if wanted.case:
        events = events.filter(case__reference=wanted.case)
    newest = events.order_by("-at", "-pk").first()
    page = newest_first(_narrowed(events, wanted), "at", after, size)
    rows = [_row(event, actor) for event in page.rows]
    return AuditTrail(Page(rows, page.after, page.is_first), newest)


def people() -> QuerySet[Any]:
    """Everybody who can have acted, by name: 1 query."""
    return User.objects.order_by("last_name", "first_name", "username")


def _narrowed(events: QuerySet[Any], wanted: AuditFilter) -> QuerySet[Any]:
    if wanted.actor:
        events = events.filter(actor__public_id=wanted.actor)
    if wanted.action:
        events = events.filter(action=wanted.action)
    if wanted.since:
        events = events.filter(at__gte=_midnight(wanted.since))
    if wanted.until:
        events = events.filter(at__lt=_midnight(wanted.until + timedelta(days=1)))
    return events


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _row(event: AuditEvent, actor: Actor) -> AuditRow:
    is_outside = actor.role == Role.AUDITOR
    is_walled = event.action in OF_WALLS and not may(actor, Action.GRANT_ACCESS)
    data = "" if is_outside or event.data == "{}" else _readable(event.data)
    return AuditRow(
        event=event,
        object=short_object(event.object),
        case_reference=event.case.reference if event.case else "",
        case_id=event.case.public_id if event.case and not is_outside else None,
        reason="" if is_outside or is_walled else event.reason,
        data=data,
        is_withheld=is_walled or (is_outside and bool(event.reason or event.data != "{}")),
    )


def short_object(name: str) -> str:
    """`short_object("run:2991e380-ac89-...")` -> "run 2991e380…"; references stay as they are."""
    kind, _colon, public_id = name.rpartition(":")
    if len(public_id) != UUID_LENGTH or public_id.count("-") != 4:
        return name
    return f"{kind} {public_id[:8]}…".strip()


def _readable(data: str) -> str:
    """Canonical JSON on several lines; what is no JSON stays as it is."""
    try:
        return json.dumps(json.loads(data), indent=1, ensure_ascii=False)
    except ValueError:
        return data
