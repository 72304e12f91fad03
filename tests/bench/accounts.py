"""Traces over accounts: random ones against every unit's own way, large ones beside networkx."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import chain
from typing import Any, Final

import networkx as nx

from tests.bench.rows import NUM_SEEDS, TAIL, Row, best_of, timed
from tests.unit.engine.accounts.worlds import (
    ASSET,
    POLICIES,
    Move,
    any_of,
    ledger_of,
    newest,
    oldest,
    outpoint,
    payload,
    played,
    text,
    traced,
    txid,
)
from tracing.engine.accounts.build import memory_ledger
from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.accounts.rows import BlockRow, Kind, TransferRow, TxRow
from tracing.engine.accounts.trace import trace_accounts
from tracing.engine.kernels import Kernels
from tracing.engine.spec import TraceSpec

PER_BLOCK: Final = 100
TOKEN: Final = bytes.fromhex(ASSET.removeprefix("erc20:0x"))


def random_moves(rng: random.Random, most: int = 14) -> list[Move]:
    """Moves that never pay more than there is; the first issues, later ones may as well."""
    moves: list[Move] = [(0, rng.randint(1, 3), rng.randint(1, 30))]
    balance = Counter({moves[0][1]: moves[0][2]})
    for _ in range(rng.randint(1, most)):
        payer = rng.choice([0, *(a for a, units in balance.items() if units for _ in (0, 1))])
        payee = rng.randint(0 if payer else 1, 5)
        units = rng.randint(1, balance[payer] if payer else 20)
        moves.append((payer, payee, units))
        if payer != payee:
            balance[payer] -= units if payer else 0
            balance[payee] += units if payee else 0
    return moves


def compare_accounts(num: int, seed: int = 1) -> int:
    """Run `num` random traces, stopping at the first that is off by a unit; returns ends compared.

    FIFO and LIFO must be what units moved one by one say, forward and backward; every policy must
    conserve but poison, lie within the bounds, and the bounds must hold a hidden order of units.
    """
    rng = random.Random(seed)
    ends = 0
    for number in range(num):
        moves = random_moves(rng)
        possible = [n for n, (payer, payee, _) in enumerate(moves) if payer != payee]
        followed = rng.choice(possible)
        policy = POLICIES[number % len(POLICIES)]
        ledger = ledger_of(moves)
        found = traced(ledger, outpoint(followed), policy=policy)
        if (policy == "poison") != (found.sheet.difference is None) or found.sheet.difference:
            raise AssertionError(f"not conserved: {policy} of {followed} in {moves}")
        rows = [*found.json["ends"], *found.json["possible"]]  # type: ignore[misc]
        if policy in ("fifo", "lifo"):
            _same_units(moves, ledger, followed, policy)
        held, _units = played(moves, any_of(rng.randrange(1 << 30)))
        _hold(moves, rows, {a: sum(followed in u.moves for u in mine) for a, mine in held.items()},
              policy)  # fmt: skip
        ends += len(rows)
    return ends


def _same_units(moves: list[Move], ledger: AccountLedger, seed: int, policy: str) -> None:
    held, units = played(moves, oldest if policy == "fifo" else newest)
    wanted = Counter({text(a): sum(seed in u.moves for u in mine) for a, mine in held.items()})
    wanted[text(0)] += sum(seed in u.moves and moves[u.moves[-1]][1] == 0 for u in units)
    ahead: Counter[str] = Counter()
    for end in traced(ledger, outpoint(seed), policy=policy).json["ends"]:  # type: ignore[attr-defined]
        ahead[end["address"]] += int(end["amount"])
    back = traced(ledger, outpoint(seed), policy=policy, mode="source").json["ends"]
    came = Counter(outpoint(u.moves[0]) for u in units if seed in u.moves)
    told = {end["outpoint"]: int(end["amount"]) for end in back}  # type: ignore[attr-defined]
    if +ahead != +wanted or told != came:
        raise AssertionError(f"units go another way: {policy} of {seed} in {moves}")


def _hold(moves: list[Move], rows: list[Any], truth: dict[int, int], policy: str) -> None:
    for row in rows:
        low, amount, high = int(row["low"]), int(row["amount"]), int(row["high"])
        if low > amount or (amount > high and policy != "poison"):
            raise AssertionError(f"outside of its bounds: {row} in {moves}")
        if row["status"] == "unspent":
            owner = int(row["address"], 16)
            if not low <= truth.get(owner, 0) <= high:
                raise AssertionError(f"the bounds do not hold: {row} in {moves}")


def generate_accounts(num: int, seed: int = 7) -> AccountLedger:
    """A token ledger of so many transfers: a few accounts take part in most of them.

    Cost: about 15 us a transfer.
    """
    draw = random.Random(seed).random
    most = max(10, num // 8)
    balance = [0] * (most + 1)
    blocks, txs, rows = [], [], []
    for number in range(num):
        height = number // PER_BLOCK
        if number % PER_BLOCK == 0:
            name, above = (1 << 64) + height, (1 << 64) + height - 1
            blocks.append(BlockRow(height, name.to_bytes(32, "big"), above.to_bytes(32, "big"),
                                   height, min(PER_BLOCK, num - number)))  # fmt: skip
        payer, payee = (1 + int(most * draw() ** 3) for _ in range(2))
        units = 1 + int(draw() * balance[payer])
        if payer == payee or units > balance[payer]:
            payer, units = 0, 1 + int(draw() * 10**9)
        else:
            balance[payer] -= units
        balance[payee] += units
        block = blocks[-1].hash
        made = TOKEN if not number else None
        txs.append(TxRow(height, block, number % PER_BLOCK, txid(number), False, made))
        rows.append(TransferRow(height, block, number % PER_BLOCK, 2, txid(number), ASSET,
                                payload(payer), payload(payee), units, Kind.TOKEN))  # fmt: skip
    return memory_ledger(blocks, txs, rows)


def account_haircut(num: int, kernels: Kernels | None = None) -> list[Row]:
    """Haircut of 200 late transfers, beside a walk over a networkx graph of the same transfers.

    Ours gives bounds, statuses and a balance sheet besides; the peer gives amounts only. With
    kernels the compiled twin runs too, from the first row on.
    """
    ledger = generate_accounts(num)
    rng = random.Random(7)
    late = range(int(num * TAIL), num)
    seeds = sorted({late[int(rng.random() * len(late))] for _ in range(NUM_SEEDS)})
    spec = TraceSpec(seeds=tuple(seeds))
    found, seconds = best_of(3, lambda: trace_accounts(spec, ledger))
    ours = [("plain", seconds)]
    if kernels is not None:
        at_once = replace(kernels, pool_from=0)
        fast, seconds = best_of(4, lambda: trace_accounts(spec, ledger, kernels=at_once))
        if fast.json != found.json:
            raise AssertionError("the twins over accounts differ")
        ours.append(("compiled", seconds))
    graph, peer_load = timed(lambda: _graph(ledger))
    theirs, peer_compute = best_of(3, lambda: _graph_haircut(graph, ledger, seeds))
    rests: Counter[int] = Counter()
    for end in found.ends:
        if end.status.value == "unspent":
            rests[end.account] += end.amount
    if +rests != +theirs:
        raise AssertionError("the two haircuts over accounts differ")
    told = f"{found.num_transfers:,} transfers, {len(found.ends):,} ends"
    return [
        Row("account haircut", num, told, kernel, seconds, "networkx walk", peer_load,
            peer_compute)
        for kernel, seconds in ours
    ]  # fmt: skip


def _graph(ledger: AccountLedger) -> Any:  # networkx ships no types
    """Accounts as nodes, transfers as edges by their number."""
    graph = nx.MultiDiGraph()
    amounts = ledger.amounts(range(ledger.num_rows))  # type: ignore[arg-type]
    sides = zip(ledger.row_sender.tolist(), ledger.row_recipient.tolist(), amounts, strict=True)
    for number, (payer, payee, units) in enumerate(sides):
        graph.add_edge(payer, payee, key=number, units=units)
    return graph


def _graph_haircut(graph: Any, ledger: AccountLedger, seeds: list[int]) -> Counter[int]:
    """What rests at each account: transfers of all accounts in reach, in order, floor of shares."""
    nobody = 0xFFFFFFFF
    reach: set[int] = set()
    for row in seeds:
        payee = int(ledger.row_recipient[row])
        if payee not in reach and payee != nobody:
            reach |= {payee} | nx.descendants(graph, payee)
    reach.discard(nobody)
    edges = {
        number: (payer, payee, units)
        for payer, payee, number, units in chain(
            graph.in_edges(reach, keys=True, data="units"),
            graph.out_edges(reach, keys=True, data="units"),
        )
    }
    is_seed = set(seeds)
    followed: Counter[int] = Counter()
    balance: Counter[int] = Counter()
    for number in sorted(edges):
        payer, payee, units = edges[number]
        part = followed[payer] * units // balance[payer] if followed[payer] else 0
        followed[payer] -= part
        balance[payer] -= units
        balance[payee] += units
        followed[payee] += units if number in is_seed else part
    followed[nobody] = 0
    return followed
