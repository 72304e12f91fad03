"""Warnings before a hold or freeze ends, by its clock, and when a hold has lapsed (E7).

They alarm: in the timeline and the inbox, and by mail where a mail server is set. Nothing is
released by them.
"""

from datetime import datetime, timedelta

import structlog
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from cases.gateways.mail import MailRefused, is_configured, send_notice
from cases.models import CaseBlock, FreezeRequest, FreezeWarning
from cases.policy import SYSTEM, Action, Role
from cases.queries.clocks import clock_book
from cases.services.audit import record_event
from cases.services.freezes.steps import enter_freeze
from cases.states import FreezeState

logger = structlog.get_logger(__name__)

MAILED_WITHIN = timedelta(hours=24)  # an older warning helps nobody
MOST = 50  # mails of one sweep


def warn_of_ends() -> int:
    """Give every warning that is due and was not given, the nearest of a freeze alone.

    By the database's clock. Each in its own transaction; runs twice without harm. Returns how many.
    """
    given = 0
    warned: set[int] = set()
    book = clock_book()
    clocks = [*book.rules, *(book.find(act) for act in ("provisional_hold", "freeze"))]
    for hours in sorted({each for clock in clocks if clock for each in clock.warn_hours}):
        ending = _ending_within(hours).select_related("agency").order_by("case_id", "pk")
        for freeze in ending:
            act = "provisional_hold" if freeze.state == FreezeState.PROVISIONAL else "freeze"
            if freeze.pk not in warned and hours in book.of_freeze(freeze, act).warn_hours:
                warned.add(freeze.pk)
                given += _warn(freeze, hours)
    return given


def _ending_within(hours: int) -> QuerySet[FreezeRequest]:
    until = Now() + timedelta(hours=hours)
    return FreezeRequest.objects.filter(
        Q(
            state=FreezeState.PROVISIONAL.value,
            provisional_until__gt=Now(),
            provisional_until__lte=until,
        )
        | Q(state=FreezeState.ACTIVE.value, expires_at__gt=Now(), expires_at__lte=until)
    )


def _warn(freeze: FreezeRequest, hours: int) -> bool:
    if _given(freeze, hours).exists():  # without the lock: mostly it was
        return False
    with transaction.atomic():
        enter_freeze(freeze, Action.EXECUTE_FREEZE, by=SYSTEM)
        is_still = _ending_within(hours).filter(pk=freeze.pk).exists()
        if not is_still or _given(freeze, hours).exists():
            return False
        note_warning(freeze, hours)
    return True


def _given(freeze: FreezeRequest, hours: int) -> QuerySet[FreezeWarning]:
    """The same warning, or one that was nearer the same end."""
    return FreezeWarning.objects.filter(freeze=freeze, ends_at=_end_of(freeze), hours__lte=hours)


def _end_of(freeze: FreezeRequest) -> datetime:
    is_provisional = freeze.state in (FreezeState.PROVISIONAL, FreezeState.LAPSED)
    end = freeze.provisional_until if is_provisional else freeze.expires_at
    assert end is not None  # what has none is not looked for
    return end


def note_warning(freeze: FreezeRequest, hours: int) -> None:
    """Keep one warning and write its event; the case is locked."""
    FreezeWarning.objects.create(
        freeze=freeze, ends_at=_end_of(freeze), hours=hours, at=timezone.now()
    )
    if hours:
        record_event(freeze.case, "warn_freeze", freeze.reference, by=SYSTEM, data={"hours": hours})


def mail_warnings() -> int:
    """Tell by mail of the warnings that nobody was told of yet; returns how many.

    Outside of any transaction. The mail names nothing, so one that goes out twice after a crash
    does no harm. Where the mail server fails, the next sweep tries again, for a day.
    """
    if not is_configured():
        return 0
    fresh = FreezeWarning.objects.filter(mailed_at=None, at__gt=timezone.now() - MAILED_WITHIN)
    done = 0
    for warning in fresh.select_related("freeze__case").order_by("at", "pk")[:MOST]:
        try:
            for address in _addresses(warning.freeze):
                send_notice(address)
        except MailRefused as error:
            logger.warning("mail_failed", reason=str(error))
            return done
        FreezeWarning.objects.filter(pk=warning.pk).update(mailed_at=timezone.now())
        done += 1
    return done


def _addresses(freeze: FreezeRequest) -> list[str]:
    """Compliance, and whoever asked for it or placed it; nobody who is walled off from the case."""
    people = get_user_model().objects.filter(is_active=True).exclude(email="")
    walled = CaseBlock.objects.filter(case=freeze.case_id).values("user_id")
    concerned = people.filter(
        Q(role=Role.COMPLIANCE.value) | Q(pk__in=[freeze.requested_by_id, freeze.provisional_by_id])
    )
    return sorted(set(concerned.exclude(pk__in=walled).values_list("email", flat=True)))
