"""Which letters a receiver takes, and what a person still lacks for its form."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from cases.exports.suspicion.values import Person

# What XML 1.0 holds in no form, such as the form feed that comes along with text from a PDF.
NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def latin(text: str, pattern: str) -> str:
    """The text in the receiver's letters: accents dropped, what has no such letter left out."""
    plain = unicodedata.normalize("NFKD", text)
    kept = "".join(c for c in plain if re.fullmatch(pattern, c) and not unicodedata.combining(c))
    return " ".join(kept.split())


def missing_of(person: Person, profile: Mapping[str, Any]) -> list[str]:
    """Fields that the receiver demands and the person lacks; a name without a Latin letter too."""
    missing = [name for name in profile["required_subject"] if not getattr(person, name)]
    pattern = profile["name_pattern"]
    return missing + [
        name
        for name in ("first_name", "last_name")
        if name not in missing and not latin(getattr(person, name), pattern)
    ]
