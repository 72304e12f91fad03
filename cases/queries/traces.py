"""Trace runs of a case: their rows, and a result told in ends, sums and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cases.models import Case, CaseRun, ExchangeAccount, Wallet
from cases.policy import Actor
from cases.queries.keyset import Page, newest_first
from tracing import reads
from tracing.reads import RunView

END_ROWS = 50

# What a limit of the run or of the ledger left open, in the order of the banner.
LIMITS = (
    "coinjoin",
    "hop_limit",
    "after_horizon",
    "before_horizon",
    "unknown_input",
    "unknown_output",
    "opening",
    "below_dust",
)


@dataclass(frozen=True)
class RunRow:
    """A run as lists show it."""

    case_run: CaseRun
    view: RunView

    @property
    def is_over(self) -> bool:
        """Ended, and what it found was taken into the case: nothing more will change."""
        return not self.view.is_live and (not self.view.is_done or self.view.is_collected)

    @property
    def is_awaited(self) -> bool:
        return not self.is_over


@dataclass
class EndGroup:
    """Ends of one kind at one account or address; amounts in base units.

    `low` and `high` are sums of sound bounds: valid for the group, looser than for each output.
    """

    status: str
    address: str
    account: ExchangeAccount | None
    wallet: Wallet | None
    number: int = 0
    amount: int = 0
    value: int = 0
    low: int = 0
    high: int = 0
    hops: int = 0
    first_at: str = ""
    last_at: str = ""
    outputs: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """A finished run in the words of its result page; amounts in base units."""

    seal: Mapping[str, Any]
    policy: str
    is_conserved: bool
    balance: list[tuple[str, int]]
    difference: int | None
    limits: list[tuple[str, int]]
    statuses: list[tuple[str, int, int]]
    groups: list[EndGroup]
    paths: list[Mapping[str, Any]]
    is_truncated: bool
    searched_depth: int | None
    num_steps: int
    is_paths: bool
    unit: reads.AssetUnit
    num_unknown: int  # accounts whose balance before the ledger begins is not known

    @property
    def reaches_service(self) -> bool:
        """Whether an end lies at a service: one that swaps is a break point."""
        return any(group.status == "service" for group in self.groups)


def case_runs(case: Case) -> list[RunRow]:
    """The runs of a case, newest first: 2 queries, any number of runs."""
    views = {view.public_id: view for view in reads.runs_of(case.public_id)}
    rows = case.runs.select_related("requested_by", "case")
    return [
        RunRow(row, views[row.run])
        for row in rows.order_by("-requested_at", "-pk")
        if row.run in views
    ]


def trace_list(actor: Actor, after: str = "") -> Page:
    """All runs the actor may see, newest first: 2 queries, any page size."""
    rows = CaseRun.objects.visible_to(actor).select_related("case", "requested_by")
    page = newest_first(rows, "requested_at", after)
    views = reads.runs_by_id([row.run for row in page.rows])
    found = [RunRow(row, views[row.run]) for row in page.rows if row.run in views]
    return Page(found, page.after, page.is_first)


def live_runs(actor: Actor, limit: int = 8) -> list[RunRow]:
    """The actor's visible runs that wait or run now, oldest first: 2 queries."""
    views = {view.public_id: view for view in reads.live_runs()}
    rows = CaseRun.objects.visible_to(actor).filter(run__in=list(views))
    found = rows.select_related("case", "requested_by").order_by("requested_at")[:limit]
    return [RunRow(row, views[row.run]) for row in found]


def drawable_runs(case: Case) -> list[RunRow]:
    """The collected runs of a case that have a flow to draw, newest first: 2 queries."""
    return [
        row
        for row in case_runs(case)
        if row.case_run.collected_at is not None and row.view.mode != "paths"
    ]


def lead_run(case: Case) -> CaseRun | None:
    """The run the money strip names, or else the newest collected one: 1 query."""
    collected = case.runs.filter(collected_at__isnull=False)
    return collected.order_by("-is_lead", "-collected_at").first()


