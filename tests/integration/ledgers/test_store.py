"""The stored ledger: order of loading, branches, snapshots, accidents, and sameness with memory."""

from __future__ import annotations

import bz2
import fcntl
import os
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.blockmaker import GENESIS, Block, BlockChain, Tx, address, pay, script_of
from tests.shared_data import data_path
from tests.unit.engine.test_spent_coins import undo_record
from tracing.engine.blockfiles import xor_with
from tracing.engine.ledger import (
    NO_ADDRESS,
    UNKNOWN_OUTPUT,
    UNSPENT,
    MemoryLedger,
    memory_ledger,
)
from tracing.errors import BlockFileError, LedgerBusy, LedgerError, LedgerMissing, SnapshotGone
from tracing.ledgers import (
    StoredLedger,
    ledger_manifest,
    load_blocks,
    open_ledger,
    stored_block_hashes,
    txids_of_blocks,
)
from tracing.ledgers.names import folder

NAME = "bitcoin-regtest"
ARRAYS = (
    *("in_off", "out_off", "tx_height", "tx_time", "tx_fee", "tx_coinbase"),
    *("out_value", "out_address", "out_tx", "out_spent_in"),
    *("in_out", "in_tx", "in_value", "in_address"),
)


def write(path: Path, *blocks: Block) -> Path:
    path.write_bytes(b"".join(block.record for block in blocks))
    return path


def figures(ledger: StoredLedger) -> dict[str, Any]:
    """Everything a reader can see of a ledger."""
    spent = np.asarray(ledger.out_spent_in)
    return {name: np.asarray(getattr(ledger, name)).tolist() for name in ARRAYS} | {
        # An input beyond the snapshot is none: a later load may have written it, or one that died.
        "out_spent_in": np.where(spent < ledger.num_inputs, spent, UNSPENT).tolist(),
        "tip": (ledger.height, ledger.tip_hash),
        "txids": [ledger.txid(t) for t in range(ledger.num_tx)],
        "addresses": [ledger.address_text(a) for a in range(ledger.num_addresses)],
        "segments": ledger.snapshot.segments,
    }


