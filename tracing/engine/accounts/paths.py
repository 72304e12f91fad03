"""Paths by which one asset can have gone from one set of accounts to another, in time order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from tracing.engine.accounts.index import NO_ACCOUNT
from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.accounts.rows import Kind
from tracing.engine.accounts.trace import asset_json
from tracing.engine.ends import utc_text
from tracing.engine.seal import sealed
from tracing.engine.spec import Json, PathsSpec
from tracing.engine.walk import Progress, Tick

ROWS_OF_ONE: Final = 20_000
"""Payments of one account that a path may leave by; an account with more is a service in all but
name, and the search says that it was cut short.
"""


@dataclass(frozen=True)
class AccountPath:
    """Transfers in time order, each paid by the one paid before; `amount` is the least of them."""

    amount: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class AccountPathsResult:
    """Paths found, best first; see `tracing.engine.paths.PathsResult`."""

    spec: PathsSpec
    ledger: AccountLedger
    paths: tuple[AccountPath, ...]
    searched_depth: int
    truncated: bool
    num_transfers: int

    @cached_property
    def json(self) -> Json:
        """The sealed result; the addresses of a path are one more than its hops."""
        asset = int(self.ledger.row_asset[self.spec.targets[0]])
        body: Json = {
            "asset": asset_json(self.ledger, asset),
            "paths": [_path_json(self.ledger, path) for path in self.paths],
            "searched_depth": self.searched_depth,
            "truncated": self.truncated,
            "counts": {"paths": len(self.paths), "transactions": self.num_transfers},
        }
        return sealed(
            body,
            ledger=self.ledger,
            parameters=self.spec.parameters,
            boundaries=self.spec.boundaries_sha256,
            tag_set=self.spec.tag_set,
        )


class _Search:
    """Layers of transfers outward from the sources; sources and targets only begin and end paths.

    Of the ways to one transfer by so many hops the ones with the largest least amount are kept.
    """

    def __init__(self, spec: PathsSpec, ledger: AccountLedger) -> None:
        self.spec = spec
        self.ledger = ledger
        self.asset = int(ledger.row_asset[spec.targets[0]])
        self.targets = frozenset(spec.targets)
        self.source_accounts = {int(ledger.row_sender[row]) for row in spec.sources}
        self.target_accounts = {int(ledger.row_recipient[row]) for row in spec.targets}
        self.seen: set[int] = set()
        self.truncated = False
        self._paid: dict[int, np.ndarray] = {}

    def paid_by(self, account: int) -> np.ndarray:
        """Transfers of the asset that the account pays, ascending."""
        rows = self._paid.get(account)
        if rows is None:
            ledger, rows = self.ledger, self.ledger.rows_of_address(account)
            which = (ledger.row_sender[rows] == account) & (ledger.row_asset[rows] == self.asset)
            which &= (ledger.row_failed[rows] == 0) & (ledger.row_kind[rows] != Kind.GAS)
            which &= ledger.row_recipient[rows] != account
            if self.spec.until_height is not None:
                which &= ledger.row_height[rows] <= self.spec.until_height
            rows = rows[which]
            self._paid[account] = rows
        return rows

    def open(self, account: int) -> bool:
        """Whether a path may pass on through the account."""
        return (
            account != NO_ACCOUNT
            and account not in self.spec.walls
            and account not in self.target_accounts
            and account not in self.source_accounts
        )

    def ahead(self, row: int) -> list[int]:
        """Transfers by which units that came by this one may have left."""
        account = int(self.ledger.row_recipient[row])
        if not self.open(account):
            return []
        rows = self.paid_by(account)
        later = rows[np.searchsorted(rows, row, side="right") :]
        if len(later) > ROWS_OF_ONE:
            self.truncated = True
            later = later[:ROWS_OF_ONE]
        return [each for each in later.tolist() if self.worth(each)]

    def worth(self, row: int) -> bool:
        """Whether a transfer is large enough to count."""
        return self.ledger.amount(row) >= max(1, self.spec.min_value)


def find_account_paths(
    spec: PathsSpec, ledger: AccountLedger, tick: Tick | None = None
) -> AccountPathsResult:
    """The best paths between two sets of accounts: by the least amount on the way, then by time.

    A path is a chain of transfers of one asset, each paid by whom the one before it paid, and
    later: value cannot run back in time. It passes no wall.

    Args:
        tick: called once a layer; it may raise to stop the search.

    Cost: a layer at a time, bounded by `visit_limit` transfers in all.
    """
    search = _Search(spec, ledger)
    keep = spec.num_best + 1
    layer: dict[int, list[AccountPath]] = {}
    for row in spec.sources:
        late = spec.until_height is not None and int(ledger.row_height[row]) > spec.until_height
        if not late and search.worth(row) and not ledger.row_failed[row]:
            layer[row] = [AccountPath(ledger.amount(row), (row,))]
    finished: list[AccountPath] = []
    searched = 0
    while layer and searched < spec.max_depth:
        searched += 1
        search.seen.update(layer)
        if tick is not None:
            tick(_progress(spec, len(search.seen), len(layer), searched))
        finished += [path for row in search.targets & layer.keys() for path in layer[row]]
        if len(search.seen) > spec.visit_limit:
            search.truncated = True
            break
        layer = _next_layer(search, layer, keep) if searched < spec.max_depth else {}
    depth = searched if search.truncated else spec.max_depth
    ranked = sorted(finished, key=_rank)
    return AccountPathsResult(
        spec=spec,
        ledger=ledger,
        paths=tuple(ranked[: spec.num_best]),
        searched_depth=depth,
        truncated=search.truncated or len(ranked) > spec.num_best,
        num_transfers=len(search.seen),
    )


def _next_layer(
    search: _Search, layer: dict[int, list[AccountPath]], keep: int
) -> dict[int, list[AccountPath]]:
    found: dict[int, list[AccountPath]] = {}
    for row in sorted(layer):
        for near in search.ahead(row):
            amount = search.ledger.amount(near)
            found.setdefault(near, []).extend(
                AccountPath(min(path.amount, amount), (*path.rows, near)) for path in layer[row]
            )
    return {row: sorted(paths, key=_rank)[:keep] for row, paths in found.items()}


def _rank(path: AccountPath) -> tuple[int, int, int, tuple[int, ...]]:
    """Largest least amount, then earliest arrival, then fewest hops."""
    return -path.amount, path.rows[-1], len(path.rows), path.rows


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


def _path_json(ledger: AccountLedger, path: AccountPath) -> Json:
    accounts = [int(ledger.row_sender[path.rows[0]])]
    accounts += [int(ledger.row_recipient[row]) for row in path.rows]
    last = path.rows[-1]
    return {
        "amount": str(path.amount),
        "hops": len(path.rows),
        "txids": [ledger.txid(int(ledger.row_tx[row])) for row in path.rows],
        "outpoints": [ledger.outpoint(row) for row in path.rows],
        "addresses": [ledger.address_text(account) for account in accounts],
        "first_at": utc_text(int(ledger.row_time[path.rows[0]])),
        "last_at": utc_text(int(ledger.row_time[last])),
    }
