"""The case list and the case shell: head, deadline, people, tabs with their counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import (
    BooleanField,
    Count,
    ExpressionWrapper,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models import Case as Choice
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import (
    AuditEvent,
    Case,
    CaseRelation,
    CaseRun,
    CounterEvidence,
    Evidence,
    Finding,
    FreezeRequest,
    LegacyCase,
    Referral,
    Suspect,
    Task,
    Wallet,
)
from cases.policy import Action, Actor, may, writable_cases
from cases.queries.counted import NumberOf
from cases.queries.keyset import PAGE_ROWS, Page, newest_first
from cases.queries.money import CaseMoney, case_money, money_by_case, row_states
from cases.states import (
    CASE,
    OVER_CASES,
    CaseAction,
    CaseState,
    FindingState,
    FreezeState,
    ReferralState,
    TaskState,
)
from tracing import reads

OPEN_STATES = [state.value for state in CaseState if state not in OVER_CASES]
SECOND_PERSON = (CaseAction.RETURN, CaseAction.DECIDE, CaseAction.CLOSE)
STANDING_FINDINGS = [
    FindingState.DRAFT.value,
    FindingState.SUBMITTED.value,
    FindingState.APPROVED.value,
]
ACT_RIGHTS = {
    CaseAction.START: Action.EDIT_CASE,
    CaseAction.RESUME: Action.EDIT_CASE,
    CaseAction.SUBMIT: Action.EDIT_CASE,
    CaseAction.RETURN: Action.DECIDE_CASE,
    CaseAction.DECIDE: Action.DECIDE_CASE,
    CaseAction.CLOSE: Action.DECIDE_CASE,
    CaseAction.REOPEN: Action.DECIDE_CASE,
}
NEAR = timedelta(days=7)
RUNNING = [
    FreezeState.PROVISIONAL.value, FreezeState.ACTIVE.value, FreezeState.DECISION_DUE.value,
]  # fmt: skip
CLOCK = ("state", "provisional_until", "expires_at")
TAB_COUNTS = {  # the freezes are read anyhow
    "wallets": NumberOf(Wallet),
    "traces": NumberOf(CaseRun),
    "suspects": NumberOf(Suspect),
    "findings": NumberOf(Finding, STANDING_FINDINGS),
    "referrals": NumberOf(Referral),
    "tasks": NumberOf(Task, [TaskState.OPEN.value]),
    "files": NumberOf(Evidence),
}
# What most cases have nothing of: asked for only where something is there, whoever may see it.
BESIDE = (
    NumberOf(CaseRelation), NumberOf(CaseRelation, column="other_id"),
    NumberOf(Case, column="merged_into_id"), NumberOf(LegacyCase),
)  # fmt: skip
SEVERITIES = {"severe": 0, "high": 1, "medium": 2, "low": 3}


@dataclass(frozen=True)
class Deadline:
    """The next time at which something of a case ends by itself or falls due."""

    words: str
    at: datetime

    @property
    def is_near(self) -> bool:
        """Within a week, or over already."""
        return self.at - timezone.now() < NEAR


@dataclass(frozen=True)
class CaseShell:
    """What stands on every tab of a case."""

    case: Case
    money: CaseMoney
    time_to_first_freeze: timedelta | None
    policy: str
    counts: dict[str, int]
    deadline: Deadline | None
    freeze_states: list[str]
    people: list[Any]
    agencies: list[str]
    is_writable: bool  # by membership: an emergency, or being named to read, gives no more
    may_have_relatives: bool
    may_be_legacy: bool


@dataclass(frozen=True)
class CaseChoice:
    """What of the case list is asked for, beside the state; each by a code, no word of a case."""

    whose: str = ""
    priority: str = ""
    due: str = ""


@dataclass(frozen=True)
class CaseRow:
    """A row of the case list."""

    case: Case
    money: CaseMoney
    num_wallets: int
    num_findings: int
    deadline: datetime | None


@dataclass(frozen=True)
class Step:
    """Something to do next; `route` is a route of the case, `done` says it stands already."""

    key: str
    words: str
    route: str
    icon: str
    is_primary: bool = False


@dataclass(frozen=True)
class AccountState:
    """An amount that reached an account, and what became of most of it."""

    account: UUID
    masked: str
    asset: str
    symbol: str
    decimals: int
    base: int
    fiat: Decimal | None
    state: str


@dataclass(frozen=True)
class Overview:
    """The first tab: what is known, what to do, what speaks against it."""

    steps: list[Step]
    accounts: list[AccountState]
    findings: list[Finding]
    against: list[CounterEvidence]
    events: list[AuditEvent]


def case_list(
    actor: Actor,
    states: list[str],
    after: str = "",
    size: int = PAGE_ROWS,
    *,
    which: CaseChoice | None = None,
) -> Page:
    """Cases in these states, last changed first: 8 queries, any page size."""
    cases = (
        Case.objects.visible_to(actor)
        .filter(_chosen(which or CaseChoice(), actor), state__in=states)
        .select_related("owner_by")
        .annotate(
            num_wallets=NumberOf(Wallet),
            num_findings=NumberOf(Finding, STANDING_FINDINGS),
            deadline=Subquery(
                running_clocks(FreezeRequest.objects.filter(case=OuterRef("pk")))
                .values("case")
                .annotate(at=Min("due"))
                .values("at")
            ),
        )
    )
    page = newest_first(cases, "updated_at", after, size)
    money = money_by_case([case.pk for case in page.rows], actor)
    return Page(
        [
            CaseRow(
                case,
                money[case.pk],
                case.num_wallets,
                case.num_findings,
                _nearer(case),
            )
            for case in page.rows
        ],
        page.after,
        page.is_first,
    )


def _chosen(which: CaseChoice, actor: Actor) -> Q:
    found = Q(owner_by=actor.user_id) if which.whose == "mine" else Q()
    if which.whose == "free":
        found = Q(owner_by=None)
    if which.priority:
        found &= Q(priority=which.priority)
    if which.due == "late":
        found &= Q(due_at__lte=timezone.now())
    elif which.due == "week":
        found &= Q(due_at__lte=timezone.now() + NEAR)
    elif which.due == "senior":
        found &= Q(escalated_at__isnull=False)
    return found


def _nearer(case: Any) -> datetime | None:  # a case with `deadline`, that of its freezes
    ahead = [case.deadline, None if case.state == CaseState.ON_HOLD else case.due_at]
    return min((each for each in ahead if each is not None), default=None)


def case_numbers(actor: Actor) -> dict[str, int]:
    """How many cases the actor sees in each state: 1 query."""
    rows = (
        Case.objects.visible_to(actor)
        .values_list("state")
        .annotate(number=Count("pk", distinct=True))
    )
    return dict(rows.order_by())


def state_chips(actor: Actor) -> list[tuple[str, int]]:
    """The states that occur among the actor's cases, in the order of the work: 1 query."""
    numbers = case_numbers(actor)
    return [(state.value, numbers[state.value]) for state in CaseState if state.value in numbers]


