"""Money followed through the exchange's own books, by the policies and bounds of every trace.

deposit -> conversion -> internal transfer -> withdrawal: each line of the books takes units out of
what an account holds of one asset and puts them into another holding, or out of the house. Lines
are taken in the order of the books, each once, so when one is taken everything that came before is
in the holding already. An account is read from its first line on: what it held before anything
followed arrived counts as not followed.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tracing.engine.booklines import (
    OUTSIDE,
    AssetSheet,
    Books,
    BookTrace,
    Held,
    Hop,
    Line,
    Place,
    Seed,
)
from tracing.engine.bounds import of_part
from tracing.engine.policies import haircut_shares
from tracing.engine.pools import Flow, Lot, Pool, opening
from tracing.errors import BalanceError, ParametersError

POLICIES: Final = ("haircut", "fifo", "lifo", "poison")
MOST_ACCOUNTS: Final = 200
MOST_LINES: Final = 100_000
"""Lines in all, about two seconds of them; past it no further account is entered."""


def follow_books(
    seeds: Iterable[Seed], accounts: Iterable[str], books: Books, policy: str,
    most_accounts: int = MOST_ACCOUNTS,
) -> BookTrace:  # fmt: skip
    """Follow deposits through the books to what is held and what left.

    Args:
        accounts: whose lines the seeds are. policy: one of POLICIES.
        most_accounts: beyond these, or MOST_LINES, nobody's lines are read; what reaches others is
            cut.

    Raises ParametersError for a policy that is not known; BalanceError if an asset does not
    reconcile to zero.

    Cost: O(lines of the accounts reached, times the log of their number).
    Source: the recurrences of `docs/tracing.md`, "Through the books".
    """
    if policy not in POLICIES:
        raise ParametersError(f"There is no policy {policy!r}: take one of {', '.join(POLICIES)}.")
    walk = _Walk({seed.ref: seed for seed in seeds}, books, policy, most_accounts)
    for account in sorted(set(accounts)):
        walk.read(account, None)
    while walk.heap:
        walk.step(heapq.heappop(walk.heap)[1])
    return walk.finish()


class _Walk:
    """One answer under way."""

    def __init__(
        self, seeds: Mapping[str, Seed], books: Books, policy: str, most_accounts: int
    ) -> None:
        self.seeds, self.books = dict(seeds), books
        self.policy, self.most_accounts = policy, most_accounts
        self.taped = policy in ("fifo", "lifo")
        self.pools: dict[tuple[str, str], Pool] = {}
        self.known: dict[str, bool] = {}  # account -> whether its lines could be read
        self.heap: list[tuple[Place, Line]] = []
        self.queued: set[Place] = set()
        self.hops: list[Hop] = []
        self.sheets: dict[str, AssetSheet] = {}
        self.num_lines = 0

    def read(self, account: str, since: Place | None) -> str:
        """Take in an account as it stood before a line; returns why not, or nothing."""
        if account in self.known:
            return "" if self.known[account] else "too_many_lines"
        if sum(self.known.values()) >= self.most_accounts:
            return "account_limit"
        if self.num_lines >= MOST_LINES:
            return "line_limit"
        lines = self.books.lines(account)
        self.known[account] = lines is not None
        if lines is None:
            return "too_many_lines"
        self.num_lines += len(lines)
        self.open(account, lines)
        for line in lines:
            if since is not None and line.place < since:
                self.apply_clean(line, account)
            elif line.place != since and line.place not in self.queued:
                self.queued.add(line.place)
                heapq.heappush(self.heap, (line.place, line))
        return ""

    def open(self, account: str, lines: Sequence[Line]) -> None:
        """The holdings before the first line: what is there now less all that moved.

        Where that is not known, the least that the later lines prove; the bounds then take no
        account of it.
        """
        moved: dict[str, list[int]] = {}
        for line in lines:
            if line.account == account:
                moved.setdefault(line.asset, []).append(-line.units)
            if line.to_account == account:
                moved.setdefault(line.to_asset, []).append(line.below + line.to_units)
        now = self.books.holdings(account)
        for asset, amounts in moved.items():
            least = opening(amounts)
            before = now.get(asset, sum(amounts) + least) - sum(amounts)
            is_known = before >= least and (asset in now or not least)
            start = before if is_known else least
            pool = Pool(start, is_known)
            if self.taped and start:
                pool.lots = deque([(start, False)])
            self.pools[account, asset] = pool

    def apply_clean(self, line: Line, account: str) -> None:
        """A line of an account from before anything followed reached it."""
        if line.account == account:
            self.pools[account, line.asset].take(line.units, self.policy)
        if line.to_account == account:
            self.put(line, None)

    def put(self, line: Line, flow: Flow | None) -> None:
        """Lay what a line brings into the holding that it reaches."""
        pool = self.pools[line.to_account, line.to_asset]
        if line.below:
            pool.put(line.below, None, taped=self.taped)
        pool.put(line.to_units, flow, taped=self.taped)

    def step(self, line: Line) -> None:
        """Take the next line."""
        seed = self.seeds.pop(line.ref, None) if line.account == OUTSIDE else None
        flow = self.brought(line, seed) if seed is not None else self.taken(line)
        if flow is None:
            if self.known.get(line.to_account):
                self.put(line, None)
            return
        net, fee = self.less_fee(line, flow)
        there = self.changed(line, net)
        status = self.arrive(line, there)
        self.book(line, seed, net.amount, fee, there.amount, status)
        self.hops.append(
            Hop(
                line, flow.amount, flow.low, flow.high, there.amount, there.low, there.high, fee,
                flow.hops, status,
            )
        )  # fmt: skip

    def brought(self, line: Line, seed: Seed) -> Flow | None:
        """What a seed brings; no more than its line."""
        units = min(seed.units, line.units)
        lots: list[Lot] = []
        if self.taped:
            lots = list(seed.lots)
            if sum(length for length, _ in lots) != line.units:
                lots = [(line.units - units, False), (units, True)]
            units = sum(length for length, followed in lots if followed)
            lots = [lot for lot in lots if lot[0]]
        low, high = min(seed.low, units), min(max(seed.high, units), line.units)
        if self.policy == "poison":
            units = line.units
        return Flow(units, low, high, 1, lots) if high else None

    def taken(self, line: Line) -> Flow | None:
        """Followed units that a line takes out of a holding; None where there are none."""
        if not self.known.get(line.account):
            return None
        pool = self.pools[line.account, line.asset]
        is_clean = not pool.high
        flow = pool.take(line.units, self.policy)
        return None if is_clean or not flow.high else flow

    def less_fee(self, line: Line, flow: Flow) -> tuple[Flow, int]:
        """What goes on, and what of the fee is followed: the fee is the last part of a line."""
        net = line.units - line.fee
        if not line.fee:
            return flow, 0
        low, high = of_part(net, line.units, flow.low, flow.high)
        lots: list[Lot] = []
        if self.policy == "haircut":
            amount = haircut_shares(flow.amount, [net], line.units)[0]
        elif self.policy == "poison":
            amount = net
        else:
            lots = _window(flow.lots, net, from_the_end=self.policy == "lifo")
            amount = sum(length for length, followed in lots if followed)
        rest = line.fee if self.policy == "poison" else flow.amount - amount
        return replace(flow, amount=amount, low=low, high=high, lots=lots), rest

    def changed(self, line: Line, flow: Flow) -> Flow:
        """The same units as they arrive: after a conversion a share of what came for them."""
        given, taken = line.units - line.fee, line.to_units
        if given == taken or not given:
            return flow
        low, high = flow.low * taken // given, -(-flow.high * taken // given)
        if self.policy == "poison":
            return replace(flow, amount=taken, low=low, high=high)
        if not self.taped:
            return replace(flow, amount=flow.amount * taken // given, low=low, high=high)
        lots: list[Lot] = []
        before = position = 0
        for length, followed in flow.lots:
            position += length
            after = position * taken // given
            lots.append((after - before, followed))
            before = after
        amount = sum(length for length, followed in lots if followed)
        # A tape loses or gains less than a unit a piece: the bounds give way by as much.
        low, high = min(low, amount), max(high, amount)
        return replace(flow, amount=amount, low=low, high=high, lots=lots)

    def arrive(self, line: Line, flow: Flow) -> str:
        """Put followed units where they go; returns what becomes of them."""
        if line.to_account == OUTSIDE:
            return "left" if line.units > line.fee else "fee"
        refused = self.read(line.to_account, line.place)
        if refused:
            return refused
        self.put(line, flow)
        return "passed_on"

    def book(
        self, line: Line, seed: Seed | None, net: int, fee: int, arrived: int, status: str
    ) -> None:
        """Enter a line into the balance sheets of its assets."""
        sheet, other = self.sheet(line.asset), self.sheet(line.to_asset)
        if seed is not None:
            sheet.seeds += net + fee
        sheet.fees += fee
        if line.asset != line.to_asset:
            sheet.converted_out += net
            other.converted_in += arrived
        if status == "left":
            other.left += arrived
        elif status not in ("passed_on", "fee"):
            other.cut[status] = other.cut.get(status, 0) + arrived

    def sheet(self, asset: str) -> AssetSheet:
        """The sheet of an asset, new where it is the first time."""
        if asset not in self.sheets:
            self.sheets[asset] = AssetSheet(conserved=self.policy != "poison")
        return self.sheets[asset]

    def finish(self) -> BookTrace:
        """What rests where, and the proof that nothing was lost."""
        held = []
        for (account, asset), pool in sorted(self.pools.items()):
            if not pool.high:
                continue
            amount = pool.rest(self.policy)
            held.append(Held(account, asset, amount, pool.balance, pool.low, pool.high, pool.hops))
            self.sheet(asset).held += amount
        for asset, sheet in self.sheets.items():
            if sheet.difference:
                raise BalanceError(
                    f"The books of {asset} are off by {sheet.difference} base units. "
                    "No result was made."
                )
        return BookTrace(
            self.policy, tuple(self.hops), tuple(held), tuple(self.wishes()),
            dict(sorted(self.sheets.items())), tuple(sorted(self.seeds)),
            sum(self.known.values()), self.num_lines,
        )  # fmt: skip

    def wishes(self) -> Iterator[Hop]:
        """What was asked for and not done, as if each were done alone with what is held now."""
        for account in sorted(account for account, is_read in self.known.items() if is_read):
            for line, state in self.books.asked(account):
                pool = self.pools.get((account, line.asset))
                if pool is None or not pool.high:
                    continue
                units = min(line.units, pool.balance)
                tried = replace(pool, lots=deque(pool.lots))
                flow = tried.take(units, self.policy)
                net, fee = self.less_fee(replace(line, units=units, fee=min(line.fee, units)), flow)
                if flow.high:
                    yield Hop(
                        line, flow.amount, flow.low, flow.high, net.amount, net.low, net.high, fee,
                        flow.hops, state,
                    )  # fmt: skip


def _window(lots: Sequence[Lot], units: int, *, from_the_end: bool) -> list[Lot]:
    """So many units from one end of a tape, in forward order."""
    found: list[Lot] = []
    for length, followed in reversed(lots) if from_the_end else lots:
        if not units:
            break
        part = min(length, units)
        found.append((part, followed))
        units -= part
    return found[::-1] if from_the_end else found
