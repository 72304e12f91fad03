"""The home page: deadlines, cases by age, workload, first steps."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, FreezeRequest, Wallet
from cases.policy import Action, Actor, may
from cases.queries.cases import OPEN_STATES, running_clocks
from cases.states import CaseState, FindingState, FreezeState

AGES = (7, 30, 90)


@dataclass(frozen=True)
class GuideStep:
    """One of the five first steps, computed from what stands."""

    title: str
    text: str
    route: str
    public_id: UUID
    is_done: bool


def cases_by_age(actor: Actor) -> list[tuple[str, int]]:
    """Open cases by how long ago they were opened: 1 query."""
    now = timezone.now()
    groups = [
        (_("Under a week"), 0, AGES[0]),
        (_("Under a month"), AGES[0], AGES[1]),
        (_("Under 3 months"), AGES[1], AGES[2]),
        (_("Older"), AGES[2], None),
    ]
    spans = {
        f"group_{low}": Count("pk", filter=_opened(now, low, high)) for _words, low, high in groups
    }
    numbers = Case.objects.visible_to(actor).filter(state__in=OPEN_STATES).aggregate(**spans)
    return [(words, numbers[f"group_{low}"]) for words, low, _high in groups]


def _opened(now: datetime, low: int, high: int | None) -> Q:
    """At least `low` whole days ago and less than `high`."""
    since = Q(opened_at__lte=now - timedelta(days=low))
    return since if high is None else since & Q(opened_at__gt=now - timedelta(days=high))


def workload(actor: Actor, limit: int = 6) -> list[tuple[str, int]]:
    """Open cases by owner, most first: 1 query."""
    cases = Case.objects.visible_to(actor).filter(state__in=OPEN_STATES)
    owners: Counter[str] = Counter()
    named = ("owner_by__first_name", "owner_by__last_name", "owner_by__username")
    numbers = cases.values("owner_by").annotate(number=Count("pk")).order_by()
    for first, last, username, number in numbers.values_list(*named, "number"):
        owners[f"{first} {last}".strip() or username if username else _("Nobody")] += number
    return sorted(owners.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]


def deadlines(actor: Actor, limit: int = 8) -> list[tuple[FreezeRequest, datetime]]:
    """Freezes with a running clock, the nearest end first: 2 queries.

    Their cases come after: joined, all columns of every case would be sorted along.
    """
    running = running_clocks(FreezeRequest.objects.visible_to(actor))
    rows = running.prefetch_related("case").order_by("due", "reference")
    return [(freeze, freeze.due) for freeze in rows[:limit]]


def guide_case(actor: Actor) -> Case | None:
    """The case to learn on: the oldest open one that has wallets, or else the oldest: 2 queries."""
    cases = Case.objects.visible_to(actor).filter(state__in=OPEN_STATES).order_by("opened_at", "pk")
    with_wallets = cases.filter(Exists(Wallet.objects.filter(case=OuterRef("pk")))).first()
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
