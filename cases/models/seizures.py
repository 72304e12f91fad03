"""Seizures: what an order takes of a frozen line, and its transfer to the authority's address."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.models.approvals import Approval
from cases.models.base import state_is_known
from cases.models.fields import BaseUnitsField
from cases.models.freezes import FreezeDecision, FreezeLine, FreezeRequest
from cases.states import OPEN_SEIZURE_STATES, SeizureState


class Seizure(FreezeDecision):
    """Amounts of a standing freeze that an order takes, and where they are to go.

    Two keys turn: one of a supervisor and one of compliance, neither of whom asked for it, after
    somebody called the authority back about the address. `decided_by` turned the second.
    """

    freeze = models.ForeignKey(FreezeRequest, models.PROTECT, related_name="seizures")
    agency = models.ForeignKey("fiu.Agency", models.PROTECT, related_name="+")
    destination = models.CharField(max_length=100)
    state = models.CharField(max_length=20, default=SeizureState.REQUESTED.value)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True)
    confirmed_how = models.CharField(max_length=200, blank=True)
    transferred_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    transfer_asked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            state_is_known("seizure_state_is_known", SeizureState),
            models.UniqueConstraint(name="seizure_number_once", fields=["freeze", "number"]),
            # So that two seizures never promise the same unit.
            models.UniqueConstraint(
                name="one_open_seizure_per_freeze",
                fields=["freeze"],
                condition=Q(state__in=OPEN_SEIZURE_STATES),
            ),
            models.CheckConstraint(
                name="seizure_decided_by_a_second_person",
                condition=Q(state="requested", decided_by=None)
                | (~Q(state="requested") & ~Q(decided_by=F("requested_by"))),
            ),
            models.CheckConstraint(
                name="seizure_address_confirmed_by_another",
                condition=Q(confirmed_by=None, state__in=["requested", "rejected"])
                | (Q(confirmed_at__isnull=False) & ~Q(confirmed_by=F("requested_by"))),
            ),
        ]

    @property
    def reference(self) -> str:
        return f"{self.freeze.reference}-S{self.number}"


class SeizureLine(models.Model):
    """How much of one line is to be seized, was, and went out; base units."""

    seizure = models.ForeignKey(Seizure, models.PROTECT, related_name="lines")
    line = models.ForeignKey(FreezeLine, models.PROTECT, related_name="seizures")
    amount = BaseUnitsField()
    seized = BaseUnitsField(default=0)
    transferred = BaseUnitsField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="seizure_names_a_line_once", fields=["seizure", "line"]),
            models.CheckConstraint(
                name="seizure_line_takes_no_more_than_asked",
                condition=Q(seized__lte=F("amount")) & Q(transferred__lte=F("seized")),
            ),
        ]


class SeizureApproval(Approval):
    """One of the two keys, or the refusal."""

    seizure = models.ForeignKey(Seizure, models.PROTECT, related_name="approvals")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_decision_per_person_on_seizure",
                fields=["seizure", "user", "content_hash"],
            )
        ]
