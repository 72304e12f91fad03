"""Following an Ethereum-like node: incremental, through accidents, honest about doubt."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.fake_nodes import PASSWORD, FakeEvmNode, Fault, serving, some_day, spoiling
from tests.integration.ledgers.test_store import PowerCut
from tests.unit.engine.accounts.replies import TOKEN, block, digest, file, log, receipt, tx
from tracing.engine.accounts.bloom import bloom_of
from tracing.errors import LedgerError, NodeAnswerWrong, NodeError, NodeRefused, NodeUnreachable
from tracing.ledgers import ledger_snapshot, names
from tracing.ledgers.accounts import load_evm, open_account_ledger
from tracing.ledgers.accounts.stats import account_stats
from tracing.lookup_views import outside_lookups
from tracing.models import FollowedNode
from tracing.nodes import NodeSettings
from tracing.nodes.wire import Wire
from tracing.sync import SyncReport, sync_chain
from tracing.sync_accounts import symbol_of

pytestmark = pytest.mark.django_db
LEDGER = "ethereum-dev"
BLOCKS = 9
DAYS = int(os.environ.get("FIU_TEST_DAYS", "6"))  # of accidents, each with its own seed


def chained(salt: int = 0, fork: int = 0, length: int = BLOCKS) -> tuple[list[Any], dict[str, Any]]:
    """Blocks with one payment and one token transfer each; from `fork` on, another branch."""
    blocks: list[Any] = []
    receipts: dict[str, Any] = {}
    for height in range(length):
        own = salt if height >= fork else 0
        sent = [
            tx(1000 * own + 2 * height + 1, 1 + height, 2 + height, 10**18 * (height + 1)),
            tx(1000 * own + 2 * height + 2, 1 + height, int(TOKEN, 16)),
        ]
        mined = block(height, *sent, salt=own)
        if height:
            mined["parentHash"] = blocks[-1]["hash"]
        logs = [log(0, 1 + height, 2 + height, 5)]
        mined["logsBloom"] = f"0x{bloom_of(words_of(logs)):0512x}"
        blocks.append(mined)
        receipts[sent[0]["hash"]] = receipt(sent[0], gas=21_000)
        receipts[sent[1]["hash"]] = receipt(sent[1], *logs, gas=50_000)
    return blocks, receipts


def words_of(logs: list[Any]) -> list[bytes]:
    return [bytes.fromhex(word[2:]) for log in logs for word in (log["address"], *log["topics"])]


class Following:
    """A fake node, a proxy before it, and a ledger that follows through both."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.home = home
        self.node = FakeEvmNode(*chained())
        self.faults: list[Fault] = []
        self.naps: list[float] = []
        self.url = stack.enter_context(
            spoiling(stack.enter_context(serving(self.node)), self.faults)
        )
        (home / "password").write_text(PASSWORD + "\n")
        self.settings = NodeSettings(
            name="near", ledger=LEDGER, url=self.url, dialect="evm", user="fiu",
            password_file="password", read_seconds=0.5, tries=3, requests_per_second=1e6,
            batch_calls=4, folder=home,
        )  # fmt: skip

    def sync(self, **options: Any) -> SyncReport:
        changed = replace(self.settings, **options.pop("settings", {}))
        return sync_chain(changed, wire=Wire(changed, sleep=self.naps.append), **options)

    def replace(self, salt: int, fork: int, length: int) -> None:
        blocks, receipts = chained(salt, fork, length)
        self.node.receipts |= receipts
        self.node.blocks = blocks

    def expected(self) -> dict[str, Any]:
        """What the node's replies give when they come from a file."""
        path = self.home / "replies.json"
        rows = list(self.node.receipts.values())
        chain_hashes = {each["hash"] for each in self.node.blocks}
        rows = [row for row in rows if row["blockHash"] in chain_hashes]
        token = {"type": "token", "address": TOKEN, "symbol": "TUSD", "decimals": 6}
        path.write_bytes(file(*self.node.blocks, *rows, token)[1])
        load_evm(self.home / "from-files", LEDGER, [path])
        return account_stats(open_account_ledger(self.home / "from-files", LEDGER))

    def stored(self) -> dict[str, Any]:
        return account_stats(open_account_ledger(self.home, LEDGER))

    def is_empty(self) -> bool:
        return not names.present(self.home)


@pytest.fixture
def following(tmp_path: Path, settings: Any) -> Iterator[Following]:
    settings.FIU_HOME = tmp_path
    with ExitStack() as stack:
        yield Following(tmp_path, stack)


