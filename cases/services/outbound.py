"""Asking others: drafted by one person, approved by compliance, sent, chased and answered."""

from datetime import date, timedelta

from django.apps import apps
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, OutboundRequest
from cases.policy import Action, Actor, require_second_person, require_step_up
from cases.queries.officers import verified_officers
from cases.services.audit import content_digest, keyed, record_event
from cases.services.errors import CaseworkError, ContentChanged, NotFound
from cases.services.locks import enter_case
from cases.services.references import names_inner_reference, next_reference
from cases.services.steps import swap_state
from cases.services.validation import check_fields, require_reason, require_text
from cases.states import OUTBOUND, OutboundAction, OutboundState, next_state

LONGEST = timedelta(days=366)
ASKED = ("kind", "agency_id", "recipient", "way", "legal_basis", "subject", "text")


def outbound_hash_of(row: OutboundRequest) -> str:
    """SHA-256 of what leaves the house, and to whom."""
    return content_digest(
        {name: getattr(row, name) for name in ASKED} | {"due_on": row.due_on.isoformat()}
    )


@transaction.atomic
def draft_outbound(
    case: Case,
    *,
    kind: str,
    recipient: str,
    way: str,
    legal_basis: str,
    subject: str,
    text: str,
    due_on: date,
    agency_id: int | None = None,
    by: Actor,
) -> OutboundRequest:
    """Write down what shall be asked; nothing leaves before compliance approved these words.

    Raises PermissionDenied, NotFound, CaseworkError where the words name a reference of ours or an
    agency that is not the recipient.
    """
    fresh = enter_case(case.pk, Action.DRAFT_OUTBOUND, by=by)
    today = timezone.now().date()
    if not today < due_on <= today + LONGEST:
        raise CaseworkError(_("The answer is due on a day within the coming year."))
    agencies = apps.get_model("fiu", "Agency").objects
    agency = agencies.filter(pk=agency_id).first() if agency_id is not None else None
    if agency_id is not None and agency is None:
        raise NotFound(_("This agency is not known."))
    row = OutboundRequest(
        reference=next_reference("OUT"),
        case=fresh,
        kind=kind,
        agency_id=agency_id,
        recipient=agency.name if agency else require_text(recipient, _("Say whom you ask.")),
        way=way,
        legal_basis=require_text(legal_basis, _("Name the legal basis on which you ask.")),
        subject=require_text(subject, _("Give a neutral subject.")),
        text=require_text(text, _("Write what you ask.")),
        due_on=due_on,
        drafted_by_id=by.person,
        drafted_at=timezone.now(),
    )
    check_fields(row, "kind", "recipient", "way", "legal_basis", "subject")
    _refuse_words(row)
    row.content_hash = outbound_hash_of(row)
    row.save(force_insert=True)
    _note("draft_outbound", row, by=by)
    return row


def _refuse_words(row: OutboundRequest) -> None:
    words = f"{row.subject}\n{row.text}\n{row.legal_basis}"
    inner = names_inner_reference(words, row.agency_id or 0)
    if inner or str(row.case.public_id) in words:
        raise CaseworkError(_("The text names an internal reference: take it out."))
    others = apps.get_model("fiu", "Agency").objects.exclude(pk=row.agency_id or 0)
    for pair in others.values_list("short_name", "name"):
        if any(name in words for name in pair):
            raise CaseworkError(_("The text names another agency: take it out."))


@transaction.atomic
def approve_outbound(
    row: OutboundRequest, *, content_hash: str, reason: str, by: Actor
) -> OutboundRequest:
    """Approve exactly these words as a second person.

    Raises PermissionDenied, StepUpRequired, ContentChanged, CaseworkError, InvalidTransition.
    """
    _enter(row, Action.DECIDE_OUTBOUND, by=by)
    require_second_person(by, row.drafted_by_id)
    require_step_up(by)
    why = require_reason(reason)
    if not content_hash == row.content_hash == outbound_hash_of(row):
        raise ContentChanged(_("This request is not the one that you were shown."))
    _step(
        row, OutboundAction.APPROVE, why, by=by,
        approved_by_id=by.person, approved_at=timezone.now(),
    )  # fmt: skip
    return row


@transaction.atomic
def send_outbound(row: OutboundRequest, *, reason: str, by: Actor) -> OutboundRequest:
    """Say that it was sent by the way that was approved; from now on its answer is waited for.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    _enter(row, Action.DRAFT_OUTBOUND, by=by)
    next_state(OUTBOUND, OutboundState(row.state), OutboundAction.SEND)
    if row.agency_id is not None and not verified_officers(row.agency_id).exists():
        raise CaseworkError(
            _("No officer of this agency is verified: nobody there can be asked yet.")
        )
    _step(
        row, OutboundAction.SEND, require_reason(reason), by=by,
        sent_by_id=by.person, sent_at=timezone.now(),
    )  # fmt: skip
    return row


@transaction.atomic
def answer_outbound(row: OutboundRequest, *, text: str, by: Actor) -> OutboundRequest:
    """Keep what came back, once; files go in as exhibits.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    _enter(row, Action.DRAFT_OUTBOUND, by=by)
    words = require_text(text, _("Write what came back."))
    _step(row, OutboundAction.ANSWER, "", by=by, answer=words, answered_at=timezone.now())
    return row


@transaction.atomic
def end_outbound(row: OutboundRequest, *, reason: str, by: Actor) -> OutboundRequest:
    """Withdraw what was not sent, or close what was. Raises as `answer_outbound`."""
    _enter(row, Action.DRAFT_OUTBOUND, by=by)
    is_sent = row.sent_at is not None
    step = OutboundAction.CLOSE if is_sent else OutboundAction.WITHDRAW
    _step(row, step, require_reason(reason), by=by)
    return row


def _enter(row: OutboundRequest, action: Action, *, by: Actor) -> None:
    """Lock its case, check the right, and read the request fresh: 3 queries."""
    enter_case(row.case_id, action, by=by)
    row.refresh_from_db()


def _step(
    row: OutboundRequest, step: OutboundAction, reason: str, *, by: Actor, **columns: object
) -> None:
    swap_state(row, OUTBOUND, step, row.reference, **columns)
    _note(step.value, row, by=by, reason=reason)


def _note(event: str, row: OutboundRequest, *, by: Actor, reason: str = "") -> None:
    record_event(
        row.case, event, row.reference, by=by, reason=reason,
        data={
            "kind": row.kind, "agency": row.agency_id, "recipient": keyed(row.recipient),
            "way": row.way, "content_hash": row.content_hash,
        },
    )  # fmt: skip
