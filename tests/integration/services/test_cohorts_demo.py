"""The cohort of Lanternbox on the demo world: each figure of the story's oracle is a test."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from cases.models import Case, Cohort, CohortMember, CohortPayment, ExchangeRecord, Wallet
from cases.policy import Actor
from cases.queries.book_traces import case_books, case_question
from cases.queries.breakpoints import Matcher, break_points
from cases.services.attribution import import_tags
from cases.services.cohorts import build_cohort, export_cohort
from cases.services.errors import CaseworkError
from cases.services.exchange import import_exchange
from cases.services.traces import queue_trace
from cases.services.wallets import add_wallets
from fiu.demo.case_file import CaseFile
from fiu.demo.installation import set_services
from tests.casework import make_case, person
from tests.demo_ledger import LEDGER, DemoLedger
from tracing import jobs, reads

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.xdist_group("demo_ledger")]
PACKAGES = (10_000, 25_000, 50_000, 100_000)
PREFIX = "NQ-7001-"
SWAPS = (22, 41, 63, 95)  # minutes until the deposit of each order


@dataclass(frozen=True)
class Built:
    case: Case
    cohort: Cohort
    mei: Actor
    tomas: Actor

    @property
    def members(self) -> list[CohortMember]:
        rows = CohortMember.objects.filter(cohort=self.cohort).select_related("account")
        return list(rows.order_by("pk"))

    def uids(self, **which: Any) -> list[str]:
        return sorted(
            member.account.uid.removeprefix(PREFIX)
            for member in self.members
            if all(getattr(member, key) == value for key, value in which.items())
        )


@pytest.fixture(scope="module")
def built(demo: DemoLedger, django_db_setup: None, django_db_blocker: Any) -> Iterator[Built]:
    """The demo's rows, packs and case, loaded once for this file and taken back at its end."""
    before, settings.FIU_HOME = settings.FIU_HOME, demo.home
    try:
        with django_db_blocker.unblock(), transaction.atomic():
            import_exchange(demo.built.exchange)
            set_services(7)
            for name in ("pack_a_v1.yaml", "pack_b_v1.yaml"):
                import_tags(demo.built.folder / "tagpacks" / name)
            mei, tomas = person("analyst"), person("supervisor")
            case = make_case(mei, started=True)
            add_wallets(
                case, text="\n".join(CaseFile.read(demo.built.folder).lanternbox),
                role="service", provenance="document", provenance_note="List", by=mei,
            )  # fmt: skip
            cohort = build_cohort(case, platform="Lanternbox", packages=PACKAGES, by=mei)
            yield Built(case, cohort, mei, tomas)
            transaction.set_rollback(True)
    finally:
        settings.FIU_HOME = before


def test_every_tier_has_the_customers_of_the_story(built: Built, demo: DemoLedger) -> None:
    tiers = demo.oracle["cohort"]["tiers"]
    for tier in (1, 2, 3):
        assert built.uids(tier=tier, kept_out="") == sorted(tiers[str(tier)])
    assert Counter(m.tier for m in built.members if not m.kept_out) == {1: 101, 2: 19, 3: 3}


def test_120_of_123_may_be_exported_with_162_payments(built: Built) -> None:
    exportable = [member for member in built.members if member.is_exportable]
    assert len(exportable) == 120
    assert sum(member.num_payments for member in exportable) == 162
    assert sum(member.amount for member in exportable) == 5_840_000
    assert len([member for member in built.members if not member.kept_out]) == 123


def test_the_nine_look_alikes_are_kept_out_and_nobody_else(built: Built, demo: DemoLedger) -> None:
    dice = demo.oracle["cohort"]["copperdice_customers"]
    assert built.uids(kept_out="tag_conflict") == sorted(dice)
    assert built.uids(kept_out="tag_conflict", is_exportable=True) == []
    assert built.cohort.num_disputed == 500


def test_precision_and_recall_are_those_of_the_story(built: Built, demo: DemoLedger) -> None:
    truth = {uid for uids in demo.oracle["cohort"]["tiers"].values() for uid in uids}
    found = set(built.uids(is_exportable=True))
    assert len(found & truth) / len(found) == 1.0
    assert round(len(found & truth) / len(truth), 3) == 0.976
    trusting = found | set(built.uids(kept_out="tag_conflict"))
    assert (len(trusting), round(len(trusting & truth) / len(trusting), 3)) == (129, 0.930)


