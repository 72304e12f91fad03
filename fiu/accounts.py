"""Signing in by link, the second factor again, and what allauth names and is closed here."""

from typing import Any

from allauth.account.forms import ReauthenticateForm as BaseReauthenticateForm
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.views import BaseReauthenticateView
from allauth.account.views import ReauthenticateView as ReauthenticatePasswordView
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.base.views import ReauthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import ViewRecoveryCodesView
from allauth.mfa.totp.forms import DeactivateTOTPForm
from allauth.mfa.totp.views import DeactivateTOTPView
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from fiu.factors import keep_hashed
from fiu.keys import forget_factor
from fiu.links import read_link, use_link
from fiu.middleware import actor_of
from fiu.models import User
from fiu.sessions import renew_session

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


@require_http_methods(["GET", "POST"])
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows whose link it is (a preview must not use it up); POST signs in."""
    found = read_link(token)
    if found is None:
        return _gone(request)
    user, next_page = found
    if request.method == "GET":
        return render(request, "account/sign_in_link.html", {"person": user})
    if not use_link(token):
        return _gone(request)
    if request.user.is_authenticated:
        request.session.flush()
    record_authentication(request, user, method="link")
    home = settings.LIAISON_PREFIX if user.role == "liaison" else settings.LOGIN_REDIRECT_URL
    response: HttpResponse = perform_login(
        request, Login(user=user, redirect_url=next_page or home)
    )
    return response


def _gone(request: HttpRequest) -> HttpResponse:
    """One page for a link that was used, is too old or never was one, so that it tells nothing."""
    return render(request, "account/sign_in_link_gone.html", {"status": 410}, status=410)


class SecondFactorAgain(ReauthenticateView):  # type: ignore[misc]  # allauth ships no types
    """Step-up. The request that waited for it goes on with the actor of this moment."""

    def form_valid(self, form: ReauthenticateForm) -> HttpResponse:
        form.save()
        renew_session(self.request)
        self.request.actor = actor_of(self.request)
        response: HttpResponse = BaseReauthenticateView.form_valid(self, form)
        return response


class PasswordAgain(ReauthenticatePasswordView):  # type: ignore[misc]
    """The password once more, before the own factors are changed."""

    def form_valid(self, form: BaseReauthenticateForm) -> HttpResponse:
        renew_session(self.request)
        response: HttpResponse = super().form_valid(form)
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


class CodesShownOnce(ViewRecoveryCodesView):  # type: ignore[misc]  # allauth ships no types
    """The recovery codes: themselves the first time, then only how many are left (S2)."""

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**given)
        codes = Authenticator.objects.filter(
            user=self.request.user, type=Authenticator.Type.RECOVERY_CODES
        )
        for factor in codes:
            keep_hashed(factor.wrap())
        return context


def closed(request: HttpRequest) -> HttpResponse:
    """Addresses that allauth names and this installation does not have."""
    raise Http404
