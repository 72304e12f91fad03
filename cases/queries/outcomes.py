"""What agencies reported back, summed up over cases: each as of the cases the reader may see."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum

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
    """Of these cases, as far as the actor may see them: 2 queries, and 2 more where any are.

    The database counts; amounts of what was seized are added here (M5), of the rest only the
    rows that are shown are read.
    """
    found: QuerySet[Outcome] = Outcome.objects.visible_to(actor).filter(
        release__referral__case__in=list(cases)
    )
    counted = found.order_by().values_list("kind").annotate(Sum("number"), Count("pk"))
    totals = {kind: (number, times) for kind, number, times in counted}
    sums: dict[str, int] = {}
    if "seizure" in totals:
        for asset, base in found.exclude(asset="").values_list("asset", "base"):
            sums[asset] = sums.get(asset, 0) + base
    assets = Asset.objects.in_bulk(sums) if sums else {}
    rows = found.select_related("release__agency", "release__referral")
    return Outcomes(
        arrests=totals.get("arrest", (0, 0))[0],
        charges=totals.get("charge", (0, 0))[0],
        seizures=totals.get("seizure", (0, 0))[0],
        no_action=totals.get("no_action", (0, 0))[1],
        seized=tuple(
            Seized(assets[name].symbol, assets[name].decimals, base)
            for name, base in sorted(sums.items())
            if name in assets
        ),
        rows=tuple(rows.order_by("-happened_on", "-pk")[:MOST_SHOWN]) if totals else (),
    )


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
