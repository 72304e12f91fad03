"""The desk: take a request up, check it point by point, ask back, link it, close it."""

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, InformationRequest, RequestCheck, RequestMessage
from cases.policy import Action, Actor
from cases.request_words import CHECKS
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from cases.services.requests.content import advance_request, enter_request, words_for_agency
from cases.services.validation import require_reason
from cases.states import InvalidTransition, RequestAction, RequestState


@transaction.atomic
def start_verification(request: InformationRequest, *, by: Actor) -> InformationRequest:
    """Take a received request up. Raises PermissionDenied, InvalidTransition."""
    enter_request(request, Action.VERIFY_REQUESTER, by=by)
    advance_request(request, RequestAction.START, by=by, started_by_id=by.person)
    return request


@transaction.atomic
def check_request(request: InformationRequest, *, item: str, by: Actor) -> RequestCheck:
    """Confirm one point of the checklist; who did so does not decide.

    Raises PermissionDenied, CaseworkError, InvalidTransition where it stands already.
    """
    enter_request(request, Action.VERIFY_REQUESTER, by=by)
    if item not in CHECKS:
        raise CaseworkError(_("This is no point of the checklist."))
    if request.state != RequestState.VERIFYING.value:
        raise InvalidTransition(_("The checklist is open only while the request is verified."))
    try:
        with transaction.atomic():
            check: RequestCheck = RequestCheck.objects.create(
                request=request, round=request.round, item=item, by_id=by.person,
                at=timezone.now(),
            )  # fmt: skip
    except IntegrityError as error:
        raise InvalidTransition(_("Somebody confirmed this point already.")) from error
    record_event(
        None, "check_request", request.reference, by=by,
        data={"item": item, "round": request.round},
    )  # fmt: skip
    return check


@transaction.atomic
def verify_requester(request: InformationRequest, *, by: Actor) -> InformationRequest:
    """End the verification once every point of the checklist stands.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    enter_request(request, Action.VERIFY_REQUESTER, by=by)
    done = set(request.checks.filter(round=request.round).values_list("item", flat=True))
    missing = [str(words) for item, words in CHECKS.items() if item not in done]
    if missing and request.state == RequestState.VERIFYING.value:
        raise CaseworkError(_("Confirm first: %(what)s.") % {"what": "; ".join(missing)})
    advance_request(
        request,
        RequestAction.VERIFY,
        by=by,
        data={"round": request.round},
        verified_by_id=by.person,
        verified_at=timezone.now(),
    )
    return request


@transaction.atomic
def ask_agency(
    request: InformationRequest, *, text: str, reason: str, by: Actor
) -> InformationRequest:
    """Put a question to the agency; the request waits for its answer.

    Raises PermissionDenied, CaseworkError, InvalidTransition.
    """
    enter_request(request, Action.VERIFY_REQUESTER, by=by)
    words = words_for_agency(request, text)
    advance_request(request, RequestAction.ASK, by=by, reason=require_reason(reason))
    RequestMessage.objects.create(
        request=request, from_agency=False, text=words, by_id=by.person, at=timezone.now()
    )
    return request


@transaction.atomic
def link_request(request: InformationRequest, case: Case, *, by: Actor) -> InformationRequest:
    """Let the request stand in a case: from then on only who sees that case sees it.

    Raises PermissionDenied, InvalidTransition where it stands in one already.
    """
    fresh = enter_case(case.pk, Action.EDIT_CASE, by=by)
    enter_request(request, Action.VERIFY_REQUESTER, by=by)
    rows = InformationRequest.objects.filter(pk=request.pk, case=None)
    if not rows.update(case=fresh):
        raise InvalidTransition(_("This request is in a case already."))
    request.case = fresh
    record_event(fresh, "link_request", request.reference, by=by)
    return request


@transaction.atomic
def close_request(request: InformationRequest, *, reason: str, by: Actor) -> InformationRequest:
    """Close an answered request. Raises PermissionDenied, CaseworkError, InvalidTransition."""
    enter_request(request, Action.CLOSE_REQUEST, by=by)
    advance_request(request, RequestAction.CLOSE, by=by, reason=require_reason(reason))
    return request
