"""A worker whose own clock is a day off: leases, orders and holds go by the database's clock."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from cases.models import FreezeRequest, OutboxMessage
from cases.services import outbox
from cases.services.freezes import LineSpec, lapse_provisional_freezes, place_hold
from fiu.chaos import clock
from tests.casework import BTC, make_account, make_asset, make_case, person
from tests.fakes import FakeExchange
from tests.integration.jobs.support import queued
from tracing import leases

pytestmark = pytest.mark.django_db
DAY = 86_400


@pytest.fixture
def scratch(tmp_path: Path, settings: Any) -> Iterator[None]:
    right = timezone.now
    settings.FIU_HOME, settings.IS_SCRATCH = tmp_path, True
    clock.follow_file()
    yield
    timezone.now = right


def test_only_a_scratch_installation_lets_its_clock_be_moved() -> None:
    with pytest.raises(RuntimeError, match="scratch"):
        clock.follow_file()


@pytest.mark.usefixtures("scratch")
def test_only_the_chosen_process_is_wrong() -> None:
    begun = timezone.now()
    clock.move([os.getpid() + 1], DAY)
    assert abs((timezone.now() - begun).total_seconds()) < 60
    clock.move([os.getpid()], -DAY)
    assert (begun - timezone.now()).total_seconds() > DAY - 60
    clock.put_right()
    clock.put_right()
    assert abs((timezone.now() - begun).total_seconds()) < 60
    assert not list(Path(clock.settings.FIU_HOME).iterdir())


@pytest.mark.usefixtures("scratch")
@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_a_worker_a_day_off_takes_no_lease_that_still_runs(seconds: int) -> None:
    run = queued()
    held = leases.claim(run.pk, "right")
    assert held is not None
    clock.move([os.getpid()], seconds)
    assert leases.claim(run.pk, "wrong") is None
    leases.heartbeat(held)
    run.refresh_from_db()
    clock.put_right()
    left = (run.lease_until - timezone.now()).total_seconds()
    assert 0 < left < 60, json.dumps(left)


@pytest.mark.usefixtures("scratch")
@pytest.mark.parametrize("seconds", [2 * DAY, -2 * DAY])
def test_a_hold_neither_lapses_nor_is_refused_by_a_wrong_clock(seconds: int) -> None:
    make_asset()
    supervisor = person("supervisor")
    account = make_account()
    freeze = place_hold(
        make_case(supervisor), lines=[LineSpec(account.pk, BTC, 5)], urgency="urgent", reason="R.",
        by=supervisor,
    )  # fmt: skip
    clock.move([os.getpid()], seconds)
    assert lapse_provisional_freezes() == 0
    exchange = FakeExchange(free={(account.uid, BTC): 5}, depth=1)
    message = OutboxMessage.objects.get(line__freeze=freeze)
    outbox.send_outbox_message(message.pk, gateway=exchange)
    assert freeze.lines.get().state == "held"
    assert FreezeRequest.objects.get(pk=freeze.pk).state == "provisional"
