"""The inbox: what waits for this person, in one list by deadline. The rail and home count from it.

A row stands for a thing that somebody has to decide or do; it leaves when that is done. Who took
it stands in InboxClaim, and on alerts and requests, which may belong to no case, in themselves.
Nobody sees a row of a case that they may not see.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import (
    Alert,
    ApprovalPolicy,
    Case,
    CaseRun,
    EmergencyAccess,
    Finding,
    FreezeApproval,
    FreezeExtension,
    FreezeRelease,
    FreezeRequest,
    HouseTag,
    InboxClaim,
    InformationRequest,
    LegalInstrument,
    Referral,
    SelfLookup,
    TagConflict,
    Task,
)
from cases.models.alerts import GRAVE
from cases.models.exchange import masked_uid
from cases.policy import Action, Actor, emergencies_to_look_at, may, writable_cases
from cases.queries.freezes import worth_of
from cases.queries.ledger import expiry_step, hours_step
from cases.queries.requests import requests_waiting
from cases.states import (
    OPEN_ALERT_STATES,
    AlertState,
    CaseState,
    ExtensionState,
    FindingState,
    FreezeReleaseState,
    FreezeState,
    PolicyState,
    ReferralState,
    RequestState,
    TagState,
    TaskState,
)
from tracing import reads

L = gettext_lazy
ENDING = timedelta(days=14)
RECENT = timedelta(days=14)  # a failed run older than this waits for nobody
MOST = 200
LOOKED_UP = 100  # claims asked for at once
NO_TIME = Value(None, models.DateTimeField())
NO_REFERENCE = Value("")
NOBODY = Value(None, models.BigIntegerField())
ANYBODY = Value(value=True)
NOT_TO_TAKE = Value(value=False)
OF_THE_FREEZE = ("freeze", "ending", "extension")  # a release is of a part of it
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
    queue: "_Queue | InboxRow"
    pk: int
    subject: UUID
    since: datetime | None
    deadline: datetime | None
    reference: str
    is_taken: bool
    can_take: bool


@dataclass(frozen=True)
class _Queue:
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


def inbox_numbers(actor: Actor) -> dict[str, int]:
    """How many rows wait, by entry of the rail and together as "inbox": at most 17 queries."""
    numbers: Counter[str] = Counter()
    for queue in _queues(actor):
        number = queue.rows.order_by().values("pk").count()  # else all columns are compared
        numbers["inbox"] += number
        numbers[KINDS[queue.kind][1]] += number
    failed = len(_failed_runs(actor))
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
            for row in _failed_runs(actor)
        ]
    far = timezone.now() + timedelta(days=36_500)
    found.sort(key=lambda each: (each.deadline or far, each.since or far, each.reference))
    return found


def rows_of(places: Sequence[Waiting], actor: Actor) -> list[InboxRow]:
    """These things as the inbox shows them, what was done meanwhile left out: 24 queries."""
    queues = {each.kind: each.queue for each in places if isinstance(each.queue, _Queue)}
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


def _queues(actor: Actor) -> list[_Queue]:
    return [
        queue
        for make in (
            _findings, _freezes, _ending, _extensions, _releases, _referrals, _instruments, _tags,
            _conflicts, _cases, _tasks, _alerts, _requests, _emergencies, _self_lookups, _policies,
        )
        if (queue := make(actor)) is not None
    ]  # fmt: skip


def _changeable(rows: QuerySet[Any], actor: Actor, path: str = "case__") -> QuerySet[Any]:
    """Without the rows of cases that the person may only read: nothing there waits for them."""
    return rows.filter(writable_cases(actor, path))


def _findings(actor: Actor) -> _Queue | None:
    me = actor.user_id
    findings = _changeable(Finding.objects.visible_to(actor), actor)
    if may(actor, Action.APPROVE_FINDING):
        since = "submitted_at"
        rows = findings.filter(state=FindingState.SUBMITTED.value).exclude(
            Q(drafted_by=me) | Q(last_edited_by=me) | Q(submitted_by=me)
        )
    elif may(actor, Action.SUBMIT_FINDING):
        since = "drafted_at"
        rows = findings.filter(
            Q(drafted_by=me) | Q(drafted_by=None, case__owner_by=me),
            state=FindingState.DRAFT.value,
        )
    else:
        return None

    def tell(row: Finding) -> InboxRow:
        review = row.state == FindingState.SUBMITTED
        words = _("Review this finding") if review else _("Check this draft and submit it")
        return _row(
            "finding", "eye" if review else "pencil", words, row.reference, "finding_detail", row,
            since=row.submitted_at if review else row.drafted_at, about=row.claim,
        )  # fmt: skip

    rows = rows.select_related("case")
    return _Queue("finding", rows.order_by("submitted_at", "pk"), tell, since)


FREEZE_WORDS = {
    FreezeState.DRAFT.value: ("pencil", L("Submit this freeze")),
    FreezeState.SUBMITTED.value: ("snowflake", L("Take this freeze into review")),
    FreezeState.IN_REVIEW.value: ("snowflake", L("Approve or reject this freeze")),
    FreezeState.PROVISIONAL.value: ("hourglass", L("Ratify or reject this provisional hold")),
    FreezeState.FAILED.value: ("triangle-alert", L("Send this failed freeze again")),
}


def _freezes(actor: Actor) -> _Queue | None:
    """Compliance decides; supervisors triage and see clocks run; authors finish their drafts."""
    me = actor.user_id
    freezes = _changeable(FreezeRequest.objects.visible_to(actor), actor)
    others = ~(Q(requested_by=me) | Q(last_edited_by=me) | Q(provisional_by=me))
    asked = Q(
        state__in=[
            FreezeState.SUBMITTED.value, FreezeState.IN_REVIEW.value, FreezeState.PROVISIONAL.value,
        ]
    )  # fmt: skip
    wanted = Q(state=FreezeState.DRAFT.value, requested_by=me)
    if may(actor, Action.EXECUTE_FREEZE):
        wanted |= Q(state=FreezeState.FAILED.value)
    if may(actor, Action.APPROVE_FREEZE):
        signed = FreezeApproval.objects.filter(
            freeze=OuterRef("pk"), content_hash=OuterRef("content_hash"), user=me
        )
        wanted |= asked & others & ~Q(Exists(signed))  # the others of a policy sign next
    elif may(actor, Action.PLACE_PROVISIONAL_FREEZE):
        wanted |= Q(state=FreezeState.SUBMITTED.value) & others
        wanted |= Q(state=FreezeState.PROVISIONAL.value, provisional_by=me)
    elif not may(actor, Action.REQUEST_FREEZE):
        return None

    def tell(row: FreezeRequest) -> InboxRow:
        icon, words = FREEZE_WORDS[row.state]
        is_provisional = row.state == FreezeState.PROVISIONAL
        if is_provisional and not may(actor, Action.APPROVE_FREEZE):
            words = L("Your provisional hold waits for compliance")
        told = str(words)
        hours = hours_step(row.provisional_until, timezone.now()) if is_provisional else None
        if hours is not None:
            told = _("%(words)s: it lapses within %(n)d h") % {"words": words, "n": hours}
        return _row(
            "freeze", icon, told, row.reference, "freeze_detail", row,
            since=row.submitted_at or row.requested_at, about=row.reason,
            deadline=row.provisional_until if is_provisional else None,
            tone="bad" if icon == "triangle-alert" or hours in (1, 4)
            else "warn" if is_provisional else "",
        )  # fmt: skip

    rows = freezes.filter(wanted).select_related("case")
    return _Queue(
        "freeze", rows.order_by("submitted_at", "pk"), tell,
        since=Coalesce("submitted_at", "requested_at"),
        deadline=_if(Q(state=FreezeState.PROVISIONAL.value), "provisional_until"),
    )  # fmt: skip


def _ending(actor: Actor) -> _Queue | None:
    """The alarm of 14, 7 and 1 days, and what is past its end: compliance, and who asked for it."""
    if not may(actor, Action.REQUEST_FREEZE):
        return None
    rows = _changeable(FreezeRequest.objects.visible_to(actor), actor).filter(
        Q(state=FreezeState.ACTIVE.value, expires_at__lte=timezone.now() + ENDING)
        | Q(state=FreezeState.DECISION_DUE.value)
    )
    if not may(actor, Action.EXTEND_FREEZE):
        rows = rows.filter(Q(requested_by=actor.user_id) | Q(case__owner_by=actor.user_id))

    def tell(row: FreezeRequest) -> InboxRow:
        step = expiry_step(row.expires_at, timezone.now())
        if row.state == FreezeState.DECISION_DUE or step == 0:
            words, tone = _("Ended: extend or release it; everything stays held"), "bad"
        else:
            words = _("Ends within %(n)d days: extend or release it") % {"n": step or 14}
            hours = hours_step(row.expires_at, timezone.now())
            if hours is not None:
                words = _("Ends within %(n)d h: extend or release it") % {"n": hours}
            tone = "bad" if step == 1 else "warn"
        return _row(
            "ending", "clock", words, row.reference, "freeze_detail", row,
            since=row.executed_at, deadline=row.expires_at, tone=tone, about=row.reason,
        )  # fmt: skip

    rows = rows.select_related("case").order_by("expires_at", "pk")
    return _Queue("ending", rows, tell, "executed_at", deadline="expires_at")


def _extensions(actor: Actor) -> _Queue | None:
    if not may(actor, Action.EXTEND_FREEZE):
        return None
    rows = FreezeExtension.objects.visible_to(actor).filter(state=ExtensionState.REQUESTED.value)
    return _Queue(
        "extension", _of_others(rows, actor), lambda row: _freeze_part(row, "extension"),
        since="requested_at", deadline="freeze__expires_at", reference=_part_of_freeze("-E"),
    )  # fmt: skip


def _releases(actor: Actor) -> _Queue | None:
    if not may(actor, Action.RELEASE_FREEZE):
        return None
    rows = FreezeRelease.objects.visible_to(actor).filter(state=FreezeReleaseState.REQUESTED.value)
    return _Queue(
        "release", _of_others(rows, actor), lambda row: _freeze_part(row, "release"),
        since="requested_at", reference=_part_of_freeze("-R"),
    )  # fmt: skip


def _of_others(rows: QuerySet[Any], actor: Actor) -> QuerySet[Any]:
    found = rows.exclude(requested_by=actor.user_id).select_related("freeze__case")
    return found.order_by("requested_at", "pk")


def _part_of_freeze(mark: str) -> Concat:
    return Concat(
        "freeze__reference", Value(mark), Cast("number", models.CharField()),
        output_field=models.CharField(),
    )  # fmt: skip


def _freeze_part(row: Any, kind: str) -> InboxRow:
    words = _("Decide on this extension") if kind == "extension" else _("Decide on this release")
    return InboxRow(
        kind=kind,
        icon="clock" if kind == "extension" else "undo-2",
        tone="",
        words=words,
        reference=row.reference,
        route="freeze_detail",
        path=(row.freeze.public_id,),
        subject=row.public_id,
        case=row.freeze.case,
        since=row.requested_at,
        deadline=row.freeze.expires_at if kind == "extension" else None,
        about=row.reason,
    )


def _referrals(actor: Actor) -> _Queue | None:
    words = {}
    if may(actor, Action.APPROVE_REFERRAL):
        words[ReferralState.REDACTION.value] = _("Approve this referral")
    if may(actor, Action.CLEAR_REFERRAL):
        words[ReferralState.APPROVED.value] = _("Clear this referral")
    sends = {}
    if may(actor, Action.SEND_REFERRAL):
        sends[ReferralState.CLEARED.value] = _("Seal the release of this referral")
        sends[ReferralState.PACKAGED.value] = _("Send this release")
    if not words and not sends:
        return None
    others = ~(Q(drafted_by=actor.user_id) | Q(last_edited_by=actor.user_id))
    rows = _changeable(Referral.objects.visible_to(actor), actor).filter(
        Q(state__in=list(words)) & others | Q(state__in=list(sends))
    )

    def tell(row: Referral) -> InboxRow:
        return _row(
            "referral", "landmark", (words | sends)[row.state], row.reference, "referral_detail",
            row, since=row.drafted_at,
        )  # fmt: skip

    rows = rows.select_related("case").order_by("drafted_at", "pk")
    return _Queue("referral", rows, tell, "drafted_at")


def _instruments(actor: Actor) -> _Queue | None:
    if not may(actor, Action.VERIFY_INSTRUMENT):
        return None
    rows = _changeable(LegalInstrument.objects.visible_to(actor), actor).filter(verified_by=None)
    rows = rows.exclude(recorded_by=actor.user_id).select_related("case")

    def tell(row: LegalInstrument) -> InboxRow:
        told = _row(
            "instrument", "gavel", _("Verify this legal instrument"), row.number, "case_freezes",
            row, since=row.recorded_at, about=f"{row.get_type_display()}, {row.issued_by}",
        )  # fmt: skip
        return replace(told, path=(row.case.public_id,))

    rows = rows.order_by("recorded_at", "pk")
    return _Queue("instrument", rows, tell, "recorded_at", reference="number")


def _tags(actor: Actor) -> _Queue | None:
    if not may(actor, Action.DECIDE_TAG):
        return None
    rows = _changeable(HouseTag.objects.visible_to(actor), actor).filter(decided_by=None)
    rows = rows.exclude(asked_by=actor.user_id).select_related("case")

    def tell(row: HouseTag) -> InboxRow:
        is_new = row.state == TagState.PROPOSED
        words = _("Decide on this tag") if is_new else _("Decide on this disputed tag")
        return _row(
            "tag", "flag", words, row.label, "tag_detail", row, since=row.asked_at,
            about=row.reason,
        )  # fmt: skip

    rows = rows.order_by("asked_at", "pk")
    return _Queue("tag", rows, tell, "asked_at", reference="label")


def _conflicts(actor: Actor) -> _Queue | None:
    if not may(actor, Action.DECIDE_TAG):
        return None
    rows = _changeable(TagConflict.objects.visible_to(actor), actor).filter(decided_by=None)
    rows = rows.exclude(asked_by=actor.user_id).select_related("case")

    def tell(row: TagConflict) -> InboxRow:
        is_new = row.state == TagState.PROPOSED
        words = _("Decide which tag holds") if is_new else _("Decide on this disputed resolution")
        return _row(
            "conflict", "triangle-alert", words, row.keep or _("None of them"),
            "tag_conflict_detail", row, since=row.asked_at, about=row.reason,
        )  # fmt: skip

    rows = rows.order_by("asked_at", "pk")
    return _Queue("conflict", rows, tell, "asked_at", reference="keep")


def _cases(actor: Actor) -> _Queue | None:
    if not may(actor, Action.DECIDE_CASE):
        return None
    rows = _changeable(Case.objects.visible_to(actor), actor, "").filter(
        state=CaseState.IN_REVIEW.value
    )
    rows = rows.exclude(submitted_by=actor.user_id)

    def tell(row: Case) -> InboxRow:
        return InboxRow(
            "case", "briefcase", "", _("Decide this case"), row.reference, "case_detail",
            (row.public_id,), row.public_id, row, row.updated_at, about=row.summary,
        )  # fmt: skip

    return _Queue("case", rows.order_by("updated_at", "pk"), tell, "updated_at")


def _tasks(actor: Actor) -> _Queue | None:
    """My tasks, and those of my cases that nobody has."""
    if not may(actor, Action.ADD_TASK):
        return None
    me = actor.user_id
    rows = _changeable(Task.objects.visible_to(actor), actor).filter(
        Q(assignee=me) | Q(assignee=None), state=TaskState.OPEN.value
    )

    def tell(row: Task) -> InboxRow:
        is_late = row.due_at is not None and row.due_at <= timezone.now()
        told = _row(
            "task", "circle-check", row.title, "", "case_tasks", row,
            since=row.created_at, deadline=row.due_at, tone="bad" if is_late else "",
        )  # fmt: skip
        return replace(told, path=(row.case.public_id,), owner=row.assignee)

    rows = rows.select_related("case", "assignee")
    return _Queue(
        "task", rows.order_by("due_at", "pk"), tell, since="created_at", deadline="due_at",
        reference=NO_REFERENCE, owner="assignee",
    )  # fmt: skip


def _alerts(actor: Actor) -> _Queue | None:
    """Mine, new grave ones, and those whose dismissal somebody else asks for.

    New alerts of less weight wait in their own queue: they would bury the rest.
    """
    if not may(actor, Action.TRIAGE_ALERT):
        return None
    me = actor.user_id
    wanted = Q(state=AlertState.NEW.value, severity__in=GRAVE)
    wanted |= Q(state=AlertState.ASSIGNED.value, assigned_to=me)
    if may(actor, Action.DISMISS_GRAVE_ALERT):
        wanted |= Q(state__in=OPEN_ALERT_STATES, proposed_by__isnull=False)
    rows = Alert.objects.visible_to(actor).filter(wanted)

    def tell(row: Alert) -> InboxRow:
        asked = row.proposed_by_id not in (None, me)
        words = _("Decide on the dismissal: %(rule)s") if asked else _("Look into: %(rule)s")
        return InboxRow(
            "alert", "triangle-alert", "bad" if row.is_grave else "",
            words % {"rule": row.rule.title}, row.account.masked, "alert_detail",
            (row.public_id,), row.public_id, row.case, row.raised_at,
            amount=row.fiat, owner=row.assigned_to,
        )  # fmt: skip

    rows = rows.select_related("rule", "account", "case", "assigned_to")
    return _Queue(
        "alert", rows.order_by("-rank", "-score", "raised_at", "pk"), tell, since="raised_at",
        reference="account__uid", owner="assigned_to", write_reference=masked_uid,
    )  # fmt: skip


REQUEST_WORDS = {
    RequestState.RECEIVED.value: L("Check who asks"),
    RequestState.VERIFYING.value: L("Go on with the checks"),
    RequestState.IN_REVIEW.value: L("Decide on this request"),
    RequestState.COLLECTING.value: L("Release the answer"),
}


def _requests(actor: Actor) -> _Queue | None:
    if not may(actor, Action.VIEW_REQUEST):
        return None

    def tell(row: InformationRequest) -> InboxRow:
        is_new = row.state == RequestState.RECEIVED
        return InboxRow(
            "request", "file-text", "bad" if row.due_at <= timezone.now() else "",
            str(REQUEST_WORDS[row.state]), row.reference, "request_detail", (row.public_id,),
            row.public_id, row.case, row.received_at, row.due_at,
            owner=row.started_by if row.state == RequestState.VERIFYING else None,
            can_take=is_new and may(actor, Action.VERIFY_REQUESTER),
        )  # fmt: skip

    can_take = may(actor, Action.VERIFY_REQUESTER)
    return _Queue(
        "request", requests_waiting(actor).select_related("case", "started_by"), tell,
        since="received_at", deadline="due_at",
        owner=_if(Q(state=RequestState.VERIFYING.value), "started_by"),
        can_take=_if(Q(state=RequestState.RECEIVED.value), Value(can_take), Value(value=False)),
    )  # fmt: skip


def _emergencies(actor: Actor) -> _Queue | None:
    """Broken glass, for each of compliance and for the owner until that person has looked."""
    if not may(actor, Action.VIEW_CASE):
        return None
    rows = EmergencyAccess.objects.visible_to(actor).filter(emergencies_to_look_at(actor))
    rows = rows.exclude(looks__user=actor.user_id).select_related("case", "user")

    def tell(row: EmergencyAccess) -> InboxRow:
        name = row.user.get_full_name() or row.user.username
        told = _row(
            "emergency", "triangle-alert", _("Opened in an emergency by %(name)s") % {"name": name},
            "", "emergency_detail", row, since=row.opened_at, tone="bad",
        )  # fmt: skip
        return replace(told, can_take=False)  # each of them looks for themselves

    return _Queue(
        "emergency", rows.order_by("opened_at", "pk"), tell, since="opened_at",
        reference=NO_REFERENCE, can_take=NOT_TO_TAKE,
    )  # fmt: skip


def _self_lookups(actor: Actor) -> _Queue | None:
    """People who looked up their own name, for compliance, until one of them has looked."""
    if not may(actor, Action.SEE_SELF_LOOKUP):
        return None
    rows = SelfLookup.objects.visible_to(actor).filter(seen_at=None).select_related("case", "user")

    def tell(row: SelfLookup) -> InboxRow:
        name = row.user.get_full_name() or row.user.username
        told = _row(
            "self_lookup", "eye", _("%(name)s looked up the own name") % {"name": name},
            "", "self_lookup_detail", row, since=row.at, tone="bad",
        )  # fmt: skip
        return replace(told, can_take=False)

    return _Queue(
        "self_lookup", rows.order_by("at", "pk"), tell, since="at",
        reference=NO_REFERENCE, can_take=NOT_TO_TAKE,
    )  # fmt: skip


def _if(condition: Q, then: Any, otherwise: Any = None) -> models.Case:
    return models.Case(When(condition, then=then), default=otherwise)


def _policies(actor: Actor) -> _Queue | None:
    """Proposals of others on how many people approve what."""
    if not may(actor, Action.DECIDE_POLICY):
        return None
    rows = ApprovalPolicy.objects.filter(state=PolicyState.PROPOSED.value)

    def tell(row: ApprovalPolicy) -> InboxRow:
        return InboxRow(
            "policy", "users", "", _("Decide on this approval policy"), "",
            "approval_policy_list", (), row.public_id, None, row.proposed_at,
            can_take=False, about=row.reason,
        )  # fmt: skip

    rows = rows.exclude(proposed_by=actor.user_id).order_by("pk")
    return _Queue(
        "policy", rows, tell, since="proposed_at", reference=NO_REFERENCE, can_take=NOT_TO_TAKE
    )


def _failed_runs(actor: Actor) -> list[InboxRow]:
    """The actor's own runs that failed lately, and any that drifted: 1 or 2 queries.

    Until a run of the same case was asked for since.
    """
    if not may(actor, Action.QUEUE_TRACE):
        return []
    lately = timezone.now() - RECENT
    later = CaseRun.objects.filter(
        case=OuterRef("case"), requested_at__gt=OuterRef("drifted_at"), collected_at__isnull=False
    )
    found = list(
        CaseRun.objects.visible_to(actor)
        .filter(
            Q(requested_by=actor.user_id, requested_at__gte=lately, collected_at=None)
            | Q(~Exists(later), drifted_at__gte=lately)
        )
        .select_related("case")
        .order_by("-requested_at")[:MOST]
    )
    drifted = [
        InboxRow(
            "run", "triangle-alert", "warn", _("Asked again, this trace concludes something else"),
            "", "trace_detail", (each.case.public_id, each.run), each.run, each.case,
            each.drifted_at,
        )
        for each in found
        if each.drifted_at is not None
    ]  # fmt: skip
    mine = [each for each in found if each.collected_at is None]
    if not mine:
        return drifted
    views = reads.runs_by_id([each.run for each in mine])
    newest = {each.case_id: each.requested_at for each in reversed(mine)}
    return drifted + [
        InboxRow(
            "run", "route", "bad", _("This trace failed: look why and start it again"), "",
            "trace_detail", (each.case.public_id, each.run), each.run, each.case,
            each.requested_at,
        )
        for each in mine
        if (view := views.get(each.run)) is not None
        and view.state == "failed"
        and newest[each.case_id] == each.requested_at
    ]  # fmt: skip


def _row(
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
