"""Figures of a whole ledger, by the definitions of `ledgers.stats`."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from tracing.compute.engines import Engine, Expr, only_row, whole
from tracing.compute.tables import Source, Tables
from tracing.engine.addresses import ScriptKind
from tracing.ledgers.stats import LEAST_EQUAL, MANY, ledger_counts
from tracing.ledgers.stored import StoredLedger

FIGURES: Final = (
    *("blocks", "tx", "inputs", "outputs", "coinbase_sat", "output_sat", "output_types"),
    *("segwit_tx", "inputs_with_address", "distinct_input_addresses"),
    *("distinct_output_addresses", "multi_input_tx", "one_in_two_out", "many_in_one_out"),
    *("one_in_many_out", "equal_output_candidates", "equal_output_candidates_sha256"),
    *("input_sat", "fees_sat"),
)
"""Those of `ledger_counts`; its clusters are a job of their own."""


def find_statistics(engine: Engine, source: Source, tables: Tables) -> dict[str, Any]:
    """The figures; amounts in satoshi. `input_sat` and `fees_sat` where all coins are stored.

    Cost: in the engine one pass over each table; here, the ids of the equal-output candidates.
    """
    tx, output = tables.tx, tables.output
    spent = tables.input.filter(tables.input.coinbase == 0)
    ordinary = tx.coinbase == 0
    shapes = {
        "segwit_tx": tx.segwit > 0,
        "multi_input_tx": tx.num_in > 1,
        "one_in_two_out": (tx.num_in == 1) & (tx.num_out == 2),
        "many_in_one_out": (tx.num_in >= MANY) & (tx.num_out == 1),
        "one_in_many_out": (tx.num_in == 1) & (tx.num_out >= MANY),
    }
    figures: dict[str, Any] = {"blocks": source.snapshot.num_blocks}
    figures |= only_row(
        engine,
        tx.agg(tx=tx.count(), **{name: _count(ordinary & shape) for name, shape in shapes.items()}),
    )
    mined = tx.filter(tx.coinbase == 1).select(tx=tx.number)
    paid = output.semi_join(mined, "tx")
    figures |= only_row(engine, paid.agg(coinbase_sat=_sum(paid.value)))
    figures |= only_row(
        engine,
        output.agg(
            outputs=output.count(),
            output_sat=_sum(output.value),
            distinct_output_addresses=output.address.nunique(),
        ),
    )
    kinds = output.group_by("kind").agg(num=output.count())
    figures["output_types"] = {
        ScriptKind(row["kind"]).label: row["num"]
        for row in sorted(engine.rows(kinds), key=lambda row: int(row["kind"]))
    }
    coins = only_row(
        engine,
        spent.agg(
            inputs=spent.count(),
            inputs_with_address=spent.own_address.count(),
            distinct_input_addresses=spent.own_address.nunique(),
            stored=_sum(spent.stored),
            total=_sum(spent.value),
        ),
    )
    stored, total = coins.pop("stored"), coins.pop("total")
    figures |= coins
    if stored and stored == coins["inputs"]:
        figures["input_sat"] = total
        figures["fees_sat"] = total - (figures["output_sat"] - figures["coinbase_sat"])
    candidates = [
        bytes(row["txid"])[::-1].hex() for row in engine.rows(_equal_output_candidates(tables))
    ]
    figures["equal_output_candidates"] = len(candidates)
    figures["equal_output_candidates_sha256"] = hashlib.sha256(
        "\n".join(sorted(candidates)).encode()
    ).hexdigest()
    return dict(sorted(figures.items()))


def statistics_lines(figures: dict[str, Any]) -> list[str]:
    """One line for each figure, for the hash."""
    return [f"{name} {json.dumps(value, sort_keys=True)}" for name, value in figures.items()]


def kernel_statistics_lines(ledger: StoredLedger) -> list[str]:
    """The same lines from the arrays."""
    figures = ledger_counts(ledger)
    return statistics_lines({name: figures[name] for name in FIGURES if name in figures})


def _count(condition: Expr) -> Expr:
    return whole(condition.cast("int64").sum().fill_null(0))


def _sum(column: Expr) -> Expr:
    return whole(column.sum().fill_null(0))


def _equal_output_candidates(tables: Tables) -> Expr:
    """(txid) of transactions with 3 or more equal outputs to different scripts, no more of them
    than inputs.
    """
    tx, output = tables.tx, tables.output
    wide = tx.filter((tx.coinbase == 0) & (tx.num_in >= LEAST_EQUAL) & (tx.num_out >= LEAST_EQUAL))
    wide = wide.select("txid", "num_in", tx="number")
    paid = output.filter(output.value > 0).join(wide, "tx")
    nothing = (paid.address.isnull() & paid.script.isnull()).cast("int64").max()
    groups = paid.group_by("tx", "value").agg(
        scripts=paid.address.nunique() + paid.script.nunique() + nothing
    )
    most = groups.group_by("tx").agg(scripts=groups.scripts.max())
    found = most.join(wide, "tx")
    fits = (found.scripts >= LEAST_EQUAL) & (found.scripts <= found.num_in)
    return found.filter(fits).select("txid")
