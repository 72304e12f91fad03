"""The first 256 blocks of the real chain, from a node that replays them."""

import bz2
from pathlib import Path
from typing import Any

import pytest

from tests.blockmaker import Block
from tests.fake_nodes import PASSWORD, FakeNode, serving
from tests.integration.ledgers.test_store import figures
from tests.shared_data import data_path
from tracing.engine.base58 import sha256d
from tracing.errors import NodeAnswerWrong
from tracing.ledgers import load_blocks, names, open_ledger
from tracing.nodes import NodeSettings
from tracing.sync import sync_chain

pytestmark = pytest.mark.django_db
FILE = "btc-blocks/mainnet-1-256.bz2"


def replayed() -> list[Block]:
    """The blocks of the file, as a node stores them: magic, length, block."""
    raw, found = bz2.decompress(data_path(FILE).read_bytes()), []
    while raw:
        end = 8 + int.from_bytes(raw[4:8], "little")
        found.append(Block(raw[8:end], sha256d(raw[8:88])[::-1].hex(), ()))
        raw = raw[end:]
    return found


def following(home: Path, url: str) -> NodeSettings:
    (home / "password").write_text(PASSWORD)
    return NodeSettings(
        name="main", ledger="bitcoin", url=url, user="fiu", password_file="password",
        first_height=1, folder=home, requests_per_second=1e6,
    )  # fmt: skip


def test_a_real_chain_is_followed_as_its_file_is_loaded(tmp_path: Path, settings: Any) -> None:
    settings.FIU_HOME = tmp_path / "node"
    settings.FIU_HOME.mkdir()
    with serving(FakeNode(replayed(), "main", names.GENESIS["bitcoin"])) as url:
        report = sync_chain(following(settings.FIU_HOME, url))
        assert (report.blocks, report.is_level, report.retries) == (len(replayed()), True, 0)
    load_blocks(tmp_path, "bitcoin", [data_path(FILE)])
    assert figures(open_ledger(settings.FIU_HOME, "bitcoin")) == figures(
        open_ledger(tmp_path, "bitcoin")
    )


def test_a_chain_from_another_first_block_is_refused(tmp_path: Path, settings: Any) -> None:
    settings.FIU_HOME = tmp_path
    with (
        serving(FakeNode([], "main")) as url,
        pytest.raises(NodeAnswerWrong, match="another first block"),
    ):
        sync_chain(following(tmp_path, url))
    assert names.present(tmp_path) == []
