"""Agencies with their officers, what waits for a second person, and what was unusual."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from cases.models import AgencyEntry, OfficerAlarm, OfficerEntry
from cases.policy import Role
from cases.states import OfficerState, PolicyState

MOST = 200


@dataclass(frozen=True)
class OfficerRow:
    """An officer's account with the newest entry about it; None where nobody verified it here."""

    user: Any
    entry: OfficerEntry | None


@dataclass(frozen=True)
class AgencyRow:
    """An agency with what is known of it; None where nobody verified it here."""

    agency: Any
    entry: AgencyEntry | None
    officers: list[OfficerRow]


@dataclass(frozen=True)
class OfficerPage:
    """The page of agencies and officers."""

    agencies: list[AgencyRow]
    proposed_agencies: list[AgencyEntry]
    proposed_officers: list[OfficerEntry]
    alarms: list[OfficerAlarm]
    history: list[OfficerEntry]


def verified_officers(agency_id: int) -> QuerySet[Any]:
    """Accounts of an agency to which something may be sent today: 1 query.

    Two people verified each, none was suspended since, and the last day is not over.
    """
    now = timezone.now()
    entries = OfficerEntry.objects.filter(
        user=OuterRef("pk"), agency_id=agency_id, state=OfficerState.VERIFIED.value,
        valid_until__gte=now.date(),
    )  # fmt: skip
    people = get_user_model().objects.filter(
        Q(access_until=None) | Q(access_until__gt=now),
        role=Role.LIAISON.value, agency_id=agency_id, is_active=True,
    )  # fmt: skip
    found: QuerySet[Any] = people.filter(Exists(entries))
    return found


def officer_page() -> OfficerPage:
    """Every agency with its officers: 7 queries."""
    agencies = apps.get_model("fiu", "Agency").objects.order_by("short_name")
    users = get_user_model().objects.filter(role=Role.LIAISON.value).order_by("username")
    entries = OfficerEntry.objects.select_related("agency", "user", "proposed_by", "decided_by")
    known = AgencyEntry.objects.select_related("agency", "proposed_by", "decided_by")
    in_force = {each.agency_id: each for each in known.filter(state=PolicyState.IN_FORCE.value)}
    living = (
        OfficerState.VERIFIED.value, OfficerState.SUSPENDED.value, OfficerState.EXPIRED.value
    )  # fmt: skip
    newest = {each.user_id: each for each in entries.filter(state__in=living).order_by("pk")}
    rows = [OfficerRow(user, newest.get(user.pk)) for user in users]
    alarms = OfficerAlarm.objects.filter(seen_by=None).select_related("user__agency")
    over = (OfficerState.REJECTED.value, OfficerState.REPLACED.value)
    return OfficerPage(
        agencies=[
            AgencyRow(agency, in_force.get(agency.pk), _of(agency, rows)) for agency in agencies
        ],
        proposed_agencies=list(known.filter(state=PolicyState.PROPOSED.value).order_by("pk")),
        proposed_officers=list(entries.filter(state=OfficerState.PROPOSED.value).order_by("pk")),
        alarms=list(alarms.order_by("raised_at")[:MOST]),
        history=list(entries.filter(state__in=over).order_by("-pk")[:MOST]),
    )


def _of(agency: Any, rows: Iterable[OfficerRow]) -> list[OfficerRow]:
    return [row for row in rows if row.user.agency_id == agency.pk]


def known_agencies() -> list[tuple[str, str]]:
    """(number, name) of the agencies that two people verified, as a form lists them: 1 query."""
    rows = AgencyEntry.objects.filter(state=PolicyState.IN_FORCE.value).select_related("agency")
    return [
        (str(each.agency_id), f"{each.short_name} · {each.name} · {each.call_back_number}")
        for each in rows.order_by("short_name")
    ]
