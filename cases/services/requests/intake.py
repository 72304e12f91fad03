"""What an agency does: file a request, answer a question. Its own requests only."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import InformationRequest, RequestIdentifier, RequestMessage
from cases.policy import Action, Actor, PermissionDenied, require
from cases.request_words import DATASETS, join_datasets
from cases.services.audit import record_event
from cases.services.errors import CaseworkError, NotFound
from cases.services.identifiers import MAXIMUM_LINES, GivenIdentifier, read_identifiers
from cases.services.instruments import UploadedBytes, keep_document
from cases.services.references import next_reference
from cases.services.requests.content import (
    advance_request,
    announce_request,
    content_hash_of,
    enter_request,
)
from cases.services.validation import check_fields, require_text
from cases.states import RequestAction

LONGEST_WAIT = timedelta(days=366)
EMERGENCY = timedelta(hours=24)
"""Where a life is at risk: such a request stands before all others at the desk."""


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """What an officer files: the instrument, what is asked, about what, until when."""

    agency_ref: str
    instrument_type: str
    instrument_number: str
    issued_by: str
    issued_on: date
    legal_basis: str
    offences: str
    identifiers: str
    datasets: tuple[str, ...]
    due_at: datetime
    valid_until: date | None = None
    period_from: date | None = None
    period_until: date | None = None
    urgency: str = "routine"
    background: str = ""
    document: UploadedBytes | None = None


TEXTS = (
    "agency_ref", "instrument_type", "instrument_number", "issued_by", "legal_basis", "offences",
    "urgency",
)  # fmt: skip


@transaction.atomic
def record_request(spec: RequestSpec, *, by: Actor) -> InformationRequest:
    """File a request of the officer's own agency; every pasted line is kept, also a bad one.

    Raises PermissionDenied, CaseworkError.
    """
    require(by, Action.RECORD_REQUEST)
    if by.agency_id is None:
        raise PermissionDenied("Only an officer of an agency may file a request.")
    return file_request(spec, agency_id=by.agency_id, liaison_id=by.person, channel="portal", by=by)


def file_request(
    spec: RequestSpec, *, agency_id: int, liaison_id: int, channel: str, by: Actor
) -> InformationRequest:
    """Keep what an officer asks, in the caller's transaction; `by` files it. Raises CaseworkError.

    Whoever calls checked the right.
    """
    lines = _check(spec)
    name, sha256 = keep_document(spec.document, by=by)
    now = timezone.now()
    request = InformationRequest(
        reference=next_reference("REQ"),
        agency_id=agency_id,
        liaison_id=liaison_id,
        recorded_by_id=by.person,
        channel=channel,
        received_at=now,
        issued_on=spec.issued_on,
        valid_until=spec.valid_until,
        document_name=name,
        document_sha256=sha256,
        background=spec.background.strip(),
        datasets=join_datasets(spec.datasets),
        period_from=spec.period_from,
        period_until=spec.period_until,
        due_at=_due_at(spec, now),
        **{field: getattr(spec, field).strip() for field in TEXTS},
    )
    check_fields(request, *TEXTS)
    try:
        with transaction.atomic():
            request.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("The agency filed a request with this number before.")) from error
    RequestIdentifier.objects.bulk_create(
        RequestIdentifier(
            request=request, place=place, line=each.line, kind=each.kind,
            as_given=each.as_given, normalised=each.normalised, ledger=each.ledger,
            valid=each.valid, reason=each.reason,
        )
        for place, each in enumerate(lines, 1)
    )  # fmt: skip
    digest = content_hash_of(request)
    InformationRequest.objects.filter(pk=request.pk).update(content_hash=digest)
    request.content_hash = digest
    record_event(
        None, "record_request", request.reference, by=by,
        data={
            "agency": agency_id,
            "channel": channel,
            "instrument": spec.instrument_type,
            "document_sha256": sha256,
            "datasets": request.datasets,
            "identifiers": dict(sorted(Counter(each.kind for each in lines if each.valid).items())),
            "num_not_read": sum(not each.valid for each in lines),
            "content_hash": digest,
        },
    )  # fmt: skip
    announce_request(request, by=by)
    return request


def _due_at(spec: RequestSpec, now: datetime) -> datetime:
    """When the answer is due; where a life is at risk never later than `EMERGENCY` from now."""
    due_at = spec.due_at.replace(microsecond=0)
    if spec.urgency == "life_at_risk":
        return min(due_at, (now + EMERGENCY).replace(microsecond=0))
    return due_at


def _check(spec: RequestSpec) -> list[GivenIdentifier]:
    """What a request must hold; the lines as they were read. Raises CaseworkError."""
    now = timezone.now()
    for name in ("agency_ref", "instrument_number", "issued_by", "legal_basis", "offences"):
        label = {
            "agency_ref": _("your file number"),
            "instrument_number": _("the number of the instrument"),
            "issued_by": _("who issued the instrument"),
            "legal_basis": _("the legal basis"),
            "offences": _("the offences"),
        }[name]
        require_text(getattr(spec, name), _("Give %(what)s.") % {"what": label})
    if not spec.datasets or set(spec.datasets) - set(DATASETS):
        raise CaseworkError(_("Choose from the list what you ask for."))
    if spec.issued_on > now.date():
        raise CaseworkError(_("The instrument is issued in the future."))
    if spec.valid_until is not None and spec.valid_until < spec.issued_on:
        raise CaseworkError(_("The instrument ends before it was issued."))
    if spec.period_from and spec.period_until and spec.period_until < spec.period_from:
        raise CaseworkError(_("The period ends before it begins."))
    if not now < spec.due_at <= now + LONGEST_WAIT:
        raise CaseworkError(_("The answer is due on a day within the coming year."))
    if spec.identifiers.count("\n") >= MAXIMUM_LINES:
        raise CaseworkError(_("Paste at most %(n)d lines at once.") % {"n": MAXIMUM_LINES})
    lines = read_identifiers(spec.identifiers)
    if not any(each.valid for each in lines):
        raise CaseworkError(_("No line was recognised: give at least one identifier."))
    return lines


@transaction.atomic
def answer_agency(request: InformationRequest, *, text: str, by: Actor) -> InformationRequest:
    """The agency's answer to our question: the request is checked again, in a new round.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    enter_request(request, Action.ANSWER_REQUEST, by=by)
    words = require_text(text, _("Write your answer."))
    RequestMessage.objects.create(
        request=request, from_agency=True, text=words, by_id=by.person, at=timezone.now()
    )
    digest = content_hash_of(request)
    advance_request(
        request,
        RequestAction.ANSWER,
        by=by,
        data={"content_hash": digest},
        round=F("round") + 1,
        content_hash=digest,
        started_by=None,
        verified_by=None,
        verified_at=None,
    )
    request.refresh_from_db()
    return request


def answer_own_request(public_id: UUID, *, text: str, by: Actor) -> InformationRequest:
    """As `answer_agency`, of a request the officer's agency filed. Raises NotFound for another."""
    found = InformationRequest.objects.visible_to(by).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(_("There is no such request."))
    return answer_agency(found, text=text, by=by)
