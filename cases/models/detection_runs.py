"""Runs of the detection rules: the row is the job, a message is only a hint (TRUST section 1)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models.base import PublicModel, state_is_known
from cases.models.rules import RuleChange
from cases.states import DetectionState

KINDS = [
    ("full", _("All accounts")),
    ("new", _("Accounts with new records")),
    ("trial", _("Trial of a changed rule on history")),
]
LIVE = (DetectionState.QUEUED.value, DetectionState.RUNNING.value)


class DetectionRun(PublicModel):
    """One run over accounts in order of their numbers.

    Who holds `attempt` and the lease writes; each batch of accounts is raised in one transaction
    with `done_to`, so a run that dies goes on behind its last batch and repeats nothing.
    `record_from` and `record_to` bound the records that a run of kind `new` is about.
    """

    kind = models.CharField(max_length=5, choices=KINDS)
    change = models.ForeignKey(RuleChange, models.PROTECT, null=True, related_name="trials")
    state = models.CharField(max_length=9, default=DetectionState.QUEUED.value)
    attempt = models.PositiveIntegerField(default=0)
    num_tries_left = models.PositiveSmallIntegerField(default=5)
    lease_until = models.DateTimeField(null=True)
    done_to = models.BigIntegerField(default=0)  # number of the last account looked at
    record_from = models.BigIntegerField(default=0)
    record_to = models.BigIntegerField(default=0)
    num_accounts = models.PositiveIntegerField(default=0)
    # What it saw and raised; of a trial, what would change.
    result = models.JSONField(default=dict)
    error = models.CharField(max_length=300, blank=True)
    queued_at = models.DateTimeField()
    queued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            state_is_known("detection_run_state_is_known", DetectionState),
            models.CheckConstraint(
                name="running_detection_has_a_lease",
                condition=Q(state="running", lease_until__isnull=False)
                | (~Q(state="running") & Q(lease_until=None)),
            ),
            models.CheckConstraint(
                name="trial_has_a_change",
                condition=Q(kind="trial", change__isnull=False)
                | (~Q(kind="trial") & Q(change=None)),
            ),
            models.UniqueConstraint(
                name="one_live_detection_of_a_kind", fields=["kind"],
                condition=Q(state__in=LIVE, change=None),
            ),
            models.UniqueConstraint(
                name="one_live_trial_of_a_change", fields=["change"], condition=Q(state__in=LIVE)
            ),
        ]  # fmt: skip
        indexes = [
            # The worker: which runs wait, the oldest first.
            models.Index(
                fields=["queued_at"], name="detection_waiting", condition=Q(state__in=LIVE)
            ),
            # The page of rules: the newest runs.
            models.Index(fields=["-queued_at"], name="detection_newest"),
        ]
