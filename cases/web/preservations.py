"""Preserving data for an agency from the page of its request: begin, renew, end."""

from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cases.http import AuthedRequest, casework
from cases.models import InformationRequest, Preservation
from cases.policy import Action
from cases.queries.requests import request_for_page
from cases.services.requests import end_preservation, renew_preservation, start_preservation
from cases.services.requests.preservations import OPEN
from cases.states import InvalidTransition, PreservationState, RequestState
from cases.times import iso
from cases.web.acts import Act, Fact, needs_code, perform, why_not

STEPS = ("start", "renew", "end")


def preservation_acts(
    request: AuthedRequest, asked: InformationRequest, kept: Preservation | None
) -> list[Act]:
    """What this person may do with the data that is kept for this request."""
    is_live = kept is not None and kept.state == PreservationState.ACTIVE
    if is_live:
        return [_act(request, asked, kept, name) for name in ("renew", "end")]
    return [_act(request, asked, None, "start")] if RequestState(asked.state) in OPEN else []


def _act(
    request: AuthedRequest, asked: InformationRequest, kept: Preservation | None, name: str
) -> Act:
    title, effect, verb, icon = {
        "start": (
            _("Preserve the data of %(reference)s?"),
            _("The data of every account that matches is kept until the day the clock names. No "
              "value is held, and the customer is told nothing."),
            _("Preserve data"), "lock",
        ),
        "renew": (
            _("Renew the preservation of %(reference)s?"),
            _("It runs as long again, counted from its end."), _("Renew"), "clock",
        ),
        "end": (
            _("End the preservation of %(reference)s?"),
            _("The data goes the way of all other from now on. The agency sees it."),
            _("End preservation"), "ban",
        ),
    }[name]  # fmt: skip
    ends = name == "end"
    right = Action.DECIDE_REQUEST if ends else Action.VERIFY_REQUESTER
    facts = [Fact(_("Agency"), asked.agency.name, asked.agency_ref)]
    if kept is not None:
        facts.append(Fact(_("Accounts"), str(len(kept.accounts)), kept.source))
        facts.append(Fact(_("Runs until"), f"{kept.until:%Y-%m-%d %H:%M} UTC"))
    return Act(
        id=f"preserve-{name}-{asked.public_id}",
        url=reverse(f"preservation_{name}", args=[asked.public_id]),
        title=title % {"reference": asked.reference}, effect=effect, verb=verb, icon=icon,
        cancel_url=reverse("request_detail", args=[asked.public_id]), facts=facts,
        danger=ends, blocked=why_not(request.actor, right),
        needs_code=ends and needs_code(request.actor),
        content_hash=iso(kept.until) if name == "renew" and kept is not None else "",
    )  # fmt: skip


def _moment(seen: str) -> datetime:
    """The end that the form was shown with. Raises InvalidTransition for what was never shown."""
    try:
        found = parse_datetime(seen)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidTransition(_("Look at this preservation again before you renew it."))
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def preservation_decide(request: AuthedRequest, request_id: UUID, step: str) -> HttpResponse:
    asked = get_object_or_404(request_for_page(request.actor), public_id=request_id)
    rows = Preservation.objects.visible_to(request.actor).select_related("request__agency")
    kept = rows.filter(request=asked, state=PreservationState.ACTIVE.value).first()
    if step != "start" and kept is None:
        raise Http404
    act = _act(request, asked, kept, step)

    def do(reason: str, seen: str) -> object:
        if step == "start":
            return start_preservation(asked, reason=reason, by=request.actor)
        assert kept is not None  # looked for above
        if step == "end":
            return end_preservation(kept, reason=reason, by=request.actor)
        return renew_preservation(kept, until=_moment(seen), reason=reason, by=request.actor)

    return perform(request, act, do, _("Decision recorded."))


ONE = "requests/<uuid:request_id>/preserve/"
urlpatterns = [
    path(f"{ONE}{step}/", preservation_decide, {"step": step}, name=f"preservation_{step}")
    for step in STEPS
]
