"""Spent coins in both forms nodes keep them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.blockmaker import MAGIC, varint
from tests.shared_data import data_path
from tracing.engine.addresses import Network, ScriptKind
from tracing.engine.base58 import sha256d
from tracing.engine.blockfiles import xor_with
from tracing.engine.scripts import row_texts
from tracing.engine.spentcoins import decompress_amount, read_core_varint, read_spent_coins
from tracing.errors import BlockFileError

COIN = 100_000_000


def core_varint(number: int) -> bytes:
    """The inverse, by the description in serialize.h."""
    out = [number & 0x7F]
    while number > 0x7F:
        number = (number >> 7) - 1
        out.append(number & 0x7F | 0x80)
    return bytes(reversed(out))


def compress_amount(value: int) -> int:
    """The inverse, by the description in compressor.h."""
    if value == 0:
        return 0
    exponent = 0
    while value % 10 == 0 and exponent < 9:
        value //= 10
        exponent += 1
    if exponent < 9:
        return 1 + (value // 10 * 9 + value % 10 - 1) * 10 + exponent
    return 1 + (value - 1) * 10 + 9


def undo_record(previous: bytes, coins: list[list[tuple[int, bytes, int]]]) -> bytes:
    """A `rev*.dat` record: coins (value, compressed script, height) of each transaction."""
    data = varint(len(coins))
    for tx in coins:
        data += varint(len(tx))
        for value, script, height in tx:
            data += core_varint(height * 2)
            if height:
                data += b"\x00"
            data += core_varint(compress_amount(value)) + script
    return MAGIC + len(data).to_bytes(4, "little") + data + sha256d(previous + data)


@pytest.mark.parametrize(
    ("packed", "value"),
    [(0, 0), (1, 1), (7, 1_000_000), (9, COIN), (50, 50 * COIN), (0x1406F40, 21_000_000 * COIN)],
)
def test_known_amounts_are_unpacked(packed: int, value: int) -> None:
    assert decompress_amount(packed) == value


@given(st.integers(0, 21_000_000 * COIN))
def test_every_amount_survives_packing(value: int) -> None:
    assert decompress_amount(compress_amount(value)) == value


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8000"),
        (255, "807f"),
        (256, "8100"),
        (16383, "fe7f"),
        (16384, "ff00"),
        (65535, "82fe7f"),
        (2**32, "8efefeff00"),
    ],
)
def test_known_numbers_are_read(number: int, encoded: str) -> None:
    raw = bytes.fromhex(encoded)
    assert read_core_varint(raw, 0) == (number, len(raw))
    assert core_varint(number) == raw


def test_the_real_undo_file_holds_what_its_block_spent() -> None:
    (coins,) = read_spent_coins(data_path("btc-blocks/mainnet-300025.undo.raw").read_bytes())
    assert (len(coins.value), int(coins.value.sum())) == (1427, 510_593_575_772)


@pytest.mark.parametrize("cut", [1, 7, 8, 20, 48_949])
def test_a_cut_off_undo_file_is_refused_with_its_byte(cut: int) -> None:
    raw = data_path("btc-blocks/mainnet-300025.undo.raw").read_bytes()
    with pytest.raises(BlockFileError) as refused:
        read_spent_coins(raw[:cut])
    assert refused.value.offset == cut


P2PKH = b"\x00" + bytes(range(20))
P2SH = b"\x01" + bytes(range(20))
P2PK = b"\x02" + bytes(range(32))
P2PK_LONG = b"\x05" + bytes(range(32))
P2WPKH = b"\x1c" + b"\x00\x14" + bytes(range(20))
TAPROOT = b"\x28" + b"\x51\x20" + bytes(range(32))
PREVIOUS = bytes(range(32))


@pytest.mark.parametrize("key", [b"", bytes.fromhex("1122334455667788")])
def test_a_rev_file_is_read_with_or_without_key_and_padding(key: bytes) -> None:
    first = undo_record(PREVIOUS, [[(5, P2PKH, 7), (6, P2SH, 0)], [(7, P2PK, 300_000)]])
    second = undo_record(bytes(32), [[(COIN, P2PK_LONG, 1), (9, P2WPKH, 2), (10, TAPROOT, 3)]])
    found = read_spent_coins(xor_with(first + second, key) + bytes(40), key)
    assert [coins.tx_inputs for coins in found] == [(2, 1), (3,)]
    assert [coins.value.tolist() for coins in found] == [[5, 6, 7], [COIN, 9, 10]]
    kinds = [[ScriptKind(kind).label for kind in coins.kind] for coins in found]
    assert kinds == [["p2pkh", "p2sh", "p2pk"], ["p2pk", "p2wpkh", "p2tr"]]
    assert row_texts(found[0].row[:1], Network.MAIN) == ["112D2adLM3UKy4Z4giRbReR6gjWuvHUqB"]
    assert not found[0].row[2].any()
    assert found[0].belongs_behind(PREVIOUS)
    assert not found[0].belongs_behind(bytes(32))


def test_a_changed_byte_of_a_rev_record_breaks_its_checksum() -> None:
    record = undo_record(PREVIOUS, [[(5, P2PKH, 7), (6, P2SH, 9)]])
    for at in range(8, len(record)):
        raw = record[:at] + bytes([record[at] ^ 1]) + record[at + 1 :]
        try:
            (coins,) = read_spent_coins(raw)
        except BlockFileError:
            continue
        assert not coins.belongs_behind(PREVIOUS)


def test_a_cut_off_rev_file_is_refused() -> None:
    record = undo_record(PREVIOUS, [[(5, P2PKH, 7)]])
    for cut in (6, len(record) - 33, len(record) - 1):
        with pytest.raises(BlockFileError, match="cut off"):
            read_spent_coins(record[:cut])
