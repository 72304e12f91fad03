"""Findings: drafted by people or from a trace, reviewed by a second person."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cases.models import Case, Finding, ReachedAccount, Wallet
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.services.audit import verify_chains
from cases.services.cases import block_user
from cases.services.errors import CaseworkError, ContentChanged, NotFound, VersionChanged
from cases.services.findings import (
    AmountSpec,
    add_counter_evidence,
    approve_finding,
    collect_findings,
    content_hash_of,
    draft_finding,
    edit_finding,
    mark_seen,
    reject_finding,
    return_finding,
    submit_finding,
    withdraw_finding,
)
from cases.services.suspects import link_account
from cases.services.traces import queue_trace
from cases.services.verification import altered_contents
from cases.services.wallets import add_wallet
from cases.states import InvalidTransition
from cases.tasks import collect_findings_task
from fiu.models import User
from tests.casework import (
    BTC,
    LEDGER,
    approve,
    end,
    finding_fields,
    finish_run,
    make_account,
    make_asset,
    make_case,
    make_deposit_address,
    make_finding,
    make_suspect,
    person,
    see_all,
    stale,
    trace_result,
)
from tracing.jobs import TraceParameters
from tracing.models import AttributionTag, TagPack, TraceRun

pytestmark = pytest.mark.django_db
AMOUNT = AmountSpec(BTC, 10, 9, 8, 10)
BANK, SWAP = "bcrt1qbankbankbankbank", "bcrt1qswapswapswapswap"


@pytest.fixture
def by() -> Actor:
    return person("analyst")


@pytest.fixture
def boss() -> Actor:
    return person("supervisor")


@pytest.fixture
def case(by: Actor) -> Case:
    return make_case(by, started=True)


@pytest.fixture
def submitted(case: Case, by: Actor) -> Finding:
    return submit_finding(make_finding(case, by), by=by)


def test_a_draft_keeps_amounts_counter_evidence_and_hash(case: Case, by: Actor) -> None:
    finding = make_finding(case, by, suspects=[make_suspect(case, by)])
    assert finding.reference.startswith("FIND-")
    assert (finding.state, finding.amounts.count(), finding.counter_evidence.count()) == (
        "draft", 1, 1,
    )  # fmt: skip
    assert finding.content_hash == content_hash_of(finding)
    assert len(finding.content_hash) == 64


@pytest.mark.parametrize(
    "wrong",
    [{"statement": " "}, {"kind": "x"}, {"severity": "x"}, {"tier": 5}, {"confidence": 101},
     {"counter_evidence": [("x", "text")]}, {"counter_evidence": [("dust", " ")]},
     {"amounts": [AmountSpec(BTC, 10, 11, 0, 10)]}, {"amounts": [AmountSpec(BTC, 10, 5, 6, 5)]}],
)  # fmt: skip
def test_wrong_fields_are_refused(case: Case, by: Actor, wrong: dict[str, Any]) -> None:
    with pytest.raises(CaseworkError):
        make_finding(case, by, **wrong)
    assert not Finding.objects.exists()


def test_a_suspect_of_another_case_is_no_evidence(case: Case, by: Actor) -> None:
    with pytest.raises(NotFound):
        make_finding(case, by, suspects=[make_suspect(make_case(by), by)])


@pytest.mark.parametrize("role", ["auditor", "admin", "liaison"])
def test_a_wrong_role_drafts_and_reviews_nothing(case: Case, submitted: Finding, role: str) -> None:
    other = person(role)
    with pytest.raises(PermissionDenied):
        draft_finding(case, **finding_fields(), by=other)
    with pytest.raises(PermissionDenied):
        edit_finding(submitted, version=submitted.version, statement="x", by=other)
    with pytest.raises(PermissionDenied):
        approve_finding(submitted, content_hash=submitted.content_hash, reason="x", by=other)


def test_an_analyst_reviews_nothing(submitted: Finding) -> None:
    other = person("analyst")
    evidence = submitted.counter_evidence.get()
    with pytest.raises(PermissionDenied):
        mark_seen(evidence.pk, finding=submitted, by=other)
    for service in (return_finding, reject_finding, withdraw_finding):
        with pytest.raises(PermissionDenied):
            service(submitted, reason="x", by=other)


def test_submitting_needs_evidence_and_counter_evidence(case: Case, by: Actor) -> None:
    with pytest.raises(CaseworkError, match="amounts"):
        submit_finding(make_finding(case, by, amounts=[]), by=by)
    bare = make_finding(case, by, counter_evidence=[])
    with pytest.raises(CaseworkError, match="counter-evidence"):
        submit_finding(bare, by=by)
    add_counter_evidence(bare, "analyst", "He may have sold goods.", by=by)
    assert submit_finding(bare, by=by).state == "submitted"


def test_approval_by_a_second_person(submitted: Finding, boss: Actor) -> None:
    see_all(submitted, boss)
    finding = approve_finding(
        submitted, content_hash=submitted.content_hash, reason="Checked.", by=boss
    )
    assert (finding.state, finding.reviewed_by_id) == ("approved", boss.user_id)
    approval = finding.approvals.get()
    assert (approval.decision, approval.content_hash) == ("approve", finding.content_hash)
    assert approval.auth_at == boss.mfa_at
    assert altered_contents() == []
    assert verify_chains().is_whole


@pytest.mark.parametrize("first", ["drafter", "editor", "submitter"])
def test_who_drafted_edited_or_submitted_does_not_review(
    case: Case, by: Actor, boss: Actor, first: str
) -> None:
    finding = make_finding(case, boss if first == "drafter" else by)
    if first == "editor":
        finding = edit_finding(finding, version=finding.version, severity="low", by=boss)
    finding = submit_finding(finding, by=boss if first == "submitter" else by)
    with pytest.raises(PermissionDenied):
        mark_seen(finding.counter_evidence.get().pk, finding=finding, by=boss)
    with pytest.raises(PermissionDenied):
        approve_finding(finding, content_hash=finding.content_hash, reason="x", by=boss)
    with pytest.raises(PermissionDenied):
        return_finding(finding, reason="x", by=boss)
    with pytest.raises(PermissionDenied):
        reject_finding(finding, reason="x", by=boss)


def test_approval_needs_a_fresh_second_factor(submitted: Finding, boss: Actor) -> None:
    see_all(submitted, boss)
    with pytest.raises(StepUpRequired):
        approve_finding(submitted, content_hash=submitted.content_hash, reason="x", by=stale(boss))


def test_approval_needs_all_counter_evidence_seen_by_this_reviewer(
    case: Case, by: Actor, boss: Actor
) -> None:
    finding = make_finding(case, by, counter_evidence=[("dust", "Dust."), ("service", "Swap.")])
    finding = submit_finding(finding, by=by)
    first, second = finding.counter_evidence.order_by("pk")
    mark_seen(first.pk, finding=finding, by=boss)
    mark_seen(second.pk, finding=finding, by=person("compliance"))
    with pytest.raises(CaseworkError, match="counter-evidence"):
        approve_finding(finding, content_hash=finding.content_hash, reason="x", by=boss)
    mark_seen(second.pk, finding=finding, by=boss)
    assert approve(finding, boss).state == "approved"


def test_a_heuristic_needs_its_alternatives(case: Case, by: Actor, boss: Actor) -> None:
    finding = submit_finding(make_finding(case, by, tier=3, alternatives=""), by=by)
    see_all(finding, boss)
    with pytest.raises(CaseworkError, match="alternative"):
        approve_finding(finding, content_hash=finding.content_hash, reason="x", by=boss)


def test_approval_is_of_what_the_reviewer_saw(submitted: Finding, by: Actor, boss: Actor) -> None:
    see_all(submitted, boss)
    seen = submitted.content_hash
    edited = edit_finding(submitted, version=submitted.version, severity="low", by=by)
    assert edited.state == "draft"
    with pytest.raises(InvalidTransition):
        approve_finding(submitted, content_hash=seen, reason="x", by=boss)
    again = submit_finding(edited, by=by)
    with pytest.raises(ContentChanged):
        approve_finding(again, content_hash=seen, reason="x", by=boss)
    with pytest.raises(CaseworkError):  # what was seen was seen of the old content
        approve_finding(again, content_hash=again.content_hash, reason="x", by=boss)


@pytest.mark.parametrize(
    "change",
    [{"statement": "Other."}, {"tier": 1}, {"confidence": 1}, {"amounts": [AMOUNT]},
     {"suspects": []}, {"alternatives": "Other."}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_every_change_of_content_gives_a_new_hash(
    case: Case, by: Actor, change: dict[str, Any]
) -> None:
    finding = make_finding(case, by, suspects=[make_suspect(case, by)])
    edited = edit_finding(finding, version=1, **change, by=by)
    assert edited.content_hash not in ("", finding.content_hash)
    assert edited.content_hash == content_hash_of(Finding.objects.get(pk=finding.pk))


def test_counter_evidence_changes_the_content(submitted: Finding, by: Actor, boss: Actor) -> None:
    see_all(submitted, boss)
    add_counter_evidence(submitted, "analyst", "A sale of goods.", by=by)
    finding = Finding.objects.get(pk=submitted.pk)
    assert finding.state == "draft"
    assert finding.content_hash != submitted.content_hash
    assert not finding.counter_evidence.exclude(seen_by=None).exists()


def test_a_returned_content_does_not_come_back_unchanged(
    submitted: Finding, by: Actor, boss: Actor
) -> None:
    returned = return_finding(submitted, reason="Say how.", by=boss)
    assert (returned.state, returned.reviewed_by_id) == ("draft", None)
    with pytest.raises(CaseworkError, match="sent back"):
        submit_finding(returned, by=by)
    edited = edit_finding(returned, version=returned.version, statement="By FIFO.", by=by)
    assert approve(submit_finding(edited, by=by), boss).state == "approved"


def test_a_decided_finding_is_not_edited(submitted: Finding, by: Actor, boss: Actor) -> None:
    finding = reject_finding(submitted, reason="Wrong.", by=boss)
    assert finding.state == "rejected"
    with pytest.raises(InvalidTransition):
        edit_finding(finding, version=finding.version, statement="x", by=by)
    with pytest.raises(InvalidTransition):
        add_counter_evidence(finding, "analyst", "x", by=by)
    with pytest.raises(InvalidTransition):
        submit_finding(finding, by=by)


def test_the_second_of_two_reviewers_loses(submitted: Finding, boss: Actor) -> None:
    other = person("compliance")
    see_all(submitted, boss)
    approve_finding(submitted, content_hash=submitted.content_hash, reason="Yes.", by=boss)
    for service in (return_finding, reject_finding):
        with pytest.raises(InvalidTransition):
            service(submitted, reason="No.", by=other)
    with pytest.raises(InvalidTransition):
        approve_finding(submitted, content_hash=submitted.content_hash, reason="Me.", by=other)
    assert Finding.objects.get(pk=submitted.pk).approvals.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_reviewers_at_the_same_moment_exactly_one_wins() -> None:
    by, boss, other = person("analyst"), person("supervisor"), person("compliance")
    case = make_case(by, started=True)
    for _ in range(8):
        finding = submit_finding(make_finding(case, by), by=by)
        see_all(finding, boss)
        start = threading.Barrier(2)
        won: list[str] = []

        def decide(
            name: str, service: Callable[[], object], *, gate: Any = start, wins: Any = won
        ) -> None:
            gate.wait()
            try:
                service()
                wins.append(name)
            except InvalidTransition:
                pass
            finally:
                connection.close()

        services = {
            "approved": partial(
                approve_finding, finding, content_hash=finding.content_hash, reason="x", by=boss
            ),
            "rejected": partial(reject_finding, finding, reason="x", by=other),
        }
        threads = [threading.Thread(target=decide, args=each) for each in services.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        finding.refresh_from_db()
        assert won == [finding.state]
        assert finding.approvals.count() == 1
    assert verify_chains().is_whole


def test_the_second_of_two_edits_loses(case: Case, by: Actor) -> None:
    finding = make_finding(case, by)
    edit_finding(finding, version=1, statement="Mine.", by=by)
    with pytest.raises(VersionChanged) as lost:
        edit_finding(finding, version=1, statement="Yours.", by=person("analyst"))
    assert lost.value.changed == {"statement": "Mine."}


def test_an_approved_finding_is_withdrawn_by_a_second_person(
    submitted: Finding, by: Actor, boss: Actor
) -> None:
    finding = approve(submitted, boss)
    assert withdraw_finding(finding, reason="The tag was wrong.", by=boss).state == "withdrawn"
    with pytest.raises(InvalidTransition):
        withdraw_finding(finding, reason="Again.", by=boss)


# --- from a trace -------------------------------------------------------------------------------

SEED = "11" * 32 + ":0"
ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


def outpoint(number: int) -> str:
    return f"{number:064x}:0"


def finished(case: Case, by: Actor, ends: list[dict[str, Any]], **fields: Any) -> UUID:
    """A run of the case that ended with these ends."""
    parameters = {"ledger": LEDGER, "seeds": (SEED,), "policy": "fifo"}
    result = trace_result(ends, **fields.pop("result", {}))
    run = queue_trace(case, TraceParameters(**(parameters | fields)), by=by).run
    finish_run(run, result)
    return run


def test_a_run_becomes_one_draft_per_account_with_its_facts(case: Case, by: Actor) -> None:
    account, other = make_account("90001234"), make_account("90005678")
    make_asset()
    make_deposit_address(account, "one")
    make_deposit_address(account, "two")
    make_deposit_address(other, "three")
    link_account(make_suspect(case, by, "OP-1"), account.uid, "Own statement.", by=by)
    run = finished(
        case, by,
        [
            end(outpoint(1), "one", value=500_000_000, amount=500_000_000, low=320_000_000),
            end(outpoint(2), "two", value=360_000_000, amount=320_000_000, low=300_000_000),
            end(outpoint(3), "three", value=7),
            end(outpoint(4), "hot", value=9),
            end(outpoint(5), "elsewhere", value=9, status="unspent"),
        ],
    )  # fmt: skip
    assert collect_findings_task(str(run)) == 2
    assert ReachedAccount.objects.filter(case_run__run=run).count() == 3
    finding, small = Finding.objects.order_by("pk")
    assert finding.statement == (
        "OP-1 ••1234 received 8.60 BTC; of the traced origin low 6.20, FIFO 8.20, high 8.60."
    )
    assert small.statement.startswith("Account ••5678 received 0.00000007 BTC;")
    assert (finding.state, finding.tier, finding.drafted_by_id) == ("draft", 2, None)
    assert [s.names.get().full for s in finding.suspects.all()] == ["OP-1"]
    amounts = list(finding.amounts.order_by("pk"))
    assert [(a.outpoint, a.base, a.low, a.high) for a in amounts] == [
        (outpoint(1), 500_000_000, 320_000_000, 500_000_000),
        (outpoint(2), 320_000_000, 300_000_000, 360_000_000),
    ]
    assert {(a.run, a.policy, a.asset, a.result_sha256) for a in amounts} == {
        (run, "fifo", BTC, "ab" * 32)
    }
    assert [each.kind for each in finding.counter_evidence.all()] == ["commingling"]
    assert {each.kind for each in small.counter_evidence.all()} == {"dust", "single_source"}
    assert case.runs.get(run=run).is_lead
    assert TraceRun.objects.get(public_id=run).collected_at is not None
    assert verify_chains().is_whole


def test_a_run_is_collected_once(case: Case, by: Actor) -> None:
    make_deposit_address(make_account(), "one")
    run = finished(case, by, [end(outpoint(1), "one", value=5_000)])
    assert collect_findings(run) == 1
    assert collect_findings(run) == 0
    assert Finding.objects.count() == ReachedAccount.objects.count() == 1
    assert case.events.filter(action="collect_findings").count() == 1


def test_the_system_draft_goes_to_review_by_two_people(case: Case, by: Actor, boss: Actor) -> None:
    make_deposit_address(make_account(), "one")
    collect_findings(finished(case, by, [end(outpoint(1), "one", value=5_000)]))
    finding = submit_finding(Finding.objects.get(), by=by)
    with pytest.raises(PermissionDenied):
        approve_finding(finding, content_hash=finding.content_hash, reason="x", by=by)
    assert approve(finding, boss).state == "approved"


def test_an_address_belongs_to_its_holder_of_that_time(case: Case, by: Actor) -> None:
    old, new = make_account(), make_account()
    change = datetime(2025, 1, 6, 0, 10, tzinfo=UTC)
    make_deposit_address(old, "one", end=change)
    make_deposit_address(new, "one", start=change, end=datetime(2025, 3, 1, tzinfo=UTC))
    run = finished(
        case, by,
        [
            end(outpoint(1), "one", value=5_000, at="2025-01-06T00:09:59Z"),
            end(outpoint(2), "one", value=6_000, at="2025-01-06T00:10:00Z"),
            end(outpoint(3), "one", value=7_000, at="2025-03-01T00:00:00Z"),
        ],
    )  # fmt: skip
    collect_findings(run)
    rows = ReachedAccount.objects.order_by("value").values_list("account", "value")
    assert list(rows) == [(old.pk, 5_000), (new.pk, 6_000)]
    assert '"num_unassigned":1' in case.events.get(action="collect_findings").data


def test_what_the_engine_knows_against_it_is_written_down(case: Case, by: Actor) -> None:
    make_deposit_address(make_account(), "one")
    make_deposit_address(make_account(), "maybe")
    run = finished(
        case, by,
        [
            end(outpoint(1), "one", value=5_000),
            end(outpoint(2), "mix", value=100, status="coinjoin"),
            end(outpoint(3), "swap", value=100, status="service"),
            end(outpoint(4), "dark", value=100, status="unknown_input"),
        ],
        result={"possible": [end(outpoint(5), "maybe", value=9, amount=0, low=0, high=9)]},
    )  # fmt: skip
    assert collect_findings(run) == 1
    kinds = Finding.objects.get().counter_evidence.values_list("kind", flat=True)
    assert set(kinds) == {"coinjoin", "service", "unknown_input", "single_source"}
    assert ReachedAccount.objects.filter(base=0, high=9).count() == 1


@pytest.mark.parametrize("is_cluster", [False, True])
def test_a_run_from_a_cluster_is_a_heuristic(case: Case, by: Actor, is_cluster: bool) -> None:
    wallet = add_wallet(
        case, address=ADDRESS, role="bank", label="", provenance="document",
        provenance_note="p. 1", is_cluster=is_cluster, by=by,
    )  # fmt: skip
    Wallet.objects.filter(pk=wallet.pk).update(ledger=LEDGER)
    make_deposit_address(make_account(), "one")
    step = {"in": [[SEED, ADDRESS, "5"]], "out": []}
    run = finished(
        case, by, [end(outpoint(1), "one", value=5_000)], result={"steps": [step]}
    )  # fmt: skip
    collect_findings(run)
    finding = Finding.objects.get()
    assert finding.tier == (3 if is_cluster else 2)
    assert finding.wallets.get() == wallet


def test_a_run_through_coinjoins_is_a_heuristic(case: Case, by: Actor) -> None:
    make_deposit_address(make_account(), "one")
    ends = [end(outpoint(1), "one", value=5_000)]
    collect_findings(finished(case, by, ends, coinjoin="through"))
    assert Finding.objects.get().tier == 3


@pytest.mark.parametrize("why", ["closed", "blocked", "moved to audit"])
def test_nothing_is_taken_for_who_no_longer_sees_the_case(
    case: Case, by: Actor, boss: Actor, why: str
) -> None:
    make_deposit_address(make_account(), "one")
    run = finished(case, by, [end(outpoint(1), "one", value=5_000)])
    if why == "blocked":
        block_user(case, by.user_id or 0, "A relative.", by=boss)
    elif why == "closed":
        User.objects.filter(pk=by.user_id).update(is_active=False)
    else:
        User.objects.filter(pk=by.user_id).update(role="auditor")
    assert collect_findings(run) == 0
    assert not Finding.objects.exists()
    assert not ReachedAccount.objects.exists()
    assert case.events.filter(action="leave_findings").exists()
    assert TraceRun.objects.get(public_id=run).collected_at is not None


def test_a_run_that_is_not_done_or_of_no_case_gives_nothing(case: Case, by: Actor) -> None:
    queued = queue_trace(case, TraceParameters(ledger=LEDGER, seeds=(SEED,)), by=by)
    assert collect_findings(queued.run) == 0
    assert collect_findings(uuid4()) == 0
    assert case.runs.get().collected_at is None


def test_many_strangers_give_rows_but_few_drafts(case: Case, by: Actor) -> None:
    ends = []
    for number in range(25):
        account = make_account()
        make_deposit_address(account, f"a{number}")
        ends.append(end(outpoint(number), f"a{number}", value=10_000 + number))
    link_account(make_suspect(case, by), account.uid, "x", by=by)
    make_deposit_address(last := make_account(), "suspect")
    link_account(make_suspect(case, by, "OP-2"), last.uid, "x", by=by)
    ends.append(end(outpoint(99), "suspect", value=1))
    assert collect_findings(finished(case, by, ends)) == 22
    assert ReachedAccount.objects.count() == 26


class TestCollectedMoney(TestCase):
    """Whatever reaches whom, no satoshi is lost or doubled between run, rows and findings (M7)."""

    @settings(max_examples=20)
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 3),
                st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**15),
            ),
            max_size=12,
        )
    )  # fmt: skip
    def test_rows_and_findings_hold_what_the_run_says(
        self, arrivals: list[tuple[int, int, int, int]]
    ) -> None:
        by = person("analyst")
        case = make_case(by)
        accounts = [make_account() for _ in range(3)]
        for number, account in enumerate(accounts):
            make_deposit_address(account, f"a{number}")
        ends = []
        for number, (who, *amounts) in enumerate(arrivals):
            low, high, value = sorted(amounts)
            ends.append(
                end(outpoint(number), f"a{who}", value=value, amount=high, low=low, high=high)
            )
        collect_findings(finished(case, by, ends))
        for number, account in enumerate(accounts):
            mine = [each for each in ends if each["address"] == f"a{number}"]
            for name, key in (("value", "value"), ("base", "amount"), ("low", "low")):
                expected = sum(int(each[key]) for each in mine)
                rows = ReachedAccount.objects.filter(case_run__case=case, account=account)
                assert sum(getattr(row, name) for row in rows) == expected
        for finding in Finding.objects.filter(case=case):
            addresses = {amount.address for amount in finding.amounts.all()}
            assert len(addresses) == 1
            mine = [each for each in ends if each["address"] in addresses]
            assert sum(a.base for a in finding.amounts.all()) == sum(
                int(each["amount"]) for each in mine
            )
        assert verify_chains().is_whole


def tag(label: str, address: str) -> None:
    """What a pack of its own says of an address."""
    number = TagPack.objects.count()
    pack = TagPack.objects.create(
        name=f"pack{number}", licence="CC0-1.0", sha256=f"{number:064d}", num_tags=1,
        file_name="p.yaml",
    )  # fmt: skip
    AttributionTag.objects.create(
        pack=pack, number=1, chain=BTC.partition("/")[0], address=address, family="btc",
        payload_hex="00", label=label, category="market", concepts=["market"],
        confidence="forensic", level=50, source="https://example.org",
    )  # fmt: skip


def test_names_of_one_source_and_names_in_dispute_speak_against_a_finding(
    case: Case, by: Actor
) -> None:
    """Two of the six that the engine fills in; the hop of the mixing stands in a third."""
    make_deposit_address(make_account(), "one")
    for label, address in (("Lanternbox", BANK), ("Ferryswap", SWAP), ("Eastmere", SWAP)):
        tag(label, address)
    run = finished(
        case, by,
        [
            end(outpoint(1), "one", value=5_000, low=4_000),
            end(outpoint(2), SWAP, value=100, status="service"),
        ],
        result={"steps": [{
            "txid": "cc" * 32, "height": 1, "at": "2025-01-05T00:00:00Z", "hops": 1, "fee": "0",
            "in": [[SEED, BANK, "5100"]], "out": [],
        }]},
    )  # fmt: skip
    assert collect_findings(run) == 1
    against = dict(Finding.objects.get().counter_evidence.values_list("kind", "text"))
    assert set(against) == {
        "commingling", "service", "single_source", "single_tag", "tag_conflict",
    }  # fmt: skip
    assert "at hop 2 at the latest" in against["commingling"]
    assert "Lanternbox" in against["single_tag"]
    assert "Eastmere, Ferryswap" in against["tag_conflict"]
