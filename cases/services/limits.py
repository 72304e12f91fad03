"""Limits on how often one person, program or address may ask for something (S4).

Each limit is a bucket that empties at a steady pace (the generic cell rate algorithm): `burst` at
once, after that one every `step_ms`. One row holds it, changed by one conditional UPDATE, so all
processes count together and of two requests at once each counts.
"""

import math
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.models import Case, Pace
from cases.policy import Actor
from cases.services.errors import CaseworkError, TooFast
from tracing import jobs

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MEGABYTE = 1_048_576
ATTEMPTS = 3
# Every call of the API begins with it: put together by the ORM it takes twenty times as long.
STEP_ON = (
    "UPDATE cases_pace SET rest_at = CASE WHEN rest_at > %s THEN rest_at ELSE %s END + %s"
    " WHERE key = %s AND rest_at <= %s"
)
TRACE_SECONDS = 60  # when to look again; nobody knows when a run ends


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` at once, then one every `step_ms` milliseconds."""

    name: str
    step_ms: int
    burst: int


def take_call(who: str) -> None:
    """Count one call of the API by `who` (`user:7`, `address:192.0.2.1`): 1 query.

    Raises TooFast, with the seconds to wait.
    """
    limit = Limit("api", math.ceil(1000 / settings.API_PER_SECOND), settings.API_BURST)
    seconds = seconds_to_wait(limit, who)
    if seconds:
        raise TooFast(
            ngettext(
                "Too many calls: wait %(number)d second.",
                "Too many calls: wait %(number)d seconds.",
                seconds,
            )
            % {"number": seconds},
            seconds,
        )


def take_export(*, by: Actor) -> None:
    """Count one export by this person: 1 query. Raises TooFast, with the seconds to wait.

    In the transaction of the export where it has one, so that a refused export does not count.
    """
    number = settings.EXPORTS_PER_HOUR
    limit = Limit("export", HOUR_MS // number, number)
    seconds = seconds_to_wait(limit, f"user:{by.person}")
    if seconds:
        words = _("You have made %(number)d exports within an hour: wait %(minutes)d minutes.")
        minutes = math.ceil(seconds / 60)
        raise TooFast(words % {"number": number, "minutes": minutes}, seconds)


def take_upload(size: int, *, by: Actor) -> None:
    """Count `size` bytes that this person sends in: 1 query. Raises TooFast.

    In the transaction that keeps the file, so that a refused one does not count.
    """
    allowed = settings.UPLOAD_MEGABYTES_PER_DAY
    step = max(1, math.ceil(size * DAY_MS / (allowed * MEGABYTE)))
    seconds = seconds_to_wait(Limit("upload", step, DAY_MS // step), f"user:{by.person}")
    if seconds:
        words = _("You have sent in %(number)d MB within a day: wait %(minutes)d minutes.")
        raise TooFast(words % {"number": allowed, "minutes": math.ceil(seconds / 60)}, seconds)


def require_room_in_case(case: Case, size: int) -> None:
    """The exhibits of one case stay within their quota: 1 query; its row is locked.

    Raises CaseworkError.
    """
    kept = case.evidence.aggregate(total=Sum("size"))["total"] or 0
    if kept + size > settings.CASE_MEGABYTES * MEGABYTE:
        raise CaseworkError(
            _("The exhibits of this case would take more than %(number)d MB.")
            % {"number": settings.CASE_MEGABYTES}
        )


def require_room_for_trace(*, by: Actor) -> None:
    """After a run was queued: one person's runs never fill the workers for everybody: 1 query.

    What a single run may take is bounded by its own parameters. Raises TooFast.
    """
    most = settings.TRACES_AT_ONCE
    if jobs.num_waiting_for(by.person) > most:
        words = _("%(number)d of your traces are not over yet: wait for one, or cancel one.")
        raise TooFast(words % {"number": most}, TRACE_SECONDS)


def seconds_to_wait(limit: Limit, who: str, now: float | None = None) -> int:
    """Pass and answer 0, or answer the whole seconds to wait, at least 1. `now` is for tests.

    Cost: 1 query; 3 at the first passing, 2 for who must wait.
    """
    at = int((time.time() if now is None else now) * 1000)
    key = f"{limit.name}:{who}"[:80]
    furthest = at + (limit.burst - 1) * limit.step_ms
    for _attempt in range(ATTEMPTS):
        with connection.cursor() as cursor:
            cursor.execute(STEP_ON, [at, at, limit.step_ms, key, furthest])
            if cursor.rowcount:
                return 0
        rest_at = Pace.objects.filter(key=key).values_list("rest_at", flat=True).first()
        if rest_at is None:
            first = Pace(key=key, rest_at=at)  # whoever inserts it, the next round passes
            Pace.objects.bulk_create([first], ignore_conflicts=True)
        elif rest_at > furthest:
            return max(1, math.ceil((rest_at - furthest) / 1000))
        # Else somebody inserted it between our two looks.
    return 1


def forget_pace() -> int:
    """Delete the rows of whoever is at rest; returns how many."""
    return Pace.objects.filter(rest_at__lt=int(time.time() * 1000)).delete()[0]
