"""Whole-ledger jobs: every engine says what the kernels say, to the unit."""

import json
import os
import random
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from cases.detection import Movement
from cases.detection.features import money_figures
from cases.services.customer_figures import computed_figures, movement_table
from tests.bench.generator import generate
from tests.bench.stored import LEDGER, store_generated
from tests.report_desk import make_alert
from tests.risk_trial import world
from tests.shared_data import data_path
from tracing import compute
from tracing.compute import ACCOUNT_JOBS, JOBS, Computed, Known, Place, loaded_jobs
from tracing.compute.canonical import result_hash
from tracing.engine.ledger import UNSPENT, MemoryLedger
from tracing.exposure_views import own_categories
from tracing.ledgers import StoredLedger, load_blocks, open_ledger
from tracing.ledgers.accounts import load_evm, open_account_ledger
from tracing.models import Boundary

# One worker: the ledgers are made once, and ibis is loaded once.
pytestmark = pytest.mark.xdist_group("whole_ledger")

MAINNET = "eth/blocks_17173049_17173050"
EVM_FILES = ("expected_blocks.json", "expected_transactions.json.gz", "expected_logs.json.gz")
CATEGORIES = ("exchange", "gambling", "mixing_service")


def known_of(ledger: StoredLedger) -> Known:
    """Every seventh address has a category that its cluster takes over, and three are walls."""
    texts = ledger.address_texts(range(0, ledger.num_addresses, 7))
    categories = {text: CATEGORIES[i % 3] for i, text in enumerate(texts)}

    def of_cluster(addresses: Sequence[str]) -> str:
        found = {categories[each] for each in addresses}
        return found.pop() if len(found) == 1 else "disputed"

    return Known(ledger.address_texts([3, 5, 100]), categories, of_cluster)


def with_a_repeated_id(ledger: MemoryLedger) -> MemoryLedger:
    """Two coinbases of one id, as Bitcoin has: the first was never spent, the second was."""
    mined = [tx for tx in range(0, ledger.num_tx, 100) if ledger.tx_coinbase[tx]]
    unspent = [int(ledger.out_spent_in[int(ledger.out_off[tx])]) == UNSPENT for tx in mined]
    first = next(tx for tx, free in zip(mined, unspent, strict=True) if free)
    second = next(tx for tx, free in zip(mined, unspent, strict=True) if tx > first and not free)
    txids = [ledger.txid(tx) for tx in range(ledger.num_tx)]
    txids[second] = txids[first]
    return replace(ledger, _txids=txids)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated ledger in two batches."""
    folder = tmp_path_factory.mktemp("whole")
    store_generated(with_a_repeated_id(generate(1_500)), folder, parts=2)
    return folder


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real blocks of Ethereum, with amounts of more than 64 bits."""
    folder = tmp_path_factory.mktemp("accounts")
    load_evm(folder, "ethereum", [data_path(f"{MAINNET}/{name}") for name in EVM_FILES])
    return folder


def of_accounts(
    home: Path, place: Place, jobs: Sequence[str] = ACCOUNT_JOBS
) -> tuple[dict[str, str], Known]:
    ledger = open_account_ledger(home, "ethereum")
    texts = [ledger.address_text(account) for account in range(0, ledger.num_addresses, 5)]
    known = Known((), {text: CATEGORIES[i % 3] for i, text in enumerate(texts)})
    return hashes(loaded_jobs().compute(home, "ethereum", jobs, known, place)), known


@pytest.fixture(scope="module")
def on_duckdb(home: Path) -> Computed:
    return computed(home, LEDGER, Place(home))


def computed(home: Path, name: str, place: Place, jobs: Sequence[str] = JOBS) -> Computed:
    return loaded_jobs().compute(home, name, jobs, known_of(open_ledger(home, name)), place)


def hashes(found: Computed) -> dict[str, str]:
    return {each.job: each.sha256 for each in found.outcomes}


