"""Alerts: the queue, why one fired, and what becomes of it."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet, UUIDFilter
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.cases import CaseAnswer
from cases.api.door import Call, Door, One, Step, making, one, route, writing
from cases.api.fields import Body, CaseName, Nothing, PersonAnswer, Reason, Row
from cases.api.named import Visible
from cases.models import Alert, Case
from cases.models.alerts import DISPOSITIONS, SEVERITIES
from cases.policy import Action, Actor
from cases.queries.risk_models import champion_points
from cases.services import alerts as services
from cases.states import AlertState

TRIAGE = (Action.TRIAGE_ALERT,)
STATES = [(state.value, state.value) for state in AlertState]
PEOPLE = ("rule", "account", "case", "assigned_to", "proposed_by", "dismissed_by")


def _alerts(actor: Actor) -> QuerySet[Alert]:
    rows = Alert.objects.visible_to(actor).select_related(*PEOPLE)
    return rows.prefetch_related(champion_points(actor))


def one_alert(actor: Actor, alert_id: UUID) -> Alert:
    """The alert if the person may see it. Raises Http404."""
    rows = _alerts(actor)
    found: Alert = one(rows, public_id=alert_id)
    return found


class RuleValueAnswer(serializers.Serializer):
    """One value of a rule: what was found against which limit."""

    name = serializers.CharField()
    found = serializers.JSONField()
    limit = serializers.JSONField(allow_null=True, default=None)


class LearnedAnswer(serializers.Serializer):
    """What the champion model says of the account: points of 1000, and why."""

    model = serializers.CharField()
    points = serializers.IntegerField()
    reasons = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))


class AlertAnswer(Row):
    """A rule fired on an account, and why."""

    id = serializers.UUIDField(source="public_id")
    rule = serializers.CharField(source="rule.code")
    title = serializers.CharField(source="rule.title")
    account = serializers.UUIDField(source="account.public_id")
    masked = serializers.CharField(source="account.masked")
    values = RuleValueAnswer(many=True)
    state = serializers.ChoiceField(choices=STATES)
    learned = serializers.SerializerMethodField()
    case = CaseName(allow_null=True)
    assigned_to = PersonAnswer(allow_null=True)
    proposed_by = PersonAnswer(allow_null=True)
    dismissed_by = PersonAnswer(allow_null=True)

    @extend_schema_field(LearnedAnswer(allow_null=True))
    def get_learned(self, alert: Alert) -> dict[str, Any] | None:
        # Of a list they came along; a step answers with a row that was read anew.
        if not hasattr(alert.account, "champion_scores"):
            prefetch_related_objects([alert], champion_points(self.context["actor"]))
        scores = getattr(alert.account, "champion_scores", [])
        return dict(LearnedAnswer(scores[0]).data) if scores else None

    class Meta:
        model = Alert
        fields = [
            "id", "rule", "title", "account", "masked", "values", "window_from", "window_to",
            "fiat", "exposed_low", "exposed_high", "severity", "score", "learned", "num_merged",
            "state", "raised_at", "last_raised_at", "due_at",
            "assigned_to", "case", "disposition", "disposition_reason", "proposed_by",
            "dismissed_by", "closed_at",
        ]  # fmt: skip


class DispositionBody(Reason):
    """How the alert ended."""

    disposition = serializers.ChoiceField(choices=DISPOSITIONS)


class LeadBody(Body):
    """The case to lead the alert to; without one a case is opened for it."""

    case = Visible(Case, required=False, allow_null=True, default=None)


class AlertFilter(FilterSet):
    """The list of alerts."""

    case = UUIDFilter(field_name="case__public_id")
    state = ChoiceFilter(choices=STATES, field_name="state")
    severity = ChoiceFilter(choices=SEVERITIES, field_name="severity")


class Alerts(Door):
    rights = TRIAGE
    calls = {
        "GET": Call(
            _("Alerts you may see, newest first"), AlertAnswer, filters=AlertFilter, is_page=True
        )
    }

    def get(self, request: Request) -> Response:
        return self.page(_alerts(self.actor), "raised_at")


class LeadAlert(Door):
    rights = TRIAGE
    calls = {"POST": making(_("Lead an alert to a case, or open one for it"), CaseAnswer, LeadBody)}

    def post(self, request: Request, alert_id: UUID) -> HttpResponse:
        alert = one_alert(self.actor, alert_id)
        return self.once(lambda case: services.link_alert(alert, case, by=self.actor))


STEPS: dict[str, tuple[Any, Any, Any]] = {
    "assign": (services.assign_alert, Nothing, _("Take a new alert oneself")),
    "propose": (
        services.propose_dismissal, DispositionBody, _("Ask for a grave alert to be dismissed"),
    ),
    "dismiss": (services.dismiss_alert, DispositionBody, _("Dismiss an alert")),
    "reopen": (services.reopen_alert, Reason, _("Take a dismissed alert up again")),
}  # fmt: skip

ONE = "alerts/<uuid:alert_id>"
urlpatterns = [
    route("alerts", Alerts, "alert_list"),
    route(
        ONE, One, "alert_detail", find=one_alert, rights=TRIAGE,
        calls={"GET": Call(_("One alert"), AlertAnswer)},
    ),
    route(f"{ONE}/case", LeadAlert, "alert_link"),
    *(
        route(
            f"{ONE}/{name}", Step, f"alert_{name}", find=one_alert, service=service,
            rights=TRIAGE, calls={"POST": writing(words, AlertAnswer, body)},
        )
        for name, (service, body, words) in STEPS.items()
    ),
]  # fmt: skip
