"""Poison: every coin the seeds can have reached, beside networkx and DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import networkx as nx
import numpy as np
import pyarrow as pa

from tests.bench.rows import Row, TxGraph, best_of, both_twins, late_seeds, timed
from tracing.engine.kernels import Kernels
from tracing.engine.ledger import UNSPENT, MemoryLedger
from tracing.engine.spec import TraceSpec

RECURSION: Final = """
    WITH RECURSIVE reached(tx) AS (
        SELECT spender FROM coin JOIN seed USING (id) WHERE spender IS NOT NULL
        UNION
        SELECT spender FROM reached JOIN coin ON coin.maker = reached.tx WHERE spender IS NOT NULL
    )
    SELECT id FROM coin WHERE spender IS NULL AND value > 0
    AND (maker IN (SELECT tx FROM reached) OR id IN (SELECT id FROM seed))
"""


def poison(ledger: MemoryLedger, kernels: Kernels | None, peer: TxGraph) -> list[Row]:
    """The unspent coins that 200 seeds can have reached.

    Ours gives bounds, statuses and steps besides; the peers give the coins alone.
    """
    spec = TraceSpec(seeds=late_seeds(ledger), policy="poison", coinjoin="through")
    found, ours = both_twins(spec, ledger, kernels)
    rest = {end.coin for end in found.ends if end.status.value == "unspent"}
    told = f"{found.num_transactions:,} transactions, {len(rest):,} coins at rest"
    peers = []
    for name, reach, times in (("descendants", _descendants, 1), ("bfs_layers", _layers, 3)):
        theirs, seconds = best_of(times, lambda r=reach: _rest(peer.graph, ledger, spec.seeds, r))  # type: ignore[misc]
        if theirs != rest:
            raise AssertionError("networkx reaches other coins")
        peers.append((f"networkx {name}", peer.seconds, seconds, ">= 10x once loaded"))
    if find_spec("duckdb") is not None:
        database, loaded = timed(lambda: _tables(ledger, spec.seeds))
        answer, seconds = best_of(3, lambda: database.execute(RECURSION).fetchnumpy()["id"])
        if set(answer.tolist()) != rest:
            raise AssertionError("DuckDB reaches other coins")
        database.close()
        peers.append(("DuckDB recursion", loaded, seconds, ">= 2x once loaded"))
    return [
        Row("poison", ledger.num_tx, told, kernel, seconds, *each)
        for each in peers
        for kernel, seconds in ours
    ]


def _descendants(graph: Any, begun: set[int]) -> set[int]:
    """What each can have reached, one after the other: the usual way."""
    reached: set[int] = set()
    for tx in begun:
        if tx not in reached:
            reached |= {tx} | nx.descendants(graph, tx)
    return reached


def _layers(graph: Any, begun: set[int]) -> set[int]:
    """The same breadth first from all at once: its fastest way."""
    return {tx for layer in nx.bfs_layers(graph, begun) for tx in layer}


def _rest(
    graph: Any,
    ledger: MemoryLedger,
    seeds: Sequence[int],
    reach: Callable[[Any, set[int]], set[int]],
) -> set[int]:
    """The coins of what is reached that nobody spends."""
    spent = ledger.out_spent_in
    begun = {int(ledger.in_tx[spent[coin]]) for coin in seeds if spent[coin] != UNSPENT}
    coins = {coin for coin in seeds if spent[coin] == UNSPENT}
    for tx in reach(graph, begun):
        coins.update(range(int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])))
    return {coin for coin in coins if spent[coin] == UNSPENT and ledger.out_value[coin]}


def _tables(ledger: MemoryLedger, seeds: Sequence[int]) -> Any:  # a connection
    """Coins with their two transactions, and the seeds, as tables in memory."""
    is_spent = ledger.out_spent_in != UNSPENT
    spender = np.zeros(ledger.num_outputs, np.uint32)
    spender[is_spent] = ledger.in_tx[ledger.out_spent_in[is_spent]]
    coin = pa.table(
        {
            "id": np.arange(ledger.num_outputs, dtype=np.uint32),
            "maker": ledger.out_tx,
            "spender": pa.array(spender, mask=~is_spent),
            "value": ledger.out_value,
        }
    )
    seed = pa.table({"id": np.array(seeds, np.uint32)})
    database = import_module("duckdb").connect()
    for name, table in (("coin", coin), ("seed", seed)):
        database.register("given", table)
        database.execute(f"CREATE TABLE {name} AS SELECT * FROM given")  # noqa: S608 - ours
        database.unregister("given")
    return database