def case_acts(case: Case, actor: Actor) -> list[str]:
    """The acts that start from the case's state and that the actor's role may do: 0 queries."""
    return [
        action.value
        for (state, action) in CASE
        if state == case.state
        and action in ACT_RIGHTS  # a merge begins at the other case
        and may(actor, ACT_RIGHTS[action])
        and not (action in SECOND_PERSON and case.submitted_by_id == actor.user_id)
    ]


def case_shell(case: Case, actor: Actor) -> CaseShell:
    """Head, money strip and tab counts of one case: at most 13 queries."""
    money = case_money([case.pk], actor)
    lead = reads.run_view(money.lead_runs[0]) if money.lead_runs else None
    freezes = list(case.freezes.values_list(*CLOCK))
    is_writable, *numbers = (
        Case.objects.visible_to(actor)
        .filter(pk=case.pk)
        .values_list(
            ExpressionWrapper(writable_cases(actor), output_field=BooleanField()),
            *TAB_COUNTS.values(),
            *BESIDE,
        )
        .get()
    )
    *numbers, said, said_of, taken_in, legacy = numbers
    counts = dict(zip(TAB_COUNTS, numbers, strict=True)) | {"freezes": len(freezes)}
    return CaseShell(
        case=case,
        money=money,
        time_to_first_freeze=time_to_first_freeze(case) if freezes else None,
        policy=str(lead.parameters.get("policy", "")) if lead is not None else "",
        counts=counts,
        deadline=_next_deadline(case, freezes),
        freeze_states=[state for state, *_clock in freezes],
        people=case_people(case),
        agencies=_shared_with(case) if counts["referrals"] else [],
        is_writable=is_writable,
        may_have_relatives=bool(said or said_of or taken_in or case.merged_into_id),
        may_be_legacy=bool(legacy),
    )