def test_a_ledger_becomes_level_and_equals_one_from_files(following: Following) -> None:
    told: list[tuple[int, int]] = []
    report = following.sync(told=lambda *at: told.append(at))
    assert (report.blocks, report.transactions, report.is_level) == (BLOCKS, 2 * BLOCKS, True)
    assert (report.retries, report.restarts, report.batches) == (0, 0, 1)
    assert told == [(-1, 8), (3, 8), (7, 8), (8, 8), (8, 8)]
    assert following.stored() == following.expected()
    row = FollowedNode.objects.get()
    assert (row.ledger_height, row.node_height, row.problem) == (8, 8, "")
    assert row.synced_at is not None
    following.sync()
    tokens, chain = sorted(outside_lookups(), key=lambda line: line.purpose)
    assert (tokens.purpose, tokens.subject) == ("decimals of tokens seen for the first time", TOKEN)
    assert (chain.purpose, chain.subject, chain.by) == ("follow the chain", LEDGER, "sync_chain")
    assert (tokens.num_requests, chain.num_requests) == (1, following.node.num_requests)


def test_only_what_is_new_is_asked_for_and_it_is_added(following: Following) -> None:
    following.sync()
    before = following.node.num_requests
    assert following.sync().blocks == 0
    assert following.node.num_requests - before == 3
    following.replace(0, 0, BLOCKS + 2)
    following.node.asked.clear()
    report = following.sync()
    assert (report.blocks, report.is_level) == (2, True)
    assert "eth_call" not in following.node.asked  # the token is known
    assert len(list((names.folder(following.home, LEDGER) / "arrays").iterdir())) == 1
    assert following.stored() == following.expected()


def test_what_is_stored_stays_when_it_is_killed_and_it_goes_on_from_there(
    following: Following,
) -> None:
    def cut(reached: int, _target: int) -> None:
        if reached >= 7:
            raise PowerCut

    with pytest.raises(PowerCut):
        following.sync(settings={"batch_blocks": 4}, told=cut)
    assert ledger_snapshot(following.home, LEDGER).height == 3
    report = following.sync(settings={"batch_blocks": 4})
    assert (report.blocks, report.batches) == (5, 2)
    assert following.stored() == following.expected()


ACCIDENTS = ["garbage", "cut", "hang-up", "busy", "not-an-answer", "half", "limited",
             "other-height", "time-out"]  # fmt: skip


@pytest.mark.parametrize("kind", ACCIDENTS)
def test_one_accident_is_asked_through(following: Following, kind: str) -> None:
    following.faults.append(Fault(kind, method="eth_getBlockByNumber", only="0x4"))
    report = following.sync()
    assert (report.blocks, report.retries, report.is_level) == (BLOCKS, 1, True)
    assert following.naps == [0.5]
    assert following.stored() == following.expected()


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("garbage", NodeAnswerWrong, "cannot be read"),
        ("half", NodeAnswerWrong, "answered 3 of 4 questions"),
        ("hang-up", NodeUnreachable, "does not answer"),
        ("busy", NodeUnreachable, "is busy"),
        ("other-height", NodeAnswerWrong, "another block than that of height 0"),
        ("redirect", NodeRefused, "never followed"),
    ],
)
def test_what_stays_wrong_is_refused_with_a_sentence_and_nothing_is_stored(
    following: Following, kind: str, error: type[NodeError], words: str
) -> None:
    following.faults.append(Fault(kind, method="eth_getBlockByNumber", only="0x0", times=99))
    with pytest.raises(error, match=words) as raised:
        following.sync()
    assert "near (127.0.0.1:" in str(raised.value)
    assert PASSWORD not in str(raised.value)
    assert following.is_empty()
    assert FollowedNode.objects.get().problem == str(raised.value)


def test_replies_that_do_not_fit_together_are_refused(following: Following) -> None:
    first = following.node.blocks[0]["transactions"][0]["hash"]
    good = following.node.receipts[first]
    following.node.receipts[first] = good | {"transactionHash": digest(0x999)}
    with pytest.raises(NodeAnswerWrong, match="receipts of other transactions"):
        following.sync()
    following.node.receipts[first] = good | {"status": "0x7"}
    with pytest.raises(NodeAnswerWrong, match="block 0: its transaction cannot be used: status"):
        following.sync()
    following.node.receipts[first] = good
    following.node.blocks[5]["parentHash"] = digest(0x777)
    with pytest.raises(NodeAnswerWrong, match="changed its chain 11 times"):
        following.sync()
    assert following.is_empty()


