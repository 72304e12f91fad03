"""Agencies and their officers as two people of the house know them; alarms about officers."""

import base64
import binascii
from typing import Any
from uuid import UUID

from django.apps import apps
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, One, Step, making, one, route, writing
from cases.api.fields import (
    AgencyAnswer,
    Body,
    Decision,
    Moment,
    PersonAnswer,
    Reason,
    Row,
    Text,
)  # fmt: skip
from cases.api.named import Agency
from cases.models import AgencyEntry, OfficerAlarm, OfficerEntry
from cases.models.officers import ALARM_KINDS
from cases.policy import Action, Actor
from cases.services import agencies, officer_alarms, officers
from cases.services.instruments import MAXIMUM_BYTES, UploadedBytes
from cases.states import OfficerState, PolicyState

RIGHTS = (Action.PROPOSE_OFFICER,)
PEOPLE = ("agency", "proposed_by", "decided_by")
STATES = [(state.value, state.value) for state in PolicyState]
OFFICER_STATES = [(state.value, state.value) for state in OfficerState]


def one_agency(_actor: Actor, agency_entry_id: UUID) -> AgencyEntry:
    """The entry of an agency. Raises Http404."""
    found: AgencyEntry = one(AgencyEntry.objects.select_related(*PEOPLE), public_id=agency_entry_id)
    return found


def one_officer(_actor: Actor, officer_id: UUID) -> OfficerEntry:
    """The entry of an officer. Raises Http404."""
    rows = OfficerEntry.objects.select_related(*PEOPLE, "user", "known_by", "ended_by")
    found: OfficerEntry = one(rows, public_id=officer_id)
    return found


def one_alarm(_actor: Actor, alarm_id: UUID) -> OfficerAlarm:
    """The alarm. Raises Http404."""
    found: OfficerAlarm = one(
        OfficerAlarm.objects.select_related("user", "seen_by"), public_id=alarm_id
    )
    return found


class AgencyEntryAnswer(Row):
    """What is known of an agency: its domains and the number to call back."""

    id = serializers.UUIDField(source="public_id")
    agency = AgencyAnswer(allow_null=True)
    domains = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(choices=STATES)
    proposed_by = PersonAnswer()
    decided_by = PersonAnswer(allow_null=True)

    class Meta:
        model = AgencyEntry
        fields = [
            "id", "agency", "name", "short_name", "kind", "country", "domains",
            "call_back_number", "number_source", "reason", "state", "proposed_by", "proposed_at",
            "decided_by", "decided_at", "content_hash",
        ]  # fmt: skip


class OfficerEntryAnswer(Row):
    """An officer: who called back where, who verified, until when."""

    id = serializers.UUIDField(source="public_id")
    user = PersonAnswer(allow_null=True)
    agency = AgencyAnswer()
    state = serializers.ChoiceField(choices=OFFICER_STATES)
    proposed_by = PersonAnswer()
    decided_by = PersonAnswer(allow_null=True)
    ended_by = PersonAnswer(allow_null=True)

    class Meta:
        model = OfficerEntry
        fields = [
            "id", "user", "agency", "username", "first_name", "last_name", "position", "badge_no",
            "email", "domain_verdict", "authority_name", "authority_sha256", "called_number",
            "number_source", "called_at", "spoke_with", "valid_until", "reason", "state",
            "proposed_by", "proposed_at", "decided_by", "decided_at", "ended_by", "ended_at",
            "end_reason", "content_hash",
        ]  # fmt: skip


class AlarmAnswer(Row):
    """An officer did far more on one day than usual."""

    id = serializers.UUIDField(source="public_id")
    user = PersonAnswer()
    kind = serializers.ChoiceField(choices=ALARM_KINDS)
    seen_by = PersonAnswer(allow_null=True)

    class Meta:
        model = OfficerAlarm
        fields = [
            "id", "user", "kind", "day", "num_seen", "num_usual", "raised_at", "seen_by",
            "seen_at", "words",
        ]  # fmt: skip


class NewAgencyBody(Body):
    """A new agency, or with `agency` what is known of one."""

    agency = Agency(required=False, allow_null=True, default=None)
    name = Text(max_length=120)
    short_name = Text(max_length=16)
    kind = serializers.ChoiceField(
        choices=apps.get_model("fiu", "Agency")._meta.get_field("kind").choices
    )
    country = Text(min_length=2, max_length=2)
    domains = serializers.ListField(child=Text(max_length=120), min_length=1, max_length=10)
    call_back_number = Text(max_length=40)
    number_source = Text(max_length=200)
    reason = Text()


