"""Asking a time-stamping authority (RFC 3161): one digest out, its signed answer in.

Only the host of FIU_TSA_URL is asked, no redirect is followed and no proxy of the environment used.
The digest tells nothing of what was hashed. The request is written here byte by byte: it is forty
bytes of DER, and of the answer only its status and our digest are looked at; who signed it is for
`openssl ts -verify`. Source: RFC 3161, 2.4; X.690.
"""

import hashlib
import http.client
import secrets
from urllib.parse import urlsplit

from cases.gateways.connections import connected

MAXIMUM = 64 * 1024
# AlgorithmIdentifier of SHA-256 with NULL parameters.
SHA_256 = bytes.fromhex("300d06096086480165030402010500")
SEQUENCE, INTEGER, OCTETS, BOOLEAN = 0x30, 0x02, 0x04, 0x01
GRANTED = (0, 1)  # 1: granted, with changes


class StampRefused(Exception):
    """No stamp came; the message is one sentence and never holds what was answered."""


def _der(tag: int, content: bytes) -> bytes:
    assert len(content) < 128  # the short form is enough for a request
    return bytes((tag, len(content))) + content


def request_for(digest: bytes, nonce: bytes) -> bytes:
    """A TimeStampReq, version 1, that asks for the signer's certificate.

    The nonce's first bit is set.
    """
    imprint = _der(SEQUENCE, SHA_256 + _der(OCTETS, digest))
    number = _der(INTEGER, b"\0" + nonce)  # never negative
    return _der(SEQUENCE, _der(INTEGER, b"\1") + imprint + number + _der(BOOLEAN, b"\xff"))


def _part(content: bytes, at: int) -> tuple[int, bytes, int]:
    """Tag, content and end of the DER value at a place. Raises StampRefused."""
    try:
        tag, length = content[at], content[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(content[at : at + size], "big") if 0 < size <= 4 else -1
            at += size
    except IndexError:
        length = -1
    if length < 0 or at + length > len(content):
        raise StampRefused("The authority's answer is no time stamp.")
    return tag, content[at : at + length], at + length


def check_answer(answer: bytes, digest: bytes, nonce: bytes) -> None:
    """Raise StampRefused unless the answer is granted and speaks of our digest and nonce."""
    tag, body, end = _part(answer, 0)
    if tag != SEQUENCE or end != len(answer):
        raise StampRefused("The authority's answer is no time stamp.")
    _tag, status, after = _part(body, 0)
    _tag, value, _end = _part(status, 0)
    if int.from_bytes(value, "big") not in GRANTED:
        raise StampRefused("The authority refuses to stamp.")
    token = body[after:]
    if SHA_256 + _der(OCTETS, digest) not in token or nonce not in token:
        raise StampRefused("The authority stamped something else.")


def stamp(url: str, content: bytes) -> bytes:
    """The authority's signed answer about the SHA-256 of `content`, as it came.

    Raises StampRefused. Takes at most some twenty-five seconds.
    """
    digest = hashlib.sha256(content).digest()
    # The first bit is set, so that the integer has one form only: with a zero byte before it.
    nonce = bytes((secrets.randbelow(128) | 128,)) + secrets.token_bytes(7)
    try:
        answer = _ask(url, request_for(digest, nonce))
    except (OSError, http.client.HTTPException) as error:
        raise StampRefused(f"The authority does not answer: {type(error).__name__}.") from None
    check_answer(answer, digest, nonce)
    return answer


def _ask(url: str, body: bytes) -> bytes:
    parts = urlsplit(url)
    with connected(parts) as connection:
        headers = {"Content-Type": "application/timestamp-query"}
        connection.request("POST", parts.path or "/", body=body, headers=headers)
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise StampRefused(f"The authority answers {response.status}.")
        answer = response.read(MAXIMUM + 1)
    if len(answer) > MAXIMUM:
        raise StampRefused("The authority's answer is too long.")
    return answer
