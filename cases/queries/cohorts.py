"""Cohorts of a case for its tab: members by tier, sums, countries, and the payments behind each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.models import Asset, Case, Cohort, CohortMember, CohortPayment
from cases.models.cohorts import ALTERNATIVES, PAYEE, TAG_CONFLICT
from cases.policy import Actor
from cases.queries.keyset import number_asked

ROWS = 100
KEPT_OUT = "kept-out"
PARTS: tuple[tuple[str, Promise], ...] = (
    ("exportable", _("May be exported")),
    ("1", _("Tier 1: our record")),
    ("2", _("Tier 2: own wallet, proved")),
    ("3", _("Tier 3: pattern only")),
    (KEPT_OUT, _("Kept out: tags disagree")),
    (PAYEE, _("Only paid by the platform")),
)


@dataclass(frozen=True)
class Part:
    """One group of members with its sums."""

    key: str
    label: Promise
    num_members: int
    num_payments: int
    amount: int
    num_payouts: int
    received: int


@dataclass(frozen=True)
class MemberRow:
    """A member and what else would explain the payments."""

    member: CohortMember
    alternative: Promise


@dataclass(frozen=True)
class CohortView:
    """A cohort with the members of one part, and all sums."""

    cohort: Cohort
    asset: Asset | str
    parts: list[Part]
    part: str
    rows: list[MemberRow]
    page: int
    num_pages: int
    countries: list[tuple[str, int]]
    months: list[tuple[str, int]]  # payments of those who may be exported, the month as 2025-02
    num_members: int
    num_exportable: int
    num_kept_out: int
    num_payees: int
    earlier: list[Cohort]
    packages: list[int]

    @property
    def most_in_a_month(self) -> int:
        """The longest bar of the payments by month."""
        return max((number for _month, number in self.months), default=0)


def cohort_view(
    case: Case, actor: Actor, asked: UUID | None = None, part: str = "", page: str = ""
) -> CohortView | None:
    """The newest cohort of a case, or the one asked for: 4 queries. None where there is none."""
    found = list(
        Cohort.objects.visible_to(actor).filter(case=case).select_related("built_by")
        .order_by("-built_at", "-pk")
    )  # fmt: skip
    cohort = next((each for each in found if asked in (None, each.public_id)), None)
    if cohort is None:
        return None
    members = list(_members(actor).filter(cohort=cohort).order_by("tier", "first_at", "pk"))
    parts = [_part(key, label, members) for key, label in PARTS]
    chosen = part if part in dict(PARTS) else "exportable"
    rows = [member for member in members if _belongs(member, chosen)]
    num_pages = max(1, -(-len(rows) // ROWS))
    number = number_asked(page, num_pages)
    exportable = [member for member in members if member.is_exportable]
    paid = CohortPayment.objects.visible_to(actor).filter(
        member__cohort=cohort, member__is_exportable=True, is_disputed=False, is_payout=False
    )
    months = Counter(f"{at:%Y-%m}" for at in paid.values_list("at", flat=True))
    return CohortView(
        cohort=cohort,
        asset=Asset.objects.filter(asset=cohort.asset).first() or cohort.asset,
        parts=parts,
        part=chosen,
        rows=[
            MemberRow(member, alternative(member))
            for member in rows[(number - 1) * ROWS : number * ROWS]
        ],
        page=number,
        num_pages=num_pages,
        countries=Counter(member.country for member in exportable).most_common(),
        months=sorted(months.items()),
        num_members=sum(not member.kept_out for member in members),
        num_exportable=len(exportable),
        num_kept_out=sum(member.kept_out == TAG_CONFLICT for member in members),
        num_payees=sum(member.kept_out == PAYEE for member in members),
        earlier=[each for each in found if each.pk != cohort.pk],
        packages=[int(package) for package in cohort.packages],
    )


def member_payments(member: CohortMember, actor: Actor) -> QuerySet[CohortPayment]:
    """The payments of a member, oldest first: 1 query."""
    rows: QuerySet[CohortPayment] = CohortPayment.objects.visible_to(actor)
    return rows.filter(member=member).select_related("record").order_by("at", "pk")


def visible_member(actor: Actor, member_id: UUID) -> QuerySet[CohortMember]:
    """A member the actor may see, or nothing."""
    return _members(actor).filter(public_id=member_id).select_related("cohort__case")


def visible_cohort(actor: Actor, cohort_id: UUID) -> QuerySet[Cohort]:
    """A cohort the actor may see, or nothing."""
    rows: QuerySet[Cohort] = Cohort.objects.visible_to(actor)
    return rows.filter(public_id=cohort_id).select_related("case")


def exportable_countries(cohort: Cohort, actor: Actor) -> list[tuple[str, int]]:
    """How many who may be exported live in which country, most first: 1 query."""
    rows = CohortMember.objects.visible_to(actor).filter(cohort=cohort, is_exportable=True)
    found = Counter(rows.values_list("country", flat=True))
    return sorted(found.items(), key=lambda row: (-row[1], row[0]))


def alternative(member: CohortMember) -> Promise:
    """What else would explain these payments."""
    if member.kept_out == TAG_CONFLICT:
        return _("Tags give the paid addresses to different services.")
    if member.kept_out == PAYEE:
        return _("The platform paid somebody who never paid it: a refund, a seller, a service.")
    return ALTERNATIVES[member.tier]


def _members(actor: Actor) -> QuerySet[CohortMember]:
    rows: QuerySet[CohortMember] = CohortMember.objects.visible_to(actor)
    return rows.select_related("account")


def _belongs(member: CohortMember, part: str) -> bool:
    if part in (KEPT_OUT, PAYEE):
        return member.kept_out == (TAG_CONFLICT if part == KEPT_OUT else PAYEE)
    if member.kept_out:
        return False
    return member.is_exportable if part == "exportable" else str(member.tier) == part


def _part(key: str, label: Promise, members: Sequence[CohortMember]) -> Part:
    mine = [member for member in members if _belongs(member, key)]
    return Part(
        key, label, len(mine), sum(member.num_payments for member in mine),
        sum(member.amount for member in mine), sum(member.num_payouts for member in mine),
        sum(member.received for member in mine),
    )  # fmt: skip
