"""What agencies reported back, summed up over cases: each as of the cases the reader may see."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from cases.models import Alert, Asset, Outcome
from cases.policy import Actor

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Seized:
    """What was seized of one asset, in base units."""

    symbol: str
    decimals: int
    base: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Numbers of a set of cases, and the reports they are made of, newest first."""

    arrests: int
    charges: int
    seizures: int
    no_action: int
    seized: tuple[Seized, ...]
    rows: tuple[Outcome, ...]

    def __bool__(self) -> bool:
        return bool(self.rows)


def outcomes_of(actor: Actor, cases: Iterable[int]) -> Outcomes:
    """Of these cases, as far as the actor may see them: 2 queries."""
    found: QuerySet[Outcome] = Outcome.objects.visible_to(actor).filter(
        release__referral__case__in=list(cases)
    )
    rows = list(
        found.select_related("release__agency", "release__referral").order_by("-happened_on", "-pk")
    )
    assets = Asset.objects.in_bulk({row.asset for row in rows if row.asset})
    sums: dict[str, int] = {}
    for row in rows:
        if row.asset in assets:
            sums[row.asset] = sums.get(row.asset, 0) + row.base
    return Outcomes(
        arrests=_sum(rows, "arrest"),
        charges=_sum(rows, "charge"),
        seizures=_sum(rows, "seizure"),
        no_action=sum(row.kind == "no_action" for row in rows),
        seized=tuple(
            Seized(assets[name].symbol, assets[name].decimals, base)
            for name, base in sorted(sums.items())
        ),
        rows=tuple(rows[:MOST_SHOWN]),
    )


def _sum(rows: Iterable[Outcome], kind: str) -> int:
    return sum(row.number for row in rows if row.kind == kind)


@dataclass(frozen=True, slots=True)
class RuleOutcomes:
    """Of the cases that alerts of one rule led to: how many, and what came of how many."""

    num_cases: int
    num_with_result: int
    num_without: int


def rule_outcomes(actor: Actor, code: str) -> RuleOutcomes:
    """What came of the alerts of a rule, in every version of it: 3 queries."""
    linked = Alert.objects.visible_to(actor).filter(rule__code=code, case__isnull=False)
    cases = set(linked.values_list("case", flat=True))
    told = (
        Outcome.objects.visible_to(actor)
        .filter(release__referral__case__in=cases)
        .values("release__referral__case", "kind")
        .annotate(times=Count("pk"))
    )
    good = {row["release__referral__case"] for row in told if row["kind"] != "no_action"}
    none = {row["release__referral__case"] for row in told} - good
    return RuleOutcomes(len(cases), len(good), len(none))
