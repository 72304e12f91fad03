"""Replies of an Ethereum-like node: what counts as money, and what is said of the rest."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from tests.unit.engine.accounts.replies import (
    TOKEN,
    account,
    block,
    digest,
    file,
    log,
    receipt,
    tx,
    word,
)
from tracing.engine.accounts.evm import parse_evm
from tracing.engine.accounts.rows import Kind, Parsed
from tracing.errors import BlockFileError

MOST = 2**256 - 1


def reasons(parsed: Parsed) -> list[str]:
    return [each.reason for each in parsed.refused]


def moved(parsed: Parsed) -> list[tuple[Kind, int, bool]]:
    rows = sorted(parsed.transfers.values(), key=lambda row: (row.tx_index, row.place))
    return [(row.kind, row.amount, row.failed) for row in rows]


def test_a_transaction_moves_its_value_and_its_gas_apart() -> None:
    sent = tx(1, 11, 12, 500)
    mined = block(1, sent)
    parsed = parse_evm([file(mined, receipt(sent, gas=21))])
    assert moved(parsed) == [(Kind.GAS, 21, False), (Kind.NATIVE, 500, False)]
    assert (parsed.num_accepted, parsed.refused) == (3, [])


def test_a_failed_transaction_moves_nothing_but_pays_gas() -> None:
    call = "0xa9059cbb" + word(account(13))[2:] + f"{77:064x}"
    sent = tx(1, 11, int(TOKEN, 16), 500, call)
    mined = block(1, sent)
    parsed = parse_evm([file(mined, receipt(sent, status=0, gas=9))])
    assert moved(parsed) == [
        (Kind.GAS, 9, False), (Kind.NATIVE, 500, True), (Kind.TOKEN, 77, True),
    ]  # fmt: skip


def test_without_a_receipt_nothing_is_assumed() -> None:
    parsed = parse_evm([file(block(1, tx(1, 11, 12, 500)))])
    assert not parsed.transfers
    assert reasons(parsed) == ["its receipt is missing: whether it failed is not known"]


def test_amounts_up_to_the_last_of_256_bits_are_exact() -> None:
    sent = tx(1, 11, 12)
    mined = block(1, sent)
    parsed = parse_evm([file(mined, receipt(sent, log(0, 11, 12, MOST)))])
    assert moved(parsed) == [(Kind.TOKEN, MOST, False)]


def test_an_event_with_four_topics_is_no_money() -> None:
    sent = tx(1, 11, 12)
    mined = block(1, sent)
    nft = log(0, 11, 12, 0, digest(7)) | {"data": "0x"}
    parsed = parse_evm([file(mined, receipt(sent, nft))])
    assert not parsed.transfers
    assert reasons(parsed) == ["an ERC-721 transfer (four topics): not money"]


def test_a_log_said_twice_counts_once() -> None:
    sent = tx(1, 11, 12)
    mined = block(1, sent)
    told = receipt(sent, log(0, 11, 12, 5))
    parsed = parse_evm([file(mined, told, *told["logs"])])
    assert moved(parsed) == [(Kind.TOKEN, 5, False)]


def test_internal_transfers_count_where_the_call_was_not_undone() -> None:
    sent = tx(1, 11, 12, 9)
    mined = block(1, sent)

    def call(path: list[int], value: int, sort: str = "call", **more: object) -> object:
        action = {
            "from": account(12), "to": account(13), "value": hex(value), "callType": sort,
        }  # fmt: skip
        return {
            "action": action, "traceAddress": path, "type": "call", "subtraces": 0,
            "transactionHash": sent["hash"], **more,
        }  # fmt: skip

    traces = [
        call([], 9), call([0], 4), call([1], 3, error="Reverted"), call([1, 0], 2),
        call([2], 1, "delegatecall"),
    ]  # fmt: skip
    parsed = parse_evm([file(mined, receipt(sent), *traces)])
    internal = [row for row in moved(parsed) if row[0] is Kind.INTERNAL]
    assert internal == [
        (Kind.INTERNAL, 4, False),
        (Kind.INTERNAL, 3, True),
        (Kind.INTERNAL, 2, True),
    ]


def test_the_call_tracer_says_the_same_in_a_tree() -> None:
    sent = tx(1, 11, 12, 9)
    mined = block(1, sent)
    inner = {"type": "CALL", "from": account(12), "to": account(13), "value": "0x4"}
    tree = {
        "type": "CALL",
        "from": account(11),
        "to": account(12),
        "value": "0x9",
        "calls": [inner],
    }
    parsed = parse_evm([file(mined, receipt(sent), {"txHash": sent["hash"], "result": tree})])
    assert (Kind.INTERNAL, 4, False) in moved(parsed)
    flat = [
        {"action": {"from": account(11), "to": account(12), "value": "0x9", "callType": "call"},
         "traceAddress": [], "type": "call", "transactionHash": sent["hash"]},
        {"action": {"from": account(12), "to": account(13), "value": "0x4", "callType": "call"},
         "traceAddress": [0], "type": "call", "transactionHash": sent["hash"]},
    ]  # fmt: skip
    tree_row = {"txHash": sent["hash"], "result": tree}
    both = parse_evm([file(mined, receipt(sent), tree_row, *flat)])
    assert moved(both) == moved(parsed)
    alone = parse_evm([file(mined, *flat)])
    assert reasons(alone)[1:] == ["its transaction is neither in these files nor in the ledger"] * 2


def test_an_answer_without_result_is_reported_with_the_nodes_words() -> None:
    refused = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "header not found"}}
    parsed = parse_evm([file(block(1), refused, {"jsonrpc": "2.0", "id": 2, "result": None})])
    assert reasons(parsed) == [
        "the node gave no result: header not found", "the node gave no result: null",
    ]  # fmt: skip


def test_a_log_that_names_the_wrong_height_is_reported() -> None:
    sent = tx(1, 11, 12)
    mined = block(1, sent)
    told = receipt(sent, log(0, 11, 12, 5))
    told["logs"][0]["blockNumber"] = "0x2"
    parsed = parse_evm([file(mined, told)])
    assert not parsed.transfers
    assert reasons(parsed) == ["names block 0x2, its hash is that of 1"]


def test_logs_of_a_block_nobody_gave_are_reported() -> None:
    sent = tx(1, 11, 12)
    block(1, sent)
    parsed = parse_evm([file(*receipt(sent, log(0, 11, 12, 5))["logs"])])
    assert reasons(parsed) == ["its block is neither in these files nor in the ledger"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"number": "0x1", "hash": ', "not JSON"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b"\xff\xfe", "UTF-8"),
        (gzip.compress(b'{"a": 1}', mtime=0)[:-4], "damaged"),
    ],
)
def test_a_damaged_file_is_refused_whole(data: bytes, said: str) -> None:
    with pytest.raises(BlockFileError, match=said):
        parse_evm([file(block(1)), ("cut.json", data)])


def test_an_amount_with_a_fraction_is_never_read() -> None:
    sent = tx(1, 11, 12) | {"value": 1.5}
    mined = block(1, sent)
    parsed = parse_evm([file(mined, receipt(sent))])
    assert reasons(parsed) == [f"value is no whole number from 0 to {MOST}"]


def test_rows_of_two_chains_do_not_mix() -> None:
    first, second = tx(1, 11, 12, 1), tx(2, 11, 12, 1)
    mined = block(1, first | {"chainId": "0x1"}, second | {"chainId": "0x2"})
    parsed = parse_evm([file(mined)])
    assert "of chain 2, while others here are of 1" in reasons(parsed)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (block(1) | {"withdrawals": 5}, "withdrawals is no list"),
        (receipt(block(1, tx(1, 1, 2, 5))["transactions"][0]) | {"logs": True}, "logs is no list"),
    ],
)
def test_what_should_be_a_list_and_is_none_is_named(row: dict[str, Any], words: str) -> None:
    assert words in [refused.reason for refused in parse_evm([file(row)]).refused]
