"""Preserving data for an agency: begun for a request, renewed, ended."""

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, Step, making, one, route, writing
from cases.api.fields import Moment, PersonAnswer, Reason, Row
from cases.api.requests import one_request
from cases.models import Preservation
from cases.policy import Actor
from cases.services import requests as services
from cases.states import PreservationState

STATES = [(state.value, state.value) for state in PreservationState]
PEOPLE = ("request__agency", "started_by", "ended_by")


def one_preservation(actor: Actor, preservation_id: UUID) -> Preservation:
    """The preservation if the person may see its request. Raises Http404."""
    rows = Preservation.objects.visible_to(actor).select_related(*PEOPLE)
    found: Preservation = one(rows, public_id=preservation_id)
    return found


class PreservationAnswer(Row):
    """Data kept for a request until a day on which a person is asked."""

    id = serializers.UUIDField(source="public_id")
    request = serializers.CharField(source="request.reference")
    accounts = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(choices=STATES)
    started_by = PersonAnswer()
    ended_by = PersonAnswer(allow_null=True)

    class Meta:
        model = Preservation
        fields = [
            "id", "request", "accounts", "state", "starts_at", "until", "source", "num_renewals",
            "started_by", "ended_by", "ended_at", "end_reason",
        ]  # fmt: skip


class Renewal(Reason):
    """Renew what was seen: `until` as the preservation told it."""

    until = Moment()


class Preservations(Door):
    calls = {
        "GET": Call(
            _("Data preserved for agencies, newest first"), PreservationAnswer, is_page=True
        )
    }

    def get(self, request: Request) -> Response:
        rows = Preservation.objects.visible_to(self.actor).select_related(*PEOPLE)
        return self.page(rows, "starts_at")


class RequestPreserve(Door):
    calls = {
        "POST": making(_("Preserve the data that a request is about"), PreservationAnswer, Reason)
    }

    def post(self, request: Request, request_id: UUID) -> HttpResponse:
        asked = one_request(self.actor, request_id)

        def do(*, reason: str) -> Preservation:
            return services.start_preservation(asked, reason=reason, by=self.actor)

        return self.once(do)


ONE = "preservations/<uuid:preservation_id>"
urlpatterns = [
    route("preservations", Preservations, "preservation_list"),
    route("requests/<uuid:request_id>/preserve", RequestPreserve, "request_preserve"),
    *(
        route(
            f"{ONE}/{name}", Step, f"preservation_{name}", find=one_preservation, service=service,
            calls={"POST": writing(words, PreservationAnswer, body)},
        )
        for name, service, body, words in (
            ("renew", services.renew_preservation, Renewal, _("Preserve data for as long again")),
            ("end", services.end_preservation, Reason, _("End a preservation; asks for step-up")),
        )
    ),
]  # fmt: skip
