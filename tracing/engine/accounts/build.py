"""Tables of an account chain to the arrays its ledger reads, by numpy alone.

The same code builds stored ledgers and those held in memory for tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tracing.engine.accounts.index import NO_ACCOUNT, NOT_THERE, U8, U32, Level, build_level
from tracing.engine.accounts.ledger import AccountLedger, Arrays, asset_facts
from tracing.engine.accounts.rows import (
    AFTER_ALL,
    NO_PARENT,
    BlockRow,
    TokenRow,
    TransferRow,
    TxRow,
)
from tracing.engine.base58 import base58check_decode
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


@dataclass(frozen=True)
class Start:
    """What stands before the rows to be added: how much, and which addresses are known.

    `find` gives the address ids of payloads, below zero for new ones.
    """

    num_rows: int = 0
    num_tx: int = 0
    num_addresses: int = 0
    find: Callable[[U8], NDArray[np.int64]] | None = None


def build_arrays(
    blocks: Columns, txs: Columns, transfers: Columns, start: Start | None = None
) -> tuple[Arrays, Level]:
    """What the three tables add to a ledger: its arrays from `start` on, and the level over them.

    Without a start it is the whole ledger; rows of stale blocks stay out. Numbers of addresses
    follow their first appearance in the chain, so that they never change when blocks are added.

    Cost: some sorts over the transfers given; about 1 s a million.
    """
    start = start or Start()
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
    sender, recipient, address = _parties(
        transfers["sender"][kept], transfers["recipient"][kept], start
    )
    heights = blocks["number"][chain]
    times = blocks["time"][chain]
    seen = np.bincount(tx_block[tx_kept], minlength=len(chain))
    expected = blocks["num_tx"][chain]
    made = tx_kept[txs["created"][tx_kept].any(axis=1) & (txs["failed"][tx_kept] == 0)]
    arrays = {
        "row_height": heights[row_block].astype(np.uint32),
        "row_time": times[row_block].astype(np.uint32),
        "row_tx": row_tx + np.uint32(start.num_tx),
        "row_asset": transfers["asset"][kept].astype(np.uint32),
        "row_kind": transfers["kind"][kept],
        "row_failed": transfers["failed"][kept],
        "row_sender": sender,
        "row_recipient": recipient,
        "row_amount": transfers["amount"][kept],
        "tx_off": off + np.uint64(start.num_rows),
        "tx_failed": failed,
        "txid": txid,
        "address": address,
        "block_height": heights.astype(np.uint32),
        "block_time": times.astype(np.uint32),
        "block_hash": blocks["hash"][chain],
        "block_whole": (seen == expected).astype(np.uint8),
        "made_height": txs["number"][made].astype(np.uint32),
        "made": txs["created"][made],
    }
    level = build_level(
        start.num_rows, start.num_tx, txid, start.num_addresses, address, sender, recipient
    )
    return arrays, level


def _parties(payer: U8, payee: U8, start: Start) -> tuple[U32, U32, U8]:
    """Address ids of both sides of each row, and the addresses that are new, in their order.

    The zero address is nobody and has no number.
    """
    both = np.stack([payer, payee], axis=1).reshape(-1, 20)  # payer first, row by row
    void = np.ascontiguousarray(both).view("V20").reshape(-1)
    distinct, first, inverse = np.unique(void, return_index=True, return_inverse=True)
    texts = np.frombuffer(distinct.tobytes(), np.uint8).reshape(-1, 20)
    ids = np.full(len(texts), NOT_THERE, np.int64)
    if start.find is not None:
        ids = start.find(texts)
    ids[~texts.any(axis=1)] = NO_ACCOUNT
    new = np.flatnonzero(ids == NOT_THERE)
    new = new[np.argsort(first[new])]
    ids[new] = np.arange(len(new)) + start.num_addresses
    numbers = ids[inverse.reshape(-1)].astype(np.uint32).reshape(-1, 2)
    return numbers[:, 0].copy(), numbers[:, 1].copy(), texts[new]


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
    arrays, level = build_arrays(block_columns(blocks), tx_columns(txs), columns)
    facts = asset_facts(
        chain,
        assets,
        {token.asset: token for token in tokens},
        creations(arrays["made_height"], arrays["made"], assets, chain),
    )
    return AccountLedger(
        arrays, [level], facts, name=name, chain=chain, height=max(b.number for b in blocks),
        tip_hash=arrays["block_hash"][-1].tobytes().hex(), epoch=1,
    )  # fmt: skip


def creations(heights: U32, made: U8, assets: Iterable[str], chain: str) -> dict[str, int]:
    """Token -> height of the transaction that made its contract, where the rows show it.

    Args:
        heights, made: height and address of contracts that transactions made.
    """
    wanted = {payload: name for name in assets if (payload := _contract(name, chain)) is not None}
    found: dict[str, int] = {}
    if not wanted or not len(made):
        return found
    known = np.frombuffer(b"".join(wanted), "V20")
    void = np.ascontiguousarray(made).view("V20").reshape(-1)
    for place in np.flatnonzero(np.isin(void, known)).tolist():
        name, height = wanted[void[place].tobytes()], int(heights[place])
        found[name] = min(height, found.get(name, height))
    return found


def _contract(asset: str, chain: str) -> bytes | None:
    """The 20 bytes of a token's contract, None for what has none."""
    kind, _, text = asset.partition(":")
    if chain == TRON[1]:
        return base58check_decode(text)[1:] if kind == "trc20" else None
    return bytes.fromhex(text[2:]) if kind == "erc20" else None


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
