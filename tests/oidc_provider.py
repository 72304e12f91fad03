"""A small OpenID Connect provider on loopback: real HTTP, RS256 keys, PKCE, one code at a time.

`claims` and `twist` say what the next ID token holds and how it is spoilt.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

CLIENT_ID = "tracehold"
CLIENT_SECRET = "of the tests: & = + %"


@cache
def rsa_key(name: str) -> RSAPrivateKey:
    """A key a name; making one takes a tenth of a second."""
    return generate_private_key(65537, 2048)


def jwk_of(name: str) -> dict[str, Any]:
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key(name).public_key()))
    return public | {"kid": name, "use": "sig", "alg": "RS256"}


@dataclass
class Provider:
    """What it answers next, and what it was asked."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    key: str = "one"
    algorithm: str = "RS256"
    kind: str = "logout+jwt"
    config: dict[str, Any] = field(default_factory=dict)
    token_answer: bytes | None = None
    twist: Callable[[dict[str, Any]], dict[str, Any]] = dict
    asked: dict[str, str] = field(default_factory=dict)  # the last authorization request
    grants: dict[str, dict[str, str]] = field(default_factory=dict)
    exchanged: list[dict[str, str]] = field(default_factory=list)

    def authorize(self, query: str) -> str:
        """The person signs in there: where the browser is sent back to."""
        self.asked = {name: values[0] for name, values in parse_qs(query).items()}
        code = f"code-{len(self.grants)}"
        self.grants[code] = self.asked
        back = urlencode({"code": code, "state": self.asked["state"]})
        return f"{self.asked['redirect_uri']}?{back}"

    def exchange(self, form: dict[str, str]) -> dict[str, Any]:
        self.exchanged.append(form)
        grant = self.grants.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            grant is None
            or (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET)
            or (grant["code_challenge_method"], grant["code_challenge"]) != ("S256", challenge)
            or form["redirect_uri"] != grant["redirect_uri"]
        ):
            return {"error": "invalid_grant"}
        return {"access_token": "access", "token_type": "Bearer", "id_token": self.token(grant)}

    def token(self, grant: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300,
            "nonce": grant["nonce"], "auth_time": now, **self.claims,
        }  # fmt: skip
        return self._signed(claims)

    def logout_token(self, **ended: object) -> str:
        """What it sends when a session there ends; `ended` names it by `sub`, `sid` or both."""
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 120, "jti": f"j-{now}",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, **ended,
        }  # fmt: skip
        return self._signed(claims, typ=self.kind)

    def _signed(self, claims: dict[str, Any], **headers: str) -> str:
        secret: Any = rsa_key(self.key) if self.algorithm != "HS256" else "x" * 32
        if self.algorithm == "none":
            secret = None
        # It names the key of the published set, whichever it signs with.
        return jwt.encode(
            self.twist(claims), secret, self.algorithm, headers={"kid": "one", **headers}
        )

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            **self.config,
        }


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that answers until the block ends."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/.well-known/openid-configuration":
                return self._tell(provider.discovery())
            if parts.path == "/keys":
                return self._tell({"keys": [jwk_of("one"), jwk_of("two")]})
            if parts.path == "/userinfo":
                assert self.headers["Authorization"] == "Bearer access"
                return self._tell(provider.userinfo)
            self.send_response(302)
            self.send_header("Location", provider.authorize(parts.query))
            self.end_headers()
            return None

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            told = provider.exchange(form)
            self._tell(told, 400 if "error" in told else 200, provider.token_answer)

        def _tell(self, value: Any, status: int = 200, content: bytes | None = None) -> None:
            body = json.dumps(value).encode() if content is None else content
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Nothing on the console of the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
