"""After a reorganisation: which runs are stale, who learns it, and what is traced again."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cases.models import AuditEvent
from cases.services.traces import note_stale_traces
from cases.tasks import note_stale_traces_task
from fiu.dispatcher import PERIODIC
from tests.blockmaker import BlockChain, address, pay
from tests.integration.jobs.support import person
from tests.integration.ledgers.test_account_loads import MOVES, of_rows, parsed
from tests.unit.engine.accounts.worlds import outpoint, rows_of
from tracing import follow as follow_module
from tracing import jobs, reads, runner
from tracing.engine.accounts.rows import BlockRow, Parsed
from tracing.engine.spec import TraceParameters
from tracing.follow import follow
from tracing.ledgers import load_blocks, open_ledger
from tracing.ledgers.accounts.load import load_rows
from tracing.models import StaleRun, TraceRun

pytestmark = pytest.mark.django_db
LEDGER = "bitcoin-regtest"


def branch() -> Parsed:
    """Two empty blocks in place of blocks 2 and 3, and one behind them."""
    blocks = rows_of(MOVES)[0][:2]
    for height in (2, 3, 4):
        blocks.append(BlockRow(height, bytes([height]) * 32, blocks[-1].hash, height, 0))
    return of_rows(blocks, (), ())


class World:
    """A coin that is paid on in block 3, and a branch without that payment."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.chain = BlockChain()
        first = self.chain.add().txs[0]
        self.chain.add()
        self.coin = f"{first.txid}:0"
        self.paid = pay([(first.txid, 0)], [(address(1), 4_000_000_000)])
        self.chain.add(self.paid)
        self.load(self.chain)

    def load(self, chain: BlockChain) -> None:
        file = self.home / f"{len(list(self.home.iterdir()))}.dat"
        file.write_bytes(b"".join(block.record for block in chain.blocks))
        load_blocks(self.home, LEDGER, [file])

    def reorganise(self, depth: int = 1) -> BlockChain:
        other = self.chain.fork(depth)
        for _ in range(depth + 1):
            other.add(branch=3)
        self.load(other)
        return other

    def queued(self, coin: str = "") -> TraceRun:
        parameters = TraceParameters(ledger=LEDGER, seeds=(coin or self.coin,))
        return jobs.queue(uuid4(), person(uuid4().hex).pk, parameters)

    def traced(self, coin: str = "") -> TraceRun:
        run = self.queued(coin)
        assert runner.run(run.pk, follow) == "done"
        return run


@pytest.fixture
def world(tmp_path: Path, settings: Any) -> World:
    settings.FIU_HOME = tmp_path
    return World(tmp_path)


def test_a_run_on_orphaned_blocks_turns_stale_once(world: World) -> None:
    touched, untouched = world.traced(), world.traced(f"{world.chain.blocks[1].txs[0].txid}:0")
    assert jobs.mark_stale_runs() == 0
    world.reorganise()
    assert jobs.mark_stale_runs() == 2
    assert jobs.mark_stale_runs() == 0
    stale = reads.stale_runs([touched.public_id, untouched.public_id])
    assert stale[touched.public_id].txids == (world.paid.txid,)
    assert stale[touched.public_id].num_gone == 1
    # The other names no orphaned transaction; yet what it calls unspent was seen in that block.
    assert stale[untouched.public_id].txids == ()
    assert {each.fork_height for each in stale.values()} == {2}
    view = reads.run_view(touched.public_id)
    assert view is not None
    assert view.is_stale
    assert reads.verify_result(touched.public_id)  # the sealed result itself stays as it was


def test_runs_before_the_orphaned_blocks_and_after_them_stay_good(world: World) -> None:
    before = world.traced()
    world.chain.add()
    world.chain.add()
    world.load(world.chain)
    between = world.traced()
    world.reorganise(2)  # only the two blocks that `before` never saw
    after = world.traced()
    assert jobs.mark_stale_runs() == 1
    runs = [before.public_id, between.public_id, after.public_id]
    assert set(reads.stale_runs(runs)) == {between.public_id}


