"""Replies of an Ethereum-like node (JSON-RPC), or the same rows flat as exporters write them.

Understood: blocks with whole transactions (`eth_getBlockByNumber`), receipts, logs (`eth_getLogs`),
traces (`trace_block`, or `debug_traceBlock...` with the call tracer), and flat rows with a `type`
(block, transaction, log, trace, token; `token_transfer` repeats logs). All files of one load speak
together: a transaction counts once its outcome is known.

Sources: execution-apis (JSON-RPC), EIP-20, EIP-721 (same event, four topics), EIP-1559 and EIP-4844
(fees), EIP-4895 (withdrawals, in gwei), the trace module of OpenEthereum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tracing.engine.accounts.calls import (
    U32,
    Call,
    Place,
    call_of_trace,
    calls_of_tree,
    join_calls,
)
from tracing.engine.accounts.replies import Json, RowError, hexed, listed, number, objects_of
from tracing.engine.accounts.rows import (
    AFTER_ALL,
    MAX_AMOUNT,
    NATIVE,
    NOBODY,
    PLACE_GAS,
    PLACE_INTERNAL,
    PLACE_LOG,
    PLACE_NATIVE,
    TRANSFER_TOPIC,
    BlockRow,
    Kind,
    Parsed,
    Refusal,
    Stored,
    TokenRow,
    TransferRow,
    TxRow,
    nothing_stored,
)

GWEI: Final = 10**9
U64: Final = 2**64 - 1
_TRANSFER: Final = "a9059cbb"
_TRANSFER_FROM: Final = "23b872dd"
"""First four bytes of the calls that move tokens, to show what a failed one meant to move."""

_FLAT: Final = frozenset(
    ("block", "transaction", "log", "trace", "token", "token_transfer", "contract")
)


@dataclass
class _Gathered:
    """Rows of all files before they are joined."""

    txs: dict[bytes, tuple[Json, Place]] = field(default_factory=dict)
    receipts: dict[bytes, tuple[Json, Place]] = field(default_factory=dict)
    logs: dict[tuple[bytes, int], tuple[Json, Place]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)


def parse_evm(files: Iterable[tuple[str, bytes]], stored: Stored = nothing_stored) -> Parsed:
    """Everything the files say, every row accepted or refused with its reason.

    Args:
        files: (name, content).
        stored: gives what the ledger holds, so that logs or traces may come later than what they
            belong to.

    Raises BlockFileError: a file is cut off or damaged; then nothing of any file counts.
    """
    parsed = Parsed()
    rows = _Gathered()
    for source, data in files:
        for at, row in objects_of(data, source):
            try:
                what = _take(parsed, rows, row, (source, at))
            except RowError as error:
                parsed.refused.append(Refusal(source, at, _name_of(row), str(error)))
            else:
                parsed.num_accepted += what
    known = stored(parsed)
    blocks = {**known.blocks, **parsed.blocks}
    _join_transactions(parsed, rows, blocks)
    _join_logs(parsed, rows, blocks)
    join_calls(parsed, rows.calls, known)
    return parsed


def _name_of(row: object) -> str:
    if not isinstance(row, dict):
        return "row"
    if "error" in row and "jsonrpc" in row:
        return "error"
    for name, keys in (
        ("log", ("topics", "data")),
        ("receipt", ("transactionHash", "cumulativeGasUsed")),
        ("block", ("parentHash",)),
        ("transaction", ("hash", "nonce")),
        ("trace", ("traceAddress",)),
    ):
        if all(key in row for key in keys):
            return name
    return str(row.get("type") or "row")[:40]


def _take(parsed: Parsed, rows: _Gathered, row: object, place: Place) -> int:
    """Sort one row; returns 1 where it counts by itself, 0 where joining decides."""
    if not isinstance(row, dict):
        raise RowError("no reply of a node: an object was expected")
    if "jsonrpc" in row:
        said = row.get("error")
        words = said.get("message") if isinstance(said, dict) else None
        raise RowError(f"the node gave no result: {words or 'null'}")
    kind = row.get("type")
    if kind in _FLAT:
        return _take_flat(parsed, rows, row, str(kind), place)
    if "topics" in row and "data" in row:
        return _keep_log(rows, row, place)
    if "transactionHash" in row and "cumulativeGasUsed" in row:
        return _keep_receipt(rows, row, place)
    if "parentHash" in row and "number" in row:
        return _take_block(parsed, rows, row, place)
    if "traceAddress" in row:
        rows.calls.append(call_of_trace(row, place))
        return 0
    if "txHash" in row and isinstance(row.get("result"), dict):
        txid = hexed(row["txHash"], "txHash", 32)
        rows.calls += calls_of_tree(txid, row["result"], place)
        return 0
    if "hash" in row and "blockHash" in row and "nonce" in row:
        return _keep_tx(parsed, rows, row, place)
    raise RowError("no block, transaction, receipt, log or trace")


def _take_flat(parsed: Parsed, rows: _Gathered, row: Json, kind: str, place: Place) -> int:
    """A row as exporters write it, turned into the node's own names."""
    if kind == "block":
        return _take_block(parsed, rows, {
            "number": row.get("number"), "hash": row.get("hash"),
            "parentHash": row.get("parent_hash"), "timestamp": row.get("timestamp"),
            "transactions": row.get("transaction_count"), "withdrawals": row.get("withdrawals"),
        }, place)  # fmt: skip
    if kind == "transaction":
        _keep_tx(parsed, rows, {
            "hash": row.get("hash"), "blockHash": row.get("block_hash"),
            "blockNumber": row.get("block_number"),
            "transactionIndex": row.get("transaction_index"), "from": row.get("from_address"),
            "to": row.get("to_address"), "value": row.get("value"), "input": row.get("input"),
        }, place)  # fmt: skip
        if row.get("receipt_status") is not None:
            _keep_receipt(rows, {
                "transactionHash": row.get("hash"), "status": row.get("receipt_status"),
                "gasUsed": row.get("receipt_gas_used"),
                "effectiveGasPrice": row.get("receipt_effective_gas_price") or row.get("gas_price"),
                "contractAddress": row.get("receipt_contract_address"),
                "l1Fee": row.get("receipt_l1_fee"),
            }, place)  # fmt: skip
        return 0
    if kind == "log":
        return _keep_log(rows, {
            "address": row.get("address"), "topics": row.get("topics"), "data": row.get("data"),
            "blockHash": row.get("block_hash"), "blockNumber": row.get("block_number"),
            "transactionHash": row.get("transaction_hash"), "logIndex": row.get("log_index"),
            "transactionIndex": row.get("transaction_index"),
        }, place)  # fmt: skip
    if kind == "trace":
        path = row.get("trace_address")
        if isinstance(path, str):
            path = [int(part) for part in path.split(",") if part.isdigit()]
        sort = "suicide" if row.get("trace_type") == "suicide" else row.get("trace_type")
        trace = {
            "action": {
                "from": row.get("from_address"), "to": row.get("to_address"),
                "value": row.get("value"), "callType": row.get("call_type"),
            },
            "traceAddress": path or [], "type": sort, "blockHash": row.get("block_hash"),
            "transactionHash": row.get("transaction_hash"),
            "error": None if row.get("status") in (1, None) else row.get("error") or "failed",
        }  # fmt: skip
        rows.calls.append(call_of_trace(trace, place))
        return 0
    if kind == "token":
        token = hexed(row.get("address"), "address", 20)
        decimals = number(row.get("decimals"), "decimals", 77)
        asset = f"erc20:0x{token.hex()}"
        parsed.tokens[asset] = TokenRow(asset, str(row.get("symbol") or "")[:20], decimals)
        return 1
    if kind == "token_transfer":
        raise RowError("repeats a log without saying how many topics it has; load the logs")
    raise RowError("no block, transaction, log, trace or token")


