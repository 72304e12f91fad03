"""One-time sign-in links: they stand for the password only, the second factor still follows.

A link is a random token; who it is for stands in the cache under the token's hash. This module
knows the address by itself: a command that prints a link need not load every page.
"""

import hashlib
import secrets
from datetime import timedelta

from django.core.cache import BaseCache, caches

from cases.policy import Role
from fiu.models import User

LIFETIME = timedelta(minutes=15)
ADDRESS = "/accounts/link/{token}/"  # of the route `sign_in_link`


def make_sign_in_link(user: User, origin: str, next_page: str = "") -> str:
    """A link for one sign-in within 15 minutes; dead as soon as the password changes."""
    token = secrets.token_urlsafe(18)
    content = {"user": user.pk, "hash": _password_mark(user), "next": next_page}
    place = caches["liaison" if user.role == Role.LIAISON else "default"]
    place.set(_cache_key(token), content, LIFETIME.total_seconds())
    return origin.rstrip("/") + ADDRESS.format(token=token)


def read_link(token: str) -> tuple[User, str] | None:
    """The person and the page behind a link.

    None for every reason alike: unknown, expired, used, or an account that is closed.
    """
    content = next((found for each in _places() if (found := each.get(_cache_key(token)))), None)
    if content is None:
        return None
    user = User.objects.filter(pk=content["user"]).first()
    if user is None or not user.is_active or content["hash"] != _password_mark(user):
        return None
    return user, content["next"]


def use_link(token: str) -> bool:
    """Use it up; False where somebody was faster."""
    return sum(each.delete(_cache_key(token)) for each in _places()) > 0


def _places() -> tuple[BaseCache, BaseCache]:
    """Where links lie: those of officers where the liaison door can read them."""
    return caches["default"], caches["liaison"]


def _cache_key(token: str) -> str:
    return f"sign-in-link:{hashlib.sha256(token.encode()).hexdigest()}"


def _password_mark(user: User) -> str:
    return user.get_session_auth_hash()[:16]
