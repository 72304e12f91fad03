"""Wallets of a case: an address or a cluster with its role and where it came from."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models.base import CaseScopedQuerySet, PublicModel
from cases.models.cases import Case

WALLET_ROLES = [
    ("bank", _("Market bank")),
    ("hot", _("Hot wallet")),
    ("cold", _("Cold wallet")),
    ("admin", _("Administrator")),
    ("vendor", _("Vendor")),
    ("buyer", _("Buyer")),
    ("swap", _("Swap service")),
    ("mixer", _("Mixer")),
    ("deposit", _("Deposit address")),
    ("mule", _("Money mule")),
    ("service", _("Service")),
    ("unknown", _("Unknown")),
]


class Wallet(PublicModel):
    """One address, or the cluster it stands for, in one case."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="wallets")
    ledger = models.CharField(max_length=24)
    address = models.CharField(max_length=100)
    is_cluster = models.BooleanField(default=False)
    label = models.CharField(max_length=80, blank=True)
    role = models.CharField(max_length=8, default="unknown", choices=WALLET_ROLES)
    provenance = models.CharField(
        max_length=8,
        choices=[
            ("document", _("Document")),
            ("trace", _("Trace")),
            ("tag", _("Tag")),
            ("analyst", _("Analyst")),
        ],
    )
    provenance_note = models.CharField(max_length=200)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="wallet_once_per_case", fields=["case", "ledger", "address"]
            )
        ]
        indexes = [
            # Which of my cases know this address?
            models.Index(fields=["ledger", "address"], name="wallet_address")
        ]
