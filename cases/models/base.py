"""What all case-scoped tables share: the public id, the row filter, the check of a state."""

import uuid
from enum import StrEnum
from typing import Any, Self

from django.db import models

from cases.policy import Actor, visible_cases, writable_cases


class CaseScopedQuerySet(models.QuerySet[Any]):
    """Rows that belong to a case; `visible_to` is the only way to them outside services."""

    case_path = "case__"

    def visible_to(self, actor: Actor) -> Self:
        return self.filter(visible_cases(actor, self.case_path))

    def changeable_by(self, actor: Actor) -> Self:
        """What `visible_to` shows, without the rows of cases that the actor may only read.

        Of tables with a filter of their own it is not known: TypeError.
        """
        if type(self).visible_to is not CaseScopedQuerySet.visible_to:
            raise TypeError(f"{type(self).__name__} has a filter of its own")
        return self.filter(writable_cases(actor, self.case_path))


class PublicModel(models.Model):
    """A row that URLs name by a random id, never by its number."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        abstract = True


def state_is_known(name: str, states: type[StrEnum]) -> models.CheckConstraint:
    """The database refuses a state that states.py does not know."""
    return models.CheckConstraint(
        name=name, condition=models.Q(state__in=[state.value for state in states])
    )


def disposed_of_by_two(name: str) -> models.CheckConstraint:
    """The database refuses a disposal that nobody asked for, and one by whoever asked for it."""
    return models.CheckConstraint(
        name=name,
        condition=models.Q(disposed_by=None, disposed_at=None)
        | (
            models.Q(disposal_asked_by__isnull=False, disposed_at__isnull=False)
            & ~models.Q(disposed_by=models.F("disposal_asked_by"))
        ),
    )


class ReferenceCounter(models.Model):
    """The last number given in a series and year, such as CASE and 2026."""

    series = models.CharField(max_length=8)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_counter_per_series_year", fields=["series", "year"])
        ]
