"""The trace runs a case asked for, and what they say reached the exchange."""

from django.conf import settings
from django.db import models

from cases.models.base import CaseScopedQuerySet
from cases.models.cases import Case
from cases.models.exchange import ExchangeAccount
from cases.models.fields import BaseUnitsField


class CaseRun(models.Model):
    """A run of this case by its public id; the run itself lives in tracing."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="runs")
    run = models.UUIDField(unique=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    requested_at = models.DateTimeField()
    collected_at = models.DateTimeField(null=True)
    is_lead = models.BooleanField(default=False)  # the run that the money strip names
    drifted_at = models.DateTimeField(null=True)  # when it was found to conclude something else

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_lead_run_per_case", fields=["case"], condition=models.Q(is_lead=True)
            )
        ]
        indexes = [
            # The inbox: a person's runs that failed, and those that conclude something else now.
            models.Index(
                fields=["requested_by"], name="case_run_uncollected",
                condition=models.Q(collected_at=None),
            ),
            models.Index(
                fields=["drifted_at"], name="case_run_drifted",
                condition=models.Q(drifted_at__isnull=False),
            ),
        ]  # fmt: skip


class ReachedAccountQuerySet(CaseScopedQuerySet):
    case_path = "case_run__case__"


class ReachedAccount(models.Model):
    """What a collected run says arrived at one deposit address in one transaction output."""

    case_run = models.ForeignKey(CaseRun, models.PROTECT, related_name="reached")
    account = models.ForeignKey(ExchangeAccount, models.PROTECT, related_name="reached")
    asset = models.CharField(max_length=120)
    outpoint = models.CharField(max_length=80)
    address = models.CharField(max_length=100)
    at = models.DateTimeField()
    value = BaseUnitsField()
    base = BaseUnitsField()
    low = BaseUnitsField()
    high = BaseUnitsField()

    objects = ReachedAccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="reached_once_per_outpoint", fields=["case_run", "outpoint"]
            )
        ]
