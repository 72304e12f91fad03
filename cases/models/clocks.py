"""Rules of clocks: how long holds, freezes, reports and answers take, by law or by the house."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import state_is_known
from cases.models.proposals import Proposal, decided_by_a_second_person
from cases.states import PolicyState

CLOCK_ACTS = [
    ("provisional_hold", _("Provisional holds: until they lapse")),
    ("freeze", _("Freezes: at most until they end")),
    ("triage", _("Alerts: from the first firing until they are decided")),
    ("report", _("Suspicion reports: from the first alert until filed")),
    ("continuing", _("Suspicion that goes on: from one report until the next is filed")),
    ("answer", _("Requests of agencies: until they are answered")),
    ("preserve", _("Data preserved for an agency: until somebody is asked")),
    ("finding_ended", _("What rests on an ended finding: until it is put right")),
]
CLOCK_UNITS = [
    ("hours", _("hours")),
    ("days", _("days")),
    ("working_days", _("working days")),
    ("months", _("months")),
]


class ClockRule(Proposal):
    """One clock as one person proposed it and another put it in force; never edited.

    It holds for one authority, or for a country, or where both are empty for all.
    """

    act = models.CharField(max_length=20, choices=CLOCK_ACTS)
    country = models.CharField(max_length=2, blank=True)
    agency = models.ForeignKey("fiu.Agency", models.PROTECT, null=True, related_name="+")
    length = models.PositiveSmallIntegerField()
    unit = models.CharField(max_length=12, choices=CLOCK_UNITS)
    warn_hours = models.JSONField(default=list)  # before the end, longest first
    source = models.CharField(max_length=300)
    is_verified = models.BooleanField(default=False)  # counsel has read the source
    valid_from = models.DateField()

    class Meta:
        constraints = [
            state_is_known("clock_rule_state_is_known", PolicyState),
            models.UniqueConstraint(
                name="one_clock_in_force", fields=["act", "country", "valid_from"],
                condition=Q(state="in_force", agency=None),
            ),
            models.UniqueConstraint(
                name="one_clock_in_force_of_an_authority", fields=["act", "agency", "valid_from"],
                condition=Q(state="in_force"),
            ),
            decided_by_a_second_person("clock_decided_by_a_second_person"),
            models.CheckConstraint(
                name="clock_names_its_source", condition=Q(length__gte=1) & ~Q(source="")
            ),
        ]  # fmt: skip
