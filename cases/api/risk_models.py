"""The learned score: the cards of its models, and champion and challenger by two people."""

from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, one, route
from cases.api.fields import PersonAnswer, Row
from cases.api.proposals import STATES, proposal_routes
from cases.detection.risk_model import TABLES
from cases.models import TrainedModel
from cases.policy import Action, Actor
from cases.queries.risk_models import drift_of, models
from cases.services import risk_models as services

TRIAGE, SENIORS = (Action.TRIAGE_ALERT,), (Action.TRAIN_MODEL,)


def one_model(actor: Actor, model_id: UUID) -> TrainedModel:
    """The model: a rule of the house, for whom the door is open. Raises Http404."""
    found: TrainedModel = one(models(actor), public_id=model_id)
    return found


class DriftAnswer(serializers.Serializer):
    """How far a figure moved since training: its population stability index."""

    figure = serializers.CharField(source="words")
    index = serializers.CharField()
    level = serializers.CharField()


class RiskModelAnswer(Row):
    """A model of customers or wallets: proposed it is the challenger, in force the champion."""

    id = serializers.UUIDField(source="public_id")
    subject = serializers.ChoiceField(choices=list(TABLES))
    state = serializers.ChoiceField(choices=STATES)
    card = serializers.JSONField()
    drift = serializers.SerializerMethodField()
    proposed_by = PersonAnswer()
    decided_by = PersonAnswer(allow_null=True)

    @extend_schema_field(DriftAnswer(many=True))
    def get_drift(self, model: TrainedModel) -> list[dict[str, str]]:
        return list(DriftAnswer(drift_of(model), many=True).data)

    class Meta:
        model = TrainedModel
        fields = [
            "id", "number", "subject", "state", "card", "drift", "reason", "proposed_by",
            "proposed_at", "decided_by", "decided_at", "decision_reason", "content_hash",
        ]  # fmt: skip


class RiskModels(Door):
    rights = TRIAGE
    calls = {"GET": Call(_("Trained models, newest first"), RiskModelAnswer, is_page=True)}

    def get(self, request: Request) -> Response:
        return self.page(models(self.actor), "proposed_at")


urlpatterns = [
    route("risk-models", RiskModels, "risk_model_list"),
    *proposal_routes(
        "risk-models/<uuid:model_id>", "risk_model", one_model, RiskModelAnswer,
        one=_("One trained model with its card"),
        approve=(
            services.approve_model,
            _("Make a challenger the champion as a second person; asks for step-up"),
        ),
        reject=(services.reject_model, _("Reject a challenger")),
        rights=SENIORS, readers=TRIAGE,
    ),
]  # fmt: skip
