"""Operations: several cases under one code name, with the agencies that take part."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.base import PublicModel, state_is_known
from cases.policy import Actor, visible_operations
from cases.states import OperationState


class OperationQuerySet(models.QuerySet[Any]):
    def visible_to(self, actor: Actor) -> Self:
        walled = self.model.objects.filter(cases__blocks__user_id=actor.user_id).values("pk")
        return self.filter(visible_operations(actor)).exclude(pk__in=walled).distinct()


class Operation(PublicModel):
    """What several cases are part of; a case belongs to one operation at most."""

    reference = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=160)
    code_name = models.CharField(max_length=40, unique=True)
    objective = models.TextField(blank=True)
    lead_agency = models.ForeignKey("fiu.Agency", models.PROTECT, null=True, related_name="+")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    embargo_until = models.DateTimeField(null=True)
    state = models.CharField(max_length=12, default=OperationState.PLANNED.value)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True)

    objects = OperationQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("operation_state_is_known", OperationState),
            models.CheckConstraint(
                name="operation_ends_after_it_starts",
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")),
            ),
            models.CheckConstraint(
                name="operation_started_by_a_second_person",
                condition=Q(started_by=None) | ~Q(started_by=F("opened_by")),
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_embargoed(self) -> bool:
        """Whether nothing that a customer could notice may happen yet."""
        return self.embargo_until is not None and self.embargo_until > timezone.now()


class OperationPartner(models.Model):
    """An agency beside the leading one, and its part in the operation."""

    operation = models.ForeignKey(Operation, models.PROTECT, related_name="partners")
    agency = models.ForeignKey("fiu.Agency", models.PROTECT, related_name="+")
    role = models.CharField(
        max_length=12,
        default="partner",
        choices=[
            ("partner", _("Partner")),
            ("arrests", _("Arrests")),
            ("seizures", _("Seizures")),
            ("forensics", _("Forensics")),
        ],
    )

    class Meta:
        constraints = [models.UniqueConstraint(name="partner_once", fields=["operation", "agency"])]
