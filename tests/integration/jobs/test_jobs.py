"""Runs as rows: J1 to J9, J12 and J13 of the reliability rules."""

import threading
import zlib
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from tests.integration.jobs.support import person, question, queued, sealed
from tracing import jobs, leases
from tracing.jobs import BoundaryRow
from tracing.leases import Fenced
from tracing.models import Boundary, TraceResult, TraceRun
from tracing.states import RunError, RunState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hints(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[object, ...]]]:
    """What would have been sent to the workers."""
    sent: list[tuple[str, tuple[object, ...]]] = []

    def send(task: str, *arguments: object) -> bool:
        sent.append((task, arguments))
        return True

    monkeypatch.setattr(jobs, "send_hint", send)
    monkeypatch.setattr("tracing.hints.send_hint", send)
    return sent


def lapse(run: TraceRun) -> None:
    """Let the lease of a run end, as if its worker had died."""
    TraceRun.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))


def claimed(run: TraceRun) -> leases.Claim:
    held = leases.claim(run.pk, "worker")
    assert held is not None
    return held


def test_queue_hints_only_after_the_commit(hints, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        run = queued()
        assert hints == []
    for callback in callbacks:
        callback()
    assert hints == [("tracing.run", (run.pk,))]
    assert run.state == RunState.QUEUED


def test_a_second_submit_returns_the_live_run():
    case = uuid4()
    first = queued(case=case)
    assert queued(case=case).pk == first.pk
    assert queued(case=uuid4()).pk != first.pk
    assert TraceRun.objects.count() == 2


def test_the_same_question_may_be_asked_again_once_it_is_answered():
    case = uuid4()
    run = queued(case=case)
    leases.finish(claimed(run), sealed("x"), {})
    assert queued(case=case).pk != run.pk


def test_the_database_itself_refuses_two_live_runs_of_one_question():
    case = uuid4()
    run = queued(case=case)
    with pytest.raises(IntegrityError), transaction.atomic():
        TraceRun.objects.create(
            case=case,
            requested_by=run.requested_by,
            ledger="bitcoin-regtest",
            mode="destination",
            parameters={},
            params_hash=run.params_hash,
        )


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "running"},
        {"lease_until": Now()},
        {"state": "done"},
        {"state": "lost"},
        {"error": "crashed"},
        {"collected_at": Now()},
    ],
)
def test_the_database_refuses_states_that_contradict_themselves(fields):
    run = queued()
    with pytest.raises(IntegrityError), transaction.atomic():
        TraceRun.objects.filter(pk=run.pk).update(**fields)


def test_claim_takes_a_try_and_a_lease():
    run = queued()
    held = claimed(run)
    run.refresh_from_db()
    assert (held.attempt, run.attempt, run.num_tries_left) == (1, 1, 4)
    assert run.state == RunState.RUNNING
    assert run.lease_until is not None
    assert run.started_at is not None


def test_a_held_run_is_nobody_elses():
    run = queued()
    claimed(run)
    assert leases.claim(run.pk, "other") is None


def test_a_lapsed_run_is_claimed_again_and_the_old_worker_is_fenced():
    run = queued()
    old = claimed(run)
    lapse(run)
    new = claimed(run)
    assert new.attempt == 2
    for write in (
        lambda: leases.heartbeat(old),
        lambda: leases.report(old, {}),
        lambda: leases.checkpoint(old, 1, {"kernel": {}}, {}),
        lambda: leases.finish(old, sealed("old"), {}),
        lambda: leases.fail(old, RunError.DEFECT, "old"),
        lambda: leases.yield_run(old),
        lambda: leases.end_cancelled(old),
        lambda: leases.give_up_attempt(old),
        lambda: leases.postpone(old, "old"),
    ):
        with pytest.raises(Fenced):
            write()
    assert TraceResult.objects.count() == 0
    leases.finish(new, sealed("new"), {})
    assert TraceResult.objects.get().run_id == run.pk


def test_fifty_forced_fences_leave_one_result_each():
    for number in range(50):
        run = queued(number)
        old = claimed(run)
        lapse(run)
        new = claimed(run)
        leases.finish(new, sealed(f"{number}"), {})
        with pytest.raises(Fenced):
            leases.finish(old, sealed("stale"), {})
    assert TraceResult.objects.count() == 50
    stored = {bytes(zlib.decompress(bytes(r.result))) for r in TraceResult.objects.all()}
    assert not any(b"stale" in text for text in stored)


def test_a_second_result_is_refused_by_the_database():
    run = queued()
    leases.finish(claimed(run), sealed("x"), {})
    with pytest.raises(IntegrityError), transaction.atomic():
        TraceResult.objects.create(run=run, result=b"", result_sha256="")