def test_logs_that_are_missing_or_added_are_noticed_by_the_blocks_own_filter(
    following: Following,
) -> None:
    paid = following.node.blocks[2]["transactions"][1]
    good = following.node.receipts[paid["hash"]]
    two = receipt(paid, log(0, 3, 4, 5), log(1, 3, 9, 5))["logs"]
    for logs, words in (
        ([], "block 2 came without all of its logs"),
        (two, "block 2 came with logs that are not its own"),
        (two[1:], "the logs of block 2 are not counted through"),
        ([two[0] | {"topics": ["0x12"]}], "a log of block 2 cannot be read"),
        (["?"], "the logs of block 2 cannot be read"),
    ):
        following.node.receipts[paid["hash"]] = good | {"logs": logs}
        with pytest.raises(NodeAnswerWrong, match=words):
            following.sync()
    following.node.receipts[paid["hash"]] = good
    assert following.sync().is_level
    assert following.stored() == following.expected()


def test_a_node_of_another_chain_is_refused(following: Following) -> None:
    following.node.chain_id = 1
    with pytest.raises(NodeRefused, match="is of chain 1; the ledger ethereum-dev is chain 31337"):
        following.sync()


def test_a_reorganisation_is_read_anew_from_the_last_shared_block(following: Following) -> None:
    following.sync()
    following.replace(salt=1, fork=BLOCKS - 2, length=BLOCKS + 1)
    report = following.sync()
    assert (report.blocks, report.orphaned, report.is_level) == (3, 2, True)
    assert following.stored() == following.expected()
    following.replace(salt=2, fork=0, length=BLOCKS + 2)
    with pytest.raises(LedgerError, match="shares no block"):
        following.sync()


def test_a_branch_of_equal_length_replaces_the_old_one(following: Following) -> None:
    following.sync()
    following.replace(salt=1, fork=BLOCKS - 1, length=BLOCKS)
    report = following.sync()
    assert (report.blocks, report.orphaned, report.is_level) == (1, 1, True)
    assert following.sync().blocks == 0


@pytest.mark.parametrize("method", ["eth_getBlockByNumber", "eth_getBlockReceipts"])
def test_a_reorganisation_within_a_batch_begins_again_at_the_fork(
    following: Following, method: str
) -> None:
    following.faults.append(
        Fault(
            "", method=method, only="0x8",
            act=lambda: following.replace(salt=1, fork=6, length=BLOCKS + 1),
        )
    )  # fmt: skip
    report = following.sync(settings={"batch_blocks": 4})
    assert (report.restarts, report.is_level) == (1, True)
    assert following.stored() == following.expected()


def test_nodes_without_batches_receipts_by_block_or_traces_serve_too(following: Following) -> None:
    following.node.takes_batches = False
    following.node.offers = set()
    report = following.sync()
    assert (report.blocks, report.is_level) == (BLOCKS, True)
    assert following.node.asked.count("trace_block") <= 4  # no more after the first blocks
    assert following.stored() == following.expected()


def test_a_node_that_stops_to_offer_traces_is_refused(following: Following) -> None:
    def stop() -> None:
        following.node.offers = {"eth_getBlockReceipts"}

    following.faults.append(Fault("", method="trace_block", after=1, act=stop))
    with pytest.raises(NodeRefused, match="refuses trace_block"):
        following.sync()
    assert following.is_empty()


def test_a_symbol_is_plain_text_or_nothing() -> None:
    told = f"0x{32:064x}{4:064x}" + b"TUSD".hex().ljust(64, "0")
    assert symbol_of(told) == "TUSD"
    assert symbol_of("0x" + b"MKR".hex().ljust(64, "0")) == "MKR"
    assert symbol_of(f"0x{32:064x}{6:064x}" + "e280ae555344".ljust(64, "0")) == ""
    assert symbol_of(None) == ""


@pytest.mark.once
@pytest.mark.parametrize("seed", range(DAYS))
def test_wherever_the_chain_changes_it_ends_level_with_the_node(
    following: Following, seed: int
) -> None:
    rng, salts = random.Random(seed), count(1)
    following.node.takes_batches = rng.random() < 0.7
    offered = ["eth_getBlockReceipts", "trace_block"]
    following.node.offers = set(rng.sample(offered, rng.randint(0, 2)))

    def reorganise() -> None:  # a chain gets longer, or another one of the same length
        length = len(following.node.blocks) + rng.randint(0, 2)
        following.replace(next(salts), rng.randint(1, length - 1), length)

    following.faults += some_day(rng, reorganise, most=20)
    may_fail = any(fault.kind for fault in following.faults)
    settings = {
        "batch_blocks": rng.randint(1, 6), "batch_calls": rng.choice([1, 3, 4]),
        "read_seconds": 5.0,
    }  # fmt: skip
    try:
        following.sync(settings=settings)
    except NodeError:
        assert may_fail
    following.faults.clear()
    assert following.sync(settings=settings).is_level
    assert following.stored() == following.expected()
