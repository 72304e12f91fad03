"""A run under way: heartbeat, progress, checkpoints, cancel, yield, stall, failures."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from tests.integration.jobs.support import expected_digest, queued, sealed, slow_engine
from tracing import jobs, leases, runner, stopping
from tracing.errors import BalanceError, LedgerBusy, LedgerGap, SeedError
from tracing.leases import Claim
from tracing.models import TraceResult, TraceRun
from tracing.runner import Watch
from tracing.states import RunError, RunState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick_clocks(settings) -> Iterator[None]:
    settings.LEASE_SECONDS = 2.0
    settings.HEARTBEAT_SECONDS = 0.2
    settings.CHECKPOINT_SECONDS = 0.2
    stopping.forget()
    yield
    stopping.forget()


def test_a_run_ends_with_its_result_and_shows_its_progress():
    run = queued()
    assert runner.run(run.pk, slow_engine(5, 0.0)) == "done"
    run.refresh_from_db()
    assert run.state == RunState.DONE
    assert run.progress["phase"] == "done"
    assert run.checkpoint is None
    assert TraceResult.objects.get().result_sha256 == expected_digest(run, 5)


def test_a_hint_for_a_run_that_is_taken_is_dropped():
    run = queued()
    leases.claim(run.pk, "other")
    assert runner.run(run.pk, slow_engine(5, 0.0)) is None


def test_the_heartbeat_keeps_a_long_run_whose_lease_would_have_ended(settings):
    settings.LEASE_SECONDS = 0.6
    run = queued()
    assert runner.run(run.pk, slow_engine(12, 0.1)) == "done"
    run.refresh_from_db()
    assert run.attempt == 1


def test_a_run_resumed_from_a_checkpoint_gives_the_same_digest(settings):
    run = queued()

    def stop_soon() -> None:
        time.sleep(0.5)
        stopping.ask_to_stop()

    thread = threading.Thread(target=stop_soon)
    thread.start()
    assert runner.run(run.pk, slow_engine(20, 0.05)) == "yielded"
    thread.join()
    run.refresh_from_db()
    assert run.state == RunState.QUEUED
    assert run.num_tries_left == 5
    held = leases.read_checkpoint(run)
    assert held is not None
    assert 0 < held["kernel"]["done"] < 20
    stopping.forget()
    assert runner.run(run.pk, slow_engine(20, 0.0)) == "done"
    assert TraceResult.objects.get().result_sha256 == expected_digest(run, 20)


def test_a_run_yields_when_its_turn_is_over(settings):
    settings.YIELD_SECONDS = 0.2
    run = queued()
    assert runner.run(run.pk, slow_engine(50, 0.02)) == "yielded"


def test_a_cancelled_run_stops_and_keeps_what_it_found():
    run = queued()

    def cancel_soon() -> None:
        time.sleep(0.5)
        jobs.cancel(run.public_id, run.case)
        connection.close()

    thread = threading.Thread(target=cancel_soon)
    thread.start()
    assert runner.run(run.pk, slow_engine(200, 0.05)) == "cancelled"
    thread.join()
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert run.checkpoint is not None
    assert TraceResult.objects.count() == 0


def test_a_hung_engine_loses_its_lease(settings):
    settings.STALL_SECONDS = 0.3
    settings.LEASE_SECONDS = 0.6
    run = queued()

    def hang(held: Claim, watch: Watch) -> dict[str, object]:
        time.sleep(1.5)
        assert leases.claim(run.pk, "another") is not None
        return sealed("too late")

    assert runner.run(run.pk, hang) == "fenced"
    assert TraceResult.objects.count() == 0


def test_an_overtaken_worker_stops_at_its_next_tick():
    run = queued()

    def overtaken(held: Claim, watch: Watch) -> dict[str, object]:
        TraceRun.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))
        assert leases.claim(run.pk, "another") is not None
        return slow_engine(100, 0.05)(held, watch)

    begun = time.monotonic()
    assert runner.run(run.pk, overtaken) == "fenced"
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("cause", "error"),
    [
        (SeedError("The ledger has no such output."), RunError.BAD_INPUT),
        (LedgerGap("No block 7."), RunError.LEDGER),
        (BalanceError("The books differ."), RunError.DEFECT),
    ],
)
def test_what_would_fail_again_fails_at_once_with_its_sentence(cause, error):
    run = queued()

    def broken(held: Claim, watch: Watch) -> dict[str, object]:
        raise cause

    assert runner.run(run.pk, broken) == f"failed: {error}"
    run.refresh_from_db()
    assert (run.state, run.error, run.error_text) == (RunState.FAILED, error, str(cause))


def test_a_busy_ledger_is_tried_later_with_the_try_given_back():
    run = queued()

    def busy(held: Claim, watch: Watch) -> dict[str, object]:
        raise LedgerBusy("Blocks are being loaded.")

    assert runner.run(run.pk, busy) == "postponed"
    run.refresh_from_db()
    assert (run.state, run.num_tries_left) == (RunState.QUEUED, 5)


def test_an_unforeseen_error_costs_a_try_and_is_raised():
    run = queued()

    def broken(held: Claim, watch: Watch) -> dict[str, object]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        runner.run(run.pk, broken)
    run.refresh_from_db()
    assert (run.state, run.num_tries_left) == (RunState.QUEUED, 4)
