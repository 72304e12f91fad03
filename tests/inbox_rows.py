"""The inbox as the tests read it: each row stands where its own values put it.

The place of a row is read from the database by itself, without the row; both must say the same.
"""

from cases.policy import Actor
from cases.queries import inbox as queries
from cases.queries.inbox.possible import kinds_without_rows
from cases.queries.inbox.runs import failed_runs

OWNED = ("alert", "request")  # these carry their owner themselves


def inbox(actor: Actor, kind: str = "") -> list[queries.InboxRow]:
    """What waits for this person: each row compared with its place, no queue wrongly left out."""
    rows, places = queries.inbox(actor, kind), queries.waiting(actor, kind)
    for name in kinds_without_rows():
        left_out = queries.QUEUES[name](actor) if name != "run" else None
        assert left_out is None or not left_out.rows.exists(), name
        assert name != "run" or not failed_runs(actor)
    for row, place in zip(rows, places, strict=True):
        assert (place.kind, place.subject) == (row.kind, row.subject)
        assert (place.since, place.deadline) == (row.since, row.deadline)
        assert place.can_take == row.can_take
        # "" where the queue's own order decides between rows of one moment.
        assert place.reference in ("", row.reference)
        assert row.owner or not place.is_taken
        assert place.is_taken == bool(row.owner) or row.kind not in OWNED
    free = [row for row in rows if row.owner is None and row.can_take]
    assert queries.has_free(places, actor) == bool(free)
    return rows
