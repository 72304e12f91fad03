"""The custody log of a release as canonical JSON: each line carries the hash of the one before."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import rfc8785

from cases.dossier import Dossier

NAME = "custody.json"
MIME = "application/json"
FORMAT = "tracehold-custody"
PREFIX = b"tracehold-custody-v1\0"
FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class CustodyLine:
    """One step: when, what, about which part of the release, by which office.

    `audit_mark` names the event in the sender's audit chain: by it the sender finds the event, and
    nobody else can. It is another one in each release, so that two of one case share nothing.
    """

    at: str
    step: str
    about: str
    office: str
    audit_mark: str


def chained(lines: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Lines as canonical JSON takes them, each with its number, the hash before, and its own."""
    log, before = [], FIRST
    for number, line in enumerate(lines, 1):
        body = {"line": number, "before": before, **line}
        before = hashlib.sha256(PREFIX + rfc8785.dumps(body)).hexdigest()
        log.append({**body, "hash": before})
    return log


def render(dossier: Dossier, lines: Sequence[CustodyLine]) -> bytes:
    """The chain: hash = SHA-256(prefix | canonical JSON of the line without its hash)."""
    return rfc8785.dumps(
        {
            "format": FORMAT,
            "format_version": 2,
            "release": dossier.seal.number if dossier.seal else None,
            "referral": dossier.referral,
            "log": chained(asdict(line) for line in lines),
        }
    )
