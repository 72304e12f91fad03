"""Keeping data for an agency: begun and renewed by the desk, ended by whoever decides requests."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.clocks import DEFAULTS
from cases.models import InformationRequest, Preservation
from cases.policy import Action, Actor, require_step_up
from cases.queries.clocks import clock_for
from cases.queries.request_matches import matches_of
from cases.services.audit import content_digest, record_event
from cases.services.errors import CaseworkError
from cases.services.requests.content import enter_request
from cases.services.steps import swap_state
from cases.services.validation import require_reason
from cases.states import (
    PRESERVATION,
    InvalidTransition,
    PreservationAction,
    PreservationState,
    RequestState,
    next_state,
)
from cases.times import iso

LONGEST = timedelta(days=366)
# Nothing is kept for an agency that nobody has taken up, and nothing anew once all is over.
OPEN = frozenset({
    RequestState.VERIFYING, RequestState.IN_REVIEW, RequestState.CLARIFICATION,
    RequestState.COLLECTING, RequestState.RELEASED,
})  # fmt: skip


@transaction.atomic
def start_preservation(request: InformationRequest, *, reason: str, by: Actor) -> Preservation:
    """Keep the data of every account that matches, by the clock of the agency.

    Raises PermissionDenied, CaseworkError, InvalidTransition where it runs already.
    """
    enter_request(request, Action.VERIFY_REQUESTER, by=by)
    why = require_reason(reason)
    if RequestState(request.state) not in OPEN:
        raise CaseworkError(_("Take the request up first; one that is over preserves nothing."))
    uids = sorted(
        {each.account.uid for match in matches_of(request, by) for each in match.accounts}
    )
    clock = clock_for("preserve", request.agency.country, request.agency_id) or DEFAULTS["preserve"]
    now = timezone.now().replace(microsecond=0)
    try:
        with transaction.atomic():
            kept: Preservation = Preservation.objects.create(
                request=request, accounts=uids, starts_at=now, until=clock.ends(now),
                source=clock.source, started_by_id=by.person,
            )  # fmt: skip
    except IntegrityError as error:
        raise InvalidTransition(_("The data of this request is preserved already.")) from error
    record_event(
        None, "start_preservation", request.reference, by=by, reason=why,
        data={"num_accounts": len(uids), "accounts_sha256": content_digest(uids),
              "until": iso(kept.until), "clock": clock.fact},
    )  # fmt: skip
    return kept


@transaction.atomic
def renew_preservation(
    kept: Preservation, *, until: datetime, reason: str, by: Actor
) -> Preservation:
    """Keep it for as long again, counted from its end or from now, whichever is later.

    `until` is the end that the person saw: of two who renew the same one, only the first does.
    Raises PermissionDenied, CaseworkError, InvalidTransition where it ended or was renewed.
    """
    request = kept.request
    enter_request(request, Action.VERIFY_REQUESTER, by=by)
    why = require_reason(reason)
    kept.refresh_from_db()
    next_state(PRESERVATION, PreservationState(kept.state), PreservationAction.RENEW)
    if iso(kept.until) != iso(until):
        raise InvalidTransition(
            _("It was renewed meanwhile: it runs until %(day)s.")
            % {"day": f"{kept.until:%Y-%m-%d}"}
        )
    clock = clock_for("preserve", request.agency.country, request.agency_id) or DEFAULTS["preserve"]
    now = timezone.now().replace(microsecond=0)
    renewed = clock.ends(max(now, kept.until))
    if renewed - now > LONGEST:
        raise CaseworkError(_("It is preserved for a year already: renew it later."))
    swap_state(
        kept, PRESERVATION, PreservationAction.RENEW, "this preservation", {"until": kept.until},
        until=renewed, source=clock.source, num_renewals=kept.num_renewals + 1,
    )  # fmt: skip
    record_event(
        None, PreservationAction.RENEW.value, request.reference, by=by, reason=why,
        data={"from": iso(until), "until": iso(renewed), "clock": clock.fact},
    )  # fmt: skip
    return kept


@transaction.atomic
def end_preservation(kept: Preservation, *, reason: str, by: Actor) -> Preservation:
    """End it: from now on the data goes the way of all other. It never ends by itself.

    Raises PermissionDenied, StepUpRequired, CaseworkError, InvalidTransition.
    """
    request = kept.request
    enter_request(request, Action.DECIDE_REQUEST, by=by)
    require_step_up(by)
    why = require_reason(reason)
    kept.refresh_from_db()
    swap_state(
        kept, PRESERVATION, PreservationAction.END, "this preservation",
        ended_by_id=by.person, ended_at=timezone.now(), end_reason=why,
    )  # fmt: skip
    record_event(None, PreservationAction.END.value, request.reference, by=by, reason=why)
    return kept
