"""Following a node in both dialects: incremental, through accidents, honest about doubt."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.blockmaker import GENESIS, BlockChain, address, pay
from tests.fake_nodes import PASSWORD, FakeNode, Fault, serving, some_day, spoiling
from tests.integration.ledgers.test_store import PowerCut, figures, long_chain, write
from tracing.errors import LedgerError, NodeAnswerWrong, NodeError, NodeRefused, NodeUnreachable
from tracing.ledgers import ledger_snapshot, load_blocks, names, open_ledger
from tracing.lookup_views import outside_lookups
from tracing.models import FollowedNode
from tracing.nodes import NodeSettings
from tracing.nodes.wire import Wire
from tracing.sync import SyncReport, sync_chain

pytestmark = [pytest.mark.django_db, pytest.mark.once]
LEDGER = "bitcoin-regtest"
DAYS = int(os.environ.get("FIU_TEST_DAYS", "3"))  # of accidents, each with its own seed


class Following:
    """A fake node, a proxy before it, and a ledger that follows through both."""

    def __init__(self, home: Path, dialect: str, stack: ExitStack) -> None:
        self.home, self.chain = home, long_chain(14, seed=3)
        self.node = FakeNode(self.chain.blocks)
        self.faults: list[Fault] = []
        self.naps: list[float] = []
        self.url = stack.enter_context(
            spoiling(stack.enter_context(serving(self.node)), self.faults)
        )
        (home / "password").write_text(PASSWORD + "\n")
        self.settings = NodeSettings(
            name="near",
            ledger=LEDGER,
            url=self.url,
            dialect=dialect,
            user="fiu",
            password_file="password",
            first_height=1,
            read_seconds=1.0,
            tries=4,
            requests_per_second=1e6,
            folder=home,
        )

    def sync(self, **options: Any) -> SyncReport:
        changed = replace(self.settings, **options.pop("settings", {}))
        return sync_chain(changed, wire=Wire(changed, sleep=self.naps.append), **options)

    def is_empty(self) -> bool:
        return not names.present(self.home) and not list(
            names.folder(self.home, LEDGER).glob("*/*")
        )

    def expected(self, chain: BlockChain | None = None) -> dict[str, Any]:
        """What the same blocks give when they come from a file."""
        blocks = (chain or self.chain).blocks
        other = self.home / "from-files"
        load_blocks(other, LEDGER, [write(self.home / "all.dat", *blocks)])
        return figures(open_ledger(other, LEDGER))

    def stored(self) -> dict[str, Any]:
        return figures(open_ledger(self.home, LEDGER))


@pytest.fixture(params=["core", "bcoin"])
def following(request: pytest.FixtureRequest, tmp_path: Path, settings: Any) -> Iterator[Following]:
    settings.FIU_HOME = tmp_path
    with ExitStack() as stack:
        yield Following(tmp_path, request.param, stack)


def test_a_ledger_becomes_level_and_equals_one_from_files(following: Following) -> None:
    report = following.sync()
    assert (report.blocks, report.is_level, report.retries, report.restarts) == (14, True, 0, 0)
    assert report.node_tip.hash == following.chain.tip
    assert following.stored() == following.expected()
    row = FollowedNode.objects.get()
    assert (row.name, row.ledger_height, row.node_height) == ("near", 14, 14)
    assert row.synced_at is not None
    assert row.problem == ""


def test_only_what_is_new_is_asked_for(following: Following) -> None:
    following.sync()
    before = following.node.num_requests
    assert following.sync().blocks == 0
    assert following.node.num_requests - before <= 4
    following.chain.add()
    following.node.replace(following.chain.blocks)
    report = following.sync()
    assert (report.blocks, report.snapshot.height, report.is_level) == (1, 15, True)
    assert following.stored() == following.expected()


def test_what_is_stored_stays_when_it_is_killed_and_it_goes_on_from_there(
    following: Following,
) -> None:
    def cut(reached: int, _target: int) -> None:
        if reached == 10:
            raise PowerCut

    with pytest.raises(PowerCut):
        following.sync(settings={"batch_blocks": 4}, told=cut)
    assert ledger_snapshot(following.home, LEDGER).height == 8
    before = following.node.num_requests
    report = following.sync(settings={"batch_blocks": 4})
    assert (report.blocks, report.batches) == (6, 2)
    assert following.node.num_requests - before < 20
    assert following.stored() == following.expected()


def test_an_upper_height_is_kept(following: Following) -> None:
    report = following.sync(until_height=5)
    assert (report.blocks, report.is_level) == (5, False)
    assert FollowedNode.objects.get().synced_at is None
    assert following.sync().is_level


ACCIDENTS = [
    ("time-out", "getblock"),
    ("hang-up", "getblockhash"),
    ("cut", "getblock"),
    ("garbage", "getblockchaininfo"),
    ("not-an-answer", "getblockhash"),
    ("busy", "getblock"),
    ("starting", "getblockchaininfo"),
]


@pytest.mark.parametrize(("kind", "method"), ACCIDENTS)
def test_an_accident_is_asked_through(following: Following, kind: str, method: str) -> None:
    following.faults.append(Fault(kind, method=method, after=1, times=2))
    report = following.sync()
    assert (report.blocks, report.is_level) == (14, True)
    assert 1 <= report.retries <= 3
    assert following.naps[:2] == [0.5, 1.0]  # the pause grows
    assert following.stored() == following.expected()


@pytest.mark.parametrize("kind", ["flipped", "short", "no-hash", "other-height", "same-height"])
def test_a_wrong_answer_that_passes_does_no_harm(following: Following, kind: str) -> None:
    method = "getblock" if kind in ("flipped", "short") else "getblockhash"
    following.faults.append(Fault(kind, method=method, after=5, times=1))
    assert following.sync().is_level
    assert following.stored() == following.expected()


@pytest.mark.parametrize(
    ("kind", "method", "error", "words"),
    [
        ("time-out", "getblock", NodeUnreachable, "it took too long"),
        ("hang-up", "getblockhash", NodeUnreachable, "does not answer"),
        ("cut", "getblock", NodeAnswerWrong, "is cut off"),
        ("garbage", "getblock", NodeAnswerWrong, "cannot be read"),
        ("not-an-answer", "getblockchaininfo", NodeAnswerWrong, "no answer to a call"),
        ("busy", "getblockhash", NodeUnreachable, "is busy (503)"),
        ("starting", "getblockchaininfo", NodeUnreachable, "is still starting"),
        ("redirect", "getblockhash", NodeRefused, "never followed"),
        ("no-hash", "getblockhash", NodeAnswerWrong, "no hash of a block"),
        ("flipped", "getblock", NodeAnswerWrong, "merkle root"),
        ("short", "getblock", NodeAnswerWrong, "refused at byte"),
    ],
)
def test_what_stays_wrong_is_refused_with_one_sentence_and_nothing_is_stored(
    following: Following, kind: str, method: str, error: type[NodeError], words: str
) -> None:
    following.faults.append(Fault(kind, method=method, after=1, times=99))
    with pytest.raises(error) as raised:
        following.sync()
    sentence = str(raised.value)
    assert words in sentence
    assert "near" in sentence
    assert "\n" not in sentence
    assert PASSWORD not in sentence
    assert following.is_empty()
    assert FollowedNode.objects.get().problem == sentence
    following.faults.clear()
    assert following.sync().is_level
    assert FollowedNode.objects.get().problem == ""


@pytest.mark.parametrize("kind", ["other-height", "same-height"])
def test_a_wrong_height_or_a_block_twice_is_refused(following: Following, kind: str) -> None:
    following.sync(until_height=6)
    before = following.stored()
    following.faults.append(Fault(kind, method="getblockhash", only=9, times=99))
    with pytest.raises(NodeAnswerWrong, match="for height 9, which does not belong there"):
        following.sync()
    assert following.stored() == before


def test_the_first_block_of_a_segment_must_have_its_height(following: Following) -> None:
    following.faults.append(Fault("other-height", method="getblockhash", only=6, times=99))
    with pytest.raises(NodeAnswerWrong, match="for height 6, which does not belong there"):
        following.sync(first_height=6)
    assert following.is_empty()


def test_another_block_than_asked_for_is_refused(following: Following) -> None:
    wanted, other = following.chain.blocks[4], following.chain.blocks[7]
    following.node.known[wanted.hash] = other
    with pytest.raises(NodeAnswerWrong, match=f"another block than {wanted.hash}"):
        following.sync()
    assert following.is_empty()


def branched(chain: BlockChain, depth: int, length: int) -> BlockChain:
    """The chain with its last blocks replaced by others."""
    other = chain.fork(depth)
    for _ in range(length):
        other.add(branch=7)
    return other


@pytest.mark.parametrize("depth", [1, 2, 5, 13, 14])
def test_a_reorganisation_changes_the_chain(following: Following, depth: int) -> None:
    following.sync()
    other = branched(following.chain, depth, depth + 2)
    following.node.replace(other.blocks)
    report = following.sync()
    assert (report.orphaned, report.is_level, report.restarts) == (depth, True, 0)
    assert report.blocks == depth + 2
    assert following.stored() == following.expected(other) | {"segments": report.snapshot.segments}
    assert report.snapshot.num_stale == depth
    orphaned = report.snapshot.orphaned
    assert [block.height for block in orphaned] == list(range(15 - depth, 15))
    assert [block.hash for block in orphaned] == [b.hash for b in following.chain.blocks[-depth:]]


def test_a_shorter_branch_waits_outside_of_the_chain_until_it_is_longer(
    following: Following,
) -> None:
    following.sync()
    other = branched(following.chain, 3, 2)
    following.node.replace(other.blocks)
    report = following.sync()
    assert (report.blocks, report.orphaned, report.is_level) == (2, 0, False)
    assert report.snapshot.tip_hash == following.chain.tip
    other.add(branch=7)
    other.add(branch=7)
    following.node.replace(other.blocks)
    report = following.sync()
    assert (report.blocks, report.orphaned, report.is_level) == (2, 3, True)  # two were there


@pytest.mark.parametrize("method", ["getblockhash", "getblock"])
def test_a_reorganisation_in_the_middle_of_a_batch_begins_again_at_the_fork(
    following: Following, method: str
) -> None:
    following.sync(until_height=4)
    other = branched(following.chain, 9, 12)
    following.faults.append(
        Fault("", method=method, after=6, act=lambda: following.node.replace(other.blocks))
    )
    report = following.sync()
    assert (report.restarts, report.is_level, report.blocks) == (1, True, 13)
    assert following.stored() == following.expected(other)


@pytest.mark.parametrize("seed", range(DAYS))
def test_wherever_the_chain_changes_it_ends_level_with_the_node(
    following: Following, seed: int
) -> None:
    rng = random.Random(seed)
    now = following.chain

    def reorganise() -> None:  # a node goes over to a branch with more work
        nonlocal now
        depth = rng.randint(1, len(now.blocks))
        now = branched(now, depth, depth + rng.randint(1, 2))
        following.node.replace(now.blocks)

    following.faults += some_day(rng, reorganise, most=40)
    may_fail = any(fault.kind for fault in following.faults)
    settings = {"batch_blocks": rng.randint(1, 8), "read_seconds": 5.0}
    try:
        following.sync(settings=settings)
    except NodeError:
        assert may_fail
    following.faults.clear()
    report = following.sync(settings=settings)
    assert report.is_level
    assert report.snapshot.tip_hash == now.tip
    segments = {"segments": report.snapshot.segments}
    assert following.stored() | segments == following.expected(now) | segments


def test_a_node_that_never_settles_is_refused(following: Following) -> None:
    following.node.known.clear()  # as if each block fell between its hash and its bytes
    with pytest.raises(NodeAnswerWrong, match="changed its chain 11 times while it was asked"):
        following.sync()
    assert following.is_empty()


@pytest.mark.parametrize("gives_coins", [True, False])
def test_spent_coins_from_before_the_first_block_are_known_where_the_node_tells(
    following: Following, gives_coins: bool
) -> None:
    following.node.gives_coins = gives_coins
    report = following.sync(first_height=8)
    part = open_ledger(following.home, LEDGER)
    assert (report.blocks, part.snapshot.segments[0].first_height) == (7, 8)
    whole = following.home / "whole"
    load_blocks(whole, LEDGER, [write(following.home / "all.dat", *following.chain.blocks)])
    full = open_ledger(whole, LEDGER)
    spends = [
        (part.txid(int(part.in_tx[i])), int(part.in_value[i])) for i in range(part.num_inputs)
    ]
    truth = [
        (full.txid(int(full.in_tx[i])), int(full.in_value[i]))
        for i in range(full.num_inputs)
        if full.tx_height[full.in_tx[i]] >= 8
    ]
    if gives_coins:
        assert report.spent_coins
        assert spends == truth
    else:
        assert report.spent_coins == 0
        assert spends != truth
        assert all(value in (-1, true) for (_, value), (_, true) in zip(spends, truth, strict=True))


def test_spent_coins_are_not_asked_for_where_the_ledger_has_them(following: Following) -> None:
    following.faults.append(Fault("garbage", method="rest", times=99))
    report = following.sync()
    assert (report.spent_coins, report.is_level) == (0, True)


@pytest.mark.parametrize("wrong", ["value", "script", "shape"])
def test_spent_coins_that_cannot_be_are_refused(following: Following, wrong: str) -> None:
    def change(coin: Any) -> Any:
        if wrong == "shape":
            return {"something": "else"}
        if wrong == "value":
            return {**coin, "value": 22_000_000 if "scriptPubKey" in coin else 22_000_000 * 10**8}
        broken = {**coin, "script": "xx"}
        return {**broken, "scriptPubKey": {"hex": "xx"}} if "scriptPubKey" in coin else broken

    following.node.change_coin = change
    with pytest.raises(NodeAnswerWrong, match=r"spent coin|no hex"):
        following.sync(first_height=8)
    assert following.is_empty()


def test_spent_coins_that_contradict_the_ledger_are_refused(following: Following) -> None:
    following.node.change_coin = lambda coin: {**coin, "value": coin["value"] + 1}
    with pytest.raises(LedgerError, match="differ from the ledger's own outputs"):
        following.sync(first_height=2)
    assert following.is_empty()


def test_a_node_of_another_network_is_refused(following: Following) -> None:
    following.node.network = "main"
    with pytest.raises(NodeRefused, match="of the network 'main'"):
        following.sync()
    assert following.is_empty()


def test_what_a_node_says_reaches_no_terminal_raw(following: Following) -> None:
    following.node.refusal = "\x1b[2Jall\nis well \u202e"
    with pytest.raises(NodeRefused) as refused:
        following.sync()
    assert r"refuses getblockchaininfo: \x1b[2Jall\nis well \u202e (-32603)" in str(refused.value)
    assert r"\x1b[2J" in outside_lookups()[0].outcome


def test_a_node_without_a_common_block_is_refused(following: Following) -> None:
    following.sync(first_height=9)
    other = branched(following.chain, 12, 14)
    following.node.replace(other.blocks)
    with pytest.raises(LedgerError, match="shares no block with bitcoin-regtest from height 9"):
        following.sync()
    report = following.sync(first_height=15)
    assert [s.first_height for s in report.snapshot.segments] == [9, 15]


def test_a_node_behind_the_ledger_changes_nothing(following: Following) -> None:
    following.sync(first_height=6)
    for height in (9, 3):  # within the ledger's blocks, and before its first
        following.node.replace(following.chain.blocks[:height])
        report = following.sync()
        assert (report.blocks, report.is_level, report.snapshot.height) == (0, False, 14)


def test_a_wrong_password_is_refused_at_once_and_never_told(
    following: Following, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    (following.home / "password").write_text("guessed wrong")
    with pytest.raises(NodeRefused, match="refuses the user or password") as raised:
        following.sync()
    assert following.naps == []
    captured = capsys.readouterr()
    told = str(raised.value) + caplog.text + captured.out + captured.err
    assert "guessed" not in told
    assert PASSWORD not in told


def test_a_cookie_is_read_anew_for_each_question(following: Following) -> None:
    cookie = following.home / ".cookie"
    cookie.write_text(f"__cookie__:{PASSWORD}")
    by_cookie = {"user": "", "password_file": "", "cookie_file": ".cookie"}
    assert following.sync(settings=by_cookie).is_level
    cookie.write_text("__cookie__:another")
    with pytest.raises(NodeRefused):
        following.sync(settings=by_cookie)


def test_the_rate_limit_spaces_the_questions(following: Following) -> None:
    now, naps = [0.0], []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        now[0] += seconds

    slow = replace(following.settings, requests_per_second=4)
    report = sync_chain(slow, wire=Wire(slow, clock=lambda: now[0], sleep=nap))
    assert report.requests > 20
    assert now[0] == pytest.approx((report.requests - 1) / 4)


def test_nobody_listening_is_told(following: Following) -> None:
    nobody = {"url": "http://127.0.0.1:9", "connect_seconds": 0.2}
    with pytest.raises(NodeUnreachable, match="does not answer: Connection refused"):
        following.sync(settings=nobody)
    assert len(following.naps) == 3
    (line,) = outside_lookups()
    assert "does not answer: Connection refused" in line.outcome
    following.sync()  # of the day's line the last outcome is told
    (line,) = outside_lookups()
    assert line.outcome == ""


def test_a_hand_made_first_block_is_what_the_fake_says() -> None:
    node = FakeNode([])
    assert node.answer("getblockhash", [0]) == GENESIS
    chain = BlockChain()
    first = chain.add()
    chain.add(pay([(first.txs[0].txid, 0)], [(address(1), 5)]))
    assert FakeNode(chain.blocks).answer("getblockchaininfo", [])["blocks"] == 2
