"""Information requests of agencies, from the desk that answers them."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, One, Step, download, making, one, route, writing
from cases.api.fields import (
    AgencyAnswer,
    Body,
    CaseName,
    Decision,
    Nothing,
    PersonAnswer,
    Reason,
    Row,
    Text,
)
from cases.api.named import Visible
from cases.files import load_bytes
from cases.models import (
    Case,
    InformationRequest,
    RequestCheck,
    RequestIdentifier,
    RequestMessage,
    SharedRelease,
)
from cases.policy import Actor
from cases.request_words import CHANNELS, CHECKS, DATASETS, INSTRUMENTS, URGENCIES
from cases.services import requests as services
from cases.services.audit import record_read
from cases.services.identifiers import MAXIMUM_LINES
from cases.states import RequestState

STATES = [(state.value, state.value) for state in RequestState]
PEOPLE = ("case", "agency", "liaison", "verified_by", "decided_by", "response")


def one_request(actor: Actor, request_id: UUID) -> InformationRequest:
    """The request if the person may see it. Raises Http404."""
    rows = InformationRequest.objects.visible_to(actor).select_related(*PEOPLE)
    found: InformationRequest = one(rows, public_id=request_id)
    return found


class IdentifierAnswer(Row):
    """One line as the agency wrote it and as it was read."""

    class Meta:
        model = RequestIdentifier
        fields = ["line", "kind", "as_given", "normalised", "valid", "reason"]


class CheckAnswer(Row):
    """One point of the checklist that somebody confirmed."""

    by = PersonAnswer()

    class Meta:
        model = RequestCheck
        fields = ["item", "round", "by", "at"]


class MessageAnswer(Row):
    """A question to the agency or its answer."""

    class Meta:
        model = RequestMessage
        fields = ["from_agency", "text", "at"]


class Words(serializers.ListField):
    """Names that are kept with one blank between them."""

    def to_representation(self, data: str) -> list[str]:
        return data.split()


class RequestRowAnswer(Row):
    """A request in a list."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName(allow_null=True)
    agency = AgencyAnswer()
    state = serializers.ChoiceField(choices=STATES)

    class Meta:
        model = InformationRequest
        fields = [
            "id", "reference", "agency", "agency_ref", "case", "state", "urgency", "received_at",
            "due_at", "content_hash",
        ]  # fmt: skip


class RequestAnswer(RequestRowAnswer):
    """A request with what was asked, checked and said."""

    liaison = PersonAnswer()
    datasets = Words(child=serializers.CharField())
    accepted_datasets = Words(child=serializers.CharField())
    identifiers = IdentifierAnswer(many=True)
    checks = CheckAnswer(many=True)
    messages = MessageAnswer(many=True)
    verified_by = PersonAnswer(allow_null=True)
    decided_by = PersonAnswer(allow_null=True)
    response = serializers.UUIDField(source="response.public_id", allow_null=True, default=None)

    class Meta:
        model = InformationRequest
        fields = [
            *RequestRowAnswer.Meta.fields, "liaison", "instrument_type", "instrument_number",
            "issued_by", "issued_on", "valid_until", "legal_basis", "offences", "background",
            "datasets", "accepted_datasets", "period_from", "period_until", "round",
            "identifiers", "checks", "messages", "verified_by", "verified_at", "decided_by",
            "decided_at", "decision", "answer", "response", "document_name",
        ]  # fmt: skip


class LinkRequestBody(Body):
    """The case that the request is to stand in."""

    case = Visible(Case)


class WordsBody(Decision):
    """A decision with the words that the agency reads."""

    words = Text()


class AskBody(Reason):
    """A question to the agency; the reason stays in the house."""

    text = Text()


class AcceptBody(Decision):
    """Which of the data asked for is accepted."""

    datasets = serializers.ListField(
        child=serializers.ChoiceField(choices=list(DATASETS)), min_length=1, max_length=12
    )


class AnswerBody(Decision):
    """The release that answers the request."""

    release = Visible(SharedRelease)


class RequestFilter(FilterSet):
    """The list of requests."""

    case = UUIDFilter(field_name="case__public_id")
    state = ChoiceFilter(choices=STATES, field_name="state")
    urgency = ChoiceFilter(choices=list(URGENCIES.items()), field_name="urgency")


