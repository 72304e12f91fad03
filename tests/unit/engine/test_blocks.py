"""Blocks and block files: taken whole and right, or refused with the byte."""

from __future__ import annotations

import bz2
import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.blockmaker import MAGIC, BlockChain, address, make_block, pay
from tests.shared_data import data_path
from tracing.engine.addresses import Network, ScriptKind, classify_script, script_pubkey
from tracing.engine.blockfiles import network_of, read_block_file, xor_with
from tracing.engine.blocks import parse_blocks
from tracing.engine.columns import BlockColumns, concat_columns, select_blocks
from tracing.engine.scripts import address_row, classify_scripts, row_texts
from tracing.errors import BlockFileError


@functools.cache
def segwit_block() -> bytes:
    return data_path("btc-blocks/mainnet-482683.raw").read_bytes()


def parsed(raw: bytes, key: bytes = b"", network: Network = Network.REGTEST) -> BlockColumns:
    records = read_block_file(raw, key)
    return parse_blocks(records.data, records.spans, network)


def chain_of_three() -> BlockChain:
    chain = BlockChain()
    first = chain.add()
    chain.add(pay([(first.txs[0].txid, 0)], [(address(1), 7), (None, 0)]))
    chain.add()
    return chain


def test_a_block_is_read_field_by_field() -> None:
    chain = chain_of_three()
    block = chain.blocks[1]
    columns = parsed(block.raw)
    assert columns.block_hash[0][::-1].tobytes().hex() == block.hash
    assert columns.block_prev[0][::-1].tobytes().hex() == chain.blocks[0].hash
    assert [row[::-1].tobytes().hex() for row in columns.txid] == [tx.txid for tx in block.txs]
    assert columns.in_prev[1][::-1].tobytes().hex() == chain.blocks[0].txs[0].txid
    assert columns.out_value.tolist() == [5_000_000_000, 7, 0]
    assert [ScriptKind(kind).label for kind in columns.out_kind] == ["p2wpkh", "p2wpkh", "nulldata"]
    assert row_texts(columns.out_row[1:2], Network.REGTEST) == [address(1)]
    assert columns.out_script.tolist() == [None, None, b"\x6a\x01\x00"]
    assert columns.block_height.tolist() == [2]


@given(st.data())
@settings(max_examples=150)
def test_any_changed_byte_of_a_real_block_is_refused(data: st.DataObject) -> None:
    raw = segwit_block()
    at = data.draw(st.integers(0, len(raw) - 1))
    flip = data.draw(st.integers(1, 255))
    with pytest.raises(BlockFileError) as refused:
        parsed(raw[:at] + bytes([raw[at] ^ flip]) + raw[at + 1 :], network=Network.MAIN)
    assert 0 <= refused.value.offset <= len(raw)


@given(st.integers(0, 9287))
@settings(max_examples=60)
def test_a_block_cut_off_anywhere_is_refused(length: int) -> None:
    with pytest.raises(BlockFileError):
        parsed(segwit_block()[:length], network=Network.MAIN)


def test_left_over_bytes_are_refused_where_they_start() -> None:
    raw = chain_of_three().blocks[0].raw
    with pytest.raises(BlockFileError) as refused:
        parsed(raw + b"\x00")
    assert refused.value.offset == len(raw)


def test_repeated_transactions_under_the_same_merkle_root_are_refused() -> None:
    first = BlockChain().add()
    spend = pay([(first.txs[0].txid, 0)], [(address(1), 1)])
    other = pay([("ab" * 32, 0)], [(address(2), 1)])
    block = make_block(first.hash, 2, [spend, other])
    count = len(block.raw) - sum(len(tx.raw) for tx in block.txs) - 1
    doubled = block.raw[:count] + bytes([4]) + block.raw[count + 1 :] + other.raw
    with pytest.raises(BlockFileError, match="merkle root"):
        parsed(doubled)


KEY = bytes.fromhex("c09af2a75ed4a2d1")


@given(
    st.permutations([0, 1, 2]),
    st.lists(st.integers(0, 40), min_size=4, max_size=4),
    st.sampled_from([b"", bytes(8), KEY]),
)
def test_a_node_file_is_read_in_any_order_with_padding_and_key(
    order: list[int], padding: list[int], key: bytes
) -> None:
    blocks = chain_of_three().blocks
    pieces = [bytes(padding[0])]
    for place, number in enumerate(order):
        pieces += [blocks[number].record, bytes(padding[place + 1])]
    plain = b"".join(pieces)
    raw = xor_with(plain, key)
    columns = parsed(raw, key)
    assert [h[::-1].tobytes().hex() for h in columns.block_hash] == [blocks[n].hash for n in order]
    # Space that a node reserved was never written through the key.
    assert parsed(raw + bytes(64), key).num_blocks == 3


