"""A run over a stored ledger: sealed, resumed to the same bytes, stopped by the walls."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.blockmaker import BlockChain, address, pay
from tests.integration.jobs.support import person
from tracing import jobs, leases, reads, runner
from tracing.engine.spec import TraceParameters
from tracing.follow import follow
from tracing.jobs import BoundaryRow
from tracing.ledgers import load_blocks
from tracing.models import TraceRun

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("follow")]
LEDGER = "bitcoin-regtest"
LENGTH = 600
"""Transactions in a row: more than two ticks of the engine."""


@pytest.fixture(scope="module")
def peeled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A ledger with one long peeling chain, and the coin it begins with."""
    home = tmp_path_factory.mktemp("peeled")
    chain = BlockChain()
    coin, value = chain.add().txs[0].txid, 5_000_000_000
    first = f"{coin}:0"
    for start in range(0, LENGTH, 100):
        txs = []
        for number in range(start, start + 100):
            value -= 1_000_000
            tx = pay([(coin, 0)], [(address(50_000 + number), value), (address(number), 999_000)])
            txs.append(tx)
            coin = tx.txid
        chain.add(*txs)
    path = home / "blocks.blk"
    path.write_bytes(b"".join(block.record for block in chain.blocks))
    load_blocks(home, LEDGER, [path])
    return home, first


@pytest.fixture
def first(peeled, settings) -> str:
    settings.FIU_HOME, coin = peeled
    settings.CHECKPOINT_SECONDS = 60
    return coin


def asked(first: str, **fields: object) -> TraceRun:
    parameters = TraceParameters(ledger=LEDGER, seeds=(first,), **fields)
    return jobs.queue(uuid4(), person(uuid4().hex).pk, parameters)


def test_a_run_is_sealed_and_reconciles(first):
    run = asked(first)
    assert runner.run(run.pk, follow) == "done"
    result = reads.result(run.public_id)
    assert result is not None
    assert reads.verify_result(run.public_id)
    assert len(result["ends"]) == LENGTH + 1
    assert result["balance_sheet"]["difference"] == "0"
    view = reads.run_view(run.public_id)
    assert view is not None
    assert view.result_sha256 == result["seal"]["result_sha256"]
    assert view.progress["explained_pct"] == 100


def test_a_run_stopped_halfway_ends_with_the_same_bytes(first, monkeypatch):
    whole = asked(first)
    runner.run(whole.pk, follow)
    run = asked(first)
    answers = iter([False, True])
    monkeypatch.setattr(runner, "stop_asked", lambda: next(answers))
    assert runner.run(run.pk, follow) == "yielded"
    partial = reads.partial(run.public_id)
    assert partial is not None
    assert 0 < partial["num_ends"] < LENGTH
    assert partial["ends"][0].keys() == reads.result(whole.public_id)["ends"][0].keys()
    monkeypatch.setattr(runner, "stop_asked", lambda: False)
    assert runner.run(run.pk, follow) == "done"
    assert reads.result(run.public_id) == reads.result(whole.public_id)


def test_a_wall_put_up_meanwhile_begins_the_run_again(first, monkeypatch):
    run = asked(first)
    answers = iter([False, True])
    monkeypatch.setattr(runner, "stop_asked", lambda: next(answers))
    assert runner.run(run.pk, follow) == "yielded"
    jobs.set_boundaries("exchange", [BoundaryRow(LEDGER, address(50_010), "exchange_own")])
    monkeypatch.setattr(runner, "stop_asked", lambda: False)
    assert runner.run(run.pk, follow) == "done"
    result = reads.result(run.public_id)
    assert result["totals"]["by_status"]["exchange_boundary"] == str(5_000_000_000 - 11_000_000)


def test_an_asked_for_stop_is_a_wall_too(first):
    run = asked(first, stops=(address(50_000),))
    assert runner.run(run.pk, follow) == "done"
    statuses = {end["status"] for end in reads.result(run.public_id)["ends"]}
    assert statuses == {"service", "unspent"}


def test_paths_are_searched_by_the_same_worker(first):
    run = asked(first, mode="paths", targets=(address(3),), max_hops=8)
    assert runner.run(run.pk, follow) == "done"
    result = reads.result(run.public_id)
    assert [path["hops"] for path in result["paths"]] == [4]
    assert reads.verify_result(run.public_id)


def test_a_seed_that_is_not_there_fails_with_a_sentence(first):
    run = asked(f"{'ab' * 32}:0")
    assert runner.run(run.pk, follow) == "failed: bad_input"
    view = reads.run_view(run.public_id)
    assert view is not None
    assert "has no transaction" in view.error_text


def test_a_ledger_that_is_not_loaded_fails_with_a_sentence(first):
    parameters = TraceParameters(ledger="bitcoin-test", seeds=(first,))
    run = jobs.queue(uuid4(), person("ben").pk, parameters)
    assert runner.run(run.pk, follow) == "failed: ledger"


def test_the_ledger_of_a_checkpoint_is_kept_while_it_grows(first, monkeypatch, tmp_path, peeled):
    run = asked(first)
    answers = iter([False, True])
    monkeypatch.setattr(runner, "stop_asked", lambda: next(answers))
    runner.run(run.pk, follow)
    run.refresh_from_db()
    held = leases.read_checkpoint(run)
    assert held is not None
    other = BlockChain()
    other.add(branch=3)
    path = tmp_path / "other.blk"
    path.write_bytes(b"".join(block.record for block in other.blocks))
    grown = load_blocks(peeled[0], LEDGER, [path]).snapshot
    assert grown.epoch > held["epoch"]
    monkeypatch.setattr(runner, "stop_asked", lambda: False)
    assert runner.run(run.pk, follow) == "done"
    assert reads.result(run.public_id)["seal"]["snapshot"]["epoch"] == held["epoch"]
