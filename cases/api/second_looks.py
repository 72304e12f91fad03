"""A blind second look at dismissed alerts: those that wait, judging one, and the agreement."""

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, One, making, one, route
from cases.api.fields import Body, Row, Text
from cases.models import SecondLook
from cases.models.second_looks import JUDGEMENTS
from cases.policy import Action, Actor
from cases.queries.second_looks import looks_page, records_of, second_looks
from cases.services.second_looks import judge_second_look

TRIAGE = (Action.TRIAGE_ALERT,)


def one_look(actor: Actor, look_id: UUID) -> SecondLook:
    """One that this person may judge. Raises Http404."""
    found: SecondLook = one(second_looks(actor), public_id=look_id)
    return found


class LookAnswer(Row):
    """A dismissed alert of the sample; how it ended is not told."""

    id = serializers.UUIDField(source="public_id")
    rule = serializers.CharField(source="alert.rule.code")
    masked = serializers.CharField(source="alert.account.masked")
    severity = serializers.CharField(source="alert.severity")
    fiat = serializers.DecimalField(source="alert.fiat", max_digits=20, decimal_places=2)
    values = serializers.JSONField(source="alert.values")
    records = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_records(self, look: SecondLook) -> list[str]:
        return [record.ref for record in records_of(look)]

    class Meta:
        model = SecondLook
        fields = ["id", "rule", "masked", "severity", "fiat", "values", "records", "drawn_at"]


class JudgedAnswer(Row):
    """The judgement as it is kept."""

    id = serializers.UUIDField(source="public_id")
    judgement = serializers.ChoiceField(choices=JUDGEMENTS)

    class Meta:
        model = SecondLook
        fields = ["id", "judgement", "reason", "judged_at"]


class AgreementAnswer(serializers.Serializer):
    """In how many judged alerts two people agree, with the interval of nineteen of twenty."""

    agreed = serializers.IntegerField(source="yes")
    judged = serializers.IntegerField(source="of")
    low = serializers.CharField()
    high = serializers.CharField()


class JudgementBody(Body):
    """How this person would have decided."""

    judgement = serializers.ChoiceField(choices=JUDGEMENTS)
    reason = Text()


class SecondLooks(Door):
    rights = TRIAGE
    calls = {
        "GET": Call(_("Dismissed alerts that wait for a second look"), LookAnswer, is_page=True)
    }

    def get(self, request: Request) -> Response:
        return self.page(second_looks(self.actor), "drawn_at")


class Agreement(Door):
    rights = TRIAGE
    calls = {"GET": Call(_("How often two people agree on a dismissal"), AgreementAnswer)}

    def get(self, request: Request) -> Response:
        return self.tell(looks_page(self.actor).agreement)


class Judge(Door):
    rights = TRIAGE
    calls = {"POST": making(_("Judge a dismissed alert, blind"), JudgedAnswer, JudgementBody)}

    def post(self, request: Request, look_id: UUID) -> HttpResponse:
        look = one_look(self.actor, look_id)
        return self.once(lambda **values: judge_second_look(look, **values, by=self.actor))


ONE = "second-looks/<uuid:look_id>"
urlpatterns = [
    route("second-looks", SecondLooks, "second_look_list"),
    route("second-looks/agreement", Agreement, "second_look_agreement"),
    route(
        ONE, One, "second_look_detail", find=one_look, rights=TRIAGE,
        calls={"GET": Call(_("One alert to judge"), LookAnswer)},
    ),
    route(f"{ONE}/judge", Judge, "second_look_judge"),
]  # fmt: skip
