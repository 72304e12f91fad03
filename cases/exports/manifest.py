"""The manifest of a release: each file with size and SHA-256, and where the audit chain stood."""

import hashlib
from collections.abc import Mapping, Sequence

import rfc8785

from cases.dossier import Dossier

NAME = "manifest.json"
MIME = "application/json"
FORMAT = "tracehold-manifest"


def render(
    dossier: Dossier,
    files: Mapping[str, bytes],
    *,
    watermark: str = "",
    notes: Sequence[str] = (),
) -> bytes:
    """Canonical JSON over the files of one copy, by name. `notes` says what is absent and why."""
    return rfc8785.dumps(
        {
            "format": FORMAT,
            "format_version": 1,
            "release": dossier.seal.number if dossier.seal else None,
            "referral": dossier.referral,
            "sealed_at": dossier.seal.sealed_at if dossier.seal else None,
            "audit": {
                "seq": dossier.seal.audit_seq if dossier.seal else None,
                "hash": dossier.seal.audit_hash if dossier.seal else None,
            },
            "watermark": watermark or None,
            "files": [
                {
                    "name": name,
                    "size": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
                for name, content in sorted(files.items())
            ],
            "notes": list(notes),
        }
    )
