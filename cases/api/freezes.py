"""Freezes: what can be frozen, the request with its lines, and every decision on it."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import one_case
from cases.api.door import Call, Door, One, Step, making, one, route, writing
from cases.api.fields import (
    AgencyAnswer,
    AssetAnswer,
    BaseUnits,
    Body,
    CaseName,
    Decision,
    Moment,
    Nothing,
    PersonAnswer,
    Reason,
    Row,
    Text,
)
from cases.api.named import Account, Agency, Visible
from cases.models import Finding, FreezeLine, FreezeRequest, LegalInstrument
from cases.models.freezes import LEGAL_BASES
from cases.policy import Actor
from cases.queries.freezes import candidates
from cases.services import freezes as services
from cases.states import FreezeState, LineState

STATES = [(state.value, state.value) for state in FreezeState]
URGENCIES = FreezeRequest._meta.get_field("urgency").choices or []
RESTRICTIONS = FreezeRequest._meta.get_field("restriction").choices or []
PARTS = ("lines__account", "lines__asset", "lines__finding", "lines__instrument")
PEOPLE = ("case", "agency", "requested_by", "approved_by", "provisional_by")


def one_freeze(actor: Actor, freeze_id: UUID) -> FreezeRequest:
    """The request if the person may see its case. Raises Http404."""
    rows = FreezeRequest.objects.visible_to(actor).select_related(*PEOPLE)
    found: FreezeRequest = one(rows.prefetch_related(*PARTS), public_id=freeze_id)
    return found


class FreezeLineAnswer(Row):
    """One account's holding of one asset; amounts in base units of `asset`."""

    id = serializers.UUIDField(source="public_id")
    account = serializers.UUIDField(source="account.public_id")
    masked = serializers.CharField(source="account.masked")
    asset = AssetAnswer()
    held = BaseUnits()
    state = serializers.ChoiceField(choices=[state.value for state in LineState])
    finding = serializers.UUIDField(source="finding.public_id", allow_null=True, default=None)
    instrument = serializers.UUIDField(source="instrument.public_id", allow_null=True, default=None)

    class Meta:
        model = FreezeLine
        fields = [
            "id", "account", "masked", "asset", "requested", "executed", "released", "held",
            "state", "finding", "instrument", "executed_at", "fiat_value", "fiat_currency",
            "shortfall_reason",
        ]  # fmt: skip


