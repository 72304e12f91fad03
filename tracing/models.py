"""The tables of tracing: runs, their results, and the addresses where a trace stops."""

import json
import uuid
import zlib

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tracing.engine.seal import boundaries_sha256
from tracing.states import LIVE_STATES, BoundaryKind, LabelState, RunState

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
    ledger = models.CharField(max_length=32, default="")
    epoch = models.PositiveIntegerField(default=0)  # of the sealed snapshot
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            # After a reorganisation: which results rest on epochs that held an orphaned block?
            models.Index(fields=["ledger", "epoch"], name="result_of_epoch")
        ]

    def __str__(self) -> str:
        return self.result_sha256


class StaleRun(models.Model):
    """A done run that rests on blocks which left the chain. Written once, never taken back."""

    run = models.OneToOneField(TraceRun, models.PROTECT, related_name="stale")
    fork_height = models.PositiveIntegerField()  # the last block that both branches share
    num_blocks = models.PositiveIntegerField()  # orphaned blocks of its snapshot
    txids = models.JSONField(default=list)  # transactions of the result in those blocks
    num_gone = models.PositiveIntegerField(default=0)  # of them, in no block of the chain now
    noticed_at = models.DateTimeField(db_default=Now())
    told_at = models.DateTimeField(null=True)  # when the casework wrote it down

    class Meta:
        indexes = [
            # The dispatcher: what the casework has not written down yet.
            models.Index(
                fields=["noticed_at"], name="stale_untold", condition=Q(told_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.run_id} behind {self.fork_height}"


class DriftCheck(models.Model):
    """The last time a done run was asked again: one row a run, replaced by every check."""

    run = models.OneToOneField(TraceRun, models.PROTECT, related_name="drift")
    epoch = models.PositiveIntegerField()  # these four: of what it was asked
    tip_hash = models.CharField(max_length=64)
    walls_sha256 = models.CharField(max_length=64)
    tag_set = models.CharField(max_length=64, default="")
    height = models.PositiveIntegerField()
    num_conclusions = models.PositiveIntegerField()
    num_moved = models.PositiveIntegerField()
    changes = models.JSONField(default=list)
    num_looks = models.PositiveIntegerField(default=0)  # the fence
    checked_at = models.DateTimeField()  # when a look began; empty fields above: it did not end
    noticed_at = models.DateTimeField()  # since when it says what it says
    told_at = models.DateTimeField(null=True)  # when the casework wrote it down

    class Meta:
        indexes = [
            models.Index(
                fields=["noticed_at"],
                name="drift_untold",
                condition=Q(told_at__isnull=True, num_conclusions__gt=0),
            )
        ]

    def __str__(self) -> str:
        return f"{self.run_id} at {self.height}"


class FollowedNode(models.Model):
    """How far a ledger follows one node: one row a node, replaced by every sync."""

    name = models.CharField(max_length=60, unique=True)
    ledger = models.CharField(max_length=32)
    ledger_height = models.PositiveIntegerField(null=True)
    node_height = models.PositiveIntegerField(null=True)
    synced_at = models.DateTimeField(null=True)  # when the ledger was last level with the node
    asked_at = models.DateTimeField()
    problem = models.CharField(max_length=500, blank=True, default="")

    def __str__(self) -> str:
        return self.name


class OutsideLookup(models.Model):
    """A question to a host outside: who asked whom about what, and why. Written before it is asked.

    `outcome` is empty once the answer was whole.
    """

    at = models.DateTimeField(db_default=Now())
    source = models.CharField(max_length=60)
    host = models.CharField(max_length=255)
    purpose = models.CharField(max_length=300)
    subject = models.CharField(max_length=200)
    by = models.CharField(max_length=150)
    num_requests = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        indexes = [
            # The log, newest first.
            models.Index(fields=["-at"], name="outside_lookup_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at}:{self.source}"


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


class WallVersion(models.Model):
    """Which walls a ledger has now: one row a ledger, changed with its walls in one transaction.

    A stamp is drawn anew for each change and never comes again.
    """

    ledger = models.CharField(max_length=32, unique=True)
    stamp = models.CharField(max_length=32)
    earlier = models.JSONField(default=list)  # stamps since when walls only came, oldest first
    sha256 = models.CharField(max_length=64, blank=True, default="")  # of the walls, once reckoned

    def __str__(self) -> str:
        return f"{self.ledger}:{self.stamp}"


WallRows = tuple[tuple[str, str], ...]
"""(address, kind), sorted, each once."""


class WallSetQuerySet(models.QuerySet["WallSet"]):
    def keep(self, rows: WallRows) -> WallRows:
        """Keep the walls that a run is about to know, once for all runs: 1 or 2 queries."""
        sha256 = boundaries_sha256(rows)
        if not self.filter(sha256=sha256).exists():
            content = zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 6)
            self.bulk_create([WallSet(sha256=sha256, rows=content)], ignore_conflicts=True)
        return rows

    def of(self, sha256: str) -> WallRows | None:
        """The walls of a seal; None where they were not kept: 1 query."""
        found = self.filter(sha256=sha256).first()
        if found is None:
            return None
        rows = json.loads(zlib.decompress(bytes(found.rows)))
        return tuple((address, kind) for address, kind in rows)


class WallSet(models.Model):
    """The walls that sealed results knew, so that any of them can be repeated. Never changed."""

    sha256 = models.CharField(max_length=64, unique=True)  # as in the seal
    rows = models.BinaryField()  # zlib of JSON: [[address, kind], ...]
    kept_at = models.DateTimeField(db_default=Now())

    objects = WallSetQuerySet.as_manager()

    def __str__(self) -> str:
        return self.sha256


class TagSet(models.Model):
    """Which tags held at one time, as seals cite it; rows of labels stay, so it can be read again.

    Never changed.
    """

    sha256 = models.CharField(max_length=64, unique=True)  # as in the seal
    packs = models.JSONField()  # SHA-256 of each file of tags
    lists = models.JSONField()  # SHA-256 of each sanctions list
    house = models.JSONField()  # ids of the tags that this installation's people stand for
    rulings = models.JSONField(default=list)  # decisions on tags that disagree, and on two owners
    kept_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.sha256


class TagPackQuerySet(models.QuerySet["TagPack"]):
    def active(self) -> "TagPackQuerySet":
        return self.filter(state=LabelState.ACTIVE.value)


class TagPack(models.Model):
    """One loaded version of a file of tags; a later version of the same name supersedes it."""

    name = models.CharField(max_length=200)
    creator = models.CharField(max_length=120, blank=True, default="")
    description = models.CharField(max_length=500, blank=True, default="")
    source = models.CharField(max_length=500, blank=True, default="")
    licence = models.CharField(max_length=80, blank=True, default="")  # without one: internal
    file_name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64, unique=True)
    lastmod = models.DateField(null=True)
    num_tags = models.PositiveIntegerField()
    rejected = models.JSONField(default=list)  # [number, text, reason]
    notes = models.JSONField(default=list)
    state = models.CharField(max_length=12, default=LabelState.ACTIVE.value)
    superseded_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    loaded_at = models.DateTimeField(db_default=Now())

    objects = TagPackQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="tag_pack_superseded_by_another",
                condition=Q(state=LabelState.ACTIVE.value, superseded_by__isnull=True)
                | Q(state=LabelState.SUPERSEDED.value, superseded_by__isnull=False),
            ),
            models.UniqueConstraint(
                name="one_active_version_per_tag_pack",
                fields=["name", "creator"],
                condition=Q(state=LabelState.ACTIVE.value),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:8]}"


