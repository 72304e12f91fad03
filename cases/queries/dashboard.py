"""The home page: what waits for the person, deadlines, cases by age, workload, first steps."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import (
    Case,
    Finding,
    FreezeRequest,
    InformationRequest,
    LegalInstrument,
    Referral,
)
from cases.policy import Action, Actor, may
from cases.queries.cases import OPEN_STATES
from cases.states import CaseState, FindingState, FreezeState, ReferralState, RequestState

AGES = (7, 30, 90)


@dataclass(frozen=True)
class Waiting:
    """One thing that waits for this person; `key` is its entry in the rail."""

    key: str
    icon: str
    words: str
    reference: str
    route: str
    public_id: UUID
    case: Case | None
    since: datetime | None
    deadline: datetime | None = None


@dataclass(frozen=True)
class GuideStep:
    """One of the five first steps, computed from what stands."""

    title: str
    text: str
    route: str
    public_id: UUID
    is_done: bool


def waiting_numbers(actor: Actor) -> dict[str, int]:
    """How many things wait for this person, by entry of the rail: at most 6 queries."""
    numbers: Counter[str] = Counter()
    for key, _icon, rows in _queues(actor):
        numbers[key] += rows.count()
    return dict(numbers)


def waiting_for(actor: Actor, limit: int = 12) -> list[Waiting]:
    """What waits for this person, nearest deadline first, then oldest: at most 6 queries."""
    found = [
        _told(key, icon, row, actor)
        for key, icon, rows in _queues(actor)
        for row in rows.select_related("case" if key != "case" else "owner_by")[:limit]
    ]
    far = timezone.now() + timedelta(days=36_500)
    return sorted(
        found,
        key=lambda each: (each.deadline or far, each.since or far, each.reference),
    )[:limit]


def _queues(actor: Actor) -> list[tuple[str, str, QuerySet[Any]]]:
    """The queues this role decides, without what the person asked for: key, icon and rows."""
    me = actor.user_id
    queues: list[tuple[str, str, QuerySet[Any]]] = []
    if may(actor, Action.APPROVE_FINDING):
        findings = Finding.objects.visible_to(actor).filter(state=FindingState.SUBMITTED)
        others = findings.exclude(Q(drafted_by=me) | Q(last_edited_by=me) | Q(submitted_by=me))
        queues.append(("finding", "eye", others.order_by("submitted_at")))
    elif may(actor, Action.SUBMIT_FINDING):
        drafts = Finding.objects.visible_to(actor).filter(
            Q(drafted_by=me) | Q(drafted_by=None, case__owner_by=me), state=FindingState.DRAFT
        )
        queues.append(("finding", "pencil", drafts.order_by("drafted_at")))
    freezes = FreezeRequest.objects.visible_to(actor)
    if may(actor, Action.APPROVE_FREEZE):
        decided_here = freezes.filter(
            state__in=[
                FreezeState.SUBMITTED.value, FreezeState.IN_REVIEW.value,
                FreezeState.PROVISIONAL.value,
            ]
        )  # fmt: skip
        open_to_me = decided_here.exclude(
            Q(requested_by=me) | Q(last_edited_by=me) | Q(provisional_by=me)
        )
        queues.append(("freeze", "snowflake", open_to_me.order_by("submitted_at")))
    elif may(actor, Action.TRIAGE_FREEZE):
        my_drafts = Q(state=FreezeState.DRAFT, requested_by=me)
        to_triage = Q(state=FreezeState.SUBMITTED) & ~Q(requested_by=me)
        asked = freezes.filter(my_drafts | to_triage)
        queues.append(("freeze", "snowflake", asked.order_by("requested_at")))
    referrals = Referral.objects.visible_to(actor).exclude(Q(drafted_by=me) | Q(last_edited_by=me))
    steps = []
    if may(actor, Action.APPROVE_REFERRAL):
        steps.append(ReferralState.REDACTION.value)
    if may(actor, Action.CLEAR_REFERRAL):
        steps.append(ReferralState.APPROVED.value)
    if steps:
        queues.append(
            ("referral", "landmark", referrals.filter(state__in=steps).order_by("drafted_at"))
        )
    if may(actor, Action.VERIFY_INSTRUMENT):
        papers = LegalInstrument.objects.visible_to(actor).filter(verified_by=None)
        queues.append(
            ("instrument", "gavel", papers.exclude(recorded_by=me).order_by("recorded_at"))
        )
    if may(actor, Action.DECIDE_CASE):
        cases = Case.objects.visible_to(actor).filter(state=CaseState.IN_REVIEW)
        queues.append(("case", "briefcase", cases.exclude(submitted_by=me).order_by("updated_at")))
    queues.append(("request", "file-text", _requests_waiting(actor)))
    return queues


def _requests_waiting(actor: Actor) -> QuerySet[Any]:
    """Requests to check, and for those who decide the ones that others checked."""
    me = actor.user_id
    to_do = Q(state__in=[RequestState.RECEIVED.value, RequestState.VERIFYING.value])
    if may(actor, Action.DECIDE_REQUEST):
        others = ~Q(started_by=me) & ~Q(verified_by=me) & ~Q(checks__by=me)
        ready = Q(state__in=[RequestState.IN_REVIEW.value, RequestState.COLLECTING.value])
        to_do |= ready & others
    rows: QuerySet[Any] = InformationRequest.objects.visible_to(actor)
    return rows.filter(to_do).order_by("due_at")


def _told(key: str, icon: str, row: Any, actor: Actor) -> Waiting:
    case = row if key == "case" else row.case
    if key == "request":
        return _request_told(icon, row)
    routes = {
        "finding": ("finding_detail", row.public_id),
        "freeze": ("freeze_detail", row.public_id),
        "referral": ("referral_detail", row.public_id),
        "instrument": ("case_freezes", case.public_id),
        "case": ("case_detail", case.public_id),
    }
    route, public_id = routes[key]
    since = {
        "finding": "submitted_at" if icon == "eye" else "drafted_at",
        "freeze": "submitted_at",
        "referral": "drafted_at",
        "instrument": "recorded_at",
        "case": "updated_at",
    }[key]
    is_provisional = key == "freeze" and row.state == FreezeState.PROVISIONAL
    return Waiting(
        key=key,
        icon="hourglass" if is_provisional else icon,
        words=_words(key, row),
        reference=row.number if key == "instrument" else row.reference,
        route=route,
        public_id=public_id,
        case=case,
        since=getattr(row, since),
        deadline=row.provisional_until if is_provisional else None,
    )


def _request_told(icon: str, row: InformationRequest) -> Waiting:
    words = {
        RequestState.RECEIVED.value: _("Take this request up"),
        RequestState.VERIFYING.value: _("Verify who asks"),
        RequestState.IN_REVIEW.value: _("Decide this request"),
    }.get(row.state, _("Answer this request"))
    return Waiting(
        key="request",
        icon=icon,
        words=words,
        reference=row.reference,
        route="request_detail",
        public_id=row.public_id,
        case=row.case,
        since=row.received_at,
        deadline=row.due_at,
    )


def _words(key: str, row: Any) -> str:
    if key == "finding":
        submit = _("Check this draft and submit it")
        return _("Review this finding") if row.state == FindingState.SUBMITTED else submit
    if key == "freeze":
        return {
            FreezeState.PROVISIONAL.value: _("Ratify or reject this provisional hold"),
            FreezeState.SUBMITTED.value: _("Take this freeze into review"),
            FreezeState.IN_REVIEW.value: _("Approve or reject this freeze"),
        }.get(row.state, _("Submit this freeze"))
    if key == "referral":
        clear = _("Clear this referral")
        return clear if row.state == ReferralState.APPROVED else _("Approve this referral")
    return _("Verify this legal instrument") if key == "instrument" else _("Decide this case")


def cases_by_age(actor: Actor) -> list[tuple[str, int]]:
    """Open cases by how long ago they were opened: 1 query."""
    now = timezone.now()
    opened = Case.objects.visible_to(actor).filter(state__in=OPEN_STATES)
    ages = [(now - at).days for at in opened.values_list("opened_at", flat=True)]
    groups = [
        (_("Under a week"), 0, AGES[0]),
        (_("Under a month"), AGES[0], AGES[1]),
        (_("Under 3 months"), AGES[1], AGES[2]),
        (_("Older"), AGES[2], 10**6),
    ]
    return [(words, sum(low <= age < high for age in ages)) for words, low, high in groups]


def workload(actor: Actor, limit: int = 6) -> list[tuple[str, int]]:
    """Open cases by owner, most first: 1 query."""
    cases = Case.objects.visible_to(actor).filter(state__in=OPEN_STATES).select_related("owner_by")
    owners = Counter(
        (case.owner_by.get_full_name() or case.owner_by.username) if case.owner_by else _("Nobody")
        for case in cases
    )
    return sorted(owners.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]


def deadlines(actor: Actor, limit: int = 8) -> list[tuple[FreezeRequest, datetime]]:
    """Freezes with a running clock, the nearest end first: 1 query."""
    running = FreezeRequest.objects.visible_to(actor).filter(
        Q(state=FreezeState.PROVISIONAL, provisional_until__isnull=False)
        | Q(
            state__in=[FreezeState.ACTIVE.value, FreezeState.DECISION_DUE.value],
            expires_at__isnull=False,
        )
    )
    rows = [(freeze, _end_of(freeze)) for freeze in running.select_related("case")]
    return sorted(rows, key=lambda row: (row[1], row[0].reference))[:limit]


def _end_of(freeze: FreezeRequest) -> datetime:
    is_provisional = freeze.state == FreezeState.PROVISIONAL
    end = freeze.provisional_until if is_provisional else freeze.expires_at
    assert end is not None  # the filter above
    return end


def guide_case(actor: Actor) -> Case | None:
    """The case to learn on: the oldest open one that has wallets, or else the oldest: 2 queries."""
    cases = Case.objects.visible_to(actor).filter(state__in=OPEN_STATES).order_by("opened_at", "pk")
    with_wallets = cases.filter(wallets__isnull=False).first()
    return with_wallets if with_wallets is not None else cases.first()


def guide_steps(actor: Actor) -> list[GuideStep]:
    """Five steps through a case; what is done is read from the case itself: 7 queries."""
    case = guide_case(actor)
    if case is None:
        return []
    findings = list(case.findings.order_by("submitted_at", "pk"))
    review = [each for each in findings if each.state == FindingState.SUBMITTED]
    approved = [each for each in findings if each.state == FindingState.APPROVED]
    freezes = list(case.freezes.order_by("submitted_at", "pk"))
    asked = [
        each for each in freezes
        if each.state in (FreezeState.SUBMITTED, FreezeState.IN_REVIEW, FreezeState.PROVISIONAL)
    ]  # fmt: skip
    stands = [each for each in freezes if each.approved_by_id is not None]
    finding = (review or approved or [None])[0]
    freeze = (asked or stands or [None])[0]
    my_runs = case.runs.filter(requested_by=actor.user_id)
    here = case.public_id
    return [
        GuideStep(
            _("Open the case"),
            _("Its head shows what reached us, what is frozen and what left."),
            "case_detail", here, case.state != CaseState.INTAKE,
        ),
        GuideStep(
            _("Look at its wallets"),
            _("Each has a role, a source and its figures from the ledger."),
            "case_wallets", here, case.wallets.exists(),
        ),
        GuideStep(
            _("Start a trace"),
            _("Choose wallets, keep the defaults and watch it run."),
            "trace_new", here, my_runs.exists(),
        ),
        GuideStep(
            _("Review the finding"),
            _("A second person reads what speaks for and against it.")
            if may(actor, Action.APPROVE_FINDING)
            else _("A supervisor does this; you may read what speaks for and against it."),
            "finding_detail" if finding else "case_findings",
            finding.public_id if finding else here,
            bool(approved) and not review,
        ),
        GuideStep(
            _("Approve the freeze"),
            _("Two people, and then the exchange holds the money.")
            if may(actor, Action.APPROVE_FREEZE)
            else _("Compliance does this as the second person; then the exchange holds it."),
            "freeze_detail" if freeze else "case_freezes",
            freeze.public_id if freeze else here,
            bool(stands) and not asked,
        ),
    ]  # fmt: skip
