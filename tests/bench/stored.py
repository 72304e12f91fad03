"""A generated ledger as a stored one: the same coins as Parquet batches, loaded in parts."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from tests.bench.generator import PER_BLOCK
from tracing.engine.addresses import ScriptKind
from tracing.engine.columns import BlockColumns, select_blocks
from tracing.engine.ledger import UNKNOWN_OUTPUT, MemoryLedger
from tracing.engine.scripts import ROW
from tracing.ledgers import names
from tracing.ledgers.batches import no_coins
from tracing.ledgers.store import store_blocks

LEDGER = "bitcoin-regtest"
EASY = 0x207FFFFF


def store_generated(ledger: MemoryLedger, home: Path, parts: int = 1) -> None:
    """Write it under FIU_HOME, in so many batches. Cost: that of loading without parsing."""
    columns = columns_of(ledger)
    for part in np.array_split(np.arange(columns.num_blocks), parts):
        chosen = select_blocks(columns, part)
        store_blocks(home, LEDGER, [chosen], lambda _new, _old: no_coins(), lambda *_: None)


def columns_of(ledger: MemoryLedger) -> BlockColumns:
    """The ledger as blocks that connect from regtest's first one.

    The generator mines wherever it runs out of coins; within a block that is a transaction with an
    input that nobody knows.
    """
    txid = np.frombuffer(bytes.fromhex("".join(map(ledger.txid, range(ledger.num_tx)))), np.uint8)
    txid = np.ascontiguousarray(txid.reshape(-1, 32)[:, ::-1])
    num_blocks = -(-ledger.num_tx // PER_BLOCK)
    hashes = [names.first_block(LEDGER)]
    for number in range(num_blocks):
        hashes.append(hashlib.sha256(b"block %d" % number).digest())
    chain = np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32)
    known = ledger.in_out != UNKNOWN_OUTPUT
    coin = ledger.in_out[known]
    prev_tx = ledger.out_tx[coin]
    in_prev = np.zeros((ledger.num_inputs, 32), np.uint8)
    in_prev[known] = txid[prev_tx]
    in_vout = np.full(ledger.num_inputs, 0xFFFFFFFF, np.uint32)
    in_vout[known] = coin - ledger.out_off[prev_tx].astype(np.uint32)
    out_row = np.zeros((ledger.num_outputs, ROW), np.uint8)
    out_row[:, 0], out_row[:, 2] = ScriptKind.P2WPKH, 20
    payload = np.ascontiguousarray(ledger.out_address.astype(">u4")).view(np.uint8).reshape(-1, 4)
    # At both ends: keys of addresses are made of the first bytes, and differ as on a real chain.
    out_row[:, 4:8] = out_row[:, 20:24] = payload
    heights = np.arange(1, num_blocks + 1)
    return BlockColumns(
        block_hash=chain[1:],
        block_prev=chain[:-1],
        block_time=(1_736_121_600 + 600 * heights).astype(np.uint32),
        block_bits=np.full(num_blocks, EASY, np.uint32),
        block_height=heights.astype(np.int64),
        block_offset=np.zeros(num_blocks, np.int64),
        block_tx=np.append(np.arange(0, ledger.num_tx, PER_BLOCK), ledger.num_tx),
        txid=txid,
        tx_in=ledger.in_off.astype(np.int64),
        tx_out=ledger.out_off.astype(np.int64),
        tx_segwit=np.ones(ledger.num_tx, np.uint8),
        in_prev=in_prev,
        in_vout=in_vout,
        in_row=np.zeros((ledger.num_inputs, ROW), np.uint8),
        in_bare=np.ones(ledger.num_inputs, np.uint8),
        out_value=ledger.out_value,
        out_kind=np.full(ledger.num_outputs, ScriptKind.P2WPKH, np.uint8),
        out_row=out_row,
        out_script=np.full(ledger.num_outputs, None, object),
    )
