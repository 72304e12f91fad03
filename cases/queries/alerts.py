"""Alerts as their screens need them: the queue, one alert with why and its transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from cases.detection import FLAGS, Flag
from cases.models import Alert, Case, ExchangeRecord, FreezeLine, ReachedAccount, SuspectAccount
from cases.policy import Actor, writable_cases
from cases.queries.risk_models import champion_points
from cases.states import OPEN_ALERT_STATES, OVER_CASES, AlertState, LineState

PAGE_ROWS = 50
MOST_RECORDS = 200
MOST_LIKE = 8
STATES = tuple(state.value for state in AlertState)


@dataclass(frozen=True)
class KnownCase:
    """A case that reached the account or suspects its holder, with what it holds there."""

    case: Case
    held: list[FreezeLine]


@dataclass(frozen=True)
class AlertPage:
    """One alert: the flags behind its rule, its firings, its transactions, and like ones."""

    flags: list[Flag]
    merged: list[Alert]
    records: list[ExchangeRecord]
    linked: list[str]
    like: list[Alert]
    cases: list[Case]
    known: list[KnownCase]


@dataclass(frozen=True)
class Queue:
    """A page of the queue; numbers stand for all that the person may see."""

    rows: list[Alert]
    number: int
    has_more: bool


def alert_queue(actor: Actor, state: str = "", page: int = 1) -> Queue:
    """Open alerts, gravest and then highest score first, or those of a state: 3 or 4 queries.

    Among equals the oldest stands first. Each state is read in the order of its index and no
    further than the page, however many wait.
    """
    wanted = (state,) if state in STATES else OPEN_ALERT_STATES
    start = (page - 1) * PAGE_ROWS
    places: list[tuple[int, int, datetime, int]] = []
    for each in wanted:
        rows = _in_states(actor, (each,)).order_by("-rank", "-score", "raised_at", "pk")
        columns = rows.values_list("rank", "score", "raised_at", "pk")
        places += columns[: start + PAGE_ROWS + 1]
    places.sort(key=lambda place: (-place[0], -place[1], *place[2:]))
    numbers = [place[-1] for place in places[start : start + PAGE_ROWS + 1]]
    listed = (
        _in_states(actor, wanted)
        .filter(pk__in=numbers[:PAGE_ROWS])
        .select_related("rule", "account", "assigned_to")
        .defer("rule__parameters", "contributions")
        .prefetch_related(champion_points(actor))
    )
    shown = {alert.pk: alert for alert in listed}
    ordered = [shown[pk] for pk in numbers[:PAGE_ROWS] if pk in shown]
    return Queue(ordered, page, len(numbers) > PAGE_ROWS)


def _in_states(actor: Actor, states: Sequence[str]) -> QuerySet[Alert]:
    if set(states) <= set(OPEN_ALERT_STATES):
        return Alert.objects.open_to(actor, states)
    return Alert.objects.visible_to(actor).filter(state__in=states)


def _shown(actor: Actor) -> QuerySet[Alert]:
    return (
        Alert.objects.visible_to(actor)
        .select_related("rule", "account", "assigned_to", "case", "merged_into")
        .prefetch_related(champion_points(actor))
    )


def alert_for_page(actor: Actor) -> QuerySet[Alert]:
    """For one page: what it names directly comes with it."""
    return _shown(actor).select_related("proposed_by", "dismissed_by")


def alert_page(alert: Alert, actor: Actor) -> AlertPage:
    """What stands around one alert: 8 queries."""
    records = (
        ExchangeRecord.objects.filter(Q(alerts=alert) | Q(alerts__merged_into=alert))
        .select_related("asset", "asset_out", "account", "counter_account")
        .distinct().order_by("at", "ref")
    )  # fmt: skip
    like = (
        _shown(actor)
        .filter(rule__code=alert.rule.code, state__in=[AlertState.DISMISSED, AlertState.LINKED])
        .exclude(pk=alert.pk)
        .exclude(closed_at=None)  # those stand first in the index, a hundred thousand of them
        .order_by("-closed_at")
    )
    known = known_cases(alert, actor)
    told = {each.case.pk for each in known}
    return AlertPage(
        [FLAGS[flag] for flag in alert.rule.red_flags if flag in FLAGS],
        list(alert.merged.order_by("raised_at", "pk")),
        list(records[:MOST_RECORDS]),
        [account.masked for account in alert.linked_accounts.all()],
        list(like[:MOST_LIKE]),
        sorted(open_cases(actor), key=lambda case: case.pk not in told),
        known,
    )


def known_cases(alert: Alert, actor: Actor) -> list[KnownCase]:
    """Where its account is known already, except in the case it was led to: 2 queries."""
    reached = ReachedAccount.objects.visible_to(actor).filter(
        account=alert.account, case_run__is_lead=True
    )
    suspected = SuspectAccount.objects.visible_to(actor).filter(account=alert.account)
    lines: dict[int, list[FreezeLine]] = {}
    held = FreezeLine.objects.visible_to(actor).filter(account=alert.account)
    for line in held.filter(state=LineState.HELD).select_related("freeze", "asset").order_by("pk"):
        lines.setdefault(line.freeze.case_id, []).append(line)
    cases = Case.objects.visible_to(actor).filter(
        Q(pk__in=reached.values("case_run__case")) | Q(pk__in=suspected.values("suspect__case"))
    )
    return [
        KnownCase(case, lines.get(case.pk, []))
        for case in cases.exclude(pk=alert.case_id).order_by("reference")
    ]


def open_cases(actor: Actor) -> QuerySet[Case]:
    """Cases that the actor may lead an alert to, the last changed first."""
    found: QuerySet[Case] = (
        Case.objects.visible_to(actor)
        .filter(writable_cases(actor))
        .exclude(state__in=OVER_CASES)
        .order_by("-updated_at")[:50]
    )
    return found
