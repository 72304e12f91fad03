"""Replies of a TRON node: TRX, TRC-20 and what moves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.accounts.replies import TRANSFER, file
from tracing.engine.accounts.rows import Kind, Parsed
from tracing.engine.accounts.tron import parse_tron
from tracing.engine.accounts.tron_forms import tron_address

USDT = "41a614f803b6fd780986a42c78ec9c7f77e6ded13c"


def hex41(number: int) -> str:
    return f"41{number:040x}"


def mined(*txs: dict[str, Any], number: int = 7) -> dict[str, Any]:
    raw = {"number": number, "parentHash": "00" * 32, "timestamp": 1_600_000_000_000}
    return {
        "blockID": f"{number:016x}" + "ab" * 24,
        "block_header": {"raw_data": raw}, "transactions": list(txs),
    }  # fmt: skip


def sent(number: int, kind: str, outcome: str = "SUCCESS", **value: object) -> dict[str, Any]:
    contract = {"type": kind, "parameter": {"value": {"owner_address": hex41(1), **value}}}
    return {
        "txID": f"{number:064x}", "ret": [{"contractRet": outcome}],
        "raw_data": {"contract": [contract]},
    }  # fmt: skip


def info(number: int, **more: object) -> dict[str, Any]:
    return {
        "id": f"{number:064x}", "blockNumber": 7, "blockTimeStamp": 1_600_000_000_000, **more,
    }  # fmt: skip


def moved(parsed: Parsed) -> list[tuple[str, Kind, int, bool]]:
    rows = sorted(parsed.transfers.values(), key=lambda row: (row.tx_index, row.place))
    return [(row.asset, row.kind, row.amount, row.failed) for row in rows]


def test_trx_moves_by_its_contract_and_the_fee_apart() -> None:
    tx = sent(1, "TransferContract", to_address=hex41(2), amount=5)
    parsed = parse_tron([file(mined(tx), info(1, fee=3))])
    assert moved(parsed) == [("", Kind.GAS, 3, False), ("", Kind.NATIVE, 5, False)]
    assert not parsed.refused


def test_a_failed_transfer_moves_nothing() -> None:
    tx = sent(1, "TransferContract", "REVERT", to_address=hex41(2), amount=5)
    parsed = parse_tron([file(mined(tx), info(1))])
    assert moved(parsed) == [("", Kind.NATIVE, 5, True)]


def test_a_trc20_transfer_is_told_by_the_log() -> None:
    tx = sent(1, "TriggerSmartContract", contract_address=USDT)
    topics = [TRANSFER[2:], f"{1:064x}", f"{2:064x}"]
    logs = [
        {"address": USDT[2:], "topics": topics, "data": f"{2**255:064x}"},
        {"address": USDT[2:], "topics": [*topics, f"{9:064x}"], "data": ""},
    ]
    parsed = parse_tron([file(mined(tx), info(1, log=logs))])
    name = "trc20:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    assert moved(parsed) == [(name, Kind.TOKEN, 2**255, False)]
    assert [each.reason for each in parsed.refused] == [
        "a TRC-721 transfer (four topics): not money"
    ]


def test_internal_transfers_and_rejected_ones() -> None:
    tx = sent(1, "TriggerSmartContract", contract_address=USDT)
    inner = {"caller_address": USDT, "transferTo_address": hex41(2)}
    internal = [
        {**inner, "callValueInfo": [{"callValue": 4}]},
        {**inner, "callValueInfo": [{"callValue": 6}], "rejected": True},
    ]
    parsed = parse_tron([file(mined(tx), info(1, internal_transactions=internal))])
    assert moved(parsed) == [("", Kind.INTERNAL, 4, False), ("", Kind.INTERNAL, 6, True)]


def test_votes_and_stakes_move_nothing_to_anybody() -> None:
    parsed = parse_tron([file(mined(sent(1, "VoteWitnessContract")))])
    assert not parsed.transfers
    assert parsed.refused[0].reason == "a VoteWitnessContract: moves nothing to anybody"


def test_a_block_id_must_carry_its_number() -> None:
    parsed = parse_tron([file(mined() | {"blockID": "ab" * 32})])
    assert parsed.refused[0].reason == "its id is not one of block 7"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (mined() | {"transactions": 5}, "transactions is no list"),
        (info(1, log=True), "log is no list"),
        (info(1, internal_transactions={"a": 1}), "internal_transactions is no list"),
    ],
)
def test_what_should_be_a_list_and_is_none_is_named(row: dict[str, Any], words: str) -> None:
    parsed = parse_tron([file(row)])
    assert [refused.reason for refused in parsed.refused] == [words]
    assert not parsed.num_accepted


def test_an_address_is_written_with_its_checksum() -> None:
    assert tron_address(bytes.fromhex(USDT[2:])) == "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
