"""Small account ledgers with one token, and the truth of every single unit in them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.unit.engine.accounts.replies import TOKEN
from tracing.engine.accounts.build import (
    Columns,
    block_columns,
    memory_ledger,
    transfer_columns,
    tx_columns,
)
from tracing.engine.accounts.ledger import (
    AccountLedger,
)
from tracing.engine.accounts.resolve import account_trace_spec
from tracing.engine.accounts.rows import NOBODY, BlockRow, Kind, TransferRow, TxRow
from tracing.engine.accounts.trace import AccountTraceResult, trace_accounts
from tracing.engine.spec import TraceParameters

ASSET = f"erc20:{TOKEN}"
POLICIES = ("haircut", "fifo", "lifo", "poison")

Move = tuple[int, int, int]
"""(payer, payee, units); account 0 is nobody."""


def payload(number: int) -> bytes:
    return number.to_bytes(20, "big") if number else NOBODY


def text(number: int) -> str:
    return f"0x{number:040x}"


def txid(number: int) -> bytes:
    return (0x1000 + number).to_bytes(32, "big")


def outpoint(number: int) -> str:
    return f"0x{0x1000 + number:064x}:0"


def rows_of(
    moves: Sequence[Move], *, whole: bool = True
) -> tuple[list[BlockRow], list[TxRow], list[TransferRow]]:
    """One block and one transaction for each move; whole: the token is made in the first."""
    blocks = [
        BlockRow(n, (0xB000 + n).to_bytes(32, "big"), (0xAFFF + n).to_bytes(32, "big"), n, 1)
        for n in range(len(moves))
    ]
    made = bytes.fromhex(TOKEN[2:])
    txs = [
        TxRow(
            n, blocks[n].hash, 0, txid(n), failed=False, created=made if whole and not n else None
        )
        for n in range(len(moves))
    ]
    rows = [
        TransferRow(
            n, blocks[n].hash, 0, 2, txid(n), ASSET, payload(payer), payload(payee), units,
            Kind.TOKEN,
        )
        for n, (payer, payee, units) in enumerate(moves)
    ]  # fmt: skip
    return blocks, txs, rows


def tables(moves: Sequence[Move], first: int, last: int) -> tuple[Columns, Columns, Columns]:
    """The tables of the moves from one to another."""
    blocks, txs, rows = rows_of(moves)
    moved, _ = transfer_columns(rows[first:last])
    return block_columns(blocks[first:last]), tx_columns(txs[first:last]), moved


def ledger_of(
    moves: Sequence[Move], *, whole: bool = True, shuffle: int | None = None
) -> AccountLedger:
    """A ledger in memory of these moves, their rows given in order or in any other."""
    blocks, txs, rows = rows_of(moves, whole=whole)
    if shuffle is not None:
        random.Random(shuffle).shuffle(rows)
        random.Random(shuffle).shuffle(txs)
        random.Random(shuffle).shuffle(blocks)
    return memory_ledger(blocks, txs, rows)


def traced(ledger: AccountLedger, *seeds: str, **fields: object) -> AccountTraceResult:
    """A trace without walls, by parameters in words."""
    parameters = TraceParameters(ledger=ledger.name, seeds=seeds, **fields)  # type: ignore[arg-type]
    return trace_accounts(account_trace_spec(parameters, ledger), ledger)


@dataclass
class Unit:
    """One unit and the moves it took part in."""

    moves: list[int] = field(default_factory=list)


Choose = Callable[[list[Unit], int], list[Unit]]
"""Takes so many units out of a holding."""


def oldest(held: list[Unit], units: int) -> list[Unit]:
    taken, held[:] = held[:units], held[units:]
    return taken


def newest(held: list[Unit], units: int) -> list[Unit]:
    cut = len(held) - units
    taken, held[:] = held[cut:], held[:cut]
    return taken


def any_of(seed: int) -> Choose:
    """Units in whatever order a hidden truth has."""
    dice = random.Random(seed)

    def choose(held: list[Unit], units: int) -> list[Unit]:
        dice.shuffle(held)
        return oldest(held, units)

    return choose


def played(
    moves: Sequence[Move], choose: Choose, hidden: dict[int, int] | None = None
) -> tuple[dict[int, list[Unit]], list[Unit]]:
    """Every unit moved one by one: what each account holds in the end, and all units there are.

    `hidden` units lie in accounts before the first move, where no ledger shows them.
    """
    held = {account: [Unit() for _ in range(units)] for account, units in (hidden or {}).items()}
    everything = [unit for units in held.values() for unit in units]
    for number, (payer, payee, units) in enumerate(moves):
        if payer == payee:
            continue
        if payer:
            moved = choose(held.setdefault(payer, []), units)
        else:
            moved = [Unit() for _ in range(units)]
            everything += moved
        assert len(moved) == units
        for unit in moved:
            unit.moves.append(number)
        if payee:
            held.setdefault(payee, []).extend(moved)
    return held, everything


@st.composite
def worlds(draw: st.DrawFn, most: int = 14) -> list[Move]:
    """Moves that never pay more than there is; the first issues, later ones may as well."""
    moves: list[Move] = [(0, draw(st.integers(1, 3)), draw(st.integers(1, 30)))]
    balance = {moves[0][1]: moves[0][2]}
    for _ in range(draw(st.integers(1, most))):
        payers = sorted(account for account, units in balance.items() if units)
        payer = draw(st.sampled_from([0, *payers, *payers]))
        payee = draw(st.sampled_from([1, 2, 3, 4, 5, 5] if not payer else [0, 1, 2, 3, 4, 5]))
        units = draw(st.integers(1, balance[payer] if payer else 20))
        moves.append((payer, payee, units))
        if payer != payee:
            balance[payer] = balance.get(payer, 0) - units if payer else 0
            balance[payee] = balance.get(payee, 0) + units
        balance.pop(0, None)
    return moves
