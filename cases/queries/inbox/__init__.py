"""The inbox: what waits for this person, in one list by deadline. The rail and home count from it.

A row stands for a thing that somebody has to decide or do; it leaves when that is done. Who took
it stands in InboxClaim, and on alerts and requests, which may belong to no case, in themselves.
Nobody sees a row of a case that they may not see.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from cases.models import FreezeRequest, InboxClaim, InboxSnooze
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
from cases.queries.inbox.officers import agencies_waiting, alarms_waiting, officers_waiting
from cases.queries.inbox.outbound import outbound_waiting
from cases.queries.inbox.possible import kinds_without_rows
from cases.queries.inbox.preservations import preservations_waiting
from cases.queries.inbox.proposals import (
    clocks_waiting,
    legal_rows_waiting,
    policies_waiting,
    rule_changes_waiting,
)
from cases.queries.inbox.questions import questions_waiting
from cases.queries.inbox.referrals import referrals_waiting
from cases.queries.inbox.reports import reports_waiting
from cases.queries.inbox.requests import desk_waiting
from cases.queries.inbox.rows import InboxRow, Queue, Snoozes, Waiting, hidden_until
from cases.queries.inbox.runs import failed_runs
from cases.queries.inbox.seizures import seizures_waiting
from cases.queries.inbox.self_lookups import self_lookups_waiting
from cases.queries.inbox.separations import separations_waiting
from cases.queries.inbox.tag_conflicts import tag_conflicts_waiting
from cases.queries.inbox.tags import tags_waiting
from cases.queries.inbox.tasks import tasks_waiting
from cases.queries.inbox.watches import notices_waiting

L = gettext_lazy
__all__ = [
    "KINDS", "NEVER_SNOOZED", "QUEUES", "InboxRow", "Waiting", "has_free", "inbox", "inbox_numbers",
    "kind_chips", "narrowed", "rows_of", "snoozes_of", "waiting",
]  # fmt: skip

LOOKED_UP = 100  # claims asked for at once
# Somebody opened what was closed to them; or an event of the case would tell of a report (P1).
NEVER_SNOOZED = ("emergency", "self_lookup", "alarm", "report")
OF_THE_FREEZE = ("freeze", "ending", "extension")  # a release is of a part of it
QUEUES: dict[str, Callable[[Actor], Queue | None]] = {
    "finding": findings_waiting, "freeze": freezes_waiting, "ending": freezes_ending,
    "extension": extensions_waiting, "release": releases_waiting, "seizure": seizures_waiting,
    "referral": referrals_waiting, "instrument": instruments_waiting, "tag": tags_waiting,
    "conflict": tag_conflicts_waiting, "case": cases_waiting, "task": tasks_waiting,
    "alert": alerts_waiting, "request": desk_waiting, "emergency": emergencies_waiting,
    "self_lookup": self_lookups_waiting, "policy": policies_waiting, "clock": clocks_waiting,
    "question": questions_waiting, "rule": rule_changes_waiting, "notice": notices_waiting,
    "agency": agencies_waiting, "officer": officers_waiting, "alarm": alarms_waiting,
    "preservation": preservations_waiting, "law": legal_rows_waiting, "report": reports_waiting,
    "outbound": outbound_waiting, "separation": separations_waiting,
}  # fmt: skip
# Kind -> words of its filter and the rail entry it counts for.
KINDS: dict[str, tuple[Promise, str]] = {
    "emergency": (L("Emergency access"), "case"),
    "policy": (L("Approval policies"), ""),
    "clock": (L("Clocks"), ""),
    "law": (L("Rows of the legal matrix"), "request"),
    "rule": (L("Changes of detection rules"), ""),
    "alarm": (L("Unusual of an officer"), "request"),
    "officer": (L("Officers to verify"), "request"),
    "agency": (L("Agencies to decide"), "request"),
    "notice": (L("What you watch"), ""),
    "self_lookup": (L("Look-ups of one's own name"), "case"),
    "freeze": (L("Freezes to decide"), "freeze"),
    "ending": (L("Freezes ending"), "freeze"),
    "extension": (L("Extensions"), "freeze"),
    "release": (L("Releases of freezes"), "freeze"),
    "seizure": (L("Seizures"), "freeze"),
    "finding": (L("Findings"), "finding"),
    "referral": (L("Referrals"), "referral"),
    "instrument": (L("Legal instruments"), "freeze"),
    "tag": (L("Tags to decide"), "wallet"),
    "conflict": (L("Conflicts of tags to decide"), "wallet"),
    "separation": (L("Two owners to decide"), "wallet"),
    "case": (L("Cases to decide or due"), "case"),
    "run": (L("Failed and drifted traces"), "trace"),
    "task": (L("Tasks"), ""),
    "alert": (L("Alerts"), "alert"),
    "report": (L("Reports to finish and file"), "report"),
    "request": (L("Requests"), "request"),
    "outbound": (L("Requests to others"), "referral"),
    "preservation": (L("Preserved data ending"), "request"),
    "question": (L("Questions about releases"), "referral"),
}


def inbox_numbers(actor: Actor) -> dict[str, int]:
    """How many rows wait, by entry of the rail and together as "inbox": at most 32 queries.

    One more for each kind of which the person has put something off.
    """
    numbers: Counter[str] = Counter()
    snoozes = snoozes_of(actor)
    of_kinds = {kind for kind, _subject in snoozes}
    kinds = _kinds()
    for queue in _queues(actor, kinds):
        number = queue.rows.order_by().values("pk").count()  # else all columns are compared
        if queue.kind in of_kinds:
            number -= len(queue.places(snoozes, is_snoozed=True))
        numbers["inbox"] += number
        numbers[KINDS[queue.kind][1]] += number
    runs = _runs(actor, snoozes) if "run" in kinds else []
    failed = sum(each.snoozed_until is None for each in runs)
    numbers["inbox"] += failed
    numbers["trace"] += failed
    return {key: number for key, number in numbers.items() if key and number}


def inbox(actor: Actor, kind: str = "", *, is_whole: bool = False) -> list[InboxRow]:
    """What waits for this person, nearest deadline first, then oldest: at most 70 queries.

    With `kind` only rows of that kind, at most 200 of each; whole with those put off.
    """
    return rows_of(waiting(actor, kind, is_whole=is_whole), actor)


def waiting(
    actor: Actor,
    kind: str = "",
    *,
    is_snoozed: bool = False,
    is_whole: bool = False,
    snoozes: Snoozes | None = None,
) -> list[Waiting]:
    """What waits, in the order of the inbox, for whoever shows but a part: at most 32 queries.

    What the person has put off is left out; it alone with `is_snoozed`, all with `is_whole`.
    `snoozes` are those of this person, where they were asked for already.
    """
    if is_whole:
        snoozes = {}
    elif snoozes is None:
        snoozes = snoozes_of(actor)
    if is_snoozed and not snoozes:
        return []
    found: list[Waiting] = []
    kinds = {kind} if kind else _kinds()
    for queue in _queues(actor, kinds):
        found += queue.places(snoozes, is_snoozed=is_snoozed)
    if "run" in kinds:
        runs = _runs(actor, snoozes)
        found += [each for each in runs if (each.snoozed_until is not None) == is_snoozed]
    far = timezone.now() + timedelta(days=36_500)
    found.sort(key=lambda each: (each.deadline or far, each.since or far, each.reference))
    return found


def snoozes_of(actor: Actor) -> dict[tuple[str, UUID], datetime]:
    """What this person has put off and until when: 1 query."""
    rows = InboxSnooze.objects.visible_to(actor).filter(until__gt=timezone.now())
    return {(kind, subject): until for kind, subject, until in rows.values_list(
        "kind", "subject", "until"
    )}  # fmt: skip


def _runs(actor: Actor, snoozes: Snoozes) -> list[Waiting]:
    return [
        Waiting(
            "run", row, 0, row.subject, row.since, None, "", None, can_take=True,
            snoozed_until=hidden_until(snoozes, "run", row.subject, None),
        )
        for row in failed_runs(actor)
    ]  # fmt: skip


def narrowed(
    places: Sequence[Waiting], actor: Actor, *, whose: str = "", days: int = 0
) -> list[Waiting]:
    """Only the person's own rows ("mine"), or those that nobody has ("free"), due within days.

    At most 1 query for each hundred rows.
    """
    found = list(places)
    if days:
        last = timezone.now() + timedelta(days=days)
        found = [each for each in found if each.deadline is not None and each.deadline <= last]
    if whose:
        owners = _claimed(found, actor)
        found = [
            each for each in found
            if _is_whose(whose, each.owner_id or owners.get((each.kind, each.subject)), each, actor)
        ]  # fmt: skip
    return found


def _is_whose(whose: str, owner: int | None, place: Waiting, actor: Actor) -> bool:
    return owner == actor.user_id if whose == "mine" else owner is None and place.can_take


def _claimed(places: Sequence[Waiting], actor: Actor) -> dict[tuple[str, UUID], int]:
    """Who took which of these rows: 1 query for each hundred."""
    claims = InboxClaim.objects.visible_to(actor)
    found: dict[tuple[str, UUID], int] = {}
    for start in range(0, len(places), LOOKED_UP):
        subjects = [each.subject for each in places[start : start + LOOKED_UP]]
        for kind, subject, user in claims.filter(subject__in=subjects).values_list(
            "kind", "subject", "user"
        ):
            found[(kind, subject)] = user
    return found


def rows_of(places: Sequence[Waiting], actor: Actor) -> list[InboxRow]:
    """These things as the inbox shows them, what was done meanwhile left out: 27 queries."""
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
    until = {(each.kind, each.subject): each.snoozed_until for each in places}
    return [
        replace(row, snoozed_until=until[(row.kind, row.subject)])
        for row in _with_owners(_with_amounts(found, actor), actor)
    ]


def has_free(places: Iterable[Waiting], actor: Actor) -> bool:
    """Is there anything that nobody has taken: 1 query, where the first hundred are more."""
    free = [each for each in places if each.can_take and not each.is_taken]
    for start in range(0, len(free), LOOKED_UP):
        some = free[start : start + LOOKED_UP]
        taken = _claimed(some, actor)
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
    freezes = [row.path[0] for row in rows if row.kind in OF_THE_FREEZE]
    if not freezes:
        return rows
    worth = worth_of(FreezeRequest.objects.visible_to(actor).filter(public_id__in=freezes))
    return [
        replace(row, amount=worth.get(row.path[0])) if row.kind in OF_THE_FREEZE else row
        for row in rows
    ]


def _kinds() -> set[str]:
    """The kinds of which there may be a row for somebody: 1 query."""
    return {*QUEUES, "run"} - kinds_without_rows()


def _queues(actor: Actor, kinds: Collection[str]) -> list[Queue]:
    made = [make(actor) for name, make in QUEUES.items() if name in kinds]
    return [queue for queue in made if queue is not None]
