"""What every request passes: headers, log line, idle clock, second factor, actor, domain errors."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import structlog
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.reauthentication import suspend_request
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.http import urlencode
from django_structlog.middlewares import RequestMiddleware

from cases.acting import acting_as
from cases.policy import STEP_UP, Actor, PermissionDenied, Role, StepUpRequired
from cases.services.audit import record_refusal
from cases.services.errors import CaseworkError, TooFast
from cases.states import InvalidTransition
from fiu.adapter import SEEN_AT, SIGNED_IN_AT
from fiu.errors import error_page, too_many
from fiu.models import User
from fiu.notices import tell_unseen
from fiu.oidc.factor import has_outside_factor

GetResponse = Callable[[HttpRequest], HttpResponseBase]

UNNAMED = frozenset({"case_reports"})

POLL_HEADER = "X-Fiu-Poll"  # a poll is not activity: it never renews the idle clock (W5)

# Pages that a person without a second factor may see: those that lead to one, and out.
BEFORE_SECOND_FACTOR = frozenset(
    {
        "account_logout",
        "account_set_password",
        "account_reauthenticate",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "mfa_activate_totp",
        "healthz",
        "metrics",
        "csp_report",
        "oidc_logout",  # asked by the provider, never by a person
    }
)

# Open only to who has no factor at all: else a password alone could add one beside it.
FIRST_FACTOR = frozenset({"mfa_add_webauthn"})

KEY_AGAIN = "mfa_reauthenticate_webauthn"
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)

# Pages whose own form takes the code.
ALLAUTH_CODES = frozenset(
    {
        "mfa_authenticate",
        "mfa_reauthenticate",
        "mfa_activate_totp",
        "mfa_deactivate_totp",
        "mfa_generate_recovery_codes",
    }
)


class ResponseHeaders:
    """S7: nothing of a signed-in page stays in a cache; leaving clears what the browser kept."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith(settings.STATIC_URL):
            response["Cache-Control"] = "no-store, private"
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=()"
        )
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if getattr(request, "signed_out", False):
            response["Clear-Site-Data"] = '"cache", "storage"'
        seconds = getattr(request, "retry_after", None)
        if seconds is not None and response.status_code == 200:
            # The sign-in form says so in a sentence; programs that guess are told by the status.
            response.status_code = 429
            response["Retry-After"] = str(seconds)
        return response


class ClientAddress:
    """The visitor's address behind FIU_PROXIES proxies: what audit lines and limits go by.

    Only the last entries of X-Forwarded-For are the proxies' own; a visitor writes what he likes
    before them.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.FIU_PROXIES:
            hops = request.headers.get("X-Forwarded-For", "").split(",")[-settings.FIU_PROXIES :]
            with suppress(ValueError):  # a proxy that writes no address: its own stays
                if len(hops) == settings.FIU_PROXIES:
                    request.META["REMOTE_ADDR"] = str(ip_address(hops[0].strip()))
        return self.get_response(request)


# What both doors need to get in and out; everything else belongs to one of them.
_SHARED_PATHS = ("/accounts/", "/csp-report/", "/healthz")


class OneDoor:
    """A9: where the doors are processes of their own, neither answers for the other."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.FIU_DOOR == "both" or request.path.startswith(_SHARED_PATHS):
            return self.get_response(request)
        is_liaison = request.path.startswith(settings.LIAISON_PREFIX)
        if is_liaison == (settings.FIU_DOOR == "liaison"):
            return self.get_response(request)
        if settings.FIU_DOOR == "liaison" and request.path == "/":
            return redirect(settings.LIAISON_PREFIX)
        return error_page(request, 404)


class RequestLog(RequestMiddleware):
    """One line a request with ids only: the route's name instead of path and query."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        match = request.resolver_match
        name = match.view_name if match else "-"
        # No log tells that a report was looked at, or asked for.
        plain = name.removeprefix("api_")
        is_unnamed = plain in UNNAMED or plain.startswith("report_")
        return f"{request.method} {'-' if is_unnamed else name}"

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        took = time.perf_counter() - request.log_begun  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(ms=round(took * 1000, 1))
        super().handle_response(request, response)

    def prepare(self, request: HttpRequest) -> None:
        request.log_begun = time.perf_counter()  # type: ignore[attr-defined]
        agent = request.META.pop("HTTP_USER_AGENT", None)
        super().prepare(request)
        if agent is not None:
            request.META["HTTP_USER_AGENT"] = agent


class IdleSessions:
    """S1: a session ends after the idle time of its door, and after twelve hours in any case."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if isinstance(user, User):
            now = int(time.time())
            seen = request.session.get(SEEN_AT, now)
            begun = request.session.get(SIGNED_IN_AT, now)
            idle = (
                settings.IDLE_SECONDS_LIAISON if user.role == "liaison" else settings.IDLE_SECONDS
            )
            until = user.access_until
            is_over = until is not None and until.timestamp() < now
            if is_over or now - seen > idle or now - begun > settings.SESSION_COOKIE_AGE:
                logout(request)
                request.signed_out = True  # type: ignore[attr-defined]  # read by ResponseHeaders
            elif POLL_HEADER not in request.headers and (
                SEEN_AT not in request.session or now - seen >= 60
            ):
                request.session[SEEN_AT] = now
                request.session.setdefault(SIGNED_IN_AT, now)
                request.begins_minute = True  # type: ignore[attr-defined]  # read by CurrentActor
        was_signed_in = request.user.is_authenticated
        response = self.get_response(request)
        if was_signed_in and not request.user.is_authenticated:
            request.signed_out = True  # type: ignore[attr-defined]
        return response