def _take_block(parsed: Parsed, rows: _Gathered, row: Json, place: Place) -> int:
    given = row.get("transactions")
    count = len(given) if isinstance(given, list) else None
    if isinstance(given, int) and not isinstance(given, bool):
        count = given
    if row.get("hash") is None:
        raise RowError("a block without a hash is not in the chain yet")
    block = BlockRow(
        number=number(row.get("number"), "number", U32),
        hash=hexed(row.get("hash"), "hash", 32),
        parent=hexed(row.get("parentHash"), "parentHash", 32),
        time=number(row.get("timestamp"), "timestamp", U32),
        num_tx=count,
    )
    before = parsed.blocks.get(block.hash)
    if before is not None and (before.number, before.parent) != (block.number, block.parent):
        raise RowError(f"contradicts the block 0x{block.hash.hex()} given before")
    paid = [_withdrawal(block, each) for each in listed(row.get("withdrawals"), "withdrawals")]
    parsed.blocks[block.hash] = block
    for transfer in paid:
        parsed.transfers[transfer.key] = transfer
    for tx in given if isinstance(given, list) else ():
        if isinstance(tx, dict):
            try:
                _keep_tx(parsed, rows, tx, place)
            except RowError as error:
                parsed.refused.append(Refusal(*place, "transaction", str(error)))
    return 1


