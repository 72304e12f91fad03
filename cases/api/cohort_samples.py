"""The sample that measures a cohort's tiers, and its numbers that may be shown around."""

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cohorts import ONE, OfCohort, one_cohort
from cases.api.door import Call, Door, one, route, writing
from cases.api.fields import BaseUnits, Body, Nothing, PersonAnswer, Row, Text
from cases.models import SampledMember
from cases.models.cohort_samples import VERDICTS
from cases.queries import cohort_samples as queries
from cases.services.cohort_samples import draw_samples, judge_member


class SampledMemberAnswer(Row):
    """A member that was drawn, and what was said of it; an empty verdict is still to come."""

    id = serializers.UUIDField(source="public_id")
    member = serializers.UUIDField(source="member.public_id")
    masked = serializers.CharField(source="member.account.masked")
    verdict = serializers.ChoiceField(choices=VERDICTS, allow_blank=True)
    judged_by = PersonAnswer(allow_null=True)

    class Meta:
        model = SampledMember
        fields = ["id", "place", "member", "masked", "verdict", "note", "judged_by", "judged_at"]


class ShareAnswer(serializers.Serializer):
    """`yes` of `of` that were judged, and the bounds of the true share (95 %, outward), as text."""

    yes = serializers.IntegerField()
    of = serializers.IntegerField()
    point = serializers.CharField(allow_null=True)
    low = serializers.CharField()
    high = serializers.CharField()


class CohortSampleAnswer(serializers.Serializer):
    """The sample of a tier; its seed draws the same members again."""

    tier = serializers.IntegerField(source="sample.tier")
    seed = serializers.CharField(source="sample.seed")
    num_members = serializers.IntegerField(source="sample.num_members")
    drawn_by = PersonAnswer(source="sample.drawn_by")
    drawn_at = serializers.DateTimeField(source="sample.drawn_at")
    share = ShareAnswer()
    num_unsure = serializers.IntegerField()
    num_left = serializers.IntegerField()
    members = SampledMemberAnswer(many=True)


class VerdictBody(Body):
    """Whether the member paid the platform."""

    verdict = serializers.ChoiceField(choices=VERDICTS)
    note = Text(max_length=300, required=False, allow_blank=True, default="")


class CellAnswer(serializers.Serializer):
    """One line of a table; null where it would tell of too few people."""

    label = serializers.CharField(allow_blank=True)
    number = serializers.IntegerField(allow_null=True)


class CohortNumbersAnswer(serializers.Serializer):
    """Numbers of those who may be exported; none tells of fewer than five people."""

    num_members = serializers.IntegerField(allow_null=True)
    num_referred = serializers.IntegerField(allow_null=True)
    num_acknowledged = serializers.IntegerField(allow_null=True)
    by_tier = CellAnswer(many=True)
    by_country = CellAnswer(many=True)
    by_amount = CellAnswer(many=True)
    by_month = CellAnswer(many=True)
    amount = BaseUnits(allow_null=True)


class CohortSamples(OfCohort):
    calls = {
        "GET": Call(
            _("The samples of a cohort with the precision they measure"), CohortSampleAnswer,
            many=True,
        ),
        "POST": Call(
            _("Draw the sample of a cohort, once"), CohortSampleAnswer, Nothing, many=True,
            writes=True,
        ),
    }  # fmt: skip

    def get(self, request: Request, cohort_id: UUID) -> Response:
        return self.tell(queries.sample_views(self.looked_at(cohort_id), self.actor))

    def post(self, request: Request, cohort_id: UUID) -> HttpResponse:
        cohort = one_cohort(self.actor, cohort_id)

        def do() -> list[queries.SampleView]:
            draw_samples(cohort, by=self.actor)
            return queries.sample_views(cohort, self.actor)

        return self.once(do)


class JudgeMember(Door):
    calls = {
        "POST": writing(
            _("Say whether a drawn member paid; asks for who did not build the cohort"),
            SampledMemberAnswer, VerdictBody,
        )
    }  # fmt: skip

    def post(self, request: Request, sampled_id: UUID) -> HttpResponse:
        rows = SampledMember.objects.visible_to(self.actor)
        sampled = one(
            rows.select_related("sample__cohort", "member__account"), public_id=sampled_id
        )
        return self.once(lambda **values: judge_member(sampled, **values, by=self.actor))


class CohortNumbers(OfCohort):
    calls = {"GET": Call(_("Numbers of a cohort that may be shown around"), CohortNumbersAnswer)}

    def get(self, request: Request, cohort_id: UUID) -> Response:
        return self.tell(queries.aggregates(self.looked_at(cohort_id), self.actor))


urlpatterns = [
    route(f"{ONE}/samples", CohortSamples, "cohort_samples"),
    route("cohort-samples/members/<uuid:sampled_id>/judge", JudgeMember, "cohort_sample_judge"),
    route(f"{ONE}/numbers", CohortNumbers, "cohort_numbers"),
]
