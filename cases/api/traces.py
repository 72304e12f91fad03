"""Traces: queue one, poll its state, read its result, cancel it."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import one_case
from cases.api.door import Call, Door, One, Step, making, one, plain_json, route, writing
from cases.api.fields import BaseUnits, Body, CaseName, Nothing, Text
from cases.models import CaseRun
from cases.policy import Actor
from cases.queries.traces import Report, RunRow, report_of, run_row
from cases.services.traces import cancel_trace, queue_trace, set_lead_run
from tracing import jobs, reads

MODES = ["destination", "source", "paths"]
POLICIES = ["haircut", "fifo", "lifo", "poison"]
COINJOINS = ["stop", "through"]
MOST_PLACES = 1000


def one_run(actor: Actor, run_id: UUID) -> CaseRun:
    """The run if the person may see its case. Raises Http404."""
    rows = CaseRun.objects.visible_to(actor).select_related("case", "requested_by")
    found: CaseRun = one(rows, run=run_id)
    return found


def run_of(case_run: CaseRun) -> RunRow:
    """The run with its present state. Raises Http404 where tracing has none."""
    row = run_row(case_run.case, case_run.run)
    if row is None:
        raise Http404
    return row


def one_row(actor: Actor, run_id: UUID) -> RunRow:
    """The run and its state if the person may see its case. Raises Http404."""
    return run_of(one_run(actor, run_id))


class TraceAnswer(serializers.Serializer):
    """A run. Poll it while `is_over` is false; then read its result."""

    id = serializers.UUIDField(source="view.public_id")
    case = CaseName(source="case_run.case")
    ledger = serializers.CharField(source="view.ledger")
    mode = serializers.ChoiceField(choices=MODES, source="view.mode")
    state = serializers.ChoiceField(
        choices=[state.value for state in jobs.RunState], source="view.state"
    )
    is_over = serializers.BooleanField()
    is_lead = serializers.BooleanField(source="case_run.is_lead")
    parameters = serializers.DictField(source="view.parameters")
    progress = serializers.DictField(source="view.progress")
    queued_at = serializers.DateTimeField(source="view.queued_at")
    finished_at = serializers.DateTimeField(source="view.finished_at", allow_null=True)
    error = serializers.CharField(source="view.error", allow_blank=True)
    error_text = serializers.CharField(source="view.error_text", allow_blank=True)
    result_sha256 = serializers.CharField(source="view.result_sha256", allow_blank=True)


class NewTraceBody(Body):
    """A question to the ledger: where money of the seeds went, came from, or got to targets.

    A seed is an address (all its outputs) or txid:output number.
    """

    ledger = Text(max_length=24)
    seeds = serializers.ListField(child=Text(max_length=120), min_length=1, max_length=MOST_PLACES)
    mode = serializers.ChoiceField(choices=MODES, required=False, default="destination")
    targets = serializers.ListField(
        child=Text(max_length=120), required=False, max_length=MOST_PLACES
    )
    policy = serializers.ChoiceField(choices=POLICIES, required=False, default="haircut")
    max_hops = serializers.IntegerField(
        min_value=1, max_value=32, required=False, allow_null=True, default=8
    )
    min_value = BaseUnits(required=False)
    until_height = serializers.IntegerField(
        min_value=0, max_value=2**32 - 1, required=False, allow_null=True
    )
    coinjoin = serializers.ChoiceField(choices=COINJOINS, required=False, default="stop")
    stops = serializers.ListField(
        child=Text(max_length=120), required=False, max_length=MOST_PLACES
    )
    stop_at_services = serializers.BooleanField(required=False, default=True)


def parameters_of(values: dict[str, Any]) -> jobs.TraceParameters:
    """The question as tracing takes it.

    Raises ParametersError, and AddressError for what is an address on no ledger: such a run would
    only fail later, and stand in the case.
    """
    for place in (*values["seeds"], *values.get("targets", ())):
        if not set(":@#") & set(place):  # the others are places inside a ledger
            reads.parse_address(place)
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    if fields.pop("stop_at_services"):
        # Behind a service the ledger says nothing about whose money it is.
        ends = {*fields["seeds"], *fields.get("targets", ())}
        services = [each for each in reads.tagged_services(fields["ledger"]) if each not in ends]
        fields["stops"] = (*fields.get("stops", ()), *services)
    return jobs.TraceParameters(**fields)


class EndAnswer(serializers.Serializer):
    """Where money of the seeds ended, by account or address and status; bounds hold for the sum."""

    status = serializers.CharField()
    address = serializers.CharField()
    account = serializers.UUIDField(source="account.public_id", allow_null=True, default=None)
    num_outputs = serializers.IntegerField(source="number")
    amount = BaseUnits()
    low = BaseUnits()
    high = BaseUnits()
    value = BaseUnits()
    hops = serializers.IntegerField()
    first_at = serializers.CharField(allow_blank=True)
    last_at = serializers.CharField(allow_blank=True)


class ResultAnswer(serializers.Serializer):
    """The sealed result of a done run; amounts in base units of the ledger's coin."""

    seal = serializers.DictField()
    policy = serializers.CharField(allow_blank=True)
    is_conserved = serializers.BooleanField()
    balance = serializers.DictField(child=BaseUnits())
    ends = EndAnswer(many=True)
    paths = serializers.ListField(child=serializers.DictField())

    def to_representation(self, instance: Report) -> Any:
        told = {
            "seal": plain_json(instance.seal),
            "policy": instance.policy,
            "is_conserved": instance.is_conserved,
            "balance": dict(instance.balance),
            "ends": instance.groups,
            "paths": plain_json(instance.paths),
        }
        return super().to_representation(told)


