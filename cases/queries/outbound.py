"""What we asked others, of one case and over all."""

from django.db.models import QuerySet

from cases.models import Case, OutboundRequest
from cases.policy import Actor

PEOPLE = ("case", "agency", "drafted_by", "approved_by", "sent_by")


def outbound_of(case: Case) -> list[OutboundRequest]:
    """The requests of a case that the reader sees, newest first: 1 query."""
    rows = case.outbound_requests.select_related("agency")
    return list(rows.order_by("-pk"))


def outbound_for_page(actor: Actor) -> QuerySet[OutboundRequest]:
    """Those the actor may see, with the people of their page."""
    rows: QuerySet[OutboundRequest] = OutboundRequest.objects.visible_to(actor)
    return rows.select_related(*PEOPLE)
