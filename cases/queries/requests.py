"""Requests as the desk needs them: the queue by deadline, one page with matches and law."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import Promise

from cases.legal_matrix import MatrixRow
from cases.models import (
    AuditEvent,
    Case,
    InformationRequest,
    Preservation,
    RequestCheck,
    RequestDecision,
    RequestIdentifier,
    RequestMessage,
    SharedRelease,
)
from cases.policy import Action, Actor, may
from cases.queries.keyset import Page, newest_first
from cases.queries.legal_rows import law_for
from cases.queries.request_matches import Match, matches_of
from cases.request_words import CHECKS, DATASETS, PERSONAL
from cases.states import OVER_CASES, ReleaseState, RequestState

MOST_OPEN = 200
# What both sides see, in order; a question or a refusal leaves this way.
WALK = ("received", "verifying", "in_review", "collecting", "released")


@dataclass(frozen=True)
class CheckRow:
    """One point of the checklist, and who confirmed it in this round."""

    item: str
    words: Promise
    check: RequestCheck | None


@dataclass(frozen=True)
class DatasetRow:
    """One dataset: asked for, obtained by this instrument, about a person, accepted."""

    name: str
    words: Promise
    is_asked: bool
    is_obtained: bool
    is_personal: bool
    is_accepted: bool


@dataclass(frozen=True)
class RequestPage:
    """All that stands around one request."""

    identifiers: list[RequestIdentifier]
    matches: list[Match]
    checks: list[CheckRow]
    datasets: list[DatasetRow]
    law: MatrixRow
    messages: list[RequestMessage]
    decisions: list[RequestDecision]
    events: list[AuditEvent]
    preserved: Preservation | None

    @property
    def not_read(self) -> list[RequestIdentifier]:
        return [each for each in self.identifiers if not each.valid]

    @property
    def num_missing(self) -> int:
        return sum(row.check is None for row in self.checks)


def request_queue(actor: Actor) -> list[InformationRequest]:
    """What still waits for us, nearest deadline first: 1 query."""
    rows = _listed(InformationRequest.objects.visible_to(actor).open())
    return list(rows.order_by("due_at", "pk")[:MOST_OPEN])


def requests_waiting(actor: Actor) -> QuerySet[InformationRequest]:
    """Requests to check, and for those who decide the ones that others checked: 1 query."""
    me = actor.user_id
    to_do = Q(state__in=[RequestState.RECEIVED.value, RequestState.VERIFYING.value])
    if may(actor, Action.DECIDE_REQUEST):
        others = ~Q(recorded_by=me) & ~Q(started_by=me) & ~Q(verified_by=me) & ~Q(checks__by=me)
        ready = Q(state__in=[RequestState.IN_REVIEW.value, RequestState.COLLECTING.value])
        to_do |= ready & others
    rows: QuerySet[InformationRequest] = InformationRequest.objects.visible_to(actor)
    return rows.filter(to_do).order_by("due_at")


def without_match(actor: Actor, most: int) -> list[tuple[InformationRequest, list[str]]]:
    """Checked requests the actor may decide and of which we hold nothing, with what they ask about.

    8 queries for each of at most `most` requests, nearest deadline first.
    """
    rows = requests_waiting(actor).filter(state=RequestState.IN_REVIEW.value)
    found = []
    for request in rows.select_related("agency").distinct()[:most]:
        matches = matches_of(request, actor)
        if not any(each.is_held for each in matches):
            found.append((request, [each.identifier.normalised for each in matches]))
    return found


def request_rest(actor: Actor, after: str = "") -> Page:
    """What waits for the agency or is answered, newest first: 1 query."""
    states = ("clarification", "released", "no_match", "refused", "closed")
    rows = _listed(InformationRequest.objects.visible_to(actor).filter(state__in=states))
    return newest_first(rows, "received_at", after)


def request_for_page(actor: Actor) -> QuerySet[InformationRequest]:
    """Requests the actor may see, with the people of their page."""
    people = ("started_by", "verified_by", "decided_by", "released_by")
    rows: QuerySet[InformationRequest] = _listed(InformationRequest.objects.visible_to(actor))
    return rows.select_related("response__referral", *people)


def request_page(request: InformationRequest, actor: Actor) -> RequestPage:
    """The page of the desk: 14 queries."""
    checks = {
        each.item: each for each in request.checks.filter(round=request.round).select_related("by")
    }
    law = law_for(request.instrument_type, request.agency.country)
    events = AuditEvent.objects.visible_to(actor).filter(case=None, object=request.reference)
    return RequestPage(
        identifiers=list(request.identifiers.order_by("place")),
        matches=matches_of(request, actor),
        checks=[CheckRow(item, words, checks.get(item)) for item, words in CHECKS.items()],
        datasets=dataset_rows(request, law),
        law=law,
        messages=list(request.messages.select_related("by").order_by("pk")),
        decisions=list(request.decisions.select_related("user").order_by("-pk")),
        events=list(events.select_related("actor").order_by("-seq")[:50]),
        preserved=request.preservations.select_related("started_by").order_by("-pk").first(),
    )


def dataset_rows(request: InformationRequest, law: MatrixRow) -> list[DatasetRow]:
    """What was asked for beside what the instrument obtains: no query."""
    asked = set(request.datasets.split())
    accepted = set(request.accepted_datasets.split())
    return [
        DatasetRow(
            name, words, name in asked, name in law.datasets, name in PERSONAL, name in accepted
        )
        for name, words in DATASETS.items()
        if name in asked
    ]


def answers_for(request: InformationRequest, actor: Actor) -> QuerySet[SharedRelease]:
    """Releases open to the officer who asked, which can be the answer: 1 query."""
    rows: QuerySet[SharedRelease] = SharedRelease.objects.visible_to(actor)
    return (
        rows.filter(
            Q(referral__answers=None) | Q(referral__answers=request),
            agency_id=request.agency_id,
            state=ReleaseState.SHARED.value,
            grants__liaison_id=request.liaison_id,
            grants__revoked_at=None,
        )
        .select_related("referral")
        .order_by("-sealed_at")
    )


def linkable_cases(actor: Actor) -> QuerySet[Case]:
    """The cases a request can be put into: 1 query."""
    rows: QuerySet[Case] = Case.objects.visible_to(actor)
    return rows.exclude(state__in=OVER_CASES).order_by("-opened_at")


def request_deadlines(actor: Actor, limit: int = 6) -> list[tuple[InformationRequest, datetime]]:
    """Requests that wait for us, the nearest deadline first: 1 query."""
    rows = InformationRequest.objects.visible_to(actor).open().select_related("agency")
    return [(each, each.due_at) for each in rows.order_by("due_at", "pk")[:limit]]


def walk(state: str) -> list[tuple[str, str]]:
    """(state, look) of the way a request goes; one that left it ends where it left: no query."""
    if state == RequestState.CLOSED.value:
        return [(each, "done") for each in (*WALK[:1], "closed")]
    if state in WALK:
        here = WALK.index(state)
        last = here == len(WALK) - 1
        return [
            (each, "done" if number < here or last else "now" if number == here else "")
            for number, each in enumerate(WALK)
        ]
    before = WALK[:2] if state == RequestState.CLARIFICATION.value else WALK[:3]
    look = "now" if state == RequestState.CLARIFICATION.value else "failed"
    return [*((each, "done") for each in before), (state, look)]


def _listed(rows: QuerySet[InformationRequest]) -> Any:
    return rows.select_related("agency", "liaison", "case")
