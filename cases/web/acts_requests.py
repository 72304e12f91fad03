"""The legal acts on a request in words: what each does, who decides, what the agency reads."""

from dataclasses import dataclass

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _

from cases.http import AuthedRequest
from cases.models import InformationRequest
from cases.policy import Action
from cases.queries.requests import RequestPage
from cases.states import RequestAction
from cases.web.acts import Act, Fact, needs_code, why_not
from cases.web.forms_requests import AcceptForm, ReleaseForm, WordsForm

# Route name -> state action and right. The order is that of the buttons.
ACTS = {
    "accept": (RequestAction.ACCEPT, Action.DECIDE_REQUEST),
    "release": (RequestAction.RELEASE, Action.RELEASE_RESPONSE),
    "no_match": (RequestAction.NO_MATCH, Action.DECIDE_REQUEST),
    "ask": (RequestAction.ASK, Action.VERIFY_REQUESTER),
    "refuse": (RequestAction.REFUSE, Action.DECIDE_REQUEST),
    "close": (RequestAction.CLOSE, Action.CLOSE_REQUEST),
}
SECOND_PERSON = ("accept", "no_match", "refuse", "release")


@dataclass
class RequestAct(Act):
    """An act with fields of its own above the reason."""

    form: forms.Form | None = None


def request_act(
    request: AuthedRequest, asked: InformationRequest, page: RequestPage, name: str
) -> RequestAct:
    """One act on one request; `blocked` says why this person may not do it."""
    first: list[int | None] = []
    if name in SECOND_PERSON:
        first = [asked.recorded_by_id, asked.started_by_id, asked.verified_by_id]
        first += [row.check.by_id for row in page.checks if row.check]
    blocked = why_not(request.actor, ACTS[name][1], *first)
    title, effect, verb, icon = _words(name, asked)
    return RequestAct(
        id=f"{name}-{asked.public_id}",
        url=reverse(f"request_{name}", args=[asked.public_id]),
        title=title,
        effect=effect,
        verb=verb,
        icon=icon,
        cancel_url=reverse("request_detail", args=[asked.public_id]),
        facts=_facts(asked, page),
        note=_("You checked none of this, so you may decide as the second person.")
        if name in SECOND_PERSON and not blocked
        else "",
        danger=name == "refuse",
        content_hash=asked.content_hash,
        blocked=blocked,
        needs_code=name in SECOND_PERSON and needs_code(request.actor),
        form=_form(request, asked, page, name),
    )


def _form(
    request: AuthedRequest, asked: InformationRequest, page: RequestPage, name: str
) -> forms.Form | None:
    data = request.POST or None
    if name in ("ask", "refuse", "no_match"):
        return WordsForm(name, data, auto_id=f"id_{name}_%s")
    if name == "accept":
        return AcceptForm(page.datasets, data)
    if name == "release":
        return ReleaseForm(asked, request.actor, data)
    return None


def _facts(asked: InformationRequest, page: RequestPage) -> list[Fact]:
    num_held = sum(match.is_held for match in page.matches)
    return [
        Fact(_("Agency"), asked.agency.name, asked.agency_ref),
        Fact(_("Instrument"), str(asked.get_instrument_type_display()), asked.instrument_number),
        Fact(
            _("Matches"),
            _("%(held)d of %(all)d identifiers") % {"held": num_held, "all": len(page.matches)},
        ),
    ]


def _words(name: str, asked: InformationRequest) -> tuple[str, str, str, str]:
    words = {"reference": asked.reference, "agency": asked.agency.short_name}
    return {
        "accept": (
            _("Accept %(reference)s?") % words,
            _("The answer may then be prepared from the data you choose here. The agency sees "
              "that its request was accepted, and no data yet."),
            _("Accept"), "circle-check",
        ),
        "release": (
            _("Answer %(reference)s with a release?") % words,
            _("The release becomes the answer; %(agency)s sees it with the request at once.")
            % words,
            _("Answer"), "send",
        ),
        "no_match": (
            _("Reply to %(reference)s that nothing matches?") % words,
            _("We say that we hold nothing. The search runs once more and is kept."),
            _("Reply without match"), "circle-x",
        ),
        "ask": (
            _("Ask %(agency)s about %(reference)s?") % words,
            _("The request waits for the answer of the agency, then it is checked again."),
            _("Ask"), "circle-question-mark",
        ),
        "refuse": (
            _("Refuse %(reference)s?") % words,
            _("The agency reads your words at once; your reason stays in the house."),
            _("Refuse"), "ban",
        ),
        "close": (
            _("Close %(reference)s?") % words,
            _("Nothing more is done on it. The record stays."),
            _("Close"), "check",
        ),
    }[name]  # fmt: skip