def test_a_moved_transaction_is_told_apart_from_one_that_is_gone(world: World) -> None:
    run = world.traced()
    other = world.chain.fork(1)
    other.add(branch=3)
    other.add(world.paid, branch=3)
    world.load(other)
    jobs.mark_stale_runs()
    stale = reads.stale_runs([run.public_id])[run.public_id]
    assert (stale.txids, stale.num_gone) == ((world.paid.txid,), 0)


def test_a_run_that_is_overtaken_while_it_works_is_traced_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, num = follow_module._traced, []

    def traced(*given: Any) -> Any:
        result = real(*given)
        num.append(result["seal"]["snapshot"]["height"])
        if len(num) == 1:
            world.reorganise()
        return result

    monkeypatch.setattr(follow_module, "_traced", traced)
    run = world.traced()
    assert num == [3, 4]
    result = reads.result(run.public_id)
    assert result is not None
    assert result["seal"]["snapshot"]["height"] == 4
    assert [end["status"] for end in result["ends"]] == ["unspent"]
    assert jobs.mark_stale_runs() == 0


def test_a_checkpoint_on_orphaned_blocks_is_not_gone_on_from(world: World) -> None:
    held = runner.leases.claim(world.queued().pk, "test")
    assert held is not None
    runner.leases.checkpoint(held, 1, {"kernel": {"x": 1}, "epoch": 1}, {})
    runner.leases.yield_run(held)
    again = runner.leases.claim(held.run_id, "test")
    assert again is not None
    ledger, kernel = follow_module._pinned(again, open_ledger)
    assert (ledger.epoch, kernel) == (1, {"x": 1})
    world.reorganise()
    ledger, kernel = follow_module._pinned(again, open_ledger)
    assert (ledger.epoch, kernel) == (2, None)


def test_a_run_without_a_case_is_marked_and_told_to_nobody(world: World) -> None:
    run = world.traced()
    world.reorganise()
    assert note_stale_traces() == 0
    assert StaleRun.objects.get().run_id == run.pk
    assert StaleRun.objects.get().told_at is not None
    assert not AuditEvent.objects.filter(action="stale_trace").exists()


def test_the_dispatcher_looks_for_stale_runs() -> None:
    assert jobs.STALE_TASK in PERIODIC
    assert note_stale_traces_task.name == jobs.STALE_TASK
    assert note_stale_traces_task() == 0


def test_a_run_over_accounts_turns_stale_too(tmp_path: Path, settings: Any) -> None:
    settings.FIU_HOME = tmp_path
    load_rows(tmp_path, "ethereum-dev", parsed(MOVES, 0, 4))
    run = jobs.queue(
        uuid4(), person(uuid4().hex).pk,
        TraceParameters(ledger="ethereum-dev", seeds=(outpoint(1),)),
    )  # fmt: skip
    assert runner.run(run.pk, follow) == "done"
    load_rows(tmp_path, "ethereum-dev", branch())
    assert jobs.mark_stale_runs() == 1
    stale = reads.stale_runs([run.public_id])[run.public_id]
    assert (stale.fork_height, stale.num_blocks, stale.num_gone) == (1, 2, 1)

    assert stale.txids == (outpoint(2)[:-2],)


def test_a_run_over_accounts_that_is_overtaken_while_it_works_is_traced_again(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FIU_HOME = tmp_path
    load_rows(tmp_path, "ethereum-dev", parsed(MOVES, 0, 4))
    real, heights = follow_module._traced_accounts, []

    def traced(*given: Any) -> Any:
        result = real(*given)
        heights.append(result["seal"]["snapshot"]["height"])
        if len(heights) == 1:
            load_rows(tmp_path, "ethereum-dev", branch())
        return result

    monkeypatch.setattr(follow_module, "_traced_accounts", traced)
    run = jobs.queue(
        uuid4(), person(uuid4().hex).pk,
        TraceParameters(ledger="ethereum-dev", seeds=(outpoint(1),)),
    )  # fmt: skip
    assert runner.run(run.pk, follow) == "done"
    assert heights == [3, 4]
    assert jobs.mark_stale_runs() == 0
