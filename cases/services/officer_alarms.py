"""Alarms about officers who do far more on one day than they ever did (N09)."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import InformationRequest, OfficerAlarm, ReleaseDownload
from cases.policy import SYSTEM, Action, Actor, require
from cases.services.audit import record_event
from cases.services.validation import require_text
from cases.states import InvalidTransition

# Below this nothing rings: a release has a dozen files, and a busy agency files some requests.
LEAST: Mapping[str, int] = {"downloads": 40, "requests": 10}
TIMES_USUAL = 3
LOOKED_BACK = timedelta(days=28)


def look_at_officers() -> int:
    """Raise an alarm for each officer whose day is far above the own usual one: 2 queries.

    Rings above three times the busiest day of the last four weeks, and never below `LEAST`; once a
    day for each officer and kind. Returns how many were raised.
    """
    today = timezone.now().date()
    since = datetime.combine(today - LOOKED_BACK, time(), UTC)
    counted = {
        "downloads": ReleaseDownload.objects.filter(at__gte=since).annotate(day=TruncDate("at"))
        .values_list("grant__liaison_id", "day").annotate(n=Count("pk")).order_by(),
        "requests": InformationRequest.objects.filter(received_at__gte=since, channel="portal")
        .annotate(day=TruncDate("received_at")).values_list("liaison_id", "day")
        .annotate(n=Count("pk")).order_by(),
    }  # fmt: skip
    raised = 0
    for kind, rows in counted.items():
        now: dict[int, int] = {}
        busiest: Counter[int] = Counter()
        for officer, day, number in rows:
            if day == today:
                now[officer] = number
            else:
                busiest[officer] = max(busiest[officer], number)
        for officer, number in sorted(now.items()):
            usual = max(LEAST[kind], TIMES_USUAL * busiest[officer])
            if number > usual:
                raised += _raise(officer, kind, today, number, usual)
    return raised


def _raise(officer: int, kind: str, day: date, number: int, usual: int) -> int:
    if OfficerAlarm.objects.filter(user_id=officer, kind=kind, day=day).exists():
        return 0
    try:
        with transaction.atomic():
            alarm = OfficerAlarm.objects.create(
                user_id=officer, kind=kind, day=day, num_seen=number, num_usual=usual,
                raised_at=timezone.now(),
            )  # fmt: skip
            record_event(
                None, "raise_officer_alarm", f"alarm:{alarm.public_id}", by=SYSTEM,
                data={"officer": officer, "kind": kind, "number": number, "usual": usual},
            )  # fmt: skip
    except IntegrityError:  # another worker was faster
        return 0
    return 1


@transaction.atomic
def see_officer_alarm(alarm: OfficerAlarm, *, words: str, by: Actor) -> OfficerAlarm:
    """Say what it was, once. Raises PermissionDenied, CaseworkError, InvalidTransition."""
    require(by, Action.SUSPEND_OFFICER)
    said = require_text(words, _("Say what you found out, and from whom."))
    now = timezone.now()
    open_one = OfficerAlarm.objects.filter(pk=alarm.pk, seen_by=None)
    if not open_one.update(seen_by_id=by.person, seen_at=now, words=said):
        raise InvalidTransition(_("Somebody looked at this alarm already."))
    alarm.refresh_from_db()
    record_event(None, "see_officer_alarm", f"alarm:{alarm.public_id}", by=by, reason=said)
    return alarm
