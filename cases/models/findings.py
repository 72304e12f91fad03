"""Findings: a claim with its evidence, its counter-evidence and a second person's review."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models.approvals import Approval
from cases.models.base import CaseScopedQuerySet, PublicModel, state_is_known
from cases.models.cases import Case
from cases.models.evidence import Evidence
from cases.models.fields import BaseUnitsField
from cases.models.suspects import Suspect
from cases.models.wallets import Wallet
from cases.states import FindingState

TIERS = [
    (0, _("Ledger fact")),
    (1, _("Exchange record")),
    (2, _("Deterministic inference with proof")),
    (3, _("Heuristic")),
    (4, _("Outside claim")),
]


class Finding(PublicModel):
    """A claim; only an approved one leaves the house. `tier` is its weakest evidence."""

    reference = models.CharField(max_length=20, unique=True)
    case = models.ForeignKey(Case, models.PROTECT, related_name="findings")
    kind = models.CharField(
        max_length=16,
        default="exposure",
        choices=[
            ("exposure", _("Exposure")),
            ("cluster", _("Cluster")),
            ("path", _("Path")),
            ("pattern", _("Pattern")),
            ("identity", _("Identity")),
            ("customer_match", _("Customer match")),
            ("infrastructure", _("Infrastructure")),
            ("sanctions", _("Sanctions")),
            ("other", _("Other")),
        ],
    )
    severity = models.CharField(
        max_length=6,
        default="medium",
        choices=[
            ("low", _("Low")),
            ("medium", _("Medium")),
            ("high", _("High")),
            ("severe", _("Severe")),
        ],
    )
    statement = models.TextField()
    tier = models.PositiveSmallIntegerField(choices=TIERS)
    confidence = models.PositiveSmallIntegerField(default=50)
    confidence_reason = models.TextField(blank=True)
    assumptions = models.TextField(blank=True)
    alternatives = models.TextField(blank=True)
    suspects = models.ManyToManyField(Suspect, related_name="findings", blank=True)
    wallets = models.ManyToManyField(Wallet, related_name="findings", blank=True)
    exhibits = models.ManyToManyField(Evidence, related_name="findings", blank=True)
    state = models.CharField(max_length=12, default=FindingState.DRAFT.value)
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    drafted_at = models.DateTimeField()
    last_edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    submitted_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True)
    superseded_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="supersedes")
    content_hash = models.CharField(max_length=64, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = CaseScopedQuerySet.as_manager()

    @property
    def claim(self) -> str:
        """What a drafted statement claims, without its measures: the title in lists."""
        return self.statement.partition("; ")[0]

    @property
    def measures(self) -> str:
        """The rest of the statement as a sentence, such as "Of the traced origin low 6.20, ..."."""
        rest = self.statement.partition("; ")[2]
        return rest[:1].upper() + rest[1:]

    class Meta:
        constraints = [
            state_is_known("finding_state_is_known", FindingState),
            models.CheckConstraint(name="finding_tier_is_0_to_4", condition=Q(tier__lte=4)),
            models.CheckConstraint(
                name="finding_reviewer_is_a_second_person",
                condition=Q(reviewed_by=None)
                | (
                    (Q(drafted_by=None) | ~Q(reviewed_by=F("drafted_by")))
                    & (Q(last_edited_by=None) | ~Q(reviewed_by=F("last_edited_by")))
                    & ~Q(reviewed_by=F("submitted_by"))
                ),
            ),
            models.CheckConstraint(
                name="superseded_finding_names_the_other",
                condition=(Q(state="superseded") & Q(superseded_by__isnull=False))
                | (~Q(state="superseded") & Q(superseded_by=None)),
            ),
            models.CheckConstraint(
                name="approved_finding_has_reviewer",
                condition=~Q(state="approved") | Q(reviewed_by__isnull=False),
            ),
        ]
        indexes = [
            # Findings to review, oldest first.
            models.Index(
                fields=["submitted_at", "id"],
                name="finding_to_review",
                condition=Q(state="submitted"),
            ),
            # The inbox: a person's own drafts.
            models.Index(fields=["drafted_by"], name="finding_draft", condition=Q(state="draft")),
        ]

    def __str__(self) -> str:
        return self.reference


class FindingVersion(models.Model):
    """What a finding said each time it was handed to review: for the difference, append-only."""

    finding = models.ForeignKey(Finding, models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    content = models.JSONField()
    content_hash = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="finding_version_once", fields=["finding", "number"])
        ]


class FindingAmount(models.Model):
    """An amount the statement speaks of, as a linked fact: policy amount inside sound bounds."""

    finding = models.ForeignKey(Finding, models.PROTECT, related_name="amounts")
    run = models.UUIDField(null=True)  # the sealed run it stands in
    result_sha256 = models.CharField(max_length=64, blank=True)
    policy = models.CharField(max_length=8, blank=True)
    outpoint = models.CharField(max_length=80, blank=True)
    address = models.CharField(max_length=100, blank=True)
    label = models.CharField(max_length=80, blank=True)
    asset = models.CharField(max_length=120)
    value = BaseUnitsField()
    base = BaseUnitsField()
    low = BaseUnitsField()
    high = BaseUnitsField()


class CounterEvidence(models.Model):
    """What speaks against a finding; approval is impossible while there is none, or unread."""

    finding = models.ForeignKey(Finding, models.PROTECT, related_name="counter_evidence")
    kind = models.CharField(
        max_length=16,
        default="analyst",
        choices=[
            ("commingling", _("Commingling")),
            ("coinjoin", _("CoinJoin upstream")),
            ("dust", _("Dust only")),
            ("service", _("Service in the path")),
            ("single_source", _("Single source")),
            ("single_tag", _("Tag of a single source")),
            ("tag_conflict", _("Tags that disagree")),
            ("unknown_input", _("Unknown inputs")),
            ("unknown_balance", _("Unknown opening balance")),
            ("analyst", _("Analyst's note")),
        ],
    )
    text = models.TextField()
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )


class FindingApproval(Approval):
    finding = models.ForeignKey(Finding, models.PROTECT, related_name="approvals")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_decision_per_person_on_finding",
                fields=["finding", "user", "content_hash"],
            )
        ]
