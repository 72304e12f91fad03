"""Suspicion reports as their screens need them, for those who may see any."""

from datetime import datetime

from django.db.models import QuerySet

from cases.models import Alert, Case, SuspicionReport
from cases.policy import Actor
from cases.queries.keyset import Page, newest_first
from cases.queries.relations import with_taken_in
from cases.states import SENT_REPORT_STATES


def report_list(actor: Actor, after: str = "") -> Page:
    """Every report of the cases the actor may see, newest first: 1 query."""
    rows = SuspicionReport.objects.visible_to(actor).select_related("case", "drafted_by")
    return newest_first(rows, "drafted_at", after)


def report_deadlines(actor: Actor, limit: int = 6) -> list[tuple[SuspicionReport, datetime]]:
    """Reports that run towards their day, the nearest first: 1 query; none without the right."""
    rows = SuspicionReport.objects.visible_to(actor).exclude(due_at=None)
    rows = rows.exclude(state__in=SENT_REPORT_STATES).select_related("case")
    found = rows.order_by("due_at", "pk")[:limit]
    return [(each, each.due_at) for each in found if each.due_at is not None]


def case_reports(case: Case, actor: Actor) -> list[SuspicionReport]:
    """The reports of one case: 1 query."""
    rows = SuspicionReport.objects.visible_to(actor).filter(case=case)
    return list(rows.select_related("drafted_by", "case").order_by("-drafted_at"))


def report_for_page(actor: Actor) -> QuerySet[SuspicionReport]:
    """For one page: what it names directly comes with it."""
    return SuspicionReport.objects.visible_to(actor).select_related(
        "case", "drafted_by", "last_edited_by", "approved_by", "filed_by", "disposed_by"
    )


def case_alerts(case: Case, actor: Actor) -> QuerySet[Alert]:
    """Alerts of the case, and of those merged into it, that a report can be drafted from."""
    return (
        Alert.objects.visible_to(actor)
        .filter(case__in=with_taken_in(case, actor), state="linked")
        .select_related("rule", "account")
        .order_by("-rank", "raised_at")
    )
