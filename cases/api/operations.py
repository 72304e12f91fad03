"""Operations: several cases under one code name."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, Step, making, one, route, writing
from cases.api.fields import AgencyAnswer, Body, CaseName, Moment, PersonAnswer, Reason, Row, Text
from cases.api.named import Agency, Visible
from cases.models import Case, Operation
from cases.policy import Actor
from cases.services import operations as services
from cases.states import OperationState

STATES = [(state.value, state.value) for state in OperationState]


def one_operation(actor: Actor, operation_id: UUID) -> Operation:
    """The operation if the person may see it. Raises Http404."""
    rows = Operation.objects.visible_to(actor).select_related("lead_agency", "opened_by")
    found: Operation = one(rows, public_id=operation_id)
    return found


class Partners(serializers.ListField):
    """The agencies beside the leading one."""

    def get_attribute(self, instance: Operation) -> list[Any]:
        return [each.agency for each in instance.partners.select_related("agency")]


class OwnCases(serializers.ListField):
    """Only the cases that the reader may see: being in one operation opens no other case."""

    def get_attribute(self, instance: Operation) -> list[Case]:
        cases = Case.objects.visible_to(self.context["actor"]).filter(operation=instance)
        return list(cases.order_by("reference"))


class OperationAnswer(Row):
    """An operation, with those of its cases that you may see."""

    id = serializers.UUIDField(source="public_id")
    state = serializers.ChoiceField(choices=STATES)
    lead_agency = AgencyAnswer(allow_null=True)
    partners = Partners(child=AgencyAnswer(), read_only=True)
    cases = OwnCases(child=CaseName(), read_only=True)
    opened_by = PersonAnswer()

    class Meta:
        model = Operation
        fields = [
            "id", "reference", "name", "code_name", "objective", "lead_agency", "partners",
            "starts_on", "ends_on", "embargo_until", "state", "opened_by", "opened_at",
            "closed_at", "cases",
        ]  # fmt: skip


class NewOperationBody(Body):
    """An operation; cases join it afterwards."""

    name = Text(max_length=160)
    code_name = Text(max_length=40)
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(required=False, allow_null=True, default=None)
    lead_agency = Agency(required=False, allow_null=True, default=None)
    partners = serializers.ListField(child=Agency(), required=False, max_length=100)
    embargo_until = Moment(required=False, allow_null=True, default=None)
    objective = Text(required=False, allow_blank=True, default="")


class JoinBody(Reason):
    """The case that joins."""

    case = Visible(Case)


class OperationFilter(FilterSet):
    """The list of operations."""

    state = ChoiceFilter(choices=STATES, field_name="state")


class Operations(Door):
    calls = {
        "GET": Call(
            _("Operations you may see, newest first"), OperationAnswer, filters=OperationFilter,
            is_page=True,
        ),
        "POST": making(_("Open an operation"), OperationAnswer, NewOperationBody),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = Operation.objects.visible_to(self.actor)
        return self.page(rows.select_related("lead_agency", "opened_by"), "opened_at")

    def post(self, request: Request) -> HttpResponse:
        def do(*, lead_agency: int | None, partners: list[int] | None = None, **values: Any) -> Any:
            return services.open_operation(
                lead_agency_id=lead_agency, partner_ids=partners, **values, by=self.actor
            )

        return self.once(do)


class OneOperation(Door):
    calls = {"GET": Call(_("One operation"), OperationAnswer)}

    def get(self, request: Request, operation_id: UUID) -> Response:
        return self.tell(one_operation(self.actor, operation_id))


def join(operation: Operation, *, case: Case, reason: str, by: Actor) -> Case:
    return services.put_case(case, operation, reason=reason, by=by)


STEPS: dict[str, tuple[Any, Any, Any]] = {
    "cases": (join, JoinBody, _("Put a case into an operation")),
    "start": (services.start_operation, Reason, _("Start as a second person")),
    "action-day": (services.open_action_day, Reason, _("Open the action day")),
    "close": (services.close_operation, Reason, _("Close an operation")),
    "publish": (services.publish_operation, Reason, _("Mark a closed operation as published")),
}  # fmt: skip

ONE = "operations/<uuid:operation_id>"
urlpatterns = [
    route("operations", Operations, "operation_list"),
    route(ONE, OneOperation, "operation_detail"),
    *(
        route(
            f"{ONE}/{name}", Step, f"operation_{name.replace('-', '_')}", find=one_operation,
            service=service, calls={"POST": writing(words, OperationAnswer, body)},
        )
        for name, (service, body, words) in STEPS.items()
    ),
]  # fmt: skip
