"""Who may see a case and by which right, who is walled off, and who broke the glass."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils import timezone

from cases.models import (
    AuditEvent,
    Case,
    CaseAccess,
    CaseBlock,
    EmergencyAccess,
    ReadEvent,
)
from cases.policy import Action, Actor, Role, emergencies_to_look_at, may
from cases.queries.tasks import WORKERS

MOST = 100


class Right(StrEnum):
    """Why a person sees a case; the strongest one is told."""

    NAMED = "named"
    OFFICE = "office"
    UNIT = "unit"
    EMERGENCY = "emergency"
    ENDED = "ended"


@dataclass(frozen=True)
class PersonRow:
    """One person on the screen; `access` is what was given by name, if anything."""

    person: Any
    right: Right
    access: CaseAccess | None
    is_owner: bool


@dataclass(frozen=True)
class CasePeople:
    """Everybody who sees the case; walls only for those who may raise them, else empty."""

    rows: list[PersonRow]
    walls: list[CaseBlock]
    emergencies: list[EmergencyAccess]


def people_of_case(case: Case, actor: Actor) -> CasePeople:
    """By right, the owner first, then by name: at most 5 queries."""
    now = timezone.now()
    accesses = {each.user_id: each for each in case.accesses.select_related("granted_by")}
    emergencies = list(case.emergencies.select_related("user").order_by("-opened_at")[:MOST])
    opened = {each.user_id for each in emergencies if each.ends_at > now}
    blocks = list(case.blocks.select_related("user", "blocked_by").order_by("user__username"))
    walled = {each.user_id for each in blocks}
    rows = []
    for person in workers().exclude(pk__in=walled):
        access = accesses.get(person.pk)
        right = _right(case, person, access, now, is_emergency=person.pk in opened)
        if right is not None:
            rows.append(PersonRow(person, right, access, person.pk == case.owner_by_id))
    rows.sort(key=lambda row: (not row.is_owner, list(Right).index(row.right)))
    return CasePeople(rows, blocks if may(actor, Action.GRANT_ACCESS) else [], emergencies)


def _right(
    case: Case, person: Any, access: CaseAccess | None, now: datetime, *, is_emergency: bool
) -> Right | None:
    is_running = access is not None and (access.expires_at is None or access.expires_at > now)
    if is_running and is_emergency and access is not None and access.granted_by_id == person.pk:
        return Right.EMERGENCY
    if is_running:
        return Right.NAMED
    if person.role == Role.COMPLIANCE:
        return Right.OFFICE
    if case.visibility == "unit":
        return Right.UNIT
    return Right.ENDED if access is not None else None


def workers() -> QuerySet[Any]:
    """Active people whose role works on cases, by name: 1 query."""
    people = get_user_model().objects.filter(is_active=True, role__in=WORKERS)
    return people.order_by("last_name", "first_name", "username")


def people_to_name(case: Case) -> QuerySet[Any]:
    """Who could be given access: everybody of casework who is not walled off: 1 query."""
    return workers().exclude(pk__in=case.blocks.values("user"))


def people_to_wall_off(case: Case, actor: Actor) -> QuerySet[Any]:
    """Who could be shut out: the same, without the person who does it: 1 query."""
    return people_to_name(case).exclude(pk=actor.user_id)


@dataclass(frozen=True)
class EmergencyPage:
    """What a person did in the time of the emergency, as the case's records tell it."""

    emergency: EmergencyAccess
    events: list[AuditEvent]
    reads: list[ReadEvent]
    looks: list[Any]
    waits_for_me: bool


def emergency_page(emergency: EmergencyAccess, actor: Actor) -> EmergencyPage:
    """The page behind a row of the inbox: 4 queries."""
    case, since, until = emergency.case, emergency.opened_at, emergency.ends_at
    done = case.events.filter(actor=emergency.user, at__gte=_second(since), at__lte=until)
    read = case.reads.filter(actor=emergency.user, at__gte=since, at__lte=until)
    mine = EmergencyAccess.objects.visible_to(actor).filter(emergencies_to_look_at(actor))
    looks = list(emergency.looks.select_related("user").order_by("at"))
    return EmergencyPage(
        emergency=emergency,
        events=list(done.select_related("actor").order_by("seq")[:MOST]),
        reads=list(read.order_by("at", "pk")[:MOST]),
        looks=looks,
        waits_for_me=actor.user_id not in {each.user_id for each in looks}
        and mine.filter(pk=emergency.pk).exists(),
    )


def _second(at: datetime) -> datetime:
    """Events carry whole milliseconds: the opening itself would seem earlier than it was."""
    return at.replace(microsecond=0)
