"""Reading an ID token and a logout token: every check of the standard, the signature included.

Source: OpenID Connect Core 1.0 section 3.1.3.7, OpenID Connect Back-Channel Logout 1.0 section 2.6,
RFC 8725 (algorithms are ours, not the token's).
"""

import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jwt

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"})
LEEWAY_SECONDS = 60
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]
REQUIRED_TO_END = ["iss", "aud", "exp", "iat", "jti"]
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
SECONDS_TO_ARRIVE = 600
LONGEST = 255  # letters of a subject or a session


class TokenRefused(Exception):
    """The token proves nothing; the message is a word for the log, without its content."""


def read_id_token(
    token: str,
    *,
    keys: Sequence[Mapping[str, Any]],
    issuer: str,
    client_id: str,
    nonce: str,
) -> dict[str, Any]:
    """The claims of a token that this issuer signed for us, for this very sign-in.

    Args:
        keys: the JWKs that the issuer publishes.
        nonce: what the browser's session was given at the start.

    Raises TokenRefused for everything else.
    """
    claims = _proven(token, REQUIRED, keys=keys, issuer=issuer, client_id=client_id)
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise TokenRefused("nonce")
    if not _is_name(claims["sub"]):
        raise TokenRefused("subject")
    return claims


def read_logout_token(
    token: str, *, keys: Sequence[Mapping[str, Any]], issuer: str, client_id: str
) -> dict[str, Any]:
    """The claims of a token by which this issuer ends sessions of `sub`, of `sid`, or of both.

    No other kind of token is one, nor is one that was under way for longer than ten minutes: kept
    by somebody, it would end sessions that began since. Raises TokenRefused.
    """
    claims = _proven(token, REQUIRED_TO_END, keys=keys, issuer=issuer, client_id=client_id)
    kind = str(jwt.get_unverified_header(token).get("typ"))  # signed, as all of the header
    if kind.lower().removeprefix("application/") != "logout+jwt":
        raise TokenRefused("kind")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise TokenRefused("event")
    if "nonce" in claims:
        raise TokenRefused("nonce")
    if time.time() - claims["iat"] > SECONDS_TO_ARRIVE:
        raise TokenRefused("late")
    told = [claims[name] for name in ("sub", "sid") if name in claims]
    if not told or not all(_is_name(each) for each in told):
        raise TokenRefused("subject")
    return claims


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST


def _proven(
    token: str,
    required: list[str],
    *,
    keys: Sequence[Mapping[str, Any]],
    issuer: str,
    client_id: str,
) -> dict[str, Any]:
    """Signed by a published key, from this issuer, for us, in its time."""
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise TokenRefused("algorithm")
        claims: dict[str, Any] = jwt.decode(
            token,
            key=jwt.PyJWK(dict(_key(keys, header.get("kid"))), algorithm),
            algorithms=[algorithm],
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": required},
        )
    except jwt.PyJWTError as error:
        raise TokenRefused(type(error).__name__) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TokenRefused("unreadable") from error
    audience = claims["aud"]
    is_for_several = isinstance(audience, list) and len(audience) > 1
    if claims.get("azp", None if is_for_several else client_id) != client_id:
        raise TokenRefused("authorized_party")
    return claims


def _key(keys: Sequence[Mapping[str, Any]], kid: str | None) -> Mapping[str, Any]:
    """The key that the token names, or the only one where it names none."""
    signing = [each for each in keys if each.get("use", "sig") == "sig"]
    found = signing if kid is None else [each for each in signing if each.get("kid") == kid]
    if len(found) != 1:
        raise TokenRefused("key")
    return found[0]
