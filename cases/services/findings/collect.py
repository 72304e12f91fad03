"""From a finished trace to draft findings: once per run, in the name of who asked for it.

The engine's facts become amounts and counter-evidence; what they mean is for the analyst, who
edits the draft, and for the second person, who reviews it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import (
    Asset,
    Case,
    CaseRun,
    DepositAddress,
    ExchangeAccount,
    ReachedAccount,
    Suspect,
    SuspectAccount,
    Wallet,
)
from cases.policy import SYSTEM, Action, Actor, Role, may
from cases.services.audit import record_event
from cases.services.findings.content import AmountSpec
from cases.services.findings.doubts import tag_doubts
from cases.services.findings.drafts import draft_finding
from cases.services.locks import enter_case
from cases.services.webhooks import announce
from cases.states import CaseState
from tracing import jobs, reads

MAXIMUM_FINDINGS = 20  # for accounts without a suspect; the others stand as reached accounts
DUST = 1_000  # satoshi: a deposit below this may be an advertisement; tokens have no such line
POLICY_WORDS = {"haircut": "haircut", "fifo": "FIFO", "lifo": "LIFO", "poison": "poison"}
DETERMINISTIC, HEURISTIC = 2, 3  # evidence tiers
BATCH = 500


@dataclass(frozen=True, slots=True)
class Arrival:
    """One output of the run that a customer's deposit address received; amounts in base units."""

    outpoint: str
    address: str
    at: datetime
    value: int
    base: int
    low: int
    high: int
    hops: int = 0


@dataclass(slots=True)
class Reached:
    """All arrivals at one account, and the suspects of the case it is linked to."""

    account: ExchangeAccount
    arrivals: list[Arrival] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)

    def total(self, name: str) -> int:
        return sum(getattr(arrival, name) for arrival in self.arrivals)

    def mixed_by(self) -> int:
        """The hop by which the first of what came was mixed; 0 where nothing was."""
        return min((each.hops for each in self.arrivals if each.low < each.high), default=0)


@transaction.atomic
def collect_findings(run: UUID) -> int:
    """Take what a finished run says reached the exchange's customers; returns the drafts made.

    Runs twice without harm: the second call finds the run collected. Nothing is taken when the
    requester's account is closed or no longer sees the case (J13), and for a merged case. The first
    collected run to the destination leads. Cost: one pass over the run's ends; queries grow with
    the drafts.
    """
    case_run = CaseRun.objects.filter(run=run).first()
    view = reads.run_view(run)
    if case_run is None or view is None or view.state != "done":
        return 0
    case = enter_case(case_run.case_id, Action.COLLECT_FINDINGS, by=SYSTEM)
    if not CaseRun.objects.filter(pk=case_run.pk, collected_at=None).update(
        collected_at=timezone.now()
    ):
        return 0
    jobs.mark_collected(run)
    announce("run", run)
    who = {"requested_by": case_run.requested_by_id}
    if left := _left_for(case, case_run):
        record_event(case, "leave_findings", f"run:{run}", by=SYSTEM, data=who, reason=left)
        return 0
    made: list[str] = []
    num_reached = num_unassigned = 0
    if view.mode == "destination":
        if not CaseRun.objects.filter(case=case, is_lead=True).exists():
            CaseRun.objects.filter(pk=case_run.pk).update(is_lead=True)
        result = reads.result(run)
        assert result is not None  # a run that is done has one: written in one transaction
        _keep_asset(result)
        reached, num_unassigned = _reached(case, view.ledger, result)
        num_reached = len(reached)
        _save_reached(case_run, reads.asset_name(result), reached)
        worth = _worth_a_draft(reached)
        doubts = tag_doubts(view.ledger, _named_by_tags(view, result)) if worth else []
        made = [_draft(case, view, result, each, doubts) for each in worth]
    record_event(
        case, "collect_findings", f"run:{run}", by=SYSTEM,
        data={
            **who,
            "result_sha256": view.result_sha256,
            "num_accounts": num_reached,
            "num_unassigned": num_unassigned,
            "findings": made,
        },
    )  # fmt: skip
    jobs.failpoint("run.collect")
    return len(made)


def _left_for(case: Case, case_run: CaseRun) -> str:
    """Why nothing is taken from this run; empty where it is. At most 3 queries."""
    if case.state == CaseState.MERGED.value:
        return "The case was merged into another: the work goes on there."
    if not _requester_sees(case, case_run):
        return "The person who asked for this run no longer sees the case."
    return ""


def _requester_sees(case: Case, case_run: CaseRun) -> bool:
    if case_run.requested_by_id is None:
        return False
    user = get_user_model().objects.filter(pk=case_run.requested_by_id, is_active=True).first()
    if user is None:
        return False
    actor = Actor(user_id=user.pk, role=Role(user.role))
    return (
        may(actor, Action.QUEUE_TRACE)
        and Case.objects.filter(pk=case.pk).visible_to(actor).exists()
    )


