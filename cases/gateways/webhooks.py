"""Telling a configured host that something changed: ids alone, signed, never redirected (S12)."""

import hashlib
import hmac
import http.client
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from cases.gateways.connections import connected, fault_of_address


class WebhookFailed(Exception):
    """The host did not take it; the message is one sentence, `status` its answer if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


def check_webhook_url(url: str) -> None:
    """Raise WebhookFailed unless this address may be told anything at all."""
    if fault := fault_of_address(url, settings.WEBHOOK_HOSTS, "FIU_WEBHOOK_HOSTS"):
        raise WebhookFailed(fault)


def signature(secret: bytes, at: int, body: bytes) -> str:
    """`t=1700000000,v1=` and the HMAC-SHA256 of "t.body" in hex, as the receiver recomputes it."""
    return f"t={at},v1=" + hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def send_webhook(url: str, told: Mapping[str, str], secret: bytes, at: int) -> int:
    """Post one telling; returns the status, one of 2xx. Raises WebhookFailed.

    `told` are ids and words of ours, never content; `at` the Unix time of this try.
    """
    check_webhook_url(url)
    body = json.dumps(told, separators=(",", ":"), sort_keys=True).encode()
    try:
        status = _post(url, body, signature(secret, at, body))
    except (OSError, http.client.HTTPException) as error:
        raise WebhookFailed(type(error).__name__) from None
    if not 200 <= status < 300:
        raise WebhookFailed(_("The host answers %(status)s.") % {"status": status}, status)
    return status


def _post(url: str, body: bytes, signed: str) -> int:
    parts = urlsplit(url)
    with connected(parts) as connection:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Content-Type": "application/json", "Tracehold-Signature": signed}
        connection.request("POST", path, body=body, headers=headers)
        return connection.getresponse().status
