"""Screens and the case's chain after a drift: what would be concluded otherwise today says so."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from cases.models import AuditEvent, Finding
from cases.services.audit import verify_chains
from cases.services.cases import close_case, decide_case, submit_case
from cases.services.traces import DriftReport, watch_drift
from cases.tasks import watch_drift_task
from fiu.dispatcher import PERIODIC
from tests.casework import LEDGER, make_actor, make_user
from tests.integration.web.conftest import DEPOSIT, HOPS, Room
from tracing.jobs import BoundaryRow, set_boundaries

pytestmark = pytest.mark.django_db


def name_a_service() -> None:
    set_boundaries("tags", [BoundaryRow(LEDGER, HOPS[1], "service", "Copperdice")])


def test_a_new_service_on_the_way_is_told_on_run_and_finding_and_in_the_chain(room: Room) -> None:
    case_run = room.run_trace()
    assert watch_drift() == DriftReport(1, 0, 0)
    name_a_service()
    assert watch_drift() == DriftReport(1, 1, 1)
    assert watch_drift() == DriftReport(1, 0, 0)
    event = AuditEvent.objects.get(action="drifted_trace")
    assert event.case == room.case
    assert json.loads(event.data)["num_conclusions"] == 2  # the deposit goes, the service comes
    assert verify_chains().breaks == []
    address = reverse("trace_detail", args=[room.case.public_id, case_run.run])
    page = room.client.get(address).content.decode()
    assert "Drifted: asked again" in page
    assert DEPOSIT[:8] in page
    assert "20.00" in page
    assert room.outsider.get(address).status_code == 404
    finding = Finding.objects.get(amounts__run=case_run.run)
    page = room.client.get(reverse("finding_detail", args=[finding.public_id])).content.decode()
    assert "concludes something else" in page


def test_the_command_says_how_many(room: Room) -> None:
    room.run_trace()
    name_a_service()
    out = StringIO()
    call_command("watch_drift", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"num_watched": 1, "num_asked": 1, "num_noticed": 1}
    out = StringIO()
    call_command("watch_drift", stdout=out)
    assert out.getvalue() == (
        "1 sealed runs watched, 0 asked again, 0 newly concluding something else.\n"
    )


def test_a_closed_case_that_released_nothing_is_not_watched(room: Room) -> None:
    room.run_trace()
    boss = make_actor(make_user("compliance"))
    case = submit_case(room.case, reason="Nothing left to do.", by=room.by)
    case = decide_case(case, decisions=["no_action"], reason="Agreed.", by=boss)
    close_case(case, closure_reason="no_suspicion", reason="Nothing found.", by=boss)
    assert watch_drift() == DriftReport(0, 0, 0)


def test_the_dispatcher_has_it_watched_and_the_inbox_tells_until_it_is_traced_again(
    room: Room,
) -> None:
    run = room.run_trace().run
    name_a_service()
    assert watch_drift_task.name in PERIODIC
    assert watch_drift_task() == 1
    assert watch_drift_task() == 0
    told = "Asked again, this trace concludes something else"
    assert told in room.client.get(reverse("inbox")).content.decode()
    page = room.client.get(reverse("trace_detail", args=[room.case.public_id, run]))
    assert "Version of the tags" in page.content.decode()
    room.run_trace(max_hops=9)
    assert told not in room.client.get(reverse("inbox")).content.decode()
