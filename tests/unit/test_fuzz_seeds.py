"""Parsers against what once brought them down, and against a few hundred mutations of good files.

T6: `python -m tests.fuzz PARSER` searches for more; what it finds goes to tests/fuzz/found/PARSER/.
"""

import bz2
import gzip
import itertools
import random
import time

import pytest

from tests.blockmaker import MAGIC
from tests.fuzz.blind import HANG_SECONDS, mutations
from tests.fuzz.parsers import FOUND, PARSERS, found
from tracing.engine import blockfiles
from tracing.engine.accounts import replies
from tracing.engine.blockfiles import read_block_file
from tracing.engine.tagpacks import parse_tag_csv, parse_tagpack
from tracing.errors import BlockFileError, TagFileError

NAMES = sorted(set(PARSERS) - {"planted"})
MUTATIONS = 60


@pytest.mark.parametrize("name", NAMES)
def test_a_parser_refuses_in_a_sentence_or_takes_it(name: str) -> None:
    parser = PARSERS[name]
    bad = found(name)
    tried = [*parser.seeds, *bad]
    tried += itertools.islice(mutations((*parser.seeds, *bad), random.Random(7)), MUTATIONS)
    for data in tried:
        begun = time.process_time()
        parser.try_on(data)
        assert time.process_time() - begun < HANG_SECONDS, data[:200]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"exchange"}))
def test_the_seeds_are_files_that_the_parser_takes(name: str) -> None:
    for seed in PARSERS[name].seeds:
        PARSERS[name].run(seed)


def test_what_was_found_belongs_to_a_parser() -> None:
    assert {folder.name for folder in FOUND.iterdir()} <= set(NAMES)


def test_the_planted_fault_is_one() -> None:
    with pytest.raises(ZeroDivisionError):
        PARSERS["planted"].try_on(b"fuzz!")


def test_a_packed_file_that_holds_gigabytes_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (blockfiles, replies):
        monkeypatch.setattr(module, "ALWAYS_UNPACKED", 2**20)
    with pytest.raises(BlockFileError, match="more than 1 MB"):
        read_block_file(bz2.compress(bytes(3 * 2**20)))
    with pytest.raises(BlockFileError, match="more than 1 MB"):
        list(replies.objects_of(gzip.compress(b" " * 3 * 2**20), "file"))


def test_many_gaps_between_records_take_no_longer_than_their_bytes() -> None:
    gaps = (MAGIC + bytes(5)) * 120_000  # each search for the next record read all the rest: 20 s
    begun = time.process_time()
    assert len(read_block_file(gaps).spans) == 120_000
    assert time.process_time() - begun < HANG_SECONDS


def test_a_line_with_a_cell_too_long_is_one_bad_row() -> None:
    good = b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa,L,https://s.example\n"
    pack = parse_tag_csv(b"address,label,source\n" + b"x" * 140_000 + b"\n" + good, name="list")
    assert len(pack.rows) == 1
    assert "field larger than field limit" in pack.rejected[0].reason
    with pytest.raises(TagFileError, match="no CSV line"):
        parse_tag_csv(b"x" * 140_000, name="list")


def test_a_pack_nested_a_million_deep_is_refused_at_once() -> None:
    begun = time.process_time()
    with pytest.raises(TagFileError, match="nested"):
        parse_tagpack(b"title: A\ntags: " + b"[" * 1_000_000)
    assert time.process_time() - begun < HANG_SECONDS


def test_an_object_that_names_its_last_key_twice_is_refused_at_once() -> None:
    keys = ",".join(f'"{n}":1' for n in range(60_000))
    begun = time.process_time()
    with pytest.raises(BlockFileError, match="'x' stands twice"):
        list(replies.objects_of(f'{{{keys},"x":1,"x":2}}'.encode(), "file"))
    assert time.process_time() - begun < HANG_SECONDS
