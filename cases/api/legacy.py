"""Cases of another system, taken over row by row."""

import json

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from cases.api.door import REPLAYED, Door, making, route
from cases.api.fields import Body, Text
from cases.models import Case
from cases.policy import Action, Actor
from cases.services.legacy import import_legacy_cases

MOST = 500
VISIBILITIES = ["unit", "team", "sealed"]


class NewLegacyCaseBody(Body):
    """One case as recorded elsewhere; days such as 2019-05-20."""

    system = Text(max_length=60)
    number = Text(max_length=60)
    title = Text(max_length=160)
    opened_on = Text(max_length=10)
    closed_on = Text(max_length=10, required=False, allow_blank=True)
    case_type = Text(max_length=24, required=False, allow_blank=True)
    priority = Text(max_length=2, required=False, allow_blank=True)
    summary = Text(required=False, allow_blank=True)
    owner = Text(max_length=120, required=False, allow_blank=True)
    outcome = Text(max_length=200, required=False, allow_blank=True)


class NewLegacyCasesBody(Body):
    """Cases in one call: each is taken, known, or refused with its reason."""

    cases = serializers.ListField(child=NewLegacyCaseBody(), min_length=1, max_length=MOST)
    visibility = serializers.ChoiceField(choices=VISIBILITIES, default="sealed")


class LegacyRowAnswer(serializers.Serializer):
    """What became of one row, counted from 1: a case of this house, or why not."""

    number = serializers.IntegerField()
    case = serializers.UUIDField(allow_null=True)
    reference = serializers.CharField()
    reason = serializers.CharField()


class LegacyCasesAnswer(serializers.Serializer):
    """Every row once."""

    num_added = serializers.IntegerField()
    num_known = serializers.IntegerField()
    rows = LegacyRowAnswer(many=True)


class LegacyCases(Door):
    rights = (Action.IMPORT_CASES,)
    calls = {
        "POST": making(
            _("Take over cases of another system with their days"), LegacyCasesAnswer,
            NewLegacyCasesBody,
        )
    }  # fmt: skip

    def post(self, request: Request) -> HttpResponse:
        answer = self.once(
            lambda **values: import_legacy_cases(**values, by=self.actor), fresh=False
        )
        return _as_seen_now(answer, self.actor) if REPLAYED in answer else answer


def _as_seen_now(answer: HttpResponse, actor: Actor) -> HttpResponse:
    """A kept answer without the cases that a wall has gone up around since: 1 query."""
    told = json.loads(answer.content)
    named = [row["case"] for row in told["rows"] if row["case"]]
    seen = Case.objects.visible_to(actor).filter(public_id__in=named)
    names = {str(name) for name in seen.values_list("public_id", flat=True)}
    told["rows"] = [
        row if row["case"] in names else row | {"case": None, "reference": ""}
        for row in told["rows"]
    ]
    answer.content = JSONRenderer().render(told)
    return answer


urlpatterns = [route("legacy-cases", LegacyCases, "legacy_cases")]
