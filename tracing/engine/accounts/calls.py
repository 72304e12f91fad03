"""Calls inside transactions of an Ethereum-like chain, and the internal transfers among them.

Both forms nodes offer: the flat rows of `trace_block`, and the call tracer's trees.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from tracing.engine.accounts.replies import Json, RowError, hexed, number
from tracing.engine.accounts.rows import (
    MAX_AMOUNT,
    NATIVE,
    NOBODY,
    PLACE_INTERNAL,
    Kind,
    Known,
    Parsed,
    Refusal,
    TransferRow,
    TxRow,
)

U32: Final = 0xFFFFFFFE
Place: TypeAlias = tuple[str, int]
"""(file, row number)."""


@dataclass(slots=True)
class Call:
    """A call inside a transaction; `path` is where it stands in the tree of calls."""

    txid: bytes
    path: tuple[int, ...]
    sender: bytes
    recipient: bytes
    amount: int
    moves: bool
    failed: bool
    place: Place


def call_of_trace(row: Json, place: Place) -> Call:
    """One row of `trace_block`. Raises RowError for a block's reward and for what is no call."""
    action = row.get("action")
    path = row.get("traceAddress")
    if not isinstance(action, dict) or not isinstance(path, list):
        raise RowError("a trace without action or place")
    if row.get("type") == "reward":
        raise RowError("a reward of a block: its maker's fees are not followed")
    failed = bool(row.get("error"))
    result = row.get("result") if isinstance(row.get("result"), dict) else {}
    assert isinstance(result, dict)
    if row.get("type") == "suicide":
        sender = action.get("address") or action.get("from")
        recipient = action.get("refundAddress") or action.get("to")
        value = action.get("balance") or action.get("value")
    else:
        sender, value = action.get("from"), action.get("value")
        recipient = action.get("to") or result.get("address")
    moves = row.get("type") in ("create", "suicide") or action.get("callType") == "call"
    return Call(
        txid=hexed(row.get("transactionHash"), "transactionHash", 32),
        path=tuple(number(part, "traceAddress", U32) for part in path),
        sender=hexed(sender, "from", 20),
        recipient=hexed(recipient, "to", 20) if recipient else NOBODY,
        amount=number(value or 0, "value", MAX_AMOUNT),
        moves=moves,
        failed=failed,
        place=place,
    )


def calls_of_tree(
    txid: bytes, call: Json, place: Place, path: tuple[int, ...] = (), *, failed: bool = False
) -> list[Call]:
    """The call tracer's tree, flattened. Raises RowError."""
    here = failed or bool(call.get("error"))
    found = [
        Call(
            txid=txid,
            path=path,
            sender=hexed(call.get("from"), "from", 20),
            recipient=hexed(call.get("to"), "to", 20) if call.get("to") else NOBODY,
            amount=number(call.get("value") or 0, "value", MAX_AMOUNT),
            moves=call.get("type") in ("CALL", "CREATE", "CREATE2", "SELFDESTRUCT"),
            failed=here,
            place=place,
        )
    ]
    for at, inner in enumerate(call.get("calls") or ()):
        if isinstance(inner, dict):
            found += calls_of_tree(txid, inner, place, (*path, at), failed=here)
    return found


def join_calls(parsed: Parsed, found: Iterable[Call], known: Known) -> None:
    """Internal transfers: calls below the first that carried value and were not undone.

    A call said twice, by either form of traces, counts once.
    """
    by_tx: dict[bytes, dict[tuple[int, ...], Call]] = {}
    places: dict[bytes, set[Place]] = {}
    for call in found:
        by_tx.setdefault(call.txid, {}).setdefault(call.path, call)
        places.setdefault(call.txid, set()).add(call.place)
    for txid, by_path in by_tx.items():
        tx = parsed.txs.get(txid) or known.txs.get(txid)
        if tx is None:
            reason = "its transaction is neither in these files nor in the ledger"
            parsed.refused += [Refusal(*place, "trace", reason) for place in sorted(places[txid])]
            continue
        parsed.num_accepted += len(places[txid])
        undone = {call.path for call in by_path.values() if call.failed}
        for transfer in _internal(tx, [by_path[path] for path in sorted(by_path)], undone):
            parsed.transfers[transfer.key] = transfer


def _internal(
    tx: TxRow, calls: Sequence[Call], undone: set[tuple[int, ...]]
) -> Iterable[TransferRow]:
    place = PLACE_INTERNAL
    for call in calls:
        if not call.path or not call.moves or not call.amount:
            continue
        place += 1
        above: Any = (call.path[:depth] for depth in range(len(call.path) + 1))  # prefixes
        failed = tx.failed or any(path in undone for path in above)
        yield TransferRow(
            tx.number, tx.block, tx.index, place, tx.txid, NATIVE,
            call.sender, call.recipient, call.amount, Kind.INTERNAL, failed,
        )  # fmt: skip
