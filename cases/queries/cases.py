"""The case list and the case shell: head, deadline, people, tabs with their counts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Case as Choice
from django.db.models import Count, F, IntegerField, Min, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from cases.models import (
    AuditEvent,
    Case,
    CaseRun,
    CounterEvidence,
    Finding,
    FreezeRequest,
    Referral,
    Suspect,
    Wallet,
)
from cases.policy import Actor
from cases.queries.keyset import Page, newest_first
from cases.queries.money import CaseMoney, case_money
from cases.states import CaseState, FindingState, FreezeState, ReferralState

OPEN_STATES = [state.value for state in CaseState if state is not CaseState.CLOSED]
STANDING_FINDINGS = [
    FindingState.DRAFT.value,
    FindingState.SUBMITTED.value,
    FindingState.APPROVED.value,
]
SEVERITIES = {"severe": 0, "high": 1, "medium": 2, "low": 3}


@dataclass(frozen=True)
class Deadline:
    """The next time at which something of a case ends by itself or falls due."""

    words: str
    at: datetime
    reference: str
    freeze: Any  # the public id of the freeze request behind it


@dataclass(frozen=True)
class CaseShell:
    """What stands on every tab of a case."""

    case: Case
    money: CaseMoney
    counts: dict[str, int]
    deadline: Deadline | None
    people: list[Any]
    agencies: list[str]


@dataclass(frozen=True)
class CaseRow:
    """A row of the case list."""

    case: Case
    money: CaseMoney | None
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
class Overview:
    """The first tab: what is known, what to do, what speaks against it."""

    steps: list[Step]
    findings: list[Finding]
    against: list[CounterEvidence]
    events: list[AuditEvent]


def visible_case_rows(actor: Actor) -> QuerySet[Case]:
    """The cases the actor may see."""
    return Case.objects.visible_to(actor)


def case_list(actor: Actor, states: list[str], after: str = "") -> Page:
    """Cases in these states, last changed first: 1 query and those of the money, any page size."""
    cases = (
        Case.objects.visible_to(actor)
        .filter(state__in=states)
        .select_related("owner_by")
        .annotate(
            num_wallets=_number_of(Wallet.objects.all()),
            num_findings=_number_of(Finding.objects.filter(state__in=STANDING_FINDINGS)),
            deadline=Subquery(_deadlines().values("case").annotate(at=Min("due")).values("at")),
        )
    )
    page = newest_first(cases, "updated_at", after)
    return Page(
        [
            CaseRow(
                case,
                case_money([case.pk], actor),
                case.num_wallets,
                case.num_findings,
                case.deadline,
            )
            for case in page.rows
        ],
        page.after,
        page.is_first,
    )


def case_numbers(actor: Actor) -> dict[str, int]:
    """How many cases the actor sees in each state: 1 query."""
    rows = (
        Case.objects.filter(pk__in=Case.objects.visible_to(actor).values("pk"))
        .values_list("state")
        .annotate(number=Count("pk"))
    )
    return dict(rows.order_by())


def case_shell(case: Case, actor: Actor) -> CaseShell:
    """Head, money strip and tab counts of one case: 4 queries and those of the money."""
    counts = (
        Case.objects.filter(pk=case.pk)
        .annotate(
            wallets=_number_of(Wallet.objects.all()),
            traces=_number_of(CaseRun.objects.all()),
            suspects=_number_of(Suspect.objects.all()),
            findings=_number_of(Finding.objects.filter(state__in=STANDING_FINDINGS)),
            freezes=_number_of(FreezeRequest.objects.all()),
            referrals=_number_of(Referral.objects.all()),
        )
        .values("wallets", "traces", "suspects", "findings", "freezes", "referrals")
        .get()
    )
    shared = Referral.objects.filter(
        case=case, state__in=[ReferralState.SENT.value, ReferralState.ACKNOWLEDGED.value]
    )
    return CaseShell(
        case=case,
        money=case_money([case.pk], actor),
        counts=counts,
        deadline=next_deadline(case),
        people=case_people(case),
        agencies=sorted(set(shared.values_list("agency__short_name", flat=True))),
    )


def case_people(case: Case) -> list[Any]:
    """Owner first, then those named on the case or who opened it: 1 query."""
    wanted = [case.owner_by_id, case.opened_by_id]
    people = get_user_model().objects.filter(pk__in=[pk for pk in wanted if pk is not None]) | (
        get_user_model().objects.filter(
            pk__in=case.accesses.values("user")  # type: ignore[attr-defined]
        )
    )
    return sorted(people, key=lambda person: (person.pk != case.owner_by_id, person.pk))


def next_deadline(case: Case) -> Deadline | None:
    """The freeze of the case that ends or falls due next: 1 query."""
    freeze = _deadlines(case).order_by("due").first()
    if freeze is None:
        return None
    provisional = freeze.state == FreezeState.PROVISIONAL
    words = _("Provisional hold lapses") if provisional else _("Freeze ends")
    return Deadline(words, freeze.due, freeze.reference, freeze.public_id)


def case_overview(shell: CaseShell, actor: Actor) -> Overview:
    """Next steps, top findings with what speaks against them, latest activity: 5 queries."""
    case = shell.case
    findings = sorted(
        Finding.objects.filter(case=case, state__in=STANDING_FINDINGS).annotate(
            num_against=Count("counter_evidence")
        ),
        key=lambda finding: (SEVERITIES[finding.severity], finding.reference),
    )
    against = sorted(
        CounterEvidence.objects.filter(
            finding__case=case, finding__state__in=STANDING_FINDINGS
        ).select_related("finding"),
        key=lambda doubt: (SEVERITIES[doubt.finding.severity], doubt.pk),
    )
    return Overview(
        steps=next_steps(shell, findings, actor),
        findings=findings[:5],
        against=against[:6],
        events=list(
            AuditEvent.objects.filter(case=case).select_related("actor").order_by("-seq")[:8]
        ),
    )


def next_steps(shell: CaseShell, findings: list[Finding], actor: Actor) -> list[Step]:
    """What this case waits for, in the order of the work: 2 queries."""
    counts = shell.counts
    states = [finding.state for finding in findings]
    freezes = list(FreezeRequest.objects.filter(case=shell.case).values_list("state", flat=True))
    bare = Finding.objects.filter(
        case=shell.case, state=FindingState.APPROVED, freeze_lines=None
    ).count()
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
    if bare and shell.money.left:
        steps.append(
            Step("freeze", _("Request a freeze on an approved finding"), "freeze_new", "snowflake")
        )
    asked = {FreezeState.SUBMITTED.value, FreezeState.IN_REVIEW.value}
    if pending := sum(state in asked for state in freezes):
        words = _("A second person approves the freezes: %(number)d") % {"number": pending}
        steps.append(Step("approve", words, "case_freezes", "user-check"))
    if FreezeState.PROVISIONAL in freezes:
        steps.append(
            Step("ratify", _("Ratify the provisional hold before it lapses"), "case_freezes",
                 "hourglass")
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
    events = AuditEvent.objects.filter(case=case).select_related("actor")
    return newest_first(events, "at", after)


def _deadlines(case: Case | None = None) -> QuerySet[Any]:
    """Freezes with a running clock; `due` is when a provisional one lapses or another one ends."""
    running = [
        FreezeState.PROVISIONAL.value,
        FreezeState.ACTIVE.value,
        FreezeState.DECISION_DUE.value,
    ]
    freezes = FreezeRequest.objects.filter(state__in=running)
    freezes = freezes.filter(case=case if case is not None else OuterRef("pk"))
    provisional = When(state=FreezeState.PROVISIONAL, then=F("provisional_until"))
    due = Choice(provisional, default=F("expires_at"))
    return freezes.annotate(due=due).exclude(due=None).order_by()


def _number_of(rows: QuerySet[Any]) -> Coalesce:
    """How many of these rows belong to the case of the outer query, as a column."""
    counted = rows.filter(case=OuterRef("pk")).order_by().values("case")
    return Coalesce(
        Subquery(counted.annotate(number=Count("pk")).values("number")),
        0,
        output_field=IntegerField(),
    )
