"""Legal acts: approve, reject, hold, seal. One form for all, in a dialog or on a page of its own.

A view describes the act and calls `perform`; what is refused comes back in the same form, with the
present content and its hash, so that nobody decides on anything but what is shown (X1 to X5).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.http import AuthedRequest
from cases.models import FreezeRequest
from cases.policy import STEP_UP, Action, Actor, holds_office, may
from cases.services.errors import CaseworkError
from cases.services.freezes.content import approval_rule
from cases.states import InvalidTransition


@dataclass(frozen=True)
class Fact:
    """A line of what the act is about: amount, account, agency, basis."""

    label: str
    text: str
    sub: str = ""


@dataclass
class Act:
    """What templates/components/legal_act_form.html draws; its fields are told there."""

    id: str
    url: str
    title: str
    effect: str
    verb: str
    cancel_url: str
    icon: str = ""
    facts: list[Fact] = field(default_factory=list)
    note: str = ""
    note_tone: str = "warn"
    confirm: str = ""
    expected: str = ""  # what has to be typed into the confirm field
    danger: bool = False
    content_hash: str = ""
    blocked: str = ""
    needs_code: bool = False
    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def needs_code(actor: Actor) -> bool:
    """Whether the second factor of this session is too old for a legal act."""
    return actor.mfa_at is None or timezone.now() - actor.mfa_at > STEP_UP


def why_not(actor: Actor, action: Action, *first: int | None) -> str:
    """The reason why this person may not do it, "" when they may; the service decides again."""
    if not may(actor, action):
        return _("Your role may not do this.")
    if actor.user_id in first:
        return _("You asked for this or edited it last: a second person decides.")
    return ""


def why_not_sign(actor: Actor, action: Action, freeze: FreezeRequest, *first: int | None) -> str:
    """As `why_not`, of a decision that a policy may open to supervisors: for them 1 query more."""
    may_be_open = not may(actor, action) and may(actor, Action.SIGN_FREEZE)
    if may_be_open:
        rule = approval_rule(freeze, action, signers=[actor.user_id])
        action = Action.SIGN_FREEZE if holds_office(actor, action, rule.roles) else action
    return why_not(actor, action, *first)


def exact_words(base: int, asset: object) -> str:
    """An amount in whole units, every digit of it."""
    decimals, symbol = getattr(asset, "decimals", 0), getattr(asset, "symbol", "")
    whole, part = divmod(base, 10**decimals)
    digits = str(part).rjust(decimals, "0").rstrip("0") if decimals else ""
    return f"{whole:,}{'.' + digits if digits else ''} {symbol}"


def perform(
    request: AuthedRequest, act: Act, do: Callable[[str, str], object], done: str
) -> HttpResponse:
    """Show the act, or do it: `do(reason, content_hash)` calls one service.

    Answers 200 with the form, 422 with the form and what is wrong, or leads back to
    `act.cancel_url` with `done` as the message.
    """
    if request.method != "POST":
        return _show(request, act, 200)
    act.values = {"reason": request.POST.get("reason", "").strip()}
    act.errors = _mistakes(request, act)
    if act.errors:
        return _show(request, act, 422)
    try:
        do(act.values["reason"], request.POST.get("content_hash", ""))
    except (CaseworkError, InvalidTransition) as error:
        act.errors = {"form": str(error)}
        return _show(request, act, 422)
    messages.success(request, done)
    if request.htmx:
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = act.cancel_url
        return answer
    return HttpResponseRedirect(act.cancel_url)


def _mistakes(request: AuthedRequest, act: Act) -> dict[str, str]:
    errors = {}
    if act.blocked:
        errors["form"] = act.blocked
    if not act.values["reason"]:
        errors["reason"] = _("Give the reason: it is kept with the decision.")
    typed = request.POST.get("confirm", "").strip()
    if act.expected and typed.lstrip("•").lower() != act.expected.lower():
        errors["confirm"] = _("This is not what was asked for.")
    if act.needs_code and not getattr(request, "code_accepted", False):
        errors["code"] = (
            _("This code was not accepted. Wait for the next one and try again.")
            if request.POST.get("code")
            else _("Type the code that your authenticator shows now.")
        )
    return errors


def _show(request: AuthedRequest, act: Act, status: int) -> HttpResponse:
    part = request.htmx and not request.htmx.history_restore_request
    template = "components/legal_act_form.html" if part else "cases/act_page.html"
    return render(request, template, {"act": act}, status=status)
