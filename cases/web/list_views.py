"""Filters of a list that somebody kept under a name."""

from cases.http import AuthedRequest
from cases.models import InboxView


def views_of(
    request: AuthedRequest, place: str, here: str
) -> list[tuple[InboxView, bool, bool]]:  # fmt: skip
    """Those of one list, of the person and of the team: is it the one shown, is it one's own."""
    views = InboxView.objects.visible_to(request.actor).filter(place=place).order_by("name", "pk")
    return [(each, each.filters == here, each.user_id == request.actor.user_id) for each in views]