class FreezeAnswer(Row):
    """A hold that one person asks for and another approves, by the `content_hash` shown."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    agency = AgencyAnswer(allow_null=True)
    state = serializers.ChoiceField(choices=STATES)
    lines = FreezeLineAnswer(many=True)
    requested_by = PersonAnswer()
    provisional_by = PersonAnswer(allow_null=True)
    approved_by = PersonAnswer(allow_null=True)

    class Meta:
        model = FreezeRequest
        fields = [
            "id", "reference", "case", "legal_basis", "restriction", "urgency", "agency",
            "reason", "state", "lines", "requested_by", "requested_at", "submitted_at",
            "provisional_by", "provisional_until", "approved_by", "approved_at", "executed_at",
            "expires_at", "content_hash", "version",
        ]  # fmt: skip


class LineBody(Body):
    """An account and asset, and the approved finding or verified instrument behind it."""

    account = Account()
    asset = Text(max_length=120)
    requested = BaseUnits()
    finding = Visible(Finding, required=False)
    instrument = Visible(LegalInstrument, required=False)
    beyond_balance = Text(max_length=200, required=False)


class NewFreezeBody(Body):
    """A request; nothing is held before it is submitted and a second person approves it."""

    legal_basis = serializers.ChoiceField(choices=LEGAL_BASES)
    restriction = serializers.ChoiceField(
        choices=RESTRICTIONS, required=False, default="withdrawals"
    )
    urgency = serializers.ChoiceField(choices=URGENCIES, required=False, default="routine")
    agency = Agency(required=False, allow_null=True, default=None)
    reason = Text()
    expires_at = Moment(required=False, allow_null=True, default=None)
    lines = LineBody(many=True, min_length=1, max_length=200)


class FreezeFilter(FilterSet):
    """The list of freezes."""

    case = UUIDFilter(field_name="case__public_id")
    state = ChoiceFilter(choices=STATES, field_name="state")
    urgency = ChoiceFilter(choices=URGENCIES, field_name="urgency")


class Freezes(Door):
    calls = {
        "GET": Call(
            _("Freeze requests of the cases you may see, newest first"), FreezeAnswer,
            filters=FreezeFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = FreezeRequest.objects.visible_to(self.actor).select_related(*PEOPLE)
        return self.page(rows.prefetch_related(*PARTS), "requested_at")


class CaseFreezes(Door):
    calls = {"POST": making(_("Ask for a freeze"), FreezeAnswer, NewFreezeBody)}

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)

        def do(*, lines: list[dict[str, Any]], agency: int | None, **values: Any) -> Any:
            specs = [_spec(each) for each in lines]
            return services.request_freeze(
                case, lines=specs, agency_id=agency, **values, by=self.actor
            )

        return self.once(do)


def _spec(line: dict[str, Any]) -> services.LineSpec:
    cited = {f"{name}_id": line[name].pk for name in ("finding", "instrument") if name in line}
    beyond = line.get("beyond_balance", "")
    return services.LineSpec(
        line["account"], line["asset"], line["requested"], **cited, beyond_balance=beyond
    )


class CandidateAnswer(serializers.Serializer):
    """A balance that could be frozen, and why its account stands here."""

    account = serializers.UUIDField(source="account.public_id")
    masked = serializers.CharField(source="account.masked")
    asset = AssetAnswer(source="balance.asset")
    balance = BaseUnits(source="balance.base")
    held = BaseUnits()
    why = serializers.CharField()


class Candidates(Door):
    calls = {
        "GET": Call(
            _("Balances of the accounts that the case names"), CandidateAnswer, many=True
        )
    }  # fmt: skip

    def get(self, request: Request, case_id: UUID) -> Response:
        return self.tell(candidates(one_case(self.actor, case_id), self.actor))


class CiteBody(Body):
    """One approved finding or one verified instrument, for all lines that cite nothing yet."""

    finding = Visible(Finding, required=False)
    instrument = Visible(LegalInstrument, required=False)


def _cite(freeze: FreezeRequest, *, by: Actor, **cited: Any) -> FreezeRequest:
    numbers = {f"{name}_id": row.pk for name, row in cited.items()}
    return services.cite_evidence(freeze, **numbers, by=by)


STEPS: dict[str, tuple[Any, Any, Any]] = {
    "submit": (services.submit_freeze, Nothing, _("Submit a freeze request")),
    "triage": (services.triage_freeze, Nothing, _("Take a freeze request into review")),
    "cite": (_cite, CiteBody, _("Cite the evidence of lines that rest on nothing yet")),
    "approve": (
        services.approve_freeze, Decision,
        _("Approve as a second person; the exchange holds at once; asks for step-up"),
    ),
    "ratify": (
        services.ratify_freeze, Decision, _("Ratify a provisional hold; asks for step-up"),
    ),
    "place-provisional": (
        services.place_provisional_freeze, Reason, _("Hold at once, as one person, for a time"),
    ),
    "execute": (services.execute_freeze, Nothing, _("Send what the exchange refused again")),
    "reject": (services.reject_freeze, Reason, _("Reject this content for good")),
    "cancel": (services.cancel_freeze, Reason, _("Take a freeze request back")),
}  # fmt: skip

ONE = "freezes/<uuid:freeze_id>"
urlpatterns = [
    route("freezes", Freezes, "freeze_list"),
    route("cases/<uuid:case_id>/freezes", CaseFreezes, "freeze_request"),
    route("cases/<uuid:case_id>/freeze-candidates", Candidates, "freeze_candidates"),
    route(
        ONE, One, "freeze_detail", find=one_freeze,
        calls={"GET": Call(_("One freeze request"), FreezeAnswer)},
    ),
    *(
        route(
            f"{ONE}/{name}", Step, f"freeze_{name.replace('-', '_')}", find=one_freeze,
            service=service, calls={"POST": writing(words, FreezeAnswer, body)},
        )
        for name, (service, body, words) in STEPS.items()
    ),
]  # fmt: skip
