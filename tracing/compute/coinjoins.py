"""CoinJoin flags of a whole ledger.

The engine looks for the shape over all transactions: three inputs, five outputs, three of them
equal. What is left is judged one by one by the detectors that kernels and pages use, so that there
is one definition of a CoinJoin. Of the 2,315 transactions of three real blocks of 2014 and 2016
that is 9.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import ibis
import numpy as np

from tracing.compute.engines import Engine, Expr, Row
from tracing.compute.tables import Tables
from tracing.engine.coinjoin import (
    LEAST_OUTPUTS,
    LEAST_PARTICIPANTS,
    CoinJoinMatch,
    classify,
    flags,
    match_of,
)
from tracing.engine.ledger import NO_ADDRESS, UNKNOWN_VALUE, Ledger


@dataclass(frozen=True)
class CoinJoins:
    """The mixes of a ledger: `mixes` is a table of transaction numbers in the engine.

    Args:
        kinds: how many of each protocol; lines: `txid kind`, for the hash.
        candidates: how many transactions had the shape.
    """

    mixes: Expr
    kinds: dict[str, int]
    lines: list[str]
    candidates: int


def find_coinjoins(engine: Engine, tables: Tables) -> CoinJoins:
    """Flag the mixes; see `coinjoin.is_coinjoin`.

    Cost: in the engine one grouping of the outputs of wide transactions; the inputs and outputs of
    candidates come here one transaction at a time, the mixes' numbers go back.
    """
    candidates = engine.keep("candidates", _candidates(tables))
    found: dict[int, str] = {}
    judged = 0
    for tx, match in _judged(engine.rows(_coins(tables, candidates))):
        judged += 1
        if match is not None and match.is_mix:
            found[tx] = match.kind
    mixes = engine.upload({"tx": np.array(sorted(found), np.int64)})
    engine.drop("candidates")
    named = tables.tx.join(mixes, tables.tx.number == mixes.tx).select("number", "txid")
    lines = [
        line_of(bytes(row["txid"])[::-1].hex(), found[row["number"]]) for row in engine.rows(named)
    ]
    kinds = {kind: list(found.values()).count(kind) for kind in sorted(set(found.values()))}
    return CoinJoins(mixes, kinds, lines, judged)


def coinjoin_lines(ledger: Ledger) -> list[str]:
    """The same lines by the kernels."""
    lines = []
    for tx in np.flatnonzero(flags(ledger)).tolist():
        match = match_of(ledger, tx)
        if match is not None:
            lines.append(line_of(ledger.txid(tx), match.kind))
    return lines


def line_of(txid: str, kind: str) -> str:
    """One mix as a line."""
    return f"{txid} {kind}"


def _candidates(tables: Tables) -> Expr:
    """Transactions with the shape, by number; the same as `coinjoin.flags` looks at."""
    tx = tables.tx
    wide = tx.filter(
        (tx.num_in >= LEAST_PARTICIPANTS) & (tx.num_out >= LEAST_OUTPUTS) & (tx.coinbase == 0)
    ).select(tx=tx.number)
    equal = tables.output.join(wide, "tx").group_by("tx", "value").agg(num=ibis._.count())
    return equal.filter(equal.num >= LEAST_PARTICIPANTS).select("tx").distinct()


def _coins(tables: Tables, candidates: Expr) -> Expr:
    """Inputs (side 0) and outputs (side 1) of the candidates, in order."""
    sides = [
        table.join(candidates, "tx").select(
            "tx", "value", "address", side=ibis.literal(side, "int64"), at=table[at]
        )
        for side, (table, at) in enumerate(((tables.input, "vin"), (tables.output, "vout")))
    ]
    return ibis.union(*sides).order_by("tx", "side", "at")


def _judged(rows: Iterator[Row]) -> Iterator[tuple[int, CoinJoinMatch | None]]:
    for tx, group in groupby(rows, key=lambda row: row["tx"]):
        values: tuple[list[int], list[int]] = ([], [])
        addresses: tuple[list[int], list[int]] = ([], [])
        for row in group:
            value, address = row["value"], row["address"]
            values[row["side"]].append(UNKNOWN_VALUE if value is None else value)
            # Keys are compared with each other alone, and none is as large as that at this place.
            addresses[row["side"]].append(NO_ADDRESS if address is None else address)
        yield tx, classify(values[0], addresses[0], values[1], addresses[1])
