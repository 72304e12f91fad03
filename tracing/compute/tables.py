"""The truth of a coin ledger as four tables in chain order, whatever batches it lies in.

    tx       number, txid, coinbase, segwit, num_in, num_out
    output   tx, vout, value, kind, address (key), script (where there is no address)
    input    tx, vin, coinbase, from_tx, from_vout (null: not in the ledger), value, address (key),
             own_address (key: what stored coins or the input itself say), stored, silent
    address  key, text

Nulls mean what NO_ADDRESS and UNKNOWN_VALUE mean in the arrays. A key is the place where an address
first appears, so that the smallest key of a cluster is its earliest address, as in the arrays.
Which blocks form the chain is decided by the caller, from headers alone; links from inputs to the
outputs they spend are joins over the whole ledger and never leave the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ibis
import numpy as np
import pyarrow.parquet as pq

from tracing.compute.engines import Columns, Engine, Expr, whole
from tracing.engine.columns import offsets
from tracing.errors import ComputeError, LedgerError
from tracing.ledgers import names
from tracing.ledgers.arrays import chain_order
from tracing.ledgers.batches import BatchReader
from tracing.ledgers.load import ledger_manifest
from tracing.ledgers.manifest import Snapshot
from tracing.ledgers.store import chain_of

PLACE_BITS: Final = 21
"""Of a key, for the place in a transaction; a block has room for some 110,000 outputs."""
OUTPUT_SIDE: Final = 1 << (PLACE_BITS - 1)


@dataclass(frozen=True)
class Source:
    """A ledger's batches, pinned at its newest snapshot.

    Args:
        folder: where this process sees them; seen_as: where the engine does.
    """

    ledger: str
    folder: Path
    seen_as: str
    batches: tuple[str, ...]
    snapshot: Snapshot

    @property
    def reader(self) -> BatchReader:
        """Columns of all batches of coins, for what is small: blocks."""
        return BatchReader([self.folder / "batches" / each for each in self.batches])


def source_of(home: Path, name: str, seen_home: str = "") -> Source:
    """The ledger of a name under FIU_HOME.

    Args:
        seen_home: FIU_HOME as the engine sees it, where that is another path.

    Raises LedgerMissing.
    """
    full = names.resolve(home, name)
    manifest = ledger_manifest(home, full)
    seen = names.folder(Path(seen_home or home), full)
    return Source(full, names.folder(home, full), str(seen), manifest.batches, manifest.current)


@dataclass(frozen=True)
class Tables:
    """The four tables, kept in the engine; see the module."""

    tx: Expr
    output: Expr
    input: Expr
    address: Expr


def prepare(engine: Engine, source: Source) -> Tables:
    """Number transactions, link inputs, name addresses.

    Cost: in the engine, four joins as large as the inputs and one sort of the addresses; here, some
    100 bytes a block.
    """
    blocks, coin_blocks = _blocks(source)
    chain = engine.upload(blocks)
    raw = read_batches(engine, source, "tx")
    tx = engine.keep(
        "tx",
        raw.join(chain, ["batch", "block"]).select(
            "batch", "tx_id", "txid", "first", "num_in", "num_out", "coinbase", "segwit",
            number=raw.tx_id + chain.shift,
        ),
    )  # fmt: skip
    raw = read_batches(engine, source, "output")
    made = engine.keep(
        "made",
        raw.join(tx, ["batch", "tx_id"]).select(
            "vout", "value", "batch", "address", "script", tx=tx.number, kind=raw.script_type
        ),
    )
    spent = engine.keep("spent", _spent(engine, source, tx, coin_blocks))
    book = engine.keep("book", _book(engine, source, made, spent))
    keys = book.select("batch", "address", "key")
    output = engine.keep(
        "output",
        made.left_join(keys, ["batch", "address"]).select(
            made.tx, made.vout, made.value, made.kind, made.script, address=keys.key
        ),
    )
    engine.drop("made")
    linked = engine.keep("linked", _linked(engine, tx, spent, output))
    joined = spent.left_join(
        linked, [spent.tx == linked.spender, spent.vin == linked.spender_vin]
    ).left_join(keys, [spent.batch == keys.batch, spent.address == keys.address])
    is_linked = linked.from_tx.notnull()
    silent = is_linked & (spent.bare > 0) & spent.value.isnull()
    inputs = engine.keep(
        "input",
        joined.select(
            spent.tx, spent.vin, spent.coinbase, linked.from_tx, linked.from_vout,
            value=is_linked.ifelse(linked.value, spent.value),
            address=is_linked.ifelse(linked.address, keys.key),
            own_address=silent.ifelse(linked.address, keys.key),
            stored=spent.value.notnull().cast("int64"),
            silent=silent.cast("int64"),
        ),
    )  # fmt: skip
    engine.drop("linked")
    engine.drop("spent")
    address = engine.keep("address", book.select("key", "text").distinct())
    engine.drop("book")
    return Tables(tx, output, inputs, address)


def _blocks(source: Source) -> tuple[Columns, Columns | None]:
    """The chain's blocks, and those that spent coins are stored for, None where there are none.

    `shift` leads from a transaction's number in its batch to its number in the chain, `first` is
    the number of the block's coinbase.
    """
    reader = source.reader
    stored, _height, _segment = chain_order(chain_of(reader, source.ledger))
    per_batch = np.array(reader.counts("block"), np.int64)
    batch = np.repeat(np.arange(len(per_batch)), per_batch)
    place = np.arange(len(batch)) - offsets(per_batch)[batch]
    num_tx = reader.numbers("block", "num_tx").astype(np.int64)
    before = offsets(num_tx)[:-1]
    in_batch = np.zeros(len(per_batch), np.int64)
    np.add.at(in_batch, batch, num_tx)
    first = offsets(num_tx[stored])[:-1]
    chain: Columns = {
        "batch": batch[stored],
        "block": place[stored],
        "first": first,
        "shift": first - (before - offsets(in_batch)[batch])[stored],
    }
    per_batch = np.array(reader.counts("coin_block"), np.int64)
    if not per_batch.sum():
        return chain, None
    for number in np.flatnonzero(per_batch).tolist():
        name = source.batches[number]
        columns = pq.read_schema(source.folder / "batches" / name / "coin.parquet").names
        if "place" not in columns:
            raise LedgerError(
                f"batch {name} of {source.ledger} was written by an older version, which did not "
                "number spent coins: load its blocks anew into an empty FIU_HOME"
            )
    hashes = reader.fixed("block", "hash", 32)
    first_of = {hashes[at].tobytes(): tx for at, tx in zip(stored, first.tolist(), strict=True)}
    found = [first_of.get(each.tobytes(), -1) for each in reader.fixed("coin_block", "hash", 32)]
    coins = np.array(found, np.int64)
    batch = np.repeat(np.arange(len(per_batch)), per_batch)
    place = np.arange(len(batch)) - offsets(per_batch)[batch]
    known = coins >= 0
    if not known.any():
        return chain, None
    return chain, {"batch": batch[known], "coin_block": place[known], "first": coins[known]}


def read_batches(
    engine: Engine, source: Source, table: str, only: Sequence[int] | None = None
) -> Expr:
    """A table of all batches, with the batch's number; every whole number as int64."""
    parts = []
    for number in range(len(source.batches)) if only is None else only:
        name = source.batches[number]
        part = engine.read(f"{source.seen_as}/batches/{name}/{table}.parquet")
        wide = {
            column: part[column].cast("int64")
            for column, kind in part.schema().items()
            if kind.is_integer()
        }
        parts.append(part.mutate(**wide, batch=ibis.literal(number, "int64")))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _spent(engine: Engine, source: Source, tx: Expr, coin_blocks: Columns | None) -> Expr:
    """Inputs with what they say without their link: value and address of a stored coin, else the
    address the input shows.
    """
    raw = read_batches(engine, source, "input")
    shown = raw.join(tx, ["batch", "tx_id"]).select(
        "vin", "prev_txid", "prev_vout", "bare", "batch", "address", "coinbase", tx=tx.number
    )
    if coin_blocks is None:
        return shown.mutate(value=ibis.null("int64"))
    blocks = engine.upload(coin_blocks)
    with_coins = sorted({int(batch) for batch in coin_blocks["batch"]})
    coin = read_batches(engine, source, "coin", with_coins)
    coin = coin.join(blocks, ["batch", "coin_block"]).select(
        coin_first="first",
        coin_place="place",
        coin_value="value",
        coin_batch="batch",
        coin_address="address",
    )
    # Coins lie in the order of their block's inputs, without the coinbase's.
    spenders = tx.filter(tx.coinbase == 0)
    earlier = ibis.window(group_by="first", order_by="number", preceding=(None, 1))
    spenders = spenders.select(
        "number", "first", before=whole(spenders.num_in.sum().over(earlier).fill_null(0))
    )
    placed = shown.left_join(spenders, shown.tx == spenders.number)
    placed = placed.mutate(place=placed.before + placed.vin)
    found = placed.left_join(
        coin, [placed["first"] == coin.coin_first, placed.place == coin.coin_place]
    )
    has_coin = found.coin_value.notnull()
    return found.select(
        "vin", "prev_txid", "prev_vout", "bare", "coinbase", "tx",
        value="coin_value",
        batch=has_coin.ifelse(found.coin_batch, found.batch),
        address=has_coin.ifelse(found.coin_address, found.address),
    )  # fmt: skip


