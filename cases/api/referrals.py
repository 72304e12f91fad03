"""Referrals: what one agency gets, the decisions on it, and the release sealed from it."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import one_case
from cases.api.door import Call, Door, One, Step, download, making, one, route, writing
from cases.api.fields import (
    AgencyAnswer,
    Body,
    CaseName,
    Decision,
    Moment,
    PersonAnswer,
    Reason,
    Row,
    Text,
)
from cases.api.named import Agency, Person, Visible
from cases.files import load_bytes
from cases.models import (
    Finding,
    FreezeRequest,
    InformationRequest,
    Referral,
    SharedRelease,
    ShareGrant,
)
from cases.models.referrals import HANDLING_CODES, TLPS
from cases.policy import Action, Actor
from cases.queries.referrals import officers_of, package_of
from cases.report_words import LANGUAGES
from cases.services import referrals as services
from cases.services.audit import record_read
from cases.services.dossiers import redactable_fields
from cases.services.limits import take_export
from cases.states import ReferralState, ReleaseState

STATES = [(state.value, state.value) for state in ReferralState]
KINDS = Referral._meta.get_field("kind").choices or []
PEOPLE = ("case", "agency", "answers", "drafted_by", "approved_by", "cleared_by")
PARTS = ("findings", "freezes", "releases__grants__liaison")


def one_referral(actor: Actor, referral_id: UUID) -> Referral:
    """The referral if the person may see its case. Raises Http404."""
    rows = Referral.objects.visible_to(actor).select_related(*PEOPLE)
    found: Referral = one(rows.prefetch_related(*PARTS), public_id=referral_id)
    return found


class GrantAnswer(Row):
    """One officer's copy of a release."""

    liaison = PersonAnswer()

    class Meta:
        model = ShareGrant
        fields = [
            "liaison", "watermark", "granted_at", "expires_at", "revoked_at", "first_read_at",
            "acknowledged_at",
        ]  # fmt: skip


class ReleaseAnswer(Row):
    """The sealed copy that left, or is about to."""

    id = serializers.UUIDField(source="public_id")
    state = serializers.ChoiceField(choices=[state.value for state in ReleaseState])
    grants = GrantAnswer(many=True)

    class Meta:
        model = SharedRelease
        fields = [
            "id", "number", "version", "sha256", "audit_seq", "audit_hash", "state", "sealed_at",
            "grants",
        ]  # fmt: skip


class ReferralAnswer(Row):
    """The decision to hand findings to one agency, with the releases made of it."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    agency = AgencyAnswer()
    state = serializers.ChoiceField(choices=STATES)
    findings = serializers.SlugRelatedField(many=True, read_only=True, slug_field="public_id")
    freezes = serializers.SlugRelatedField(many=True, read_only=True, slug_field="public_id")
    redactions = serializers.DictField(child=serializers.CharField())
    answers = serializers.SlugRelatedField(read_only=True, slug_field="public_id", allow_null=True)
    releases = ReleaseAnswer(many=True)
    drafted_by = PersonAnswer()
    approved_by = PersonAnswer(allow_null=True)
    cleared_by = PersonAnswer(allow_null=True)

    class Meta:
        model = Referral
        fields = [
            "id", "reference", "case", "agency", "kind", "subject", "summary", "purpose",
            "legal_gateway", "caveats", "tlp", "handling_code", "language", "findings", "freezes",
            "redactions", "answers", "state", "releases", "drafted_by", "drafted_at", "approved_by",
            "approved_at", "cleared_by", "cleared_at", "content_hash", "version",
        ]  # fmt: skip


class NewReferralBody(Body):
    """A referral of approved findings and standing freezes of the case to one agency."""

    agency = Agency()
    kind = serializers.ChoiceField(choices=KINDS)
    subject = Text(max_length=160)
    summary = Text()
    purpose = Text(max_length=200)
    legal_gateway = Text(max_length=200, required=False, allow_blank=True, default="")
    caveats = Text(required=False, allow_blank=True, default="")
    tlp = serializers.ChoiceField(choices=TLPS)
    handling_code = serializers.ChoiceField(choices=HANDLING_CODES)
    language = serializers.ChoiceField(choices=list(LANGUAGES), required=False, default="en")
    findings = serializers.ListField(child=Visible(Finding), max_length=500)
    freezes = serializers.ListField(child=Visible(FreezeRequest), required=False, max_length=500)
    answers = Visible(InformationRequest, required=False, allow_null=True, default=None)


class ReferralEditBody(Body):
    """The words of a draft, as of the version that was read."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    kind = serializers.ChoiceField(choices=KINDS, required=False)
    subject = Text(max_length=160, required=False)
    summary = Text(required=False)
    purpose = Text(max_length=200, required=False)
    legal_gateway = Text(max_length=200, required=False, allow_blank=True)
    caveats = Text(required=False, allow_blank=True)
    tlp = serializers.ChoiceField(choices=TLPS, required=False)
    handling_code = serializers.ChoiceField(choices=HANDLING_CODES, required=False)
    language = serializers.ChoiceField(choices=list(LANGUAGES), required=False)


class RedactionBody(Body):
    """One field that this recipient does not get, with the code of its reason."""

    field = Text(max_length=200)
    code = Text(max_length=20)