def test_payments_have_the_packages_and_countries_of_the_story(
    built: Built, demo: DemoLedger
) -> None:
    rows = CohortPayment.objects.filter(member__cohort=built.cohort, member__is_exportable=True)
    by_package = Counter(row.amount for row in rows)
    assert [by_package[package] for package in PACKAGES] == [39, 64, 41, 18]
    countries = Counter(m.country for m in built.members if m.is_exportable)
    assert countries == demo.oracle["cohort"]["countries"]


def test_each_amount_is_the_sum_of_the_transactions_behind_it(built: Built) -> None:
    for member in built.members:
        rows = list(CohortPayment.objects.filter(member=member))
        assert sum(row.amount for row in rows) == member.amount
        assert (min(r.at for r in rows), max(r.at for r in rows)) == (
            member.first_at,
            member.last_at,
        )
        assert all(row.record.kind == "withdrawal" for row in rows)


def test_the_platform_is_its_cluster_and_what_tags_add(built: Built, demo: DemoLedger) -> None:
    assert built.cohort.num_addresses == 5_201 + 500
    assert built.cohort.num_payments == 5_200 + 498
    assert [name for name, _ in built.cohort.tag_packs] == ["Sample pack A", "Sample pack B"]
    assert built.cohort.height == demo.oracle["tip"]["height"]


def test_a_second_person_exports_what_may_leave(built: Built) -> None:
    assert len(export_cohort(built.cohort, by=built.tomas)) == 120


@pytest.mark.parametrize(
    ("which", "reason"),
    [({"tier": 3}, "pattern alone"), ({"kept_out": "tag_conflict"}, "tag conflict")],
)
def test_patterns_and_conflicts_are_never_exported(
    built: Built, which: dict[str, Any], reason: str
) -> None:
    refused = CohortMember.objects.filter(cohort=built.cohort, **which)
    with pytest.raises(CaseworkError, match=reason):
        export_cohort(built.cohort, list(refused), by=built.tomas)
    with pytest.raises(IntegrityError), transaction.atomic():
        refused.update(is_exportable=True)


def test_the_two_packs_stand_side_by_side_on_a_look_alike(built: Built, demo: DemoLedger) -> None:
    dice, vault = demo.oracle["clusters"]["copperdice"][0], demo.oracle["addresses"]
    told = reads.tags_of(LEDGER, [dice, vault["lanternbox_vault"], vault["z"]])
    assert [(tag.label, tag.level) for tag in told[dice].conflict] == [
        ("Copperdice", 50),
        ("Lanternbox", 20),
    ]
    assert told[vault["z"]].best is not None
    assert (told[vault["z"]].best.label, told[vault["z"]].conflict) == ("Ferryswap", ())
    assert vault["lanternbox_vault"] not in told


def test_the_exposure_of_the_operator_names_the_services(built: Built, demo: DemoLedger) -> None:
    found = reads.wallet_exposure(LEDGER, demo.oracle["addresses"]["a1.0"])
    assert found is not None
    rows = {(r.direction, r.category, r.is_direct): r for r in found.rows}
    assert rows["sent", "hosting", True].amount == 180_000
    assert rows["sent", "coinswap_exchange", True].amount == 75_000_000
    assert rows["received", "exchange", True].amount == 40_000_000
    for row in found.rows:
        assert row.low <= row.amount <= row.high
        assert sum(contact.amount for contact in row.contacts) == row.amount
    assert {side.direction for side in found.sides} == {"sent", "received"}
    for side in found.sides:
        met = sum(row.amount for row in found.rows if row.direction == side.direction)
        assert met + sum(side.rest.values()) + side.fees == side.turnover


def test_the_swaps_break_points_name_the_operators_account_first(
    built: Built, demo: DemoLedger
) -> None:
    facts = CaseFile.read(demo.built.folder)
    asked = jobs.TraceParameters(ledger=LEDGER, seeds=tuple(facts.seeds), policy="fifo")
    run = queue_trace(built.case, asked, by=built.mei)
    jobs.carry_now(run.run)
    found = break_points(run.run, Matcher())
    assert found is not None
    swaps = demo.oracle["swaps"]
    points = {point.value: point for point in found.points}
    assert len(found.points) == len(swaps) + 1  # the first version of pack A takes Z for one
    for number, swap in enumerate(swaps):
        point = points[swap["sat"]]
        uids = {each.record.account.uid.removeprefix(PREFIX) for each in point.candidates}
        assert uids == {swap["account"], *swap["decoys"]}
        assert {each.weight for each in point.candidates} == {Fraction(1, number + 3)}
        [right] = [each for each in point.candidates if each.record.base == swap["base"]]
        assert (right.fee, right.minutes) == ((6_000, 9_000, 12_000, 15_000)[number], SWAPS[number])
        assert point.base_rate < Decimal("0.1")
    first, *others = found.ranking
    assert first.account.uid.removeprefix(PREFIX) == swaps[0]["account"]
    assert (first.num_points, first.weight) == (4, Fraction(57, 60))
    assert len(others) == 14
    assert {other.num_points for other in others} == {1}
    nothing = break_points(run.run, Matcher(from_minutes=0, to_minutes=1))
    assert nothing is not None
    assert nothing.ranking == ()


