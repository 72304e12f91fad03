"""The custody of each exhibit of a release as canonical JSON: a chain of hashes for each."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import rfc8785

from cases.dossier import Dossier
from cases.exports.custody import chained

NAME = "exhibits.json"
MIME = "application/json"
FORMAT = "tracehold-exhibits"
NOT_TOLD = "Who looked at it in the house, and what went to others."


@dataclass(frozen=True, slots=True)
class ExhibitLine:
    """One step of an exhibit's custody: when, what, by which office, and of which bytes.

    `audit_mark` names the step to the sender alone, another one in each release.
    """

    at: str
    step: str
    office: str
    file_sha256: str
    audit_mark: str


def render(dossier: Dossier, logs: Mapping[str, Sequence[ExhibitLine]]) -> bytes:
    """The log of each exhibit that goes out, by its number.

    hash = SHA-256(prefix | canonical JSON of the line without its hash).
    """
    told: list[Any] = []  # of what canonical JSON takes
    for each in dossier.exhibits:
        if not each.name:
            continue
        log = chained({"exhibit": each.number, **asdict(line)} for line in logs[each.number])
        told.append({"exhibit": each.number, "file": each.name, "log": log})
    return rfc8785.dumps(
        {
            "format": FORMAT,
            "format_version": 1,
            "release": dossier.seal.number if dossier.seal else None,
            "referral": dossier.referral,
            "exhibits": told,
            "not_told": NOT_TOLD,
        }
    )
