"""The audit chain and the record of reads: append-only, held by triggers (cases/guards/)."""

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.models.cases import Case
from cases.models.operations import Operation
from cases.models.requests import InformationRequest
from cases.policy import Actor, Role, visible_cases


class AuditEventQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: Actor) -> Self:
        """Events of the cases and requests the actor may see; compliance the system's chain.

        An auditor has every chain; what they read of an event is for queries/audit.py.
        """
        if actor.role == Role.AUDITOR:
            return self.all()
        cases = Case.objects.filter(visible_cases(actor)).values("pk")
        # Requests stand in the system's chain: they belong to no case.
        requests = InformationRequest.objects.visible_to(actor).values("reference")
        of_requests = Q(case=None, object__in=requests)
        rows = Q(case__in=cases) | of_requests
        if actor.role == Role.COMPLIANCE:
            # The system's chain tells of operations: not of one the actor is walled off from.
            walled = Operation.objects.filter(Q(cases__blocks__user_id=actor.user_id))
            system = Q(case=None) & ~Q(object__startswith="REQ-")
            rows |= system & ~Q(object__in=walled.values("reference"))
        return self.filter(rows)

    def newest_hash(self) -> str:
        """The hash of the newest event, "" before the first: 1 query.

        Another one than before says that something changed, and nothing of what.
        """
        return self.order_by("-pk").values_list("hash", flat=True).first() or ""


class AuditEvent(models.Model):
    """One change; each event carries the hash of the one before it in its chain.

    `case` NULL is the chain of the system. `at` is in whole milliseconds of UTC.
    """

    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    actor_ip = models.CharField(max_length=45, blank=True)
    action = models.CharField(max_length=40)
    object = models.CharField(max_length=60)
    reason = models.TextField(blank=True)
    data = models.TextField(default="{}")  # canonical JSON
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="audit_seq_once_per_case", fields=["case", "seq"]),
            models.UniqueConstraint(
                name="audit_seq_once_in_system", fields=["seq"], condition=Q(case=None)
            ),
        ]
        indexes = [
            # The audit trail and each case's timeline, newest first.
            models.Index(fields=["-at"], name="audit_newest"),
        ]


class ReadEvent(models.Model):
    """A look at protected data, with its purpose."""

    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="reads")
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    actor_ip = models.CharField(max_length=45, blank=True)
    action = models.CharField(max_length=24)
    object = models.CharField(max_length=120)
    purpose = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            # The download ledger of a release, and one person's reads.
            models.Index(fields=["object", "-at"], name="read_object"),
        ]


ORDER_KINDS = [(kind, kind) for kind in ("hold", "release", "seizure", "transfer")]


class OutboxMessage(models.Model):
    """An effect outside the house, written with the decision; `id` is the idempotency key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    case = models.ForeignKey(Case, models.PROTECT, related_name="outbox")
    line = models.ForeignKey("cases.FreezeLine", models.PROTECT, related_name="outbox")
    kind = models.CharField(max_length=8, choices=ORDER_KINDS)
    # The decision behind a release; none where a hold lapsed or was refused.
    decision = models.ForeignKey(
        "cases.FreezeRelease", models.PROTECT, null=True, related_name="orders"
    )
    # The two-keyed decision behind a seizure or a transfer.
    seizure = models.ForeignKey("cases.Seizure", models.PROTECT, null=True, related_name="orders")
    payload = models.JSONField()
    state = models.CharField(max_length=10, default="pending")
    created_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    num_tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="outbox_sending_has_a_lease",
                condition=Q(state="sending", lease_until__isnull=False)
                | (~Q(state="sending") & Q(lease_until=None)),
            )
        ]
        indexes = [
            # The dispatcher: what still has to go out or be asked about.
            models.Index(
                fields=["created_at"],
                name="outbox_open",
                condition=Q(state__in=["pending", "sending", "unknown"]),
            )
        ]
