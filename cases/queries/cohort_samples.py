"""Reviewed samples with the precision that they measure, and numbers that may be shown around."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from cases.models import (
    Cohort,
    CohortMember,
    CohortPayment,
    CohortSample,
    ReferralMember,
    SampledMember,
)
from cases.models.cohorts import TIERS
from cases.policy import Actor
from cases.proportions import Share, share_of
from cases.states import ReferralState

LEFT = (ReferralState.SENT.value, ReferralState.ACKNOWLEDGED.value)
SMALLEST = 5
"""A count below this, or one that could be worked out from the others, is not shown."""


@dataclass(frozen=True)
class SampleView:
    """The sample of a tier: `share` of those judged that paid; unsure counts as not."""

    sample: CohortSample
    members: list[SampledMember]
    share: Share
    num_unsure: int

    @property
    def num_left(self) -> int:
        """Those that nobody judged yet."""
        return sum(not each.verdict for each in self.members)


def sample_views(cohort: Cohort, actor: Actor) -> list[SampleView]:
    """The samples of a cohort by tier with all members: 2 queries."""
    samples = CohortSample.objects.visible_to(actor).filter(cohort=cohort).order_by("tier")
    rows = SampledMember.objects.visible_to(actor).filter(sample__cohort=cohort)
    of: dict[int, list[SampledMember]] = {}
    for row in rows.select_related("member__account", "judged_by"):
        of.setdefault(row.sample_id, []).append(row)
    views = []
    for sample in samples.select_related("drawn_by"):
        members = of.get(sample.pk, [])
        said = Counter(each.verdict for each in members if each.verdict)
        share = share_of(said["yes"], said.total(), sample.num_members)
        views.append(SampleView(sample, members, share, said["unsure"]))
    return views


@dataclass(frozen=True)
class Cell:
    """One line of an aggregate; `number` is None where it would tell of too few."""

    label: str
    number: int | None


@dataclass(frozen=True)
class Aggregates:
    """Numbers of those who may be exported, without any that tell of fewer than five people."""

    num_members: int | None
    num_referred: int | None
    num_acknowledged: int | None
    by_tier: list[Cell]
    by_country: list[Cell]
    by_amount: list[Cell]
    by_month: list[Cell]
    amount: int | None


def aggregates(cohort: Cohort, actor: Actor) -> Aggregates:
    """Counts of people, never of rows: 3 queries. Each table stands for itself."""
    rows = CohortMember.objects.visible_to(actor).filter(cohort=cohort, is_exportable=True)
    members = list(rows.only("pk", "tier", "country", "amount"))
    payments = CohortPayment.objects.visible_to(actor).filter(
        member__cohort=cohort, member__is_exportable=True, is_payout=False
    )
    paid, months = set(), set()
    for member, amount, at in payments.values_list("member_id", "amount", "at"):
        paid.add((member, str(amount)))
        months.add((member, at.strftime("%Y-%m")))
    tiers = {str(tier): str(words) for tier, words in TIERS}
    is_safe = len(members) >= SMALLEST
    sent = ReferralMember.objects.visible_to(actor).filter(
        member__cohort=cohort, referral__state__in=LEFT
    )
    states = set(sent.values_list("member_id", "referral__state"))
    referred = {member for member, _state in states}
    acknowledged = {member for member, state in states if state == ReferralState.ACKNOWLEDGED}
    return Aggregates(
        num_members=len(members) if is_safe else None,
        num_referred=_safe(len(referred), len(members)),
        num_acknowledged=_safe(len(acknowledged), len(referred)),
        by_tier=[
            Cell(tiers[cell.label], cell.number)
            for cell in safe_cells(Counter(str(member.tier) for member in members))
        ],
        by_country=safe_cells(Counter(member.country for member in members)),
        by_amount=safe_cells(Counter(amount for _, amount in paid), is_partition=False),
        by_month=safe_cells(Counter(month for _, month in months), is_partition=False),
        amount=sum(member.amount for member in members) if is_safe else None,
    )


def _safe(number: int, of: int) -> int | None:
    """A part of a shown number, unless it or the rest of it tells of too few."""
    few = range(1, SMALLEST)
    return None if number in few or (number and of - number in few) else number


def safe_cells(counts: Mapping[str, int], *, is_partition: bool = True) -> list[Cell]:
    """Counts by label without those below five.

    Args:
        is_partition: whether the counts add up to a total that is shown elsewhere. Then a single
            hidden one could be worked out, and so could hidden ones that together are below five:
            the smallest shown one is hidden with them.
    """
    hidden = {label for label, number in counts.items() if 0 < number < SMALLEST}
    if is_partition and hidden:
        shown = sorted((number, label) for label, number in counts.items() if label not in hidden)
        lost = sum(counts[label] for label in hidden)
        while shown and (len(hidden) < 2 or lost < SMALLEST):
            number, label = shown.pop(0)
            hidden.add(label)
            lost += number
    return [
        Cell(label, None if label in hidden else number) for label, number in sorted(counts.items())
    ]
