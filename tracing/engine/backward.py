"""Backward: where did the value of the seeds come from?"""

from __future__ import annotations

import heapq

from tracing.engine import bounds
from tracing.engine.ends import Status
from tracing.engine.ledger import UNKNOWN_OUTPUT
from tracing.engine.policies import Tape, cut, haircut_shares, lay, weight, windows
from tracing.engine.walk import Coin, Step, Walk


class BackwardWalk(Walk):
    """Follow coins back through the transactions that made them, latest first.

    The same rules read from the outputs: haircut shares what is asked of a transaction over its
    inputs in proportion to value by the same cumulative floor; FIFO and LIFO map the asked
    intervals back to the inputs they came from. No fee takes part: a coin comes whole from the
    inputs.
    """

    def key(self, coin: int) -> int:
        """Outputs stand in chain order: the latest first."""
        return -coin

    def judge(self, coin: int, hops: int, *, seed: bool) -> Status:
        """A seed may stand at a wall (whence this deposit?); a coin reached there ends."""
        wall = None if seed else self.wall(coin)
        if wall is not None:
            return wall
        tx = int(self.ledger.out_tx[coin])
        if self.ledger.tx_coinbase[tx]:
            return Status.COINBASE
        until = self.spec.until_height
        if until is not None and int(self.ledger.tx_height[tx]) < until:
            return Status.BEFORE_HORIZON
        if self.gap(tx):
            return Status.UNKNOWN_OUTPUT
        if self.mixed(tx):
            return Status.COINJOIN
        if self.spec.max_hops is not None and hops >= self.spec.max_hops:
            return Status.HOP_LIMIT
        return Status.PASSED_ON

    def step(self) -> None:
        """Spread what is asked of one transaction over its inputs."""
        ledger = self.ledger
        tx = int(ledger.out_tx[-self.heap[0]])
        first, end = int(ledger.in_off[tx]), int(ledger.in_off[tx + 1])
        first_out, end_out = int(ledger.out_off[tx]), int(ledger.out_off[tx + 1])
        values: list[int] = ledger.in_value[first:end].tolist()
        out_values: list[int] = ledger.out_value[first_out:end_out].tolist()
        total = sum(values)
        starts = windows(out_values, total, from_the_end=self.spec.policy == "lifo")
        taken: list[tuple[int, int, Coin]] = []
        while self.heap and -self.heap[0] >= first_out:
            coin_id = -heapq.heappop(self.heap)
            taken.append((starts[coin_id - first_out][0], coin_id, self.coins.pop(coin_id)))
        taken.sort(key=lambda asked: asked[0])
        low = sum(coin.low for _, _, coin in taken)
        high = sum(coin.high for _, _, coin in taken)
        taint = sum(coin.amount for _, _, coin in taken)
        hops = 1 + min(coin.hops for _, _, coin in taken)
        shares, tapes = self.split(taken, taint, values, total)
        ins = []
        for number, value in enumerate(values):
            part = bounds.of_part(value, total, low, high)
            if not part[1]:
                continue
            found = Coin(shares[number], *part, hops, tapes[number] if tapes else [])
            coin_id, status = self.reach_input(first + number, value, found)
            if shares[number]:
                ins.append((coin_id, shares[number], status))
        if taint:
            outs = sorted((coin_id, coin.amount) for _, coin_id, coin in taken if coin.amount)
            self.note(Step(tx, hops, 0, outs, ins))

    def reach_input(self, vin: int, value: int, found: Coin) -> tuple[int, str]:
        """Reach the coin an input spends; one the ledger does not hold is an end."""
        coin = int(self.ledger.in_out[vin])
        if coin != UNKNOWN_OUTPUT:
            return coin, self.reach(coin, value, found)
        dust = value < self.spec.min_value
        status = Status.BELOW_DUST if dust else Status.UNKNOWN_OUTPUT
        return -1 - vin, self.rest(-1 - vin, found, status)

    def split(
        self, taken: list[tuple[int, int, Coin]], taint: int, values: list[int], total: int
    ) -> tuple[list[int], list[Tape]]:
        """Amount of each input and its tape where there is one."""
        if self.spec.policy == "poison":
            return values, []
        if self.spec.policy == "haircut":
            return haircut_shares(taint, values, total), []
        asked = lay((start, coin.tape) for start, _, coin in taken)
        tapes = cut(asked, windows(values, total, from_the_end=False))
        return [weight(tape) for tape in tapes], tapes