def _shared_with(case: Case) -> list[str]:
    """The agencies that something of the case was sent to: 1 query."""
    sent = [ReferralState.SENT.value, ReferralState.ACKNOWLEDGED.value]
    names = case.referrals.filter(state__in=sent).values_list("agency__short_name", flat=True)
    return sorted(set(names))


def may_change(case: Case, actor: Actor) -> bool:
    """Whether this person's membership lets more than read, whatever the role grants: 1 query."""
    cases = Case.objects.visible_to(actor).filter(writable_cases(actor), pk=case.pk)
    return bool(cases.exists())


def case_people(case: Case) -> list[Any]:
    """Owner first, then those named on the case or who opened it: 1 query."""
    wanted = [case.owner_by_id, case.opened_by_id]
    people = get_user_model().objects.filter(pk__in=[pk for pk in wanted if pk is not None]) | (
        get_user_model().objects.filter(pk__in=case.accesses.values("user"))
    )
    return sorted(people, key=lambda person: (person.pk != case.owner_by_id, person.pk))


def time_to_first_freeze(case: Case) -> timedelta | None:
    """From the opening of the case to the first hold at the exchange: 1 query."""
    first: datetime | None = case.freezes.aggregate(at=Min("lines__executed_at"))["at"]
    return first - case.opened_at if first is not None else None


def _next_deadline(case: Case, freezes: Iterable[tuple[Any, ...]]) -> Deadline | None:
    """What ends or falls due next: the case itself, or a freeze of rows of CLOCK: 0 queries."""
    ending = [
        Deadline(_("Provisional hold lapses"), until)
        if state == FreezeState.PROVISIONAL
        else Deadline(_("Freeze ends"), expires_at)
        for state, until, expires_at in freezes
        if state in RUNNING and (until if state == FreezeState.PROVISIONAL else expires_at)
    ]
    if case.due_at is not None and case.state not in (*OVER_CASES, CaseState.ON_HOLD):
        ending.append(Deadline(_("Case due"), case.due_at))
    return min(ending, key=lambda each: each.at, default=None)


def clock_acts(case: Case, actor: Actor) -> list[str]:
    """What of the case's own time this person may change now, as routes' ends: 0 queries."""
    if case.state in OVER_CASES or not may(actor, Action.EDIT_CASE):
        return []
    found = ["due"]
    if (CaseState(case.state), CaseAction.HOLD) in CASE:
        found.append("pause")
    if case.escalated_at is None:
        found.append("escalate")
    elif may(actor, Action.ASSIGN_WORK) and case.escalated_by_id != actor.user_id:
        found.append("answer")
    return found