def _keep_asset(result: Mapping[str, Any]) -> None:
    """So that every screen and copy writes amounts of a token by its own decimals, if known."""
    told = result.get("asset")
    if told and told["decimals"] is not None:
        unit = reads.asset_unit(told)
        Asset.objects.get_or_create(
            asset=unit.asset, defaults={"symbol": unit.symbol[:12], "decimals": unit.decimals}
        )


def _reached(case: Case, ledger: str, result: Mapping[str, Any]) -> tuple[list[Reached], int]:
    """Accounts by what arrived, most first, and how many arrivals had no holder at their time."""
    ends = [
        end
        for end in (*result["ends"], *result.get("possible", ()))
        if end["status"] == "exchange_boundary" and end["address"]
    ]
    periods = _periods(ledger, {end["address"] for end in ends})
    accounts: dict[int, Reached] = {}
    num_unassigned = 0
    for end in ends:
        arrival = Arrival(
            outpoint=end["outpoint"],
            address=end["address"],
            at=datetime.fromisoformat(end["at"]),
            value=int(end["value"]),
            base=int(end["amount"]),
            low=int(end["low"]),
            high=int(end["high"]),
            hops=int(end["hops"]),
        )
        holder = next(
            (
                period.account
                for period in periods.get(arrival.address, ())
                if period.assigned_from_at <= arrival.at
                and (period.assigned_to_at is None or arrival.at < period.assigned_to_at)
            ),
            None,
        )
        if holder is None:
            num_unassigned += arrival.address in periods
            continue
        accounts.setdefault(holder.pk, Reached(holder)).arrivals.append(arrival)
    links = SuspectAccount.objects.filter(suspect__case=case).select_related("suspect")
    for link in links.order_by("pk"):
        if link.account_id in accounts:
            accounts[link.account_id].suspects.append(link.suspect)
    ranked = sorted(accounts.values(), key=lambda each: (-each.total("base"), each.account.pk))
    return ranked, num_unassigned


def _periods(ledger: str, addresses: Iterable[str]) -> dict[str, list[DepositAddress]]:
    wanted = sorted(addresses)
    found: dict[str, list[DepositAddress]] = {}
    for start in range(0, len(wanted), BATCH):
        for period in DepositAddress.objects.filter(
            ledger=ledger, address__in=wanted[start : start + BATCH]
        ).select_related("account"):
            found.setdefault(period.address, []).append(period)
    return found


def _save_reached(case_run: CaseRun, asset: str, reached: Sequence[Reached]) -> None:
    ReachedAccount.objects.bulk_create(
        (
            ReachedAccount(
                case_run=case_run,
                account=each.account,
                asset=asset,
                outpoint=arrival.outpoint,
                address=arrival.address,
                at=arrival.at,
                value=arrival.value,
                base=arrival.base,
                low=arrival.low,
                high=arrival.high,
            )
            for each in reached
            for arrival in each.arrivals
        ),
        batch_size=BATCH,
    )


def _worth_a_draft(reached: Sequence[Reached]) -> list[Reached]:
    """Every account of a suspect, and of the others those with the most under the policy."""
    others = [each for each in reached if not each.suspects and each.total("base")]
    chosen = {each.account.pk for each in others[:MAXIMUM_FINDINGS]}
    return [each for each in reached if each.suspects or each.account.pk in chosen]


def _named_by_tags(view: reads.RunView, result: Mapping[str, Any]) -> list[str]:
    """Where the claim rests on a name: the first addresses, and the services where it ended."""
    parameters = jobs.TraceParameters.from_json(view.parameters)
    ends = {end["address"] for end in result["ends"] if end["status"] == "service"}
    return sorted({*_seed_addresses(result, parameters), *ends} - {None, ""})[:BATCH]


def _draft(
    case: Case,
    view: reads.RunView,
    result: Mapping[str, Any],
    reached: Reached,
    doubts: Sequence[tuple[str, str]],
) -> str:
    """Draft the finding of one account; returns its reference."""
    parameters = jobs.TraceParameters.from_json(view.parameters)
    asset = reads.asset_name(result)
    unit = _Unit.of(asset, result)
    policy = POLICY_WORDS[parameters.policy]
    seeds = Wallet.objects.filter(
        case=case, ledger=parameters.ledger, address__in=_seed_addresses(result, parameters)
    )
    wallets = list(seeds.order_by("pk")[:BATCH])
    is_heuristic = parameters.coinjoin == "through" or any(w.is_cluster for w in wallets)
    name = _name(reached)
    value, base = reached.total("value"), reached.total("base")
    low, high = reached.total("low"), reached.total("high")
    # A fixed grammar, never translated: it is evidence, and the same in every copy.
    statement = (
        f"{name} received {unit.text(value)}; of the traced origin"
        f" low {unit.number(low)}, {policy} {unit.number(base)}, high {unit.number(high)}."
    )
    finding = draft_finding(
        case,
        kind="exposure",
        severity="high" if reached.suspects else "medium",
        statement=statement,
        tier=HEURISTIC if is_heuristic else DETERMINISTIC,
        confidence=60 if is_heuristic else 80,
        confidence_reason=_(
            "Drafted from a sealed run; the bounds hold whatever rule the owners followed."
        ),
        assumptions=_assumptions(parameters, policy, is_heuristic=is_heuristic),
        alternatives=_(
            "What lies above the low bound may come from other money in the same wallets; the"
            " holder of the account may have sold goods or services without knowing the origin."
        ),
        amounts=[
            AmountSpec(
                asset=asset,
                value=arrival.value,
                base=arrival.base,
                low=arrival.low,
                high=arrival.high,
                run=view.public_id,
                result_sha256=view.result_sha256,
                policy=parameters.policy,
                outpoint=arrival.outpoint,
                address=arrival.address,
                label=name[:80],
            )
            for arrival in reached.arrivals
        ],
        counter_evidence=[*_counter_evidence(result, reached, unit), *doubts],
        wallets=wallets,
        suspects=reached.suspects,
        by=SYSTEM,
    )
    return finding.reference