class AttributionTag(models.Model):
    """A claim about one address: whose it is or what it is, by whom, how sure. Never edited.

    That it holds for the whole cluster is worked out when it is read, never written down.
    """

    pack = models.ForeignKey(TagPack, models.PROTECT, related_name="tags")
    number = models.PositiveIntegerField()  # its row in the file
    chain = models.CharField(max_length=60)  # CAIP-2
    address = models.CharField(max_length=120)
    family = models.CharField(max_length=20)
    payload_hex = models.CharField(max_length=160)
    label = models.CharField(max_length=200)
    category = models.CharField(max_length=40, blank=True, default="")
    concepts = models.JSONField(default=list)
    abuse = models.CharField(max_length=40, blank=True, default="")
    actor = models.CharField(max_length=80, blank=True, default="")
    confidence = models.CharField(max_length=24)  # TagPack level
    level = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=500)
    lastmod = models.DateField(null=True)
    is_cluster_definer = models.BooleanField(default=False)
    state = models.CharField(max_length=12, default="published")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="tag_once_per_pack", fields=["pack", "chain", "address", "label"]
            )
        ]
        indexes = [
            # Wallet, address page and inspector: who says what about this address?
            models.Index(fields=["chain", "address"], name="tag_address")
        ]

    def __str__(self) -> str:
        return f"{self.address}: {self.label}"


