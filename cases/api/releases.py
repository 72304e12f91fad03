"""What comes back of releases: questions, outcomes, downloads; and the release in place of one."""

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, Step, making, one, route, writing
from cases.api.fields import Body, Decimals, Nothing, PersonAnswer, Row, Text
from cases.api.referrals import ReferralAnswer, one_referral
from cases.models import Outcome, Referral, ReleaseDownload, ReleaseQuestion
from cases.policy import Action, Actor
from cases.release_words import OUTCOMES
from cases.services.questions import LONGEST, answer_question
from cases.services.referrals.successors import draft_successor

RIGHTS = (Action.SEND_REFERRAL,)  # whoever sends them; officers have their own door
PEOPLE = ("release__referral", "grant__liaison")


def one_question(actor: Actor, question_id: UUID) -> ReleaseQuestion:
    """The question if the person may see its case. Raises Http404."""
    rows = ReleaseQuestion.objects.visible_to(actor)
    found: ReleaseQuestion = one(rows.select_related(*PEOPLE, "answered_by"), public_id=question_id)
    return found


class OfRelease(serializers.Serializer):
    """Of which release, by its number, and by which officer."""

    release = serializers.CharField(source="release.number")
    officer = PersonAnswer(source="grant.liaison")


class QuestionAnswer(Row, OfRelease):
    """An officer's question about one thing of a release, and the answer once there is one."""

    id = serializers.UUIDField(source="public_id")
    answered_by = PersonAnswer(allow_null=True)

    class Meta:
        model = ReleaseQuestion
        fields = [
            "id", "release", "officer", "about", "text", "asked_at", "answer", "answered_by",
            "answered_at",
        ]  # fmt: skip


class ReplyBody(Body):
    """What the officer reads; where it tells of a person, once a second one sent the same."""

    text = Text(max_length=LONGEST)
    has_personal = serializers.BooleanField(required=False, default=False)


class OutcomeAnswer(Row, OfRelease):
    """What an agency reported back."""

    id = serializers.UUIDField(source="public_id")
    kind = serializers.ChoiceField(choices=OUTCOMES)
    decimals = Decimals()

    class Meta:
        model = Outcome
        fields = [
            "id", "release", "officer", "kind", "number", "asset", "decimals", "base",
            "happened_on", "text", "at",
        ]  # fmt: skip


class DownloadAnswer(Row, OfRelease):
    """One file that an officer took, with the hash of just these bytes."""

    class Meta:
        model = ReleaseDownload
        fields = ["release", "officer", "mark", "name", "size", "sha256", "at", "address"]


class ByReferral(FilterSet):
    """Of one referral, or of all that the person may see."""

    referral = UUIDFilter(field_name="release__referral__public_id")


class Questions(Door):
    rights = RIGHTS
    calls = {
        "GET": Call(
            _("Questions of officers about releases, newest first"), QuestionAnswer,
            filters=ByReferral, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = ReleaseQuestion.objects.visible_to(self.actor)
        return self.page(rows.select_related(*PEOPLE, "answered_by"), "asked_at")


class Outcomes(Door):
    rights = RIGHTS
    calls = {
        "GET": Call(
            _("What agencies reported back, newest first"), OutcomeAnswer, filters=ByReferral,
            is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        return self.page(Outcome.objects.visible_to(self.actor).select_related(*PEOPLE), "at")


class Downloads(Door):
    rights = RIGHTS
    calls = {
        "GET": Call(
            _("What officers took of releases, newest first"), DownloadAnswer,
            filters=ByReferral, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = ReleaseDownload.objects.visible_to(self.actor)
        return self.page(rows.select_related(*PEOPLE), "at")


class Supersede(Door):
    calls = {
        "POST": making(_("Draft the release that takes the place of one"), ReferralAnswer, Nothing)
    }

    def post(self, request: Request, referral_id: UUID) -> HttpResponse:
        referral = one_referral(self.actor, referral_id)

        def do() -> Referral:
            return one_referral(self.actor, draft_successor(referral, by=self.actor).public_id)

        return self.once(do)


urlpatterns = [
    route("release-questions", Questions, "release_question_list"),
    route(
        "release-questions/<uuid:question_id>/answer", Step, "release_question_answer",
        find=one_question, service=answer_question, rights=RIGHTS,
        calls={
            "POST": writing(
                _("Answer a question once; asks for step-up"), QuestionAnswer, ReplyBody
            )
        },
    ),
    route("outcomes", Outcomes, "outcome_list"),
    route("release-downloads", Downloads, "release_download_list"),
    route("referrals/<uuid:referral_id>/supersede", Supersede, "referral_supersede"),
]  # fmt: skip