def _seed_addresses(result: Mapping[str, Any], parameters: jobs.TraceParameters) -> set[str]:
    """Addresses of the seeds: given as such, or spent in the run's first transactions."""
    seeds = set(parameters.seeds)
    spent = {
        address
        for step in result["steps"]
        for outpoint, address, *_rest in step["in"]
        if address and outpoint in seeds
    }
    return spent | {address for seed in seeds if (address := reads.place_address(seed))}


def _name(reached: Reached) -> str:
    """How the statement names an account: the suspect's heading if it has one, and its last four
    characters.
    """
    names = [suspect.names.order_by("pk").first() for suspect in reached.suspects]
    headings = [name.full for name in names if name is not None]
    return f"{' / '.join(headings) or 'Account'} {reached.account.masked}"


def _assumptions(parameters: jobs.TraceParameters, policy: str, *, is_heuristic: bool) -> str:
    parts = [
        _("Where money mixes it is divided by the %(policy)s rule.") % {"policy": policy},
        _("The exchange's addresses and known services are walls."),
    ]
    if parameters.max_hops:
        parts.append(_("At most %(hops)d transactions deep.") % {"hops": parameters.max_hops})
    if parameters.coinjoin == "through":
        parts.append(_("CoinJoins are passed through by the same rule."))
    if is_heuristic:
        parts.append(_("Addresses spent together belong together."))
    return " ".join(parts)


def _counter_evidence(
    result: Mapping[str, Any], reached: Reached, unit: "_Unit"
) -> list[tuple[str, str]]:
    """What the engine itself knows against the finding."""
    against: list[tuple[str, str]] = []
    low, high = reached.total("low"), reached.total("high")
    if (num_unknown := (result.get("counts") or {}).get("unknown_openings")) and low < high:
        against.append(
            (
                "unknown_balance",
                _("What %(number)d accounts on the way held before the ledger begins is not known;"
                  " the policy counts the least that their payments prove.")
                % {"number": num_unknown},
            )
        )  # fmt: skip
    if low < high:
        against.append(
            (
                "commingling",
                _("The money was mixed with other money on its way, at hop %(hop)d at the latest:"
                  " only %(low)s of up to %(high)s come from the traced origin with certainty.")
                % {"hop": reached.mixed_by(), "low": unit.text(low), "high": unit.text(high)},
            )
        )  # fmt: skip
    for status, kind, sentence in (
        ("coinjoin", "coinjoin",
         _("The run stopped at CoinJoins that hold %(amount)s of the traced origin in %(number)d"
           " outputs; what left them may have come here too, or gone elsewhere.")),
        ("service", "service",
         _("%(amount)s of the traced origin ended at services in %(number)d outputs; behind a"
           " service the chain says nothing about ownership.")),
        ("unknown_input", "unknown_input",
         _("%(amount)s of the traced origin ended in %(number)d transactions whose inputs this"
           " ledger does not know in full.")),
    ):  # fmt: skip
        amounts = [int(end["amount"]) for end in result["ends"] if end["status"] == status]
        if amounts:
            facts = {"amount": unit.text(sum(amounts)), "number": len(amounts)}
            against.append((kind, sentence % facts))
    is_coin = not result.get("asset")
    if is_coin and all(arrival.value < DUST for arrival in reached.arrivals):
        against.append(
            ("dust", _("Only dust arrived: anyone can send it to anyone without being asked."))
        )
    if len(reached.arrivals) == 1:
        against.append(("single_source", _("The finding rests on one deposit in one transaction.")))
    return against


@dataclass(frozen=True, slots=True)
class _Unit:
    """How amounts of one asset are written in a statement."""

    symbol: str
    decimals: int

    @classmethod
    def of(cls, asset: str, result: Mapping[str, Any]) -> "_Unit":
        known = Asset.objects.filter(asset=asset).first()
        told = known or reads.asset_unit(result.get("asset"))
        return cls(told.symbol, told.decimals)

    def number(self, base: int) -> str:
        """Base units as a decimal number, exactly, with at least two decimals."""
        if not self.decimals:
            return str(base)
        whole, part = divmod(base, 10**self.decimals)
        digits = f"{part:0{self.decimals}d}".rstrip("0")
        return f"{whole}.{digits.ljust(min(2, self.decimals), '0')}"

    def text(self, base: int) -> str:
        return f"{self.number(base)} {self.symbol}"