class OverruledClaim(models.Model):
    """A claim that the house decided against: this label on this address counts nowhere.

    It stays to be read beside the tag that holds. `ruling` names the decision among the cases.
    """

    chain = models.CharField(max_length=60)
    address = models.CharField(max_length=120)
    label = models.CharField(max_length=200)
    ruling = models.UUIDField()
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            # Serves every read of tags too: is this claim overruled?
            models.UniqueConstraint(
                name="claim_overruled_once_by_a_ruling",
                fields=["chain", "address", "label", "ruling"],
            )
        ]
        indexes = [
            # Doubting a decision: all that it overruled.
            models.Index(fields=["ruling"], name="overruled_by_ruling")
        ]

    def __str__(self) -> str:
        return f"{self.address}: {self.label}"


class TwoOwners(models.Model):
    """Two addresses that the house holds for two owners: no transaction joins their clusters.

    `ruling` names the decision among the cases. `first` sorts before `second`.
    """

    chain = models.CharField(max_length=60)
    first = models.CharField(max_length=120)
    second = models.CharField(max_length=120)
    ruling = models.UUIDField(unique=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "two owners"
        indexes = [
            # Every index of tags: what is kept apart on this chain?
            models.Index(fields=["chain"], name="two_owners_of_chain", condition=Q(is_active=True))
        ]

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"


class SanctionsList(models.Model):
    """One loaded version of a sanctions list; a hit names it by its hash."""

    name = models.CharField(max_length=120)
    file_name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64, unique=True)
    as_of = models.DateField(null=True)
    num_entries = models.PositiveIntegerField()
    rejected = models.JSONField(default=list)  # [number, text, reason]
    state = models.CharField(max_length=12, default=LabelState.ACTIVE.value)
    loaded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_active_version_per_sanctions_list",
                fields=["name"],
                condition=Q(state=LabelState.ACTIVE.value),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:8]}"


class SanctionsEntry(models.Model):
    """An address on a sanctions list. `listed_on` is null where the list does not say."""

    list = models.ForeignKey(SanctionsList, models.PROTECT, related_name="entries")
    number = models.PositiveIntegerField()
    chain = models.CharField(max_length=60)
    address = models.CharField(max_length=120)
    family = models.CharField(max_length=20)
    payload_hex = models.CharField(max_length=160)
    currency = models.CharField(max_length=12, blank=True, default="")  # as labelled
    entry = models.CharField(max_length=200)
    listed_on = models.DateField(null=True)

    class Meta:
        verbose_name_plural = "sanctions entries"
        constraints = [
            models.UniqueConstraint(
                name="sanctioned_once_per_list", fields=["list", "chain", "address"]
            )
        ]
        indexes = [
            # Wallet, address page and exposure: is this address listed?
            models.Index(fields=["chain", "address"], name="sanctioned_address")
        ]

    def __str__(self) -> str:
        return f"{self.list_id}:{self.number}"
