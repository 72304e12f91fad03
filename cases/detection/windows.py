"""What many rules share: sums, windows over time, and money that comes in and goes on."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from cases.detection.movements import ZERO, Account, Hit, Movement

Params = Mapping[str, Any]
AccountRule = Callable[[Account, Iterable[Movement], Params], Iterator[Hit]]
Test = Callable[[Movement], bool]


def plain(amount: Decimal) -> str:
    """An amount as a reader writes it, with cents."""
    return f"{amount:,.2f}"


def hours(span: timedelta) -> str:
    """A span in hours, one decimal."""
    return f"{span.total_seconds() / 3600:.1f}"


def total(rows: Iterable[Movement]) -> Decimal:
    """The value of movements together; one without a price counts nothing."""
    return sum((each.fiat or ZERO for each in rows), ZERO)


def drop_before(rows: deque[Movement], start: datetime) -> None:
    """Forget what lies before a time."""
    while rows and rows[0].at < start:
        rows.popleft()


def in_window(
    rows: Iterable[Movement], wanted: Test, window: timedelta, is_enough: Callable[..., bool]
) -> Iterator[list[Movement]]:
    """Movements that together are enough within the window; each is used once."""
    kept: deque[Movement] = deque()
    for row in rows:
        if not wanted(row):
            continue
        kept.append(row)
        drop_before(kept, row.at - window)
        if is_enough(kept):
            yield list(kept)
            kept.clear()


def passed_on(
    rows: Iterable[Movement],
    came: Test,
    went: Test,
    *,
    window: timedelta,
    share_pct: int,
    least: Decimal,
) -> Iterator[tuple[list[Movement], list[Movement], Decimal]]:
    """(what came, what went, value that came) where at least a share went within the window."""
    inward: deque[Movement] = deque()
    outward: deque[Movement] = deque()
    for row in rows:
        if row.fiat is None:
            continue
        if came(row):
            inward.append(row)
        elif went(row):
            drop_before(inward, row.at - window)
            if not inward:
                continue
            outward.append(row)
            drop_before(outward, inward[0].at)
            value = total(inward)
            if value < least or total(outward) * 100 < value * share_pct:
                continue
            yield list(inward), list(outward), value
            inward.clear()
            outward.clear()


def share_of(part: Decimal, whole: Decimal) -> str:
    """Whole percent, at most 100."""
    return str(min(int(part * 100 / whole), 100)) if whole else "0"
