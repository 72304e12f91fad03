"""Seizures of what is frozen: asked for under an order, two keys, sent to the authority."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, One, Step, making, one, route, writing
from cases.api.fields import Body, Decision, PersonAnswer, Reason, Row, Text
from cases.api.freeze_ledger import ReleaseLineBody
from cases.api.freezes import one_freeze
from cases.api.named import UNKNOWN, Agency, Visible
from cases.models import LegalInstrument, Seizure, SeizureLine
from cases.policy import Actor
from cases.queries.freezes import seizures_for_page
from cases.services import freezes as services
from cases.states import SeizureState


def one_seizure(actor: Actor, seizure_id: UUID) -> Seizure:
    """The seizure if the person may see its case. Raises Http404."""
    found: Seizure = one(seizures_for_page(actor), public_id=seizure_id)
    return found


class SeizureLineAnswer(Row):
    """How much of one line was asked for, seized, and sent out; base units of its asset."""

    line = serializers.UUIDField(source="line.public_id")
    asset = serializers.CharField(source="line.asset_id")
    decimals = serializers.IntegerField(source="line.asset.decimals")

    class Meta:
        model = SeizureLine
        fields = ["line", "asset", "decimals", "amount", "seized", "transferred"]


class SeizureAnswer(Row):
    """What an order takes of a freeze, and where it goes."""

    id = serializers.UUIDField(source="public_id")
    freeze = serializers.UUIDField(source="freeze.public_id")
    reference = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in SeizureState])
    agency = serializers.UUIDField(source="agency.public_id")
    lines = SeizureLineAnswer(many=True)
    requested_by = PersonAnswer()
    confirmed_by = PersonAnswer(allow_null=True)
    decided_by = PersonAnswer(allow_null=True)

    class Meta:
        model = Seizure
        fields = [
            "id", "reference", "freeze", "agency", "destination", "lines", "reason", "state",
            "requested_by", "requested_at", "confirmed_by", "confirmed_how", "decided_by",
            "decided_at", "content_hash",
        ]  # fmt: skip


class NewSeizureBody(Body):
    """What is to be seized, line by line, under which order, for whom."""

    lines = ReleaseLineBody(many=True, min_length=1, max_length=200)
    agency = Agency()
    destination = Text(max_length=100)
    instrument = Visible(LegalInstrument)
    reason = Text()


class Seizures(Door):
    calls = {
        "GET": Call(_("Seizures of a freeze, newest first"), SeizureAnswer, is_page=True),
        "POST": making(_("Ask for a seizure"), SeizureAnswer, NewSeizureBody),
    }

    def get(self, request: Request, freeze_id: UUID) -> Response:
        freeze = one_freeze(self.actor, freeze_id)
        return self.page(seizures_for_page(self.actor).filter(freeze=freeze), "requested_at")

    def post(self, request: Request, freeze_id: UUID) -> HttpResponse:
        freeze = one_freeze(self.actor, freeze_id)

        def do(
            *, lines: list[dict[str, Any]], agency: int, instrument: Any, **values: Any
        ) -> Seizure:
            numbers = {line.public_id: line.pk for line in freeze.lines.all()}
            if any(each["line"] not in numbers for each in lines):
                raise exceptions.ValidationError({"lines": [UNKNOWN]})
            return services.request_seizure(
                freeze, amounts={numbers[each["line"]]: each["amount"] for each in lines},
                agency_id=agency, instrument_id=instrument.pk, **values, by=self.actor,
            )  # fmt: skip

        return self.once(do)


ONE = "seizures/<uuid:seizure_id>"
urlpatterns = [
    route("freezes/<uuid:freeze_id>/seizures", Seizures, "seizure_request"),
    route(
        ONE, One, "seizure_detail", find=one_seizure,
        calls={"GET": Call(_("One seizure of a freeze"), SeizureAnswer)},
    ),
    *(
        route(
            f"{ONE}/{name}", Step, f"seizure_{name}", find=one_seizure, service=service,
            calls={"POST": writing(words, SeizureAnswer, body)},
        )
        for name, service, body, words in (
            ("confirm", services.confirm_destination, Reason,
             _("Keep how the authority was called back about its address; asks for step-up")),
            ("approve", services.approve_seizure, Decision,
             _("Turn one of the two keys; asks for step-up")),
            ("reject", services.reject_seizure, Reason, _("Reject a seizure")),
            ("transfer", services.transfer_seizure, Decision,
             _("Send what was seized to the authority; asks for step-up")),
        )
    ),
]  # fmt: skip
