"""Transfers out of CSV: what a column map can say, what is exact, what is refused with a reason."""

from __future__ import annotations

import pytest

from tests.unit.engine.accounts.replies import TOKEN, account, digest
from tracing.engine.accounts.csvrows import ColumnMap, column_map, parse_csv
from tracing.engine.accounts.rows import Kind, Parsed
from tracing.errors import BlockFileError, ParametersError

CHAIN = "eip155:1"
USDT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
MAP = """
txid = "Txhash"
block = "Blockno"
time = "DateTime (UTC)"
sender = "From"
recipient = "To"
amount = "Value"
token = "Contract"
decimals = "Decimals"
symbol = "Symbol"
status = "Status"
failed = ["Error(0)"]
thousands = ","
"""
HEAD = "Txhash,Blockno,DateTime (UTC),From,To,Value,Contract,Decimals,Symbol,Status"


def row(number: int = 1, **cells: str) -> str:
    told = {
        "txid": digest(number), "block": "17", "time": "2024-03-01 12:00:00", "from": account(1),
        "to": account(2), "value": "1.5", "token": "", "decimals": "", "symbol": "", "status": "",
    } | cells  # fmt: skip
    return ",".join(f'"{cell}"' for cell in told.values())


def read(*rows: str, columns: ColumnMap | None = None, head: str = HEAD) -> Parsed:
    text = "\r\n".join([head, *rows])
    return parse_csv([("rows.csv", text.encode())], columns or column_map(MAP), CHAIN)


def test_amounts_are_exact_in_the_decimals_of_their_asset() -> None:
    found = read(
        row(1), row(2, value="1,234,567.000001", token=USDT),
        row(3, value="7", token=TOKEN, decimals="2", symbol="SEV"),
        row(4, status="error(0)"),
    )  # fmt: skip
    assert not found.refused
    moved = sorted(found.transfers.values(), key=lambda each: each.txid)
    assert [(m.asset[:6], m.amount, m.kind, m.failed) for m in moved] == [
        ("", 15 * 10**17, Kind.NATIVE, False),
        ("erc20:", 1_234_567_000_001, Kind.TOKEN, False),
        ("erc20:", 700, Kind.TOKEN, False),
        ("", 15 * 10**17, Kind.NATIVE, True),
    ]
    (token,) = found.tokens.values()
    assert (token.symbol, token.decimals) == ("SEV", 2)
    (block,) = found.blocks.values()
    assert (block.number, block.time, block.num_tx) == (17, 1_709_294_400, None)


def test_the_same_row_is_the_same_transfer_in_every_file_and_order() -> None:
    rows = [row(1), row(2, value="3"), row(2, value="4"), row(2, value="4")]
    once, again = read(*rows), read(*reversed(rows))
    assert once.transfers.keys() == again.transfers.keys()
    assert len(once.transfers) == 4
    text = "\n".join([HEAD, *rows]).encode()
    both = parse_csv([("a", text), ("b", text)], column_map(MAP), CHAIN)
    assert both.transfers == once.transfers
    assert both.num_accepted == 8


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"txid": "0x12"}, "not 64 hex digits"),
        ({"block": "1.5"}, "the block is no number"),
        ({"time": "yesterday"}, "time cannot be read"),
        ({"from": "0x12"}, "the sender is no address"),
        ({"to": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"}, "an address of another chain"),
        ({"value": "1e5"}, "the amount is no number"),
        ({"value": "-5"}, "the amount is no number"),
        ({"value": "0." + "1" * 19}, "more decimals than the 18"),
        ({"value": "9" * 70}, "larger than 2^256"),
        ({"token": TOKEN}, "nobody says how many decimals"),
        ({"token": TOKEN, "decimals": "78"}, "the decimals are no number"),
        ({"more": "cell"}, "more or fewer cells"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_its_reason(
    cells: dict[str, str], words: str
) -> None:
    found = read(row(2), row(1, **cells))
    (refused,) = found.refused
    assert words in refused.reason
    assert (refused.row, found.num_accepted) == (3, 1)


def test_a_row_without_its_last_cell_is_refused_though_nobody_reads_that_cell() -> None:
    found = read(f"{row(2)},seen", row(1), head=f"{HEAD},Note")
    (refused,) = found.refused
    assert (refused.row, refused.reason) == (3, "it has more or fewer cells than the head")
    assert found.num_accepted == 1


def test_two_transactions_never_share_a_number() -> None:
    numbered = column_map(MAP + 'tx_index = "Index"')
    head = f"{HEAD},Index"
    found = read(f"{row(1)},5", f"{row(2)},5", f"{row(3)},x", columns=numbered, head=head)
    assert [each.reason.partition(" in ")[0] for each in found.refused] == [
        "another transaction has the same number", "the number of the transaction is none: 'x'",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("txid = ", "not TOML"),
        ('txid = "a"', "does not name block, time, sender, recipient, amount"),
        (MAP + 'colour = "red"', "unknown key 'colour'"),
        (MAP + "in_base_units = 3", "in_base_units that cannot be used"),
        (MAP + 'delimiter = ";;"', "one sign"),
    ],
)
def test_a_map_that_cannot_be_used_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(ParametersError, match=words):
        column_map(text)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xfe", "not a text of UTF-8"),
        (b"Txhash,From\n", "it has no column Blockno"),
        (HEAD.encode() + b'\n"never closed', "cannot be read"),
    ],
)
def test_a_damaged_file_is_refused_whole(data: bytes, words: str) -> None:
    with pytest.raises(BlockFileError, match=words):
        parse_csv([("rows.csv", data)], column_map(MAP), CHAIN)


def test_base_units_are_taken_as_they_are() -> None:
    raw = column_map(MAP + "in_base_units = true")
    found = read(row(1, value="123", token=TOKEN), columns=raw)
    assert [each.amount for each in found.transfers.values()] == [123]
