"""There and back: the browser goes to the provider, and comes with a code that we exchange."""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from allauth.core.internal.ratelimit import consume_or_429
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET

from fiu.adapter import AccountAdapter
from fiu.limits import APP
from fiu.oidc.adapter import PROVIDER_ID, Refused, is_away, refusal, uid_of
from fiu.oidc.claims import TokenRefused, read_id_token

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
# What an answer of another shape raises deep inside; it is somebody else's answer.
UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class House(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth ships no types
    """allauth's client with the token's signature and nonce checked, whatever brought it."""

    state: dict[str, Any]

    def __init__(self, request: HttpRequest, provider_id: str = PROVIDER_ID) -> None:
        super().__init__(request, provider_id)

    def get_provider(self) -> Any:
        provider = super().get_provider()
        provider.oauth2_adapter_class = House
        return provider

    @property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says of itself. Raises Refused where that is another's word."""
        found: dict[str, Any] = super().openid_config
        if found["issuer"] != settings.OIDC_ISSUER:
            raise Refused("issuer")
        for name in ENDPOINTS:
            parts = urlsplit(found[name])
            if parts.scheme != "https" and parts.hostname not in LOOPBACK:
                raise Refused("endpoint")
        return found

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        origin = settings.FIU_ORIGIN or request.build_absolute_uri("/")
        return str(origin).rstrip("/") + reverse("oidc_callback")

    def complete_login(
        self, request: HttpRequest, app: Any, token: SocialToken, **given: Any
    ) -> SocialLogin:
        try:
            claims = read_id_token(
                str(given["response"].get("id_token", "")),
                keys=self.published_keys(),
                issuer=settings.OIDC_ISSUER,
                client_id=app.client_id,
                nonce=self.state["nonce"],
            )
        except TokenRefused as error:
            raise Refused(str(error)) from error
        address = self.openid_config.get("userinfo_endpoint")
        if "email" not in claims and address:
            told = self._json(address, {"Authorization": f"Bearer {token.token}"})
            if not hmac.compare_digest(str(told["sub"]).encode(), claims["sub"].encode()):
                raise Refused("userinfo")
            claims |= {name: told[name] for name in ("email", "email_verified") if name in told}
        uid = uid_of(claims["iss"], claims["sub"])
        login = SocialLogin(
            account=SocialAccount(provider=PROVIDER_ID, uid=uid), provider=self.get_provider()
        )
        login.claims = claims  # for pre_social_login; nothing of it is stored
        return login

    def published_keys(self) -> Sequence[Mapping[str, Any]]:
        """What the provider signs with now. Raises Refused, requests.RequestException."""
        keys: Sequence[Mapping[str, Any]] = self._json(self.openid_config["jwks_uri"])["keys"]
        return keys

    @staticmethod
    def _json(address: str, headers: dict[str, str] | None = None) -> Any:
        with get_adapter().get_requests_session() as session:
            answer = session.get(address, headers=headers)
            answer.raise_for_status()
            return answer.json()


class Callback(OAuth2CallbackView):  # type: ignore[misc]
    """Shows the adapter what the session kept at the start."""

    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, response = super()._get_state(request, provider)
        self.adapter.state = state
        return state, response


@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider, with state, nonce and PKCE challenge of this session.

    A link, since browsers hold forms to our own origin; another site cannot start it (`Sec-Fetch`).
    With `again` the provider has to ask anew: a step-up for who has no factor here.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return redirect("account_login")
    is_again = "again" in request.GET and request.user.is_authenticated
    if request.user.is_authenticated and not is_again:
        return redirect(AccountAdapter(request).get_login_redirect_url(request))
    nonce = secrets.token_urlsafe(24)
    parameters = {"nonce": nonce}
    if is_again:
        parameters |= {"prompt": "login", "max_age": "0"}
    classes = [each[4:] for each in settings.OIDC_SECOND_FACTOR if each.startswith("acr:")]
    if classes:
        parameters["acr_values"] = " ".join(classes)
    try:
        answer: HttpResponse = House(request).get_provider().redirect(
            request, "login", _next(request), auth_params=parameters, nonce=nonce
        )  # fmt: skip
    except requests.RequestException as error:
        return refusal(request, "away" if is_away(error) else "answer")
    except Refused as error:
        return refusal(request, str(error))
    except UNREADABLE:
        return refusal(request, "answer")
    return answer


def _next(request: HttpRequest) -> str | None:
    """Where the person wanted to go, if that is a page of this door."""
    page = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return page if is_ours and not page.startswith(settings.LIAISON_PREFIX) else None


@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Take the code that the provider sent with the browser; one sign-in of this address."""
    too_many: HttpResponse | None = consume_or_429(
        request, app=APP, action="login", limit_get=True
    )  # fmt: skip
    if too_many is not None:
        return too_many
    try:
        answer: HttpResponse = Callback.adapter_view(House(request))(request)
    except UNREADABLE:
        return refusal(request, "answer")
    return answer