def report_of(case_run: CaseRun) -> Report | None:
    """The result of a done run, grouped by account, address and status: 3 queries.

    None while there is no result.
    """
    result = reads.result(case_run.run)
    if result is None:
        return None
    sheet = result.get("balance_sheet") or {}
    totals = result.get("totals") or {}
    groups = group_ends(case_run, result.get("ends") or [])
    difference = sheet.get("difference")
    return Report(
        seal=result["seal"],
        policy=result.get("policy", ""),
        is_conserved=bool(result.get("conserved", True)),
        balance=[
            (name, int(sheet[name]))
            for name in ("in", "ends", "fees", "cut")
            if sheet.get(name) is not None
        ],
        difference=None if difference is None else int(difference),
        limits=limits_of(groups, totals.get("cut") or {}),
        statuses=by_status(groups),
        groups=groups,
        paths=list(result.get("paths") or []),
        is_truncated=bool(result.get("truncated")),
        searched_depth=result.get("searched_depth"),
        num_steps=len(result.get("steps") or []),
        is_paths="paths" in result,
        unit=reads.asset_unit(result.get("asset")),
        num_unknown=int((result.get("counts") or {}).get("unknown_openings") or 0),
    )


def partial_of(row: RunRow) -> list[EndGroup]:
    """The largest ends a run without result had found at its last safe point: 3 queries."""
    found = reads.partial(row.case_run.run)
    return group_ends(row.case_run, found["ends"]) if found is not None else []


def partial_unit(row: RunRow) -> reads.AssetUnit:
    """The unit of what an unfinished run had found: 1 query."""
    return reads.asset_unit((reads.partial(row.case_run.run) or {}).get("asset"))


def page_of(groups: list[EndGroup], asked: str) -> dict[str, object]:
    """One page of the ends by its number; a sealed result never changes, so numbers hold."""
    num_pages = max(1, -(-len(groups) // END_ROWS))
    is_number = asked.isdecimal() and asked.isascii() and len(asked) < 10
    page = max(1, min(int(asked), num_pages)) if is_number else 1
    shown = groups[(page - 1) * END_ROWS : page * END_ROWS]
    return {"shown": shown, "page": page, "num_pages": num_pages}


def group_ends(case_run: CaseRun, ends: list[Mapping[str, Any]]) -> list[EndGroup]:
    """Ends by account or address and status, largest amount first: 2 queries."""
    reached = case_run.reached.select_related("account")
    accounts = {row.outpoint: row.account for row in reached}
    wallets = {wallet.address: wallet for wallet in case_run.case.wallets.all()}
    groups: dict[tuple[str, str], EndGroup] = {}
    for end in ends:
        account = accounts.get(end["outpoint"])
        address = end.get("address") or ""
        key = (end["status"], f"account {account.pk}" if account else address)
        group = groups.get(key)
        if group is None:
            group = EndGroup(end["status"], address, account, wallets.get(address))
            groups[key] = group
        add_end(group, end)
    ordered = sorted(groups.values(), key=lambda group: (-group.amount, group.address))
    for number, group in enumerate(ordered, start=1):
        group.number = number
    return ordered


def add_end(group: EndGroup, end: Mapping[str, Any]) -> None:
    """Count one end into its group."""
    group.outputs.append(end)
    group.amount += int(end["amount"])
    group.value += int(end.get("value") or 0)
    group.low += int(end["low"])
    group.high += int(end["high"])
    group.hops = min(group.hops or int(end["hops"]), int(end["hops"]))
    at = end.get("at") or ""
    group.first_at = min(group.first_at or at, at)
    group.last_at = max(group.last_at, at)


def by_status(groups: list[EndGroup]) -> list[tuple[str, int, int]]:
    """Status, number of outputs and amount, largest amount first."""
    sums: dict[str, list[int]] = {}
    for group in groups:
        row = sums.setdefault(group.status, [0, 0])
        row[0] += len(group.outputs)
        row[1] += group.amount
    return sorted(
        ((status, number, amount) for status, (number, amount) in sums.items()),
        key=lambda row: (-row[2], row[0]),
    )


def limits_of(groups: list[EndGroup], cut: Mapping[str, Any]) -> list[tuple[str, int]]:
    """What was not followed and why: limits hit by ends, then amounts cut by reason."""
    found: dict[str, int] = {}
    for group in groups:
        if group.status in LIMITS:
            found[group.status] = found.get(group.status, 0) + group.amount
    for reason, amount in cut.items():
        found[reason] = found.get(reason, 0) + int(amount)
    return sorted(
        found.items(),
        key=lambda pair: (LIMITS.index(pair[0]) if pair[0] in LIMITS else len(LIMITS), pair[0]),
    )


def run_row(case: Case, run: UUID) -> RunRow | None:
    """One run of this case: 2 queries; None when it is not of this case."""
    row = case.runs.filter(run=run).select_related("requested_by", "case").first()
    view = reads.run_view(run) if row is not None else None
    return RunRow(row, view) if row is not None and view is not None else None
