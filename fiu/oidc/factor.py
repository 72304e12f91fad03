"""A second factor that was shown outside, at the provider, and what it counts for here (S2, E6).

It counts only where FIU_OIDC_SECOND_FACTOR names the claim that proves it, and from the moment at
which the provider says it was shown: a session there may be older than one here.
"""

from collections.abc import Mapping
from typing import Any

from allauth.account.internal.flows.login import (
    AUTHENTICATION_METHODS_SESSION_KEY,
    get_authentication_records,
    record_authentication,
)
from allauth.mfa.stages import AuthenticateStage
from django.conf import settings
from django.http import HttpRequest

from fiu.models import User

OUTSIDE = "oidc"
NEVER_FRESH = 0.0  # the provider did not say when: enough to get in, not enough for a legal act
STATE_KEY = "factor_at"
ORIGIN_KEY = "fiu_outside"  # in a session: the subject and the session there, as hashes


def shown_at(claims: Mapping[str, Any], now: float) -> float | None:
    """When the provider saw a second factor, in seconds since 1970; None where it proves none."""
    methods = claims.get("amr")
    told = {f"amr:{each}" for each in methods} if isinstance(methods, list) else set()
    told.add(f"acr:{claims.get('acr')}")
    if not told & set(settings.OIDC_SECOND_FACTOR):
        return None
    at = claims.get("auth_time")
    return min(float(at), now) if isinstance(at, int | float) else NEVER_FRESH


def keep_factor(request: HttpRequest, user: User, at: float) -> None:
    """Write it into the session that is being signed in, as allauth writes those shown here."""
    record_authentication(request, user, "mfa", type=OUTSIDE)
    records = request.session[AUTHENTICATION_METHODS_SESSION_KEY]
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [*records[:-1], records[-1] | {"at": at}]


def has_outside_factor(request: HttpRequest, user: User) -> bool:
    """Whether this session, or the sign-in under way, has one from outside."""
    return any(
        record.get("method") == "mfa" and record.get("type") == OUTSIDE
        for record in get_authentication_records(request, user)
    )


class SecondFactorStage(AuthenticateStage):  # type: ignore[misc]  # allauth ships no types
    """The second step of a sign-in, left out where the provider has proven one."""

    def _should_handle(self, request: HttpRequest) -> bool:
        user = self.login.user
        if isinstance(user, User) and has_outside_factor(request, user):
            return False
        return bool(super()._should_handle(request))
