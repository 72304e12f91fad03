"""How allauth's OpenID Connect provider is held here: whom it asks, and who gets in.

A person gets in by the subject that an administrator entered, or the first time by the verified
address of an account that an administrator made; the subject is kept then, and from that day it
alone counts, because addresses pass on from one person to the next.
"""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

import requests
import structlog
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from cases.policy import Actor, Role
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from fiu.models import User
from fiu.oidc.factor import ORIGIN_KEY, STATE_KEY, shown_at
from fiu.oidc.session import CarefulSession

logger = structlog.get_logger(__name__)

PROVIDER_ID = "house"


class Refused(PermissionDenied):
    """No sign-in; the message is a word for the log."""


class SignInAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """One provider, from the settings; nobody signs up."""

    def list_apps(self, request: HttpRequest, **_asked: Any) -> list[SocialApp]:
        return [
            SocialApp(
                provider="openid_connect",
                provider_id=PROVIDER_ID,
                name=settings.OIDC_NAME,
                client_id=settings.OIDC_CLIENT_ID,
                secret=settings.OIDC_CLIENT_SECRET,
                settings={
                    "server_url": settings.OIDC_ISSUER,
                    "oauth_pkce_enabled": True,
                    "scope": ["openid", "email"],
                },
            )
        ]

    def get_requests_session(self) -> requests.Session:
        return CarefulSession()

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """The token holds: find whose it is. Raises ImmediateHttpResponse for nobody of ours."""
        claims: dict[str, Any] = sociallogin.claims
        try:
            user = sociallogin.user if sociallogin.is_existing else None
            if user is None:
                user = _first_time(request, sociallogin, claims)
            _require_ours(user)
            if request.user.is_authenticated and request.user != user:
                raise Refused("other_person")  # a step-up by somebody else
        except Refused as error:
            raise ImmediateHttpResponse(refusal(request, str(error))) from error
        sociallogin.user = user
        sociallogin.token = None  # else it waits in the session while the second step goes on
        sociallogin.state[STATE_KEY] = shown_at(claims, time.time())
        sociallogin.state[ORIGIN_KEY] = origin_of(claims)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> None:
        if error == AuthError.CANCELLED:
            reason = "cancelled"
        elif is_away(exception):
            reason = "away"
        elif isinstance(exception, Refused):
            reason = str(exception)
        else:
            reason = "state" if exception is None else "answer"
        raise ImmediateHttpResponse(refusal(request, reason))


def is_away(error: Exception | None) -> bool:
    """Whether the provider did not answer; an answer that is no JSON is an answer."""
    is_transport = isinstance(error, requests.RequestException)
    return is_transport and not isinstance(error, requests.JSONDecodeError)


def _require_ours(user: User) -> None:
    if not user.is_active:
        raise Refused("closed")
    if user.role == Role.LIAISON:
        raise Refused("other_door")  # officers have their own door


def _first_time(request: HttpRequest, login: SocialLogin, claims: dict[str, Any]) -> User:
    """The account with the address that the provider has verified; from now on by subject."""
    email = claims.get("email")
    if not isinstance(email, str) or not email or claims.get("email_verified") is not True:
        raise Refused("unknown")
    found = list(User.objects.filter(email__iexact=email)[:2])
    if len(found) != 1:
        raise Refused("unknown")
    user = found[0]
    _require_ours(user)
    by = Actor(
        user_id=user.pk, role=Role(user.role), address=request.META.get("REMOTE_ADDR", "")
    )  # fmt: skip
    try:
        login.account = link_subject(user, claims["sub"], by=by)
    except CaseworkError as error:
        raise Refused("other_subject") from error
    return user


def uid_of(issuer: str, subject: str) -> str:
    """What is kept of a subject: a subject of another issuer is another person."""
    return hashlib.sha256(f"{issuer}\0{subject}".encode()).hexdigest()


def origin_of(claims: Mapping[str, Any]) -> dict[str, str]:
    """Whose session there this is, as hashes, as far as told: what a logout there names."""
    return {
        name: uid_of(claims["iss"], claims[name])
        for name in ("sub", "sid")
        if isinstance(claims.get(name), str)
    }


@transaction.atomic
def link_subject(user: User, subject: str, *, by: Actor) -> SocialAccount:
    """Let this subject of the configured issuer sign in as the person.

    Raises CaseworkError where the person has another one, or somebody else has this.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if SocialAccount.objects.filter(user=user, provider=PROVIDER_ID).exists():
        raise CaseworkError(f"{user.username} has a subject already: forget that one first.")
    account, is_new = SocialAccount.objects.get_or_create(
        provider=PROVIDER_ID, uid=uid_of(settings.OIDC_ISSUER, subject), defaults={"user": user}
    )
    if not is_new:
        raise CaseworkError("Somebody else signs in by this subject.")
    record_event(None, "link_sign_in", f"user:{user.pk}", by=by)
    return account


@transaction.atomic
def forget_subject(user: User, *, by: Actor) -> bool:
    """The person signs in from outside no more; False where there was nothing to forget."""
    number, _each = SocialAccount.objects.filter(user=user, provider=PROVIDER_ID).delete()
    if number:
        record_event(None, "unlink_sign_in", f"user:{user.pk}", by=by)
    return bool(number)


def refusal(request: HttpRequest, reason: str) -> HttpResponse:
    """One sentence for the person, the reason for the log; who gets no account is not told why."""
    logger.warning("outside_sign_in_refused", reason=reason)
    sentences = {
        "away": _("The sign-in of your organisation does not answer. Try again in a minute."),
        "cancelled": _("The sign-in was ended at your organisation."),
    }
    no_account = {"unknown", "closed", "other_door", "other_subject"}
    sentence = sentences.get(reason) or (
        _("This sign-in opens no account here: ask your administrator.")
        if reason in no_account
        else _("The answer of your organisation's sign-in did not fit: start again.")
    )
    status = 503 if reason == "away" else 403
    context = {"sentence": sentence, "status": status}
    return render(request, "account/oidc_refused.html", context, status=status)
