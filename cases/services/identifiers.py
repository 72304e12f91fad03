"""Pasted identifiers of a request: each line recognised and normalised, or kept with the reason.

Nothing is dropped: a line that is not understood stands in the request as it was given.
"""

import re
import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext as _

from tracing import reads

MAXIMUM_LINES = 500
MAXIMUM_LENGTH = 300
TXID = re.compile(r"(?:0x)?([0-9a-fA-F]{64})(?::[0-9]{1,9})?")
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}\.[^@\s.]{2,60}")
UID = re.compile(r"[A-Z]{0,3}-?[0-9]{5,20}")
PREFIX = re.compile(r"(name|uid|account|email|e-mail|tx|txid|address)\s*[:=]\s*(.+)", re.IGNORECASE)
PREFIXES = {
    "name": "name", "uid": "uid", "account": "uid", "email": "email", "e-mail": "email",
    "tx": "txid", "txid": "txid", "address": "address",
}  # fmt: skip
DIRECTION = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class GivenIdentifier:
    """One identifier as it was written; `reason` says why it is not valid, or that it repeats."""

    line: int
    kind: str
    as_given: str
    normalised: str = ""
    ledger: str = ""
    valid: bool = False
    reason: str = ""


def read_identifiers(text: str) -> list[GivenIdentifier]:
    """Every line that is not blank, in order; one with several addresses gives several rows."""
    found: list[GivenIdentifier] = []
    seen: dict[tuple[str, str, str], int] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        if not raw.strip():
            continue
        for each in _read_line(number, raw.strip()):
            key = (each.kind, each.ledger, each.normalised)
            if each.valid and key in seen:
                reason = _("repeats line %(number)d") % {"number": seen[key]}
                found.append(_bad(number, each.kind, raw.strip(), reason))
                continue
            if each.valid:
                seen[key] = number
            found.append(each)
    return found


def _bad(number: int, kind: str, raw: str, reason: str) -> GivenIdentifier:
    return GivenIdentifier(number, kind, raw[:MAXIMUM_LENGTH], reason=reason[:MAXIMUM_LENGTH])


def _good(number: int, kind: str, raw: str, normalised: str, ledger: str = "") -> GivenIdentifier:
    return GivenIdentifier(number, kind, raw[:MAXIMUM_LENGTH], normalised[:200], ledger, True)


def _read_line(number: int, raw: str) -> list[GivenIdentifier]:
    if len(raw) > MAXIMUM_LENGTH:
        return [_bad(number, "unknown", raw, _("the line is longer than 300 characters"))]
    if DIRECTION.search(raw):
        return [_bad(number, "unknown", raw, _("it holds signs that turn the reading direction"))]
    named = PREFIX.fullmatch(raw)
    if named:
        return _read_named(number, raw, PREFIXES[named[1].lower()], named[2].strip())
    if match := TXID.fullmatch(raw):
        return [_good(number, "txid", raw, match[1].lower())]
    if EMAIL.fullmatch(raw):
        return [_good(number, "email", raw, raw.casefold())]
    pasted = reads.parse_paste(raw)
    addresses = [line for line in pasted if line.address is not None]
    if addresses:
        return _addresses(number, raw, pasted)
    if UID.fullmatch(raw.upper()):
        return [_good(number, "uid", raw, raw.upper())]
    if _is_name(raw):
        return [_good(number, "name", raw, _spaced(raw))]
    reason = pasted[0].reason if pasted else ""
    if not reason or reason.startswith("no address"):
        reason = _("neither address, transaction, account number, e-mail nor name")
    return [_bad(number, "unknown", raw, reason)]


def _read_named(number: int, raw: str, kind: str, value: str) -> list[GivenIdentifier]:
    """A line that says itself what it is, such as `name: Kai-Wen Demoson`."""
    if kind == "address":
        return _addresses(number, raw, reads.parse_paste(value))
    if kind == "txid":
        match = TXID.fullmatch(value)
        wrong = _("a transaction has 64 hexadecimal digits")
        return [_good(number, kind, raw, match[1].lower()) if match else _bad(
            number, kind, raw, wrong)]  # fmt: skip
    if kind == "email":
        fits = EMAIL.fullmatch(value) is not None
        return [_good(number, kind, raw, value.casefold()) if fits else _bad(
            number, kind, raw, _("this is no e-mail address"))]  # fmt: skip
    return [_good(number, kind, raw, value.upper() if kind == "uid" else _spaced(value))]


def _addresses(number: int, raw: str, pasted: list[reads.PastedAddress]) -> list[GivenIdentifier]:
    return [
        _good(number, "address", raw, each.address.canonical, each.address.ledger)
        if each.address is not None
        else _bad(number, "address", raw, each.reason)
        for each in pasted
    ]


def _spaced(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _is_name(text: str) -> bool:
    """Two words or more of letters, or two to six signs of a script without blanks."""
    words = text.split()
    if not all(ch.isalpha() or ch in " -'’.," for ch in text) or len(max(words, key=len)) > 25:
        return False
    is_wide = all(unicodedata.east_asian_width(ch) in "WF" for ch in text if ch.isalpha())
    return len(words) >= 2 or (is_wide and 2 <= len(text) <= 6)
