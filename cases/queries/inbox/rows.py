"""One shape for every kind of thing that waits: the row, its place, and the queue of a kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q, QuerySet, Value, When

from cases.models import Case
from cases.policy import Actor, writable_cases

MOST = 200
Snoozes = Mapping[tuple[str, UUID], datetime]
NO_TIME = Value(None, models.DateTimeField())
NO_REFERENCE = Value("")
NOBODY = Value(None, models.BigIntegerField())
ANYBODY = Value(value=True)
NOT_TO_TAKE = Value(value=False)


@dataclass(frozen=True)
class InboxRow:
    """One thing that waits; `path` are the arguments of its route."""

    kind: str
    icon: str
    tone: str
    words: str
    reference: str
    route: str
    path: tuple[Any, ...]
    subject: UUID
    case: Case | None
    since: datetime | None
    deadline: datetime | None = None
    amount: Decimal | None = None
    owner: Any = None  # who took it
    can_take: bool = True
    about: str = ""  # what it claims or why it was asked for, to choose by without opening it
    snoozed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Of a thing that waits only what puts it into its place; `pk` is that of its queue's row.

    A failed trace has no queue: its row is there already.
    """

    kind: str
    queue: "Queue | InboxRow"
    pk: int
    subject: UUID
    since: datetime | None
    deadline: datetime | None
    reference: str
    owner_id: int | None
    can_take: bool
    snoozed_until: datetime | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the row itself says who has it; a claim may, too."""
        return self.owner_id is not None


def hidden_until(
    snoozes: Snoozes, kind: str, subject: UUID, deadline: datetime | None
) -> datetime | None:
    """Until when a row is put off; None where it shows, as one does whose deadline came nearer."""
    until = snoozes.get((kind, subject)) if snoozes else None
    if until is None or (deadline is not None and deadline <= until):
        return None
    return until


@dataclass(frozen=True)
class Queue:
    """Rows of one kind that this role decides, how one is told, and where its place stands.

    `since`, `deadline`, `reference` and `owner` are the columns of what `tell` says of a row. With
    NO_REFERENCE rows of one moment stay in the order of `rows`.
    """

    kind: str
    rows: QuerySet[Any]
    tell: Callable[[Any], InboxRow]
    since: Any
    deadline: Any = NO_TIME
    reference: Any = "reference"
    owner: Any = NOBODY
    can_take: Any = ANYBODY

    def places(self, snoozes: Snoozes, *, is_snoozed: bool = False) -> list[Waiting]:
        """The first rows without what hangs on them: 1 query.

        Those that the person has put off are left out, or they alone are there.
        """
        columns = {
            "since": self.since, "deadline": self.deadline, "reference": self.reference,
            "owner_id": self.owner, "can_take": self.can_take,
        }  # fmt: skip
        # What all rows say alike is not asked for: each value of each row would be converted.
        alike = {name: each.value for name, each in columns.items() if isinstance(each, Value)}
        asked = {name: each for name, each in columns.items() if name not in alike}
        rows, most = self.rows, MOST + len(snoozes)
        if is_snoozed:
            rows = rows.filter(public_id__in=[subject for _kind, subject in snoozes])
        found = []
        values = rows.values_list("pk", "public_id", *asked.values())
        for pk, subject, *said in values[:most]:
            told = {**alike, **dict(zip(asked, said, strict=True))}
            until = hidden_until(snoozes, self.kind, subject, told["deadline"])
            found.append(Waiting(self.kind, self, pk, subject, **told, snoozed_until=until))
        return [each for each in found if (each.snoozed_until is not None) == is_snoozed][:MOST]


def changeable(rows: QuerySet[Any], actor: Actor, path: str = "case__") -> QuerySet[Any]:
    """Without the rows of cases that the person may only read: nothing there waits for them."""
    return rows.filter(writable_cases(actor, path))


def when(condition: Q, then: Any, otherwise: Any = None) -> models.Case:
    return models.Case(When(condition, then=then), default=otherwise)


def row_of(
    kind: str,
    icon: str,
    words: str,
    reference: str,
    route: str,
    row: Any,
    *,
    since: datetime | None,
    deadline: datetime | None = None,
    tone: str = "",
    about: str = "",
) -> InboxRow:
    return InboxRow(
        kind, icon, tone, words, reference, route, (row.public_id,), row.public_id, row.case,
        since, deadline, about=about,
    )  # fmt: skip
