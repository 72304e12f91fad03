"""The clock of whatever loads the demo: rows bear the moment of their step, nothing stays moved."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from cases.services.cases import open_case
from fiu.demo.clock import PastClock
from fiu.demo.exchange import BTC
from fiu.reference_exchange.books import Books
from tests.casework import person
from tests.integration.jobs.support import queued
from tracing import leases
from tracing.models import TraceRun

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 5, 26, 9, tzinfo=UTC)
EXECUTED = datetime(2025, 5, 20, 14, 7, tzinfo=UTC)
SPAN = timedelta(days=5, hours=18, minutes=53)
SECOND = timedelta(seconds=1)


def test_services_and_columns_tell_the_moment_of_the_step() -> None:
    with PastClock(NOW).before(SPAN):
        case = open_case(title="T", case_type="darknet", priority="P2", by=person("analyst"))
        run = queued()
    case.refresh_from_db()
    run.refresh_from_db()
    told = [case.opened_at, case.updated_at, case.events.get().at, run.queued_at, run.not_before]
    assert all(EXECUTED - SECOND < each < EXECUTED + 30 * SECOND for each in told)
    assert "-2025-" in case.reference


def test_conditions_and_updates_go_by_it_and_leases_hold_inside_a_step() -> None:
    clock = PastClock(NOW)
    with clock.before(SPAN):
        run = queued()
        held = leases.claim(run.pk, "demo")
        assert held is not None
        assert leases.claim(run.pk, "another") is None
        assert TraceRun.objects.filter(not_before__lte=Now()).exists()
        leases.heartbeat(held)
    run.refresh_from_db()
    assert abs(run.started_at - EXECUTED) < 30 * SECOND
    assert abs(run.heartbeat_at - EXECUTED) < 30 * SECOND
    with clock.before(SPAN - timedelta(days=1)):  # as one that nobody holds any more
        assert leases.claim(run.pk, "another") is not None


def test_a_step_begins_no_earlier_than_the_end_of_the_one_before() -> None:
    clock = PastClock(NOW)
    with clock.before(timedelta(hours=1)):
        first = timezone.now()
    with clock.before(timedelta(hours=2)):
        assert timezone.now() > first


def test_afterwards_the_time_is_the_right_one_also_when_a_step_failed() -> None:
    kept = timezone.now
    with pytest.raises(ZeroDivisionError), PastClock(NOW).before(SPAN):
        raise ZeroDivisionError
    assert timezone.now is kept
    run = queued()
    run.refresh_from_db()
    assert abs(run.queued_at - timezone.now()) < 60 * SECOND


def test_a_receipt_of_the_books_bears_the_time_of_their_clock(tmp_path: Path) -> None:
    balances = tmp_path / "balances.csv"
    balances.write_text(f"account,asset,base,at\nOP-1,{BTC},300000000,2025-05-25T23:50:00Z\n")
    books = Books(tmp_path / "books", clock=lambda: timezone.now())
    books.load(balances)
    with PastClock(NOW).before(SPAN):
        status, receipt = books.hold("key", {"account": "OP-1", "asset": BTC, "amount": None})
    assert status == 200
    assert receipt["at"].startswith("2025-05-20T14:07:0")
