"""What the second factor keeps in the database, kept readable to this installation alone (S5).

The secret of an app and the seed of the recovery codes are encrypted by AES-GCM under a key that
comes from the secret key, which the database does not hold. With another secret key they are lost:
their people set up new ones.
"""

import base64
import secrets
from functools import cache

import structlog
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

logger = structlog.get_logger(__name__)

MARK = "v1:"  # names key and method; what has none was kept before there was one
NONCE_BYTES = 12


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """allauth's, which keeps these texts as they are."""

    def encrypt(self, text: str) -> str:
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(_key(settings.SECRET_KEY)).encrypt(nonce, text.encode(), MARK.encode())
        return MARK + base64.b64encode(nonce + sealed).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The text again; one from before there was encryption is itself.

        What was kept under another secret key proves nothing any more: a secret that nobody has.
        """
        if not encrypted_text.startswith(MARK):
            return encrypted_text
        packed = base64.b64decode(encrypted_text.removeprefix(MARK))
        nonce, sealed = packed[:NONCE_BYTES], packed[NONCE_BYTES:]
        try:
            return AESGCM(_key(settings.SECRET_KEY)).decrypt(nonce, sealed, MARK.encode()).decode()
        except InvalidTag:
            logger.exception("factor_of_another_key")
            return str(generate_totp_secret())


@cache
def _key(secret: str) -> bytes:
    derived: bytes = HKDF(SHA256(), 32, salt=None, info=b"tracehold-factors").derive(
        secret.encode()
    )
    return derived
