"""What a person watches, and what was noticed."""

from dataclasses import dataclass
from uuid import UUID

from cases.models import Watch, WatchNotice
from cases.policy import Actor

MOST = 200


@dataclass(frozen=True)
class WatchPage:
    """Notices that were not read, the newest first, and all that is watched."""

    notices: list[WatchNotice]
    watches: list[Watch]


def watch_of(actor: Actor, kind: str, subject: UUID) -> Watch | None:
    """The person's own watch of this, where there is one: 1 query."""
    return Watch.objects.visible_to(actor).filter(kind=kind, subject=subject).first()


def watch_page(actor: Actor) -> WatchPage:
    """One's own alone: 2 queries."""
    notices = WatchNotice.objects.visible_to(actor).filter(read_at=None)
    return WatchPage(
        list(notices.select_related("watch__case").order_by("-at", "-pk")[:MOST]),
        list(Watch.objects.visible_to(actor).select_related("case").order_by("kind", "name")),
    )
