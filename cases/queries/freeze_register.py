"""The register: every line that the exchange executed, and its totals by what a person asks for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import FreezeLine
from cases.policy import Actor
from cases.queries.ledger import Ledger, ledger_from
from cases.queries.money import ZERO
from cases.states import FreezeState

L = gettext_lazy


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


@dataclass(frozen=True)
class Register:
    """The lines, by authority and account; each set of totals sums to the same."""

    ledger: Ledger

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
    """Every line that was ever executed, of the cases the actor sees: 5 queries."""
    lines = FreezeLine.objects.visible_to(actor).filter(executed_at__isnull=False)
    lines = lines.select_related(
        "freeze__case__operation", "freeze__agency", "account", "asset", "price"
    )
    return Register(
        ledger_from(
            lines.prefetch_related("receipts").order_by(
                "freeze__agency__short_name", "account__uid", "asset_id"
            )
        )
    )


def ends_at(line: FreezeLine) -> datetime | None:
    """When the hold of this line ends or falls due; None where nothing of it runs."""
    if line.freeze.state == FreezeState.PROVISIONAL:
        return line.freeze.provisional_until
    is_standing = line.freeze.state in (FreezeState.ACTIVE, FreezeState.DECISION_DUE)
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
