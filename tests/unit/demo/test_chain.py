"""The demo's blocks hold the rules a node would check."""

from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from fiu.demo.chain import (
    GENESIS,
    TARGET,
    BlockFiles,
    Chain,
    Coin,
    Purse,
    height_script,
    merkle_root,
    rule_fee,
)
from fiu.demo.scripts import Scripts

REGTEST_GENESIS = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"


def double(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


def test_genesis_is_the_one_of_regtest() -> None:
    assert double(GENESIS[:80])[::-1].hex() == REGTEST_GENESIS


def test_fees_follow_the_rule() -> None:
    assert rule_fee(1, 2) == 564
    assert rule_fee(4, 1) == 1_256


@pytest.mark.parametrize(
    ("height", "script"),
    [(1, "5100"), (16, "6000"), (17, "011100"), (127, "017f00"), (128, "02800000"),
     (20_159, "02bf4e00")],
)  # fmt: skip
def test_a_coinbase_starts_with_its_height(height: int, script: str) -> None:
    assert height_script(height).hex() == script


def test_the_last_id_of_an_odd_row_counts_twice() -> None:
    a, b, c = (bytes([n]) * 32 for n in (1, 2, 3))
    assert merkle_root([a, b, c]) == double(double(a + b) + double(c + c))


def blocks_of(path: Path) -> list[bytes]:
    data, found = path.read_bytes(), []
    while data:
        assert data[:4].hex() == "fabfb5da"
        size = int.from_bytes(data[4:8], "little")
        found.append(data[8 : 8 + size])
        data = data[8 + size :]
    return found


def test_headers_link_and_meet_their_target(tmp_path: Path) -> None:
    with BlockFiles(tmp_path) as files:
        chain = Chain(files)
        for _ in range(20):
            chain.seal(Scripts(7).of("miner"))
    blocks = blocks_of(files.paths[0])
    assert len(blocks) == 21
    for before, block in pairwise(blocks):
        assert block[4:36] == double(before[:80])
        assert int.from_bytes(double(block[:80]), "little") <= TARGET


def test_the_subsidy_halves_and_takes_the_fees(tmp_path: Path) -> None:
    script = Scripts(7).of("miner")
    with BlockFiles(tmp_path) as files:
        chain = Chain(files)
        coins: list[Coin] = [chain.seal(script) for _ in range(150)]
        chain.pay([coins[0]], [(coins[0][1] - 1_000, script)])
        after = chain.seal(script)
    assert coins[148][1] == 5_000_000_000
    assert coins[149][1] == 2_500_000_000
    assert after[1] == 2_500_001_000


def test_a_transaction_cannot_make_money(tmp_path: Path) -> None:
    script = Scripts(7).of("miner")
    with BlockFiles(tmp_path) as files:
        chain = Chain(files)
        coin = chain.seal(script)
        with pytest.raises(ValueError, match="exceed"):
            chain.pay([coin], [(coin[1] + 1, script)])


def test_a_purse_pays_from_its_oldest_sufficient_coin(tmp_path: Path) -> None:
    scripts = Scripts(7)
    with BlockFiles(tmp_path) as files:
        chain = Chain(files)
        purse = Purse(chain, scripts.of("purse"))
        purse.coins.extend(chain.seal(scripts.of("purse")) for _ in range(3))
        [paid] = purse.pay((1_000, scripts.of("somebody")))
        with pytest.raises(ValueError, match="no coin"):
            purse.pay((6_000_000_000, scripts.of("somebody")))
    assert paid[1:] == (1_000, scripts.of("somebody"))
    assert purse.coins[-1][1] == 5_000_000_000 - 1_000 - 564
