"""Suspicion reports. To people without the right none of this exists, nor is it described (P1)."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import one_case
from cases.api.door import Call, Door, Step, download, making, one, route, writing
from cases.api.fields import Body, CaseName, Decision, Nothing, PersonAnswer, Reason, Row, Text
from cases.api.named import Visible
from cases.api.parsing import MAXIMUM_JSON
from cases.exports.suspicion.profiles import PROFILES
from cases.models import Alert, ReportAcknowledgement, ReportSubject, SuspicionReport
from cases.models.reports import ANSWERS, FOLLOWING, GENDERS
from cases.policy import Action, Actor, may
from cases.services import reports as services
from cases.services.limits import take_export
from cases.states import ReportState

VIEWERS = (Action.VIEW_REPORT,)
STATES = [(state.value, state.value) for state in ReportState]
PEOPLE = ("case", "drafted_by", "approved_by", "filed_by")
OUT = (
    ReportState.APPROVED.value, ReportState.FILED.value, ReportState.DISPOSAL_REQUESTED.value,
)  # fmt: skip
LARGEST_FILE = MAXIMUM_JSON * 3 // 4  # characters: quotes and line ends are two each in JSON


def one_report(actor: Actor, report_id: UUID) -> SuspicionReport:
    """The report if the person may see it. Raises Http404."""
    rows = SuspicionReport.objects.visible_to(actor).select_related(*PEOPLE)
    found: SuspicionReport = one(rows, public_id=report_id)
    return found


class SubjectAnswer(Row):
    """A customer in a report."""

    id = serializers.UUIDField(source="public_id")
    masked = serializers.CharField(source="account.masked")

    class Meta:
        model = ReportSubject
        fields = [
            "id", "masked", "first_name", "last_name", "full_name_original", "gender",
            "birth_on", "id_number", "id_type", "id_issued_on", "id_expires_on", "id_country",
            "nationality", "residence", "phone",
        ]  # fmt: skip


class ReportRowAnswer(Row):
    """A report in a list."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    state = serializers.ChoiceField(choices=STATES)
    drafted_by = PersonAnswer()

    class Meta:
        model = SuspicionReport
        fields = [
            "id", "reference", "case", "profile", "state", "drafted_by", "drafted_at", "version",
            "content_hash",
        ]  # fmt: skip


class ReportAnswer(ReportRowAnswer):
    """A report with its words and subjects."""

    indicators = serializers.ListField(child=serializers.CharField())
    subjects = SubjectAnswer(many=True)
    approved_by = PersonAnswer(allow_null=True)
    filed_by = PersonAnswer(allow_null=True)

    class Meta:
        model = SuspicionReport
        fields = [
            *ReportRowAnswer.Meta.fields, "reason", "action", "indicators", "subjects",
            "local_rate", "local_rate_source", "approved_by", "approved_at", "filed_by",
            "filed_at", "transport", "disposed_at",
        ]  # fmt: skip


class NewReportBody(Body):
    """The alerts of the case that the report is drafted from."""

    alerts = serializers.ListField(child=Visible(Alert), min_length=1, max_length=200)
    profile = serializers.ChoiceField(choices=PROFILES, default=PROFILES[0])