def _withdrawal(block: BlockRow, row: object) -> TransferRow:
    if not isinstance(row, dict):
        raise RowError("a withdrawal is no object")
    return TransferRow(
        number=block.number,
        block=block.hash,
        tx_index=AFTER_ALL,
        place=number(row.get("index"), "withdrawal index", U64) & 0x7FFFFFFF,
        txid=block.hash,
        asset=NATIVE,
        sender=NOBODY,
        recipient=hexed(row.get("address"), "withdrawal address", 20),
        amount=number(row.get("amount"), "withdrawal amount", U64) * GWEI,
        kind=Kind.REWARD,
    )


def _keep_tx(parsed: Parsed, rows: _Gathered, row: Json, place: Place) -> int:
    if row.get("blockHash") is None:
        raise RowError("a transaction without a block waits still; it moved nothing yet")
    if row.get("chainId") is not None:
        chain = number(row["chainId"], "chainId", U64)
        if parsed.chain_id not in (None, chain):
            raise RowError(f"of chain {chain}, while others here are of {parsed.chain_id}")
        parsed.chain_id = chain
    rows.txs[hexed(row.get("hash"), "hash", 32)] = (row, place)
    return 0


def _keep_receipt(rows: _Gathered, row: Json, place: Place) -> int:
    if row.get("status") is None:
        raise RowError("a receipt without status (before 2017) does not say whether it failed")
    logs = listed(row.get("logs"), "logs")
    rows.receipts[hexed(row.get("transactionHash"), "transactionHash", 32)] = (row, place)
    for log in logs:
        if isinstance(log, dict):
            _keep_log(rows, log, place)
    return 1


def _keep_log(rows: _Gathered, row: Json, place: Place) -> int:
    if row.get("removed") is True:
        raise RowError("removed by a reorganisation")
    key = (
        hexed(row.get("blockHash"), "blockHash", 32),
        number(row.get("logIndex"), "logIndex", PLACE_INTERNAL - PLACE_LOG - 1),
    )
    if key not in rows.logs:
        rows.logs[key] = (row, place)
        return 0
    return 1  # a receipt and eth_getLogs both say it


def _join_transactions(parsed: Parsed, rows: _Gathered, blocks: Mapping[bytes, BlockRow]) -> None:
    for txid, (row, place) in rows.txs.items():
        try:
            moved = _transaction(parsed, txid, row, rows.receipts.get(txid), blocks)
        except RowError as error:
            parsed.refused.append(Refusal(*place, "transaction", str(error)))
            continue
        parsed.num_accepted += 1
        for transfer in moved:
            parsed.transfers[transfer.key] = transfer


