"""Deciding a request: always by a person who did not check it, with a fresh second factor."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import InformationRequest, RequestDecision, SharedRelease, ShareGrant
from cases.policy import Action, Actor, require, require_second_person, require_step_up
from cases.queries.legal_rows import law_for
from cases.queries.officers import verified_officers
from cases.queries.request_matches import matches_of
from cases.request_words import dataset_words, has_personal, join_datasets
from cases.services.audit import content_digest
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.locks import enter_case
from cases.services.requests.content import (
    advance_request,
    content_hash_of,
    enter_request,
    words_for_agency,
)
from cases.services.validation import require_reason
from cases.states import REQUEST, ReleaseState, RequestAction, RequestState, next_state


def _ready(
    request: InformationRequest, action: RequestAction, content_hash: str, *, by: Actor
) -> None:
    """A second person, a fresh factor, a legal step, and the content that was shown.

    Who wrote the request down in an officer's name asked for it, too.
    """
    checkers = request.checks.values_list("by_id", flat=True)
    require_second_person(
        by, request.liaison_id, request.recorded_by_id, request.started_by_id,
        request.verified_by_id, *checkers,
    )  # fmt: skip
    require_step_up(by)
    next_state(REQUEST, RequestState(request.state), action)
    if content_hash_of(request) != request.content_hash or content_hash != request.content_hash:
        raise ContentChanged(
            _("This request changed since you opened it: look at it again before you decide.")
        )


def _decide(
    request: InformationRequest,
    action: RequestAction,
    step: str,
    *,
    by: Actor,
    reason: str,
    data: dict[str, object] | None = None,
    **fields: object,
) -> None:
    why = require_reason(reason)
    advance_request(
        request, action, by=by, reason=why,
        data={"content_hash": request.content_hash, **(data or {})}, **fields,
    )  # fmt: skip
    RequestDecision.objects.create(
        request=request,
        step=step,
        user_id=by.person,
        decision="reject" if action == RequestAction.REFUSE else "approve",
        reason=why,
        content_hash=request.content_hash,
        auth_at=by.mfa_at,
        at=timezone.now(),
    )


@transaction.atomic
def accept_request(
    request: InformationRequest,
    *,
    datasets: Iterable[str],
    content_hash: str,
    reason: str,
    by: Actor,
) -> InformationRequest:
    """Accept it, for all it asks or for part; compliance where personal data is in it.

    Never more than was asked, nor than the table grants this instrument. Raises
    PermissionDenied, StepUpRequired, ContentChanged, CaseworkError, InvalidTransition.
    """
    enter_request(request, Action.DECIDE_REQUEST, by=by)
    _ready(request, RequestAction.ACCEPT, content_hash, by=by)
    accepted = join_datasets(datasets)
    if not accepted or set(accepted.split()) - set(request.datasets.split()):
        raise CaseworkError(_("Choose at least one of the datasets that were asked for."))
    row = law_for(request.instrument_type, request.agency.country)
    beyond = join_datasets(set(accepted.split()) - row.datasets)
    if beyond:
        words = ", ".join(dataset_words(beyond))
        raise CaseworkError(_("This instrument does not obtain: %(what)s.") % {"what": words})
    if has_personal(accepted):
        require(by, Action.DECIDE_PERSONAL_REQUEST)
    _decide(
        request, RequestAction.ACCEPT, "accept", by=by, reason=reason,
        data={"datasets": accepted},
        accepted_datasets=accepted,
        decision="full" if accepted == request.datasets else "partial",
        decided_by_id=by.person,
        decided_at=timezone.now(),
    )  # fmt: skip
    return request


@transaction.atomic
def refuse_request(
    request: InformationRequest, *, words: str, content_hash: str, reason: str, by: Actor
) -> InformationRequest:
    """Refuse it; `words` is what the agency reads. Raises as `accept_request`."""
    enter_request(request, Action.DECIDE_REQUEST, by=by)
    _ready(request, RequestAction.REFUSE, content_hash, by=by)
    _decide(
        request, RequestAction.REFUSE, "refuse", by=by, reason=reason,
        answer=words_for_agency(request, words),
        decision="refused",
        decided_by_id=by.person,
        decided_at=timezone.now(),
    )  # fmt: skip
    return request


@transaction.atomic
def mark_no_match(
    request: InformationRequest, *, words: str, content_hash: str, reason: str, by: Actor
) -> InformationRequest:
    """Say that we hold nothing; the search runs again and its digest is kept.

    Refused while an account or a record matches. Raises as `accept_request`.
    """
    enter_request(request, Action.DECIDE_REQUEST, by=by)
    _ready(request, RequestAction.NO_MATCH, content_hash, by=by)
    found = matches_of(request, by)
    if any(each.is_held for each in found):
        raise CaseworkError(_("An account or a record matches: this is not a reply without match."))
    search = [[each.identifier.kind, each.identifier.normalised] for each in found]
    _decide(
        request, RequestAction.NO_MATCH, "no_match", by=by, reason=reason,
        data={"num_searched": len(search), "search_sha256": content_digest(search)},
        answer=words_for_agency(request, words),
        decision="no_match",
        decided_by_id=by.person,
        decided_at=timezone.now(),
    )  # fmt: skip
    return request


@transaction.atomic
def release_response(
    request: InformationRequest,
    release: SharedRelease,
    *,
    content_hash: str,
    reason: str,
    by: Actor,
) -> InformationRequest:
    """Answer with a release that the asking officer can open now. Raises as `accept_request`.

    What stands in it was approved and cleared as a referral; here it becomes the answer.
    """
    enter_case(release.referral.case_id, Action.SEND_REFERRAL, by=by)
    enter_request(request, Action.RELEASE_RESPONSE, by=by)
    _ready(request, RequestAction.RELEASE, content_hash, by=by)
    if has_personal(request.accepted_datasets):
        require(by, Action.DECIDE_PERSONAL_REQUEST)
    release.refresh_from_db()
    is_open = ShareGrant.objects.filter(
        release=release, liaison_id=request.liaison_id, revoked_at=None,
        expires_at__gt=timezone.now(),
    ).exists()  # fmt: skip
    if (
        release.agency_id != request.agency_id
        or release.state != ReleaseState.SHARED.value
        or not is_open
    ):
        raise CaseworkError(_("Choose a release that is open to the officer who asked."))
    if release.referral.answers_id not in (None, request.pk):
        raise CaseworkError(_("This release was made to answer another request."))
    if not verified_officers(request.agency_id).filter(pk=request.liaison_id).exists():
        raise CaseworkError(
            _("The officer who asked is not verified any more: verify the account first.")
        )
    _decide(
        request, RequestAction.RELEASE, "release", by=by, reason=reason,
        data={"release": release.number, "sha256": release.sha256},
        response=release,
        released_by_id=by.person,
        released_at=timezone.now(),
    )  # fmt: skip
    return request