class ReportEditBody(Body):
    """Words, indicators or the rate, as of the version that was read."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    reason = Text(required=False, allow_blank=True)
    action = Text(required=False, allow_blank=True)
    indicators = serializers.ListField(child=Text(max_length=40), required=False, max_length=200)
    local_rate = serializers.DecimalField(
        max_digits=18, decimal_places=8, min_value=0, required=False, allow_null=True
    )
    local_rate_source = Text(max_length=120, required=False, allow_blank=True)


class SubjectBody(Body):
    """What the receiver's form demands of a customer, as of the report's version."""

    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    first_name = Text(max_length=100, required=False, allow_blank=True)
    last_name = Text(max_length=100, required=False, allow_blank=True)
    full_name_original = Text(max_length=255, required=False, allow_blank=True)
    gender = serializers.ChoiceField(choices=GENDERS, required=False)
    birth_on = serializers.DateField(required=False, allow_null=True)
    id_number = Text(max_length=100, required=False, allow_blank=True)
    id_type = Text(max_length=8, required=False, allow_blank=True)
    id_issued_on = serializers.DateField(required=False, allow_null=True)
    id_expires_on = serializers.DateField(required=False, allow_null=True)
    id_country = Text(max_length=2, required=False, allow_blank=True)
    nationality = Text(max_length=2, required=False, allow_blank=True)
    residence = Text(max_length=2, required=False, allow_blank=True)
    phone = Text(max_length=50, required=False, allow_blank=True)


class TransportBody(Body):
    """By which way the file went."""

    transport = Text(max_length=80)


class AcknowledgementBody(Body):
    """What the receiver answered: the text of its file, or the answer and its number."""

    answer = serializers.ChoiceField(choices=ANSWERS, required=False, default="")
    number = Text(max_length=40, required=False, default="")
    # What this door takes is a megabyte; a larger file comes in by the page.
    file = serializers.CharField(max_length=LARGEST_FILE, required=False, default="")


class AcknowledgementAnswer(Row):
    """What the receiver answered to a report."""

    id = serializers.UUIDField(source="public_id")
    answer = serializers.ChoiceField(choices=ANSWERS)
    errors = serializers.ListField(child=serializers.DictField())

    class Meta:
        model = ReportAcknowledgement
        fields = ["id", "answer", "number", "errors", "sha256", "recorded_at"]


class AnswersBody(Body):
    """A receiver's list of answers: the text of its CSV file."""

    file = serializers.CharField(max_length=LARGEST_FILE)


class ImportedAnswerAnswer(serializers.Serializer):
    """What became of one line: the answer that is kept, or why there is none."""

    line = serializers.IntegerField()
    entity_reference = serializers.CharField()
    answer = AcknowledgementAnswer(allow_null=True)
    is_known = serializers.BooleanField()
    reason = serializers.CharField()


class ImportedAnswers(serializers.Serializer):
    """What became of each line."""

    rows = ImportedAnswerAnswer(many=True)


class FollowBody(Body):
    """Whether the new report corrects this one, or tells of activity that goes on."""

    kind = serializers.ChoiceField(choices=FOLLOWING)


class ReportFilter(FilterSet):
    """The list of reports."""

    case = UUIDFilter(field_name="case__public_id")
    state = ChoiceFilter(choices=STATES, field_name="state")


class ReportDoor(Door):
    """A refusal here goes into no chain that others read."""

    rights = VIEWERS
    keeps_refusals = False


