"""Evidence: exhibits with hash, source and custody; upload, download, verify, export."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import TLPS, one_case
from cases.api.door import Call, Door, One, download, one, route, writing
from cases.api.fields import Body, CaseName, PersonAnswer, Reason, Row, Text, Upload
from cases.api.problems import TooLarge
from cases.models import CustodyEvent, Evidence
from cases.models.evidence import HANDLING_CODES, INFORMATION_GRADES, KINDS, SOURCE_GRADES
from cases.policy import Actor
from cases.services.evidence import (
    HANDED_OVER,
    Origin,
    acquire_evidence,
    export_evidence,
    hand_over_evidence,
    open_evidence,
    verify_evidence,
)
from cases.services.instruments import MAXIMUM_BYTES, UploadedBytes
from cases.services.uploads import require_clean


def one_exhibit(actor: Actor, exhibit_id: UUID) -> Evidence:
    """The exhibit if the person may see its case. Raises Http404."""
    rows = Evidence.objects.visible_to(actor).select_related("case", "acquired_by")
    found: Evidence = one(rows.prefetch_related("custody__actor"), public_id=exhibit_id)
    return found


class CustodyAnswer(Row):
    """One line of an exhibit's custody; each carries the hash of the one before."""

    actor = PersonAnswer(allow_null=True)

    class Meta:
        model = CustodyEvent
        fields = ["seq", "at", "actor", "action", "party", "reason", "file_sha256", "hash"]


