"""Reading an ID token: every check of OpenID Connect Core 3.1.3.7, the signature included.

Source: OpenID Connect Core 1.0 section 3.1.3.7, RFC 8725 (algorithms are ours, not the token's).
"""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import jwt

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"})
LEEWAY_SECONDS = 60
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]


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
            options={"require": REQUIRED},
        )
    except jwt.PyJWTError as error:
        raise TokenRefused(type(error).__name__) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TokenRefused("unreadable") from error
    audience = claims["aud"]
    is_for_several = isinstance(audience, list) and len(audience) > 1
    if claims.get("azp", None if is_for_several else client_id) != client_id:
        raise TokenRefused("authorized_party")
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise TokenRefused("nonce")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise TokenRefused("subject")
    return claims


def _key(keys: Sequence[Mapping[str, Any]], kid: str | None) -> Mapping[str, Any]:
    """The key that the token names, or the only one where it names none."""
    signing = [each for each in keys if each.get("use", "sig") == "sig"]
    found = signing if kid is None else [each for each in signing if each.get("kid") == kid]
    if len(found) != 1:
        raise TokenRefused("key")
    return found[0]
