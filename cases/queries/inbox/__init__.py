"""The inbox: what waits for this person, in one list by deadline. The rail and home count from it.

A row stands for a thing that somebody has to decide or do; it leaves when that is done. Who took
it stands in InboxClaim, and on alerts and requests, which may belong to no case, in themselves.
Nobody sees a row of a case that they may not see.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from cases.models import FreezeRequest, InboxClaim
from cases.policy import Actor
from cases.queries.freezes import worth_of
from cases.queries.inbox.alerts import alerts_waiting
from cases.queries.inbox.cases import cases_waiting
from cases.queries.inbox.emergencies import emergencies_waiting
from cases.queries.inbox.findings import findings_waiting
from cases.queries.inbox.freezes import (
    extensions_waiting,
    freezes_ending,
    freezes_waiting,
    releases_waiting,
)
from cases.queries.inbox.instruments import instruments_waiting
from cases.queries.inbox.policies import policies_waiting
from cases.queries.inbox.referrals import referrals_waiting
from cases.queries.inbox.requests import desk_waiting
from cases.queries.inbox.rows import InboxRow, Queue, Waiting
from cases.queries.inbox.runs import failed_runs
from cases.queries.inbox.self_lookups import self_lookups_waiting
from cases.queries.inbox.tag_conflicts import tag_conflicts_waiting
from cases.queries.inbox.tags import tags_waiting
from cases.queries.inbox.tasks import tasks_waiting

L = gettext_lazy
__all__ = [
    "KINDS", "InboxRow", "Waiting", "has_free", "inbox", "inbox_numbers", "kind_chips", "rows_of",
    "waiting",
]  # fmt: skip

LOOKED_UP = 100  # claims asked for at once
OF_THE_FREEZE = ("freeze", "ending", "extension")  # a release is of a part of it
QUEUES: tuple[Callable[[Actor], Queue | None], ...] = (
    findings_waiting, freezes_waiting, freezes_ending, extensions_waiting, releases_waiting,
    referrals_waiting, instruments_waiting, tags_waiting, tag_conflicts_waiting, cases_waiting,
    tasks_waiting, alerts_waiting, desk_waiting, emergencies_waiting, self_lookups_waiting,
    policies_waiting,
)  # fmt: skip
# Kind -> words of its filter and the rail entry it counts for.
KINDS: dict[str, tuple[Promise, str]] = {
    "emergency": (L("Emergency access"), "case"),
    "policy": (L("Approval policies"), ""),
    "self_lookup": (L("Look-ups of one's own name"), "case"),
    "freeze": (L("Freezes to decide"), "freeze"),
    "ending": (L("Freezes ending"), "freeze"),
    "extension": (L("Extensions"), "freeze"),
    "release": (L("Releases of freezes"), "freeze"),
    "finding": (L("Findings"), "finding"),
    "referral": (L("Referrals"), "referral"),
    "instrument": (L("Legal instruments"), "freeze"),
    "tag": (L("Tags to decide"), "wallet"),
    "conflict": (L("Conflicts of tags to decide"), "wallet"),
    "case": (L("Cases to decide"), "case"),
    "run": (L("Failed and drifted traces"), "trace"),
    "task": (L("Tasks"), ""),
    "alert": (L("Alerts"), "alert"),
    "request": (L("Requests"), "request"),
}


def inbox_numbers(actor: Actor) -> dict[str, int]:
    """How many rows wait, by entry of the rail and together as "inbox": at most 17 queries."""
    numbers: Counter[str] = Counter()
    for queue in _queues(actor):
        number = queue.rows.order_by().values("pk").count()  # else all columns are compared
        numbers["inbox"] += number
        numbers[KINDS[queue.kind][1]] += number
    failed = len(failed_runs(actor))
    numbers["inbox"] += failed
    numbers["trace"] += failed
    return {key: number for key, number in numbers.items() if key and number}


def inbox(actor: Actor, kind: str = "") -> list[InboxRow]:
    """What waits for this person, nearest deadline first, then oldest: at most 43 queries.

    With `kind` only rows of that kind, at most 200 of each.
    """
    return rows_of(waiting(actor, kind), actor)


def waiting(actor: Actor, kind: str = "") -> list[Waiting]:
    """What waits, in the order of the inbox, for whoever shows but a part: at most 16 queries."""
    found: list[Waiting] = []
    for queue in _queues(actor):
        if kind in ("", queue.kind):
            found += queue.places()
    if kind in ("", "run"):
        found += [
            Waiting("run", row, 0, row.subject, row.since, None, "", is_taken=False, can_take=True)
            for row in failed_runs(actor)
        ]
    far = timezone.now() + timedelta(days=36_500)
    found.sort(key=lambda each: (each.deadline or far, each.since or far, each.reference))
    return found


def rows_of(places: Sequence[Waiting], actor: Actor) -> list[InboxRow]:
    """These things as the inbox shows them, what was done meanwhile left out: 24 queries."""
    queues = {each.kind: each.queue for each in places if isinstance(each.queue, Queue)}
    told = {
        (kind, row.pk): queue.tell(row)
        for kind, queue in queues.items()
        for row in queue.rows.filter(pk__in=[each.pk for each in places if each.kind == kind])
    }
    found = [
        row
        for each in places
        if (
            row := each.queue
            if isinstance(each.queue, InboxRow)
            else told.get((each.kind, each.pk))
        )
    ]
    return _with_owners(_with_amounts(found, actor), actor)


def has_free(places: Iterable[Waiting], actor: Actor) -> bool:
    """Is there anything that nobody has taken: 1 query, where the first hundred are more."""
    free = [each for each in places if each.can_take and not each.is_taken]
    claims = InboxClaim.objects.visible_to(actor)
    for start in range(0, len(free), LOOKED_UP):
        some = free[start : start + LOOKED_UP]
        taken = set(
            claims.filter(subject__in=[each.subject for each in some]).values_list(
                "kind", "subject"
            )
        )
        if any((each.kind, each.subject) not in taken for each in some):
            return True
    return False


def kind_chips(rows: Iterable[Waiting]) -> list[tuple[str, str, int]]:
    """(kind, words, number) of the kinds that occur, in the order of the work."""
    numbers = Counter(row.kind for row in rows)
    return [
        (kind, str(words), numbers[kind]) for kind, (words, _rail) in KINDS.items() if numbers[kind]
    ]


def _with_owners(rows: list[InboxRow], actor: Actor) -> list[InboxRow]:
    claims = InboxClaim.objects.visible_to(actor).filter(subject__in=[row.subject for row in rows])
    owners = {(each.kind, each.subject): each.user for each in claims.select_related("user")}
    return [
        replace(row, owner=owner)
        if (owner := row.owner or owners.get((row.kind, row.subject))) is not row.owner
        else row
        for row in rows
    ]


def _with_amounts(rows: list[InboxRow], actor: Actor) -> list[InboxRow]:
    """Freezes with what they hold or ask for, at the last price where nothing was executed."""
    worth = worth_of(
        FreezeRequest.objects.visible_to(actor).filter(
            public_id__in=[row.path[0] for row in rows if row.kind in OF_THE_FREEZE]
        )
    )
    return [
        replace(row, amount=worth.get(row.path[0])) if row.kind in OF_THE_FREEZE else row
        for row in rows
    ]


def _queues(actor: Actor) -> list[Queue]:
    return [queue for make in QUEUES if (queue := make(actor)) is not None]
