"""Paths by which value can have gone from one wallet set to another, in time order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from tracing.engine.coinjoin import is_coinjoin
from tracing.engine.ends import place_of, utc_text
from tracing.engine.ledger import UNKNOWN_OUTPUT, UNSPENT, Ledger
from tracing.engine.seal import sealed
from tracing.engine.spec import Json, PathsSpec
from tracing.engine.walk import Progress, Tick


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


@dataclass(frozen=True)
class PathsResult:
    """Paths found, best first.

    `searched_depth` is the depth up to which no path is missing; `truncated` says that it is less
    than asked, or that there are more paths than were asked for.
    """

    spec: PathsSpec
    ledger: Ledger
    paths: tuple[Path, ...]
    searched_depth: int
    truncated: bool
    num_transactions: int

    @cached_property
    def json(self) -> Json:
        """The sealed result; the addresses of a path are one more than its hops."""
        body: Json = {
            "paths": [_path_json(self.ledger, path) for path in self.paths],
            "searched_depth": self.searched_depth,
            "truncated": self.truncated,
            "counts": {"paths": len(self.paths), "transactions": self.num_transactions},
        }
        return sealed(
            body,
            ledger=self.ledger,
            parameters=self.spec.parameters,
            boundaries=self.spec.boundaries_sha256,
            tag_set=self.spec.tag_set,
        )


class _Search:
    """Breadth first from both ends; coins of the two sets only begin and end paths."""

    def __init__(self, spec: PathsSpec, ledger: Ledger) -> None:
        self.spec = spec
        self.ledger = ledger
        self.sources = frozenset(spec.sources)
        self.targets = frozenset(spec.targets)
        self.walls = spec.walls
        self.opened: dict[int, bool] = {}

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


def find_paths(spec: PathsSpec, ledger: Ledger, tick: Tick | None = None) -> PathsResult:
    """The best paths between two sets of coins, by the least amount on the way, then by time.

    A path is a chain of transactions, each spending a coin the one before it made: value cannot
    run back in time.
    The amount of a step is the sum of the coins that take it.

    Args:
        tick: called once a layer; it may raise to stop the search.

    Cost: two breadth-first searches of half the depth each, bounded by `visit_limit`; then dynamic
    programming over the transactions that lie on some path, with `num_best` kept per transaction
    and length.
    """
    search = _Search(spec, ledger)
    starts = _present(search.spender(c) for c in spec.sources if search.worth(c))
    goals = _present(search.maker(c) for c in spec.targets if search.worth(c))
    ahead: dict[int, int] = dict.fromkeys(starts, 1)
    behind: dict[int, int] = dict.fromkeys(goals, 1)
    front, back = starts, goals
    depth_ahead = depth_behind = 1
    truncated = False
    while depth_ahead + depth_behind <= spec.max_depth and (front or back):
        depth = depth_ahead + depth_behind - 1
        if tick is not None:
            tick(_progress(spec, len(ahead) + len(behind), len(front) + len(back), depth))
        if len(ahead) + len(behind) > spec.visit_limit:
            truncated = True
            break
        # An exhausted side costs nothing to widen, and says nothing more is to be found there.
        if len(front) <= len(back):
            depth_ahead += 1
            front = _layer(front, search.ahead, ahead, depth_ahead)
        else:
            depth_behind += 1
            back = _layer(back, search.behind, behind, depth_behind)
    searched = depth_ahead + depth_behind - 1 if truncated else spec.max_depth
    on_path = _between(search, ahead, behind)
    paths = _best(search, on_path, searched)
    return PathsResult(
        spec=spec,
        ledger=ledger,
        paths=tuple(paths[: spec.num_best]),
        searched_depth=searched,
        truncated=truncated or len(paths) > spec.num_best,
        num_transactions=len(ahead.keys() | behind.keys()),
    )


def _progress(spec: PathsSpec, seen: int, frontier: int, depth: int) -> Progress:
    """A search starts again from the beginning: its checkpoint is empty."""
    return Progress(
        addresses=0,
        transactions=seen,
        frontier=frontier,
        depth=depth,
        explained_pct=depth * 100 // spec.max_depth,
        checkpoint=dict,
    )


def _present(txs: Iterable[int | None]) -> list[int]:
    return sorted({tx for tx in txs if tx is not None})


def _layer(
    front: list[int], neighbours: Callable[[int], set[int]], seen: dict[int, int], depth: int
) -> list[int]:
    """The next layer, noted in `seen`."""
    found = {near for tx in front for near in neighbours(tx)} - seen.keys()
    seen.update(dict.fromkeys(found, depth))
    return sorted(found)


def _between(search: _Search, ahead: dict[int, int], behind: dict[int, int]) -> list[int]:
    """Transactions that lie on some path through a meeting point, in chain order."""
    kept = ahead.keys() & behind.keys()
    for seen, neighbours in ((ahead, search.behind), (behind, search.ahead)):
        queue = sorted(kept & seen.keys())
        kept = set(kept)
        while queue:
            for near in neighbours(queue.pop()):
                if near in seen and near not in kept:
                    kept.add(near)
                    queue.append(near)
    return sorted(kept)


def _best(search: _Search, txs: list[int], max_depth: int) -> list[Path]:
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


def _sum(search: _Search, coins: list[int]) -> tuple[int, int]:
    """Value of the coins together, and the largest of them, the first if several are."""
    values = [int(search.ledger.out_value[coin]) for coin in coins]
    return sum(values), coins[values.index(max(values))]


def _rank(path: Path) -> tuple[int, int, int, tuple[int, ...]]:
    """Largest amount, then earliest arrival, then fewest hops, then chain order."""
    return -path.amount, path.txs[-1], len(path.txs), path.txs


def _path_json(ledger: Ledger, path: Path) -> Json:
    places = [place_of(ledger, coin) for coin in path.coins]
    return {
        "txids": [ledger.txid(tx) for tx in path.txs],
        "addresses": [place.address for place in places],
        "outpoints": [place.outpoint for place in places],
        "amount": str(path.amount),
        "hops": path.hops,
        "first_at": utc_text(int(ledger.tx_time[path.txs[0]])),
        "last_at": utc_text(int(ledger.tx_time[path.txs[-1]])),
    }
