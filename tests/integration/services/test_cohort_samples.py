"""The sample of a cohort: drawn once and by chance, judged by others; numbers that name nobody."""

from collections import Counter

import pytest
from django.db import IntegrityError, transaction

from cases.models import Cohort, CohortMember, SampledMember
from cases.policy import Actor, PermissionDenied
from cases.queries.cohort_samples import aggregates, safe_cells, sample_views
from cases.services.cohort_samples import draw_samples, in_order, judge_member
from cases.services.errors import CaseworkError
from cases.states import InvalidTransition
from tests.casework import make_account, make_case, make_user, person
from tests.conftest import client_of
from tests.integration.services.test_cohorts import AT, make_cohort

pytestmark = pytest.mark.django_db


@pytest.fixture
def cohort() -> tuple[Cohort, Actor]:
    """25 members of tier 1 in two countries, 3 of tier 3, one kept out."""
    by = person("analyst")
    found = make_cohort(make_case(by), by)
    account = make_account()
    tiers = [(1, "")] * 25 + [(3, "")] * 3 + [(2, "tag_conflict")]
    CohortMember.objects.bulk_create(
        CohortMember(
            cohort=found, customer=f"C{n}", account=account, country="AA" if n < 21 else "BB",
            tier=tier, kept_out=kept_out, is_exportable=tier < 3 and not kept_out,
            num_payments=1, amount=10_000, first_at=AT, last_at=AT,
        )
        for n, (tier, kept_out) in enumerate(tiers)
    )  # fmt: skip
    return found, by


def test_twenty_of_a_tier_are_drawn_by_a_seed_that_draws_them_again(
    cohort: tuple[Cohort, Actor],
) -> None:
    found, by = cohort
    samples = {each.tier: each for each in draw_samples(found, by=by)}
    assert {tier: each.members.count() for tier, each in samples.items()} == {1: 20, 3: 3}
    members = list(CohortMember.objects.filter(cohort=found, tier=1))
    again = [member.pk for member in in_order(members, samples[1].seed)[:20]]
    assert list(samples[1].members.values_list("member_id", flat=True)) == again
    with pytest.raises(CaseworkError, match="drawn once"):
        draw_samples(found, by=by)
    drawn = Counter(in_order(members, f"{n}")[0].pk for n in range(400))
    assert len(drawn) == 25  # every one of them may come first


def test_others_judge_once_and_the_precision_has_its_interval(
    cohort: tuple[Cohort, Actor],
) -> None:
    found, by = cohort
    draw_samples(found, by=by)
    senior = person("supervisor")
    rows = list(SampledMember.objects.filter(sample__tier=1).select_related("sample__cohort"))
    with pytest.raises(PermissionDenied, match="second person"):
        judge_member(rows[0], "yes", note="", by=by)
    with pytest.raises(CaseworkError, match="yes, no or unsure"):
        judge_member(rows[0], "maybe", note="", by=senior)
    for row, verdict in zip(rows, ["yes"] * 18 + ["no", "unsure"], strict=True):
        judge_member(row, verdict, note="", by=senior)
    with pytest.raises(InvalidTransition):
        judge_member(rows[0], "no", note="", by=person("supervisor"))
    first, third = sample_views(found, by)
    assert (first.share.yes, first.share.of, first.num_unsure, first.num_left) == (18, 20, 1, 0)
    assert [str(first.share.low), str(first.share.high)] == ["0.698", "0.973"]
    assert (third.share.of, third.share.point, third.num_left) == (0, None, 3)
    with transaction.atomic(), pytest.raises(IntegrityError):
        SampledMember.objects.filter(pk=rows[0].pk).update(judged_by_id=by.user_id)


def test_numbers_for_others_hide_small_counts_and_what_would_tell_them(
    cohort: tuple[Cohort, Actor],
) -> None:
    found, by = cohort
    view = aggregates(found, by)
    assert (view.num_members, view.amount) == (25, 250_000)
    assert [(cell.label, cell.number) for cell in view.by_country] == [("AA", None), ("BB", None)]
    assert [cell.number for cell in view.by_tier] == [25]
    told = {cell.label: cell.number for cell in safe_cells({"A": 30, "B": 9, "C": 3, "D": 12})}
    assert told == {"A": 30, "B": None, "C": None, "D": 12}
    pair = {cell.label: cell.number for cell in safe_cells({"A": 30, "B": 1, "C": 2, "D": 12})}
    assert pair == {"A": 30, "B": None, "C": None, "D": None}
    assert safe_cells({"A": 5, "B": 6})[0].number == 5


def test_the_pages_lead_from_the_draw_to_the_measure(cohort: tuple[Cohort, Actor]) -> None:
    found, _by = cohort
    senior = client_of(make_user("supervisor"))
    page = f"/cohorts/{found.public_id}/sample/"
    assert "No sample yet" in senior.get(page).content.decode()
    assert senior.post(f"{page}draw/").headers["Location"] == page
    row = SampledMember.objects.filter(sample__tier=1).first()
    assert row is not None
    senior.post(f"/cohorts/sampled/{row.public_id}/", {"verdict": "yes"})
    shown = senior.get(page).content.decode()
    assert "0.206 – 1.000" in shown
    numbers = senior.get(f"/cohorts/{found.public_id}/numbers/").content.decode()
    assert "not shown" in numbers
    assert (
        'href="/cohorts/' in senior.get(f"/cases/{found.case.public_id}/cohorts/").content.decode()
    )
