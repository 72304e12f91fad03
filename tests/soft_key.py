"""A security key in software: answers WebAuthn options as a browser with a key would (ES256)."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_bytes
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

SHOWN = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


@dataclass
class SoftKey:
    """One key for one site; `origin` is what the browser would write into what is signed."""

    origin: str = "https://testserver"
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    id: bytes = field(default_factory=lambda: token_bytes(16))
    counter: int = 0

    def create(self, options: dict[str, Any]) -> str:
        """The answer to creation options, as the form posts it."""
        public = ES256.from_cryptography_key(self.private.public_key())
        data = AuthenticatorData.create(
            self._site(options["rp"]["id"]),
            SHOWN | AuthenticatorData.FLAG.AT,
            self.counter,
            AttestedCredentialData.create(Aaguid.NONE, self.id, public),
        )
        attested = AttestationObject.create("none", data, {})
        client = self._client(CollectedClientData.TYPE.CREATE, options)
        return self._told(client, attestationObject=attested)

    def get(self, options: dict[str, Any]) -> str:
        """The answer to request options."""
        self.counter += 1
        data = AuthenticatorData.create(self._site(options["rpId"]), SHOWN, self.counter)
        client = self._client(CollectedClientData.TYPE.GET, options)
        signature = self.private.sign(data + client.hash, ec.ECDSA(hashes.SHA256()))
        return self._told(client, authenticatorData=data, signature=signature)

    @staticmethod
    def _site(name: str) -> bytes:
        return sha256(name.encode()).digest()

    def _client(self, kind: str, options: dict[str, Any]) -> CollectedClientData:
        return CollectedClientData.create(kind, options["challenge"], self.origin)

    def _told(self, client: bytes, **parts: bytes) -> str:
        response = {name: websafe_encode(part) for name, part in parts.items()}
        return json.dumps(
            {
                "id": websafe_encode(self.id),
                "rawId": websafe_encode(self.id),
                "type": "public-key",
                "response": {"clientDataJSON": websafe_encode(client), **response},
                "clientExtensionResults": {},
            }
        )
