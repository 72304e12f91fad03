"""A trace over accounts under way: forward to where units went, backward to where they came from.

Transfers are taken in chain order (backward: the reverse), each once, so when one is taken all
followed units its payer received before are in the payer's pool. Which accounts are followed
depends on the ledger and the limits alone, never on the policy.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, TypeAlias, cast

import numpy as np

from tracing.engine.accounts.index import NO_ACCOUNT
from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.accounts.moved import AccountRows, sums_of, units_of
from tracing.engine.accounts.rows import Kind
from tracing.engine.ends import Lots, Status, joined_lots
from tracing.engine.kernels import PLAIN, Kernels
from tracing.engine.pools import Flow, Pool
from tracing.engine.spec import Json, TraceSpec
from tracing.engine.walk import STEP_LIMIT, Progress, Tick
from tracing.errors import ParametersError

STATE_VERSION: Final = 3

Row: TypeAlias = list[int | str]


@dataclass(frozen=True, slots=True)
class AccountEnd:
    """Where following stopped: at the far side of a transfer, or in what an account holds.

    Args:
        row: the transfer; account: where it stopped; amount: units the policy puts here.
        value: the transfer's amount, or all that the account holds; low, high: sound bounds.
        lots: see `tracing.engine.ends.End`.
    """

    row: int
    account: int
    amount: int
    value: int
    low: int
    high: int
    hops: int
    status: Status
    lots: Lots = ()

    def to_row(self) -> Row:
        """The end for a checkpoint; amounts as texts, they may pass 2^53."""
        sums = [str(self.amount), str(self.value), str(self.low), str(self.high)]
        lots = [str(number) for lot in self.lots for number in lot]
        return [self.row, self.account, *sums, self.hops, self.status.value, *lots]

    @classmethod
    def from_row(cls, row: Row) -> AccountEnd:
        """Read what `to_row` wrote."""
        place, account, amount, value, low, high, hops = (int(cell) for cell in row[:7])
        status, lots = Status(str(row[7])), [int(cell) for cell in row[8:]]
        pairs = tuple(zip(lots[::2], lots[1::2], strict=True))
        return cls(place, account, amount, value, low, high, hops, status, pairs)


@dataclass(frozen=True, slots=True)
class AccountStep:
    """A transfer that moved followed units; `came_by` is the one that brought them to the payer."""

    row: int
    came_by: int
    amount: int
    fee: int
    hops: int
    status: str


class AccountWalk:
    """One run over one asset.

    Cost: O((transfers of the accounts reached) log frontier); a pool reads its account's rows once.
    """

    def __init__(self, spec: TraceSpec, ledger: AccountLedger, kernels: Kernels = PLAIN) -> None:
        self.spec = spec
        self.ledger = ledger
        self.kernels = kernels
        self.backward = spec.direction == "backward"
        self.taped = spec.policy in ("fifo", "lifo")
        self.asset = int(ledger.row_asset[spec.seeds[0]])
        self.whole = ledger.is_whole(self.asset)
        self.is_seed = frozenset(spec.seeds)
        self.heap: list[int] = []
        self.queued: set[int] = set()
        self.pools: dict[int, Pool] = {}
        self.openings: dict[int, int] = {}
        self.ends: list[AccountEnd] = []
        self.possible: list[AccountEnd] = []
        self.steps: list[AccountStep] = []
        self.cut: dict[str, int] = {}
        self.addresses: set[int] = set()
        self.seeds = self.rested = self.fees = 0
        self.num_rows = self.num_steps = self.depth = 0
        self._rows: dict[int, AccountRows] = {}
        self._walked = 0

    def start(self) -> None:
        """Put every seed on the frontier."""
        for row in self.spec.seeds:
            self.seeds += self.ledger.amount(row)
            self.push(row)

    def run(self, tick: Tick | None, every: int) -> None:
        """Go on until nothing is left, then see what rests in the accounts."""
        while self.heap:
            if tick is not None and self.num_rows % every == 0:
                tick(self.progress())
            self.step()
            self.num_rows += 1
        for account in sorted(self.pools):
            self.settle(account, self.pools[account])

    def push(self, row: int) -> None:
        """Queue a transfer, once."""
        if row not in self.queued:
            self.queued.add(row)
            heapq.heappush(self.heap, -row if self.backward else row)

    def sides(self, row: int) -> tuple[int, int]:
        """Who gives and who takes, in the direction of the run."""
        sender, recipient = int(self.ledger.row_sender[row]), int(self.ledger.row_recipient[row])
        return (recipient, sender) if self.backward else (sender, recipient)

    def rows_of(self, account: int) -> AccountRows:
        """What moved at an account, in walking order. Cost: some 0.3 us a row, once."""
        known = self._rows.get(account)
        if known is None:
            ledger = self.ledger
            rows = ledger.rows_of_address(account)
            which = (ledger.row_asset[rows] == self.asset) & (ledger.row_failed[rows] == 0)
            which &= ledger.row_sender[rows] != ledger.row_recipient[rows]
            mine = rows[which]
            units = units_of(ledger, mine)
            amounts = np.where(ledger.row_sender[mine] == account, -units, units)
            self.openings[account] = -int(sums_of(amounts).min())
            if self.backward:
                mine, amounts = mine[::-1], np.ascontiguousarray(-amounts[::-1])
            known = AccountRows.of(mine, amounts)
            self._rows[account] = known
        return known

    def pool_of(self, account: int) -> Pool:
        """The account's pool, new if nothing followed has reached it or all of it has left."""
        pool = self.pools.get(account)
        if pool is None:
            self.rows_of(account)
            least = self.openings[account]
            if self.backward:
                least -= int(self._rows[account].sums[-1])
            pool = Pool(least, self.whole and not self.openings[account])
            if self.taped and least:
                pool.lots = deque([(least, False)])
            self.pools[account] = pool
        return pool

    def advance(self, account: int, pool: Pool, row: int) -> None:
        """Apply what moved at the account before a transfer: units nobody follows."""
        known = self.rows_of(account)
        place = bisect_left(known.rows, -row, key=_backward) if self.backward else bisect_left(
            known.rows, row
        )  # fmt: skip
        if not pool.high:
            # Nothing followed is here yet: only the balance moves, however many rows there are.
            pool.balance += int(known.sums[place]) - int(known.sums[pool.place])
            pool.place = place
            if self.taped:
                pool.lots = deque([(pool.balance, False)] if pool.balance else ())
            return
        self._walked += max(0, place - pool.place)
        self.kernels.walk_rows(pool, known.amounts, place, self.spec.policy, self._walked)

    def inside(self, row: int) -> bool:
        """Whether a transfer lies within the horizon."""
        until = self.spec.until_height
        if until is None:
            return True
        height = int(self.ledger.row_height[row])
        return height >= until if self.backward else height <= until

    def next_outflow(self, account: int, pool: Pool) -> int | None:
        """The next transfer by which units leave the account, inside the horizon or not."""
        known = self.rows_of(account)
        at = bisect_left(known.outflows, pool.place)
        return known.rows[known.outflows[at]] if at < len(known.outflows) else None

    def step(self) -> None:
        """Take the next transfer."""
        row = abs(heapq.heappop(self.heap))
        self.queued.discard(row)
        giver, taker = self.sides(row)
        units = self.ledger.amount(row)
        flow = None
        pool = self.pools.get(giver)
        if pool is not None:
            self.advance(giver, pool, row)
            flow = pool.take(units, self.spec.policy)
            pool.place += 1
            if pool.high:
                self.queue_next(giver, pool)
            else:
                del self.pools[giver]
        if row in self.is_seed:
            if flow is not None and flow.high:
                at = int(self.ledger.row_recipient[row])
                status = self.rest(row, at, units, flow, Status.IS_SEED)
                if not self.backward:
                    self.note(row, flow, status)
            hops = 1 if self.backward else 0
            whole = Flow(units, units, units, hops, [(units, True)] if self.taped else [])
            status = self.reach(row, taker, units, whole)
            if self.backward:
                self.note(row, whole, status)
        elif flow is not None and flow.high:
            self.note(row, flow, self.reach(row, taker, units, flow))

    def queue_next(self, account: int, pool: Pool) -> None:
        """Queue the transfer by which followed units leave next, if the run goes so far."""
        row = self.next_outflow(account, pool)
        if row is not None and self.inside(row):
            self.push(row)

    def reach(self, row: int, account: int, units: int, flow: Flow) -> str:
        """Note that followed units reached an account; returns what becomes of them."""
        self.depth = max(self.depth, flow.hops)
        if self.ledger.row_kind[row] == Kind.GAS and not self.backward:
            self.fees += flow.amount
            return "fee"
        if account != NO_ACCOUNT:
            self.addresses.add(account)
        if units < self.spec.min_value:
            return self.rest(row, account, units, flow, Status.BELOW_DUST)
        if account == NO_ACCOUNT:
            return self.rest(row, account, units, flow, self.beyond(row))
        wall = self.spec.walls.get(account)
        if wall is not None:
            return self.rest(row, account, units, flow, Status(wall))
        pool = self.pool_of(account)
        self.advance(account, pool, row)
        after = self.next_after(account, pool)
        limit = self.spec.max_hops
        if after is Status.PASSED_ON and limit is not None and flow.hops >= limit:
            status = self.rest(row, account, units, flow, Status.HOP_LIMIT)
            if not pool.high:
                del self.pools[account]
            return status
        pool.put(units, flow, taped=self.taped)
        pool.place += 1
        pool.last = row
        self.queue_next(account, pool)
        return after.value

    def next_after(self, account: int, pool: Pool) -> Status:
        """What becomes of units that come to rest here next."""
        row = self.next_outflow(account, pool)
        if row is not None:
            if self.inside(row):
                return Status.PASSED_ON
            return Status.BEFORE_HORIZON if self.backward else Status.AFTER_HORIZON
        return Status.OPENING if self.backward else Status.UNSPENT

    def beyond(self, row: int) -> Status:
        """The status at the zero address."""
        if not self.backward:
            return Status.BURNED
        return Status.COINBASE if self.ledger.row_kind[row] == Kind.REWARD else Status.MINTED

    def settle(self, account: int, pool: Pool) -> None:
        """Book what rests in an account when nothing moves any more."""
        if not pool.high:
            return
        status = self.next_after(account, pool)
        known = self.rows_of(account)
        rest = slice(pool.place, None)
        for row, amount in zip(known.rows[rest], known.amounts[rest].tolist(), strict=True):
            if not self.inside(row) or amount < 0:
                break
            pool.put(amount, None, taped=self.taped)
            pool.place += 1
        flow = Flow(pool.rest(self.spec.policy), pool.low, pool.high, pool.hops)
        self.rest(pool.last, account, max(pool.balance, 0), flow, status)

    def rest(self, row: int, account: int, value: int, flow: Flow, status: Status) -> str:
        """Book an end, or cut what is below the least amount; nothing of it is followed further."""
        least = self.spec.min_value
        if status is Status.BELOW_DUST or 0 < flow.amount < least:
            reason = Status.BELOW_DUST.value
            if flow.amount:
                self.cut[reason] = self.cut.get(reason, 0) + flow.amount
            return reason
        lots = self.lots(value, flow) if status is Status.EXCHANGE_BOUNDARY else ()
        end = AccountEnd(
            row, account, flow.amount, value, flow.low, flow.high, flow.hops, status, lots
        )
        if flow.amount:
            self.rested += flow.amount
            self.ends.append(end)
        elif flow.high >= max(1, least):
            self.possible.append(end)
        return status.value

    def lots(self, value: int, flow: Flow) -> Lots:
        """Where in a transfer that is followed in part the units lie; backward it is mirrored."""
        if self.backward or not 0 < flow.amount < value:
            return ()
        starts = accumulate((length for length, _followed in flow.lots), initial=0)
        return joined_lots(
            (start, length)
            for start, (length, followed) in zip(starts, flow.lots, strict=False)
            if followed
        )

    @property
    def at_ends(self) -> int:
        """What came to rest, summed over the ends."""
        return sum(end.amount for end in self.ends)

    def note(self, row: int, flow: Flow, status: str) -> None:
        """Keep a step for the drawing, up to the limit."""
        if not flow.amount:
            return
        self.num_steps += 1
        if len(self.steps) < STEP_LIMIT:
            fee = flow.amount if status == "fee" else 0
            self.steps.append(AccountStep(row, flow.came_by, flow.amount, fee, flow.hops, status))

    def progress(self) -> Progress:
        """How far the run is now; what rests in accounts counts as open until the end."""
        known = self.num_rows + len(self.heap)
        return Progress(
            addresses=len(self.addresses),
            transactions=self.num_rows,
            frontier=len(self.heap),
            depth=self.depth,
            explained_pct=self.num_rows * 100 // known if known else 100,
            checkpoint=self.dump,
        )

    def dump(self) -> Json:
        """The whole state as JSON; amounts are texts."""
        return {
            "version": STATE_VERSION,
            "spec": account_spec_key(self.spec, self.ledger),
            "heap": sorted(self.heap),
            "pools": [
                [
                    account, str(p.balance), p.known, p.place, str(p.amount), str(p.low),
                    str(p.high), p.hops, p.last, [[str(units), f] for units, f in p.lots],
                ]
                for account, p in sorted(self.pools.items())
            ],
            "ends": [end.to_row() for end in self.ends],
            "possible": [end.to_row() for end in self.possible],
            "steps": [
                [s.row, s.came_by, str(s.amount), str(s.fee), s.hops, s.status] for s in self.steps
            ],
            "cut": {reason: str(amount) for reason, amount in sorted(self.cut.items())},
            "addresses": sorted(self.addresses),
            "openings": {str(a): str(least) for a, least in sorted(self.openings.items())},
            "sums": [str(self.seeds), str(self.rested), str(self.fees)],
            "counts": [self.num_rows, self.num_steps, self.depth],
        }  # fmt: skip

    def load(self, state: Mapping[str, Any]) -> None:  # what `dump` wrote
        """Go back to a dumped state. Raises ParametersError if it belongs to another run."""
        key = account_spec_key(self.spec, self.ledger)
        if (state.get("version"), state.get("spec")) != (STATE_VERSION, key):
            raise ParametersError("The checkpoint belongs to another run, snapshot or engine.")
        self.heap = list(state["heap"])
        self.queued = {abs(row) for row in self.heap}
        for account, balance, known, place, amount, low, high, hops, last, lots in state["pools"]:
            self.pools[account] = Pool(
                int(balance), known, place, int(amount), int(low), int(high), hops, last,
                deque((int(units), followed) for units, followed in lots),
            )  # fmt: skip
        self.ends = [AccountEnd.from_row(row) for row in state["ends"]]
        self.possible = [AccountEnd.from_row(row) for row in state["possible"]]
        self.steps = [
            AccountStep(row, by, int(amount), int(fee), hops, status)
            for row, by, amount, fee, hops, status in state["steps"]
        ]
        self.cut = {k: int(v) for k, v in cast("dict[str, str]", state["cut"]).items()}
        self.addresses = set(state["addresses"])
        self.openings = {int(a): int(least) for a, least in state["openings"].items()}
        self.seeds, self.rested, self.fees = map(int, state["sums"])
        self.num_rows, self.num_steps, self.depth = state["counts"]


def _backward(row: int) -> int:
    return -row


def account_spec_key(spec: TraceSpec, ledger: AccountLedger) -> list[object]:
    """What a checkpoint must share with the run that resumes it."""
    return [
        ledger.name,
        ledger.epoch,
        ledger.height,
        ledger.tip_hash,
        spec.policy,
        spec.direction,
        list(spec.seeds),
        spec.max_hops,
        str(spec.min_value),
        spec.until_height,
        spec.boundaries_sha256,
    ]
