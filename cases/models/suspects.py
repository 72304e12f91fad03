"""Suspects and their names; the accounts a case links to them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models.base import CaseScopedQuerySet, PublicModel
from cases.models.cases import Case
from cases.models.exchange import ExchangeAccount


class Suspect(PublicModel):
    """A person, organisation or persona in a case."""

    reference = models.CharField(max_length=20, unique=True)
    case = models.ForeignKey(Case, models.PROTECT, related_name="suspects")
    kind = models.CharField(
        max_length=12,
        default="unknown",
        choices=[
            ("person", _("Person")),
            ("organisation", _("Organisation")),
            ("persona", _("Persona")),
            ("unknown", _("Unknown")),
        ],
    )
    standing = models.CharField(
        max_length=20,
        default="person_of_interest",
        choices=[
            ("person_of_interest", _("Person of interest")),
            ("suspect", _("Suspect")),
            ("charged", _("Charged")),
            ("arrested", _("Arrested")),
            ("convicted", _("Convicted")),
            ("acquitted", _("Acquitted")),
            ("cleared", _("Cleared")),
            ("victim", _("Victim")),
            ("witness", _("Witness")),
        ],
    )
    role = models.CharField(
        max_length=20,
        blank=True,
        choices=[
            ("administrator", _("Administrator")),
            ("vendor", _("Vendor")),
            ("buyer", _("Buyer")),
            ("moderator", _("Moderator")),
            ("money_mule", _("Money mule")),
            ("launderer", _("Launderer")),
            ("beneficial_owner", _("Beneficial owner")),
            ("victim", _("Victim")),
        ],
    )
    birth_year = models.PositiveSmallIntegerField(null=True)  # a day is seldom known
    note = models.TextField(blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        ordering = ["reference"]

    def __str__(self) -> str:
        return self.reference


class SuspectName(models.Model):
    """One name of a suspect: legal, alias, birth name; the first one is the heading."""

    suspect = models.ForeignKey(Suspect, models.PROTECT, related_name="names")
    type = models.CharField(
        max_length=4,
        default="ALIA",
        choices=[
            ("LEGL", _("Legal name")),
            ("ALIA", _("Alias")),
            ("BIRT", _("Name at birth")),
            ("MAID", _("Maiden name")),
            ("MISC", _("Other name")),
        ],
    )
    full = models.CharField(max_length=150)
    script = models.CharField(max_length=4, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="suspect_name_once", fields=["suspect", "full"])
        ]


class SuspectAccountQuerySet(CaseScopedQuerySet):
    case_path = "suspect__case__"


class SuspectAccount(models.Model):
    """An exchange account that a case links to a suspect, with the basis of the link."""

    suspect = models.ForeignKey(Suspect, models.PROTECT, related_name="accounts")
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="suspect_links")
    basis = models.TextField()
    linked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    linked_at = models.DateTimeField()

    objects = SuspectAccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="suspect_account_once", fields=["suspect", "account"])
        ]
