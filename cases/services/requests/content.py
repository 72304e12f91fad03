"""What is decided on: the request as it was asked, with every answer, under one hash."""

import re

from django.apps import apps
from django.db import connection
from django.db.transaction import TransactionManagementError
from django.utils.translation import gettext as _

from cases.models import ExchangeAccount, InformationRequest
from cases.policy import Action, Actor, PermissionDenied, Role, require, writable_cases
from cases.services.audit import content_digest, record_event
from cases.services.errors import CaseworkError
from cases.services.references import names_inner_reference
from cases.services.steps import swap_state
from cases.services.validation import require_text
from cases.services.webhooks import announce
from cases.states import REQUEST, RequestAction
from cases.times import iso

ASKED = (
    "agency_ref", "channel", "instrument_type", "instrument_number", "issued_by",
    "document_sha256", "legal_basis", "offences", "background", "datasets", "urgency",
)  # fmt: skip
DAYS = ("issued_on", "valid_until", "period_from", "period_until")


def content_hash_of(request: InformationRequest) -> str:
    """SHA-256 of what was asked, its identifiers and what the agency answered: 2 queries."""
    days = {name: getattr(request, name) for name in DAYS}
    return content_digest(
        {
            "agency": request.agency_id,
            "liaison": request.liaison_id,
            **{name: getattr(request, name) for name in ASKED},
            **{name: day.isoformat() if day else None for name, day in days.items()},
            "due_at": iso(request.due_at),
            "identifiers": [
                [each.kind, each.as_given, each.normalised, each.ledger, each.valid]
                for each in request.identifiers.order_by("place")
            ],
            "answers": [
                each.text for each in request.messages.filter(from_agency=True).order_by("pk")
            ],
        }
    )


def enter_request(request: InformationRequest, action: Action, *, by: Actor) -> None:
    """Lock the request, require the right and that the actor sees it, read it fresh: 3 queries.

    Raises PermissionDenied, TransactionManagementError.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("enter_request needs a transaction around it")
    locked = InformationRequest.objects.select_for_update(no_key=True).filter(pk=request.pk)
    is_there = locked.first() is not None  # not under row-level security, for who does not see it
    require(by, action)
    if not is_there:
        raise PermissionDenied("You may not change this request.")
    request.refresh_from_db()
    mine = InformationRequest.objects.visible_to(by).filter(pk=request.pk)
    if request.case_id is not None and by.role != Role.LIAISON:
        mine = mine.filter(writable_cases(by, "case__"))
    if not mine.exists():
        raise PermissionDenied("You may not change this request.")


def advance_request(
    request: InformationRequest,
    action: RequestAction,
    *,
    by: Actor,
    reason: str = "",
    data: dict[str, object] | None = None,
    **fields: object,
) -> None:
    """One step of the state table and its event in the system's chain: of two callers one wins."""
    old, new = swap_state(request, REQUEST, action, request.reference, **fields)
    record_event(
        None, action.value, request.reference, by=by, reason=reason,
        data={"from": old.value, "to": new.value, **(data or {})},
    )  # fmt: skip
    announce_request(request, by=by)


def announce_request(request: InformationRequest, *, by: Actor) -> None:
    """Tell the hosts that asked, unless an officer acts: that door knows no webhook.

    What officers do is told by `announce_officers_acts` afterwards.
    """
    if by.role != Role.LIAISON:
        announce("request", request.public_id)


def words_for_agency(request: InformationRequest, text: str) -> str:
    """A text the agency will read. Raises CaseworkError where it is empty or would betray us.

    That is an internal reference, a whole account number, or another agency.
    """
    words = require_text(text, _("Write what the agency reads."))
    if names_inner_reference(words, request.agency_id):
        raise CaseworkError(_("The text names an internal reference: take it out."))
    tokens = set(re.findall(r"[\w-]{4,40}", words))
    if ExchangeAccount.objects.filter(uid__in=tokens).exists():
        raise CaseworkError(_("The text names a whole account number: take it out."))
    others = apps.get_model("fiu", "Agency").objects.exclude(pk=request.agency_id)
    for pair in others.values_list("short_name", "name"):
        if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words) for name in pair):
            raise CaseworkError(_("The text names another agency: take it out."))
    return words
