"""What a browser says a security key answered: anything may stand in it."""

import struct
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    ReauthenticateWebAuthnForm,
)

# What the parsers raise for bytes that no key made.
UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError, struct.error)


class NewKeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    """A garbled answer is a wrong one, not an error of the server."""

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except UNREADABLE as error:
            raise get_adapter().validation_error("incorrect_code") from error
        return cleaned


class _Readable:
    def clean_credential(self) -> Authenticator:
        try:
            found: Authenticator = super().clean_credential()  # type: ignore[misc]
        except UNREADABLE as error:
            raise get_adapter().validation_error("incorrect_code") from error
        return found


class KeyForm(_Readable, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """The second step of a sign-in."""


class KeyAgainForm(_Readable, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A step-up."""
