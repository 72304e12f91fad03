"""Freezes: the request, its lines per account and asset, approvals, receipts, instruments."""

import uuid
from collections.abc import Iterable
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models.approvals import Approval
from cases.models.base import CaseScopedQuerySet, PublicModel, state_is_known
from cases.models.cases import Case
from cases.models.exchange import Asset, ExchangeAccount, Price
from cases.models.fields import BaseUnitsField
from cases.models.findings import Finding
from cases.states import (
    LIVE_LINE_STATES,
    ExtensionState,
    FreezeReleaseState,
    FreezeState,
    LineState,
)

LEGAL_BASES = [
    ("court_order", _("Court order")),
    ("prosecutor_order", _("Prosecutor's order")),
    ("police_order", _("Police order")),
    ("mlat", _("Mutual legal assistance")),
    ("sanctions", _("Sanctions")),
    ("terms_of_service", _("Terms of service")),
    ("internal_suspicion", _("Own suspicion")),
]
RECEIPT_KINDS = [
    ("hold", _("Hold")),
    ("release", _("Release")),
    ("seizure", _("Seizure")),
    ("transfer", _("Transfer")),
]


class LegalInstrument(PublicModel):
    """A court order, an agency's request or a sanctions entry behind a freeze."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="instruments")
    type = models.CharField(
        max_length=16,
        choices=[
            ("court_order", _("Court order")),
            ("agency_request", _("Agency request")),
            ("sanctions_entry", _("Sanctions entry")),
        ],
    )
    number = models.CharField(max_length=60)
    agency = models.ForeignKey("fiu.Agency", models.PROTECT, null=True, related_name="+")
    issued_by = models.CharField(max_length=120)
    issued_on = models.DateField()
    valid_until = models.DateField(null=True)
    jurisdiction = models.CharField(max_length=2)
    document_name = models.CharField(max_length=120, blank=True)
    document_sha256 = models.CharField(max_length=64, blank=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    verified_at = models.DateTimeField(null=True)

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="instrument_verified_by_a_second_person",
                condition=Q(verified_by=None) | ~Q(verified_by=F("recorded_by")),
            ),
            models.UniqueConstraint(
                name="instrument_once_per_case", fields=["case", "type", "number"]
            ),
        ]


class FreezeQuerySet(CaseScopedQuerySet):
    def open(self) -> "FreezeQuerySet":
        """Requests that still wait for somebody or hold something."""
        return self.exclude(
            state__in=[
                FreezeState.REJECTED,
                FreezeState.CANCELLED,
                FreezeState.LAPSED,
                FreezeState.CLOSED,
            ]
        )


class FreezeRequest(PublicModel):
    """A hold of value that one person asks for and another approves."""

    reference = models.CharField(max_length=20, unique=True)
    case = models.ForeignKey(Case, models.PROTECT, related_name="freezes")
    legal_basis = models.CharField(max_length=20, choices=LEGAL_BASES)
    restriction = models.CharField(
        max_length=12,
        default="withdrawals",
        choices=[
            ("withdrawals", _("Withdrawals")),
            ("trading", _("Trading")),
            ("all", _("All movements")),
        ],
    )
    urgency = models.CharField(
        max_length=12,
        default="routine",
        choices=[
            ("routine", _("Routine")),
            ("urgent", _("Urgent")),
            ("life_at_risk", _("Life at risk")),
        ],
    )
    agency = models.ForeignKey("fiu.Agency", models.PROTECT, null=True, related_name="+")
    reason = models.TextField()
    state = models.CharField(max_length=16, default=FreezeState.DRAFT.value)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    last_edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField(null=True)
    provisional_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    provisional_until = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)
    executed_at = models.DateTimeField(null=True)
    # What was asked for and approved; `expires_at` is the end that holds now, after extensions.
    asked_until = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    content_hash = models.CharField(max_length=64, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = FreezeQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("freeze_state_is_known", FreezeState),
            models.CheckConstraint(
                name="freeze_approver_is_a_second_person",
                condition=Q(approved_by=None)
                | (
                    ~Q(approved_by=F("requested_by"))
                    & ~Q(approved_by=F("last_edited_by"))
                    & (Q(provisional_by=None) | ~Q(approved_by=F("provisional_by")))
                ),
            ),
            models.CheckConstraint(
                name="standing_freeze_has_an_approver",
                condition=~Q(
                    state__in=[
                        "approved",
                        "executing",
                        "failed",
                        "active",
                        "decision_due",
                        "closed",
                    ]
                )
                | Q(approved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="provisional_freeze_has_its_clock",
                condition=~Q(state="provisional") | Q(provisional_until__isnull=False),
            ),
        ]
        indexes = [
            # The board: requests by state, newest first.
            models.Index(fields=["state", "-requested_at"], name="freeze_board"),
            # The clocks: what lapses or falls due next.
            models.Index(fields=["provisional_until"], name="freeze_provisional_clock"),
            models.Index(fields=["expires_at"], name="freeze_expiry_clock"),
        ]

    def __str__(self) -> str:
        return self.reference


class FreezeLineQuerySet(CaseScopedQuerySet):
    case_path = "freeze__case__"

    def live_on(self, accounts: Iterable[int]) -> Self:
        """What the exchange is asked to hold on these accounts now, whichever case asked for it.

        On purpose without the row filter: a hold is the exchange's own fact, and an asset of an
        account can be held once only. Show amounts of it, never the case or the request behind.
        """
        return self.filter(account__in=list(accounts), state__in=LIVE_LINE_STATES)


class FreezeLine(PublicModel):
    """One account's holding of one asset under a request; amounts in base units."""

    freeze = models.ForeignKey(FreezeRequest, models.PROTECT, related_name="lines")
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="freeze_lines")
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    requested = BaseUnitsField()
    executed = BaseUnitsField(default=0)
    released = BaseUnitsField(default=0)
    seized = BaseUnitsField(default=0)
    transferred = BaseUnitsField(default=0)  # of what was seized
    beyond_balance = models.CharField(max_length=200, blank=True)  # why more than is there
    finding = models.ForeignKey(Finding, models.PROTECT, null=True, related_name="freeze_lines")
    instrument = models.ForeignKey(
        LegalInstrument, models.PROTECT, null=True, related_name="freeze_lines"
    )
    state = models.CharField(max_length=12, default=LineState.PLANNED.value)
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True)
    executed_at = models.DateTimeField(null=True)
    price = models.ForeignKey(Price, models.PROTECT, null=True, related_name="+")
    fiat_value = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    fiat_currency = models.CharField(max_length=3, blank=True)
    shortfall_reason = models.CharField(max_length=200, blank=True)

    objects = FreezeLineQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("freeze_line_state_is_known", LineState),
            models.UniqueConstraint(
                name="one_live_freeze_per_account_and_asset",
                fields=["account", "asset"],
                condition=Q(state__in=LIVE_LINE_STATES),
            ),
            models.UniqueConstraint(
                name="one_line_per_account_and_asset_in_a_freeze",
                fields=["freeze", "account", "asset"],
            ),
            models.CheckConstraint(
                name="freeze_line_never_releases_more_than_executed",
                condition=Q(released__lte=F("executed")),
            ),
            # The sum of both is compared by a guard on PostgreSQL, in Python under the case lock.
            models.CheckConstraint(
                name="freeze_line_seizes_and_transfers_what_is_there",
                condition=Q(seized__lte=F("executed")) & Q(transferred__lte=F("seized")),
            ),
            models.CheckConstraint(
                name="held_line_has_its_receipt_time",
                condition=~Q(state="held") | Q(executed_at__isnull=False),
            ),
        ]
        indexes = [
            # The totals: what is held now, by asset.
            models.Index(fields=["asset"], name="freeze_line_held", condition=Q(state="held"))
        ]

    @property
    def held(self) -> int:
        """What the exchange holds now under this line, in base units."""
        return int(self.executed - self.released - self.seized)


