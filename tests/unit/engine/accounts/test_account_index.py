"""Arrays that loads add to are those that a rebuild makes, whatever the loads were."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.engine.accounts.worlds import Move, payload, txid, worlds
from tests.unit.engine.accounts.worlds import tables as tables_of
from tracing.engine.accounts.build import Start, build_arrays
from tracing.engine.accounts.index import Index, Level, keys_of, with_level
from tracing.engine.accounts.ledger import Arrays


def loaded(moves: Sequence[Move], cuts: Sequence[int]) -> tuple[Arrays, list[Level]]:
    """The arrays after loads that end at these moves, each added behind the ones before."""
    whole: Arrays = {}
    levels: list[Level] = []
    start = Start()
    first = 0
    for cut in (*cuts, len(moves)):
        if cut == first:
            continue
        new, level = build_arrays(*tables_of(moves, first, cut), start)
        if whole:
            new["tx_off"] = new["tx_off"][1:]
        whole = {
            key: np.concatenate([whole[key], part]) if whole else part for key, part in new.items()
        }
        levels = with_level(levels, level)
        index = Index(levels, whole["txid"], whole["address"], len(whole["row_tx"]))
        start = Start(
            len(whole["row_tx"]), len(whole["txid"]), len(whole["address"]), index.find_addresses
        )
        first = cut
    return whole, levels


# A busy machine makes the drawing slow, which says nothing of the code.
@settings(max_examples=50)
@given(worlds(most=24), st.lists(st.integers(0, 25), max_size=8))
def test_loads_in_parts_make_what_one_load_makes(moves: list[Move], cuts: list[int]) -> None:
    parts, levels = loaded(moves, sorted({min(cut, len(moves)) for cut in cuts}))
    once, (one,) = loaded(moves, ())
    assert parts.keys() == once.keys()
    for name in once:
        assert np.array_equal(parts[name], once[name]), name
    # Sizes fall by halves, so that the number of levels stays small.
    assert all(a.num_rows > 2 * b.num_rows for a, b in pairwise(levels))
    for rows in (len(once["row_tx"]), len(once["row_tx"]) // 2):
        seen = {k: v[:rows] if k.startswith("row") else v for k, v in once.items()}
        ours = Index(levels, once["txid"], once["address"], rows)
        theirs = Index([one], once["txid"], once["address"], rows)
        for address in range(len(once["address"])):
            text = once["address"][address].tobytes()
            assert ours.find_address(text) == theirs.find_address(text) == address
            wanted = np.flatnonzero(
                (seen["row_sender"] == address) | (seen["row_recipient"] == address)
            )
            assert ours.rows_of(address).tolist() == wanted.tolist()
        for number in range(len(moves)):
            assert ours.find_tx(txid(number)) == number
        assert ours.find_tx(txid(99)) is None
        assert ours.find_address(payload(77)) is None


def test_addresses_that_end_alike_are_told_apart() -> None:
    ends = [bytes([head, *[0] * 11]) + b"the same" for head in (3, 1, 2)]
    address = np.frombuffer(b"".join(ends), np.uint8).reshape(-1, 20)
    assert len(set(keys_of(address).tolist())) == 1
    level = Level(
        0, 0, np.zeros(0, np.uint64), np.zeros(0, np.uint32), keys_of(address),
        np.arange(3, dtype=np.uint32), np.zeros(0, np.uint32), np.zeros(1, np.uint64),
        np.zeros(0, np.uint32),
    )  # fmt: skip
    index = Index([level], np.zeros((0, 32), np.uint8), address, 0)
    assert [index.find_address(text) for text in ends] == [0, 1, 2]
    unknown = np.frombuffer(bytes([9, *[0] * 11]) + b"the same", np.uint8).reshape(1, 20)
    assert index.find_addresses(np.concatenate([address[::-1], unknown])).tolist() == [2, 1, 0, -1]