def case_overview(shell: CaseShell) -> Overview:
    """Next steps, top findings with what speaks against them, latest activity: 4 queries."""
    case = shell.case
    findings = sorted(
        case.findings.filter(state__in=STANDING_FINDINGS)
        .annotate(num_against=Count("counter_evidence"))
        .prefetch_related("counter_evidence"),
        key=lambda finding: (SEVERITIES[finding.severity], finding.reference),
    )
    against = sorted(
        (doubt for finding in findings for doubt in finding.counter_evidence.all()),
        key=lambda doubt: (SEVERITIES[doubt.finding.severity], doubt.pk),
    )
    return Overview(
        steps=next_steps(shell, findings) if shell.is_writable else [],
        accounts=accounts_reached(shell.money),
        findings=findings[:5],
        against=against[:6],
        events=list(case.events.select_related("actor").order_by("-seq")[:8]),
    )


def accounts_reached(money: CaseMoney) -> list[AccountState]:
    """The reached rows of the money strip with what became of each: 0 queries."""
    states = row_states(money)
    return [
        AccountState(
            row.account,
            row.masked,
            row.asset,
            row.symbol,
            row.decimals,
            row.base,
            row.fiat,
            states.get((row.account, row.asset), ""),
        )
        for row in money.reached.rows
    ]


def next_steps(shell: CaseShell, findings: list[Finding]) -> list[Step]:
    """What this case waits for, in the order of the work: 1 query."""
    counts = shell.counts
    states = [finding.state for finding in findings]
    freezes = shell.freeze_states
    bare = shell.case.findings.filter(state=FindingState.APPROVED, freeze_lines=None).count()
    steps: list[Step] = []
    if not counts["wallets"]:
        steps.append(Step("wallets", _("Add the first wallets"), "case_wallets", "wallet"))
    elif not counts["traces"]:
        steps.append(
            Step("trace", _("Trace where the money of the wallets went"), "trace_new", "route")
        )
    if drafts := states.count(FindingState.DRAFT):
        words = _("Check the drafted findings and submit them: %(number)d") % {"number": drafts}
        steps.append(Step("drafts", words, "case_findings", "pencil"))
    if waiting := states.count(FindingState.SUBMITTED):
        words = _("A second person reviews the findings: %(number)d") % {"number": waiting}
        steps.append(Step("review", words, "case_findings", "eye"))
    if bare and shell.money.left_fiat:
        steps.append(
            Step("freeze", _("Request a freeze on an approved finding"), "freeze_new", "snowflake")
        )
    asked = {FreezeState.SUBMITTED.value, FreezeState.IN_REVIEW.value}
    if pending := sum(state in asked for state in freezes):
        words = _("A second person approves the freezes: %(number)d") % {"number": pending}
        steps.append(Step("approve", words, "case_freezes", "user-check"))
    if FreezeState.PROVISIONAL in freezes:
        steps.append(
            Step(
                "ratify",
                _("Ratify the provisional hold before it lapses"),
                "case_freezes",
                "hourglass",
            )
        )
    if FreezeState.FAILED in freezes:
        steps.append(
            Step("failed", _("Send the failed freeze again"), "case_freezes", "triangle-alert")
        )
    if FindingState.APPROVED in states and not counts["referrals"]:
        steps.append(
            Step("refer", _("Refer the approved findings to an agency"), "referral_new", "landmark")
        )
    return steps


def case_events(case: Case, after: str = "") -> Page:
    """The audit events of a case, newest first: 1 query."""
    return newest_first(case.events.select_related("actor"), "at", after)


def running_clocks(freezes: QuerySet[Any]) -> QuerySet[Any]:
    """Those with a running clock; `due` is when a provisional one lapses or another one ends."""
    provisional = When(state=FreezeState.PROVISIONAL, then=F("provisional_until"))
    due = Choice(provisional, default=F("expires_at"))
    ending: QuerySet[Any] = freezes.filter(state__in=RUNNING).annotate(due=due)
    return ending.exclude(due=None).order_by()
