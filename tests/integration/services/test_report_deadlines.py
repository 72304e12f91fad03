"""Reports in the inbox: for those to whom reports exist, by their day, and for nobody else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases.models import SuspicionReport
from cases.policy import Actor
from cases.queries.inbox import inbox, inbox_numbers
from cases.services.errors import CaseworkError
from cases.services.inbox import assign_row, snooze_row, take_waiting
from tests.casework import make_actor, make_user, person
from tests.report_desk import make_report_desk

pytestmark = pytest.mark.django_db


def rows(actor: Actor) -> list[tuple[str, object]]:
    return [(row.words, row.deadline) for row in inbox(actor) if row.kind == "report"]


def test_a_report_waits_by_its_day_with_those_who_may_see_reports_alone() -> None:
    desk = make_report_desk()
    report = desk.draft()
    soon = timezone.now() + timedelta(days=2)
    SuspicionReport.objects.filter(pk=report.pk).update(due_at=soon)
    outsider = person("supervisor")
    before = inbox_numbers(outsider)
    assert rows(desk.author) == [("Finish this report", soon)]
    assert inbox_numbers(desk.author)["report"] == 1
    assert rows(desk.compliance) == [("Finish this report", soon)]
    for blind in (outsider, desk.outsider, person("analyst")):
        assert rows(blind) == []
        assert "report" not in inbox_numbers(blind)
    assert inbox_numbers(outsider) == before
    flagged = make_actor(make_user("supervisor", may_view_reports=True))
    assert rows(flagged) == [("Finish this report", soon)]


def test_no_event_of_the_case_tells_that_a_report_waits() -> None:
    desk = make_report_desk()
    desk.draft()
    SuspicionReport.objects.update(due_at=timezone.now() + timedelta(days=9))
    [row] = [each for each in inbox(desk.compliance) if each.kind == "report"]
    before = desk.case.events.count()
    for act in (
        lambda: take_waiting(row, by=desk.compliance),
        lambda: snooze_row(row, timezone.now() + timedelta(days=1), by=desk.compliance),
        lambda: assign_row(row, desk.author.user_id or 0, by=desk.compliance),
    ):
        with pytest.raises(CaseworkError):
            act()
    assert desk.case.events.count() == before
