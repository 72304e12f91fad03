"""Replies of a TRON node's HTTP API, or the same rows flat as exporters write them.

Understood: blocks (`/wallet/getblockbynum`, `getblockbylimitnext`), transaction infos
(`/wallet/gettransactioninfobyblocknum`) with their logs and internal transactions, and flat rows:
transactions, fees and token configurations. TRX moves by a TransferContract or with a contract
call, TRC-20 by the same event as ERC-20, TRC-10 by a TransferAssetContract.

Sources: the TRON protocol's HTTP API and `Tron.proto`; TIP-20 (TRC-20).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tracing.engine.accounts.replies import Json, RowError, hexed, listed, number, objects_of
from tracing.engine.accounts.rows import (
    NATIVE,
    NO_PARENT,
    NOBODY,
    PLACE_GAS,
    PLACE_INTERNAL,
    PLACE_LOG,
    PLACE_NATIVE,
    TRANSFER_TOPIC,
    BlockRow,
    Kind,
    Known,
    Parsed,
    Refusal,
    Stored,
    TokenRow,
    TransferRow,
    TxRow,
    nothing_stored,
)
from tracing.engine.accounts.tron_forms import address, asset_words, base64_bytes, token_name

U32: Final = 0xFFFFFFFE
I64: Final = 2**63 - 1
Place: TypeAlias = tuple[str, int]


@dataclass
class _Gathered:
    """Rows of all files before they are joined."""

    txs: dict[bytes, tuple[Json, Place]] = field(default_factory=dict)
    infos: dict[bytes, tuple[Json, Place]] = field(default_factory=dict)
    fees: dict[bytes, tuple[int, Place]] = field(default_factory=dict)
    flat_tokens: list[tuple[Json, Place]] = field(default_factory=list)


def parse_tron(files: Iterable[tuple[str, bytes]], stored: Stored = nothing_stored) -> Parsed:
    """Everything the files say, every row accepted or refused with its reason.

    Args:
        files: (name, content).
        stored: gives what the ledger holds.

    Raises BlockFileError: a file is cut off or damaged; then nothing of any file counts.
    """
    parsed = Parsed()
    rows = _Gathered()
    for source, data in files:
        for at, row in objects_of(data, source):
            try:
                parsed.num_accepted += _take(parsed, rows, row, (source, at))
            except RowError as error:
                what = _name_of(row)
                parsed.refused.append(Refusal(source, at, what, str(error)))
    known = stored(parsed)
    blocks = {block.number: block for block in known.blocks.values()}
    blocks |= {block.number: block for block in parsed.blocks.values()}
    for txid, (row, place) in rows.txs.items():
        _join(parsed, rows, txid, row, place)
    for txid, (info, place) in rows.infos.items():
        _join_info(parsed, txid, info, place, known)
    for txid, (_fee, place) in rows.fees.items():
        if txid in parsed.txs or txid in known.txs:
            parsed.num_accepted += 1
        else:
            reason = "its transaction is neither in these files nor in the ledger"
            parsed.refused.append(Refusal(*place, "fee", reason))
    for row, place in rows.flat_tokens:
        _join_flat_token(parsed, row, place, blocks)
    return parsed


def _name_of(row: object) -> str:
    if not isinstance(row, dict):
        return "row"
    for name, key in (
        ("block", "blockID"), ("error", "Error"), ("transaction", "raw_data"),
        ("transaction", "blockHash"), ("fee", "netFee"), ("token", "standard"),
        ("info", "blockTimeStamp"), ("history", "token_info"),
    ):  # fmt: skip
        if key in row:
            return name
    return "row"


def _take(parsed: Parsed, rows: _Gathered, row: object, place: Place) -> int:
    """Sort one row; returns 1 where it counts by itself, 0 where joining decides."""
    if not isinstance(row, dict):
        raise RowError("no reply of a node: an object was expected")
    if "Error" in row:
        raise RowError(f"the node gave no result: {row['Error']}")
    if "blockID" in row:
        return _take_block(parsed, rows, row, place)
    if "block" in row and isinstance(row["block"], list):
        return sum(_take_block(parsed, rows, each, place) for each in row["block"])
    if "blockTimeStamp" in row and "id" in row:
        for name in ("log", "internal_transactions"):
            listed(row.get(name), name)
        rows.infos[hexed(row["id"], "id", 32)] = (row, place)
        return 0
    if "standard" in row and "tokenAddress" in row:
        token = token_name(address(row["tokenAddress"], "tokenAddress"))
        decimals = number(row.get("decimals"), "decimals", 77)
        symbol = str(row.get("currencyTicker") or row.get("symbol") or "")[:20]
        parsed.tokens[token] = TokenRow(token, symbol, decimals)
        return 1
    if "tokenAddress" in row and "logIndex" in row:
        rows.flat_tokens.append((row, place))
        return 0
    if "netFee" in row and "txHash" in row:
        rows.fees[base64_bytes(row["txHash"], "txHash", 32)] = (
            number(row.get("fee"), "fee", I64), place,
        )  # fmt: skip
        return 0
    if "fromAddress" in row and "blockHash" in row:
        return _take_flat(parsed, rows, row, place)
    if "token_info" in row or ("data" in row and "meta" in row):
        raise RowError("a history without block numbers; load the transaction infos of the blocks")
    raise RowError("no block, transaction, fee, transaction info or token")


def _take_block(parsed: Parsed, rows: _Gathered, row: object, place: Place) -> int:
    if not isinstance(row, dict):
        raise RowError("a block is no object")
    header = row.get("block_header")
    raw = header.get("raw_data") if isinstance(header, dict) else None
    if not isinstance(raw, dict):
        raise RowError("a block without header")
    own = listed(row.get("transactions"), "transactions")
    block = BlockRow(
        number=number(raw.get("number", 0), "number", U32),
        hash=hexed(row.get("blockID"), "blockID", 32),
        parent=hexed(raw.get("parentHash"), "parentHash", 32),
        time=number(raw.get("timestamp", 0), "timestamp", I64) // 1000,
        num_tx=len(own),
    )
    if int.from_bytes(block.hash[:8], "big") != block.number:
        raise RowError(f"its id is not one of block {block.number}")
    parsed.blocks[block.hash] = block
    for at, tx in enumerate(own):
        try:
            if not isinstance(tx, dict):
                raise RowError("a transaction is no object")
            rows.txs[hexed(tx.get("txID"), "txID", 32)] = (
                {**tx, "block": block, "index": at}, place,
            )  # fmt: skip
        except RowError as error:
            parsed.refused.append(Refusal(*place, "transaction", str(error)))
    return 1


def _take_flat(parsed: Parsed, rows: _Gathered, row: Json, place: Place) -> int:
    block = BlockRow(
        number=number(row.get("blockId"), "blockId", U32),
        hash=base64_bytes(row.get("blockHash"), "blockHash", 32),
        parent=NO_PARENT,
        time=number(row.get("blockTimestamp"), "blockTimestamp", U32),
        num_tx=None,
    )
    if int.from_bytes(block.hash[:8], "big") != block.number:
        raise RowError(f"its block hash is not one of block {block.number}")
    parsed.blocks.setdefault(block.hash, block)
    txid = base64_bytes(row.get("txHash"), "txHash", 32)
    rows.txs[txid] = ({**row, "block": block}, place)
    return 0


def _join(parsed: Parsed, rows: _Gathered, txid: bytes, row: Json, place: Place) -> None:
    try:
        if "raw_data" in row:
            tx, moved, note = _of_node(rows, txid, row)
        else:
            tx, moved, note = _of_flat(rows, txid, row)
    except RowError as error:
        parsed.refused.append(Refusal(*place, "transaction", str(error)))
        return
    parsed.txs[txid] = tx
    for transfer in moved:
        parsed.transfers[transfer.key] = transfer
    if note:
        parsed.refused.append(Refusal(*place, "transaction", note))
    else:
        parsed.num_accepted += 1


_Joined: TypeAlias = tuple[TxRow, list[TransferRow], str]


def _of_flat(rows: _Gathered, txid: bytes, row: Json) -> _Joined:
    block: BlockRow = row["block"]
    tx = TxRow(
        block.number,
        block.hash,
        number(row.get("transactionIndex"), "transactionIndex", U32),
        txid,
        failed=number(row.get("receiptStatus"), "receiptStatus", 1) == 0,
    )
    sender = address(row.get("fromAddress"), "fromAddress")
    value = number(row.get("value"), "value", I64)
    fee = rows.fees[txid][0] if txid in rows.fees else 0
    moved = _gas(tx, sender, fee)
    if not row.get("toAddress"):
        return tx, moved, "names no recipient (a vote, a stake, an issue): moves nothing to anybody"
    if value:
        to = address(row["toAddress"], "toAddress")
        moved.append(_moved(tx, PLACE_NATIVE, NATIVE, sender, to, value, Kind.NATIVE))
    return tx, moved, ""


def _of_node(rows: _Gathered, txid: bytes, row: Json) -> _Joined:
    block: BlockRow = row["block"]
    contracts = row["raw_data"].get("contract") if isinstance(row["raw_data"], dict) else None
    if not isinstance(contracts, list) or not contracts or not isinstance(contracts[0], dict):
        raise RowError("a transaction without contract")
    outcome = row.get("ret")
    said = outcome[0].get("contractRet") if isinstance(outcome, list) and outcome else None
    info = rows.infos.get(txid, ({}, place_of_nothing))[0]
    if said is None and not info:
        raise RowError("whether it failed is not known: neither a result nor its info is here")
    failed = said not in (None, "SUCCESS") or info.get("result") == "FAILED"
    tx = TxRow(block.number, block.hash, row["index"], txid, failed)
    kind = contracts[0].get("type")
    parameter = contracts[0].get("parameter")
    value = parameter.get("value") if isinstance(parameter, dict) else None
    if not isinstance(value, dict):
        raise RowError("a contract without parameters")
    sender = address(value.get("owner_address"), "owner_address")
    fee = number(info.get("fee") or 0, "fee", I64)
    moved = _gas(tx, sender, fee)
    if kind == "TransferContract":
        to, amount = value.get("to_address"), value.get("amount")
        asset = NATIVE
    elif kind == "TransferAssetContract":
        to, amount = value.get("to_address"), value.get("amount")
        asset = f"trc10:{asset_words(value.get('asset_name'))}"
    elif kind == "TriggerSmartContract":
        to, amount = value.get("contract_address"), value.get("call_value") or 0
        asset = NATIVE
    else:
        return tx, moved, f"a {str(kind)[:40]}: moves nothing to anybody"
    units = number(amount, "amount", I64)
    if units:
        payee = address(to, "to_address")
        sort = Kind.NATIVE if asset == NATIVE else Kind.TOKEN
        moved.append(_moved(tx, PLACE_NATIVE, asset, sender, payee, units, sort))
    if kind == "TriggerSmartContract" and not info:
        return tx, moved, "a contract call without its info: what tokens it moved is not known"
    return tx, moved, ""


place_of_nothing: Final[Place] = ("", 0)


def _join_info(parsed: Parsed, txid: bytes, info: Json, place: Place, known: Known) -> None:
    """Logs and internal transactions of one transaction info."""
    tx = parsed.txs.get(txid) or known.txs.get(txid)
    if tx is None:
        reason = "its transaction is neither in these files nor in the ledger"
        parsed.refused.append(Refusal(*place, "info", reason))
        return
    parsed.num_accepted += 1
    for at, log in enumerate(info.get("log") or ()):
        try:
            transfer = _of_log(tx, at, log)
        except RowError as error:
            parsed.refused.append(Refusal(*place, "log", str(error)))
        else:
            parsed.num_accepted += 1
            parsed.transfers[transfer.key] = transfer
    spot = PLACE_INTERNAL
    for inner in info.get("internal_transactions") or ():
        try:
            for asset, amount in _values(inner):
                spot += 1
                transfer = _moved(
                    tx, spot, asset,
                    address(inner.get("caller_address"), "caller_address"),
                    address(inner.get("transferTo_address"), "transferTo_address"),
                    amount, Kind.INTERNAL if asset == NATIVE else Kind.TOKEN,
                    failed=tx.failed or bool(inner.get("rejected")),
                )  # fmt: skip
                parsed.transfers[transfer.key] = transfer
        except RowError as error:
            parsed.refused.append(Refusal(*place, "internal", str(error)))


def _of_log(tx: TxRow, at: int, log: object) -> TransferRow:
    topics = log.get("topics") if isinstance(log, dict) else None
    if not isinstance(log, dict) or not isinstance(topics, list):
        raise RowError("a log without topics")
    if not topics or str(topics[0]).removeprefix("0x").lower() != TRANSFER_TOPIC:
        raise RowError("an event of another kind")
    if len(topics) == 4:
        raise RowError("a TRC-721 transfer (four topics): not money")
    if len(topics) != 3:
        raise RowError(f"a Transfer event with {len(topics)} topics, not three")
    amount = int.from_bytes(hexed(log.get("data"), "data", 32), "big")
    token = token_name(address(log.get("address"), "address"))
    payer, payee = (hexed(topic, "topic", 32)[12:] for topic in topics[1:])
    return _moved(tx, PLACE_LOG + at, token, payer, payee, amount, Kind.TOKEN)


def _join_flat_token(
    parsed: Parsed, row: Json, place: Place, blocks: Mapping[int, BlockRow]
) -> None:
    try:
        block = blocks.get(number(row.get("blockId"), "blockId", U32))
        if block is None:
            raise RowError("its block is neither in these files nor in the ledger")
        tx = TxRow(
            block.number,
            block.hash,
            number(row.get("transactionIndex"), "transactionIndex", U32),
            base64_bytes(row.get("txHash"), "txHash", 32),
            failed=False,
        )
        transfer = _moved(
            tx,
            PLACE_LOG + number(row.get("logIndex"), "logIndex", PLACE_INTERNAL - PLACE_LOG - 1),
            token_name(address(row.get("tokenAddress"), "tokenAddress")),
            address(row.get("fromAddress") or row.get("from"), "fromAddress"),
            address(row.get("toAddress") or row.get("to"), "toAddress"),
            number(row.get("value"), "value", 2**256 - 1),
            Kind.TOKEN,
        )
    except RowError as error:
        parsed.refused.append(Refusal(*place, "token transfer", str(error)))
        return
    parsed.num_accepted += 1
    parsed.transfers[transfer.key] = transfer


def _values(inner: object) -> list[tuple[str, int]]:
    if not isinstance(inner, dict):
        raise RowError("an internal transaction is no object")
    found = []
    for each in listed(inner.get("callValueInfo"), "callValueInfo"):
        if isinstance(each, dict) and each.get("callValue"):
            token = each.get("tokenId")
            asset = f"trc10:{token}" if token else NATIVE
            found.append((asset, number(each["callValue"], "callValue", I64)))
    return found


def _gas(tx: TxRow, sender: bytes, fee: int) -> list[TransferRow]:
    return [_moved(tx, PLACE_GAS, NATIVE, sender, NOBODY, fee, Kind.GAS, failed=False)] * bool(fee)


def _moved(
    tx: TxRow,
    place: int,
    asset: str,
    sender: bytes,
    recipient: bytes,
    amount: int,
    kind: Kind,
    failed: bool | None = None,
) -> TransferRow:
    outcome = tx.failed if failed is None else failed
    return TransferRow(
        tx.number, tx.block, tx.index, place, tx.txid, asset, sender, recipient, amount, kind,
        outcome,
    )  # fmt: skip