def test_finish_that_cannot_store_its_result_leaves_the_run_running():
    run = queued()
    held = claimed(run)
    with pytest.raises(KeyError):
        leases.finish(held, {"seal": {}}, {})
    run.refresh_from_db()
    assert run.state == RunState.RUNNING


def test_a_checkpoint_gives_all_tries_back_and_is_read_at_the_next_claim():
    run = queued()
    held = claimed(run)
    leases.checkpoint(held, 3, {"kernel": {"at": 7}}, {"depth": 3})
    run.refresh_from_db()
    assert run.num_tries_left == 5
    lapse(run)
    again = claimed(run)
    assert (again.step, again.checkpoint) == (3, {"kernel": {"at": 7}})


def test_a_damaged_checkpoint_is_not_used():
    run = queued()
    leases.checkpoint(claimed(run), 1, {"kernel": {}}, {})
    TraceRun.objects.filter(pk=run.pk).update(checkpoint=zlib.compress(b'{"kernel":{"x":1}}'))
    lapse(run)
    assert claimed(run).checkpoint is None


def test_five_attempts_without_a_checkpoint_fail_the_run():
    run = queued()
    for _ in range(5):
        assert jobs.fail_exhausted() == 0
        claimed(run)
        lapse(run)
    assert leases.claim(run.pk, "sixth") is None
    assert jobs.fail_exhausted() == 1
    run.refresh_from_db()
    assert (run.state, run.error) == (RunState.FAILED, RunError.CRASHED)


def test_the_fifth_attempt_is_not_failed_while_it_lives():
    run = queued()
    for _ in range(4):
        claimed(run)
        lapse(run)
    held = claimed(run)
    assert jobs.fail_exhausted() == 0
    leases.finish(held, sealed("late"), {})


def test_a_yield_gives_the_try_back_and_never_more():
    run = queued()
    held = claimed(run)
    leases.checkpoint(held, 1, {"kernel": {}}, {})
    leases.yield_run(held)
    run.refresh_from_db()
    assert (run.state, run.num_tries_left, run.lease_until) == (RunState.QUEUED, 5, None)
    assert claimed(run).checkpoint == {"kernel": {}}


def test_what_is_unreachable_is_tried_later_and_later_and_fails_after_a_day():
    run = queued()
    waits = []
    for _ in range(10):
        leases.postpone(claimed(run), "no answer")
        run.refresh_from_db()
        assert run.num_tries_left == 5
        at, now = TraceRun.objects.annotate(now=Now()).values_list("not_before", "now").get()
        waits.append(round((at - now).total_seconds()))
        TraceRun.objects.filter(pk=run.pk).update(not_before=Now())
    assert waits[0] in (1, 2)
    assert max(waits) <= 300
    assert waits == sorted(waits)
    TraceRun.objects.filter(pk=run.pk).update(unreachable_since=Now() - timedelta(hours=25))
    leases.postpone(claimed(run), "no answer")
    run.refresh_from_db()
    assert (run.state, run.error) == (RunState.FAILED, RunError.UNREACHABLE)


def test_a_run_put_off_is_not_claimed_early():
    run = queued()
    leases.postpone(claimed(run), "no answer")
    assert leases.claim(run.pk, "early") is None


def test_cancel_ends_a_queued_run_at_once():
    run = queued()
    assert jobs.cancel(run.public_id, run.case) is True
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert jobs.cancel(run.public_id, run.case) is False


def test_cancel_tells_a_running_one_at_its_next_report():
    run = queued()
    held = claimed(run)
    assert leases.report(held, {}) is False
    jobs.cancel(run.public_id, run.case)
    assert leases.report(held, {}) is True
    leases.end_cancelled(held)
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED


def test_cancel_needs_the_right_case():
    run = queued()
    assert jobs.cancel(run.public_id, uuid4()) is False


def test_a_cancelled_run_whose_worker_died_is_ended_by_the_dispatcher():
    run = queued()
    claimed(run)
    jobs.cancel(run.public_id, run.case)
    assert jobs.end_idle_cancelled() == 0
    lapse(run)
    assert leases.claim(run.pk, "other") is None
    assert jobs.end_idle_cancelled() == 1


