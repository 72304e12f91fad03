"""Cases: the list, one case with its sums, and the acts that move it on."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, One, Step, making, one, route, writing
from cases.api.fields import (
    AgencyAnswer,
    BaseUnits,
    Body,
    Difference,
    Moment,
    Nothing,
    PersonAnswer,
    Reason,
    Row,
    Text,
)
from cases.api.filters import Since
from cases.api.named import Person
from cases.models import Case
from cases.policy import Actor
from cases.queries.cases import case_people
from cases.queries.money import case_money
from cases.queries.referrals import agencies
from cases.services import case_clocks
from cases.services import cases as services
from cases.states import CaseState

STATES = [(state.value, state.value) for state in CaseState]
TYPES = Case._meta.get_field("case_type").choices or []
PRIORITIES = Case._meta.get_field("priority").choices or []
VISIBILITIES = Case._meta.get_field("visibility").choices or []
TLPS = Case._meta.get_field("tlp").choices or []


def one_case(actor: Actor, case_id: UUID) -> Case:
    """The case if the person may see it. Raises Http404."""
    rows = Case.objects.visible_to(actor).select_related("owner_by", "opened_by", "operation")
    found: Case = one(rows, public_id=case_id)
    return found


class CaseAnswer(Row):
    """A case; `version` is for the next edit."""

    id = serializers.UUIDField(source="public_id")
    state = serializers.ChoiceField(choices=STATES)
    owner = PersonAnswer(source="owner_by", allow_null=True)
    opened_by = PersonAnswer(allow_null=True)
    operation = serializers.UUIDField(source="operation.public_id", allow_null=True, default=None)
    decisions = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Case
        fields = [
            "id", "reference", "title", "summary", "case_type", "priority", "state", "visibility",
            "tlp", "owner", "opened_by", "opened_at", "closed_at", "closure_reason", "decisions",
            "operation", "tags", "due_at", "resume_on", "escalated_at", "updated_at", "version",
        ]  # fmt: skip


class NewCaseBody(Body):
    """A new case; who opens it owns it."""

    title = Text(max_length=160)
    case_type = serializers.ChoiceField(choices=TYPES)
    priority = serializers.ChoiceField(choices=PRIORITIES)
    summary = Text(required=False, allow_blank=True)
    visibility = serializers.ChoiceField(choices=VISIBILITIES, required=False)


class CaseEditBody(Body):
    """What to change, as of the version that was read."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    title = Text(max_length=160, required=False)
    summary = Text(required=False, allow_blank=True)
    case_type = serializers.ChoiceField(choices=TYPES, required=False)
    priority = serializers.ChoiceField(choices=PRIORITIES, required=False)
    visibility = serializers.ChoiceField(choices=VISIBILITIES, required=False)
    tlp = serializers.ChoiceField(choices=TLPS, required=False)
    owner = Person(required=False)
    tags = Text(max_length=200, required=False, allow_blank=True)


class CaseDueBody(Reason):
    """When the work is due; null takes the time away."""

    due_at = Moment(allow_null=True)


class CaseAnswerBody(Reason):
    """What follows, and until when now."""

    due_at = Moment(required=False)


class CasePauseBody(Reason):
    """The day on which somebody takes the case up again."""

    resume_on = serializers.DateField()


class CaseDecisionBody(Reason):
    """What happens with the case."""

    decisions = serializers.ListField(
        child=serializers.ChoiceField(choices=["report", "refer", "freeze", "no_action"]),
        min_length=1, max_length=4,
    )  # fmt: skip


class CaseClosureBody(Reason):
    """Why the case is closed."""

    closure_reason = serializers.ChoiceField(choices=services.CLOSURE_REASONS)


class CaseFilter(FilterSet):
    """The list of cases."""

    state = ChoiceFilter(choices=STATES, field_name="state")
    case_type = ChoiceFilter(choices=TYPES, field_name="case_type")
    priority = ChoiceFilter(choices=PRIORITIES, field_name="priority")
    updated_since = Since(field_name="updated_at", lookup_expr="gte")


