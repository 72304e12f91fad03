"""Findings: draft, edit, add what speaks against one, submit, decide as a second person."""

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
    BaseUnits,
    Body,
    CaseName,
    Decimals,
    Decision,
    Nothing,
    PersonAnswer,
    Reason,
    Row,
    Text,
)
from cases.api.named import Visible
from cases.models import CounterEvidence, Evidence, Finding, FindingAmount, Suspect, Wallet
from cases.models.findings import TIERS
from cases.policy import Actor
from cases.services import findings as services
from cases.states import FindingState

KINDS = Finding._meta.get_field("kind").choices or []
SEVERITIES = Finding._meta.get_field("severity").choices or []
AGAINST = CounterEvidence._meta.get_field("kind").choices or []
STATES = [(state.value, state.value) for state in FindingState]


def one_finding(actor: Actor, finding_id: UUID) -> Finding:
    """The finding if the person may see its case. Raises Http404."""
    people = ("case", "drafted_by", "submitted_by", "reviewed_by")
    rows = Finding.objects.visible_to(actor).select_related(*people)
    found: Finding = one(rows, public_id=finding_id)
    return found


class FindingAmountAnswer(Row):
    """An amount that the statement speaks of: by the policy, inside sound bounds."""

    decimals = Decimals()

    class Meta:
        model = FindingAmount
        fields = [
            "asset", "decimals", "value", "base", "low", "high", "policy", "run", "result_sha256",
            "outpoint", "address", "label",
        ]  # fmt: skip


class CounterEvidenceAnswer(serializers.Serializer):
    """What speaks against a finding; `number` names it when it is marked as seen."""

    number = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(choices=AGAINST)
    text = serializers.CharField()
    seen_by = PersonAnswer(allow_null=True)


class FindingAnswer(Row):
    """A claim with its evidence; a decision names the `content_hash` that was shown."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    state = serializers.ChoiceField(choices=STATES)
    amounts = FindingAmountAnswer(many=True)
    counter_evidence = CounterEvidenceAnswer(many=True)
    wallets = serializers.SlugRelatedField(many=True, read_only=True, slug_field="public_id")
    suspects = serializers.SlugRelatedField(many=True, read_only=True, slug_field="public_id")
    exhibits = serializers.SlugRelatedField(many=True, read_only=True, slug_field="public_id")
    drafted_by = PersonAnswer(allow_null=True)
    submitted_by = PersonAnswer(allow_null=True)
    reviewed_by = PersonAnswer(allow_null=True)

    class Meta:
        model = Finding
        fields = [
            "id", "reference", "case", "kind", "severity", "statement", "tier", "confidence",
            "confidence_reason", "assumptions", "alternatives", "amounts", "counter_evidence",
            "wallets", "suspects", "exhibits", "state", "drafted_by", "drafted_at",
            "submitted_by", "submitted_at", "reviewed_by", "reviewed_at", "content_hash", "version",
        ]  # fmt: skip


class AmountBody(Body):
    """An amount of an asset by its CAIP-19 name; `low <= base <= high <= value`."""

    asset = Text(max_length=120)
    value = BaseUnits()
    base = BaseUnits()
    low = BaseUnits()
    high = BaseUnits()
    run = serializers.UUIDField(required=False)
    result_sha256 = Text(max_length=64, required=False, allow_blank=True)
    policy = Text(max_length=8, required=False, allow_blank=True)
    outpoint = Text(max_length=80, required=False, allow_blank=True)
    address = Text(max_length=100, required=False, allow_blank=True)
    label = Text(max_length=80, required=False, allow_blank=True)


class CounterEvidenceBody(Body):
    """What speaks against a finding."""

    kind = serializers.ChoiceField(choices=AGAINST)
    text = Text()


class NewFindingBody(Body):
    """A claim; it can be submitted only with evidence and with what speaks against it."""

    kind = serializers.ChoiceField(choices=KINDS)
    severity = serializers.ChoiceField(choices=SEVERITIES)
    statement = Text()
    tier = serializers.ChoiceField(choices=[tier for tier, _words in TIERS])
    confidence = serializers.IntegerField(min_value=0, max_value=100)
    confidence_reason = Text(required=False, allow_blank=True, default="")
    assumptions = Text(required=False, allow_blank=True, default="")
    alternatives = Text(required=False, allow_blank=True, default="")
    amounts = AmountBody(many=True, required=False, max_length=500)
    counter_evidence = CounterEvidenceBody(many=True, required=False, max_length=50)
    wallets = serializers.ListField(child=Visible(Wallet), required=False, max_length=500)
    suspects = serializers.ListField(child=Visible(Suspect), required=False, max_length=500)
    exhibits = serializers.ListField(child=Visible(Evidence), required=False, max_length=500)


class FindingEditBody(Body):
    """What to change, as of the version that was read; a submitted finding returns to draft."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    kind = serializers.ChoiceField(choices=KINDS, required=False)
    severity = serializers.ChoiceField(choices=SEVERITIES, required=False)
    statement = Text(required=False)
    tier = serializers.ChoiceField(choices=[tier for tier, _words in TIERS], required=False)
    confidence = serializers.IntegerField(min_value=0, max_value=100, required=False)
    confidence_reason = Text(required=False, allow_blank=True)
    assumptions = Text(required=False, allow_blank=True)
    alternatives = Text(required=False, allow_blank=True)
    amounts = AmountBody(many=True, required=False, max_length=500)
    wallets = serializers.ListField(child=Visible(Wallet), required=False, max_length=500)
    suspects = serializers.ListField(child=Visible(Suspect), required=False, max_length=500)
    exhibits = serializers.ListField(child=Visible(Evidence), required=False, max_length=500)


