"""What others see of a run."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now

from tests.integration.jobs.support import queued, sealed
from tracing import leases, run_views
from tracing.models import TraceRun

pytestmark = pytest.mark.django_db


def test_a_run_is_seen_with_its_result_hash_in_one_query(django_assert_num_queries):
    run = queued()
    held = leases.claim(run.pk, "worker")
    assert held is not None
    leases.finish(held, sealed("x"), {"phase": "done"})
    with django_assert_num_queries(1):
        view = run_views.run_view(run.public_id)
    assert view is not None
    assert (view.state, view.is_live, view.progress) == ("done", False, {"phase": "done"})
    assert view.result_sha256 == sealed("x")["seal"]["result_sha256"]
    assert run_views.result(run.public_id) == sealed("x")
    assert run_views.partial(run.public_id) is None


def test_runs_of_a_case_come_newest_first(django_assert_num_queries):
    case = uuid4()
    first, second = queued(1, case), queued(2, case)
    queued(3)
    TraceRun.objects.filter(pk=first.pk).update(queued_at=Now() - timedelta(minutes=1))
    with django_assert_num_queries(1):
        views = run_views.runs_of(case)
    assert [view.public_id for view in views] == [second.public_id, first.public_id]
    assert [view.is_live for view in views] == [True, True]
    assert len(run_views.live_runs()) == 3


def test_partial_results_are_read_from_the_checkpoint():
    run = queued()
    assert run_views.partial(run.public_id) is None
    held = leases.claim(run.pk, "worker")
    assert held is not None
    found = {"num_ends": 1, "ends": [{"amount": "5"}]}
    leases.checkpoint(held, 1, {"kernel": {}, "partial": found}, {"depth": 1})
    assert run_views.partial(run.public_id) == found
    assert run_views.result(run.public_id) is None


def test_an_unknown_run_is_none():
    assert run_views.run_view(uuid4()) is None
    assert run_views.result(uuid4()) is None
    assert run_views.partial(uuid4()) is None
    assert run_views.runs_of(uuid4()) == []
