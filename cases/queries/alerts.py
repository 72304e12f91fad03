"""Alerts as their screens need them: the queue, one alert with why and its transactions."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet

from cases.detection import FLAGS, Flag
from cases.models import Alert, Case, ExchangeRecord
from cases.policy import Actor, writable_cases
from cases.states import OPEN_ALERT_STATES, AlertState

PAGE_ROWS = 50
MOST_RECORDS = 200
MOST_LIKE = 8
AROUND = timedelta(days=3)
STATES = tuple(state.value for state in AlertState)


@dataclass(frozen=True)
class AlertPage:
    """One alert: the flags behind its rule, its firings, its transactions, and like ones."""

    flags: list[Flag]
    merged: list[Alert]
    records: list[ExchangeRecord]
    linked: list[str]
    like: list[Alert]
    cases: list[Case]


@dataclass(frozen=True)
class Queue:
    """A page of the queue; numbers stand for all that the person may see."""

    rows: list[Alert]
    number: int
    has_more: bool


def alert_queue(actor: Actor, state: str = "", page: int = 1) -> Queue:
    """Open alerts, gravest first and oldest first among equals, or those of a state: 1 query."""
    wanted = (state,) if state in STATES else OPEN_ALERT_STATES
    rows = _shown(actor).filter(state__in=wanted).order_by("-rank", "raised_at", "pk")
    start = (page - 1) * PAGE_ROWS
    found = list(rows[start : start + PAGE_ROWS + 1])
    return Queue(found[:PAGE_ROWS], page, len(found) > PAGE_ROWS)


def _shown(actor: Actor) -> QuerySet[Alert]:
    return Alert.objects.visible_to(actor).select_related(
        "rule", "account", "assigned_to", "case", "merged_into"
    )


def alert_for_page(actor: Actor) -> QuerySet[Alert]:
    """For one page: what it names directly comes with it."""
    return _shown(actor).select_related("proposed_by", "dismissed_by")


def alert_page(alert: Alert, actor: Actor) -> AlertPage:
    """What stands around one alert: 6 queries."""
    records = (
        ExchangeRecord.objects.filter(Q(alerts=alert) | Q(alerts__merged_into=alert))
        .select_related("asset", "asset_out", "account", "counter_account")
        .distinct().order_by("at", "ref")
    )  # fmt: skip
    like = (
        _shown(actor)
        .filter(rule__code=alert.rule.code, state__in=[AlertState.DISMISSED, AlertState.LINKED])
        .exclude(pk=alert.pk)
        .order_by("-closed_at")
    )
    return AlertPage(
        [FLAGS[flag] for flag in alert.rule.red_flags if flag in FLAGS],
        list(alert.merged.order_by("raised_at", "pk")),
        list(records[:MOST_RECORDS]),
        [account.masked for account in alert.linked_accounts.all()],
        list(like[:MOST_LIKE]),
        list(open_cases(actor)),
    )


def open_cases(actor: Actor) -> QuerySet[Case]:
    """Cases that the actor may lead an alert to, the last changed first."""
    found: QuerySet[Case] = (
        Case.objects.visible_to(actor)
        .filter(writable_cases(actor))
        .exclude(state="closed")
        .order_by("-updated_at")[:50]
    )
    return found
