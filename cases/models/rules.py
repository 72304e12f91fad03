"""Changes of detection rules: proposed by one person, tried on history, put in force by another."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.models.alerts import SEVERITIES, Rule
from cases.models.base import PublicModel, state_is_known
from cases.states import PolicyState


class RuleChange(PublicModel):
    """Other figures for a rule, or the rule switched on or off; never edited.

    `rule` is the version it was proposed against, `made` the one it became.
    """

    rule = models.ForeignKey(Rule, models.PROTECT, related_name="changes")
    code = models.CharField(max_length=32)
    parameters = models.JSONField()
    severity = models.CharField(max_length=6, choices=SEVERITIES)
    switch_on = models.BooleanField()
    reason = models.TextField()
    state = models.CharField(max_length=12, default=PolicyState.PROPOSED.value)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.TextField(blank=True)
    made = models.ForeignKey(Rule, models.PROTECT, null=True, related_name="made_by")
    content_hash = models.CharField(max_length=64)

    @property
    def last_trial(self) -> Any:
        """The newest trial on history, None without one: 1 query."""
        return self.trials.order_by("-pk").first()

    class Meta:
        constraints = [
            state_is_known("rule_change_state_is_known", PolicyState),
            models.UniqueConstraint(
                name="one_rule_change_proposed", fields=["code"], condition=Q(state="proposed")
            ),
            models.CheckConstraint(
                name="rule_change_decided_by_a_second_person",
                condition=Q(state="proposed", decided_by=None)
                | (~Q(state="proposed") & ~Q(decided_by=F("proposed_by"))),
            ),
            models.CheckConstraint(
                name="rule_change_in_force_made_a_version",
                condition=~Q(state="in_force") | Q(made__isnull=False),
            ),
        ]