def _transaction(
    parsed: Parsed,
    txid: bytes,
    row: Json,
    receipt: tuple[Json, Place] | None,
    blocks: Mapping[bytes, BlockRow],
) -> list[TransferRow]:
    """The transaction's own value and its gas; a failed one is kept as failed, and pays gas."""
    block = _block_of(row, blocks)
    if receipt is None:
        raise RowError("its receipt is missing: whether it failed is not known")
    told = receipt[0]
    index = number(row.get("transactionIndex"), "transactionIndex", U32)
    failed = number(told.get("status"), "status", 1) == 0
    sender = hexed(row.get("from"), "from", 20)
    made = told.get("contractAddress")
    created = hexed(made, "contractAddress", 20) if made else None
    recipient = hexed(row["to"], "to", 20) if row.get("to") else created or NOBODY
    value = number(row.get("value"), "value", MAX_AMOUNT)
    fee = number(told.get("gasUsed"), "gasUsed", U64) * number(
        told.get("effectiveGasPrice") or row.get("gasPrice"), "effectiveGasPrice", MAX_AMOUNT
    )
    fee += number(told.get("blobGasUsed") or 0, "blobGasUsed", U64) * number(
        told.get("blobGasPrice") or 0, "blobGasPrice", MAX_AMOUNT
    )
    fee += number(told.get("l1Fee") or 0, "l1Fee", MAX_AMOUNT)
    base = (block.number, block.hash, index)
    moved = []
    if fee:
        moved.append(TransferRow(*base, PLACE_GAS, txid, NATIVE, sender, NOBODY, fee, Kind.GAS))
    if value:
        moved.append(
            TransferRow(
                *base, PLACE_NATIVE, txid, NATIVE, sender, recipient, value, Kind.NATIVE, failed
            )
        )
    if failed:
        moved += _meant(base, txid, sender, recipient, row.get("input"))
    parsed.txs[txid] = TxRow(block.number, block.hash, index, txid, failed, created)
    return moved


def _meant(
    base: tuple[int, bytes, int], txid: bytes, sender: bytes, token: bytes, call: object
) -> list[TransferRow]:
    """The token transfer that a failed call meant to make, so that the history shows it."""
    text = call.removeprefix("0x").lower() if isinstance(call, str) else ""
    words = [text[at : at + 64] for at in range(8, len(text), 64)]
    if text[:8] == _TRANSFER and len(words) >= 2:
        payer, to, amount = sender, words[0], words[1]
    elif text[:8] == _TRANSFER_FROM and len(words) >= 3:
        payer, to, amount = bytes.fromhex(words[0][24:]), words[1], words[2]
    else:
        return []
    if len(amount) != 64:
        return []
    payee = bytes.fromhex(to[24:])
    asset = f"erc20:0x{token.hex()}"
    return [
        TransferRow(
            *base, PLACE_LOG, txid, asset, payer, payee, int(amount, 16), Kind.TOKEN, failed=True
        )
    ]


def _block_of(row: Json, blocks: Mapping[bytes, BlockRow]) -> BlockRow:
    block = blocks.get(hexed(row.get("blockHash"), "blockHash", 32))
    if block is None:
        raise RowError("its block is neither in these files nor in the ledger")
    if number(row.get("blockNumber"), "blockNumber", U32) != block.number:
        raise RowError(f"names block {row.get('blockNumber')}, its hash is that of {block.number}")
    return block


def _join_logs(parsed: Parsed, rows: _Gathered, blocks: Mapping[bytes, BlockRow]) -> None:
    for row, place in rows.logs.values():
        try:
            transfer = transfer_of_log(row, blocks)
        except RowError as error:
            parsed.refused.append(Refusal(*place, "log", str(error)))
            continue
        parsed.num_accepted += 1
        parsed.transfers[transfer.key] = transfer


def transfer_of_log(row: Json, blocks: Mapping[bytes, BlockRow]) -> TransferRow:
    """The ERC-20 transfer an event tells of. Raises RowError where it tells of something else."""
    topics = row.get("topics")
    if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
        raise RowError("its topics are no list of texts")
    if not topics or topics[0].removeprefix("0x").lower() != TRANSFER_TOPIC:
        raise RowError("an event of another kind")
    if len(topics) == 4:
        raise RowError("an ERC-721 transfer (four topics): not money")
    if len(topics) != 3:
        raise RowError(f"a Transfer event with {len(topics)} topics, not three")
    data = hexed(row.get("data"), "data", 32)
    token = hexed(row.get("address"), "address", 20)
    block = _block_of(row, blocks)
    return TransferRow(
        number=block.number,
        block=block.hash,
        tx_index=number(row.get("transactionIndex"), "transactionIndex", U32),
        place=PLACE_LOG + number(row.get("logIndex"), "logIndex", PLACE_INTERNAL - PLACE_LOG - 1),
        txid=hexed(row.get("transactionHash"), "transactionHash", 32),
        asset=f"erc20:0x{token.hex()}",
        sender=hexed(topics[1], "sender", 32)[12:],
        recipient=hexed(topics[2], "recipient", 32)[12:],
        amount=int.from_bytes(data, "big"),
        kind=Kind.TOKEN,
    )
