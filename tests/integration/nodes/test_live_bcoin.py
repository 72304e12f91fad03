"""A market's story on a live node: followed, traced both ways, and reorganised away in part."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from cases.models import AuditEvent, Case, CaseRun, Finding
from cases.policy import Actor
from cases.services.audit import verify_chains
from cases.services.findings import collect_findings
from cases.services.traces import note_stale_traces, queue_trace
from tests.casework import (
    BTC,
    LEDGER,
    make_account,
    make_actor,
    make_case,
    make_deposit_address,
    make_price,
    make_user,
)
from tests.conftest import client_of
from tests.fake_nodes import Fault, spoiling
from tests.integration.ledgers.test_store import figures
from tests.live_nodes import KEY, LiveBcoin, live_bcoin
from tracing import reads
from tracing.follow import follow
from tracing.jobs import BoundaryRow, TraceParameters, set_boundaries
from tracing.ledgers import StoredLedger, open_ledger
from tracing.ledgers.clusters import stored_clusters
from tracing.models import TraceRun
from tracing.nodes import configured_node
from tracing.nodes.wire import Wire
from tracing.runner import run
from tracing.sync import sync_chain

# The node and the ledger are the same whatever the database is.
pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.once]

PEELS = [8_000_000, 8_111_111, 8_222_222, 8_333_333]
SWAPPED = 19_706_458


class Story:
    """What was played, who owns what, and a case that works on it."""

    def __init__(self, node: LiveBcoin, home: Path) -> None:
        self.node, self.home = node, home
        self.summary = node.play("scenario_bcoin.py", str(home / "story"))
        self.truth = json.loads((home / "story" / "truth.json").read_text())
        (home / "key").write_text(KEY)
        (home / "nodes.toml").write_text(
            f'[story]\nledger = "{LEDGER}"\ndialect = "bcoin"\nurl = "{node.url}"\n'
            'password_file = "key"\n'
        )

    def addresses(self, role: str) -> list[str]:
        """Addresses of a role."""
        found = self.truth["addresses"].items()
        return [address for address, known in found if known["role"] == role]

    def address(self, role: str) -> str:
        (found,) = self.addresses(role)
        return found

    def exchange_wallet(self) -> str:
        """Where the exchange's sweep goes."""
        (found,) = [each for each in self.addresses("hot") if self.owner(each) == "exchange"]
        return found

    def owner(self, address: str) -> str:
        return str(self.truth["addresses"][address]["entity"])

    def sync(self, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
        capsys.readouterr()
        call_command("sync_chain", "story", "--json")
        told = capsys.readouterr()
        assert "story: block" in told.err  # progress
        assert KEY not in told.out + told.err
        report: dict[str, Any] = json.loads(told.out)
        return report


class Desk:
    """A case and its analyst."""

    def __init__(self, story: Story) -> None:
        analyst = make_user("analyst")
        self.by: Actor = make_actor(analyst)
        self.client = client_of(analyst)
        self.case: Case = make_case(self.by, started=True, visibility="team")
        make_price(BTC, "100000")
        own = [BoundaryRow(LEDGER, story.exchange_wallet(), "exchange_own")]
        for uid in ("4711", "0815"):
            address = story.address(f"deposit:account-{uid}")
            make_deposit_address(make_account(f"NQ-000{uid}"), address)
            own.append(BoundaryRow(LEDGER, address, "exchange_deposit"))
        set_boundaries("records", own)

    def trace(self, *seeds: str, **fields: Any) -> tuple[CaseRun, dict[str, Any]]:
        """A run carried to its end and collected, and its sealed result."""
        parameters = TraceParameters(ledger=LEDGER, seeds=tuple(sorted(seeds)), **fields)
        case_run = queue_trace(self.case, parameters, by=self.by)
        assert run(TraceRun.objects.get(public_id=case_run.run).pk, follow) == "done"
        collect_findings(case_run.run)
        result = reads.result(case_run.run)
        assert result is not None
        assert result["balance_sheet"]["difference"] in ("0", None)
        return case_run, result


def test_the_story_is_followed_traced_and_reorganised_away_in_part(
    tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.FIU_HOME, settings.NODES_FILE = tmp_path, tmp_path / "nodes.toml"
    with live_bcoin() as node:
        story = Story(node, tmp_path)
        first = story.sync(capsys)
        assert (first["blocks"], first["tip_height"], first["is_level"]) == (156, 155, True)
        assert (first["retries"], first["spent_coins"], first["orphaned"]) == (0, 0, 0)
        again = story.sync(capsys)
        assert (again["blocks"], again["requests"]) == (0, 4)
        desk = Desk(story)
        forward = the_money_of_the_bank_reaches_the_deposit_address(story, desk)
        the_payments_come_from_bank_operator_customers_and_faucet(story, desk)
        ledger = open_ledger(tmp_path, LEDGER)
        the_sweep_does_not_merge_the_two_customers(story, ledger)
        story_in_blocks(story, ledger)

        changed = node.play("reorg_bcoin.py")
        last = story.sync(capsys)
        assert (last["orphaned"], last["tip_height"], last["is_level"]) == (2, 157, True)
        assert last["stale_runs"] == CaseRun.objects.count()  # all saw the two blocks
        what_rested_on_them_says_so(story, desk, forward, changed["txs_gone"])
        of_another_run_nothing_is_stale(story, desk)
        through_a_bad_line_it_is_the_same_ledger(story, settings)


def the_money_of_the_bank_reaches_the_deposit_address(story: Story, desk: Desk) -> CaseRun:
    orders = story.addresses("order_deposit")
    assert len(orders) == 16
    deposit, swap = story.address("deposit:account-4711"), story.address("swap_in:order-77")
    for policy in ("haircut", "fifo", "poison"):
        case_run, result = desk.trace(*orders, policy=policy)
        arrived = [end for end in result["ends"] if end["address"] == deposit]
        assert sorted(int(end["value"]) for end in arrived) == PEELS
        assert [end["amount"] for end in arrived] == [end["value"] for end in arrived]  # share 1
        assert {end["status"] for end in arrived} == {"exchange_boundary"}
        assert {int(e["amount"]) for e in result["ends"] if e["address"] == swap} == {SWAPPED}
        hops = {int(end["value"]): end["hops"] for end in arrived}
        assert [hops[value] - hops[PEELS[0]] for value in PEELS] == [0, 1, 2, 3]
        assert hops[PEELS[0]] == story.summary["hops_from_order_to_deposit"]["peel 1"] == 4
    assert sum(PEELS) == story.summary["deposited_sat"]
    return case_run


def the_payments_come_from_bank_operator_customers_and_faucet(story: Story, desk: Desk) -> None:
    deposit = story.address("deposit:account-4711")
    _case_run, result = desk.trace(deposit, mode="source", policy="poison")
    steps = [step for step in result["steps"] if any(address for _, address, _ in step["in"])]
    owners = {story.owner(address) for step in steps for _, address, _ in step["in"] if address}
    expected = {"bank", "operator", "faucet", *(f"customer{n}" for n in range(8))}
    assert owners == expected == set(story.summary["owners_walked_back_from_payments"])
    assert len({step["txid"] for step in steps}) == 33


def the_sweep_does_not_merge_the_two_customers(story: Story, ledger: StoredLedger) -> None:
    deposits = [story.address(f"deposit:account-{uid}") for uid in ("4711", "0815")]
    ids = [ledger.find_address(text) or 0 for text in deposits]
    bare = stored_clusters(ledger, ())
    assert bare.anchor(ids[0]) == bare.anchor(ids[1])  # the trap
    walled = stored_clusters(ledger, [*deposits, story.exchange_wallet()])
    assert [walled.size(each) for each in ids] == [1, 1]
    sizes = [int(n) for n in walled.clusters.sizes() if n > 1]
    assert sorted(sizes, reverse=True) == [9, 8, 2, 2]


def story_in_blocks(story: Story, ledger: StoredLedger) -> None:
    assert (ledger.num_tx, int((ledger.tx_coinbase == 0).sum())) == (192, 36)
    deposit = ledger.find_address(story.address("deposit:account-4711"))
    assert deposit is not None
    assert len(ledger.outputs_of_address(deposit)) == 4
    assert len(ledger.inputs_of_address(deposit)) == 4  # the sweep
    for event in story.truth["events"]:
        tx = ledger.find_tx(event["txid"])
        assert tx is not None
        paid = {
            ledger.address_text(int(ledger.out_address[out])): int(ledger.out_value[out])
            for out in range(int(ledger.out_off[tx]), int(ledger.out_off[tx + 1]))
        }
        assert all(address in paid for address, _value in event["outs"])
        assert int(ledger.tx_fee[tx]) > 0


def what_rested_on_them_says_so(
    story: Story, desk: Desk, forward: CaseRun, gone: list[str]
) -> None:
    ledger = open_ledger(story.home, LEDGER)
    assert ledger.find_address(story.address("deposit:account-0815")) is None
    kept = ledger.find_address(story.address("deposit:account-4711"))
    assert kept is not None
    assert (len(ledger.outputs_of_address(kept)), len(ledger.inputs_of_address(kept))) == (4, 0)
    cash_out = next(e["txid"] for e in story.truth["events"] if e["kind"] == "vendor_cash_out")
    assert cash_out in gone
    stale = reads.stale_runs([forward.run])[forward.run]
    assert (stale.fork_height, stale.num_blocks) == (153, 2)
    assert (stale.txids, stale.num_gone) == ((cash_out,), 1)  # the sweep lies behind a wall

    assert note_stale_traces() == CaseRun.objects.count()
    assert note_stale_traces() == 0
    events = AuditEvent.objects.filter(case=desk.case, action="stale_trace")
    assert events.count() == CaseRun.objects.count()
    told = json.loads(events.get(object=f"run:{forward.run}").data)
    assert (told["fork_height"], told["num_transactions"], told["num_gone"]) == (153, 1, 1)
    assert verify_chains().is_whole

    page = desk.client.get(reverse("trace_detail", args=[desk.case.public_id, forward.run]))
    text = page.content.decode()
    assert "Stale: the chain reorganised." in text
    assert "1 transaction that the result names lay in them; 1 of these are in no block" in text
    deposit = story.address("deposit:account-0815")
    lost = Finding.objects.filter(amounts__address=deposit, amounts__run=forward.run).get()
    page = desk.client.get(reverse("finding_detail", args=[lost.public_id]))
    text = page.content.decode()
    assert "Rests on a stale trace: the chain reorganised." in text
    assert "1 of 1 coin lies in blocks that left the chain" in text


def of_another_run_nothing_is_stale(story: Story, desk: Desk) -> None:
    fresh, result = desk.trace(*story.addresses("order_deposit"), policy="haircut")
    addresses = {end["address"] for end in result["ends"]}
    assert story.address("deposit:account-0815") not in addresses
    assert story.address("deposit:account-4711") in addresses
    assert reads.stale_runs([fresh.run]) == {}
    page = desk.client.get(reverse("trace_detail", args=[desk.case.public_id, fresh.run]))
    assert "Stale" not in page.content.decode()


def through_a_bad_line_it_is_the_same_ledger(story: Story, settings: Any) -> None:
    """Followed anew through a proxy that spoils every tenth answer or so."""
    whole = figures(open_ledger(story.home, LEDGER))
    kinds = ("hang-up", "cut", "garbage", "busy", "not-an-answer", "starting")
    faults = [
        Fault(kind, method=method, after=9 * number)
        for number, kind in enumerate(kinds)
        for method in ("getblockhash", "getblock")
    ]
    settings.FIU_HOME = story.home / "again"
    with spoiling(story.node.url, faults) as url:
        direct = configured_node(settings.NODES_FILE, "story")
        bad = replace(direct, name="bad-line", url=url)
        report = sync_chain(bad, wire=Wire(bad, sleep=lambda _seconds: None))
    assert (report.blocks, report.snapshot.num_stale, report.is_level) == (158, 0, True)
    assert report.retries == len(faults)
    assert figures(open_ledger(settings.FIU_HOME, LEDGER)) == whole
