"""Totals over all cases the actor sees: dashboard and freeze board."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from django.db.models import Q, QuerySet
from django.utils import timezone

from cases.models import FreezeLine, FreezeRequest
from cases.policy import Actor
from cases.queries.money import (
    CURRENCY,
    ZERO,
    AssetSum,
    CaseMoney,
    case_money,
    parts_at_execution,
)
from cases.states import FreezeState, LineState

SOON = timedelta(hours=72)
YEAR = timedelta(days=365)


def unit_money(actor: Actor) -> CaseMoney:
    """The money of every case the actor sees: 7 queries."""
    return case_money(None, actor)


@dataclass(frozen=True, slots=True)
class FreezeMonth:
    """Fiat value at execution of one month's freezes, by what became of them."""

    month: date  # its first day
    held: Decimal
    released: Decimal
    num_lines: int


def freezes_by_month(actor: Actor, months: int = 12) -> list[FreezeMonth]:
    """What was frozen in each of the last months, oldest first, empty months too: 1 query."""
    first = _months(timezone.now().date().replace(day=1), months)
    held = dict.fromkeys(first, ZERO)
    released = dict.fromkeys(first, ZERO)
    num = dict.fromkeys(first, 0)
    lines = (
        FreezeLine.objects.visible_to(actor)
        .filter(executed_at__date__gte=first[0])
        .select_related("asset", "price")
    )
    for line in lines:
        if line.executed_at is None or line.executed_at.date().replace(day=1) not in num:
            continue
        month = line.executed_at.date().replace(day=1)
        num[month] += 1
        parts = parts_at_execution(line)
        if parts is not None:
            held[month] += parts[0]
            released[month] += parts[1]
    return [FreezeMonth(m, held[m], released[m], num[m]) for m in first]


def _months(last: date, count: int) -> list[date]:
    found = [last]
    while len(found) < count:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[::-1]


@dataclass(frozen=True, slots=True)
class FreezeKpis:
    """The strip above the freeze board; `median_seconds` None while nothing was frozen."""

    currency: str
    frozen: tuple[AssetSum, ...]
    frozen_fiat: Decimal
    frozen_at_execution: Decimal
    pending_fiat: Decimal
    num_waiting: int
    num_ending: int
    num_unknown: int
    median_seconds: int | None


def freeze_kpis(actor: Actor) -> FreezeKpis:
    """Held now by asset, what waits, what ends within 72 h, median time to freeze: 11 queries."""
    money = unit_money(actor)
    now = timezone.now()
    mine = FreezeRequest.objects.visible_to(actor)
    waiting = [
        FreezeState.SUBMITTED.value,
        FreezeState.IN_REVIEW.value,
        FreezeState.PROVISIONAL.value,
    ]
    times = mine.filter(executed_at__gte=now - YEAR, submitted_at__isnull=False).values_list(
        "submitted_at", "executed_at"
    )
    return FreezeKpis(
        currency=CURRENCY,
        frozen=money.frozen.by_asset,
        frozen_fiat=money.frozen.fiat,
        frozen_at_execution=money.frozen.at_execution,
        pending_fiat=money.pending.fiat,
        num_waiting=mine.filter(state__in=waiting).count(),
        num_ending=ending_soon(actor).count(),
        num_unknown=FreezeLine.objects.visible_to(actor)
        .filter(state=LineState.UNKNOWN.value)
        .count(),
        median_seconds=_median(int((done - asked).total_seconds()) for asked, done in times),
    )


def ending_soon(actor: Actor) -> QuerySet[FreezeRequest]:
    """Freezes whose clock ends within 72 hours, or that wait for a decision since it ended."""
    until = timezone.now() + SOON
    return FreezeRequest.objects.visible_to(actor).filter(
        Q(state=FreezeState.PROVISIONAL.value, provisional_until__lte=until)
        | Q(state=FreezeState.ACTIVE.value, expires_at__lte=until)
        | Q(state=FreezeState.DECISION_DUE.value)
    )


def _median(seconds: Iterable[int]) -> int | None:
    found = sorted(seconds)
    return int(median(found)) if found else None
