"""The worker's health check: alive means that waiting runs are taken."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from tests.integration.jobs.support import queued
from tracing.models import TraceRun

pytestmark = pytest.mark.django_db


def make_wait(seconds: float) -> None:
    run = queued()
    long_ago = Now() - timedelta(seconds=seconds)
    TraceRun.objects.filter(pk=run.pk).update(queued_at=long_ago, not_before=long_ago)


def test_without_work_and_with_fresh_work_a_worker_is_healthy() -> None:
    call_command("worker_health")
    make_wait(30)
    call_command("worker_health")


def test_a_run_that_nobody_takes_is_unhealthy() -> None:
    make_wait(600)
    with pytest.raises(CommandError, match=r"waited for 60\d s"):
        call_command("worker_health")


def test_outside_a_container_nothing_is_ended() -> None:
    make_wait(600)
    with pytest.raises(CommandError, match="container with an init process"):
        call_command("worker_health", "--restart")