def by_kernels(home: Path, name: str, jobs: Sequence[str] = JOBS) -> dict[str, str]:
    ledger = open_ledger(home, name)
    return {job: loaded_jobs().kernel_hash(ledger, job, known_of(ledger)) for job in jobs}


def test_duckdb_finds_what_the_kernels_find(home: Path, on_duckdb: Computed) -> None:
    figures = {each.job: each.figures for each in on_duckdb.outcomes}
    assert figures["coinjoins"]["mixes"] > 0
    assert figures["clusters"]["clusters"] > 10
    assert figures["clusters"]["rounds"] > 0
    told = {row["category"] for row in figures["exposure"]["categories"]}
    assert told == {*CATEGORIES, "disputed"}
    assert figures["statistics"]["tx"] == 1_500
    assert hashes(on_duckdb) == by_kernels(home, LEDGER)
    assert not list(home.glob("compute-*"))


def test_accounts_and_their_256_bits_are_those_of_the_kernels(accounts: Path) -> None:
    found, known = of_accounts(accounts, Place(accounts))
    ledger = open_account_ledger(accounts, "ethereum")
    assert found == {job: loaded_jobs().kernel_hash(ledger, job, known) for job in ACCOUNT_JOBS}


@pytest.fixture
def spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that speaks Spark Connect: Sail, which needs no Java machine.

    `python -m tests.spark` gives that of Apache Spark.
    """
    if given := os.environ.get("FIU_TEST_SPARK_URL"):
        yield given
        return
    pytest.importorskip("pysail", reason="pysail is not installed: no Spark Connect server here")
    monkeypatch.chdir(tmp_path)  # it keeps its tables there
    server = import_module("pysail.spark").SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    yield f"sc://127.0.0.1:{server.listening_address[1]}"
    server.stop()


@pytest.mark.once
def test_a_spark_connect_server_finds_the_same(
    home: Path, accounts: Path, on_duckdb: Computed, spark: str, tmp_path: Path
) -> None:
    found = computed(home, LEDGER, Place(home, spark))
    place = Place(accounts, spark)
    figures, _ = of_accounts(accounts, place, ["statistics"])
    of_customers = list(computed_figures(str(movements_file(tmp_path)), place))
    assert found.engine.startswith("Spark Connect")
    assert hashes(found) == hashes(on_duckdb)
    assert of_customers == by_rows()
    ledger = open_account_ledger(accounts, "ethereum")
    assert figures == {"statistics": loaded_jobs().kernel_hash(ledger, "statistics", Known())}
    assert [each.figures for each in found.outcomes] == [
        each.figures for each in on_duckdb.outcomes
    ]


def people() -> list[tuple[int, list[Movement]]]:
    """Some customers of a planted world, and rows without a price."""
    told = [(each.number, list(each.rows)) for each in world(40, share_bad=0.5)]
    number, rows = told[0]
    told[0] = number, [replace(row, fiat=None, fiat_out=None) for row in rows]
    return [(number, rows) for number, rows in told if rows]


def movements_file(folder: Path) -> Path:
    rows = [(number, row) for number, mine in people() for row in mine]
    pq.write_table(movement_table(rows), folder / "movements.parquet")
    return folder / "movements.parquet"


def by_rows() -> list[dict[str, int]]:
    return [{"account": number, **money_figures(rows)} for number, rows in people()]


def test_figures_of_customers_are_those_found_row_by_row(tmp_path: Path) -> None:
    assert list(computed_figures(str(movements_file(tmp_path)), Place(tmp_path))) == by_rows()


@pytest.mark.django_db
def test_the_command_holds_both_ways_against_each_other(tmp_path: Path, settings: Any) -> None:
    settings.FIU_HOME = tmp_path
    make_alert()
    out = StringIO()
    call_command("customer_figures", "--check", stdout=out)
    assert "1 accounts in" in out.getvalue()
    assert not list((tmp_path / "cache").iterdir())


def test_a_real_block_with_spent_coins_is_read_alike(tmp_path: Path) -> None:
    blocks = data_path("btc-blocks/mainnet-300025.raw")
    coins = data_path("btc-blocks/mainnet-300025.undo.raw")
    load_blocks(tmp_path, "bitcoin", [blocks], spent_coins=coins)
    jobs = ("statistics",)
    found = computed(tmp_path, "bitcoin", Place(tmp_path), jobs)
    assert hashes(found) == by_kernels(tmp_path, "bitcoin", jobs)


@pytest.fixture
def duckdb(tmp_path: Path) -> Iterator[Any]:
    engines = import_module("tracing.compute.engines")
    with engines.open_engine("", tmp_path, "200MB") as engine:
        yield engine


def test_components_end_in_stars_around_the_least(duckdb: Any) -> None:
    """Two long chains, the worst case of every way that hands labels on by a step a round."""
    rng = random.Random(5)
    names = rng.sample(range(1 << 40), 150)
    pairs = [*pairwise(names[:100]), *pairwise(names[100:])]
    edges = sorted({(max(pair), min(pair)) for pair in pairs if pair[0] != pair[1]})
    columns = dict(zip(("high", "low"), np.array(edges).T, strict=True))
    clusters = import_module("tracing.compute.clusters")
    stars, rounds = clusters.components(duckdb, duckdb.upload(columns))
    found = {row["high"]: row["low"] for row in duckdb.rows(stars)}
    expected = {
        node: min(group)
        for group in nx.connected_components(nx.Graph(edges))
        for node in group
        if node != min(group)
    }
    assert found == expected
    assert rounds <= 12


def test_shares_are_exact_up_to_sums_of_2_to_the_52(duckdb: Any) -> None:
    rng = random.Random(9)
    rows = [(0, 0, 1), ((1 << 52) - 1, (1 << 52) - 1, (1 << 52) - 1)]
    while len(rows) < 500:
        total = rng.randrange(1, 1 << rng.randint(1, 52))
        rows.append((rng.randint(0, total), rng.randint(0, total), total))
    columns = dict(zip(("taint", "part", "total"), np.array(rows).T, strict=True))
    table = duckdb.upload(columns)
    exposures = import_module("tracing.compute.exposures")
    shared = table.mutate(share=exposures.share(table.taint, table.part, table.total))
    for row in duckdb.rows(shared):
        assert row["share"] == row["taint"] * row["part"] // row["total"], row


def test_the_hash_is_of_the_rows_and_not_of_their_order() -> None:
    lines = [f"row {number}" for number in range(5_000)]
    assert result_hash(lines) == result_hash(reversed(lines))
    assert result_hash(lines) != result_hash(lines[1:])
    assert result_hash(lines) != result_hash([*lines, lines[0]])


@pytest.mark.once
@pytest.mark.django_db
def test_the_command_compares_with_the_kernels(home: Path, settings: Any) -> None:
    settings.FIU_HOME = home
    (home / "cache").mkdir(exist_ok=True)
    wall = open_ledger(home, LEDGER).address_text(0)
    Boundary.objects.create(ledger=LEDGER, address=wall, kind="service", source="test")
    out = StringIO()
    call_command("compute", "coinjoins", "bitcoin", "--check", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert found["same_as_kernels"] is True
    assert found["jobs"][0]["figures"]["mixes"] > 0
    assert own_categories(LEDGER) == {wall: "service"}


@pytest.mark.once
@pytest.mark.django_db
def test_what_is_missing_is_one_sentence(
    home: Path, accounts: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FIU_HOME = home
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.COMPUTE_URL = f"sc://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(CommandError, match="Nothing answers at 127"):
            call_command("compute", "clusters", "bitcoin")
    with pytest.raises(CommandError, match="is empty"):
        call_command("compute", "statistics", "tron")
    settings.FIU_HOME = accounts
    with pytest.raises(CommandError, match="have no clusters"):
        call_command("compute", "clusters", "ethereum")
    monkeypatch.setattr(compute, "NEEDED", ("a_package_that_nobody_has",))
    with pytest.raises(CommandError, match="run make scale once"):
        call_command("compute", "clusters", "bitcoin")
