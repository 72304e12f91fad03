"""Figures of customers over a table of their movements, for the learned score of a large exchange.

The same whole numbers as `cases.detection.features` finds row by row: MONEY there names and defines
them. A table has account, seq (the order of its rows), at (seconds), kind, asset, asset_out, cents,
cents_out (null: no price).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import ibis

from tracing.compute import Place
from tracing.compute.engines import Engine, Expr, open_engine, whole

INWARD: Final = ("deposit", "fiat_in", "internal_in")
OUTWARD: Final = ("withdrawal", "fiat_out", "internal_out")
TRADES: Final = ("conversion", "trade")
DAY: Final = 86_400
Limits = Mapping[str, int]


def customer_figures(
    path: str, place: Place, limits: Limits, privacy: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """One row an account, in order of accounts, over a Parquet file as the engine sees it.

    Args:
        limits: `large`, `near`, `small` (cents), `quick` (seconds), `night_ends` (hour).

    Raises ComputeError. Cost: one scan, and one sort of each account's rows by time.
    """
    with open_engine(place.url, Path(place.folder), place.memory) as engine:
        yield from _rows(engine, engine.read(path), limits, privacy)


def _rows(
    engine: Engine, table: Expr, limits: Limits, privacy: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    rows = _marked(table, limits, privacy)
    found = rows.group_by("account").agg(**_sums(rows))
    days = rows.group_by("account", "day").agg(num=rows.count())
    most = days.group_by("account").agg(num_days=days.count(), most_in_a_day=whole(days.num.max()))
    joined = found.join(most, "account").order_by("account")
    for row in engine.rows(joined):
        yield {name: int(value) for name, value in row.items() if not name.endswith("_right")}


def _marked(table: Expr, limits: Limits, privacy: tuple[str, ...]) -> Expr:
    """Each row with what is asked of it alone, and of the rows of its account before it."""
    came, went = table.kind.isin(INWARD), table.kind.isin(OUTWARD)
    in_order = ibis.window(group_by="account", order_by="seq")
    so_far = ibis.window(group_by="account", order_by="seq", rows=(None, 0))
    value = table.cents.fill_null(0)
    last_in = ibis.cases((came, table.at)).max().over(so_far)
    gap = table.at - table.at.lag().over(in_order)
    marked = table.mutate(
        came=came, went=went, value=value, day=table.at // DAY, gap=whole(gap),
        hour=(table.at % DAY) // 3_600, last_in=whole(last_in),
        lost=ibis.greatest(table.cents - table.cents_out, 0),
        private=table.asset.isin(privacy) | table.asset_out.isin(privacy),
    )  # fmt: skip
    quick = marked.went & ((marked.at - marked.last_in) <= limits["quick"])
    return marked.mutate(
        quick=quick.fill_null(False),
        near=(value >= limits["near"]) & (value < limits["large"]),
        large=value >= limits["large"],
        small=marked.came & (value > 0) & (value <= limits["small"]),
        night=marked.hour < limits["night_ends"],
        trades=marked.kind.isin(TRADES),
    )


def _sums(rows: Expr) -> dict[str, Expr]:
    def times(mark: Expr) -> Expr:
        return whole(mark.cast("int64").sum().fill_null(0))

    def total(value: Expr, where: Expr) -> Expr:
        return whole(ibis.cases((where, value), else_=0).sum().fill_null(0))

    return {
        "num_in": times(rows.came),
        "num_out": times(rows.went),
        "num_trades": times(rows.trades),
        "cents_in": total(rows.value, rows.came),
        "cents_out": total(rows.value, rows.went),
        "largest_in": whole(ibis.cases((rows.came, rows.value), else_=0).max()),
        "num_near_limit": times(rows.near),
        "num_large": times(rows.large),
        "num_small_in": times(rows.small),
        "num_quick_out": times(rows.quick),
        "cents_quick_out": total(rows.value, rows.quick),
        "num_privacy": times(rows.private),
        "cents_lost": total(rows.lost.fill_null(0), rows.trades),
        "num_assets": rows.asset.nunique(),
        "num_night": times(rows.night),
        "longest_gap": whole(rows.gap.max().fill_null(0)),
    }
