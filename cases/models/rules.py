"""Changes of detection rules: proposed by one person, tried on history, put in force by another."""

from typing import Any

from django.db import models
from django.db.models import Q

from cases.models.alerts import SEVERITIES, Rule
from cases.models.base import state_is_known
from cases.models.proposals import Proposal, decided_by_a_second_person
from cases.states import PolicyState


class RuleChange(Proposal):
    """Other figures for a rule, or the rule switched on or off; never edited.

    `rule` is the version it was proposed against, `made` the one it became.
    """

    rule = models.ForeignKey(Rule, models.PROTECT, related_name="changes")
    code = models.CharField(max_length=32)
    parameters = models.JSONField()
    severity = models.CharField(max_length=6, choices=SEVERITIES)
    switch_on = models.BooleanField()
    decision_reason = models.TextField(blank=True)
    made = models.ForeignKey(Rule, models.PROTECT, null=True, related_name="made_by")

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
            decided_by_a_second_person("rule_change_decided_by_a_second_person"),
            models.CheckConstraint(
                name="rule_change_in_force_made_a_version",
                condition=~Q(state="in_force") | Q(made__isnull=False),
            ),
        ]
