"""The search for paths in plain Python: breadth first from both ends, then the best in between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from tracing.engine.coinjoin import is_coinjoin
from tracing.engine.ledger import UNKNOWN_OUTPUT, UNSPENT, Ledger
from tracing.engine.spec import PathsSpec

AHEAD: Final = 0
BEHIND: Final = 1


@dataclass(frozen=True)
class Path:
    """Transactions in time order; `amount` is the least sum that passes between two neighbours."""

    amount: int
    txs: tuple[int, ...]
    coins: tuple[int, ...]

    @property
    def hops(self) -> int:
        """Number of transactions."""
        return len(self.txs)


class Searching(Protocol):
    """A search under way, by either twin; see `Search`."""

    @property
    def num_seen(self) -> int:
        """Transactions looked at from either side, those of both twice."""

    @property
    def num_transactions(self) -> int:
        """Transactions looked at."""

    @property
    def widths(self) -> tuple[int, int]:
        """Transactions whose neighbours were not looked at yet, by side."""

    def widen(self, side: int) -> None:
        """Look one layer further on one side."""

    def best(self, max_depth: int) -> list[Path]:
        """The best paths of at most so many transactions, one more than asked for if there are."""


class Search:
    """Breadth first from both ends; coins of the two sets only begin and end paths.

    `seen` and `fronts` are transactions by side: AHEAD of the sources, and BEHIND the targets.
    """

    def __init__(self, spec: PathsSpec, ledger: Ledger) -> None:
        self.spec = spec
        self.ledger = ledger
        self.sources = frozenset(spec.sources)
        self.targets = frozenset(spec.targets)
        self.walls = spec.walls
        self.opened: dict[int, bool] = {}
        self.fronts = (
            _present(self.spender(coin) for coin in spec.sources if self.worth(coin)),
            _present(self.maker(coin) for coin in spec.targets if self.worth(coin)),
        )
        self.seen = (set(self.fronts[AHEAD]), set(self.fronts[BEHIND]))

    @property
    def num_seen(self) -> int:
        """Transactions looked at from either side, those of both twice."""
        return len(self.seen[AHEAD]) + len(self.seen[BEHIND])

    @property
    def num_transactions(self) -> int:
        """Transactions looked at."""
        return len(self.seen[AHEAD] | self.seen[BEHIND])

    @property
    def widths(self) -> tuple[int, int]:
        """Transactions whose neighbours were not looked at yet, by side."""
        return len(self.fronts[AHEAD]), len(self.fronts[BEHIND])

    def widen(self, side: int) -> None:
        """Look one layer further on one side. Cost: O(coins of its front)."""
        neighbours = self.behind if side else self.ahead
        seen, front = self.seen[side], self.fronts[side]
        found = {near for tx in front for near in neighbours(tx)} - seen
        seen |= found
        front[:] = sorted(found)

    def best(self, max_depth: int) -> list[Path]:
        """The best paths of at most so many transactions, one more than asked for if there are.

        Cost: for each transaction on some path and each length, `num_best` paths of the
        transactions before it.
        """
        return _best(self, _between(self), max_depth)

    def open(self, tx: int) -> bool:
        """Whether a path may lead through the transaction at all."""
        known = self.opened.get(tx)
        if known is None:
            until = self.spec.until_height
            late = until is not None and int(self.ledger.tx_height[tx]) > until
            known = not late and not (self.spec.coinjoin == "stop" and is_coinjoin(self.ledger, tx))
            self.opened[tx] = known
        return known

    def worth(self, coin: int) -> bool:
        """Whether the coin is large enough to count."""
        return int(self.ledger.out_value[coin]) >= max(1, self.spec.min_value)

    def inner(self, coin: int) -> bool:
        """Whether a path may pass on through this coin."""
        return (
            coin not in self.sources
            and coin not in self.targets
            and int(self.ledger.out_address[coin]) not in self.walls
            and self.worth(coin)
        )

    def spender(self, coin: int) -> int | None:
        """The transaction that spends the coin, if a path may lead through it."""
        spent = int(self.ledger.out_spent_in[coin])
        if spent == UNSPENT or spent >= self.ledger.num_inputs:
            return None
        tx = int(self.ledger.in_tx[spent])
        return tx if self.open(tx) else None

    def maker(self, coin: int) -> int | None:
        """The transaction that made the coin, if a path may lead through it."""
        tx = int(self.ledger.out_tx[coin])
        return tx if not self.ledger.tx_coinbase[tx] and self.open(tx) else None

    def made(self, tx: int) -> range:
        """Outputs of a transaction."""
        return range(int(self.ledger.out_off[tx]), int(self.ledger.out_off[tx + 1]))

    def spent(self, tx: int) -> list[int]:
        """Outputs a transaction spends, as far as the ledger holds them."""
        first, end = int(self.ledger.in_off[tx]), int(self.ledger.in_off[tx + 1])
        coins: list[int] = self.ledger.in_out[first:end].tolist()
        return [coin for coin in coins if coin != UNKNOWN_OUTPUT]

    def ahead(self, tx: int) -> set[int]:
        """Transactions that directly spend what this one made."""
        found = (self.spender(coin) for coin in self.made(tx) if self.inner(coin))
        return {tx for tx in found if tx is not None}

    def behind(self, tx: int) -> set[int]:
        """Transactions that directly made what this one spends."""
        found = (self.maker(coin) for coin in self.spent(tx) if self.inner(coin))
        return {tx for tx in found if tx is not None}


def _present(txs: Iterable[int | None]) -> list[int]:
    return sorted({tx for tx in txs if tx is not None})


def _between(search: Search) -> list[int]:
    """Transactions that lie on some path through a meeting point, in chain order."""
    met = search.seen[AHEAD] & search.seen[BEHIND]
    kept = set(met)
    for seen, neighbours in zip(search.seen, (search.behind, search.ahead), strict=True):
        queue = sorted(met)
        while queue:
            for near in neighbours(queue.pop()):
                if near in seen and near not in kept:
                    kept.add(near)
                    queue.append(near)
    return sorted(kept)


def _best(search: Search, txs: list[int], max_depth: int) -> list[Path]:
    """Best partial paths by transaction and length, carried on in chain order."""
    keep = search.spec.num_best + 1
    kept = set(txs)
    partial: dict[int, dict[int, list[Path]]] = {}
    finished: list[Path] = []
    for tx in txs:
        mine = partial.setdefault(tx, {})
        entered = [
            coin for coin in search.spent(tx) if coin in search.sources and search.worth(coin)
        ]
        if entered:
            amount, lead = _sum(search, entered)
            mine.setdefault(1, []).append(Path(amount, (tx,), (lead,)))
        for length in mine:
            mine[length] = sorted(mine[length], key=_rank)[:keep]
        left = [coin for coin in search.made(tx) if coin in search.targets and search.worth(coin)]
        if left:
            amount, lead = _sum(search, left)
            finished += [
                Path(min(path.amount, amount), path.txs, (*path.coins, lead))
                for paths in mine.values()
                for path in paths
            ]
        onward: dict[int, list[int]] = {}
        for coin in search.made(tx):
            spender = search.spender(coin) if search.inner(coin) else None
            if spender is not None and spender in kept:
                onward.setdefault(spender, []).append(coin)
        for near, coins in onward.items():
            amount, lead = _sum(search, coins)
            for length, paths in mine.items():
                if length < max_depth:
                    partial.setdefault(near, {}).setdefault(length + 1, []).extend(
                        Path(min(path.amount, amount), (*path.txs, near), (*path.coins, lead))
                        for path in paths
                    )
    return sorted(finished, key=_rank)[:keep]


def _sum(search: Search, coins: list[int]) -> tuple[int, int]:
    """Value of the coins together, and the largest of them, the first if several are."""
    values = [int(search.ledger.out_value[coin]) for coin in coins]
    return sum(values), coins[values.index(max(values))]


def _rank(path: Path) -> tuple[int, int, int, tuple[int, ...]]:
    """Largest amount, then earliest arrival, then fewest hops, then chain order."""
    return -path.amount, path.txs[-1], len(path.txs), path.txs
