"""What one person proposes for the house and another decides: clocks, policies, rules, law."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from cases.http import AuthedRequest
from cases.policy import Action, Actor
from cases.services.errors import CaseworkError
from cases.states import PolicyState
from cases.web.acts import Act, Fact, needs_code, perform, why_not

DECISIONS = ("approve", "reject")


def propose(
    request: AuthedRequest, form: BaseForm, do: Callable[[], object], template: str, back: str
) -> HttpResponse:
    """Show the form, or `do` what it says and lead to the route `back`.

    What the service refuses stands above the form as it was filled in.
    """
    if form.is_valid():
        try:
            do()
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Proposed: it holds once compliance puts it in force."))
            return redirect(back)
    return render(request, template, {"form": form}, status=422 if form.errors else 200)


def decision_act(
    actor: Actor, proposal: Any, name: str, kind: str, *, permission: Action, title: str,
    effect: str, facts: Sequence[Fact], cancel_url: str, unready: str = "",
) -> Act:  # fmt: skip
    """Put in force or reject; what was in force before is superseded by it.

    `kind` begins the names of both routes; `title` and `effect` are of putting it in force, and
    `unready` says what that still waits for.
    """
    approves = name == "approve"
    blocked = why_not(actor, permission, proposal.proposed_by_id)
    if proposal.state != PolicyState.PROPOSED:
        blocked = _("This proposal was decided already.")
    return Act(
        id=f"{kind}-{name}-{proposal.public_id}",
        url=reverse(f"{kind}_{name}", args=[proposal.public_id]),
        title=title if approves else _("Reject this proposal?"),
        effect=effect if approves else _("What is in force stays as it is."),
        verb=_("Put in force") if approves else _("Reject"),
        icon="badge-check" if approves else "circle-x",
        danger=not approves,
        cancel_url=cancel_url,
        facts=list(facts),
        content_hash=proposal.content_hash,
        blocked=blocked or (unready if approves else ""),
        needs_code=needs_code(actor),
    )


def with_decisions(
    proposals: Iterable[Any], act: Callable[[Any, str], Act]
) -> list[tuple[Any, list[Act]]]:
    """Each proposal with what may be done with it."""
    return [(each, [act(each, name) for name in DECISIONS]) for each in proposals]


def decide(
    request: AuthedRequest, proposal: Any, name: str, act: Act, *,
    approve: Callable[..., object], reject: Callable[..., object],
) -> HttpResponse:  # fmt: skip
    """Ask for a reason and the code, then have the service put it in force or refuse it."""

    def do(reason: str, content_hash: str) -> object:
        if name == "approve":
            return approve(proposal, content_hash=content_hash, reason=reason, by=request.actor)
        return reject(proposal, reason=reason, by=request.actor)

    return perform(request, act, do, _("Decision recorded."))


def decision_paths(one: str, view: Callable[..., HttpResponse], kind: str) -> list[URLPattern]:
    """The two addresses of a decision below `one`, named by `kind`."""
    return [
        path(f"{one}{name}/", view, {"decision": name}, name=f"{kind}_{name}") for name in DECISIONS
    ]