@pytest.mark.parametrize("key", [b"", KEY])
def test_a_truncated_record_is_refused_whole_with_its_byte(key: bytes) -> None:
    blocks = chain_of_three().blocks
    plain = blocks[0].record + blocks[1].record
    raw = xor_with(plain, key)
    for cut in (len(raw) - 1, len(blocks[0].record) + 5, len(blocks[0].record) + 90):
        with pytest.raises(BlockFileError) as refused:
            parsed(raw[:cut], key)
        assert refused.value.offset == cut
        assert f"record at byte {len(blocks[0].record)} is cut off" in str(refused.value)


def test_rubbish_between_records_is_refused_where_it_starts() -> None:
    blocks = chain_of_three().blocks
    raw = blocks[0].record + bytes(7) + b"rubbish" + blocks[1].record
    with pytest.raises(BlockFileError, match="neither a record nor padding") as refused:
        parsed(raw)
    assert refused.value.offset == len(blocks[0].record) + 7


def test_a_compressed_file_is_read_and_a_damaged_one_refused() -> None:
    raw = b"".join(block.record for block in chain_of_three().blocks)
    packed = bz2.compress(raw)
    assert parsed(packed).num_blocks == 3
    with pytest.raises(BlockFileError, match="cut off"):
        parsed(packed[:-3])
    with pytest.raises(BlockFileError, match="corrupt"):
        parsed(packed[:60] + b"\xff\xff" + packed[62:])


def test_blocks_of_another_network_are_told() -> None:
    block = chain_of_three().blocks[0]
    assert network_of(read_block_file(block.record)) is Network.REGTEST
    assert network_of(read_block_file(block.raw)) is Network.REGTEST
    assert network_of(read_block_file(segwit_block())) is None
    with pytest.raises(BlockFileError, match="regtest"):
        parsed(segwit_block())
    with pytest.raises(BlockFileError, match="main network"):
        parsed(block.raw, network=Network.MAIN)
    with pytest.raises(BlockFileError, match="signet"):
        read_block_file(bytes.fromhex("0a03cf40") + bytes(100))
    other = b"\xf9\xbe\xb4\xd9" + len(block.raw).to_bytes(4, "little") + block.raw
    with pytest.raises(BlockFileError, match="a record of main"):
        read_block_file(MAGIC + len(block.raw).to_bytes(4, "little") + block.raw + other)


def test_blocks_can_be_joined_and_chosen() -> None:
    blocks = chain_of_three().blocks
    joined = concat_columns([parsed(block.raw) for block in blocks])
    picked = select_blocks(joined, np.array([2, 1]))
    assert [h[::-1].tobytes().hex() for h in picked.block_hash] == [blocks[2].hash, blocks[1].hash]
    assert picked.tx_in.tolist() == [0, 1, 2, 3]
    assert [row[::-1].tobytes().hex() for row in picked.txid] == [
        tx.txid for block in (blocks[2], blocks[1]) for tx in block.txs
    ]


HASH20, HASH32 = st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32)
SCRIPTS = st.one_of(
    st.binary(max_size=80),
    HASH20.map(lambda h: script_pubkey(ScriptKind.P2PKH, h)),
    HASH20.map(lambda h: script_pubkey(ScriptKind.P2SH, h)),
    HASH20.map(lambda h: script_pubkey(ScriptKind.P2WPKH, h)),
    HASH32.map(lambda h: script_pubkey(ScriptKind.P2WSH, h)),
    HASH32.map(lambda h: script_pubkey(ScriptKind.P2TR, h, 1)),
    st.binary(min_size=2, max_size=40).map(lambda h: script_pubkey(ScriptKind.WITNESS, h, 7)),
    HASH32.map(lambda h: b"\x21\x02" + h + b"\xac"),
    HASH32.map(lambda h: b"\x51" + b"\x21\x02" + h + b"\x21\x43" + h + b"\x52\xae"),
    st.binary(max_size=60).map(lambda h: b"\x6a" + h),
)


@given(st.lists(SCRIPTS, max_size=20))
def test_scripts_in_bulk_are_classified_as_one_by_one(scripts: list[bytes]) -> None:
    lengths = np.array([len(script) for script in scripts], np.int64)
    buffer = np.frombuffer(b"".join(scripts) + bytes(64), np.uint8)
    kinds, rows = classify_scripts(buffer, np.cumsum(lengths) - lengths, lengths)
    for script, kind, row in zip(scripts, kinds, rows, strict=True):
        alone, version, payload = classify_script(script)
        assert kind == alone
        assert row.tobytes() == (address_row(alone, version, payload) if payload else bytes(44))