class ExhibitRowAnswer(Row):
    """An exhibit in a list."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    exhibit_no = serializers.CharField()
    acquired_by = PersonAnswer()
    derived_from = serializers.UUIDField(
        source="derived_from.public_id", allow_null=True, default=None
    )
    redaction_of = serializers.UUIDField(
        source="redaction_of.public_id", allow_null=True, default=None
    )

    class Meta:
        model = Evidence
        fields = [
            "id", "case", "exhibit_no", "kind", "title", "original_name", "mime", "size",
            "sha256", "sha512", "source", "source_grade", "information_grade", "tlp",
            "handling_code", "handling_text", "derived_from", "redaction_of", "state",
            "acquired_by", "acquired_at",
        ]  # fmt: skip


class ExhibitAnswer(ExhibitRowAnswer):
    """An exhibit with its custody."""

    custody = CustodyAnswer(many=True)

    class Meta:
        model = Evidence
        fields = [*ExhibitRowAnswer.Meta.fields, "custody"]


class UploadBody(Body):
    """A file of at most 25 MB with where it came from."""

    document = Upload(max_length=200)
    kind = serializers.ChoiceField(choices=KINDS)
    title = Text(max_length=160)
    source = Text(max_length=200)
    source_grade = serializers.ChoiceField(choices=SOURCE_GRADES)
    information_grade = serializers.ChoiceField(choices=INFORMATION_GRADES)
    reason = Text(max_length=200, required=False, allow_blank=True, default="")
    tlp = serializers.ChoiceField(choices=TLPS, default="AMBER")
    handling_code = serializers.ChoiceField(choices=HANDLING_CODES, default="H0")
    handling_text = Text(max_length=200, required=False, allow_blank=True, default="")
    derived_from = serializers.UUIDField(required=False, allow_null=True, default=None)
    redaction_of = serializers.UUIDField(required=False, allow_null=True, default=None)


class HandoverBody(Reason):
    """A copy or the original went to somebody, or came back."""

    act = serializers.ChoiceField(choices=[(each, each) for each in HANDED_OVER])
    party = Text(max_length=120)


class ExhibitFilter(FilterSet):
    """The list of exhibits."""

    case = UUIDFilter(field_name="case__public_id")
    kind = ChoiceFilter(choices=KINDS, field_name="kind")


class Exhibits(Door):
    calls = {
        "GET": Call(
            _("Exhibits of the cases you may see, newest first"), ExhibitRowAnswer,
            filters=ExhibitFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = Evidence.objects.visible_to(self.actor).select_related("case", "acquired_by")
        return self.page(rows, "acquired_at")


class CaseEvidence(Door):
    parser_classes = [MultiPartParser]
    calls = {
        "POST": Call(
            _("Take a file into the case as an exhibit"), ExhibitAnswer, UploadBody, status=201,
            writes=True, takes="multipart/form-data",
        )
    }  # fmt: skip

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)
        if (sent := request.FILES.get("document")) is not None and sent.size <= MAXIMUM_BYTES:
            require_clean(sent)  # here, since what follows is one transaction

        def do(
            *, document: Any, derived_from: UUID | None, redaction_of: UUID | None, **values: str
        ) -> Evidence:
            if document.size > MAXIMUM_BYTES:
                raise TooLarge(_now("The file is larger than 25 MB."))
            upload = UploadedBytes(document.name, document.read())
            origin = None
            if derived_from or redaction_of:
                made_from = one_exhibit(self.actor, redaction_of or derived_from)  # type: ignore[arg-type]  # one is there
                origin = Origin(made_from, is_redacted=redaction_of is not None)
            return acquire_evidence(case, document=upload, **values, origin=origin, by=self.actor)

        return self.once(do)


class ExhibitFile(Door):
    calls = {
        "GET": Call(
            _("The bytes of an exhibit; the look is kept in its custody"),
            media="application/octet-stream", errors=(422,),
        )
    }  # fmt: skip

    def get(self, request: Request, exhibit_id: UUID) -> HttpResponse:
        exhibit = one_exhibit(self.actor, exhibit_id)
        content = open_evidence(exhibit, by=self.actor)
        return download(content, "application/octet-stream", exhibit.original_name)


class WholeAnswer(serializers.Serializer):
    """Whether the stored bytes are what was sealed."""

    is_whole = serializers.BooleanField()


class VerifyExhibit(Door):
    """No key: every check is a line of the custody of its own."""

    calls = {
        "POST": Call(
            _("Hash the stored bytes again; the answer is kept in the custody"), WholeAnswer,
            errors=(422,),
        )
    }  # fmt: skip

    def post(self, request: Request, exhibit_id: UUID) -> Response:
        exhibit = one_exhibit(self.actor, exhibit_id)
        return self.tell({"is_whole": verify_evidence(exhibit, by=self.actor)})


class ExportExhibit(Door):
    """No key: each export is a line of the custody of its own, and its bytes are stored once."""

    calls = {
        "POST": Call(
            _("The file with its custody as a ZIP, as a second person; asks for step-up"),
            body=Reason, media="application/zip", errors=(422,),
        )
    }  # fmt: skip

    def post(self, request: Request, exhibit_id: UUID) -> HttpResponse:
        exhibit = one_exhibit(self.actor, exhibit_id)
        packed = export_evidence(exhibit, **self.read(), by=self.actor)
        return download(packed, "application/zip", f"{exhibit.exhibit_no}.zip")


class HandOverExhibit(Door):
    calls = {
        "POST": writing(
            _("Write down that a copy or the original went, or came back; asks for step-up"),
            CustodyAnswer, HandoverBody,
        )
    }  # fmt: skip

    def post(self, request: Request, exhibit_id: UUID) -> HttpResponse:
        exhibit = one_exhibit(self.actor, exhibit_id)
        return self.once(lambda **values: hand_over_evidence(exhibit, **values, by=self.actor))


ONE = "evidence/<uuid:exhibit_id>"
urlpatterns = [
    route("evidence", Exhibits, "evidence_list"),
    route("cases/<uuid:case_id>/evidence", CaseEvidence, "evidence_add"),
    route(
        ONE, One, "evidence_detail", find=one_exhibit,
        calls={"GET": Call(_("One exhibit with its custody"), ExhibitAnswer)},
    ),
    route(f"{ONE}/file", ExhibitFile, "evidence_file"),
    route(f"{ONE}/verify", VerifyExhibit, "evidence_verify"),
    route(f"{ONE}/export", ExportExhibit, "evidence_export"),
    route(f"{ONE}/hand-over", HandOverExhibit, "evidence_hand_over"),
]  # fmt: skip
