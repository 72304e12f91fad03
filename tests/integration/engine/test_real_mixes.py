"""CoinJoin detection on real rows: labelled mixes, and payouts that are none."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.shared_data import ROOT, data_json, data_path
from tracing.engine import coinjoin
from tracing.engine.coinjoin import CoinJoinMatch, classify
from tracing.ledgers import load_blocks, open_ledger
from tracing.management.commands.score_coinjoins import (
    MIX,
    MIXED_LABEL,
    PAYOUTS,
    document,
    explorer_row,
    score,
    verdict_on,
)


def labelled(archive: str, member: str) -> Iterator[CoinJoinMatch | None]:
    """Our verdict on each labelled transaction of a file."""
    with zipfile.ZipFile(data_path(f"coinjoin/{archive}")) as files:
        for line in files.read(member).decode().splitlines():
            fields = line.split(":::")
            scripts: dict[str, int] = {}
            sides = []
            for side in (fields[4], fields[5]):
                cells = [cell.split("+") for cell in side.split("}{")]
                owners = [scripts.setdefault(script, len(scripts)) for _, script, _ in cells]
                sides.append(([int(amount.split("-")[-1]) for amount, _, _ in cells], owners))
            yield classify(*sides[0], *sides[1])


def test_every_wasabi_mix_of_2021_is_found() -> None:
    found = list(labelled("dumplings__ww1_202405.zip", "Scanner/WasabiCoinJoins.txt"))
    assert len(found) == 196
    assert all(found)


def test_token_trades_labelled_as_other_mixes_are_not_taken_for_any() -> None:
    """Most rows of that label are trades with dust markers."""
    found = list(labelled("dumplings__jm_202406.zip", "Scanner/OtherCoinJoins.txt"))
    kinds = Counter(match.kind for match in found if match)
    assert len(found) == 567
    assert kinds == {"joinmarket_like": 57}


def test_a_real_whirlpool_mix_is_found() -> None:
    match = verdict_on(explorer_row(data_json("esplora/whirlpool-coinjoin.json")))
    assert match is not None
    assert (match.kind, match.confidence, match.participants) == ("whirlpool", "high", 5)


def test_the_accuracy_page_says_what_the_detectors_do_today() -> None:
    scores = list(score(data_path("coinjoin").parent))
    assert (ROOT / "docs" / "accuracy.md").read_text() == document(scores)
    by_name = {each.name: each for each in scores}
    assert by_name["Wasabi 1 of 2021"].mixes == by_name["Wasabi 1 of 2021"].rows == 196
    assert [each.mixes for each in scores if each.label == PAYOUTS] == [0, 0, 0]
    for each in scores:  # beside GraphSense: as many mixes in every set of them ...
        if each.label == MIX:
            assert each.mixes >= max(each.stored, each.told, each.told_of_three)
    others = [each for each in scores if each.label not in (MIX, MIXED_LABEL)]
    ours = sum(each.mixes for each in others)
    for theirs in ("stored", "told", "told_of_three"):  # ... and fewer flags on what is none
        assert ours < sum(getattr(each, theirs) for each in others)


def test_equal_payouts_of_2014_are_no_mixes(tmp_path: Path) -> None:
    block = data_path("btc-blocks/mainnet-300025.raw")
    coins = data_path("btc-blocks/mainnet-300025.undo.raw")
    load_blocks(tmp_path, "bitcoin", [block], spent_coins=coins)
    ledger = open_ledger(tmp_path, "bitcoin")
    assert data_json("expected_blocks.json")["mainnet-300025"]["equal_output_candidates"] == 6
    assert np.flatnonzero(coinjoin.flags(ledger)).tolist() == []
