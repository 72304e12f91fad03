"""Findings as their screens need them: the tab, the list of all, one page with its evidence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Count, Prefetch, QuerySet
from django.utils.translation import gettext_lazy

from cases.models import (
    Asset,
    Case,
    CounterEvidence,
    Evidence,
    Finding,
    FindingAmount,
    FindingApproval,
)
from cases.policy import Action, Actor, may
from cases.queries.keyset import Page, newest_first
from cases.states import FindingState
from tracing import reads
from tracing.reads import Drift, Staleness

L = gettext_lazy
FILTERS = tuple(state.value for state in FindingState)


@dataclass(frozen=True)
class AmountTotal:
    """Amounts of one asset summed over the coins of a finding."""

    asset: Asset | str
    value: int
    base: int
    low: int
    high: int
    num_coins: int


@dataclass(frozen=True)
class StaleRest:
    """A stale run that a finding rests on; `num_hit` of its `num_coins` lay in orphaned blocks."""

    run: Staleness
    num_coins: int
    num_hit: int


@dataclass(frozen=True)
class Change:
    """One field that says something else than in the last review."""

    words: str
    old: str
    new: str


@dataclass(frozen=True)
class FindingPage:
    """One finding with all that a reviewer looks at."""

    finding: Finding
    amounts: list[FindingAmount]
    coins: list[tuple[FindingAmount, Asset | str]]  # each with the asset its amounts are written in
    totals: list[AmountTotal]
    against: list[CounterEvidence]
    exhibits: list[Evidence]
    approvals: list[FindingApproval]
    num_unseen: int
    is_reviewer: bool
    stale: list[StaleRest]
    drifts: list[Drift]
    changes: list[Change]


# Field of the content -> what it is called.
FIELDS = {
    "kind": L("Kind"), "severity": L("Severity"), "statement": L("Claim"), "tier": L("Tier"),
    "confidence": L("Confidence"), "confidence_reason": L("Why this confidence"),
    "assumptions": L("Assumptions"), "alternatives": L("Other explanations"),
    "amounts": L("Amounts"), "counter_evidence": L("Counter-evidence"), "wallets": L("Wallets"),
    "suspects": L("Suspects"), "exhibits": L("Exhibits"),
}  # fmt: skip


def _changes(finding: Finding) -> list[Change]:
    """What differs between the last content handed to review and the one before: 3 queries.

    For the first one, between it and the finding that it supersedes, if it does.
    """
    last = list(finding.versions.order_by("-number")[:2])
    if not last:
        return []
    before = last[1] if len(last) > 1 else None
    if before is None:
        old = finding.supersedes.order_by("-reviewed_at").first()
        before = old.versions.order_by("-number").first() if old is not None else None
    if before is None:
        return []
    return [
        Change(str(words), _as_text(before.content.get(name)), _as_text(last[0].content.get(name)))
        for name, words in FIELDS.items()
        if before.content.get(name) != last[0].content.get(name)
    ]


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(_as_text(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items() if each)
    return str(value if value is not None else "")


def case_findings(case: Case) -> list[Finding]:
    """The findings of a case, those to review first, then the newest: 2 queries."""
    found = list(_with_people(case.findings.all()).order_by("-drafted_at", "-pk"))
    order = {FindingState.SUBMITTED.value: 0, FindingState.DRAFT.value: 1}
    return sorted(found, key=lambda finding: order.get(finding.state, 2))


def finding_list(actor: Actor, state: str, after: str) -> Page:
    """Findings the actor may see, newest first, by state: 2 queries, any page size."""
    found = _with_people(Finding.objects.visible_to(actor)).select_related("case")
    if state in FILTERS:
        found = found.filter(state=state)
    return newest_first(found, "drafted_at", after)


def finding_page(finding: Finding, actor: Actor) -> FindingPage:
    """One finding with amounts, counter-evidence and decisions: 5 to 10 queries."""
    amounts = list(finding.amounts.order_by("pk"))
    assets = _assets({each.asset for each in amounts})
    against = list(finding.counter_evidence.select_related("seen_by").order_by("pk"))
    approvals = list(finding.approvals.select_related("user").order_by("-at"))
    return FindingPage(
        finding=finding,
        amounts=amounts,
        coins=[(each, assets[each.asset]) for each in amounts],
        totals=_totals(amounts, assets),
        against=against,
        exhibits=list(finding.exhibits.order_by("number")),
        approvals=approvals,
        num_unseen=sum(each.seen_by_id != actor.user_id for each in against),
        is_reviewer=finding.state == FindingState.SUBMITTED.value
        and may(actor, Action.APPROVE_FINDING)
        and actor.user_id
        not in (finding.drafted_by_id, finding.last_edited_by_id, finding.submitted_by_id),
        stale=stale_rests(amounts),
        drifts=list(reads.drifts({each.run for each in amounts if each.run}).values()),
        changes=_changes(finding),
    )


def stale_rests(amounts: Iterable[FindingAmount]) -> list[StaleRest]:
    """The stale runs behind these amounts: 1 query, none where no run gave them."""
    rows = list(amounts)
    return rests_on(rows, reads.stale_runs({each.run for each in rows if each.run}))


def rests_on(amounts: Iterable[FindingAmount], stale: Mapping[UUID, Staleness]) -> list[StaleRest]:
    """Those of the stale runs that the amounts come from: 0 queries."""
    by_run: dict[UUID, list[FindingAmount]] = {}
    for each in amounts:
        if each.run is not None:
            by_run.setdefault(each.run, []).append(each)
    return [
        StaleRest(
            run=stale[run],
            num_coins=len(rows),
            num_hit=sum(each.outpoint.partition(":")[0] in stale[run].txids for each in rows),
        )
        for run, rows in by_run.items()
        if run in stale
    ]


def _assets(names: set[str]) -> dict[str, Asset | str]:
    """How amounts of each asset are written; a name without a record stands for itself."""
    found: dict[str, Asset | str] = {name: name for name in names}
    if any(not name.endswith("/slip44:0") for name in names):
        found |= Asset.objects.in_bulk(sorted(names))
    return found


def _totals(amounts: list[FindingAmount], assets: Mapping[str, Asset | str]) -> list[AmountTotal]:
    """Sums a policy amount per asset; bounds of several coins do not add up to a bound."""
    totals = []
    for asset in dict.fromkeys(each.asset for each in amounts):
        rows = [each for each in amounts if each.asset == asset]
        totals.append(
            AmountTotal(
                assets[asset],
                sum(each.value for each in rows),
                sum(each.base for each in rows),
                sum(each.low for each in rows),
                sum(each.high for each in rows),
                len(rows),
            )
        )
    return totals


def _with_people(findings: QuerySet[Finding]) -> QuerySet[Finding]:
    people = get_user_model().objects.only("username", "first_name", "last_name")
    return findings.prefetch_related(Prefetch("reviewed_by", people)).annotate(
        num_against=Count("counter_evidence", distinct=True)
    )