def second_factor_at(request: HttpRequest) -> datetime | None:
    """When this session last showed a second factor; a password alone never counts (E6)."""
    user = request.user
    if not isinstance(user, User):
        return None
    times = [
        record["at"]
        for record in get_authentication_records(request, user)
        if record.get("method") == "mfa"
    ]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def is_second_factor_fresh(request: HttpRequest) -> bool:
    """Whether a second factor was shown in the last five minutes (E6)."""
    shown = second_factor_at(request)
    return shown is not None and datetime.now(UTC) - shown <= STEP_UP


def has_second_factor(user: object) -> bool:
    """Whether this person has an authenticator app or a key: 1 query."""
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def factor_page(user: User) -> str:
    """The route that asks this person for the second factor again: a key before a code."""
    types = set(
        Authenticator.objects.filter(user=user, type__in=FACTORS).values_list("type", flat=True)
    )
    if not types:
        return "mfa_activate_totp"
    return KEY_AGAIN if Authenticator.Type.WEBAUTHN in types else "mfa_reauthenticate"


class SecondFactor:
    """S2: no signed-in page without a second factor; whoever has none is led to set one up."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User) or second_factor_at(request) is not None:
            return self.get_response(request)
        if self._is_open(request):  # last: it finds the route among 600
            return self.get_response(request)
        page = factor_page(user)
        if page == "mfa_activate_totp" and self._route(request) in FIRST_FACTOR:
            return self.get_response(request)
        back = urlencode({"next": request.get_full_path()}) if request.method == "GET" else ""
        target = f"{reverse(page)}?{back}" if back else reverse(page)
        if request.headers.get("HX-Request"):
            response = HttpResponse(status=204)
            response["HX-Redirect"] = reverse(page)
            return response
        return redirect(target)

    @classmethod
    def _is_open(cls, request: HttpRequest) -> bool:
        # The door for programs asks for the factor itself: it answers programs, not browsers.
        if request.path.startswith((settings.STATIC_URL, settings.API_PREFIX)):
            return True
        route = cls._route(request)
        return not route or route in BEFORE_SECOND_FACTOR

    @staticmethod
    def _route(request: HttpRequest) -> str:
        """The route's name; empty where nothing is: the same 404 as for everybody."""
        try:
            return resolve(request.path_info).view_name
        except Resolver404:
            return ""


class CurrentActor:
    """Builds the one value by which services judge a request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST" and isinstance(request.user, User) and request.POST.get("code"):
            request.code_accepted = accept_code(request, request.user)  # type: ignore[attr-defined]
        actor = actor_of(request)
        request.actor = actor  # type: ignore[attr-defined]  # see cases/http.py
        has_shown_factor = actor is not None and actor.mfa_at is not None
        if has_shown_factor and hasattr(request, "begins_minute"):
            assert isinstance(request.user, User)  # who else is an actor
            tell_unseen(request, request.user)
        with acting_as(actor):
            return self.get_response(request)


def accept_code(request: HttpRequest, user: User) -> bool:
    """Take the second factor that a legal act carries (X3); allauth counts failures and reuse."""
    if second_factor_at(request) is None or resolve(request.path_info).view_name in ALLAUTH_CODES:
        return False
    form = ReauthenticateForm({"code": request.POST["code"]}, user=user)
    if not form.is_valid():
        return False
    form.save()
    return True


def actor_of(request: HttpRequest) -> Actor | None:
    """The actor of a signed-in request; None for a stranger."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return None
    return Actor(
        user_id=user.pk,
        role=Role(user.role),
        agency_id=user.agency_id,
        address=request.META.get("REMOTE_ADDR", ""),
        mfa_at=second_factor_at(request),
        may_view_reports=user.may_view_reports,
    )


def step_up(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor, then go on: a plain form post is sent again by itself."""
    user = request.user
    if isinstance(user, User) and has_outside_factor(request, user) and not has_second_factor(user):
        return _again_outside(request)
    has_key = isinstance(user, User) and factor_page(user) == KEY_AGAIN
    page = reverse(KEY_AGAIN if has_key else "mfa_reauthenticate")
    if request.headers.get("HX-Request"):
        here = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
        response = HttpResponse(status=204)
        response["HX-Redirect"] = f"{page}?{urlencode({'next': here})}"
        return response
    resumable: HttpResponse = suspend_request(request, page)
    return resumable


def _again_outside(request: HttpRequest) -> HttpResponse:
    """To the provider, and back to the page on which the act stood: the act is asked for again."""
    came_from = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    page = urlsplit(came_from).path if request.method != "GET" else request.get_full_path()
    target = f"{reverse('oidc_start')}?{urlencode({'again': '1', 'next': page or '/'})}"
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = target
        return response
    return redirect(target)


class DomainErrors:
    """Errors of the domain become answers here and nowhere else in the web doors."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, StepUpRequired):
            return step_up(request)
        if isinstance(error, PermissionDenied):
            keep_refusal(request, error)
        if isinstance(error, PermissionDenied | DjangoPermissionDenied):
            return error_page(request, 403, str(error))
        if isinstance(error, TooFast):
            return too_many(request, str(error), error.seconds)
        if isinstance(error, InvalidTransition):
            # Officers of agencies are not told in which state the house has it.
            is_portal = request.path.startswith(settings.LIAISON_PREFIX)
            return error_page(request, 409, "" if is_portal else str(error))
        if isinstance(error, CaseworkError):
            return error_page(request, 409, str(error))
        return None


def keep_refusal(request: HttpRequest, error: PermissionDenied) -> None:
    """H8: a refused permission is an audit event too, written after the service rolled back."""
    actor: Actor | None = getattr(request, "actor", None)
    match = request.resolver_match
    if actor is None or match is None:
        return
    subject = next((str(value) for value in match.kwargs.values()), "-")
    record_refusal(by=actor, action=match.view_name or "-", object=subject, reason=str(error))
