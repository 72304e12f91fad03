"""Cohorts: which of our customers paid one platform, with how sure each of them is told."""

from django.conf import settings
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.models.base import CaseScopedQuerySet, PublicModel
from cases.models.cases import Case
from cases.models.exchange import ExchangeAccount, ExchangeRecord
from cases.models.fields import BaseUnitsField

TIERS = [
    (1, _("Exchange record")),
    (2, _("Own wallet, proved")),
    (3, _("Pattern only")),
]
ALTERNATIVES: dict[int, Promise] = {
    1: _("Somebody else used the account, or its holder paid for another person."),
    2: _("The wallet between belongs to somebody whom the holder paid."),
    3: _("The wallet also held other money: the payment may have been made with that."),
}
"""What else would explain the payments of a tier."""
TAG_CONFLICT, PAYEE = "tag_conflict", "payee"
"""Why a member is kept out: tags disagree about the addresses, or the platform only paid it."""
TIER_PATTERN = 3
"""The tier that may never leave the house as a user of the platform."""


class Cohort(PublicModel):
    """One answer to "who of ours paid this platform?", with all that it hangs on."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="cohorts")
    platform = models.CharField(max_length=80)
    ledger = models.CharField(max_length=24)
    asset = models.CharField(max_length=120)
    packages = models.JSONField(default=list)  # amounts that count, base units as text
    from_at = models.DateTimeField(null=True)
    to_at = models.DateTimeField(null=True)
    wallets = models.JSONField(default=list)  # public ids of the case's wallets it starts from
    num_addresses = models.PositiveIntegerField()
    num_disputed = models.PositiveIntegerField()  # addresses with an open tag conflict
    addresses_sha256 = models.CharField(max_length=64)
    tag_packs = models.JSONField(default=list)  # [name, sha256]
    height = models.PositiveIntegerField()
    block_hash = models.CharField(max_length=64)
    num_payments = models.PositiveIntegerField()  # by anybody, customers and strangers
    built_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    built_at = models.DateTimeField()

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        indexes = [
            # The cohort tab of a case, newest first.
            models.Index(fields=["case", "-built_at"], name="cohort_of_case")
        ]


class CohortMemberQuerySet(CaseScopedQuerySet):
    case_path = "cohort__case__"


class CohortMember(PublicModel):
    """One customer of a cohort; the customer is named by a reference and shown masked.

    Tier, sums and times are those of its payments. Whoever only was paid by the platform is kept
    out: then they are those of the payouts, and nothing is exported of somebody who never paid.
    """

    cohort = models.ForeignKey(Cohort, models.PROTECT, related_name="members")
    customer = models.CharField(max_length=40)
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="cohort_members")
    country = models.CharField(max_length=2)
    tier = models.PositiveSmallIntegerField(choices=TIERS)
    kept_out = models.CharField(max_length=12, blank=True, default="")  # or tag_conflict, payee
    is_exportable = models.BooleanField()
    num_payments = models.PositiveIntegerField()
    amount = BaseUnitsField()
    num_payouts = models.PositiveIntegerField(default=0)  # by the platform to this customer
    received = BaseUnitsField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    objects = CohortMemberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="customer_once_per_cohort", fields=["cohort", "customer"]),
            models.CheckConstraint(
                name="cohort_tier_is_known", condition=models.Q(tier__in=[1, 2, 3])
            ),
            models.CheckConstraint(
                name="pattern_or_conflict_is_never_exported",
                condition=models.Q(is_exportable=False) | models.Q(tier__lt=3, kept_out=""),
            ),
        ]

    @property
    def path_length(self) -> int:
        """Transactions between our account and the platform; from tier 2 on a wallet lies there."""
        return 1 if self.tier == 1 else 2


class CohortPaymentQuerySet(CaseScopedQuerySet):
    case_path = "member__cohort__case__"


class CohortPayment(models.Model):
    """One payment of a member: the record it began with and the output or transfer that paid.

    A payout is one of the platform to the member: the record is the deposit it ended in, and
    `address` the platform's. Inside the books record and payment are one and the same: `txid` is
    the record's reference then, `height` 0.
    """

    member = models.ForeignKey(CohortMember, models.PROTECT, related_name="payments")
    record = models.ForeignKey(ExchangeRecord, models.PROTECT, related_name="+")
    tier = models.PositiveSmallIntegerField(choices=TIERS)
    txid = models.CharField(max_length=100)
    vout = models.PositiveIntegerField()
    address = models.CharField(max_length=120)
    amount = BaseUnitsField()
    height = models.PositiveIntegerField()
    at = models.DateTimeField()
    is_disputed = models.BooleanField(default=False)
    is_payout = models.BooleanField(default=False)

    objects = CohortPaymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="payment_once_per_member", fields=["member", "txid", "vout"]
            )
        ]

    @property
    def is_inside(self) -> bool:
        """Whether it was paid inside our books, to an account of the platform: no block has it."""
        return not self.height and self.txid == self.record.ref