class Reports(ReportDoor):
    calls = {
        "GET": Call(
            _("Reports of the cases you may see, newest first"), ReportRowAnswer,
            filters=ReportFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = SuspicionReport.objects.visible_to(self.actor).select_related(*PEOPLE)
        return self.page(rows, "drafted_at")


class CaseReports(ReportDoor):
    calls = {"POST": making(_("Draft a report on alerts"), ReportAnswer, NewReportBody)}

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)
        return self.once(
            lambda alerts, profile: services.draft_report(
                case, alerts, profile=profile, by=self.actor
            )
        )


class OneReport(ReportDoor):
    calls = {
        "GET": Call(_("One report; the look is kept"), ReportAnswer),
        "PATCH": Call(_("Change a report"), ReportAnswer, ReportEditBody, errors=(409, 422)),
    }

    def get(self, request: Request, report_id: UUID) -> Response:
        report = one_report(self.actor, report_id)
        services.read_report(report, by=self.actor)
        return self.tell(report)

    def patch(self, request: Request, report_id: UUID) -> Response:
        report = one_report(self.actor, report_id)
        services.edit_report(report, **self.read(), by=self.actor)
        return self.tell(one_report(self.actor, report_id))


class OneSubject(ReportDoor):
    calls = {
        "PATCH": Call(
            _("Fill in a subject of a report"), ReportAnswer, SubjectBody, errors=(409, 422)
        )
    }

    def patch(self, request: Request, report_id: UUID, subject_id: UUID) -> Response:
        report = one_report(self.actor, report_id)
        subject = one(report.subjects.select_related("account"), public_id=subject_id)
        services.edit_subject(report, subject, **self.read(), by=self.actor)
        return self.tell(one_report(self.actor, report_id))


class ReportFile(ReportDoor):
    calls = {"GET": Call(_("The approved file; the look is kept"), media="application/xml")}

    def get(self, request: Request, report_id: UUID) -> HttpResponse:
        report = one_report(self.actor, report_id)
        if report.state not in OUT or not may(self.actor, Action.FILE_REPORT):
            raise Http404
        take_export(by=self.actor)
        services.read_report(report, by=self.actor)
        return download(report.file.encode(), "application/xml", f"{report.reference}.xml")


class Acknowledge(ReportDoor):
    calls = {
        "POST": making(
            _("Keep what the receiver answered"), AcknowledgementAnswer, AcknowledgementBody
        )
    }

    def post(self, request: Request, report_id: UUID) -> HttpResponse:
        report = one_report(self.actor, report_id)
        return self.once(
            lambda **values: services.acknowledge_report(report, **values, by=self.actor)
        )


class Answers(ReportDoor):
    rights = (Action.FILE_REPORT,)
    calls = {
        "POST": making(
            _("Keep a receiver's list of answers, each with its report"), ImportedAnswers,
            AnswersBody,
        )
    }  # fmt: skip

    def post(self, request: Request) -> HttpResponse:
        return self.once(
            lambda file: {"rows": services.import_answers(file.encode(), by=self.actor)}
        )


class Follow(ReportDoor):
    calls = {"POST": making(_("Draft a report that follows a filed one"), ReportAnswer, FollowBody)}

    def post(self, request: Request, report_id: UUID) -> HttpResponse:
        report = one_report(self.actor, report_id)
        return self.once(lambda kind: services.follow_report(report, kind=kind, by=self.actor))


STEPS: dict[str, tuple[Any, Any, Any]] = {
    "validate": (services.validate_report, Nothing, _("Make the file and ask both engines")),
    "review": (services.review_report, Nothing, _("Take a validated report into review")),
    "return": (services.return_report, Reason, _("Send a report back to its author")),
    "approve": (
        services.approve_report, Decision, _("Approve exactly this file; asks for step-up"),
    ),
    "file": (services.file_report, TransportBody, _("Note that the file went out")),
    "ask": (services.request_report_disposal, Reason, _("Ask for the end of a filed report")),
    "dispose": (
        services.dispose_report, Reason, _("Destroy what a report says, as a second person"),
    ),
    "keep": (services.keep_report, Reason, _("Refuse the disposal of a report")),
}  # fmt: skip

ONE = "reports/<uuid:report_id>"
urlpatterns = [
    route("reports", Reports, "report_list"),
    route("reports/answers", Answers, "report_answers"),
    route("cases/<uuid:case_id>/reports", CaseReports, "report_draft"),
    route(ONE, OneReport, "report_detail"),
    route(f"{ONE}/subjects/<uuid:subject_id>", OneSubject, "report_subject"),
    route(f"{ONE}/acknowledge", Acknowledge, "report_acknowledge"),
    route(f"{ONE}/follow", Follow, "report_follow"),
    route(f"{ONE}/download", ReportFile, "report_download"),
    *(
        route(
            f"{ONE}/{name}", Step, f"report_{name}", find=one_report, service=service,
            rights=VIEWERS, keeps_refusals=False,
            calls={"POST": writing(words, ReportAnswer, body)},
        )
        for name, (service, body, words) in STEPS.items()
    ),
]  # fmt: skip