def long_chain(length: int = 12, seed: int = 1) -> BlockChain:
    """Blocks in which each coin is spent at random into one to three others."""
    rng = random.Random(seed)
    chain, coins = BlockChain(), []
    for _ in range(length):
        txs = []
        for _ in range(rng.randrange(3)):
            if not coins:
                break
            picked = [coins.pop(rng.randrange(len(coins))) for _ in range(min(2, len(coins)))]
            left = sum(value for _, _, value in picked)
            outputs: list[tuple[str | None, int]] = []
            for _ in range(rng.randrange(1, 4)):
                part = rng.randrange(left // 2 + 1)
                left -= part
                outputs.append((address(rng.randrange(9)) if part else None, part))
            tx = pay([(txid, vout) for txid, vout, _ in picked], outputs)
            coins += [(tx.txid, n, v) for n, (a, v) in enumerate(outputs) if a]
            txs.append(tx)
        block = chain.add(*txs)
        coins.append((block.txs[0].txid, 0, 5_000_000_000))
    return chain


def in_memory(chain: BlockChain) -> MemoryLedger:
    """The same chain through the list form; a coinbase is a transaction without inputs."""
    rows = []
    for height, block in enumerate(chain.blocks, 1):
        for place, tx in enumerate(block.txs):
            inputs = [(txid, vout) for txid, vout, _ in tx.inputs] if place else []
            rows.append((tx.txid, height, 1_736_121_600 + 600 * height, inputs, tx.outputs))
    return memory_ledger(rows)


@given(st.integers(0, 10_000), st.integers(1, 25))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_stored_ledger_equals_one_in_memory(tmp_path: Path, seed: int, length: int) -> None:
    chain = long_chain(length, seed)
    home = tmp_path / f"{seed}-{length}"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    load_blocks(home, "bitcoin", [write(home / "blk00000.dat", *chain.blocks)])
    stored, memory = open_ledger(home, "bitcoin"), in_memory(chain)
    for name in (*ARRAYS, "num_tx", "num_outputs", "num_inputs", "num_addresses"):
        assert np.array_equal(getattr(stored, name), getattr(memory, name)), name
        assert np.asarray(getattr(stored, name)).dtype == np.asarray(getattr(memory, name)).dtype
    for t in range(memory.num_tx):
        assert stored.txid(t) == memory.txid(t)
        assert stored.find_tx(memory.txid(t)) == t
    for a in range(memory.num_addresses):
        text = memory.address_text(a)
        assert (stored.address_text(a), stored.find_address(text)) == (text, a)
        assert stored.outputs_of_address(a).tolist() == memory.outputs_of_address(a).tolist()
        assert stored.inputs_of_address(a).tolist() == memory.inputs_of_address(a).tolist()
    texts = [memory.address_text(a) for a in range(memory.num_addresses)]
    odd = [address(77), "no address", "", texts[0].upper(), texts[0][:-1] + "q", "é" * 44]
    assert stored.find_addresses([*texts, *odd]) == [
        *range(memory.num_addresses), *map(stored.find_address, odd)
    ]  # fmt: skip
    assert stored.find_addresses([]) == []
    assert stored.find_tx("ab" * 32) is None
    assert stored.find_tx("no id") is None
    assert stored.find_address(address(77)) is None
    assert stored.find_address("no address") is None


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_the_order_of_loading_does_not_matter(tmp_path: Path, order: tuple[int, ...]) -> None:
    chain = long_chain(12)
    parts = [chain.blocks[:4], chain.blocks[4:8], chain.blocks[8:]]
    load_blocks(tmp_path / "whole", "bitcoin", [write(tmp_path / "all.dat", *chain.blocks)])
    for number in order:
        load_blocks(tmp_path, "bitcoin", [write(tmp_path / f"{number}.dat", *parts[number])])
    assert figures(open_ledger(tmp_path, "bitcoin")) == figures(
        open_ledger(tmp_path / "whole", "bitcoin")
    )


def test_blocks_without_their_past_are_a_segment_with_unknown_inputs(tmp_path: Path) -> None:
    chain = BlockChain()
    first = chain.add()
    spend = pay([(first.txs[0].txid, 0)], [(address(1), 100)])
    chain.add()
    late = chain.add(spend)
    load_blocks(tmp_path, "bitcoin", [write(tmp_path / "late.dat", late)])
    ledger = open_ledger(tmp_path, "bitcoin")
    (segment,) = ledger.snapshot.segments
    assert (segment.first_height, segment.height, segment.known) == (3, 3, True)  # BIP-34
    assert (int(ledger.in_out[1]), int(ledger.in_value[1])) == (UNKNOWN_OUTPUT, -1)
    assert (int(ledger.in_address[1]), int(ledger.tx_fee[1])) == (NO_ADDRESS, -1)
    load_blocks(tmp_path, "bitcoin", [write(tmp_path / "early.dat", first)])
    ledger = open_ledger(tmp_path, "bitcoin")
    assert [s.num_blocks for s in ledger.snapshot.segments] == [1, 1]
    assert int(ledger.tx_fee[2]) == 5_000_000_000 - 100  # linked across the gap
    load_blocks(tmp_path, "bitcoin", [write(tmp_path / "middle.dat", chain.blocks[1])])
    assert len(open_ledger(tmp_path, "bitcoin").snapshot.segments) == 1


def test_real_blocks_without_height_find_their_place_when_older_ones_come(tmp_path: Path) -> None:
    raw = data_path("btc-blocks/mainnet-1-256.bz2").read_bytes()
    whole = load_blocks(tmp_path / "whole", "bitcoin", [_file(tmp_path / "whole.bz2", raw)])
    records = _records(raw)
    late, early = _file(tmp_path / "late", b"".join(records[120:])), b"".join(records[:120])
    report = load_blocks(tmp_path, "bitcoin", [late])
    (segment,) = report.snapshot.segments
    assert (segment.first_height, segment.known) == (1, False)
    after = load_blocks(tmp_path, "bitcoin", [_file(tmp_path / "early", early)])
    assert after.snapshot.segments == whole.snapshot.segments
    assert figures(open_ledger(tmp_path, "bitcoin")) == figures(
        open_ledger(tmp_path / "whole", "bitcoin")
    )


def _file(path: Path, raw: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(raw)
    return path


def _records(packed: bytes) -> list[bytes]:
    raw, found = bz2.decompress(packed), []
    while raw:
        size = 8 + int.from_bytes(raw[4:8], "little")
        found.append(raw[:size])
        raw = raw[size:]
    return found


def test_the_branch_with_most_work_is_the_chain_and_a_reorganisation_changes_it(
    tmp_path: Path,
) -> None:
    chain = BlockChain()
    first = chain.add()
    chain.add()
    spend = pay([(first.txs[0].txid, 0)], [(address(1), 100)])
    chain.add(spend)
    other = chain.fork(1)
    other.add(pay([(first.txs[0].txid, 0)], [(address(2), 200)]), branch=1)
    # Out of order, with the stale block in front: equal work, the earlier seen one stays.
    file = write(tmp_path / "blk00000.dat", chain.blocks[2], other.blocks[2], *chain.blocks[:2])
    report = load_blocks(tmp_path, "bitcoin", [file])
    assert (report.blocks, report.snapshot.num_blocks, report.snapshot.num_stale) == (4, 3, 1)
    ledger = open_ledger(tmp_path, "bitcoin")
    assert (ledger.tip_hash, ledger.find_address(address(2))) == (chain.tip, None)
    other.add()
    report = load_blocks(tmp_path, "bitcoin", [write(tmp_path / "blk00001.dat", other.blocks[3])])
    assert (report.snapshot.tip_hash, report.snapshot.num_stale) == (other.tip, 1)
    (fallen,) = report.snapshot.orphaned
    assert (fallen.hash, fallen.height, fallen.since) == (chain.tip, 3, 1)
    later = load_blocks(tmp_path, "bitcoin", [write(tmp_path / "more.dat", other.add())])
    assert later.snapshot.orphaned == ()
    manifest = ledger_manifest(tmp_path, "bitcoin")
    assert manifest.orphaned_since(1) == (fallen,)
    assert manifest.orphaned_since(2) == ()  # made after the reorganisation
    assert txids_of_blocks(tmp_path, NAME, [fallen]) == {t.txid for t in chain.blocks[2].txs}
    assert stored_block_hashes(tmp_path, NAME) == {b.hash for b in (*chain.blocks, *other.blocks)}
    ledger = open_ledger(tmp_path, "bitcoin")
    assert ledger.find_address(address(1)) is None
    assert ledger.find_address(address(2)) is not None
    assert ledger.find_tx(spend.txid) is None
    # The pinned reader still sees the orphaned branch.
    assert open_ledger(tmp_path, "bitcoin", 1).find_tx(spend.txid) is not None


def test_a_pinned_snapshot_stays_and_is_rebuilt_when_its_arrays_are_gone(tmp_path: Path) -> None:
    chain = long_chain(9)
    pins = []
    for number in range(3):
        part = chain.blocks[3 * number : 3 * number + 3]
        load_blocks(tmp_path, "bitcoin", [write(tmp_path / f"{number}.dat", *part)])
        pins.append(figures(open_ledger(tmp_path, "bitcoin")))
    (grown,) = (folder(tmp_path, NAME) / "arrays").iterdir()  # blocks on top are added behind
    assert sorted(path.name for path in grown.glob("0*.json")) == ["000002.json", "000003.json"]
    for epoch, wanted in enumerate(pins, 1):
        assert figures(open_ledger(tmp_path, "bitcoin", epoch)) == wanted
        pinned = open_ledger(tmp_path, "bitcoin", epoch, wanted["tip"][1])
        assert pinned.tip_hash == wanted["tip"][1]
    shutil.rmtree(folder(tmp_path, NAME) / "arrays")
    assert figures(open_ledger(tmp_path, "bitcoin")) == pins[2]
    with pytest.raises(SnapshotGone):
        open_ledger(tmp_path, "bitcoin", 9)
    with pytest.raises(SnapshotGone):
        open_ledger(tmp_path, "bitcoin", 1, pins[1]["tip"][1])


def test_a_second_loader_is_turned_away(tmp_path: Path) -> None:
    file = write(tmp_path / "blocks.dat", *long_chain(3).blocks)
    lock = folder(tmp_path, NAME) / ".lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(LedgerBusy):
            load_blocks(tmp_path, "bitcoin", [file])
    assert load_blocks(tmp_path, "bitcoin", [file]).blocks == 3


class PowerCut(BaseException):
    """Nothing in the product may catch this."""


def test_a_power_cut_at_any_write_leaves_the_ledger_before_or_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = long_chain(6)
    early = write(tmp_path / "early.dat", *chain.blocks[:3])
    late = write(tmp_path / "late.dat", *chain.blocks[3:])
    load_blocks(tmp_path / "done", "bitcoin", [early, late])
    after = figures(open_ledger(tmp_path / "done", "bitcoin"))
    load_blocks(tmp_path, "bitcoin", [early])
    before = figures(open_ledger(tmp_path, "bitcoin"))
    real, cuts = os.fsync, 0
    while True:
        left = cuts

        def cut(handle: int) -> None:
            nonlocal left
            if left == 0:
                raise PowerCut
            left -= 1
            real(handle)

        monkeypatch.setattr(os, "fsync", cut)
        try:
            load_blocks(tmp_path, "bitcoin", [late])
        except PowerCut:
            monkeypatch.setattr(os, "fsync", real)
            now = figures(open_ledger(tmp_path, "bitcoin"))
            assert now in (before, after)
            if now == after:
                break  # cut only after the manifest was in place
            cuts += 2
            continue
        break
    monkeypatch.setattr(os, "fsync", real)
    assert cuts > 30
    load_blocks(tmp_path, "bitcoin", [late])
    assert figures(open_ledger(tmp_path, "bitcoin")) == after


@pytest.mark.parametrize("key", [b"", bytes.fromhex("0102030405060708")])
def test_a_nodes_own_files_are_read_with_their_key(tmp_path: Path, key: bytes) -> None:
    chain = BlockChain()
    first = chain.add()
    spend = pay([(first.txs[0].txid, 0)], [(address(1), 100)])
    second = chain.add(spend, pay([("ab" * 32, 5)], [(address(2), 40)]))
    paid = b"\x00" + bytes(range(20))
    coins = [[(5_000_000_000, b"\x1c" + _script(first.txs[0]), 1)], [(50, paid, 0)]]
    rev = undo_record(bytes.fromhex(first.hash)[::-1], coins)
    if key:
        (tmp_path / "xor.dat").write_bytes(key)
    blocks = xor_with(second.record + bytes(30), key)
    (tmp_path / "blk00000.dat").write_bytes(blocks + bytes(20))
    (tmp_path / "rev00000.dat").write_bytes(xor_with(rev, key) + bytes(20))
    report = load_blocks(
        tmp_path, "bitcoin", [tmp_path / "blk00000.dat"], spent_coins=tmp_path / "rev00000.dat"
    )
    assert (report.blocks, report.spent_coins) == (1, 2)
    ledger = open_ledger(tmp_path, "bitcoin")
    assert ledger.tx_fee.tolist() == [0, 4_999_999_900, 10]
    assert ledger.address_text(int(ledger.in_address[1])) == first.txs[0].outputs[0][0]
    assert ledger.in_stored.tolist() == [0, 1, 1]


def _script(tx: Tx) -> bytes:
    return script_of(tx.outputs[0][0])


def test_spent_coins_that_contradict_the_ledger_are_refused(tmp_path: Path) -> None:
    chain = BlockChain()
    first = chain.add()
    second = chain.add(pay([(first.txs[0].txid, 0)], [(address(1), 100)]))
    wrong = undo_record(bytes.fromhex(first.hash)[::-1], [[(7_000, b"\x00" + bytes(20), 1)]])
    (tmp_path / "rev").write_bytes(wrong)
    file = write(tmp_path / "blocks", first, second)
    with pytest.raises(LedgerError, match="differ from the ledger's own outputs"):
        load_blocks(tmp_path, "bitcoin", [file], spent_coins=tmp_path / "rev")
    (tmp_path / "rev").write_bytes(wrong[:-1] + bytes([wrong[-1] ^ 1]))
    with pytest.raises(BlockFileError, match="fit no block"):
        load_blocks(tmp_path, "bitcoin", [file], spent_coins=tmp_path / "rev")
    with pytest.raises(LedgerMissing):
        open_ledger(tmp_path, "bitcoin")


def test_blocks_that_conflict_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    chain = BlockChain()
    first = chain.add()
    coin = (first.txs[0].txid, 0)
    good = write(tmp_path / "good", first)
    load_blocks(tmp_path, "bitcoin", [good])
    twice = chain.fork(0)
    twice.add(pay([coin], [(address(1), 5)]), pay([coin], [(address(2), 6)]))
    with pytest.raises(LedgerError, match="spent twice"):
        load_blocks(tmp_path, "bitcoin", [write(tmp_path / "twice", twice.blocks[1])])
    much = chain.fork(0)
    much.add(pay([coin], [(address(1), 5_000_000_001)]))
    with pytest.raises(LedgerError, match="pays out more than it takes in"):
        load_blocks(tmp_path, "bitcoin", [write(tmp_path / "much", much.blocks[1])])
    ledger = open_ledger(tmp_path, "bitcoin")
    assert (ledger.height, ledger.epoch) == (1, 1)
    assert sorted(p.name for p in (folder(tmp_path, NAME) / "batches").iterdir()) == ["000001"]


def test_genesis_itself_may_be_loaded(tmp_path: Path) -> None:
    report = load_blocks(tmp_path, "bitcoin", [data_path("blocksci/blk00000.dat")])
    (segment,) = report.snapshot.segments
    assert (segment.first_height, segment.height, segment.num_blocks) == (0, 201, 202)
    assert open_ledger(tmp_path, "bitcoin").block_hash[0][::-1].tobytes().hex() == GENESIS
