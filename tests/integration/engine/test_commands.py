"""`trace` and `find_paths` over a peer's chain, through the real import."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.shared_data import data_json, data_path
from tracing.engine import coinjoin
from tracing.engine.clusters import cospend
from tracing.engine.seal import is_intact
from tracing.ledgers import load_blocks, open_ledger
from tracing.management.commands.ledger_stats import in_words
from tracing.models import Boundary

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("commands")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    load_blocks(folder, "bitcoin", [data_path("blocksci/blk00000.dat")], network="regtest")
    return folder


@pytest.fixture(autouse=True)
def _state(settings: Settings, home: Path) -> None:
    settings.FIU_HOME = home


def asked(command: str, *arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(command, "bitcoin", *arguments, "--json", stdout=out)
    result: dict[str, Any] = json.loads(out.getvalue())
    assert is_intact(result)
    return result


def names() -> dict[str, Any]:
    found: dict[str, Any] = data_json("blocksci/output.json")
    return found


def seed() -> str:
    return f"{names()['taint-split-tx-1']}:0"


def height_of(outpoint: str) -> int:
    return int(
        asked("trace", outpoint, "--max-hops", "1", "--until-height", "10000")["ends"][0]["height"]
    )


def test_poison_gives_the_totals_a_peer_asserts() -> None:
    whole = asked("trace", seed(), "--direction", "forward", "--policy", "poison")
    assert [row["amount"] for row in whole["ends"]] == ["1499940000"]
    assert (whole["conserved"], whole["balance_sheet"]["difference"]) == (False, None)
    at = height_of(seed())
    one_block_on = asked("trace", seed(), "--policy", "poison", "--until-height", str(at))
    assert [row["amount"] for row in one_block_on["ends"]] == ["299970000"]


@pytest.mark.parametrize("policy", ["haircut", "fifo", "lifo"])
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_conserving_policies_reconcile_to_zero(policy: str, direction: str) -> None:
    result = asked("trace", seed(), "--policy", policy, "--direction", direction)
    assert result["balance_sheet"]["difference"] == "0"
    totals = result["totals"]
    parts = [int(totals["ends"]), int(totals["fees"]), *map(int, totals["cut"].values())]
    assert sum(parts) == int(totals["seeds"])
    assert result["seal"]["snapshot"]["ledger"] == "bitcoin-regtest"


def test_the_walls_of_the_installation_stop_a_trace() -> None:
    free = asked("trace", seed())["ends"][0]
    Boundary.objects.create(
        ledger="bitcoin-regtest", address=free["address"], kind="exchange_deposit", source="test"
    )
    assert asked("trace", seed())["ends"][0]["status"] == "exchange_boundary"


def test_the_peeling_chain_is_one_path() -> None:
    known = names()
    txids = [known[f"peeling-chain-{number}-tx"] for number in range(10)]
    result = asked("find_paths", f"{txids[0]}:0", f"{txids[9]}:0", "--max-depth", "9")
    assert [path["txids"] for path in result["paths"]] == [txids[1:]]
    assert (result["searched_depth"], result["truncated"]) == (9, False)
    assert asked("find_paths", f"{txids[0]}:0", f"{txids[9]}:0", "--max-depth", "8")["paths"] == []


def test_a_wallet_may_be_meant_with_all_its_addresses() -> None:
    """The three addresses spent together in block 152 pay on from any of them."""
    file = "blocksci/test_clustering.test_clustering_no_change[btc].out"
    theirs = re.findall(r"PubkeyHashAddress\((\w+)\)", data_path(file).read_text().splitlines()[0])
    merged = asked("trace", theirs[0], "--max-hops", "1")["ends"][0]["outpoint"]
    alone = asked("find_paths", theirs[0], merged)["paths"]
    together = asked("find_paths", theirs[0], merged, "--clusters")["paths"]
    assert int(together[0]["amount"]) > int(alone[0]["amount"])
    assert together[0]["txids"] == alone[0]["txids"]


def test_the_cluster_of_a_peer_is_ours_and_its_reason_too(home: Path) -> None:
    ledger = open_ledger(home, "bitcoin")
    file = "blocksci/test_clustering.test_clustering_no_change[btc].out"
    theirs = re.findall(r"PubkeyHashAddress\((\w+)\)", data_path(file).read_text().splitlines()[0])
    assert len(theirs) == 3
    ids = [ledger.find_address(text) for text in theirs]
    first, other = ids[0], ids[1]
    assert first is not None
    assert other is not None
    clusters = cospend(ledger, coinjoin.flags(ledger))
    assert sorted(map(ledger.address_text, clusters.members(first).tolist())) == sorted(theirs)
    why = clusters.why_together(first, other)
    assert why is not None
    assert {int(ledger.tx_height[edge.tx]) for edge in why} == {152}


def test_people_get_a_table() -> None:
    out = StringIO()
    call_command("trace", "bitcoin", seed(), stdout=out)
    assert "difference            0.00000000" in out.getvalue()
    out = StringIO()
    chain = [f"{names()[f'peeling-chain-{number}-tx']}:0" for number in (0, 2)]
    call_command("find_paths", "bitcoin", *chain, stdout=out)
    assert "searched to 8 transactions, none is missing" in out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere", "x"), "no ledger is called 'nowhere'"),
        (("bitcoin", "00" * 32 + ":0"), "has no transaction"),
        (("bitcoin", "bcrt1qqlxxeyqj0ka4kqpzajv27l8px06neuqcwxg62f"), "is no address"),
        (("bitcoin", "x", "--policy", "fair"), "policy must be one of"),
        (("bitcoin", "x", "--direction", "up"), "--direction must be one of"),
        (("bitcoin", "x", "--max-hops", "many"), "--max-hops takes a whole number"),
        (("bitcoin", "x", "--max-hops", "99"), "max_hops must be a whole number from 1 to 32"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(
    arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("trace", *arguments)


@pytest.mark.parametrize("command", ["patterns", "exposure"])
def test_what_is_no_address_is_repeated_and_not_endlessly(command: str) -> None:
    with pytest.raises(CommandError, match=r"^'junk<x>' is no address: character 5"):
        call_command(command, "bitcoin", "junk<x>")
    with pytest.raises(CommandError) as refused:
        call_command(command, "bitcoin", "j" * 5_000)
    assert len(str(refused.value)) < 300


def test_figures_are_written_for_a_reader_without_json() -> None:
    assert in_words({"p2pk": 1234, "p2sh": 5}) == "p2pk 1,234, p2sh 5"
    assert in_words(["a", "b"]).split() == ["a", "b"]
    assert (in_words([]), in_words({}), in_words(1234567)) == ("none", "none", "1,234,567")


def test_a_depth_is_refused_by_the_name_of_its_own_option() -> None:
    with pytest.raises(CommandError, match="--max-depth takes a whole number from 1 to 32, not"):
        call_command("find_paths", "bitcoin", "x", "y", "--max-depth", "0")