def _book(engine: Engine, source: Source, made: Expr, spent: Expr) -> Expr:
    """Every address of every batch with its key: the least place over all batches."""
    appear = ibis.union(
        made.select("batch", "address", place=_place(made.tx, made.vout) + OUTPUT_SIDE),
        spent.select("batch", "address", place=_place(spent.tx, spent.vin)),
    )
    appear = appear.filter(appear.address.notnull())
    appear = appear.group_by("batch", "address").agg(place=appear.place.min())
    raw = read_batches(engine, source, "address")
    named = appear.join(raw, ["batch", "address"]).select("batch", "address", "place", "text")
    key = named.place.min().over(ibis.window(group_by="text"))
    if len(source.batches) == 1:
        key = named.place
    return named.select("batch", "address", "text", key=key)


def _place(tx: Expr, at: Expr) -> Expr:
    return tx * (1 << PLACE_BITS) + at


def _linked(engine: Engine, tx: Expr, spent: Expr, output: Expr) -> Expr:
    """Inputs whose output is in the ledger: of a repeated id the latest before the spender."""
    paid = tx.select("txid", from_tx=tx.number)
    found = spent.join(paid, spent.prev_txid == paid.txid)
    found = found.filter(paid.from_tx < spent.tx).select(
        paid.from_tx,
        spender=spent.tx,
        spender_vin=spent.vin,
        from_vout=spent.prev_vout,
    )
    repeated = _repeated(engine, tx)
    if repeated is not None:
        found = found.left_join(repeated, found.from_tx == repeated.number)
        found = found.filter(repeated.until.isnull() | (repeated.until >= found.spender))
        found = found.select("from_tx", "spender", "spender_vin", "from_vout")
    coin = output.select("tx", "vout", "value", "address")
    return found.join(coin, [found.from_tx == coin.tx, found.from_vout == coin.vout]).select(
        "from_tx", "spender", "spender_vin", "from_vout", "value", "address"
    )


def _repeated(engine: Engine, tx: Expr) -> Expr | None:
    """Coinbases whose id came again, each with the number of the next one; Bitcoin has two."""
    mined = tx.filter(tx.coinbase == 1)
    later = ibis.window(group_by="txid", order_by="number")
    mined = mined.select("number", until=mined.number.lead().over(later))
    rows = list(engine.rows(mined.filter(mined.until.notnull())))
    if not rows:
        return None
    return engine.upload(
        {name: np.array([row[name] for row in rows], np.int64) for name in ("number", "until")}
    )


def refuse_sums_beyond(engine: Engine, sums: Expr, most: int) -> None:
    """Raise ComputeError where a value of the column `total` is not below `most`."""
    for row in engine.rows(sums.agg(total=sums.total.max())):
        if row["total"] is not None and row["total"] >= most:
            raise ComputeError(f"a transaction moves {row['total']:,} units; {most:,} is too many")
