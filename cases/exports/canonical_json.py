"""The dossier as RFC 8785 canonical JSON: the form that is hashed, signed for and kept."""

import rfc8785

from cases.dossier import Dossier, to_json

NAME = "dossier.json"
MIME = "application/json"


def render(dossier: Dossier) -> bytes:
    """UTF-8, sorted keys, amounts as text. Source: RFC 8785."""
    return rfc8785.dumps(to_json(dossier))