class NewRequestBody(Body):
    """A request that an officer sent another way, filed by the desk."""

    officer = Text(max_length=150)
    channel = serializers.ChoiceField(choices=[each for each in CHANNELS if each != "portal"])
    agency_ref = Text(max_length=60)
    instrument_type = serializers.ChoiceField(choices=list(INSTRUMENTS))
    instrument_number = Text(max_length=60)
    issued_by = Text(max_length=120)
    issued_on = serializers.DateField()
    valid_until = serializers.DateField(required=False, allow_null=True, default=None)
    legal_basis = Text(max_length=200)
    offences = Text(max_length=200)
    background = Text(required=False, allow_blank=True, default="")
    identifiers = serializers.ListField(
        child=Text(max_length=300), min_length=1, max_length=MAXIMUM_LINES
    )
    datasets = serializers.ListField(
        child=serializers.ChoiceField(choices=list(DATASETS)), min_length=1, max_length=12
    )
    period_from = serializers.DateField(required=False, allow_null=True, default=None)
    period_until = serializers.DateField(required=False, allow_null=True, default=None)
    urgency = serializers.ChoiceField(choices=list(URGENCIES), required=False, default="routine")
    due_at = serializers.DateTimeField()


class Requests(Door):
    calls = {
        "POST": making(
            _("File a request that an officer sent another way"), RequestAnswer, NewRequestBody
        ),
        "GET": Call(
            _("Information requests you may see, newest first"), RequestRowAnswer,
            filters=RequestFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = InformationRequest.objects.visible_to(self.actor)
        return self.page(rows.select_related("case", "agency"), "received_at")

    def post(self, request: Request) -> HttpResponse:
        def do(*, officer: str, channel: str, **values: Any) -> InformationRequest:
            values["identifiers"] = "\n".join(values["identifiers"])
            values["datasets"] = tuple(values["datasets"])
            return services.record_for_agency(
                services.RequestSpec(**values), officer=officer, channel=channel, by=self.actor
            )

        return self.once(do)


class OneRequest(One):
    calls = {"GET": Call(_("One information request; the look is kept"), RequestAnswer)}

    def get(self, request: Request, **ids: Any) -> Response:
        asked = one_request(self.actor, *ids.values())
        record_read(asked.case, "view_request", asked.reference, by=self.actor, purpose="program")
        return self.tell(asked)


class Document(Door):
    calls = {
        "GET": Call(
            _("The instrument as the agency sent it; the look is kept"),
            media="application/octet-stream", errors=(422,),
        )
    }  # fmt: skip

    def get(self, request: Request, request_id: UUID) -> HttpResponse:
        asked = one_request(self.actor, request_id)
        if not asked.document_sha256:
            raise Http404
        content = load_bytes(asked.document_sha256)
        record_read(asked.case, "download_document", asked.reference, by=self.actor)
        return download(content, "application/octet-stream", asked.document_name)


class CheckBody(Body):
    """A point of the checklist."""

    item = serializers.ChoiceField(choices=list(CHECKS))


def check(asked: InformationRequest, *, item: str, by: Actor) -> object:
    return services.check_request(asked, item=item, by=by)


def link(asked: InformationRequest, *, case: Case, by: Actor) -> object:
    return services.link_request(asked, case, by=by)


def release(asked: InformationRequest, *, release: SharedRelease, by: Actor, **shown: Any) -> Any:
    return services.release_response(asked, release, **shown, by=by)


STEPS: dict[str, tuple[Any, Any, Any]] = {
    "start": (services.start_verification, Nothing, _("Take a received request up")),
    "check": (check, CheckBody, _("Confirm one point of the checklist")),
    "verify": (services.verify_requester, Nothing, _("End the verification")),
    "link": (link, LinkRequestBody, _("Let a request stand in a case")),
    "ask": (services.ask_agency, AskBody, _("Put a question to the agency")),
    "accept": (
        services.accept_request, AcceptBody, _("Accept all or part of it; asks for step-up"),
    ),
    "no-match": (
        services.mark_no_match, WordsBody, _("Reply that we hold nothing; asks for step-up"),
    ),
    "refuse": (services.refuse_request, WordsBody, _("Refuse it; asks for step-up")),
    "release": (release, AnswerBody, _("Answer with a release; asks for step-up")),
    "close": (services.close_request, Reason, _("Close an answered request")),
}  # fmt: skip

ONE = "requests/<uuid:request_id>"
urlpatterns = [
    route("requests", Requests, "request_list"),
    route(ONE, OneRequest, "request_detail"),
    route(f"{ONE}/document", Document, "request_document"),
    *(
        route(
            f"{ONE}/{name}", Step, f"request_{name.replace('-', '_')}", find=one_request,
            service=service, calls={"POST": writing(words, RequestAnswer, body)},
        )
        for name, (service, body, words) in STEPS.items()
    ),
]  # fmt: skip
