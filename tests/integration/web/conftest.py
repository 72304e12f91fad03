"""A case on a small real ledger: the bank pays a chain, the chain pays an account and rests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from cases.models import Case, CaseRun, ExchangeAccount, Wallet
from cases.policy import Actor
from cases.services.cases import start_case
from cases.services.findings import collect_findings
from cases.services.traces import queue_trace
from cases.services.wallets import add_wallet
from fiu.models import User
from tests.blockmaker import SUBSIDY, BlockChain, address, pay
from tests.casework import (
    BTC,
    LEDGER,
    make_account,
    make_actor,
    make_case,
    make_deposit_address,
    make_price,
    make_suspect,
    make_user,
)
from tests.conftest import client_of
from tracing.follow import follow
from tracing.jobs import BoundaryRow, TraceParameters, set_boundaries
from tracing.ledgers import load_blocks
from tracing.models import TraceRun
from tracing.runner import run

BANK, HOPS, DEPOSIT, REST = (
    address(1),
    [address(n) for n in (11, 12, 13, 14)],
    address(2),
    address(3),
)
FEE = 1_000


@dataclass(frozen=True)
class Room:
    """A case with one wallet on a loaded ledger, its owner and two others."""

    case: Case
    bank: Wallet
    account: ExchangeAccount
    analyst: User
    supervisor: User
    by: Actor
    client: Client
    outsider: Client

    def run_trace(self, **fields: Any) -> CaseRun:
        """A trace from the bank, run by the engine and collected."""
        values: dict[str, Any] = {"ledger": LEDGER, "seeds": (BANK,), "policy": "fifo"}
        case_run = queue_trace(self.case, TraceParameters(**(values | fields)), by=self.by)
        assert run(TraceRun.objects.get(public_id=case_run.run).pk, follow) == "done"
        collect_findings(case_run.run)
        case_run.refresh_from_db()
        return case_run


@pytest.fixture(scope="session")
def ledger_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blocks 1 to 8: mined, paid to the bank, four hops, a deposit of 20 BTC, the rest unspent."""
    home = tmp_path_factory.mktemp("web")
    chain = BlockChain()
    coin = (chain.add().txs[0].txid, 0)
    left = SUBSIDY - FEE
    step = pay([coin], [(BANK, left)])
    chain.add(step)
    for hop in HOPS:
        left -= FEE
        step = pay([(step.txid, 0)], [(hop, left)])
        chain.add(step)
    paid = pay([(step.txid, 0)], [(DEPOSIT, 2_000_000_000), (REST, left - 2_000_000_000 - FEE)])
    chain.add(paid)
    chain.add()
    file = home / "blk00000.dat"
    file.write_bytes(b"".join(block.record for block in chain.blocks))
    load_blocks(home, LEDGER, [file])
    return home


@pytest.fixture
def room(db: None, ledger_home: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setattr(settings, "FIU_HOME", ledger_home)
    analyst, supervisor = make_user("analyst"), make_user("supervisor")
    by = make_actor(analyst)
    case = start_case(make_case(by, visibility="team"), by=by)
    make_price(BTC, "100000")
    account = make_account("NQ-0004417")
    make_deposit_address(account, DEPOSIT)
    set_boundaries("records", [BoundaryRow(LEDGER, DEPOSIT, "exchange_deposit")])
    bank = add_wallet(
        case, address=BANK, role="bank", label="Market bank", provenance="document",
        provenance_note="Order 12, page 4", by=by,
    )  # fmt: skip
    make_suspect(case, by)
    return Room(
        case, bank, account, analyst, supervisor, by,
        client_of(analyst), client_of(make_user("analyst")),
    )  # fmt: skip


def number(sql: Any) -> int:
    """Queries of the page itself: without session, person and savepoints."""
    rows = [row["sql"] for row in sql.captured_queries]
    own = ("django_session", '"fiu_user"."password"', "SAVEPOINT")
    return len([row for row in rows if not any(word in row for word in own)])
