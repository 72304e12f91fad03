"""The legal matrix: what an instrument of a country may obtain; proposed and put in force."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, making, one, route
from cases.api.fields import Body, PersonAnswer, Row, Text
from cases.api.proposals import STATES, proposal_routes
from cases.models import LegalRow
from cases.policy import Action, Actor
from cases.request_words import DATASETS, INSTRUMENTS
from cases.services import legal_rows as services

PEOPLE = ("proposed_by", "decided_by")
RIGHTS = (Action.PROPOSE_POLICY,)


def one_row(_actor: Actor, legal_id: UUID) -> LegalRow:
    """The row: a rule of the house, for whom the door is open. Raises Http404."""
    found: LegalRow = one(LegalRow.objects.select_related(*PEOPLE), public_id=legal_id)
    return found


class LegalRowAnswer(Row):
    """What one instrument of a country, or of any ("*"), may obtain, and who says so."""

    id = serializers.UUIDField(source="public_id")
    instrument = serializers.ChoiceField(choices=list(INSTRUMENTS.items()))
    datasets = serializers.ListField(child=serializers.CharField(), source="named")
    state = serializers.ChoiceField(choices=STATES)
    proposed_by = PersonAnswer()
    decided_by = PersonAnswer(allow_null=True)

    class Meta:
        model = LegalRow
        fields = [
            "id", "instrument", "country", "datasets", "note", "source", "is_verified", "reason",
            "state", "proposed_by", "proposed_at", "decided_by", "decided_at", "content_hash",
        ]  # fmt: skip


class NewLegalRowBody(Body):
    """A proposal: nothing changes before a second person puts it in force."""

    instrument = serializers.ChoiceField(choices=list(INSTRUMENTS.items()))
    country = Text(max_length=2, required=False, allow_blank=True, default="")
    datasets = serializers.ListField(
        child=serializers.ChoiceField(choices=list(DATASETS)), max_length=len(DATASETS)
    )
    note = Text(max_length=300)
    source = Text(max_length=300)
    is_verified = serializers.BooleanField(default=False)
    reason = Text()


class LegalRowFilter(FilterSet):
    """The list of rows."""

    instrument = ChoiceFilter(choices=list(INSTRUMENTS.items()), field_name="instrument")
    state = ChoiceFilter(choices=STATES, field_name="state")


class LegalRows(Door):
    rights = RIGHTS
    calls = {
        "GET": Call(
            _("Rows of the legal matrix, newest first"), LegalRowAnswer, filters=LegalRowFilter,
            is_page=True,
        ),
        "POST": making(_("Propose a row of the legal matrix"), LegalRowAnswer, NewLegalRowBody),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        return self.page(LegalRow.objects.select_related(*PEOPLE), "proposed_at")

    def post(self, request: Request) -> HttpResponse:
        def do(**values: Any) -> LegalRow:
            return services.propose_legal_row(**values, by=self.actor)

        return self.once(do)


urlpatterns = [
    route("legal-rows", LegalRows, "legal_row_list"),
    *proposal_routes(
        "legal-rows/<uuid:legal_id>", "legal_row", one_row, LegalRowAnswer,
        one=_("One row of the legal matrix"),
        approve=(
            services.approve_legal_row,
            _("Put a row in force as a second person; asks for step-up"),
        ),
        reject=(services.reject_legal_row, _("Reject a proposed row")),
        rights=RIGHTS,
    ),
]  # fmt: skip
