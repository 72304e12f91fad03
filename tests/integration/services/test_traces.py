"""Traces of a case: asked for, cancelled, and the one that leads."""

from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from cases.models import CaseRun
from cases.policy import SYSTEM, PermissionDenied
from cases.services.audit import verify_chains
from cases.services.errors import CaseworkError, NotFound, TooFast
from cases.services.findings import collect_findings
from cases.services.traces import cancel_trace, queue_trace, set_lead_run
from cases.states import InvalidTransition
from tests.casework import LEDGER, finish_run, make_case, person, trace_result
from tracing.jobs import TraceParameters
from tracing.models import TraceRun

pytestmark = pytest.mark.django_db


def parameters(**fields: Any) -> TraceParameters:
    values: dict[str, Any] = {"ledger": LEDGER, "seeds": ("11" * 32 + ":0",), "policy": "fifo"}
    return TraceParameters(**(values | fields))


def test_a_trace_is_queued_for_the_case_and_told_in_its_chain() -> None:
    by = person("analyst")
    case = make_case(by)
    run = queue_trace(case, parameters(), by=by)
    assert (run.requested_by_id, run.is_lead, run.collected_at) == (by.user_id, False, None)
    assert case.events.get(action="queue_trace").object == f"run:{run.run}"


def test_the_same_question_while_it_runs_gives_the_same_run() -> None:
    by = person("analyst")
    case = make_case(by)
    first, second = (queue_trace(case, parameters(), by=by) for _ in range(2))
    assert first == second
    assert queue_trace(case, parameters(policy="lifo"), by=by) != first
    assert queue_trace(make_case(by), parameters(), by=by) != first
    assert case.events.filter(action="queue_trace").count() == 2


@pytest.mark.parametrize("role", ["auditor", "admin", "liaison"])
def test_a_wrong_role_queues_and_cancels_nothing(role: str) -> None:
    by, other = person("analyst"), person(role)
    case = make_case(by)
    run = queue_trace(case, parameters(), by=by)
    for outsider in (other, SYSTEM):
        with pytest.raises(PermissionDenied):
            queue_trace(case, parameters(policy="lifo"), by=outsider)
        with pytest.raises(PermissionDenied):
            cancel_trace(case, run.run, by=outsider)


def test_the_second_cancel_loses() -> None:
    by = person("analyst")
    case = make_case(by)
    run = queue_trace(case, parameters(), by=by)
    cancel_trace(case, run.run, by=by)
    with pytest.raises(InvalidTransition):
        cancel_trace(case, run.run, by=by)
    assert case.events.filter(action="cancel_trace").count() == 1


def test_a_run_of_another_case_is_not_cancelled() -> None:
    by = person("analyst")
    run = queue_trace(make_case(by), parameters(), by=by)
    with pytest.raises(NotFound):
        cancel_trace(make_case(by), run.run, by=by)
    with pytest.raises(NotFound):
        cancel_trace(make_case(by), uuid4(), by=by)


def test_one_collected_run_to_the_destination_leads() -> None:
    by = person("analyst")
    case = make_case(by)
    first, second, third = (
        queue_trace(case, parameters(policy=policy), by=by) for policy in ("fifo", "lifo", "poison")
    )
    source = queue_trace(case, parameters(mode="source"), by=by)
    for run in (first, second, source):
        finish_run(run.run, trace_result([]))
        collect_findings(run.run)
    assert case.runs.get(is_lead=True) == first
    assert set_lead_run(case, second.run, by=by).is_lead
    assert case.runs.get(is_lead=True) == second
    for run in (third, source):
        with pytest.raises(CaseworkError):
            set_lead_run(case, run.run, by=by)
    set_lead_run(case, second.run, by=by)
    assert case.events.filter(action="set_lead_run").count() == 1
    assert verify_chains().is_whole


def test_one_person_never_fills_the_queue(settings: Settings) -> None:
    settings.TRACES_AT_ONCE = 2
    case, ana = make_case(), person("analyst")
    runs = [
        queue_trace(case, parameters(seeds=(f"{number:064x}:0",)), by=ana) for number in range(2)
    ]
    with pytest.raises(TooFast, match="2 of your traces are not over yet"):
        queue_trace(case, parameters(seeds=(f"{2:064x}:0",)), by=ana)
    assert CaseRun.objects.count() == TraceRun.objects.count() == 2
    assert queue_trace(case, parameters(seeds=(f"{1:064x}:0",)), by=ana).run == runs[1].run, (
        "it is there already"
    )
    queue_trace(case, parameters(seeds=(f"{2:064x}:0",)), by=person("analyst"))
    cancel_trace(case, runs[0].run, by=ana)
    queue_trace(case, parameters(seeds=(f"{3:064x}:0",)), by=ana)
