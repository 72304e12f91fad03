"""How far ledgers follow their nodes: frozen values, read through reads.py."""

from dataclasses import dataclass
from datetime import datetime

from tracing.models import FollowedNode


@dataclass(frozen=True)
class NodeView:
    """One node as of the last time it was asked.

    `synced_at`: when the ledger was last level with it, None if never; `problem`: the sentence of
    the last try that failed, empty where it did not.
    """

    name: str
    ledger: str
    ledger_height: int | None
    node_height: int | None
    synced_at: datetime | None
    asked_at: datetime
    problem: str


def followed_nodes() -> list[NodeView]:
    """Every node that was ever followed, by name: 1 query."""
    return [
        NodeView(
            name=row.name,
            ledger=row.ledger,
            ledger_height=row.ledger_height,
            node_height=row.node_height,
            synced_at=row.synced_at,
            asked_at=row.asked_at,
            problem=row.problem,
        )
        for row in FollowedNode.objects.order_by("name")
    ]
