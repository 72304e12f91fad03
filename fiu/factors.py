"""What the second factor keeps in the database, kept readable to this installation alone (S5).

The secret of an app is encrypted by AES-GCM under a key that comes from the secret key, which the
database does not hold. With another secret key it is lost: its person sets up a new one.

Recovery codes are shown once. Until then their seed is kept, encrypted alike; from then on a slow
hash of each code, encrypted once more, so that neither a copy of the database nor the key tells
them (S2).
"""

import base64
import hashlib
import hmac
import re
import secrets
from functools import cache

import structlog
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.utils import encrypt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

logger = structlog.get_logger(__name__)

MARK = "v1:"  # names key and method; what has none was kept before there was one
NONCE_BYTES = 12
HASHED = "scrypt:"
SALT_BYTES = 16
COST = 14  # of scrypt, as a power of two
CODE = re.compile(r"[0-9]{8}")
SPACES = str.maketrans("", "", " -")


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
            text = AESGCM(_key(settings.SECRET_KEY)).decrypt(nonce, sealed, MARK.encode()).decode()
        except InvalidTag:
            logger.exception("factor_of_another_key")
            return str(generate_totp_secret())
        return HashedCode(text) if text.startswith(HASHED) else text


class HashedCode(str):
    """The hash of a recovery code: equal to the code it was made of, and to no other text.

    allauth looks codes up in a list by comparing. Cost: 50 ms and 16 MB for what has the form of a
    code, nothing for anything else.
    """

    __slots__ = ()

    def __eq__(self, code: object) -> bool:
        if not isinstance(code, str) or not CODE.fullmatch(typed := code.translate(SPACES)):
            return False
        cost, salt, kept = self.removeprefix(HASHED).split(":")
        return hmac.compare_digest(kept, _slow_hash(typed, bytes.fromhex(salt), int(cost)))

    def __hash__(self) -> int:
        return super().__hash__()


def _slow_hash(code: str, salt: bytes, cost: int) -> str:
    return hashlib.scrypt(code.encode(), salt=salt, n=2**cost, r=8, p=1).hex()


@transaction.atomic
def keep_hashed(recovery_codes: RecoveryCodes) -> None:
    """Keep hashes of the codes that are left, in place of the seed they came from; once."""
    factor = Authenticator.objects.select_for_update().get(pk=recovery_codes.instance.pk)
    if "seed" not in factor.data:
        return
    kept = []
    for code in RecoveryCodes(factor).get_unused_codes():
        salt = secrets.token_bytes(SALT_BYTES)
        hashed = _slow_hash(code, salt, COST)
        kept.append(encrypt(f"{HASHED}{COST}:{salt.hex()}:{hashed}"))
    factor.data = {"migrated_codes": kept, "viewed_at": factor.data.get("viewed_at")}
    factor.save(update_fields=["data"])


@cache
def _key(secret: str) -> bytes:
    derived: bytes = HKDF(SHA256(), 32, salt=None, info=b"tracehold-factors").derive(
        secret.encode()
    )
    return derived
