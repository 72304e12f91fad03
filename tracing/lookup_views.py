"""The log of questions to hosts outside, for whoever has to answer for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tracing.models import OutsideLookup


@dataclass(frozen=True)
class LookupView:
    """One line of the log; `outcome` is empty where the answer was whole."""

    number: int
    at: datetime
    source: str
    host: str
    purpose: str
    subject: str
    by: str
    num_requests: int
    outcome: str


def outside_lookups(limit: int = 100, before: int | None = None) -> list[LookupView]:
    """The newest lines of the log, those before the line `before`: 1 query."""
    rows = OutsideLookup.objects.order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [
        LookupView(
            row.pk, row.at, row.source, row.host, row.purpose, row.subject, row.by,
            row.num_requests, row.outcome,
        )
        for row in rows[:limit]
    ]  # fmt: skip
