"""Clocks: how long holds, freezes, reports and answers may take; proposed and put in force."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, making, one, route
from cases.api.fields import AgencyAnswer, Body, PersonAnswer, Row, Text
from cases.api.named import Agency
from cases.api.proposals import STATES, proposal_routes
from cases.models import ClockRule
from cases.models.clocks import CLOCK_ACTS, CLOCK_UNITS
from cases.policy import Action, Actor
from cases.services import clocks as services

PEOPLE = ("agency", "proposed_by", "decided_by")
RIGHTS = (Action.PROPOSE_POLICY,)


def one_clock(_actor: Actor, clock_id: UUID) -> ClockRule:
    """The clock: a rule of the house, for whom the door is open. Raises Http404."""
    found: ClockRule = one(ClockRule.objects.select_related(*PEOPLE), public_id=clock_id)
    return found


class ClockAnswer(Row):
    """How long something may take, for an authority, a country or all, and who says so."""

    id = serializers.UUIDField(source="public_id")
    act = serializers.ChoiceField(choices=CLOCK_ACTS)
    agency = AgencyAnswer(allow_null=True)
    unit = serializers.ChoiceField(choices=CLOCK_UNITS)
    warn_hours = serializers.ListField(child=serializers.IntegerField())
    state = serializers.ChoiceField(choices=STATES)
    proposed_by = PersonAnswer()
    decided_by = PersonAnswer(allow_null=True)

    class Meta:
        model = ClockRule
        fields = [
            "id", "act", "country", "agency", "length", "unit", "warn_hours", "source",
            "is_verified", "valid_from", "reason", "state", "proposed_by", "proposed_at",
            "decided_by", "decided_at", "content_hash",
        ]  # fmt: skip


class NewClockBody(Body):
    """A proposal: nothing changes before a second person puts it in force."""

    act = serializers.ChoiceField(choices=CLOCK_ACTS)
    country = Text(max_length=2, required=False, allow_blank=True, default="")
    agency = Agency(required=False, allow_null=True, default=None)
    length = serializers.IntegerField(min_value=1, max_value=3660)
    unit = serializers.ChoiceField(choices=CLOCK_UNITS)
    warn_hours = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2160), max_length=6, default=list
    )
    source = Text(max_length=300)
    is_verified = serializers.BooleanField(default=False)
    valid_from = serializers.DateField(required=False)
    reason = Text()


class ClockFilter(FilterSet):
    """The list of clocks."""

    act = ChoiceFilter(choices=CLOCK_ACTS)
    state = ChoiceFilter(choices=STATES, field_name="state")


class Clocks(Door):
    rights = RIGHTS
    calls = {
        "GET": Call(_("Clocks, newest first"), ClockAnswer, filters=ClockFilter, is_page=True),
        "POST": making(_("Propose a clock"), ClockAnswer, NewClockBody),
    }

    def get(self, request: Request) -> Response:
        return self.page(ClockRule.objects.select_related(*PEOPLE), "proposed_at")

    def post(self, request: Request) -> HttpResponse:
        def do(*, agency: int | None, **values: Any) -> ClockRule:
            return services.propose_clock(agency_id=agency, **values, by=self.actor)

        return self.once(do)


urlpatterns = [
    route("clocks", Clocks, "clock_list"),
    *proposal_routes(
        "clocks/<uuid:clock_id>", "clock", one_clock, ClockAnswer,
        one=_("One clock"),
        approve=(
            services.approve_clock,
            _("Put a clock in force as a second person; asks for step-up"),
        ),
        reject=(services.reject_clock, _("Reject a proposed clock")),
        rights=RIGHTS,
    ),
]  # fmt: skip