def test_a_run_of_a_closed_account_is_never_claimed_and_fails():
    user = person("gone")
    run = queued(by=user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    assert leases.claim(run.pk, "worker") is None
    assert jobs.fail_orphaned() == 1
    run.refresh_from_db()
    assert run.error == RunError.REQUESTER


def test_what_may_be_claimed_is_hinted_once_in_ten_seconds(hints, settings):
    settings.HINT_SECONDS = 10
    run = queued()
    assert jobs.hint_claimable() == 1
    assert jobs.hint_claimable() == 0
    TraceRun.objects.filter(pk=run.pk).update(hinted_at=Now() - timedelta(seconds=11))
    assert jobs.hint_claimable() == 1
    claimed(run)
    assert jobs.hint_claimable() == 0
    lapse(run)
    TraceRun.objects.filter(pk=run.pk).update(hinted_at=None)
    assert jobs.hint_claimable() == 1
    assert [task for task, _ in hints] == ["tracing.run"] * 3


def test_what_the_broker_did_not_take_is_hinted_in_the_next_round(monkeypatch):
    first, second = queued(), queued(case=uuid4())
    sent, is_away = [], True

    def send(task: str, run_id: int) -> bool:
        sent.append(run_id)
        return not is_away

    monkeypatch.setattr(jobs, "send_hint", send)
    assert jobs.hint_claimable() == 0
    assert len(sent) == 1  # who does not answer is not asked for each of a hundred rows
    is_away = False
    assert jobs.hint_claimable() == 2
    assert set(sent[1:]) == {first.pk, second.pk}


def test_a_done_run_is_offered_for_collection_until_it_is_collected(settings):
    settings.HINT_SECONDS = 10
    run = queued()
    jobs.hint_claimable()
    assert jobs.take_uncollected() == []
    leases.finish(claimed(run), sealed("x"), {})
    TraceRun.objects.filter(pk=run.pk).update(finished_at=Now() + timedelta(milliseconds=5))
    assert jobs.take_uncollected() == [run.public_id]
    TraceRun.objects.filter(pk=run.pk).update(finished_at=Now() - timedelta(seconds=5))
    assert jobs.take_uncollected() == []
    TraceRun.objects.filter(pk=run.pk).update(hinted_at=Now() - timedelta(seconds=11))
    assert jobs.take_uncollected() == [run.public_id]
    assert jobs.mark_collected(run.public_id) is True
    assert jobs.mark_collected(run.public_id) is False
    TraceRun.objects.filter(pk=run.pk).update(hinted_at=None)
    assert jobs.take_uncollected() == []


def test_the_oldest_waiting_run_tells_a_deaf_worker():
    assert jobs.oldest_claimable_seconds() == 0.0
    run = queued()
    past = Now() - timedelta(seconds=200)
    TraceRun.objects.filter(pk=run.pk).update(queued_at=past, not_before=past)
    assert 199 < jobs.oldest_claimable_seconds() < 260
    claimed(run)
    assert jobs.oldest_claimable_seconds() == 0.0


def test_boundaries_of_a_source_are_replaced_whole():
    rows = [
        BoundaryRow("bitcoin-regtest", "a", "exchange_deposit"),
        BoundaryRow("bitcoin-regtest", "b", "exchange_own"),
    ]
    assert jobs.set_boundaries("exchange", rows) == 2
    assert jobs.set_boundaries("tags", [BoundaryRow("bitcoin-regtest", "a", "service")]) == 1
    assert Boundary.objects.walls("bitcoin-regtest") == {
        "a": "exchange_deposit",
        "b": "exchange_own",
    }
    assert jobs.set_boundaries("exchange", rows[1:]) == 1
    assert Boundary.objects.walls("bitcoin-regtest") == {"a": "service", "b": "exchange_own"}
    assert Boundary.objects.walls("bitcoin") == {}


def test_an_unknown_kind_of_boundary_is_refused():
    with pytest.raises(ValueError, match="mixer"):
        jobs.set_boundaries("x", [BoundaryRow("bitcoin", "a", "mixer")])


@pytest.mark.django_db(transaction=True)
def test_of_six_claimants_at_once_exactly_one_wins():
    for number in range(10):
        run = queued(number)
        barrier = threading.Barrier(6)
        winners: list[leases.Claim] = []

        def compete(run_id: int, barrier=barrier, winners=winners) -> None:
            try:
                barrier.wait()
                held = leases.claim(run_id, threading.current_thread().name)
                if held is not None:
                    winners.append(held)
            finally:
                connection.close()

        threads = [threading.Thread(target=compete, args=(run.pk,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(winners) == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_submit_at_once_makes_one_run():
    case, user = uuid4(), person()
    barrier = threading.Barrier(4)
    found: list[int] = []

    def submit() -> None:
        try:
            barrier.wait()
            found.append(jobs.queue(case, user.pk, question()).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
