"""What an agency reads of its own requests: frozen values, the state both sides see.

No match, no name of ours, no reason kept for the record: what the agency wrote, the state, our
question, our answer, and the release once there is one.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.apps import apps
from django.utils import timezone

from cases.models import InformationRequest, Preservation, ReadEvent, ShareGrant
from cases.policy import Action, Actor, may
from cases.queries.clocks import clock_for
from cases.queries.requests import walk
from cases.request_words import IDENTIFIERS, INSTRUMENTS, URGENCIES, dataset_words
from cases.states import PreservationState

IS_OVER = ("released", "no_match", "refused", "closed")


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request in the agency's list."""

    public_id: UUID
    reference: str
    agency_ref: str
    instrument: str
    instrument_number: str
    state: str
    urgency: str
    urgency_name: str
    officer: str
    received_at: datetime
    due_at: datetime
    is_over: bool


@dataclass(frozen=True, slots=True)
class GivenLine:
    """One identifier as the agency gave it and how it was read."""

    line: int
    kind: str
    as_given: str
    normalised: str
    valid: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Said:
    """A question of ours or an answer of the agency."""

    from_agency: bool
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """One request as its agency reads it; `release` is set once the officer may open it."""

    row: RequestRow
    walk: tuple[tuple[str, str], ...]
    issued_by: str
    issued_on: date
    legal_basis: str
    offences: str
    background: str
    document_name: str
    datasets: tuple[str, ...]
    accepted: tuple[str, ...]
    period_from: date | None
    period_until: date | None
    lines: tuple[GivenLine, ...]
    messages: tuple[Said, ...]
    answer: str
    decided_at: datetime | None
    release: UUID | None
    release_number: str
    may_answer: bool
    preserved_until: datetime | None


def requests_for(actor: Actor) -> list[RequestRow]:
    """The requests of the officer's agency, newest first: 1 query. Nobody else has any."""
    if not may(actor, Action.RECORD_REQUEST):
        return []
    rows = InformationRequest.objects.visible_to(actor).select_related("liaison")
    return [_row(each) for each in rows.order_by("-received_at", "-pk")]


def request_for(actor: Actor, public_id: UUID) -> RequestStatus | None:
    """One request of the agency, or None; writes who read it: 6 queries."""
    if not may(actor, Action.RECORD_REQUEST):
        return None
    rows = InformationRequest.objects.visible_to(actor).select_related("liaison", "response")
    found = rows.filter(public_id=public_id).first()
    if found is None:
        return None
    grants = ShareGrant.objects.visible_to(actor).filter(release_id=found.response_id)
    is_told = found.state in (*IS_OVER, "collecting")
    can_open = found.response_id is not None and grants.exists()
    ReadEvent.objects.create(
        case_id=found.case_id,
        at=timezone.now(),
        actor_id=actor.person,
        actor_ip=actor.address,
        action="view_request",
        object=found.reference,
        purpose="own agency",
    )
    kept = Preservation.objects.filter(request=found, state=PreservationState.ACTIVE.value)
    return RequestStatus(
        row=_row(found),
        walk=tuple(walk(found.state)),
        issued_by=found.issued_by,
        issued_on=found.issued_on,
        legal_basis=found.legal_basis,
        offences=found.offences,
        background=found.background,
        document_name=found.document_name,
        datasets=tuple(dataset_words(found.datasets)),
        accepted=tuple(dataset_words(found.accepted_datasets)),
        period_from=found.period_from,
        period_until=found.period_until,
        lines=tuple(
            GivenLine(
                each.line, str(IDENTIFIERS[each.kind]), each.as_given, each.normalised,
                each.valid, each.reason,
            )
            for each in found.identifiers.order_by("place")
        ),
        messages=tuple(
            Said(each.from_agency, each.text, each.at) for each in found.messages.order_by("pk")
        ),
        answer=found.answer if is_told else "",
        decided_at=found.decided_at,
        release=found.response.public_id if can_open else None,
        release_number=found.response.number if can_open else "",
        may_answer=found.state == "clarification",
        preserved_until=kept.values_list("until", flat=True).first(),
    )  # fmt: skip


def _row(request: InformationRequest) -> RequestRow:
    return RequestRow(
        public_id=request.public_id,
        reference=request.reference,
        agency_ref=request.agency_ref,
        instrument=str(INSTRUMENTS[request.instrument_type]),
        instrument_number=request.instrument_number,
        state=request.state,
        urgency=request.urgency,
        urgency_name=str(URGENCIES[request.urgency]),
        officer=request.liaison.get_full_name() or request.liaison.username,
        received_at=request.received_at,
        due_at=request.due_at,
        is_over=request.state in IS_OVER,
    )


def answer_due_on(actor: Actor) -> date:
    """The day that an officer's request is answered by, where no other is asked for: 2 queries."""
    agencies = apps.get_model("fiu", "Agency").objects.filter(pk=actor.agency_id or 0)
    country = agencies.values_list("country", flat=True).first() or ""
    clock = clock_for("answer", country, actor.agency_id)
    now = timezone.now()
    return (clock.ends(now) if clock else now).date()