class Cases(Door):
    calls = {
        "GET": Call(
            _("Cases you may see, newest first"), CaseAnswer, filters=CaseFilter,
            is_page=True,
        ),
        "POST": making(_("Open a case"), CaseAnswer, NewCaseBody),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = Case.objects.visible_to(self.actor)
        return self.page(rows.select_related("owner_by", "opened_by", "operation"), "opened_at")

    def post(self, request: Request) -> HttpResponse:
        return self.once(lambda **values: services.open_case(**values, by=self.actor))


class OneCase(One):
    calls = {
        "GET": Call(_("One case"), CaseAnswer),
        "PATCH": Call(_("Change a case"), CaseAnswer, CaseEditBody, errors=(409, 422)),
    }

    def patch(self, request: Request, case_id: UUID) -> Response:
        case, values = one_case(self.actor, case_id), self.read()
        if "owner" in values:
            values["owner_by_id"] = values.pop("owner")
        return self.tell(services.edit_case(case, **values, by=self.actor))


class MoneyRowAnswer(serializers.Serializer):
    """An amount on one account; `fiat` is at the last price, or null without one."""

    account = serializers.UUIDField()
    masked = serializers.CharField()
    asset = serializers.CharField()
    symbol = serializers.CharField()
    decimals = serializers.IntegerField()
    base = BaseUnits()
    fiat = serializers.DecimalField(max_digits=30, decimal_places=2, allow_null=True)


class LeftRowAnswer(MoneyRowAnswer):
    """What of the reached amount is neither held nor asked for; more may be held than reached."""

    base = Difference()


class MoneyPartAnswer(serializers.Serializer):
    """One sum of the case, account by account."""

    rows = MoneyRowAnswer(many=True)


class LeftPartAnswer(serializers.Serializer):
    """The rest, account by account."""

    rows = LeftRowAnswer(many=True)


class MoneyAnswer(serializers.Serializer):
    """What reached the exchange, what is held, asked for, and gone."""

    currency = serializers.CharField()
    reached = MoneyPartAnswer()
    frozen = MoneyPartAnswer()
    pending = MoneyPartAnswer()
    left = LeftPartAnswer()


class CaseMoney(Door):
    calls = {"GET": Call(_("The sums of a case by account and asset"), MoneyAnswer)}

    def get(self, request: Request, case_id: UUID) -> Response:
        case = one_case(self.actor, case_id)
        return self.tell(case_money([case.pk], self.actor))


class CasePeople(Door):
    calls = {"GET": Call(_("Who works on a case, the owner first"), PersonAnswer, many=True)}

    def get(self, request: Request, case_id: UUID) -> Response:
        return self.tell(case_people(one_case(self.actor, case_id)))


class Agencies(Door):
    calls = {"GET": Call(_("Agencies that can be named"), AgencyAnswer, many=True)}

    def get(self, request: Request) -> Response:
        return self.tell(agencies())


STEPS: dict[str, tuple[Any, Any, Any]] = {
    "start": (services.start_case, Nothing, _("Start the investigation")),
    "submit": (services.submit_case, Reason, _("Hand a case to a second person")),
    "return": (services.return_case, Reason, _("Send a submitted case back")),
    "decide": (services.decide_case, CaseDecisionBody, _("Decide a case as a second person")),
    "close": (services.close_case, CaseClosureBody, _("Close a decided case")),
    "reopen": (services.reopen_case, Reason, _("Take a case up again")),
    "pause": (case_clocks.hold_case, CasePauseBody, _("Put a case on hold until a day")),
    "resume": (case_clocks.resume_case, Reason, _("Take a case up again after its hold")),
    "due": (case_clocks.set_due, CaseDueBody, _("Say when the work on a case is due")),
    "escalate": (case_clocks.escalate_case, Reason, _("Take a case to the seniors")),
    "answer": (case_clocks.answer_escalation, CaseAnswerBody, _("Answer as a senior")),
}

ONE = "cases/<uuid:case_id>"
urlpatterns = [
    route("cases", Cases, "case_list"),
    route(ONE, OneCase, "case_detail", find=one_case),
    route(f"{ONE}/money", CaseMoney, "case_money"),
    route(f"{ONE}/people", CasePeople, "case_people"),
    route("agencies", Agencies, "agency_list"),
    *(
        route(
            f"{ONE}/{name}", Step, f"case_{name}", find=one_case, service=service,
            calls={"POST": writing(words, CaseAnswer, body)},
        )
        for name, (service, body, words) in STEPS.items()
    ),
]  # fmt: skip
