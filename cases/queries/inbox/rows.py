"""One shape for every kind of thing that waits: the row, its place, and the queue of a kind."""

from collections.abc import Callable
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
    path: tuple[UUID, ...]
    subject: UUID
    case: Case | None
    since: datetime | None
    deadline: datetime | None = None
    amount: Decimal | None = None
    owner: Any = None  # who took it
    can_take: bool = True
    about: str = ""  # what it claims or why it was asked for, to choose by without opening it


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
    is_taken: bool
    can_take: bool


@dataclass(frozen=True)
class Queue:
    """Rows of one kind that this role decides, how one is told, and where its place stands.

    `since`, `deadline`, `reference` and `owner` are the columns of what `tell` says of a row.
    """

    kind: str
    rows: QuerySet[Any]
    tell: Callable[[Any], InboxRow]
    since: Any
    deadline: Any = NO_TIME
    reference: Any = "reference"
    owner: Any = NOBODY
    can_take: Any = ANYBODY
    write_reference: Callable[[str], str] = str

    def places(self) -> list[Waiting]:
        """The first rows without what hangs on them: 1 query."""
        columns = (self.since, self.deadline, self.reference, self.owner, self.can_take)
        return [
            Waiting(
                self.kind, self, pk, subject, since, deadline, self.write_reference(reference),
                owner is not None, can_take,
            )
            for pk, subject, since, deadline, reference, owner, can_take in self.rows.values_list(
                "pk", "public_id", *columns
            )[:MOST]
        ]  # fmt: skip


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
