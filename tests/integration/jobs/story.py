"""A coin paid on, a run over it, and what comes later: blocks and walls."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from tests.blockmaker import BlockChain, address, pay
from tests.integration.jobs.support import person
from tracing import jobs, runner
from tracing.engine.spec import TraceParameters
from tracing.follow import follow
from tracing.jobs import BoundaryRow
from tracing.ledgers import load_blocks
from tracing.models import TraceRun

LEDGER = "bitcoin-regtest"
FEE = 1_000


class Story:
    """One coin paid on to two people; the second pays on in a block that comes later."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.chain = BlockChain()
        coin = self.chain.add().txs[0]
        self.seed = f"{coin.txid}:0"
        value = 5_000_000_000
        self.first = pay(
            [(coin.txid, 0)], [(address(1), 1_000_000_000), (address(2), 4_000_000_000 - FEE)]
        )
        self.chain.add(self.first)
        assert value == 1_000_000_000 + 4_000_000_000
        self.load()

    def load(self) -> None:
        path = self.home / "blocks.blk"
        path.write_bytes(b"".join(block.record for block in self.chain.blocks))
        load_blocks(self.home, LEDGER, [path])

    def go_on(self) -> None:
        paid_on = [(address(3), 4_000_000_000 - 2 * FEE)]
        self.chain.add(pay([(self.first.txid, 1)], paid_on))
        self.load()


def sealed_run(story: Story, case: UUID | None = None, **fields: Any) -> TraceRun:
    parameters = TraceParameters(ledger=LEDGER, seeds=(story.seed,), **fields)
    run = jobs.queue(case or uuid4(), person(uuid4().hex).pk, parameters)
    assert runner.run(run.pk, follow) == "done"
    return run


def wall(number: int) -> None:
    jobs.set_boundaries("test", [BoundaryRow(LEDGER, address(number), "exchange_deposit", "Ours")])