class TraceFilter(FilterSet):
    """The list of traces."""

    case = UUIDFilter(field_name="case__public_id")


class Traces(Door):
    calls = {
        "GET": Call(
            _("Traces of the cases you may see, newest first"), TraceAnswer, filters=TraceFilter,
            is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = CaseRun.objects.visible_to(self.actor).select_related("case", "requested_by")
        return self.page(rows, "requested_at", told=self._with_state)

    @staticmethod
    def _with_state(rows: list[CaseRun]) -> list[RunRow]:
        views = reads.runs_by_id([row.run for row in rows])
        return [RunRow(row, views[row.run]) for row in rows if row.run in views]


class CaseTraces(Door):
    calls = {"POST": making(_("Queue a trace"), TraceAnswer, NewTraceBody)}

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)

        def do(**values: Any) -> RunRow:
            return run_of(queue_trace(case, parameters_of(values), by=self.actor))

        return self.once(do, fresh=False)


class TraceResult(Door):
    calls = {"GET": Call(_("The sealed result of a done trace"), ResultAnswer)}

    def get(self, request: Request, run_id: UUID) -> Response:
        report = report_of(one_run(self.actor, run_id))
        if report is None:
            raise Http404
        return self.tell(report)


class TraceStep(Step):
    """A step of a run, answered with its state after it."""

    def post(self, request: Request, **ids: Any) -> HttpResponse:
        case_run = one_run(self.actor, *ids.values())

        def do() -> RunRow:
            self.service(case_run.case, case_run.run, by=self.actor)
            case_run.refresh_from_db()
            return run_of(case_run)

        return self.once(do, fresh=False)


ONE = "traces/<uuid:run_id>"
urlpatterns = [
    route("traces", Traces, "trace_list"),
    route("cases/<uuid:case_id>/traces", CaseTraces, "trace_queue"),
    route(
        ONE, One, "trace_detail", find=one_row,
        calls={"GET": Call(_("One trace and its state: poll this"), TraceAnswer)},
    ),
    route(f"{ONE}/result", TraceResult, "trace_result"),
    route(
        f"{ONE}/cancel", TraceStep, "trace_cancel", service=cancel_trace,
        calls={"POST": writing(_("Ask a live trace to end"), TraceAnswer, Nothing)},
    ),
    route(
        f"{ONE}/lead", TraceStep, "trace_lead", service=set_lead_run,
        calls={"POST": writing(_("Let the sums of the case follow this trace"), TraceAnswer,
                               Nothing)},
    ),
]  # fmt: skip
