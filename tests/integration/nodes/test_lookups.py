"""Looking up one address at a source outside: written down first, checked, through accidents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.blockmaker import BlockChain, address, pay
from tests.fake_nodes import PASSWORD, FakeEsplora, Fault, serving, spoiling
from tests.shared_data import data_json
from tracing.errors import (
    AddressError,
    LedgerError,
    NodeAnswerWrong,
    NodeError,
    NodeNotConfigured,
    NodeRefused,
    NodeUnreachable,
)
from tracing.ledgers import names, open_ledger
from tracing.lookup_views import outside_lookups
from tracing.lookups import AddressHistory, look_up_address
from tracing.nodes import NodeSettings, esplora
from tracing.nodes.wire import Wire
from tracing.sync import sync_chain

pytestmark = pytest.mark.django_db
LEDGER = "bitcoin-regtest"
WANTED, SHOP, FRIEND = address(7), address(8), address(9)


def story() -> BlockChain:
    """Thirty payments to the address, and one from it that pays a shop."""
    chain = BlockChain()
    coins = [chain.add().txs[0].txid for _ in range(31)]
    paid = []
    for number, coin in enumerate(coins[:30]):
        tx = pay([(coin, 0)], [(WANTED, 1_000 + number), (FRIEND, 2_000)])
        paid.append(tx)
        chain.add(tx)
    chain.add(pay([(paid[0].txid, 0), (paid[1].txid, 0)], [(SHOP, 1_500), (WANTED, 400)]))
    return chain


class Looking:
    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.chain = story()
        self.server = FakeEsplora(self.chain.blocks)
        self.faults: list[Fault] = []
        self.naps: list[float] = []
        url = stack.enter_context(spoiling(stack.enter_context(serving(self.server)), self.faults))
        (home / "password").write_text(PASSWORD)
        self.settings = NodeSettings(
            name="outside", ledger=LEDGER, url=url, dialect="esplora", user="fiu",
            password_file="password", read_seconds=0.5, tries=3, requests_per_second=1e6,
            folder=home,
        )  # fmt: skip

    def ask(self, text: str = WANTED, **options: Any) -> AddressHistory:
        options = {"purpose": "case 2026-004", "by": "mara", **options}
        wire = Wire(self.settings, sleep=self.naps.append)
        return look_up_address(self.settings, text, wire=wire, **options)


@pytest.fixture
def looking(tmp_path: Path, settings: Any) -> Iterator[Looking]:
    settings.FIU_HOME = tmp_path
    with ExitStack() as stack:
        yield Looking(tmp_path, stack)


def test_the_history_is_whole_and_the_question_is_in_the_log(looking: Looking) -> None:
    found = looking.ask()
    assert (found.num_tx, len(found.txs), found.is_whole) == (31, 31, True)
    last, first = found.txs[0], found.txs[-1]
    assert (last.received, last.sent, last.others) == (400, 2_001, ((SHOP, 1_500),))
    assert (first.received, first.sent, first.height) == (1_000, 0, 32)
    assert sum(tx.received - tx.sent for tx in found.txs) == sum(range(1_000, 1_030)) - 1_601
    (line,) = outside_lookups()
    assert (line.by, line.purpose, line.subject, line.outcome) == (
        "mara", "case 2026-004", WANTED, "",
    )  # fmt: skip
    assert (line.host, line.num_requests) == (looking.settings.host, 4)
    assert not names.present(looking.settings.folder)


def test_it_is_written_down_before_anything_is_asked(looking: Looking) -> None:
    lines: list[int] = []
    looking.faults.append(Fault("", act=lambda: lines.append(len(looking.server.paths))))
    with pytest.raises(NodeNotConfigured, match="goes into the log"):
        looking.ask(purpose="  x ")
    assert not lines
    assert not outside_lookups()
    looking.server.first = "0" * 64
    with pytest.raises(NodeRefused, match="another first block"):
        looking.ask()
    (line,) = outside_lookups()
    assert "another first block" in line.outcome
    assert looking.server.paths == ["/block-height/0"]  # the address was not named to it


def test_only_so_many_are_read_and_the_rest_is_told(looking: Looking) -> None:
    found = looking.ask(most=5)
    assert (found.num_tx, len(found.txs), found.is_whole) == (31, 5, False)


@pytest.mark.parametrize("kind", ["garbage", "cut", "hang-up", "busy", "not-an-answer"])
def test_one_accident_is_asked_through(looking: Looking, kind: str) -> None:
    looking.faults.append(Fault(kind, after=1))
    assert len(looking.ask().txs) == 31
    assert looking.naps == [0.5]


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("garbage", NodeAnswerWrong, "cannot be read"),
        ("hang-up", NodeUnreachable, "does not answer"),
        ("redirect", NodeRefused, "never followed"),
    ],
)
def test_what_stays_wrong_is_one_sentence_in_the_log_too(
    looking: Looking, kind: str, error: type[NodeError], words: str
) -> None:
    looking.faults.append(Fault(kind, after=1, times=99))
    with pytest.raises(error, match=words):
        looking.ask()
    assert words in outside_lookups()[0].outcome


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[:-1], "gave 24 transactions of 31"),
        (lambda rows: rows[::-1], "not in order"),
        (lambda rows: [*rows[:-1], rows[0]], "twice"),
        (lambda rows: [{**rows[0], "vout": [], "vin": []}], "of another address"),
        (lambda rows: [{**rows[0], "status": {"confirmed": False}}], "cannot be read"),
        (lambda rows: [{**rows[0], "vout": [{"value": -5}]}], "not possible"),
        (lambda rows: {"rows": rows}, "cannot be read"),
    ],
)
def test_a_history_that_does_not_fit_is_refused(looking: Looking, change: Any, words: str) -> None:
    looking.server.change = change
    with pytest.raises(NodeAnswerWrong, match=words):
        looking.ask()


def test_the_blocks_are_loaded_where_asked_for_and_prove_themselves(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = looking.ask(most=3, store=True)
    assert found.num_stored == 3
    ledger = open_ledger(looking.settings.folder, LEDGER)
    assert all(ledger.find_tx(tx.txid) is not None for tx in found.txs)
    monkeypatch.setattr("tracing.lookups.MOST_BLOCKS", 30)
    with pytest.raises(LedgerError, match="31 blocks"):
        looking.ask(store=True)
    first, last = looking.server.blocks[0], looking.server.blocks[-1]
    looking.server.blocks[-1] = replace(last, raw=first.raw)
    with pytest.raises(NodeAnswerWrong, match="another block"):
        looking.ask(most=1, store=True)


def test_a_real_reply_reads_as_it_stands() -> None:
    row = data_json("esplora/simple-legacy-p2pkh.json")
    tx = esplora.transaction_of(row, "18p3G8gQ3oKy4U9EqnWs7UZswdqAMhE3r8")
    assert (tx.received, tx.sent, tx.height) == (82_974_043_165, 0, 399_996)
    assert tx.others == (("1K8YYAJJN3E3KD9FFPUXGAxQEVbt2hVj1M", 83_013_905_944),)


def test_wrong_sources_and_addresses_are_refused_before_they_are_asked(looking: Looking) -> None:
    with pytest.raises(AddressError, match="no address of bitcoin-regtest"):
        looking.ask("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
    with pytest.raises(NodeNotConfigured, match="not a source for one address"):
        look_up_address(replace(looking.settings, dialect="core"), WANTED, purpose="why", by="")
    with pytest.raises(NodeNotConfigured, match="not a node to follow"):
        sync_chain(looking.settings)
    assert not looking.server.paths


def test_the_commands_speak_in_words_and_in_json(looking: Looking, settings: Any) -> None:
    file = looking.settings.folder / "nodes.toml"
    file.write_text(
        f'[outside]\nledger = "{LEDGER}"\ndialect = "esplora"\nurl = "{looking.settings.url}"\n'
        'user = "fiu"\npassword_file = "password"\n'
    )
    settings.NODES_FILE = file
    out = StringIO()
    why = ["--purpose", "case 2026-004", "--by", "mara"]
    call_command("look_up_address", "outside", WANTED, "--most", "2", *why, stdout=out)
    assert "31 transactions, says outside" in out.getvalue()
    assert "the oldest 29 were not read" in out.getvalue()
    out = StringIO()
    call_command("look_up_address", "outside", WANTED, "--json", *why, stdout=out)
    assert len(json.loads(out.getvalue())["txs"]) == 31
    out = StringIO()
    call_command("outside_lookups", stdout=out)
    assert out.getvalue().count("case 2026-004") == 2
    out = StringIO()
    call_command("outside_lookups", "--last", "1", "--json", stdout=out)
    assert json.loads(out.getvalue())[0]["by"] == "mara"
    with pytest.raises(CommandError, match="no node is called"):
        call_command("look_up_address", LEDGER, WANTED, *why)
