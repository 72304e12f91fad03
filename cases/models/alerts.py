"""Rules as they run here, and the alerts they raised."""

from collections.abc import Sequence
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import PublicModel, state_is_known
from cases.models.cases import Case
from cases.models.exchange import ExchangeAccount, ExchangeRecord
from cases.policy import Actor, visible_alerts
from cases.states import OPEN_ALERT_STATES, AlertState

SEVERITIES = [
    ("low", _("Low")), ("medium", _("Medium")), ("high", _("High")), ("severe", _("Severe")),
]  # fmt: skip
GRAVE = ("high", "severe")
RANKS = {"low": 1, "medium": 2, "high": 3, "severe": 4}  # by severity; what an index can order
LEAST_GRAVE = min(RANKS[severity] for severity in GRAVE)
DISPOSITIONS = [
    ("false_positive", _("False alarm")),
    ("insufficient", _("Not enough to go on")),
    ("duplicate", _("Known already")),
]


class Rule(models.Model):
    """One version of a rule: what it stands for and with which figures it runs."""

    code = models.CharField(max_length=32)
    version = models.PositiveSmallIntegerField(default=1)
    title = models.CharField(max_length=80)
    red_flags = models.JSONField()
    parameters = models.JSONField()
    severity = models.CharField(max_length=6, choices=SEVERITIES)
    is_on = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_rule_per_code_version", fields=["code", "version"]),
            models.UniqueConstraint(
                name="one_version_of_a_rule_runs", fields=["code"], condition=Q(is_on=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class AlertQuerySet(models.QuerySet["Alert"]):
    def visible_to(self, actor: Actor) -> Self:
        return self.filter(visible_alerts(actor))

    def open_to(self, actor: Actor, states: Sequence[str] = OPEN_ALERT_STATES) -> Self:
        """Those of `visible_to` in these open states, without looking for cases: they have none."""
        waiting = self.filter(state__in=set(states) & set(OPEN_ALERT_STATES))
        return waiting.filter(visible_alerts(actor, are_open=True))


class Alert(PublicModel):
    """A rule fired on an account; each firing is a row of its own and none is ever hidden.

    While an alert of the same rule and account is open, a new one is merged into it and counted.
    `values` says why: [{name, found, limit}]. `score` is out of 100 with its `contributions`.
    """

    rule = models.ForeignKey(Rule, models.PROTECT, related_name="alerts")
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="alerts")
    fingerprint = models.CharField(max_length=64, unique=True)
    values = models.JSONField()
    records = models.ManyToManyField(ExchangeRecord, related_name="alerts")
    linked_accounts = models.ManyToManyField(ExchangeAccount, related_name="+", blank=True)
    window_from = models.DateTimeField()
    window_to = models.DateTimeField()
    fiat = models.DecimalField(max_digits=20, decimal_places=2)
    severity = models.CharField(max_length=6, choices=SEVERITIES)
    rank = models.PositiveSmallIntegerField()
    score = models.PositiveSmallIntegerField()
    contributions = models.JSONField(default=list)
    num_merged = models.PositiveIntegerField(default=0)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="merged")
    state = models.CharField(max_length=10, default=AlertState.NEW.value)
    # Of `fiat`, what must be and what can be of illicit origin; null where no ledger tells.
    exposed_low = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    exposed_high = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    # When somebody has to have decided, by the clock that was in force as it was raised.
    due_at = models.DateTimeField(null=True)
    raised_at = models.DateTimeField()
    last_raised_at = models.DateTimeField()
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="alerts")
    disposition = models.CharField(max_length=16, blank=True, choices=DISPOSITIONS)
    disposition_reason = models.TextField(blank=True)
    # Who wants a grave alert dismissed; somebody else does it.
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("alert_state_is_known", AlertState),
            models.CheckConstraint(
                name="linked_alert_has_a_case",
                condition=Q(case__isnull=False, state="linked")
                | (Q(case=None) & ~Q(state="linked")),
            ),
            models.CheckConstraint(
                name="merged_alert_has_a_survivor",
                condition=Q(merged_into__isnull=False, state="merged")
                | (Q(merged_into=None) & ~Q(state="merged")),
            ),
            models.CheckConstraint(
                name="grave_alert_dismissed_by_a_second_person",
                condition=~Q(state="dismissed")
                | Q(severity__in=["low", "medium"], dismissed_by__isnull=False)
                | (
                    Q(proposed_by__isnull=False, dismissed_by__isnull=False)
                    & ~Q(dismissed_by=F("proposed_by"))
                ),
            ),
        ]
        indexes = [
            # The queue: the alerts of a state in its order; a page reads its own rows alone.
            models.Index(
                fields=["state", "-rank", "-score", "raised_at", "id"], name="alert_queue"
            ),
            # The inbox: of all that are open the gravest, whoever has them.
            models.Index(
                fields=["-rank", "-score", "raised_at", "id"], name="alert_open",
                condition=models.Q(state__in=OPEN_ALERT_STATES),
            ),
            # Those whose dismissal somebody asks for, a few among all that are open.
            models.Index(
                fields=["state"], name="alert_asked",
                condition=models.Q(proposed_by__isnull=False),
            ),
            # An alert's page: like alerts and how they ended.
            models.Index(fields=["rule", "-closed_at"], name="alert_like"),
        ]  # fmt: skip

    @property
    def is_grave(self) -> bool:
        """Whether its dismissal takes a second person."""
        return self.severity in GRAVE


class AlertWall(models.Model):
    """One of our people who may hold an account of the alert: for that person it does not exist.

    It rests on the name alone, and is never lifted: somebody else does the work.
    """

    alert = models.ForeignKey(Alert, models.PROTECT, related_name="walls")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_wall_per_alert_and_person", fields=["alert", "user"])
        ]
