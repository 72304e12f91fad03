"""The reading door: ledgers, addresses, histories, clusters, estimates."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries, Settings

from tests.blockmaker import START, BlockChain, address, pay
from tests.shared_data import data_path
from tracing import jobs, reads
from tracing.engine.spec import TraceParameters
from tracing.ledgers import load_blocks

pytestmark = pytest.mark.django_db
PACK = """\
title: Test pack
creator: test
source: https://example.org/list
currency: BTC
confidence: ledger_immanent
lastmod: 2025-01-01
category: exchange
tags:
"""


@pytest.fixture
def chain(settings: Settings, tmp_path: Path) -> BlockChain:
    """1 and 2 are spent together, 3 is paid, 4 and 5 are swept with the change of 2."""
    settings.FIU_HOME = tmp_path
    chain = BlockChain()
    first, second = chain.add(), chain.add()
    split = pay([(first.txs[0].txid, 0)], [(address(1), 600), (address(2), 400), (None, 0)])
    chain.add(split)
    both = pay([(split.txid, 0), (split.txid, 1)], [(address(3), 900), (address(2), 90)])
    chain.add(both)
    other = pay([(second.txs[0].txid, 0)], [(address(4), 70), (address(5), 30)])
    chain.add(other)
    chain.add(pay([(other.txid, 0), (other.txid, 1), (both.txid, 1)], [(address(6), 190)]))
    file = tmp_path / "blk00000.dat"
    file.write_bytes(b"".join(block.record for block in chain.blocks))
    load_blocks(tmp_path, "bitcoin", [file])
    return chain


def at(height: int) -> datetime:
    return datetime.fromtimestamp(START + 600 * height, UTC)


def test_ledgers_are_listed_with_their_tip(chain: BlockChain) -> None:
    (ledger,) = reads.ledgers()
    assert (ledger.name, ledger.height, ledger.tip_hash) == ("bitcoin-regtest", 6, chain.tip)
    assert (ledger.tip_at, ledger.num_blocks, ledger.num_segments) == (at(6), 6, 1)
    assert reads.resolve_ledger("bitcoin") == "bitcoin-regtest"
    with pytest.raises(reads.LedgerMissing):
        reads.resolve_ledger("bitcoin-test")
    with pytest.raises(reads.LedgerError):
        reads.resolve_ledger("litecoin")


@pytest.mark.usefixtures("chain")
def test_an_address_has_its_totals_and_times() -> None:
    summary = reads.address_summary("bitcoin", address(2))
    assert summary is not None
    assert (summary.received, summary.sent, summary.balance) == (490, 490, 0)
    assert (summary.num_tx, summary.first_height, summary.last_height) == (3, 3, 6)
    assert (summary.first_at, summary.last_at) == (at(3), at(6))
    assert reads.address_summary("bitcoin", address(99)) is None
    assert reads.address_summary("bitcoin", "no address") is None


@pytest.mark.usefixtures("chain")
def test_many_summaries_cost_six_queries_and_then_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    wanted = [address(number) for number in range(1, 9)]
    with django_assert_num_queries(6):
        found = reads.address_summaries("bitcoin", wanted)
    assert list(found) == wanted[:6]
    assert [found[text].balance for text in wanted[:6]] == [0, 0, 900, 0, 0, 190]
    with django_assert_num_queries(1):  # walls and tags are known by now
        reads.address_summaries("bitcoin", wanted)


def test_a_history_names_the_other_sides_and_pages(chain: BlockChain) -> None:
    rows = reads.address_history("bitcoin", address(2))
    assert [(row.height, row.received, row.sent) for row in rows] == [
        (6, 0, 90),
        (4, 90, 400),
        (3, 400, 0),
    ]
    assert rows[0].counterparties == [(address(6), 90)]
    assert rows[1].counterparties == [(address(3), 400)]
    assert rows[2].counterparties == [(address(10_001), 400)]
    assert rows[1].txid == chain.blocks[3].txs[1].txid
    first = reads.address_history("bitcoin", address(2), limit=2)
    assert first + reads.address_history("bitcoin", address(2), after=first[-1].txid) == rows
    assert reads.address_history("bitcoin", address(99)) == []


@pytest.mark.usefixtures("chain")
def test_coins_spent_together_make_a_cluster_until_a_wall_says_otherwise() -> None:
    whole = reads.cluster("bitcoin", address(4))
    assert whole is not None
    assert set(whole.addresses) == {address(n) for n in (1, 2, 4, 5)}
    assert (whole.anchor, whole.num_addresses, whole.balance) == (address(1), 4, 0)
    assert (whole.received, whole.sent) == (600 + 490 + 100, 600 + 490 + 100)
    jobs.set_boundaries(
        "test", [jobs.BoundaryRow("bitcoin-regtest", address(5), "exchange_deposit", "")]
    )
    split = reads.cluster("bitcoin", address(4))
    assert split is not None
    assert split.addresses == [address(4)]
    summary = reads.address_summary("bitcoin", address(2))
    assert summary is not None
    assert (summary.cluster_anchor, summary.cluster_size) == (address(1), 2)


def test_why_together_names_each_merge_and_what_it_holds(chain: BlockChain) -> None:
    both, sweep = chain.blocks[3].txs[1].txid, chain.blocks[5].txs[1].txid
    found = reads.why_together("bitcoin", address(1), address(5))
    assert found is not None
    assert (found.num_addresses, found.num_needed) == (4, 2)
    first, second = found.merges
    assert (first.txid, first.first, first.second) == (both, address(1), address(2))
    assert (second.txid, second.first, second.second) == (sweep, address(2), address(5))
    assert (first.with_first, first.with_last, first.with_neither) == (1, 3, 0)
    # Without the sweep, 4 is with neither: nothing else ever joined it to 5.
    assert (second.with_first, second.with_last, second.with_neither) == (2, 1, 1)
    assert (first.holds, first.height, first.at) == (False, 4, at(4))
    assert reads.why_together("bitcoin", address(1), address(3)) is None
    assert reads.why_together("bitcoin", address(1), address(99)) is None
    itself = reads.why_together("bitcoin", address(1), address(1))
    assert itself is not None
    assert itself.merges == []


def test_a_cluster_can_be_cited_and_found_again(chain: BlockChain) -> None:
    look = reads.cluster_look("bitcoin-regtest", address(1))
    assert look is not None
    cited = look.version
    assert (cited.num_addresses, cited.height, cited.tip_hash) == (4, 6, chain.tip)
    assert (look.withheld, look.whole_size) == ((), 4)
    out = StringIO()
    call_command("cluster", "bitcoin", address(5), "--json", stdout=out)
    again = json.loads(out.getvalue())
    assert again["members_sha256"] == cited.members_sha256
    # Another wall is another version; the one cited stays what it was.
    jobs.set_boundaries(
        "test", [jobs.BoundaryRow("bitcoin-regtest", address(2), "exchange_deposit", "")]
    )
    walled = reads.cluster_look("bitcoin-regtest", address(1))
    assert walled is not None
    assert (walled.version.num_addresses, walled.version.walls_sha256 != cited.walls_sha256) == (
        1, True,
    )  # fmt: skip
    named = ["--epoch", "1", "--walls", cited.walls_sha256, "--expect", cited.members_sha256]
    call_command("cluster", "bitcoin", address(1), *named, stdout=out)
    with pytest.raises(CommandError, match="Not the cluster cited"):
        call_command("cluster", "bitcoin", address(1), *named[4:], stdout=out)
    with pytest.raises(CommandError, match="no walls with the hash"):
        call_command("cluster", "bitcoin", address(1), "--walls", "ab", stdout=out)
    with pytest.raises(CommandError, match="has not seen"):
        call_command("cluster", "bitcoin", address(99), stdout=out)


@pytest.mark.usefixtures("chain")
def test_tags_of_two_owners_withhold_the_merge_until_one_of_them_is_overruled(
    tmp_path: Path,
) -> None:
    before = cited()
    pack = tmp_path / "pack.yaml"
    rows = ((1, "Mart One"), (5, "Mart Two"))
    lines = "".join(f"- address: {address(n)}\n  label: {label}\n" for n, label in rows)
    pack.write_text(PACK + lines)
    jobs.load_tags(pack)
    # The sweep that joined 2, 4 and 5 merges nobody, not even 4, whom no tag names.
    found = {n: reads.cluster("bitcoin", address(n)) for n in (1, 2, 4, 5)}
    assert {n: set(each.addresses) for n, each in found.items() if each} == {
        1: {address(1), address(2)}, 2: {address(1), address(2)},
        4: {address(4)}, 5: {address(5)},
    }  # fmt: skip
    assert reads.why_together("bitcoin", address(1), address(5)) is None
    summary = reads.address_summary("bitcoin", address(2))
    assert summary is not None
    assert summary.cluster_size == 2
    assert found[1] is not None
    assert (found[1].received, found[1].sent) == (600 + 490, 600 + 490)
    look = reads.cluster_look("bitcoin-regtest", address(1))
    assert look is not None
    (withheld,) = look.withheld
    assert (withheld.height, withheld.first, withheld.second) == (6, address(2), address(5))
    assert (withheld.first_owners, withheld.second_owners) == (("Mart One",), ("Mart Two",))
    assert (withheld.first_size, withheld.second_size, look.whole_size) == (2, 1, 4)
    other = reads.cluster_look("bitcoin-regtest", address(5))
    assert other is not None
    assert other.withheld[0].first == address(5)
    untagged = reads.cluster_look("bitcoin-regtest", address(4))
    assert untagged is not None
    assert untagged.withheld == ()
    # Nothing is inherited across it, and until somebody decided the names disagree.
    told = reads.tags_of("bitcoin-regtest", [address(n) for n in (1, 2, 4)])
    assert [tag.label for tag in told[address(2)].inherited] == ["Mart One"]
    assert [tag.label for tag in told[address(2)].across] == ["Mart Two"]
    assert {tag.label for tag in told[address(1)].conflict} == {"Mart One", "Mart Two"}
    assert address(4) not in told
    assert {side.label for side in reads.sides_of("bitcoin-regtest", address(2))} == {
        "Mart One", "Mart Two",
    }  # fmt: skip
    torn = cited()
    assert (torn["num_addresses"], before["num_addresses"]) == (2, 4)
    # Two people overrule one name: the merge is made, and undone with their ruling.
    ruling = uuid4()
    jobs.overrule_claims("bitcoin-regtest", [(address(5), "Mart Two")], ruling=ruling)
    whole = reads.cluster("bitcoin", address(5))
    assert whole is not None
    assert whole.num_addresses == 4
    told = reads.tags_of("bitcoin-regtest", [address(5)])
    assert ([tag.label for tag in told[address(5)].inherited], told[address(5)].conflict) == (
        ["Mart One"], (),
    )  # fmt: skip
    ruled = cited()
    assert ruled["members_sha256"] == before["members_sha256"]
    assert len({each["tag_set"] for each in (before, torn, ruled)}) == 3
    jobs.lift_ruling(ruling)
    assert cited() == torn
    # Each version is found again by the tags that it names.
    for each in (before, torn, ruled):
        named = ["--tags", each["tag_set"], "--expect", each["members_sha256"]]
        call_command("cluster", "bitcoin", address(1), *named, stdout=StringIO())
    with pytest.raises(CommandError, match="no tags with the hash"):
        call_command("cluster", "bitcoin", address(1), "--tags", "ab", stdout=StringIO())


@pytest.mark.usefixtures("chain")
def test_a_ruling_of_two_owners_holds_clusters_apart_and_has_its_version(tmp_path: Path) -> None:
    before = cited()
    pair = (address(1), address(5))
    assert [both for _, both in reads.joins_of("bitcoin-regtest", *pair)] == [False, False]
    ruling = uuid4()
    jobs.hold_apart("bitcoin-regtest", (address(5), address(1)), ruling=ruling)
    jobs.hold_apart("bitcoin-regtest", (address(5), address(1)), ruling=ruling)
    look = reads.cluster_look("bitcoin-regtest", address(2))
    assert look is not None
    (apart,) = look.apart
    assert (apart.ruling, apart.first, apart.second) == (ruling, address(1), address(5))
    assert (apart.height, apart.both, apart.second_size) == (6, False, 1)
    assert (look.withheld, look.version.num_addresses, look.whole_size) == ((), 2, 2)
    assert reads.kept_apart("bitcoin-regtest", address(5), address(2)) == replace(
        apart, first=address(5), second=address(1), second_size=2
    )
    assert reads.kept_apart("bitcoin-regtest", address(1), address(2)) is None
    assert reads.why_together("bitcoin", address(1), address(5)) is None
    assert reads.joins_of("bitcoin-regtest", *pair) == [(apart.txid, False)]
    held = cited()
    # Names on both sides are two owners' names now: nothing disagrees, nothing is asked.
    pack = tmp_path / "pack.yaml"
    rows = ((1, "Mart One"), (5, "Mart Two"))
    lines = "".join(f"- address: {address(n)}\n  label: {label}\n" for n, label in rows)
    pack.write_text(PACK + lines)
    jobs.load_tags(pack)
    told = reads.tags_of("bitcoin-regtest", [address(2)])[address(2)]
    assert ([tag.label for tag in told.inherited], told.across) == (["Mart One"], ())
    assert (told.conflict, reads.sides_of("bitcoin-regtest", address(2))) == ((), [])
    again = reads.cluster_look("bitcoin-regtest", address(2))
    assert again is not None
    assert again.withheld == ()
    assert again.apart[0].second_owners == ("Mart Two",)
    # Taken back, the tags alone withhold it, and each version is found by what it cites.
    jobs.join_again(ruling)
    assert [tag.label for tag in reads.tags_of("bitcoin-regtest", [address(2)])[address(2)].across]
    assert len({each["tag_set"] for each in (before, held, cited())}) == 3
    for each in (before, held):
        named = ["--tags", each["tag_set"], "--expect", each["members_sha256"]]
        call_command("cluster", "bitcoin", address(1), *named, stdout=StringIO())
    with pytest.raises(reads.LedgerError, match="has not seen"):
        reads.joins_of("bitcoin-regtest", address(1), address(99))


def cited() -> dict[str, Any]:
    """The version of the first address's cluster, as the command tells it."""
    out = StringIO()
    call_command("cluster", "bitcoin", address(1), "--json", stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def test_seeds_become_outputs_and_estimates(chain: BlockChain) -> None:
    split, both = chain.blocks[2].txs[1].txid, chain.blocks[3].txs[1].txid
    assert reads.outputs_of("bitcoin", address(2)) == [f"{split}:1", f"{both}:1"]
    assert reads.outputs_of("bitcoin", f"{both}:0") == [f"{both}:0"]
    for seed in (address(99), f"{both}:7", "ab" * 32 + ":0"):
        with pytest.raises(reads.SeedError):
            reads.outputs_of("bitcoin", seed)
    forward = TraceParameters(ledger="bitcoin", seeds=(address(2),))
    assert reads.estimate(forward) == reads.Estimate(2, 490, 6)
    early = TraceParameters(ledger="bitcoin", seeds=(address(1),), until_height=4)
    assert reads.estimate(early) == reads.Estimate(1, 600, 2)
    backward = TraceParameters(ledger="bitcoin", seeds=(address(6),), mode="source")
    assert reads.estimate(backward) == reads.Estimate(1, 190, 10)


def test_an_address_tells_its_ledger_and_a_loaded_one_wins(
    settings: Settings, tmp_path: Path
) -> None:
    settings.FIU_HOME = tmp_path
    main = reads.parse_address(" bitcoin:BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4?amount=1 ")
    assert (main.ledger, main.network, main.script_type) == ("bitcoin", "main", "p2wpkh")
    assert main.canonical == "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    assert main.chain == "bip122:000000000019d6689c085ae165831e93"
    shared = "mo9ncXisMeAoXwqcV5EWuyncbmCcQN4rVs"
    assert reads.parse_address(shared).ledger == "bitcoin-test"
    load_blocks(tmp_path, "bitcoin", [data_path("blocksci/blk00000.dat")])
    assert reads.parse_address(shared).ledger == "bitcoin-regtest"
    with pytest.raises(reads.AddressError, match="checksum"):
        reads.parse_address(shared[:-1] + "t")
    lines = reads.parse_paste(f"{shared}\nnonsense\n{shared}")
    assert [(line.number, line.address is None, line.reason) for line in lines] == [
        (1, False, ""),
        (2, True, "no address found in this line"),
        (3, False, "repeats line 1"),
    ]
