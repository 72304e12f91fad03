"""Detection rules: what runs with which figures, and changes by two people."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, making, one, route
from cases.api.fields import Body, PersonAnswer, Row, Text
from cases.api.proposals import STATES, proposal_routes
from cases.detection import SPECS
from cases.models import RuleChange
from cases.models.alerts import SEVERITIES
from cases.policy import Action, Actor
from cases.queries.rules import rule_page, rules_page
from cases.services import rules as services
from cases.states import DetectionState

READERS, PROPOSERS = (Action.TRIAGE_ALERT, Action.PROPOSE_RULE), (Action.PROPOSE_RULE,)


def one_change(_actor: Actor, change_id: UUID) -> RuleChange:
    """The change: a rule of the house, for whom the door is open. Raises Http404."""
    rows = RuleChange.objects.select_related("rule", "proposed_by", "decided_by")
    found: RuleChange = one(rows, public_id=change_id)
    return found


class RuleAnswer(serializers.Serializer):
    """A rule: its flag, its figures, how often it fired, and how its alerts ended.

    What its alerts tell is null for who may not see any.
    """

    code = serializers.CharField(source="spec.code")
    title = serializers.CharField(source="spec.title")
    flag = serializers.CharField(source="flag.id")
    meaning = serializers.CharField(source="flag.text")
    computable = serializers.CharField(source="flag.computable")
    is_on = serializers.BooleanField()
    version = serializers.IntegerField(source="rule.version", allow_null=True, default=None)
    severity = serializers.ChoiceField(
        choices=SEVERITIES, source="rule.severity", allow_null=True, default=None
    )
    parameters = serializers.JSONField(source="rule.parameters", allow_null=True, default=None)
    fired = serializers.IntegerField(source="hits.fired", allow_null=True, default=None)
    open = serializers.IntegerField(source="hits.open", allow_null=True, default=None)
    linked = serializers.IntegerField(source="hits.linked", allow_null=True, default=None)
    false_alarms = serializers.IntegerField(source="hits.false", allow_null=True, default=None)
    precision_low = serializers.CharField(
        source="hits.precision.low", allow_null=True, default=None
    )
    precision_high = serializers.CharField(
        source="hits.precision.high", allow_null=True, default=None
    )


class TrialAnswer(serializers.Serializer):
    """What a change does on history: firings now and then, and the difference."""

    state = serializers.ChoiceField(choices=[(s.value, s.value) for s in DetectionState])
    now = serializers.IntegerField(source="result.now", default=0)
    then = serializers.IntegerField(source="result.then", default=0)
    added = serializers.IntegerField(source="result.added", default=0)
    lost = serializers.IntegerField(source="result.lost", default=0)


class RuleChangeAnswer(Row):
    """A proposed or decided change of a rule; `trial` is what it does on history."""

    id = serializers.UUIDField(source="public_id")
    severity = serializers.ChoiceField(choices=SEVERITIES)
    state = serializers.ChoiceField(choices=STATES)
    against = serializers.IntegerField(source="rule.version")
    proposed_by = PersonAnswer()
    decided_by = PersonAnswer(allow_null=True)
    trial = TrialAnswer(source="last_trial", allow_null=True)

    class Meta:
        model = RuleChange
        fields = [
            "id", "code", "against", "parameters", "severity", "switch_on", "reason", "state",
            "trial", "proposed_by", "proposed_at", "decided_by", "decided_at", "content_hash",
        ]  # fmt: skip


class RuleChangeBody(Body):
    """Figures left out stay as they are."""

    parameters = serializers.DictField(default=dict)
    severity = serializers.ChoiceField(choices=SEVERITIES)
    switch_on = serializers.BooleanField()
    reason = Text()


class Rules(Door):
    rights = READERS
    calls = {"GET": Call(_("Every detection rule"), RuleAnswer, many=True)}

    def get(self, request: Request) -> Response:
        return self.tell(rules_page(self.actor).rows)


class OneRule(Door):
    rights = READERS
    calls = {"GET": Call(_("One detection rule"), RuleAnswer)}

    def get(self, request: Request, rule: str) -> Response:
        page = rule_page(rule, self.actor)
        if page is None:
            raise Http404
        return self.tell(page.row)


class ChangeRule(Door):
    rights = PROPOSERS
    calls = {
        "POST": making(
            _("Propose other figures for a rule; it is tried on history"), RuleChangeAnswer,
            RuleChangeBody,
        )
    }  # fmt: skip

    def post(self, request: Request, rule: str) -> HttpResponse:
        if rule not in SPECS:
            raise Http404
        return self.once(
            lambda **values: services.propose_rule_change(rule, **values, by=self.actor)
        )


urlpatterns = [
    route("rules", Rules, "rule_list"),
    route("rules/<slug:rule>", OneRule, "rule_detail"),
    route("rules/<slug:rule>/change", ChangeRule, "rule_change"),
    *proposal_routes(
        "rule-changes/<uuid:change_id>", "rule", one_change, RuleChangeAnswer,
        one=_("One change of a rule, with its trial"),
        approve=(
            services.approve_rule_change,
            _("Put a changed rule in force as a second person; asks for step-up"),
        ),
        reject=(services.reject_rule_change, _("Reject a changed rule")),
        rights=PROPOSERS, named="rule_change",
    ),
]  # fmt: skip
