"""The register: every line that the exchange executed, and its totals by what a person asks for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import (
    FreezeExtension,
    FreezeLine,
    FreezeRelease,
    FreezeRequest,
    Seizure,
)
from cases.policy import Actor
from cases.queries.ledger import Ledger, LedgerLine, expiry_step, ledger_from
from cases.queries.money import ZERO
from cases.states import ExtensionState, FreezeReleaseState, FreezeState

L = gettext_lazy
STANDING = (FreezeState.ACTIVE, FreezeState.DECISION_DUE)
# A hold that one person placed and no second one took over; what it held went back by itself.
ENDED = {
    FreezeState.LAPSED: (L("Lapsed"), L("Nobody took the provisional hold over in time.")),
    FreezeState.REJECTED: (L("Rejected"), L("The provisional hold was rejected.")),
}


@dataclass(frozen=True, slots=True)
class Total:
    """What the lines of one group come to, in fiat: at execution, and what is held of it now.

    `unpriced` lines are in no sum.
    """

    name: str
    num_lines: int
    executed: Decimal
    held: Decimal
    now: Decimal
    unpriced: int


@dataclass(frozen=True, slots=True)
class Renewal:
    """A freeze that ends within a fortnight or did: what it holds, and whether anybody asked."""

    lines: list[LedgerLine]
    asked: FreezeExtension | None

    @property
    def freeze(self) -> FreezeRequest:
        found: FreezeRequest = self.lines[0].line.freeze
        return found

    @property
    def ends_at(self) -> datetime:
        assert self.freeze.expires_at is not None  # it would not be here
        return self.freeze.expires_at

    @property
    def held_fiat(self) -> Decimal:
        return _sum(each.held_fiat for each in self.lines)


@dataclass(frozen=True, slots=True)
class Lift:
    """What is held no longer of one line, and why; `decision` is None where a hold just ended."""

    what: Promise
    line: FreezeLine
    amount: int
    reason: Promise | str
    decision: FreezeRelease | Seizure | None = None

    @property
    def at(self) -> datetime | None:
        return self.decision.decided_at if self.decision else None


@dataclass(frozen=True)
class Register:
    """The lines, by authority and account; each set of totals sums to the same."""

    ledger: Ledger
    renewals: list[Renewal]
    lifts: list[Lift]

    @property
    def totals(self) -> dict[str, list[Total]]:
        """By operation, case, authority, asset and account, the dearest first."""
        return {by: self._by(name) for by, (_words, name) in GROUPS.items()}

    def _by(self, name: Callable[[FreezeLine], str]) -> list[Total]:
        groups: dict[str, list[int]] = {}
        for place, each in enumerate(self.ledger.lines):
            groups.setdefault(name(each.line), []).append(place)
        found = [self._total(words, places) for words, places in groups.items()]
        return sorted(found, key=lambda each: (-each.executed, each.name))

    def _total(self, name: str, places: list[int]) -> Total:
        lines = [self.ledger.lines[place] for place in places]
        return Total(
            name=name,
            num_lines=len(lines),
            executed=_sum(each.executed_fiat for each in lines),
            held=_sum(each.held_fiat for each in lines),
            now=_sum(each.now_fiat for each in lines),
            unpriced=sum(each.executed_fiat is None for each in lines),
        )


def register(actor: Actor) -> Register:
    """Every line that was ever executed, of the cases the actor sees: 10 queries."""
    lines = FreezeLine.objects.visible_to(actor).filter(executed_at__isnull=False)
    lines = lines.select_related(
        "freeze__case__operation", "freeze__agency", "freeze__approved_by", "account", "asset",
        "price",
    )  # fmt: skip
    ledger = ledger_from(
        lines.prefetch_related("receipts").order_by(
            "freeze__agency__short_name", "account__uid", "asset_id"
        )
    )
    return Register(ledger, _renewals(ledger, actor, timezone.now()), _lifts(ledger, actor))


def _renewals(ledger: Ledger, actor: Actor, now: datetime) -> list[Renewal]:
    """The nearest end first: 1 query."""
    ending: dict[int, list[LedgerLine]] = {}
    for each in ledger.lines:
        until = ends_at(each.line)
        is_standing = each.line.freeze.state in STANDING
        if is_standing and expiry_step(until, now) is not None:
            ending.setdefault(each.line.freeze_id, []).append(each)
    open_ones = FreezeExtension.objects.visible_to(actor).filter(
        freeze__in=ending, state=ExtensionState.REQUESTED.value
    )
    asked = {each.freeze_id: each for each in open_ones}
    found = [Renewal(lines, asked.get(freeze_id)) for freeze_id, lines in ending.items()]
    return sorted(found, key=lambda each: (each.ends_at, each.freeze.pk))


def _lifts(ledger: Ledger, actor: Actor) -> list[Lift]:
    """The newest decision first, then what ended without one: 4 queries."""
    lines = {each.line.pk: each.line for each in ledger.lines}
    freezes = {line.freeze_id for line in lines.values()}
    whose = ("instrument", "decided_by")
    released = FreezeRelease.objects.visible_to(actor).filter(
        freeze__in=freezes, state=FreezeReleaseState.EXECUTED.value
    )
    seized = Seizure.objects.visible_to(actor).filter(freeze__in=freezes)
    decided = [
        Lift(L("Released"), lines[row.line_id], row.amount, each.reason, each)
        for each in released.select_related(*whose).prefetch_related("lines")
        for row in each.lines.all()
    ] + [
        Lift(L("Seized"), lines[row.line_id], row.seized, each.reason, each)
        for each in seized.select_related(*whose).prefetch_related("lines")
        for row in each.lines.all()
        if row.seized
    ]
    ended = [
        Lift(words, line, line.released, reason)
        for line in lines.values()
        if line.released and line.freeze.state in ENDED
        for words, reason in [ENDED[FreezeState(line.freeze.state)]]
    ]
    decided.sort(key=lambda each: (str(each.at), each.line.pk), reverse=True)
    return decided + ended


def num_receipts(line: FreezeLine) -> int:
    """How many receipts of the exchange make up what was executed; they are fetched already."""
    return sum(receipt.kind == "hold" for receipt in line.receipts.all())


def ends_at(line: FreezeLine) -> datetime | None:
    """When the hold of this line ends or falls due; None where nothing of it runs."""
    if line.freeze.state == FreezeState.PROVISIONAL:
        return line.freeze.provisional_until
    is_standing = line.freeze.state in STANDING
    return line.freeze.expires_at if is_standing and line.held else None


def _sum(values: Iterable[Decimal | None]) -> Decimal:
    return sum((value for value in values if value is not None), ZERO)


def _operation(line: FreezeLine) -> str:
    operation = line.freeze.case.operation
    return operation.code_name if operation else _("of no operation")


def _authority(line: FreezeLine) -> str:
    return line.freeze.agency.short_name if line.freeze.agency else _("of no authority")


# By which the lines are summed: words of the table, and the name of a line's group.
GROUPS: dict[str, tuple[Promise, Callable[[FreezeLine], str]]] = {
    "operation": (L("Operation"), _operation),
    "case": (L("Case"), lambda line: line.freeze.case.reference),
    "authority": (L("Authority"), _authority),
    "asset": (L("Asset"), lambda line: line.asset.symbol),
    "account": (L("Account"), lambda line: line.account.masked),
}