class NewOfficerBody(Body):
    """An officer whom the sender called back; `document` is the paper as Base64."""

    agency = Agency()
    username = Text(max_length=60)
    first_name = Text(max_length=80)
    last_name = Text(max_length=80)
    position = Text(max_length=80)
    badge_no = Text(max_length=40, required=False, allow_blank=True, default="")
    email = serializers.EmailField(max_length=120)
    spoke_with = Text(max_length=120)
    called_at = Moment()
    valid_until = serializers.DateField()
    document_name = Text(max_length=120)
    document = Text(max_length=MAXIMUM_BYTES * 4 // 3 + 4)
    reason = Text()

    def validate_document(self, value: str) -> bytes:
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise serializers.ValidationError(_("This is no Base64.")) from None


class AlarmBody(Body):
    """What was found out, and from whom."""

    words = Text()


class AgencyEntryFilter(FilterSet):
    state = ChoiceFilter(choices=STATES, field_name="state")


class OfficerEntryFilter(FilterSet):
    state = ChoiceFilter(choices=OFFICER_STATES, field_name="state")


class AgencyEntries(Door):
    rights = RIGHTS
    calls = {
        "GET": Call(
            _("What is known of agencies, newest first"), AgencyEntryAnswer,
            filters=AgencyEntryFilter, is_page=True,
        ),
        "POST": making(_("Propose an agency"), AgencyEntryAnswer, NewAgencyBody),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        return self.page(AgencyEntry.objects.select_related(*PEOPLE), "proposed_at")

    def post(self, request: Request) -> HttpResponse:
        def do(*, agency: int | None, **values: Any) -> AgencyEntry:
            return agencies.propose_agency(agency_id=agency, **values, by=self.actor)

        return self.once(do)


class OfficerEntries(Door):
    rights = RIGHTS
    calls = {
        "GET": Call(
            _("Officers of agencies, newest first"), OfficerEntryAnswer,
            filters=OfficerEntryFilter, is_page=True,
        ),
        "POST": making(_("Propose an officer"), OfficerEntryAnswer, NewOfficerBody),
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = OfficerEntry.objects.select_related(*PEOPLE, "user", "ended_by")
        return self.page(rows, "proposed_at")

    def post(self, request: Request) -> HttpResponse:
        def do(*, agency: int, document: bytes, document_name: str, **values: Any) -> OfficerEntry:
            paper = UploadedBytes(document_name, document)
            spec = officers.OfficerSpec(agency_id=agency, document=paper, **values)
            return officers.propose_officer(spec, by=self.actor)

        return self.once(do)


class Alarms(Door):
    rights = RIGHTS
    calls = {
        "GET": Call(
            _("Unusual numbers of officers, newest first"), AlarmAnswer, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        return self.page(OfficerAlarm.objects.select_related("user", "seen_by"), "raised_at")


AGENCY, OFFICER = "agency-entries/<uuid:agency_entry_id>", "officers/<uuid:officer_id>"
urlpatterns = [
    route("agency-entries", AgencyEntries, "agency_entry_list"),
    route(
        AGENCY, One, "agency_entry_detail", find=one_agency, rights=RIGHTS,
        calls={"GET": Call(_("What is known of one agency"), AgencyEntryAnswer)},
    ),
    route("officers", OfficerEntries, "officer_list"),
    route(
        OFFICER, One, "officer_detail", find=one_officer, rights=RIGHTS,
        calls={"GET": Call(_("One officer"), OfficerEntryAnswer)},
    ),
    *(
        route(
            f"{AGENCY}/{name}", Step, f"agency_entry_{name}", find=one_agency, service=service,
            rights=RIGHTS, calls={"POST": writing(words, AgencyEntryAnswer, body)},
        )
        for name, service, body, words in (
            ("approve", agencies.approve_agency, Decision,
             _("Put an agency in force as a second person; asks for step-up")),
            ("reject", agencies.reject_agency, Reason, _("Reject a proposed agency")),
        )
    ),
    *(
        route(
            f"{OFFICER}/{name}", Step, f"officer_{name}", find=one_officer, service=service,
            rights=RIGHTS, calls={"POST": writing(words, OfficerEntryAnswer, body)},
        )
        for name, service, body, words in (
            ("verify", officers.verify_officer, Decision,
             _("Verify an officer as a second person; asks for step-up")),
            ("reject", officers.reject_officer, Reason, _("Reject a proposed officer")),
            ("suspend", officers.suspend_officer, Reason, _("Close an officer's account")),
        )
    ),
    route("officer-alarms", Alarms, "officer_alarm_list"),
    route(
        "officer-alarms/<uuid:alarm_id>/see", Step, "officer_alarm_see", find=one_alarm,
        service=officer_alarms.see_officer_alarm, rights=RIGHTS,
        calls={"POST": writing(_("Say what an alarm was"), AlarmAnswer, AlarmBody)},
    ),
]  # fmt: skip
