"""Typed requests of the signed-in doors, and who may pass the door at all."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from cases.policy import Action, Actor, may

P = ParamSpec("P")


class AuthedRequest(HttpRequest):
    """A request behind `login_required`; `actor` is set by the installation's middleware."""

    actor: Actor
    htmx: HtmxDetails
    user: Any  # the installation's user model, which casework does not import


View = Callable[Concatenate[AuthedRequest, P], HttpResponse]


def seen_version(request: HttpRequest, present: int) -> int:
    """The version of a row that the form was opened on; a form without one saw the present one."""
    typed = request.POST.get("version", "")
    return int(typed) if typed.isdecimal() and len(typed) < 10 else present


def casework(view: View[P]) -> Callable[..., HttpResponse]:
    """For people who work on cases; to everybody else the address does not exist.

    Which rows they reach is for `visible_to`, what they may do there for the services.
    """
    return require_at_the_door(Action.VIEW_CASE)(view)


def require_at_the_door(*actions: Action) -> Callable[[View[P]], Callable[..., HttpResponse]]:
    """Signed in and with a role that has one of `actions`; else the address does not exist (A3)."""

    def wrap(view: View[P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def inner(request: AuthedRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not any(may(request.actor, action) for action in actions):
                raise Http404
            return view(request, *args, **kwargs)

        guarded: Callable[..., HttpResponse] = login_required(inner)
        return guarded

    return wrap
