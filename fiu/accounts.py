"""One-time sign-in links: they stand for the password only, the second factor still follows."""

import secrets
from datetime import timedelta

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.views import BaseReauthenticateView
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.base.views import ReauthenticateView
from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from fiu.middleware import actor_of
from fiu.models import User

SALT = "fiu.sign-in-link"
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
    """A link for one sign-in within 15 minutes; dead as soon as the password changes."""
    token = signing.dumps(
        {
            "user": str(user.public_id),
            "nonce": secrets.token_urlsafe(12),
            "hash": user.get_session_auth_hash()[:16],
            "next": next_page,
        },
        salt=SALT,
    )
    return origin.rstrip("/") + reverse("sign_in_link", args=[token])


def read_token(token: str) -> tuple[User, str, str]:
    """The person, the single-use mark and the page behind a link.

    Raises Http404 for every reason alike: forged, expired, used, or an account that is closed.
    """
    try:
        content = signing.loads(token, salt=SALT, max_age=LIFETIME)
        user = User.objects.get(public_id=content["user"], is_active=True)
    except (signing.BadSignature, User.DoesNotExist, KeyError, ValidationError) as error:
        raise Http404 from error
    mark = f"sign-in-link:{content['nonce']}"
    if content["hash"] != user.get_session_auth_hash()[:16] or cache.get(mark):
        raise Http404
    return user, mark, content["next"]


@require_http_methods(["GET", "POST"])
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows whose link it is (a preview must not use it up); POST signs in."""
    user, mark, next_page = read_token(token)
    if request.method == "GET":
        return render(request, "account/sign_in_link.html", {"person": user})
    if not cache.add(mark, 1, LIFETIME.total_seconds() + 60):
        raise Http404
    if request.user.is_authenticated:
        request.session.flush()
    record_authentication(request, user, method="link")
    home = settings.LIAISON_PREFIX if user.role == "liaison" else settings.LOGIN_REDIRECT_URL
    response: HttpResponse = perform_login(
        request, Login(user=user, redirect_url=next_page or home)
    )
    return response


class SecondFactorAgain(ReauthenticateView):  # type: ignore[misc]  # allauth ships no types
    """Step-up. The request that waited for it goes on with the actor of this moment."""

    def form_valid(self, form: ReauthenticateForm) -> HttpResponse:
        form.save()
        self.request.actor = actor_of(self.request)
        response: HttpResponse = BaseReauthenticateView.form_valid(self, form)
        return response


def closed(request: HttpRequest) -> HttpResponse:
    """Addresses that allauth names and this installation does not have."""
    raise Http404
