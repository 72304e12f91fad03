"""Requests to others: agencies and exchanges outside."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import one_case
from cases.api.door import Call, Door, One, Step, making, one, route, writing
from cases.api.fields import AgencyAnswer, Body, CaseName, Decision, PersonAnswer, Reason, Row, Text
from cases.api.named import Agency
from cases.models import OutboundRequest
from cases.models.outbound import RECIPIENTS, WAYS
from cases.policy import Actor
from cases.queries.outbound import PEOPLE, outbound_for_page
from cases.services import outbound as services
from cases.states import OutboundState

STATES = [(state.value, state.value) for state in OutboundState]


def one_outbound(actor: Actor, outbound_id: UUID) -> OutboundRequest:
    """The request if the person may see its case. Raises Http404."""
    found: OutboundRequest = one(outbound_for_page(actor), public_id=outbound_id)
    return found


class OutboundAnswer(Row):
    """A question to somebody outside, with its answer once there is one."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    agency = AgencyAnswer(allow_null=True)
    state = serializers.ChoiceField(choices=STATES)
    drafted_by = PersonAnswer()
    approved_by = PersonAnswer(allow_null=True)
    sent_by = PersonAnswer(allow_null=True)

    class Meta:
        model = OutboundRequest
        fields = [
            "id", "reference", "case", "kind", "agency", "recipient", "way", "legal_basis",
            "subject", "text", "due_on", "state", "drafted_by", "drafted_at", "approved_by",
            "approved_at", "sent_by", "sent_at", "answer", "answered_at", "content_hash",
        ]  # fmt: skip


class NewOutboundBody(Body):
    """Whom, on which basis, and in which words; nothing leaves before compliance approved it."""

    kind = serializers.ChoiceField(choices=RECIPIENTS)
    agency = Agency(required=False, allow_null=True, default=None)
    recipient = Text(max_length=120, required=False, allow_blank=True, default="")
    way = serializers.ChoiceField(choices=WAYS)
    legal_basis = Text(max_length=200)
    subject = Text(max_length=120)
    text = Text()
    due_on = serializers.DateField()


class CameBackBody(Body):
    """What came back."""

    text = Text()


class ByCase(FilterSet):
    """Of one case, or of all that the person may see."""

    case = UUIDFilter(field_name="case__public_id")


class Outbound(Door):
    calls = {
        "GET": Call(
            _("What we asked others, newest first"), OutboundAnswer, filters=ByCase, is_page=True
        )
    }

    def get(self, request: Request) -> Response:
        rows = OutboundRequest.objects.visible_to(self.actor).select_related(*PEOPLE)
        return self.page(rows, "drafted_at")


class CaseOutbound(Door):
    calls = {"POST": making(_("Draft a request to others"), OutboundAnswer, NewOutboundBody)}

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)

        def do(*, agency: int | None, **values: Any) -> OutboundRequest:
            return services.draft_outbound(case, agency_id=agency, **values, by=self.actor)

        return self.once(do)


ONE = "outbound/<uuid:outbound_id>"
urlpatterns = [
    route("outbound", Outbound, "outbound_list"),
    route("cases/<uuid:case_id>/outbound", CaseOutbound, "outbound_draft"),
    route(
        ONE, One, "outbound_detail", find=one_outbound,
        calls={"GET": Call(_("One request to others"), OutboundAnswer)},
    ),
    *(
        route(
            f"{ONE}/{name}", Step, f"outbound_{name}", find=one_outbound, service=service,
            calls={"POST": writing(words, OutboundAnswer, body)},
        )
        for name, service, body, words in (
            ("approve", services.approve_outbound, Decision,
             _("Approve exactly these words as a second person; asks for step-up")),
            ("send", services.send_outbound, Reason, _("Say that it was sent")),
            ("answer", services.answer_outbound, CameBackBody, _("Keep what came back")),
            ("end", services.end_outbound, Reason, _("Withdraw it, or close it")),
        )
    ),
]  # fmt: skip
