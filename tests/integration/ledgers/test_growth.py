"""Blocks on top are added behind the arrays that stand: the same as if all had come at once."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.bench import appending, rows
from tests.bench.generator import generate
from tests.blockmaker import Block, address, pay
from tests.integration.ledgers.test_store import NAME, PowerCut, long_chain, write
from tracing.engine.ledger import UNSPENT
from tracing.engine.spec import TraceSpec
from tracing.engine.trace import trace
from tracing.errors import LedgerError
from tracing.ledgers import StoredLedger, growth, load_blocks, open_ledger
from tracing.ledgers.clusters import stored_clusters
from tracing.ledgers.names import folder

COLUMNS = 27


def load(home: Path, *blocks: Block) -> None:
    load_blocks(home, "bitcoin", [write(home / f"{blocks[0].hash}.dat", *blocks)])


def holders(home: Path) -> list[str]:
    return sorted(path.name for path in (folder(home, NAME) / "arrays").iterdir())


def assert_same(grown: StoredLedger, whole: StoredLedger) -> None:
    """Every column, every sum, and whatever finds things."""
    theirs = whole.columns()
    assert len(theirs) == COLUMNS
    for name, column in grown.columns().items():
        mine, other = column, theirs[name]
        if name == "out_spent_in":  # a later input is none to who is pinned
            mine, other = (
                np.where(each < grown.num_inputs, each, UNSPENT) for each in (mine, other)
            )
        assert np.array_equal(mine, other), name
    for name in ("address_received", "address_sent", "address_unspent"):
        assert np.array_equal(getattr(grown, name), getattr(whole, name)), name
    texts = whole.address_texts(range(whole.num_addresses))
    assert grown.find_addresses([*texts, address(999)]) == [*range(whole.num_addresses), None]
    for number, text in enumerate(texts):
        assert grown.find_address(text) == number
        assert grown.sums_of(number) == whole.sums_of(number)
        for each in ("outputs_of_address", "inputs_of_address"):
            assert getattr(grown, each)(number).tolist() == getattr(whole, each)(number).tolist()
    for tx in range(whole.num_tx):
        assert grown.find_tx(whole.txid(tx)) == tx
    ours, others = (stored_clusters(each, texts[:1]).clusters for each in (grown, whole))
    assert np.array_equal(ours.parent, others.parent)


@pytest.mark.parametrize("seed", [3, 4])
def test_parts_behind_one_another_make_the_same_arrays(tmp_path: Path, seed: int) -> None:
    blocks = long_chain(18, seed).blocks
    homes = [tmp_path / name for name in ("grown", "whole")]
    for home in homes:
        home.mkdir()
    cuts = [0, *sorted(random.Random(seed).sample(range(2, 18), 5)), 18]
    snapshots = []
    for first, end in pairwise(cuts):
        load(homes[0], *blocks[first:end])
        snapshots.append(open_ledger(homes[0], "bitcoin"))
    assert holders(homes[0]) == ["000001"]
    load(homes[1], *blocks)
    whole = open_ledger(homes[1], "bitcoin")
    assert_same(snapshots[-1], whole)
    assert snapshots[-1].snapshot.segments == whole.snapshot.segments
    assert len(snapshots[-1].levels) < 5  # neighbours of like size are one
    # Who opened it before sees what was there before, now and when it is opened again.
    middle = snapshots[-2]
    home = tmp_path / "middle"
    home.mkdir()
    load(home, *blocks[: cuts[-2]])
    assert_same(middle, open_ledger(home, "bitcoin"))
    again = open_ledger(homes[0], "bitcoin", middle.epoch, middle.tip_hash)
    assert_same(again, middle)
    spec = TraceSpec(seeds=(0, 1), policy="haircut")
    assert trace(spec, again).ends == trace(spec, middle).ends


def test_a_load_that_dies_leaves_what_was_and_the_next_makes_the_arrays_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = long_chain(9).blocks
    load(tmp_path, *blocks[:4])
    before = open_ledger(tmp_path, "bitcoin")
    with monkeypatch.context() as patch:
        patch.setattr(growth, "_with_level", _cut)  # columns and spent outputs are written by then
        with pytest.raises(PowerCut):
            load(tmp_path, *blocks[4:7])
    assert open_ledger(tmp_path, "bitcoin").tip_hash == before.tip_hash
    load(tmp_path, *blocks[4:8])  # others than those that died
    assert holders(tmp_path) == ["000001", "000002"]
    load(tmp_path, *blocks[8:])
    assert "000002" in holders(tmp_path)
    home = tmp_path / "whole"
    home.mkdir()
    load(home, *blocks)
    assert_same(open_ledger(tmp_path, "bitcoin"), open_ledger(home, "bitcoin"))


def _cut(*_: object) -> None:
    raise PowerCut


def test_a_second_spend_on_top_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    chain = long_chain(6)
    load(tmp_path, *chain.blocks)
    before = open_ledger(tmp_path, "bitcoin")
    coins = [coin[:2] for block in chain.blocks for tx in block.txs[1:] for coin in tx.inputs]
    chain.add(pay(coins[:1], [(address(3), 1)]))
    with pytest.raises(LedgerError, match="is spent twice"):
        load(tmp_path, chain.blocks[-1])
    assert_same(open_ledger(tmp_path, "bitcoin"), before)
    assert len(list((folder(tmp_path, NAME) / "batches").iterdir())) == 1


def test_a_ledger_is_made_anew_when_much_was_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "LEAST_GROWTH", 3)
    blocks = long_chain(8).blocks
    for first in range(0, 8, 2):
        load(tmp_path, *blocks[first : first + 2])
    assert holders(tmp_path)[-1] > "000001"
    assert open_ledger(tmp_path, "bitcoin").height == 8


def test_blocks_beside_the_tip_do_not_grow_the_arrays(tmp_path: Path) -> None:
    blocks = long_chain(6).blocks
    load(tmp_path, *blocks[:2])
    load(tmp_path, *blocks[3:])  # a gap
    assert holders(tmp_path) == ["000001", "000002"]


def test_the_benchmark_of_an_appended_block_compares_every_column(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(appending, "BESIDE", 2)
    monkeypatch.setattr(appending, "READERS", 1)
    # For equal times it collects garbage first, of all tests before this one: seconds each time.
    monkeypatch.setattr(rows.gc, "collect", lambda: 0)
    alone, beside = appending.append_block(generate(900))
    assert (alone.operation, alone.found) == ("append a block", "27 columns are the same")
    assert beside.found.endswith("none inconsistent")