def test_the_agencys_list_is_counted_line_by_line(built: Built, demo: DemoLedger) -> None:
    lines = [row["address"] for row in demo.rows("agency_list.csv")]
    case = make_case(built.mei)
    report = add_wallets(
        case, text="\n".join(lines), role="bank", provenance="document", provenance_note="List",
        by=built.mei,
    )  # fmt: skip
    repeated = [line for line in report.rejected if "repeats line" in line.reason]
    broken = [line for line in report.rejected if "checksum" in line.reason]
    assert (len(report.added), len(repeated), len(broken)) == (390, 7, 3)
    assert all(lines[line.number - 1] == line.text for line in report.rejected)
    assert Wallet.objects.filter(case=case).count() == 390


def test_a_tag_that_moves_z_raises_one_alarm_with_both_sums(built: Built, demo: DemoLedger) -> None:
    """What rests on Ferryswap falls from 7.15 to 6.40 BTC, and no other run hears of it."""
    facts = CaseFile.read(demo.built.folder)
    seller = demo.oracle["addresses"]["lanternbox_vault"]
    runs = []
    for seeds, policy in ((tuple(facts.seeds), "lifo"), ((seller,), "fifo")):
        asked = jobs.TraceParameters(ledger=LEDGER, seeds=seeds, policy=policy)
        runs.append(queue_trace(built.case, asked, by=built.mei).run)
        jobs.carry_now(runs[-1])
    point = transaction.savepoint()
    try:
        assert jobs.watch_runs(runs) == 0  # nothing came since they were sealed
        import_tags(demo.built.folder / "tagpacks" / "pack_a_v2.yaml")
        assert jobs.watch_runs(runs) == 2
        drifts = reads.drifts(runs)
        assert set(drifts) == {runs[0]}
        [change] = drifts[runs[0]].changes
        assert (change["address"], change["before"]["label"], change["after"]["label"]) == (
            demo.oracle["addresses"]["z"], "Ferryswap", "Eastmere",
        )  # fmt: skip
        totals = {each["before"]["label"]: each for each in drifts[runs[0]].totals}
        assert totals["Ferryswap"]["before"]["amount"] == "715000000"
        assert totals["Ferryswap"]["after"]["amount"] == "640000000"
        # Eastmere is a wall of its own in no end of this run but Z.
        assert totals["Eastmere"]["after"]["amount"] == "75000000"
    finally:
        transaction.savepoint_rollback(point)


def test_a_run_for_the_source_of_funds_leads_back_through_our_books(
    built: Built, demo: DemoLedger
) -> None:
    """Half a bitcoin came to P14's address out of our own wallets: OP-3 withdrew it."""
    withdrawal = ExchangeRecord.objects.get(
        account__uid=f"{PREFIX}OP-3", kind="withdrawal", status="completed"
    )
    _spent, made = demo.coins_of(withdrawal.txid)
    place = made.index((withdrawal.address, 49_980_000))
    seeds = (f"{withdrawal.txid}:{place}",)
    asked = jobs.TraceParameters(ledger=LEDGER, seeds=seeds, mode="source", policy="fifo")
    run = queue_trace(built.case, asked, by=built.mei).run
    jobs.carry_now(run)
    found = case_question(built.case, run)
    assert found is not None
    [seed] = found.question.seeds
    assert (seed.ref, seed.units, seed.low, seed.high) == (withdrawal.ref, *[49_980_000] * 3)
    view = case_books(built.case, run)
    assert view is not None
    assert (view.trace.direction, view.num_unrecorded) == ("backward", 0)
    kinds = {(row.hop.line.kind, row.account.uid if row.account else "") for row in view.hops}
    assert ("withdrawal", f"{PREFIX}OP-3") in kinds
    came = [row for row in view.hops if row.hop.line.kind == "deposit"]
    assert {row.to_account.uid for row in came if row.to_account} <= {
        f"{PREFIX}OP-3", f"{PREFIX}OP-1",
    }  # fmt: skip
    assert sum(row.hop.amount for row in came) == 49_980_000
    assert {row.sheet.difference for row in view.sheets} == {0}