class RedactionsBody(Body):
    """Everything that is left out; an empty list leaves nothing out."""

    redactions = RedactionBody(many=True, max_length=1000)


class OptionalReason(Body):
    """A reason where one is to be told."""

    reason = Text(required=False, allow_blank=True, default="")


class SendBody(OptionalReason):
    """Who gets a copy, and until when it is open."""

    liaisons = serializers.ListField(child=Person(), min_length=1, max_length=100)
    expires_at = Moment()


class ReferralFilter(FilterSet):
    """The list of referrals."""

    case = UUIDFilter(field_name="case__public_id")
    state = ChoiceFilter(choices=STATES, field_name="state")


class Referrals(Door):
    calls = {
        "GET": Call(
            _("Referrals of the cases you may see, newest first"), ReferralAnswer,
            filters=ReferralFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = Referral.objects.visible_to(self.actor).select_related(*PEOPLE)
        return self.page(rows.prefetch_related(*PARTS), "drafted_at")


class CaseReferrals(Door):
    calls = {"POST": making(_("Draft a referral"), ReferralAnswer, NewReferralBody)}

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)

        def do(*, agency: int, freezes: Any = (), **values: Any) -> Referral:
            return services.draft_referral(
                case, agency_id=agency, freezes=freezes, **values, by=self.actor
            )

        return self.once(do)


class OneReferral(One):
    calls = {
        "GET": Call(_("One referral with its releases"), ReferralAnswer),
        "PATCH": Call(
            _("Change the words of a draft"), ReferralAnswer, ReferralEditBody, errors=(409, 422)
        ),
    }

    def patch(self, request: Request, referral_id: UUID) -> Response:
        referral = one_referral(self.actor, referral_id)
        services.edit_referral(referral, **self.read(), by=self.actor)
        return self.tell(one_referral(self.actor, referral_id))


class RedactableAnswer(serializers.Serializer):
    """A field that may be left out; `code` is set where it is."""

    key = serializers.CharField()
    value = serializers.CharField()
    code = serializers.CharField(allow_blank=True)


class Redactable(Door):
    calls = {"GET": Call(_("What may be left out of a referral"), RedactableAnswer, many=True)}

    def get(self, request: Request, referral_id: UUID) -> Response:
        return self.tell(redactable_fields(one_referral(self.actor, referral_id)))


class Officers(Door):
    calls = {"GET": Call(_("Who can receive the release"), PersonAnswer, many=True)}

    def get(self, request: Request, referral_id: UUID) -> Response:
        return self.tell(officers_of(one_referral(self.actor, referral_id)))


class Copy(Door):
    rights = (Action.READ_RELEASE,)
    calls = {
        "GET": Call(
            _("The ZIP that one officer got, byte for byte; the look is kept"),
            media="application/zip", errors=(422,),
        )
    }  # fmt: skip

    def get(self, request: Request, referral_id: UUID, watermark: str) -> HttpResponse:
        referral = one_referral(self.actor, referral_id)
        release = referral.releases.order_by("-version").first()
        file = package_of(release, watermark) if release else None
        if release is None or file is None:
            raise Http404
        content = load_bytes(file.sha256)
        take_export(by=self.actor)
        what = f"{release.number} {file.name}"
        record_read(referral.case, "download_release", what, by=self.actor, purpose="own copy")
        return download(content, file.mime, file.name)


def redact(referral: Referral, *, redactions: list[dict[str, str]], by: Actor) -> Referral:
    """The list of a body as the service takes it."""
    codes = {each["field"]: each["code"] for each in redactions}
    return services.redact_referral(referral, redactions=codes, by=by)


def send(referral: Referral, *, liaisons: list[int], by: Actor, **values: Any) -> Referral:
    """The officers of a body as the service takes them."""
    return services.send_referral(referral, liaison_ids=liaisons, **values, by=by)


STEPS: dict[str, tuple[Any, Any, Any]] = {
    "redact": (redact, RedactionsBody, _("Leave fields out and hand to a second person")),
    "approve": (
        services.approve_referral, Decision, _("Approve exactly this content; asks for step-up"),
    ),
    "clear": (services.clear_referral, Decision, _("Clear by law; asks for step-up")),
    "package": (services.package_referral, OptionalReason, _("Seal the release")),
    "send": (send, SendBody, _("Open the release to officers; asks for step-up")),
    "return": (services.return_referral, Reason, _("Back to draft; every approval is void")),
    "recall": (services.recall_referral, Reason, _("End every grant at once")),
}  # fmt: skip

ONE = "referrals/<uuid:referral_id>"
urlpatterns = [
    route("referrals", Referrals, "referral_list"),
    route("cases/<uuid:case_id>/referrals", CaseReferrals, "referral_draft"),
    route(ONE, OneReferral, "referral_detail", find=one_referral),
    route(f"{ONE}/redactable", Redactable, "referral_redactable"),
    route(f"{ONE}/officers", Officers, "referral_officers"),
    route(f"{ONE}/copies/<slug:watermark>", Copy, "referral_copy"),
    *(
        route(
            f"{ONE}/{name}", Step, f"referral_{name}", find=one_referral, service=service,
            calls={"POST": writing(words, ReferralAnswer, body)},
        )
        for name, (service, body, words) in STEPS.items()
    ),
]  # fmt: skip
