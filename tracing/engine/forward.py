"""Forward: where did the value of the seeds go?"""

from __future__ import annotations

import heapq
from itertools import accumulate

from tracing.engine import bounds
from tracing.engine.ends import Status
from tracing.engine.ledger import UNSPENT
from tracing.engine.policies import Tape, cut, haircut_shares, lay, weight, windows
from tracing.engine.walk import Coin, Step, Walk
from tracing.errors import BalanceError


class ForwardWalk(Walk):
    """Follow coins through the transactions that spend them, in chain order.

    The frontier is keyed by the spending input. Inputs stand in chain order and a transaction only
    spends earlier ones, so when the least key is taken all followed inputs of its transaction are
    known.

    Source: Anderson, Shumailov, Ahmed, "Making Bitcoin Legal" (2018) for FIFO on transactions
    (Clayton's rule); Möser, Böhme, Breuker, "Towards Risk Scoring of Bitcoin Transactions" (2014)
    for poison and haircut.
    """

    def key(self, coin: int) -> int:
        """The input that spends the coin."""
        return int(self.ledger.out_spent_in[coin])

    def judge(self, coin: int, hops: int, *, seed: bool) -> Status:
        """A seed at a wall ends there as well: whoever spends it is not its payer."""
        wall = self.wall(coin)
        if wall is not None:
            return wall
        spent = int(self.ledger.out_spent_in[coin])
        # A pinned snapshot may share arrays with a longer chain: later spends do not exist for it.
        if spent == UNSPENT or spent >= self.ledger.num_inputs:
            return Status.UNSPENT
        tx = int(self.ledger.in_tx[spent])
        until = self.spec.until_height
        if until is not None and int(self.ledger.tx_height[tx]) > until:
            return Status.AFTER_HORIZON
        if self.spec.policy != "poison" and self.gap(tx):
            return Status.UNKNOWN_INPUT
        if self.mixed(tx):
            return Status.COINJOIN
        if self.spec.max_hops is not None and hops >= self.spec.max_hops:
            return Status.HOP_LIMIT
        return Status.PASSED_ON

    def step(self) -> None:
        """Spread the taint of all followed inputs of one transaction over its outputs."""
        ledger = self.ledger
        tx = int(ledger.in_tx[self.heap[0]])
        first, end = int(ledger.in_off[tx]), int(ledger.in_off[tx + 1])
        first_out, end_out = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
        values: list[int] = ledger.in_value[first:end].tolist()
        out_values: list[int] = ledger.out_value[first_out:end_out].tolist()
        starts = list(accumulate(values, initial=0))
        taken: list[tuple[int, int, Coin]] = []
        while self.heap and self.heap[0] < end:
            vin = heapq.heappop(self.heap)
            coin = int(ledger.in_out[vin])
            taken.append((starts[vin - first], coin, self.coins.pop(coin)))
        known = min(values) >= 0
        total, paid = starts[-1], sum(out_values)
        if known and paid > total:
            raise BalanceError(f"Transaction {ledger.txid(tx)} pays out more than it spends.")
        low = sum(coin.low for _, _, coin in taken) if known else 0
        high = sum(coin.high for _, _, coin in taken)
        taint = sum(coin.amount for _, _, coin in taken)
        hops = 1 + min(coin.hops for _, _, coin in taken)
        shares, tapes, fee = self.split(taken, taint, out_values, total, known=known)
        outs = []
        for number, value in enumerate(out_values):
            # With an unknown input nothing bounds the clean units, so nothing is certain: low is 0.
            part = bounds.of_part(value, total, low, high) if known else (0, min(value, high))
            if not part[1]:
                continue
            found = Coin(shares[number], *part, hops, tapes[number] if tapes else [])
            status = self.reach(first_out + number, value, found)
            if shares[number]:
                outs.append((first_out + number, shares[number], status))
        self.fees += fee
        if taint:
            ins = [(coin_id, coin.amount) for _, coin_id, coin in taken if coin.amount]
            self.note(Step(tx, hops, fee, ins, outs))

    def split(
        self,
        taken: list[tuple[int, int, Coin]],
        taint: int,
        out_values: list[int],
        total: int,
        *,
        known: bool,
    ) -> tuple[list[int], list[Tape], int]:
        """Amount of each output, its tape where there is one, and the fee's part."""
        paid = sum(out_values)
        if self.spec.policy == "poison":
            return out_values, [], total - paid if known else 0
        if self.spec.policy == "haircut":
            shares = haircut_shares(taint, out_values, total)
            return shares, [], taint - sum(shares)
        lifo = self.spec.policy == "lifo"
        parts = windows(out_values, total, from_the_end=lifo)
        parts.append((0 if lifo else paid, total - paid))
        tapes = cut(lay((start, coin.tape) for start, _, coin in taken), parts)
        return [weight(tape) for tape in tapes[:-1]], tapes, weight(tapes[-1])
