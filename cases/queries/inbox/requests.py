"""Requests of agencies that wait at the desk."""

from django.db.models import Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy

from cases.models import InformationRequest
from cases.policy import Action, Actor, may
from cases.queries.inbox.rows import InboxRow, Queue, when
from cases.queries.requests import requests_waiting
from cases.states import RequestState

L = gettext_lazy

REQUEST_WORDS = {
    RequestState.RECEIVED.value: L("Check who asks"),
    RequestState.VERIFYING.value: L("Go on with the checks"),
    RequestState.IN_REVIEW.value: L("Decide on this request"),
    RequestState.COLLECTING.value: L("Release the answer"),
}


def desk_waiting(actor: Actor) -> Queue | None:
    """What the desk does next with each request."""
    if not may(actor, Action.VIEW_REQUEST):
        return None

    def tell(row: InformationRequest) -> InboxRow:
        is_new = row.state == RequestState.RECEIVED
        is_grave = row.due_at <= timezone.now() or row.urgency == "life_at_risk"
        return InboxRow(
            "request", "file-text", "bad" if is_grave else "",
            str(REQUEST_WORDS[row.state]), row.reference, "request_detail", (row.public_id,),
            row.public_id, row.case, row.received_at, row.due_at,
            owner=row.started_by if row.state == RequestState.VERIFYING else None,
            can_take=is_new and may(actor, Action.VERIFY_REQUESTER),
        )  # fmt: skip

    can_take = may(actor, Action.VERIFY_REQUESTER)
    return Queue(
        "request", requests_waiting(actor).select_related("case", "started_by"), tell,
        since="received_at", deadline="due_at",
        owner=when(Q(state=RequestState.VERIFYING.value), "started_by"),
        can_take=when(Q(state=RequestState.RECEIVED.value), Value(can_take), Value(value=False)),
    )  # fmt: skip
