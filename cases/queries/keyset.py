"""Keyset pages: the next page starts after the last row seen, however the table grows meanwhile."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

PAGE_ROWS = 50
MAXIMUM_ROW = 2**63


@dataclass(frozen=True)
class Page:
    """One page of rows and the mark after which the next one starts ("" on the last page)."""

    rows: list[Any]
    after: str
    is_first: bool

    def __bool__(self) -> bool:
        return bool(self.rows)


def newest_first(rows: QuerySet[Any], field: str, after: str, size: int = PAGE_ROWS) -> Page:
    """Rows by a time, newest first, ties by number: 1 query a page.

    `after` is the mark a page gave out; a mark that cannot be read starts from the top.
    """
    mark = _read(after)
    if mark is not None:
        at, pk = mark
        rows = rows.filter(Q(**{f"{field}__lt": at}) | Q(**{field: at, "pk__lt": pk}))
    found = list(rows.order_by(f"-{field}", "-pk")[: size + 1])
    more = len(found) > size
    found = found[:size]
    return Page(found, _write(found[-1], field) if more else "", mark is None)


def is_mark(text: str) -> bool:
    """Whether a page gave out this mark, or could have."""
    return _read(text) is not None


def _write(row: Any, field: str) -> str:
    text = f"{getattr(row, field).isoformat()} {row.pk}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(mark: str) -> tuple[datetime, int] | None:
    if not mark:
        return None
    try:
        padded = mark + "=" * (-len(mark) % 4)
        at, _, pk = base64.urlsafe_b64decode(padded.encode()).decode().partition(" ")
        mark_of = datetime.fromisoformat(at), int(pk)
    except (ValueError, binascii.Error):
        return None
    # A forged mark: no column of a number is that wide, and no time of ours is without zone.
    is_ours = 0 <= mark_of[1] < MAXIMUM_ROW and mark_of[0].utcoffset() == timedelta(0)
    return mark_of if is_ours else None


def number_asked(asked: str, most: int) -> int:
    """The number of a page as an address asks for it, within 1 and `most`."""
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 9 else 1
    return max(1, min(number, most))
