"""Legal instruments: recorded by one person, verified by another."""

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
from cases.api.fields import AgencyAnswer, Body, CaseName, Nothing, PersonAnswer, Row, Text
from cases.api.named import Agency
from cases.models import LegalInstrument
from cases.policy import Actor
from cases.services.instruments import record_instrument, verify_instrument

TYPES = LegalInstrument._meta.get_field("type").choices or []
PEOPLE = ("case", "agency", "recorded_by", "verified_by")


def one_instrument(actor: Actor, instrument_id: UUID) -> LegalInstrument:
    """The instrument if the person may see its case. Raises Http404."""
    rows = LegalInstrument.objects.visible_to(actor).select_related(*PEOPLE)
    found: LegalInstrument = one(rows, public_id=instrument_id)
    return found


class InstrumentAnswer(Row):
    """A court order, an agency's request or a sanctions entry."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    agency = AgencyAnswer(allow_null=True)
    recorded_by = PersonAnswer()
    verified_by = PersonAnswer(allow_null=True)

    class Meta:
        model = LegalInstrument
        fields = [
            "id", "case", "type", "number", "agency", "issued_by", "issued_on", "valid_until",
            "jurisdiction", "document_name", "document_sha256", "recorded_by", "recorded_at",
            "verified_by", "verified_at",
        ]  # fmt: skip


class NewInstrumentBody(Body):
    """An instrument without its document; a file goes in as evidence."""

    type = serializers.ChoiceField(choices=TYPES)
    number = Text(max_length=60)
    agency = Agency(required=False, allow_null=True, default=None)
    issued_by = Text(max_length=120)
    issued_on = serializers.DateField()
    valid_until = serializers.DateField(required=False, allow_null=True, default=None)
    jurisdiction = Text(min_length=2, max_length=2)


class InstrumentFilter(FilterSet):
    """The list of instruments."""

    case = UUIDFilter(field_name="case__public_id")


class Instruments(Door):
    calls = {
        "GET": Call(
            _("Legal instruments of the cases you may see, newest first"), InstrumentAnswer,
            filters=InstrumentFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = LegalInstrument.objects.visible_to(self.actor).select_related(*PEOPLE)
        return self.page(rows, "recorded_at")


class CaseInstruments(Door):
    calls = {"POST": making(_("Record a legal instrument"), InstrumentAnswer, NewInstrumentBody)}

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)

        def do(*, agency: int | None, **values: Any) -> LegalInstrument:
            return record_instrument(case, agency_id=agency, document=None, **values, by=self.actor)

        return self.once(do)


ONE = "instruments/<uuid:instrument_id>"
urlpatterns = [
    route("instruments", Instruments, "instrument_list"),
    route("cases/<uuid:case_id>/instruments", CaseInstruments, "instrument_record"),
    route(
        ONE, One, "instrument_detail", find=one_instrument,
        calls={"GET": Call(_("One legal instrument"), InstrumentAnswer)},
    ),
    route(
        f"{ONE}/verify", Step, "instrument_verify", find=one_instrument,
        service=verify_instrument,
        calls={
            "POST": writing(_("Verify an instrument as a second person"), InstrumentAnswer, Nothing)
        },
    ),
]  # fmt: skip
