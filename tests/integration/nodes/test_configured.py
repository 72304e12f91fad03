"""The file of nodes: what it takes, what it refuses in one sentence, what stays hidden."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tracing.errors import NodeNotConfigured
from tracing.nodes import configured_node, configured_nodes

GOOD = """
[office]
ledger = "bitcoin"
url = "https://node.example:8332/rpc"
cookie_file = "/var/lib/bitcoind/.cookie"
requests_per_second = 5

[story]
ledger = "bitcoin-regtest"
dialect = "bcoin"
url = "http://127.0.0.1:28332"
password_file = "key"
"""


def written(path: Path, text: str) -> Path:
    file = path / "nodes.toml"
    file.write_text(text)
    return file


def test_nodes_are_found_by_their_name_or_by_the_only_ledger_they_serve(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD)
    assert set(configured_nodes(file)) == {"office", "story"}
    assert configured_node(file, "office").requests_per_second == 5
    assert configured_node(file, "bitcoin-regtest").name == "story"
    assert configured_node(file, "office").host == "node.example:8332"
    assert configured_nodes(tmp_path / "none.toml") == {}
    chain = '[near]\nledger = "polygon"\nurl = "http://h:8545"'
    assert configured_node(written(tmp_path, chain), "polygon").dialect == "evm"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("office = 1", "stands outside of a node"),
        ("[office", "is not TOML"),
        ('[a]\nledger = "bitcoin"', "has no url"),
        ('[a]\nurl = "http://h"', "has no ledger"),
        ('[a]\nledger = "bsc"\nurl = "http://h"\ndialect = "core"', "which bsc does not have"),
        ('[a]\nledger = "bitcoin"\nurl = "http://h"\ndialect = "evm"', "does not have"),
        ('[a]\nledger = "dogecoin"\nurl = "http://h"', "follows no known ledger"),
        ('[a]\nledger = "bitcoin"\nurl = "h:8332"', "starts with http"),
        ('[a]\nledger = "bitcoin"\nurl = "ftp://h"', "starts with http"),
        ('[a]\nledger = "bitcoin"\nurl = "http://h:port"', "cannot be read"),
        ('[a]\nledger = "bitcoin"\nurl = "http://h?x=1"', "with a query"),
        ('[a]\nledger = "bitcoin"\nurl = "http://h"\ndialect = "btcd"', "no known dialect"),
        ('[a]\nledger = "bitcoin"\nurl = "http://h"\npasword = "x"', "unknown setting 'pasword'"),
        ('[a]\nledger = "bitcoin"\nurl = "http://h"\ntries = "many"', "tries that is no int"),
        ('[a]\nledger = "bitcoin"\nurl = "http://h"\ntries = true', "tries that is no int"),
        ('[a]\nledger = "bitcoin"\nurl = "http://h"\ntries = 0', "tries above 0"),
        ('[a]\nledger = "bitcoin"\nurl = "http://h"\nfirst_height = -1', "0 or more"),
        ('[a]\nledger = "bitcoin"\nurl = "http://h"\nuser = "u"\ncookie_file = "c"', "of the two"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(NodeNotConfigured, match=words) as raised:
        configured_nodes(written(tmp_path, text))
    assert "\n" not in str(raised.value)


def test_a_password_in_the_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = '[a]\nledger = "bitcoin"\nurl = "http://fiu:hunter2@h:8332"'
    with pytest.raises(NodeNotConfigured, match="they belong into user and password_file") as told:
        configured_nodes(written(tmp_path, text))
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "no node is called 'nowhere'"),
        (["office", "--from", "ten"], "--from takes a whole number"),
        (["office", "--every", "0"], "above 0"),
    ],
)
def test_the_command_ends_with_one_sentence(
    tmp_path: Path, settings: Any, arguments: list[str], words: str
) -> None:
    settings.NODES_FILE = written(tmp_path, GOOD)
    with pytest.raises(CommandError, match=words):
        call_command("sync_chain", *arguments)


@pytest.mark.django_db
def test_a_missing_password_file_is_told_by_its_node(tmp_path: Path, settings: Any) -> None:
    settings.NODES_FILE, settings.FIU_HOME = written(tmp_path, GOOD), tmp_path
    with pytest.raises(CommandError, match="the node story: its password or cookie file cannot be"):
        call_command("sync_chain", "story")
