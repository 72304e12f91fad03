"""The learned score: models of customers and of wallets, and what they say of customers."""

from typing import Self

from django.db import models
from django.db.models import Q

from cases.models.base import state_is_known
from cases.models.exchange import ExchangeAccount
from cases.models.proposals import Proposal, decided_by_a_second_person
from cases.policy import Action, Actor, may
from cases.states import PolicyState

# By the names of cases/detection/risk_model.py, which takes numpy and 0.1 s of every start to load.
SUBJECTS = ("customer", "wallet")
LIVE_MODELS = (PolicyState.IN_FORCE.value, PolicyState.PROPOSED.value)


class TrainedModelQuerySet(models.QuerySet["TrainedModel"]):
    def visible_to(self, actor: Actor) -> Self:
        """For those who triage; to others no score exists."""
        return self if may(actor, Action.TRIAGE_ALERT) else self.none()


class TrainedModel(Proposal):
    """One training: proposed it is the challenger, in force the champion, whose points are shown.

    `subject` is what it scores: customers, kept as RiskScore by each run, or wallets, as asked.
    `content` is the whole model as plain data, never edited; `content_hash` names it. `drift` are
    the counts of the newest full run, by figure: see `RiskModel.drift`.
    """

    number = models.PositiveIntegerField(unique=True)
    subject = models.CharField(max_length=8, default="customer")
    content = models.JSONField()
    card = models.JSONField()
    drift = models.JSONField(default=dict)
    decision_reason = models.TextField(blank=True)

    objects = TrainedModelQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("trained_model_state_is_known", PolicyState),
            models.CheckConstraint(
                name="trained_model_subject_is_known", condition=Q(subject__in=SUBJECTS)
            ),
            models.UniqueConstraint(
                name="one_champion_model", fields=["subject", "state"],
                condition=Q(state="in_force"),
            ),
            models.UniqueConstraint(
                name="one_challenger_model", fields=["subject", "state"],
                condition=Q(state="proposed"),
            ),
            decided_by_a_second_person("trained_model_decided_by_a_second_person"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"M{self.number}"


class RiskScoreQuerySet(models.QuerySet["RiskScore"]):
    def visible_to(self, actor: Actor) -> Self:
        """For those who triage; to others a score does not exist."""
        return self if may(actor, Action.TRIAGE_ALERT) else self.none()


class RiskScore(models.Model):
    """What one model said of an account at the last run: points of 1000, and why.

    `reasons`: [{name, words, value, way, weight}], heaviest first.
    """

    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="risk_scores")
    model = models.ForeignKey(TrainedModel, models.PROTECT, related_name="scores", db_index=False)
    points = models.PositiveSmallIntegerField()
    reasons = models.JSONField()
    at = models.DateTimeField()

    objects = RiskScoreQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_score_of_a_model", fields=["account", "model"])
        ]
        indexes = [
            # The page of the model: the highest scores.
            models.Index(fields=["model", "-points"], name="risk_score_highest")
        ]

    @property
    def percent(self) -> str:
        """The points as a share."""
        return f"{self.points // 10}.{self.points % 10} %"