def content_of(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a body as the services take them."""
    if "amounts" in values:
        values["amounts"] = [services.AmountSpec(**each) for each in values["amounts"]]
    return values


class FindingFilter(FilterSet):
    """The list of findings."""

    case = UUIDFilter(field_name="case__public_id")
    state = ChoiceFilter(choices=STATES, field_name="state")
    severity = ChoiceFilter(choices=SEVERITIES, field_name="severity")


class Findings(Door):
    calls = {
        "GET": Call(
            _("Findings of the cases you may see, newest first"), FindingAnswer,
            filters=FindingFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        people = ("case", "drafted_by", "submitted_by", "reviewed_by")
        rows = Finding.objects.visible_to(self.actor).select_related(*people)
        parts = ("amounts", "counter_evidence__seen_by", "wallets", "suspects", "exhibits")
        return self.page(rows.prefetch_related(*parts), "drafted_at")


class CaseFindings(Door):
    calls = {"POST": making(_("Draft a finding"), FindingAnswer, NewFindingBody)}

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)

        def do(**values: Any) -> Finding:
            fields = content_of(values)
            pairs = [(each["kind"], each["text"]) for each in fields.pop("counter_evidence", [])]
            amounts = fields.pop("amounts", [])
            return services.draft_finding(
                case, amounts=amounts, counter_evidence=pairs, **fields, by=self.actor
            )

        return self.once(do)


class OneFinding(One):
    calls = {
        "GET": Call(_("One finding"), FindingAnswer),
        "PATCH": Call(_("Change a finding"), FindingAnswer, FindingEditBody, errors=(409, 422)),
    }

    def patch(self, request: Request, finding_id: UUID) -> Response:
        finding = one_finding(self.actor, finding_id)
        services.edit_finding(finding, **content_of(self.read()), by=self.actor)
        return self.tell(one_finding(self.actor, finding_id))


class CounterEvidenceSeen(Door):
    calls = {
        "POST": writing(_("Mark counter-evidence as seen, as the reviewer"), FindingAnswer, Nothing)
    }

    def post(self, request: Request, finding_id: UUID, evidence_id: int) -> HttpResponse:
        finding = one_finding(self.actor, finding_id)
        one(finding.counter_evidence.all(), pk=evidence_id)

        def do() -> Finding:
            services.mark_seen(evidence_id, finding=finding, by=self.actor)
            return finding

        return self.once(do)


class SupersedeBody(Reason):
    """Which approved finding takes the place, and why."""

    successor = Visible(Finding)


def supersede(finding: Finding, *, successor: Finding, reason: str, by: Actor) -> Finding:
    return services.supersede_finding(finding, successor_id=successor.pk, reason=reason, by=by)


STEPS: dict[str, tuple[Any, Any, Any]] = {
    "counter-evidence": (
        services.add_counter_evidence, CounterEvidenceBody, _("Add what speaks against a finding"),
    ),
    "submit": (services.submit_finding, Nothing, _("Hand a finding to review")),
    "approve": (
        services.approve_finding, Decision, _("Approve exactly this content; asks for step-up"),
    ),
    "return": (services.return_finding, Reason, _("Send a finding back to its author")),
    "reject": (services.reject_finding, Reason, _("Reject a finding for good")),
    "withdraw": (services.withdraw_finding, Reason, _("Withdraw an approved finding")),
    "supersede": (
        supersede, SupersedeBody, _("Put another approved finding in the place of this one"),
    ),
}  # fmt: skip

ONE = "findings/<uuid:finding_id>"
urlpatterns = [
    route("findings", Findings, "finding_list"),
    route("cases/<uuid:case_id>/findings", CaseFindings, "finding_draft"),
    route(ONE, OneFinding, "finding_detail", find=one_finding),
    route(f"{ONE}/counter-evidence/<int:evidence_id>/seen", CounterEvidenceSeen, "finding_seen"),
    *(
        route(
            f"{ONE}/{name}", Step, f"finding_{name.replace('-', '_')}", find=one_finding,
            service=service, calls={"POST": writing(words, FindingAnswer, body)},
        )
        for name, (service, body, words) in STEPS.items()
    ),
]  # fmt: skip