class FreezeReceipt(models.Model):
    """One receipt of the exchange for a line: free balance, or a stopped withdrawal."""

    line = models.ForeignKey(FreezeLine, models.PROTECT, related_name="receipts")
    kind = models.CharField(max_length=12, choices=RECEIPT_KINDS)
    external_ref = models.CharField(max_length=60)
    source = models.CharField(max_length=24, default="balance")
    base = BaseUnitsField()
    at = models.DateTimeField()
    txid = models.CharField(max_length=100, blank=True)  # of a transfer

    class Meta:
        constraints = [
            # A repeated receipt adds nothing.
            models.UniqueConstraint(name="receipt_once", fields=["kind", "external_ref"])
        ]


class FreezeApproval(Approval):
    freeze = models.ForeignKey(FreezeRequest, models.PROTECT, related_name="approvals")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_decision_per_person_on_freeze",
                fields=["freeze", "user", "content_hash"],
            )
        ]


class FreezeScopedQuerySet(CaseScopedQuerySet):
    case_path = "freeze__case__"


class FreezeDecision(PublicModel):
    """What one person asks of a standing freeze and another decides; its content never changes."""

    number = models.PositiveSmallIntegerField()
    reason = models.TextField()
    instrument = models.ForeignKey(LegalInstrument, models.PROTECT, null=True, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    content_hash = models.CharField(max_length=64)

    objects = FreezeScopedQuerySet.as_manager()

    class Meta:
        abstract = True


class FreezeExtension(FreezeDecision):
    """A longer hold: on which basis and until when."""

    freeze = models.ForeignKey(FreezeRequest, models.PROTECT, related_name="extensions")
    basis = models.CharField(max_length=20, choices=LEGAL_BASES)
    until = models.DateTimeField()
    state = models.CharField(max_length=12, default=ExtensionState.REQUESTED.value)

    class Meta:
        constraints = [
            state_is_known("freeze_extension_state_is_known", ExtensionState),
            models.UniqueConstraint(name="extension_number_once", fields=["freeze", "number"]),
            models.UniqueConstraint(
                name="one_open_extension_per_freeze",
                fields=["freeze"],
                condition=Q(state="requested"),
            ),
            models.CheckConstraint(
                name="extension_decided_by_a_second_person",
                condition=Q(state="requested", decided_by=None)
                | (~Q(state="requested") & ~Q(decided_by=F("requested_by"))),
            ),
        ]

    @property
    def reference(self) -> str:
        return f"{self.freeze.reference}-E{self.number}"


class FreezeRelease(FreezeDecision):
    """The end of a hold, whole or in part: an amount per line, executed through the outbox."""

    freeze = models.ForeignKey(FreezeRequest, models.PROTECT, related_name="releases")
    state = models.CharField(max_length=12, default=FreezeReleaseState.REQUESTED.value)

    class Meta:
        constraints = [
            state_is_known("freeze_release_state_is_known", FreezeReleaseState),
            models.UniqueConstraint(name="release_number_once", fields=["freeze", "number"]),
            # So that two releases never promise the same unit.
            models.UniqueConstraint(
                name="one_open_release_per_freeze",
                fields=["freeze"],
                condition=Q(state__in=["requested", "approved", "unknown"]),
            ),
            models.CheckConstraint(
                name="release_decided_by_a_second_person",
                condition=Q(state="requested", decided_by=None)
                | (~Q(state="requested") & ~Q(decided_by=F("requested_by"))),
            ),
        ]

    @property
    def reference(self) -> str:
        return f"{self.freeze.reference}-R{self.number}"


class FreezeReleaseLine(models.Model):
    """How much of one line is to be released, in base units."""

    release = models.ForeignKey(FreezeRelease, models.PROTECT, related_name="lines")
    line = models.ForeignKey(FreezeLine, models.PROTECT, related_name="releases")
    amount = BaseUnitsField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="release_names_a_line_once", fields=["release", "line"])
        ]


class ExtensionApproval(Approval):
    extension = models.ForeignKey(FreezeExtension, models.PROTECT, related_name="approvals")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_decision_per_person_on_extension",
                fields=["extension", "user", "content_hash"],
            )
        ]


class FreezeReleaseApproval(Approval):
    release = models.ForeignKey(FreezeRelease, models.PROTECT, related_name="approvals")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_decision_per_person_on_release",
                fields=["release", "user", "content_hash"],
            )
        ]
