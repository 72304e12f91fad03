"""Information requests: what an agency asks us, what was checked, and how it was decided."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.models.approvals import Approval
from cases.models.base import PublicModel, state_is_known
from cases.models.cases import Case
from cases.models.referrals import SharedRelease
from cases.policy import Actor, visible_requests
from cases.request_words import CHANNELS, CHECKS, IDENTIFIERS, INSTRUMENTS, URGENCIES
from cases.states import RequestState

DECIDED = ("collecting", "released", "no_match", "refused")


class RequestQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: Actor) -> Self:
        return self.filter(visible_requests(actor))

    def open(self) -> Self:
        """Requests that still wait for us."""
        waits = ("received", "verifying", "in_review", "collecting")
        return self.filter(state__in=waits)


class InformationRequest(PublicModel):
    """An agency asks for data under an instrument; it belongs to no case until somebody links it.

    What was asked never changes: a clarification adds messages and another round of checks.
    """

    reference = models.CharField(max_length=20, unique=True)
    agency = models.ForeignKey("fiu.Agency", models.PROTECT, related_name="+")
    liaison = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    recorded_by = models.ForeignKey(  # the desk, where the officer did not file it at the portal
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    agency_ref = models.CharField(max_length=60)
    channel = models.CharField(max_length=8, default="portal", choices=list(CHANNELS.items()))
    received_at = models.DateTimeField()
    instrument_type = models.CharField(max_length=20, choices=list(INSTRUMENTS.items()))
    instrument_number = models.CharField(max_length=60)
    issued_by = models.CharField(max_length=120)
    issued_on = models.DateField()
    valid_until = models.DateField(null=True)
    document_name = models.CharField(max_length=120, blank=True)
    document_sha256 = models.CharField(max_length=64, blank=True)
    legal_basis = models.CharField(max_length=200)
    offences = models.CharField(max_length=200)
    background = models.TextField(blank=True)
    datasets = models.CharField(max_length=120)
    accepted_datasets = models.CharField(max_length=120, blank=True)
    period_from = models.DateField(null=True)
    period_until = models.DateField(null=True)
    urgency = models.CharField(max_length=12, default="routine", choices=list(URGENCIES.items()))
    due_at = models.DateTimeField()
    state = models.CharField(max_length=16, default=RequestState.RECEIVED.value)
    round = models.PositiveSmallIntegerField(default=1)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="requests")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    verified_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=8, blank=True)
    answer = models.TextField(blank=True)  # what the agency reads
    response = models.ForeignKey(SharedRelease, models.PROTECT, null=True, related_name="+")
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    released_at = models.DateTimeField(null=True)
    content_hash = models.CharField(max_length=64)

    objects = RequestQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("request_state_is_known", RequestState),
            models.CheckConstraint(
                name="request_decider_is_a_second_person",
                condition=Q(decided_by=None)
                | (
                    (Q(verified_by=None) | ~Q(decided_by=F("verified_by")))
                    & (Q(started_by=None) | ~Q(decided_by=F("started_by")))
                    & (Q(recorded_by=None) | ~Q(decided_by=F("recorded_by")))
                    & ~Q(decided_by=F("liaison"))
                ),
            ),
            models.CheckConstraint(
                name="request_releaser_is_a_second_person",
                condition=Q(released_by=None)
                | (
                    ~Q(released_by=F("verified_by"))
                    & ~Q(released_by=F("started_by"))
                    & (Q(recorded_by=None) | ~Q(released_by=F("recorded_by")))
                ),
            ),
            models.CheckConstraint(
                name="request_answered_only_decided",
                condition=~Q(state__in=DECIDED) | Q(decided_by__isnull=False),
            ),
            models.CheckConstraint(
                name="request_accepted_only_verified",
                condition=~Q(state__in=["collecting", "released"])
                | (Q(verified_by__isnull=False) & ~Q(accepted_datasets="")),
            ),
            models.CheckConstraint(
                name="request_released_with_response",
                condition=~Q(state="released")
                | Q(response__isnull=False, released_by__isnull=False),
            ),
            models.CheckConstraint(
                name="request_period_is_ordered",
                condition=Q(period_from=None)
                | Q(period_until=None)
                | Q(period_from__lte=F("period_until")),
            ),
            models.UniqueConstraint(
                name="request_once_per_agency_reference", fields=["agency", "agency_ref"]
            ),
        ]
        indexes = [
            # The desk: what still waits for us, nearest deadline first.
            models.Index(
                fields=["due_at"],
                name="request_due",
                condition=Q(state__in=["received", "verifying", "in_review", "collecting"]),
            )
        ]

    def __str__(self) -> str:
        return self.reference


class RequestIdentifier(models.Model):
    """One line as the agency wrote it, what it was read as, and why where it could not be."""

    request = models.ForeignKey(InformationRequest, models.PROTECT, related_name="identifiers")
    line = models.PositiveSmallIntegerField()
    place = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=list(IDENTIFIERS.items()))
    as_given = models.CharField(max_length=300)
    normalised = models.CharField(max_length=200, blank=True)
    ledger = models.CharField(max_length=24, blank=True)
    valid = models.BooleanField()
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="request_identifier_once", fields=["request", "place"])
        ]


class RequestCheck(models.Model):
    """One point of the checklist, confirmed by one person in one round."""

    request = models.ForeignKey(InformationRequest, models.PROTECT, related_name="checks")
    round = models.PositiveSmallIntegerField()
    item = models.CharField(max_length=12, choices=list(CHECKS.items()))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="request_check_once", fields=["request", "round", "item"])
        ]


class RequestMessage(models.Model):
    """A question to the agency or its answer. Both sides read it; never in one table with notes."""

    request = models.ForeignKey(InformationRequest, models.PROTECT, related_name="messages")
    from_agency = models.BooleanField()
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()


class RequestDecision(Approval):
    """Accepting, refusing, finding nothing, releasing: one person's, on exactly one content."""

    request = models.ForeignKey(InformationRequest, models.PROTECT, related_name="decisions")
    step = models.CharField(max_length=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_decision_per_person_on_request",
                fields=["request", "user", "content_hash", "step"],
            )
        ]
