"""Paths by which value can have gone from one wallet set to another, in time order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tracing.engine.ends import places_of, utc_text
from tracing.engine.kernels import PLAIN, Kernels
from tracing.engine.ledger import Ledger
from tracing.engine.seal import sealed
from tracing.engine.search import AHEAD, BEHIND, Path, Search, Searching
from tracing.engine.spec import Json, PathsSpec
from tracing.engine.walk import Progress, Tick


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


def find_paths(
    spec: PathsSpec, ledger: Ledger, tick: Tick | None = None, *, kernels: Kernels = PLAIN
) -> PathsResult:
    """The best paths between two sets of coins, by the least amount on the way, then by time.

    A path is a chain of transactions, each spending a coin the one before it made: value cannot
    run back in time.
    The amount of a step is the sum of the coins that take it.

    Args:
        tick: called once a layer; it may raise to stop the search.
        kernels: what carries a large search; never a part of the result.

    Cost: two breadth-first searches of half the depth each, bounded by `visit_limit`; then dynamic
    programming over the transactions that lie on some path, with `num_best` kept per transaction
    and length.
    """
    search: Searching = Search(spec, ledger)
    depths = [1, 1]
    truncated = False
    while sum(depths) <= spec.max_depth and any(search.widths):
        depth = sum(depths) - 1
        if tick is not None:
            tick(_progress(spec, search.num_seen, sum(search.widths), depth))
        if search.num_seen > spec.visit_limit:
            truncated = True
            break
        search = kernels.search(search)
        # An exhausted side costs nothing to widen, and says nothing more is to be found there.
        front, back = search.widths
        side = AHEAD if front <= back else BEHIND
        depths[side] += 1
        search.widen(side)
    searched = sum(depths) - 1 if truncated else spec.max_depth
    paths = kernels.search(search).best(searched)
    return PathsResult(
        spec=spec,
        ledger=ledger,
        paths=tuple(paths[: spec.num_best]),
        searched_depth=searched,
        truncated=truncated or len(paths) > spec.num_best,
        num_transactions=search.num_transactions,
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


def _path_json(ledger: Ledger, path: Path) -> Json:
    places = places_of(ledger, path.coins)
    return {
        "txids": [ledger.txid(tx) for tx in path.txs],
        "addresses": [place.address for place in places],
        "outpoints": [place.outpoint for place in places],
        "amount": str(path.amount),
        "hops": path.hops,
        "first_at": utc_text(int(ledger.tx_time[path.txs[0]])),
        "last_at": utc_text(int(ledger.tx_time[path.txs[-1]])),
    }
