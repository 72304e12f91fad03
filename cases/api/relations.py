"""Related cases, and merging one into another."""

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import CaseAnswer, one_case
from cases.api.door import Call, Door, Step, making, one, route, writing
from cases.api.fields import Body, CaseName, PersonAnswer, Reason, Row, Text
from cases.api.named import Visible
from cases.models import Case, CaseRelation
from cases.models.relations import RELATION_KINDS
from cases.policy import Actor
from cases.queries.relations import relatives_of
from cases.services import relations as services

PEOPLE = ("case", "other", "related_by")


def one_relation(actor: Actor, relation_id: UUID) -> CaseRelation:
    """The relation if the person sees both cases. Raises Http404."""
    rows = CaseRelation.objects.visible_to(actor).select_related(*PEOPLE)
    found: CaseRelation = one(rows, public_id=relation_id)
    return found


class RelationAnswer(Row):
    """What is said of two cases; both are named to who sees both."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    other = CaseName()
    kind = serializers.ChoiceField(choices=RELATION_KINDS)
    related_by = PersonAnswer()

    class Meta:
        model = CaseRelation
        fields = [
            "id", "case", "other", "kind", "reason", "related_by", "related_at", "ended_at",
            "ended_reason", "merge_reason",
        ]  # fmt: skip


class NewRelationBody(Body):
    """The other case, and how the two belong together."""

    other = Visible(Case)
    kind = serializers.ChoiceField(choices=RELATION_KINDS)
    reason = Text()


class MergeBody(Body):
    """The case that it is merged into, and why."""

    into = serializers.UUIDField()
    reason = Text()


class Relations(Door):
    calls = {
        "GET": Call(_("Cases that belong to this one"), RelationAnswer, many=True),
        "POST": making(_("Say that two cases belong together"), RelationAnswer, NewRelationBody),
    }

    def get(self, request: Request, case_id: UUID) -> Response:
        case = one_case(self.actor, case_id)
        return self.tell([each.relation for each in relatives_of(case, self.actor).related])

    def post(self, request: Request, case_id: UUID) -> HttpResponse:
        case = one_case(self.actor, case_id)

        return self.once(lambda **values: services.relate_case(case, **values, by=self.actor))


urlpatterns = [
    route("cases/<uuid:case_id>/relations", Relations, "case_relations"),
    route(
        "cases/<uuid:case_id>/merge", Step, "case_merge", find=one_case,
        service=services.merge_case,
        calls={"POST": writing(_("Merge it into another, as a second person"), CaseAnswer,
                               MergeBody)},
    ),
    route(
        "relations/<uuid:relation_id>/end", Step, "relation_end", find=one_relation,
        service=services.end_relation,
        calls={"POST": writing(_("Take a relation back"), RelationAnswer, Reason)},
    ),
]  # fmt: skip
