"""One-time sign-in links: they stand for the password only, the second factor still follows."""

import hashlib
import secrets
from datetime import timedelta

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.views import BaseReauthenticateView
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.base.views import ReauthenticateView
from allauth.mfa.totp.forms import DeactivateTOTPForm
from allauth.mfa.totp.views import DeactivateTOTPView
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from fiu.keys import forget_factor
from fiu.middleware import actor_of
from fiu.models import User

LIFETIME = timedelta(minutes=15)
MAXIMUM_PASSWORD = 128


class MaximumLengthValidator:
    """S3: longer passwords only cost hashing time."""

    def validate(self, password: str, user: User | None = None) -> None:
        if len(password) > MAXIMUM_PASSWORD:
            raise ValidationError(
                _("A password has at most %(max)d characters."),
                code="password_too_long",
                params={"max": MAXIMUM_PASSWORD},
            )

    def get_help_text(self) -> str:
        return _("A password has at most %(max)d characters.") % {"max": MAXIMUM_PASSWORD}


def make_sign_in_link(user: User, origin: str, next_page: str = "") -> str:
    """A link for one sign-in within 15 minutes; dead as soon as the password changes.

    The link is a random token; who it is for stands in the cache under the token's hash.
    """
    token = secrets.token_urlsafe(18)
    content = {"user": user.pk, "hash": _password_mark(user), "next": next_page}
    cache.set(_cache_key(token), content, LIFETIME.total_seconds())
    return origin.rstrip("/") + reverse("sign_in_link", args=[token])


def read_token(token: str) -> tuple[User, str]:
    """The person and the page behind a link.

    Raises Http404 for every reason alike: unknown, expired, used, or an account that is closed.
    """
    content = cache.get(_cache_key(token))
    user = None if content is None else User.objects.filter(pk=content["user"]).first()
    if user is None or not user.is_active or content["hash"] != _password_mark(user):
        raise Http404
    return user, content["next"]


@require_http_methods(["GET", "POST"])
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows whose link it is (a preview must not use it up); POST signs in."""
    user, next_page = read_token(token)
    if request.method == "GET":
        return render(request, "account/sign_in_link.html", {"person": user})
    if not cache.delete(_cache_key(token)):
        raise Http404  # somebody was faster
    if request.user.is_authenticated:
        request.session.flush()
    record_authentication(request, user, method="link")
    home = settings.LIAISON_PREFIX if user.role == "liaison" else settings.LOGIN_REDIRECT_URL
    response: HttpResponse = perform_login(
        request, Login(user=user, redirect_url=next_page or home)
    )
    return response


def _cache_key(token: str) -> str:
    return f"sign-in-link:{hashlib.sha256(token.encode()).hexdigest()}"


def _password_mark(user: User) -> str:
    return user.get_session_auth_hash()[:16]


class SecondFactorAgain(ReauthenticateView):  # type: ignore[misc]  # allauth ships no types
    """Step-up. The request that waited for it goes on with the actor of this moment."""

    def form_valid(self, form: ReauthenticateForm) -> HttpResponse:
        form.save()
        self.request.actor = actor_of(self.request)
        response: HttpResponse = BaseReauthenticateView.form_valid(self, form)
        return response


class NewAuthenticator(DeactivateTOTPView):  # type: ignore[misc]  # allauth ships no types
    """Remove the authenticator; the last factor makes place for the next, until then no page opens.

    A security key that stands beside it is asked for instead.
    """

    def form_valid(self, form: DeactivateTOTPForm) -> HttpResponse:
        removed = self.authenticator.pk
        super().form_valid(form)
        return redirect(
            "mfa_activate_totp" if forget_factor(self.request, removed) else "mfa_index"
        )


def closed(request: HttpRequest) -> HttpResponse:
    """Addresses that allauth names and this installation does not have."""
    raise Http404
