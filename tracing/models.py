"""The tables of tracing: runs, their results, and the addresses where a trace stops."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tracing.states import LIVE_STATES, BoundaryKind, RunState

MAXIMUM_TRIES = 5


class TraceRun(models.Model):
    """One engine run asked for by a person. This row is the job; a message is only a hint to it.

    `case` and `requested_by` are plain identifiers: tracing knows neither cases nor people.
    Only leases.py and jobs.py write here, by compare and set.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    case = models.UUIDField()
    requested_by = models.BigIntegerField()
    ledger = models.CharField(max_length=32)
    mode = models.CharField(max_length=12)
    parameters = models.JSONField()
    params_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=12, default=RunState.QUEUED.value)

    attempt = models.PositiveIntegerField(default=0)  # the fence, never reset
    num_tries_left = models.PositiveSmallIntegerField(default=MAXIMUM_TRIES)
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=120, blank=True, default="")
    step = models.PositiveIntegerField(default=0)
    checkpoint = models.BinaryField(null=True)  # zlib of JSON
    checkpoint_sha256 = models.CharField(max_length=64, blank=True, default="")
    progress = models.JSONField(default=dict)

    hinted_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(db_default=Now())
    num_unreachable = models.PositiveIntegerField(default=0)
    unreachable_since = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=12, blank=True, default="")
    error_text = models.CharField(max_length=500, blank=True, default="")

    queued_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    collected_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="run_state_is_known",
                condition=Q(state__in=[state.value for state in RunState]),
            ),
            models.CheckConstraint(
                name="run_has_lease_exactly_while_running",
                condition=Q(state="running", lease_until__isnull=False)
                | (~Q(state="running") & Q(lease_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="run_ended_exactly_when_finished",
                condition=Q(state__in=LIVE_STATES, finished_at__isnull=True)
                | (~Q(state__in=LIVE_STATES) & Q(finished_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="run_failed_exactly_with_error",
                condition=(Q(state="failed") & ~Q(error="")) | (~Q(state="failed") & Q(error="")),
            ),
            models.CheckConstraint(
                name="run_collected_only_when_done",
                condition=Q(collected_at__isnull=True) | Q(state="done"),
            ),
            models.UniqueConstraint(
                name="one_live_run_per_case_and_parameters",
                fields=["case", "params_hash"],
                condition=Q(state__in=LIVE_STATES),
            ),
        ]
        indexes = [
            # The traces tab of a case, newest first.
            models.Index(fields=["case", "-queued_at"], name="run_of_case"),
            # The dispatcher: what may be claimed.
            models.Index(
                fields=["not_before"], name="run_live", condition=Q(state__in=LIVE_STATES)
            ),
            # The dispatcher: done and not collected.
            models.Index(
                fields=["finished_at"],
                name="run_uncollected",
                condition=Q(state="done", collected_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class TraceResult(models.Model):
    """What a run found: written once, in the transaction that ends the run."""

    run = models.OneToOneField(TraceRun, models.PROTECT, related_name="result")
    result = models.BinaryField()  # zlib of canonical JSON
    result_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.result_sha256


class BoundaryQuerySet(models.QuerySet["Boundary"]):
    def of_ledger(self, ledger: str) -> "BoundaryQuerySet":
        return self.filter(ledger=ledger)

    def walls(self, ledger: str) -> dict[str, str]:
        """Address to kind for one ledger: 1 query. The exchange's own word wins."""
        rows = self.of_ledger(ledger).order_by("-kind", "source").values_list("address", "kind")
        return dict(rows)  # "service" sorts first in descending order, so it is overwritten


class Boundary(models.Model):
    """An address behind which the chain says nothing more about whose money it is."""

    ledger = models.CharField(max_length=32)
    address = models.CharField(max_length=120)
    kind = models.CharField(max_length=20)
    label = models.CharField(max_length=120, blank=True, default="")
    source = models.CharField(max_length=60)

    objects = BoundaryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "boundaries"
        constraints = [
            models.CheckConstraint(
                name="boundary_kind_is_known",
                condition=Q(kind__in=[kind.value for kind in BoundaryKind]),
            ),
            # Serves the runner too: all walls of a ledger.
            models.UniqueConstraint(
                name="one_boundary_per_source_and_address",
                fields=["ledger", "address", "source"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ledger}:{self.address}"
