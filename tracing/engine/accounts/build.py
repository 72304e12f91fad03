"""Tables of an account chain to the arrays its ledger reads, by numpy alone.

The same code builds stored ledgers and those held in memory for tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracing.engine.accounts.ledger import (
    NO_ACCOUNT,
    U8,
    U32,
    AccountLedger,
    Arrays,
    asset_facts,
)
from tracing.engine.accounts.rows import (
    AFTER_ALL,
    NO_PARENT,
    BlockRow,
    TokenRow,
    TransferRow,
    TxRow,
)
from tracing.engine.accounts.tron_forms import token_name
from tracing.engine.chains import TRON

Columns: TypeAlias = dict[str, NDArray[Any]]  # columns of several types under their names

UNKNOWN_COUNT: Final = 0xFFFFFFFF
"""The file does not say how many transactions the block has."""


def fixed(values: Sequence[bytes], width: int) -> U8:
    """Byte strings of one width as u8[n, width]."""
    return np.frombuffer(b"".join(values), np.uint8).reshape(-1, width)


def block_columns(blocks: Sequence[BlockRow]) -> Columns:
    """Columns of the block table."""
    return {
        "number": np.array([b.number for b in blocks], np.uint32),
        "hash": fixed([b.hash for b in blocks], 32),
        "parent": fixed([b.parent for b in blocks], 32),
        "time": np.array([b.time for b in blocks], np.uint32),
        "num_tx": np.array(
            [UNKNOWN_COUNT if b.num_tx is None else b.num_tx for b in blocks], np.uint32
        ),
    }


def tx_columns(txs: Sequence[TxRow]) -> Columns:
    """Columns of the transaction table; `created` is zero where no contract was made."""
    return {
        "number": np.array([t.number for t in txs], np.uint32),
        "block": fixed([t.block for t in txs], 32),
        "tx_index": np.array([t.index for t in txs], np.uint32),
        "txid": fixed([t.txid for t in txs], 32),
        "failed": np.array([t.failed for t in txs], np.uint8),
        "created": fixed([t.created or bytes(20) for t in txs], 20),
    }


def transfer_columns(rows: Sequence[TransferRow]) -> tuple[Columns, list[str]]:
    """Columns of the transfer table, and the assets its numbers stand for."""
    assets: dict[str, int] = {}
    numbers = [assets.setdefault(row.asset, len(assets)) for row in rows]
    return {
        "number": np.array([r.number for r in rows], np.uint32),
        "block": fixed([r.block for r in rows], 32),
        "tx_index": np.array([r.tx_index for r in rows], np.uint32),
        "place": np.array([r.place for r in rows], np.uint32),
        "txid": fixed([r.txid for r in rows], 32),
        "asset": np.array(numbers, np.uint32),
        "sender": fixed([r.sender for r in rows], 20),
        "recipient": fixed([r.recipient for r in rows], 20),
        "amount": fixed([r.amount.to_bytes(32, "big") for r in rows], 32),
        "kind": np.array([r.kind for r in rows], np.uint8),
        "failed": np.array([r.failed for r in rows], np.uint8),
    }, list(assets)


def choose_blocks(blocks: Columns) -> list[int]:
    """Positions of the blocks that form the chain, by height.

    From the highest block (the last given of equal ones: nothing but the node's newest word tells
    them apart) back along the parents. Where a block is missing or names no parent, the last given
    of that height goes on; the others are stale.
    """
    by_height: dict[int, list[int]] = {}
    for position, height in enumerate(blocks["number"].tolist()):
        by_height.setdefault(height, []).append(position)
    chosen: list[int] = []
    parent = NO_PARENT
    below = None
    for height in sorted(by_height, reverse=True):
        places = by_height[height]
        named = [p for p in places if blocks["hash"][p].tobytes() == parent]
        pick = named[0] if named and below == height + 1 else places[-1]
        chosen.append(pick)
        parent, below = blocks["parent"][pick].tobytes(), height
    return chosen[::-1]


def build_arrays(blocks: Columns, txs: Columns, transfers: Columns) -> Arrays:
    """Everything the ledger reads, derived from its three tables. Rows of stale blocks stay out.

    Cost: some sorts over the transfers; about 1 s a million.
    """
    chain = choose_blocks(blocks)
    place = {blocks["hash"][p].tobytes(): number for number, p in enumerate(chain)}
    tx_block, row_block = _positions(txs["block"], place), _positions(transfers["block"], place)
    tx_kept, kept = np.flatnonzero(tx_block >= 0), np.flatnonzero(row_block >= 0)
    order = np.lexsort((transfers["place"][kept], transfers["tx_index"][kept], row_block[kept]))
    kept = kept[order]
    row_block = row_block[kept]
    index = transfers["tx_index"][kept]
    # Transactions: the known ones, and those only logs tell of, in chain order.
    keys = np.concatenate(
        [_tx_keys(row_block, index), _tx_keys(tx_block[tx_kept], txs["tx_index"][tx_kept])]
    )
    tx_keys, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    row_tx = inverse[: len(kept)].astype(np.uint32)
    ids = np.concatenate([transfers["txid"][kept], txs["txid"][tx_kept]])
    failed = np.zeros(len(tx_keys), np.uint8)
    failed[inverse[len(kept) :]] = txs["failed"][tx_kept]
    txid = ids[first] if len(first) else np.zeros((0, 32), np.uint8)
    off = np.searchsorted(row_tx, np.arange(len(tx_keys) + 1)).astype(np.uint64)
    # Addresses in the order of their bytes; the zero address is nobody.
    both = np.concatenate([transfers["sender"][kept], transfers["recipient"][kept]])
    void = np.ascontiguousarray(both).view("V20").reshape(-1)
    texts, numbers = np.unique(void, return_inverse=True)
    address = np.frombuffer(texts.tobytes(), np.uint8).reshape(-1, 20)
    numbers = numbers.reshape(-1).astype(np.int64)
    if len(address) and not address[0].any():
        address, numbers = address[1:], numbers - 1
    parties = np.where(numbers < 0, NO_ACCOUNT, numbers).astype(np.uint32)
    sender, recipient = parties[: len(kept)], parties[len(kept) :]
    by_row, by_off = _by_address(sender, recipient, len(address))
    heights = blocks["number"][chain]
    times = blocks["time"][chain]
    seen = np.bincount(tx_block[tx_kept], minlength=len(chain))
    expected = blocks["num_tx"][chain]
    return {
        "row_height": heights[row_block].astype(np.uint32),
        "row_time": times[row_block].astype(np.uint32),
        "row_tx": row_tx,
        "row_asset": transfers["asset"][kept],
        "row_kind": transfers["kind"][kept],
        "row_failed": transfers["failed"][kept],
        "row_sender": sender,
        "row_recipient": recipient,
        "row_amount": transfers["amount"][kept],
        "tx_off": off,
        "tx_failed": failed,
        "txid": txid,
        "tx_of_key": _sorted_rows(txid),
        "address": address,
        "by_row": by_row,
        "by_off": by_off,
        "block_height": heights.astype(np.uint32),
        "block_time": times.astype(np.uint32),
        "block_hash": blocks["hash"][chain],
        "block_whole": (seen == expected).astype(np.uint8),
    }


def memory_ledger(
    blocks: Sequence[BlockRow],
    txs: Sequence[TxRow],
    transfers: Sequence[TransferRow],
    tokens: Iterable[TokenRow] = (),
    *,
    name: str = "ethereum-dev",
    chain: str = "eip155:31337",
) -> AccountLedger:
    """A ledger held in memory, for tests and benches; built like a stored one."""
    columns, assets = transfer_columns(transfers)
    arrays = build_arrays(block_columns(blocks), tx_columns(txs), columns)
    facts = asset_facts(
        chain, assets, {token.asset: token for token in tokens}, creations(txs, assets, chain)
    )
    return AccountLedger(
        arrays, facts, name=name, chain=chain, height=max(b.number for b in blocks),
        tip_hash=arrays["block_hash"][-1].tobytes().hex(), epoch=1,
    )  # fmt: skip


def creations(txs: Iterable[TxRow], assets: Iterable[str], chain: str) -> dict[str, int]:
    """Token -> height of the transaction that made its contract, where the rows show it."""
    wanted = set(assets)
    found: dict[str, int] = {}
    for tx in txs:
        if tx.created is None or tx.failed:
            continue
        name = f"erc20:0x{tx.created.hex()}"
        if chain == TRON[1]:
            name = token_name(tx.created)
        if name in wanted:
            found[name] = min(tx.number, found.get(name, tx.number))
    return found


def _positions(hashes: U8, place: Mapping[bytes, int]) -> NDArray[np.int64]:
    """Number in the chain of each row's block, -1 for a stale one."""
    if not len(hashes):
        return np.zeros(0, np.int64)
    void = np.ascontiguousarray(hashes).view("V32").reshape(-1)
    distinct, inverse = np.unique(void, return_inverse=True)
    found = np.array([place.get(each.tobytes(), -1) for each in distinct], np.int64)
    return found[inverse.reshape(-1)]


def _tx_keys(block: NDArray[np.int64], index: U32) -> NDArray[np.int64]:
    """One number for a transaction's place in the chain; what a block pays itself comes last."""
    last = np.minimum(index.astype(np.int64), AFTER_ALL)
    return (block.astype(np.int64) << 32) + last


def _sorted_rows(rows: U8) -> U32:
    if not len(rows):
        return np.zeros(0, np.uint32)
    return np.argsort(np.ascontiguousarray(rows).view("V32").reshape(-1), kind="stable").astype(
        np.uint32
    )


def _by_address(sender: U32, recipient: U32, num_addresses: int) -> tuple[U32, NDArray[np.uint64]]:
    """Rows of each address, ascending, each once."""
    rows = np.arange(len(sender), dtype=np.uint32)
    other = recipient != sender
    who = np.concatenate([sender, recipient[other]])
    where = np.concatenate([rows, rows[other]])
    known = who != NO_ACCOUNT
    who, where = who[known], where[known]
    order = np.lexsort((where, who))
    off = np.zeros(num_addresses + 1, np.uint64)
    np.cumsum(np.bincount(who, minlength=num_addresses), out=off[1:])
    return where[order], off
